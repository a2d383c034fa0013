"""The legend of the heat map: one colour scale, the same for every film."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.reading import HeatMap
from viewer.widgets import raster, theme

MARK_PX = 9
BAR_PX = 10
TEXT_PX = 18


class HeatMapLegend(QWidget):
    """Colours from 0 to the model's full scale, what is never painted hatched, and the peak of this map marked."""

    def __init__(self) -> None:
        super().__init__()
        self._colors = np.zeros((1, 3), dtype=np.uint8)
        self._map: HeatMap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_colors(self, colors: np.ndarray) -> None:
        """Use another colour map: uint8 (n, 3) RGB, from 0 to full scale."""
        self._colors = np.ascontiguousarray(colors[:, :3])
        self.update()

    def show_map(self, heat_map: HeatMap | None) -> None:
        """Show the scale of a map and where its peak lies; None leaves the colours alone."""
        self._map = heat_map
        if heat_map is not None:
            self.setAccessibleName(
                f"Scale of the heat map, raw {heat_map.method} units: 0 to {scale_number(heat_map.full_scale)}, "
                f"painted from {scale_number(heat_map.floor)}, peak of this film {scale_number(heat_map.peak)}"
            )
        self.update()

    def _bar(self) -> QRectF:
        return QRectF(0, MARK_PX, self.width(), BAR_PX)

    def _x(self, value: float, full_scale: float) -> float:
        bar = self._bar()
        return bar.left() + bar.width() * min(max(value / full_scale, 0.0), 1.0)

    def _draw_floor(self, painter: QPainter, heat_map: HeatMap) -> None:
        bar = self._bar()
        hidden = QRectF(bar.topLeft(), QPointF(self._x(heat_map.floor, heat_map.full_scale), bar.bottom()))
        painter.fillRect(hidden, theme.color("panel"))
        painter.fillRect(hidden, theme.color("raised"))
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.drawRect(hidden.adjusted(0.5, 0.5, -0.5, -0.5))

    def _draw_peak(self, painter: QPainter, heat_map: HeatMap) -> None:
        x, top = self._x(heat_map.peak, heat_map.full_scale), self._bar().top()
        x = min(max(x, 5.0), self.width() - 5.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("text"))
        painter.drawPolygon(QPolygonF([QPointF(x - 5, top - 8), QPointF(x + 5, top - 8), QPointF(x, top - 1)]))

    def _draw_numbers(self, painter: QPainter, heat_map: HeatMap) -> None:
        painter.setFont(theme.small_font())
        painter.setPen(theme.color("text_secondary"))
        line = QRectF(0, self._bar().bottom() + 2, self.width(), TEXT_PX)
        last = f"{scale_number(heat_map.full_scale)}{' or more' if heat_map.peak > heat_map.full_scale else ''}"
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, last)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, "0")
        floor = scale_number(heat_map.floor)
        half = painter.fontMetrics().horizontalAdvance(floor) / 2
        x = self._x(heat_map.floor, heat_map.full_scale)
        if half + 14 < x < self.width() - 60:
            painter.drawText(QPointF(x - half, line.top() + painter.fontMetrics().ascent()), floor)

    def sizeHint(self) -> QSize:
        return QSize(280, MARK_PX + BAR_PX + TEXT_PX + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self._bar(), raster.to_image(self._colors[np.newaxis]))
        if self._map is not None:
            self._draw_floor(painter, self._map)
            self._draw_peak(painter, self._map)
            self._draw_numbers(painter, self._map)


def scale_number(value: float) -> str:
    """Return a raw value with three significant figures and no exponent where it can be avoided."""
    return f"{value:.3g}"
