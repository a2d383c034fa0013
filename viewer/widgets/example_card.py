"""One held-out film as a card: its picture, the truth, what the model said, how near it lies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.reading import ConfusionExample
from viewer.widgets import raster, theme
from viewer.widgets.controls import plain_tool_tip
from viewer.widgets.probability_bars import number

CARD_PX = 98
PICTURE_PX = 96
LINE_PX = 17
MARK_PX = 18
COUNTER_PICTURE_PX = 52
COUNTER_WIDTH_PX = 150
"""A counter-example has its words beside its picture: it stands where nothing scrolls, and takes little height."""
BROWSING_KEYS = frozenset({
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
})  # fmt: skip
"""They lead from card to card, and while a card has the keyboard not from image to image."""
TICK = (((4.5, 9.5), (8, 13), (13.5, 5.5)),)
CROSS = (((5, 5), (13, 13)), ((13, 5), (5, 13)))
"""Strokes within the mark."""
NOT_INSTALLED = "Picture not\ninstalled"
KEYS = "Enter enlarges it, B opens it beside the film."


class ExampleCard(QWidget):
    """A card that is opened by click or Enter, and asks for its picture once it comes into sight."""

    opened = Signal(object)
    """ConfusionExample."""
    beside_wanted = Signal(object)
    """ConfusionExample that is to stand beside the film."""
    picture_wanted = Signal(object)
    """ConfusionExample with a path."""
    key_wanted = Signal(int)
    """One of BROWSING_KEYS: another card is wanted."""

    def __init__(self, example: ConfusionExample, titles: Mapping[str, str], rank: int, is_counter: bool) -> None:
        super().__init__()
        self.example = example
        self.is_counter = is_counter
        self._titles = titles
        self._rank = rank
        self._picture: QImage | None = None
        self._heat: QImage | None = None
        self._is_heat_visible = False
        self._has_asked = False
        across = QSizePolicy.Policy.Expanding if is_counter else QSizePolicy.Policy.Fixed
        self.setFixedHeight(self.sizeHint().height())
        self.setSizePolicy(across, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.sentence())
        self.setToolTip(plain_tool_tip(f"{self.sentence()}\n{KEYS}"))

    @property
    def is_right(self) -> bool:
        """Return whether the model said the truth."""
        return self.example.truth == self.example.answer

    @property
    def has_picture(self) -> bool:
        """Return whether the film is drawn."""
        return self._picture is not None

    def sentence(self) -> str:
        """Return the card in words."""
        verdict = "right" if self.is_right else "wrong"
        kind = "Counter-example" if self.is_counter else f"Number {self._rank} by likeness"
        return (
            f"{kind}: truth {self._title(self.example.truth)}, the model said {self._title(self.example.answer)} "
            f"({number(self.probability())}), which is {verdict}. Distance {self.example.distance:.2f}."
        )

    def probability(self) -> float | None:
        """Return the probability of what the model said, or None for a class without one."""
        names = list(self._titles)
        index = names.index(self.example.answer) if self.example.answer in names else len(names)
        return self.example.probabilities[index] if index < len(self.example.probabilities) else None

    def set_picture(self, picture: QImage, heat: QImage | None) -> None:
        """Draw the film, and its own heat map over it when that is visible."""
        self._picture, self._heat = picture, heat
        self._has_asked = True
        self.update()

    def set_heat_visible(self, is_visible: bool) -> None:
        """Blend the film's own heat map, or leave it out."""
        self._is_heat_visible = is_visible
        self.update()

    def _title(self, name: str) -> str:
        return self._titles.get(name, name)

    def _picture_px(self) -> int:
        return COUNTER_PICTURE_PX if self.is_counter else PICTURE_PX

    def _line(self, index: int) -> QRect:
        """Return where a line of words stands: under the picture, or beside that of a counter-example."""
        if self.is_counter:
            left = COUNTER_PICTURE_PX + 6
            return QRect(left, 2 + index * LINE_PX, self.width() - left - 1, LINE_PX)
        return QRect(3, PICTURE_PX + 5 + index * LINE_PX, self.width() - 6, LINE_PX)

    def _ask(self) -> None:
        """Ask for the picture, unless the layout has meanwhile moved the card out of sight."""
        if self.visibleRegion().isEmpty():
            self._has_asked = False
        else:
            self.picture_wanted.emit(self.example)

    def _draw_picture(self, painter: QPainter, box: QRectF) -> None:
        painter.fillRect(box, theme.color("canvas"))
        if self._picture is not None:
            raster.draw_fitted(painter, self._picture, box, self._heat if self._is_heat_visible else None)
        elif self.example.path is None:
            self._draw_absence(painter, box)
        else:
            painter.setPen(theme.color("text_secondary"))
            painter.setFont(theme.number_font(theme.SECTION_PX))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "Opening")

    def _draw_absence(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(QPen(theme.color("outline"), 1, Qt.PenStyle.DashLine))
        painter.drawRect(box.adjusted(2.5, 2.5, -2.5, -2.5))
        painter.setPen(theme.color("text_secondary"))
        painter.setFont(theme.number_font(theme.SECTION_PX))
        about = [] if self.is_counter else [" ", self.example.source, self.example.view]
        lines = [NOT_INSTALLED.replace(" ", "\n") if self.is_counter else NOT_INSTALLED, *about]
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(box.adjusted(3, 8, -3, -4), flags, "\n".join(filter(None, lines)))

    def _draw_mark(self, painter: QPainter) -> None:
        """Draw a tick or a cross, told apart by shape as well as by colour."""
        box = QRectF(self._picture_px() + 1 - MARK_PX, 1, MARK_PX, MARK_PX)
        painter.fillRect(box, theme.color("panel", 235))
        painter.setPen(QPen(theme.color("right" if self.is_right else "refused"), 2))
        for stroke in TICK if self.is_right else CROSS:
            painter.drawPolyline(QPolygonF([box.topLeft() + QPointF(x, y) for x, y in stroke]))

    def _draw_words(self, painter: QPainter) -> None:
        rank = f"  #{self._rank}" if self._rank else ""
        lines = (
            (self._title(self.example.truth), "text", QFont.Weight.DemiBold),
            (f"said {self._title(self.example.answer)}", "text" if self.is_right else "refused", QFont.Weight.Normal),
            (f"{number(self.probability())}{rank}", "text_secondary", QFont.Weight.Normal),
        )
        for index, (text, ink, weight) in enumerate(lines):
            painter.setFont(theme.small_font(weight))
            painter.setPen(theme.color(ink))
            line = self._line(index)
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)

    def sizeHint(self) -> QSize:
        if self.is_counter:
            return QSize(COUNTER_WIDTH_PX, COUNTER_PICTURE_PX + 2)
        return QSize(CARD_PX, PICTURE_PX + 8 + 3 * LINE_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(COUNTER_PICTURE_PX + 60, self.sizeHint().height()) if self.is_counter else self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1, 1, self._picture_px(), self._picture_px())
        self._draw_picture(painter, box)
        self._draw_mark(painter)
        self._draw_words(painter)
        if self.hasFocus() or self.underMouse():
            painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "outline"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), 3, 3)
        if self.example.path is not None and not self._has_asked:
            self._has_asked = True
            QTimer.singleShot(0, self, self._ask)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit(self.example)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in BROWSING_KEYS:
            event.accept()  # Up, Down, Home and End are shortcuts of the window
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in BROWSING_KEYS:
            self.key_wanted.emit(event.key())
        elif event.key() == Qt.Key.Key_B:
            self.beside_wanted.emit(self.example)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit(self.example)
        else:
            super().keyPressEvent(event)


def to_images(picture: np.ndarray, heat: np.ndarray | None) -> tuple[QImage, QImage | None]:
    """Return a thumbnail and its RGBA overlay as images."""
    return raster.to_image(picture), None if heat is None else raster.to_image(heat)
