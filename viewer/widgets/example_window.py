"""One held-out film, enlarged, with everything that is known of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeySequence, QPainter, QPaintEvent, QShortcut, QTextOption
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from viewer.reading import ClassProbability, ConfusionExample
from viewer.widgets import raster, theme
from viewer.widgets.controls import Hairline, PlainLabel, SectionLabel, SmallPrint, button
from viewer.widgets.probability_bars import ProbabilityBars

FACTS_PX = 320
NO_PICTURE = "The film is not installed on this machine."

HEAT_MAP = "Heat map (M)"
BESIDE = "Beside the film (B)"
COMING = "The heat map is being made"
WITHHELD = "No heat map: below the scale's floor"


class ExampleWindow(QDialog):
    """The film at the left, its facts at the right; M shows its own heat map, B puts it beside the film, the arrows go on."""

    next_requested = Signal()
    previous_requested = Signal()
    beside_requested = Signal(object)
    """ConfusionExample that is to stand beside the film."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Held-out film")
        self.resize(1000, 700)
        self._titles: dict[str, str] = {}
        self._example: ConfusionExample | None = None
        self.film_view = _Film()
        self._verdict = PlainLabel()
        self._bars = ProbabilityBars()
        self._facts = QFormLayout()
        self.address_view = _SelectableLines()
        self.heat_button = button(HEAT_MAP, "heat-map")
        self.beside_button = button(BESIDE, "layout")
        self.previous_button = button("Previous", "chevron-left")
        self.next_button = button("Next", "chevron-right")
        self._lay_out()
        self._connect()

    def set_titles(self, titles: Mapping[str, str]) -> None:
        """Name the classes: names to titles, in the order of an example's probabilities."""
        self._titles = dict(titles)

    def show_example(
        self,
        example: ConfusionExample,
        picture: np.ndarray | None,
        heat: np.ndarray | None,
        is_map_coming: bool = False,
    ) -> None:
        """Show a film: uint8 grey or RGB, and its heat map as uint8 RGBA; None for what there is not, or not yet."""
        self._example = example
        self.beside_button.setEnabled(example.path is not None)
        self.film_view.show_film(picture, heat)
        self.heat_button.setEnabled(picture is not None and heat is not None)
        is_withheld = picture is not None and heat is None
        self.heat_button.setText((COMING if is_map_coming else WITHHELD) if is_withheld else HEAT_MAP)
        is_right = example.truth == example.answer
        self._verdict.setText(
            f"{'Right' if is_right else 'Wrong'}: truth {self._title(example.truth)}, "
            f"the model said {self._title(example.answer)}"
        )
        self._verdict.setProperty("tone", "" if is_right else "refused")
        self._verdict.style().polish(self._verdict)
        rows = tuple(
            ClassProbability(name, title, probability)
            for (name, title), probability in zip(self._titles.items(), example.probabilities, strict=False)
        )
        self._bars.show_probabilities(rows, example.answer)
        self._fill_facts(example)

    def is_heat_visible(self) -> bool:
        """Return whether the film's own heat map is asked for."""
        return self.heat_button.isChecked()

    def _ask_beside(self) -> None:
        if self._example is not None:
            self.beside_requested.emit(self._example)

    def _title(self, name: str) -> str:
        return self._titles.get(name, name)

    def _fill_facts(self, example: ConfusionExample) -> None:
        while self._facts.rowCount():
            self._facts.removeRow(0)
        rows = (
            ("Source", example.source),
            ("View", example.view),
            ("Age", example.age),
            ("Sex", example.sex),
            ("Fold", example.fold),
            ("Distance", f"{example.distance:.2f} \N{MULTIPLICATION SIGN} the typical distance"),
            ("SHA-256", f"{example.sha256[:24]}\N{HORIZONTAL ELLIPSIS}"),
        )
        for name, value in rows:
            self._facts.addRow(SmallPrint(name, wrap=False), PlainLabel(value or "not stated", selectable=True))
        self.address_view.setPlainText(example.url or "not stated")

    def _lay_out(self) -> None:
        self._verdict.setFont(theme.title_font(16))
        self._facts.setHorizontalSpacing(16)
        self._facts.setVerticalSpacing(6)
        self._facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        facts = QWidget()
        inner = QVBoxLayout(facts)
        inner.setContentsMargins(0, 0, 8, 0)
        inner.setSpacing(12)
        inner.addWidget(self._verdict)
        inner.addWidget(self._bars)
        inner.addWidget(Hairline())
        inner.addLayout(self._facts)
        inner.addWidget(SectionLabel("Public address"))
        inner.addWidget(self.address_view)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(facts)
        right = QVBoxLayout()
        right.setContentsMargins(16, 16, 8, 16)
        right.setSpacing(12)
        right.addWidget(scroll, 1)
        right.addLayout(self._buttons())
        side = QWidget()
        side.setFixedWidth(FACTS_PX)
        side.setLayout(right)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.film_view, 1)
        row.addWidget(side)

    def _buttons(self) -> QVBoxLayout:
        self.heat_button.setCheckable(True)
        self.next_button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        steps = QHBoxLayout()
        steps.setSpacing(8)
        steps.addWidget(self.previous_button, 1)
        steps.addWidget(self.next_button, 1)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        column.addWidget(self.heat_button)
        column.addWidget(self.beside_button)
        column.addLayout(steps)
        return column

    def _connect(self) -> None:
        self.heat_button.toggled.connect(self.film_view.set_heat_visible)
        self.previous_button.clicked.connect(self.previous_requested)
        self.next_button.clicked.connect(self.next_requested)
        self.beside_button.clicked.connect(self._ask_beside)
        QShortcut(QKeySequence(Qt.Key.Key_B), self, self.beside_button.click)
        QShortcut(QKeySequence(Qt.Key.Key_M), self, self.heat_button.click)
        QShortcut(QKeySequence(Qt.Key.Key_Left), self, self.previous_button.click)
        QShortcut(QKeySequence(Qt.Key.Key_Right), self, self.next_button.click)


class _Film(QWidget):
    """The picture on black, as large as it fits."""

    def __init__(self) -> None:
        super().__init__()
        self._picture: QImage | None = None
        self._heat: QImage | None = None
        self._scaled: QImage | None = None
        self._is_heat_visible = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_film(self, picture: np.ndarray | None, heat: np.ndarray | None) -> None:
        """Show a film and keep its heat map ready."""
        self._picture = None if picture is None else raster.to_image(picture)
        self._heat = None if heat is None else raster.to_image(heat)
        self._scaled = None
        self.setAccessibleName(NO_PICTURE if picture is None else "The held-out film")
        self.update()

    def set_heat_visible(self, is_visible: bool) -> None:
        """Blend the heat map, or leave it out."""
        self._is_heat_visible = is_visible
        self.update()

    def _scaled_to(self, size: QSize) -> QImage:
        """Return the film at the screen's own size: shrunk once by area, not at every paint by neighbours."""
        assert self._picture is not None
        if self._scaled is None or self._scaled.size() != size:
            modes = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            self._scaled = self._picture.scaled(size, *modes)
        return self._scaled

    def sizeHint(self) -> QSize:
        return QSize(640, 640)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 240)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("canvas"))
        if self._picture is None:
            painter.setPen(theme.color("text_secondary"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, NO_PICTURE)
            return
        target = raster.fitted(self._picture.size().toSizeF(), QRectF(self.rect()))
        painter.drawImage(target, self._scaled_to((target.size() * self.devicePixelRatioF()).toSize()))
        if self._is_heat_visible and self._heat is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(target, self._heat)


class _SelectableLines(QPlainTextEdit):
    """Text to select and copy, broken anywhere; never a link."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.setFixedHeight(76)
        self.setFont(theme.small_font())
