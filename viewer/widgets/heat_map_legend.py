"""The legend of the heat map: one colour scale, the same for every film; of two-sided maps from against to for."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.imaging.color_maps import COLOR_MAPS, scale_colors
from viewer.reading import HeatMap
from viewer.widgets import raster, theme

MARK_PX = 9
BAR_PX = 10
TEXT_PX = 18
_NEXT_PX = 14
"""Room between two numbers under the bar."""


class HeatMapLegend(QWidget):
    """Colours up to the model's full scale, what is never painted left empty, and the peaks of this map marked."""

    def __init__(self) -> None:
        super().__init__()
        self._color_map = next(iter(COLOR_MAPS))
        self._map: HeatMap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_color_map(self, name: str) -> None:
        """Use another colour map, by its name."""
        self._color_map = name
        self.update()

    def show_map(self, heat_map: HeatMap | None) -> None:
        """Show the scale of a map and where its peaks lie; None leaves the colours alone."""
        self._map = heat_map
        if heat_map is not None:
            self.setAccessibleName(_in_words(heat_map))
        self.update()

    def colors(self) -> np.ndarray:
        """Return the colours from left to right, uint8 (n, 3)."""
        return scale_colors(self._color_map, self._map is not None and self._map.is_two_sided)

    def _bar(self) -> QRectF:
        return QRectF(0, MARK_PX, self.width(), BAR_PX)

    def _x(self, value: float) -> float:
        """Return where a value lies, those beyond the scale at its end."""
        assert self._map is not None
        bar, share = self._bar(), value / self._map.full_scale
        if self._map.is_two_sided:
            share = (share + 1) / 2
        return bar.left() + bar.width() * min(max(share, 0.0), 1.0)

    def _draw_floor(self, painter: QPainter, heat_map: HeatMap) -> None:
        bar = self._bar()
        first = self._x(-heat_map.floor if heat_map.is_two_sided else 0.0)
        hidden = QRectF(QPointF(first, bar.top()), QPointF(self._x(heat_map.floor), bar.bottom()))
        painter.fillRect(hidden, theme.color("raised"))
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.drawRect(hidden.adjusted(0.5, 0.5, -0.5, -0.5))

    def _draw_peak(self, painter: QPainter, value: float) -> None:
        top = self._bar().top()
        x = min(max(self._x(value), 5.0), self.width() - 5.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("text"))
        painter.drawPolygon(QPolygonF([QPointF(x - 5, top - 8), QPointF(x + 5, top - 8), QPointF(x, top - 1)]))

    def _draw_numbers(self, painter: QPainter, heat_map: HeatMap) -> None:
        painter.setFont(theme.small_font())
        painter.setPen(theme.color("text_secondary"))
        line = QRectF(0, self._bar().bottom() + 2, self.width(), TEXT_PX)
        full, low, high = scale_number(heat_map.full_scale), *peaks(heat_map)
        more, less = (" or more" if value > heat_map.full_scale else "" for value in (high, -low))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, f"{full}{more}")
        if heat_map.is_two_sided:
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft, f"\N{MINUS SIGN}{full}{less}")
            painter.drawText(line, Qt.AlignmentFlag.AlignHCenter, "0")
            return
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, "0")
        floor, x = scale_number(heat_map.floor), self._x(heat_map.floor)
        half = painter.fontMetrics().horizontalAdvance(floor) / 2
        if half + _NEXT_PX < x < self.width() - 60:
            painter.drawText(QPointF(x - half, line.top() + painter.fontMetrics().ascent()), floor)

    def sizeHint(self) -> QSize:
        return QSize(280, MARK_PX + BAR_PX + TEXT_PX + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self._bar(), raster.to_image(np.ascontiguousarray(self.colors()[np.newaxis])))
        if self._map is None:
            return
        self._draw_floor(painter, self._map)
        low, high = peaks(self._map)
        for value in (low, high) if low < 0 else (high,):
            self._draw_peak(painter, value)
        self._draw_numbers(painter, self._map)


def peaks(heat_map: HeatMap) -> tuple[float, float]:
    """Return the strongest value against the class (0 or below; 0 of a one-sided map) and for it (0 or above)."""
    if not heat_map.is_two_sided:
        return 0.0, heat_map.peak
    # The cells outside the bounds are not seen; nothing larger than the peak is.
    inside = np.clip(heat_map.cells, -heat_map.peak, heat_map.peak)
    return min(float(inside.min()), 0.0), max(float(inside.max()), 0.0)


def scale_number(value: float) -> str:
    """Return a value with three significant figures and no exponent where it can be avoided."""
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _in_words(heat_map: HeatMap) -> str:
    full, floor = scale_number(heat_map.full_scale), scale_number(heat_map.floor)
    low, high = (scale_number(value) for value in peaks(heat_map))
    if heat_map.is_two_sided:
        return (
            f"Scale of the heat map, logits: {full} against the class to {full} for it, painted from {floor}, "
            f"strongest of this film {low} and {high}"
        )
    return f"Scale of the heat map, raw {heat_map.method} units: 0 to {full}, painted from {floor}, peak of this film {high}"
