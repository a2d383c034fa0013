"""The heat map as it is laid over a film: its picture, its outline at half height, and its name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QTransform

from viewer.imaging.heatmap import heat_field, outline, overlay_rgba
from viewer.reading import HeatMap
from viewer.widgets.corner_texts import paint_line

HEAT_GRID = 384
"""Samples a side of the heat map's own picture: smooth to the eye, small in memory."""
_RIM, _LINE = (QColor(0, 0, 0, 170), 3.0), (QColor(245, 240, 225), 1.4)
_TITLE_TOP = 10


@dataclass(frozen=True)
class HeatMapLook:
    """How a heat map is drawn."""

    opacity: float = 0.55
    color_map: str = "inferno"
    outline: bool = True


class HeatMapLayer:
    """One heat map in film coordinates, so that it follows the film wherever it is moved, turned or mirrored."""

    def __init__(self) -> None:
        self.heat_map: HeatMap | None = None
        self.is_visible = False
        self._title = ""
        self._look = HeatMapLook()
        self._picture: QImage | None = None
        self._outline = QPainterPath()

    def show(self, heat_map: HeatMap | None, title: str) -> None:
        """Take another map; None takes it away."""
        self.heat_map, self._title, self._picture = heat_map, title, None

    def set_look(self, look: HeatMapLook) -> None:
        """Draw it with another opacity or colour map, with or without its outline."""
        self._look, self._picture = look, None

    def paint(self, painter: QPainter, film_to_canvas: QTransform, width: int) -> None:
        """Draw the map over the film of a canvas so many points wide; nothing where no cell rises above the floor."""
        heat_map = self.heat_map
        if not self.is_visible or heat_map is None or heat_map.peak < heat_map.floor:
            return
        picture = self._picture or self._build(heat_map)
        top, left, bottom, right = heat_map.bounds_row_column
        painter.setTransform(film_to_canvas)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(left, top, right - left, bottom - top), picture)
        if self._look.outline:
            self._paint_outline(painter)
        painter.resetTransform()
        self._paint_title(painter, width)

    def _build(self, heat_map: HeatMap) -> QImage:
        top, left, bottom, right = heat_map.bounds_row_column
        field = heat_field(heat_map, HEAT_GRID, HEAT_GRID, top, left, bottom - top, right - left)
        rgba = overlay_rgba(field, heat_map.full_scale, heat_map.floor, self._look.color_map, self._look.opacity)
        rgba = np.ascontiguousarray(rgba)
        self._picture = QImage(rgba.data, HEAT_GRID, HEAT_GRID, 4 * HEAT_GRID, QImage.Format.Format_RGBA8888).copy()
        self._outline = QPainterPath()
        across, down = (right - left) / HEAT_GRID, (bottom - top) / HEAT_GRID
        for line in outline(field, 0.5 * heat_map.peak):
            points = [QPointF(left + x * across, top + y * down) for y, x in line.tolist()]
            self._outline.moveTo(points[0])
            for point in points[1:]:
                self._outline.lineTo(point)
        return self._picture

    def _paint_outline(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for color, width in (_RIM, _LINE):
            pen = QPen(color, width)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPath(self._outline)

    def _paint_title(self, painter: QPainter, width: int) -> None:
        text = f"Heat map: {self._title}"
        metrics = QFontMetricsF(painter.font())
        x = (width - metrics.horizontalAdvance(text)) / 2
        paint_line(painter, QPointF(x, _TITLE_TOP + metrics.ascent()), text)
