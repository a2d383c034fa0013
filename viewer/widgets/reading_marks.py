"""What the second reader's work marks on the film: the frame of what the model saw, and the outline of the lungs."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform

from viewer.imaging.heatmap import outline

LONGEST_SIDE = 512
"""Samples of the longer side of the lungs whose outline is traced."""
_RIM = QColor(0, 0, 0, 170)
_FRAME, _LUNGS = QColor(99, 184, 173), QColor(219, 168, 96)


class ReadingMarks:
    """Marks in film coordinates: they follow the film wherever it is moved, turned or mirrored."""

    def __init__(self) -> None:
        self._frame = QPainterPath()
        self._lungs = QPainterPath()

    def set_frame(self, bounds: tuple[float, float, float, float] | None) -> None:
        """Frame (top, left, bottom, right) of the film, in film pixels; None takes the frame away."""
        self._frame = QPainterPath()
        if bounds is not None:
            top, left, bottom, right = bounds
            self._frame.addRect(QRectF(left, top, right - left, bottom - top))

    def set_lungs(self, lungs: np.ndarray | None) -> None:
        """Outline lungs, bool (rows, columns) of the film; None takes the outline away."""
        self._lungs = QPainterPath() if lungs is None else _outline_of(lungs)

    def clear(self) -> None:
        """Take everything away."""
        self.set_frame(None)
        self.set_lungs(None)

    def paint(self, painter: QPainter, film_to_canvas: QTransform) -> None:
        """Draw the marks over the film."""
        painter.setTransform(film_to_canvas)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for path, ink, style in (
            (self._lungs, _LUNGS, Qt.PenStyle.SolidLine),
            (self._frame, _FRAME, Qt.PenStyle.DashLine),
        ):
            for color, width in ((_RIM, 3.0), (ink, 1.4)):
                pen = QPen(color, width, style)
                pen.setCosmetic(True)
                painter.setPen(pen)
                painter.drawPath(path)
        painter.resetTransform()


def _outline_of(lungs: np.ndarray) -> QPainterPath:
    step = max(1, -(-max(lungs.shape) // LONGEST_SIDE))
    sampled = lungs[step // 2 :: step, step // 2 :: step].astype(np.float32)
    down, across = lungs.shape[0] / sampled.shape[0], lungs.shape[1] / sampled.shape[1]
    path = QPainterPath()
    for line in outline(sampled, 0.5):
        points = [QPointF(x * across, y * down) for y, x in line.tolist()]
        path.moveTo(points[0])
        for point in points[1:]:
            path.lineTo(point)
    return path
