"""What the model saw: the very square it was given, and where it lies on the film."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from viewer.reading import ModelInput, Reading
from viewer.widgets import raster, theme
from viewer.widgets.controls import SmallPrint

SIDE_PX = 132


class ModelInputView(QWidget):
    """The square beside its facts, and a box that draws its frame on the film."""

    frame_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.square = _Square()
        self._facts = SmallPrint(tone="")
        self.frame_box = QCheckBox("Frame on the film")
        self.frame_box.setToolTip("Draws on the film what part of it the model saw")
        self.frame_box.toggled.connect(self.frame_toggled)
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addWidget(self._facts)
        words.addWidget(self.frame_box)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.square, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_reading(self, reading: Reading) -> None:
        """Show what was read of a film."""
        if reading.model_input is None:
            return
        self.square.show_square(reading.model_input)
        self._facts.setText(facts_of(reading.model_input, reading))


class _Square(QWidget):
    """The square as it is, its pixels not smoothed away."""

    def __init__(self) -> None:
        super().__init__()
        self._picture: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_square(self, seen: ModelInput) -> None:
        """Draw another one."""
        self._picture = raster.to_image(seen.grey)
        self.setAccessibleName(f"What the model saw: {seen.grey.shape[1]} by {seen.grey.shape[0]} pixels")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(SIDE_PX, SIDE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("canvas"))
        if self._picture is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(self.rect()), self._picture)
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))


def facts_of(seen: ModelInput, reading: Reading) -> str:
    """Return the size of the square, of its pixels and of a cell of the map on the film, and its polarity."""
    rows, columns = seen.grey.shape
    lines = [f"{columns} \N{MULTIPLICATION SIGN} {rows} pixels"]
    if seen.pixel_mm is not None:
        lines.append(f"1 pixel = {seen.pixel_mm[1]:.1f} \N{MULTIPLICATION SIGN} {seen.pixel_mm[0]:.1f} mm of film")
    else:
        lines.append("The file states no millimetres.")
    heat_map = reading.heat_map(reading.predicted)
    if heat_map is not None and heat_map.cell_mm is not None:
        lines.append(f"1 cell of the map = {heat_map.cell_mm[1]:.0f} \N{MULTIPLICATION SIGN} {heat_map.cell_mm[0]:.0f} mm")
    lines.append(seen.polarity)
    return "\n".join(lines)
