"""The heat map as it is laid over a film: its picture, its outline at half height, and its name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QTransform

from viewer.imaging.heatmap import heat_field, outline, overlay_rgba
from viewer.reading import HeatMap
from viewer.widgets.corner_texts import paint_line

HEAT_GRID = 384
"""Samples a side of the heat map's own picture: smooth to the eye, small in memory."""
_RIM, _LINE = (QColor(0, 0, 0, 170), 3.0), (QColor(245, 240, 225), 1.4)
_CELL_LINE = QColor(245, 240, 225, 110)
_TITLE_TOP = 10


@dataclass(frozen=True)
class HeatMapLook:
    """How a heat map is drawn."""

    opacity: float = 0.55
    color_map: str = "inferno"
    outline: bool = True
    cells: bool = False
    """Whether the edges of the map's cells are drawn: the finest thing it can say."""


class HeatMapLayer:
    """One heat map in film coordinates, so that it follows the film wherever it is moved, turned or mirrored."""

    def __init__(self) -> None:
        self.heat_map: HeatMap | None = None
        self.is_visible = False
        self._title = ""
        self._look = HeatMapLook()
        self._picture: QImage | None = None
        self._outline = QPainterPath()
        self._outline_against = QPainterPath()

    def show(self, heat_map: HeatMap | None, title: str) -> None:
        """Take another map; None takes it away."""
        self.heat_map, self._title, self._picture = heat_map, title, None

    @property
    def look(self) -> HeatMapLook:
        """Return how it is drawn."""
        return self._look

    def set_look(self, look: HeatMapLook) -> None:
        """Draw it with another opacity or colour map, with or without its outline."""
        self._look, self._picture = look, None

    def paint(self, painter: QPainter, film_to_canvas: QTransform, width: int) -> None:
        """Draw the map over the film of a canvas so many points wide; a map that is withheld is only named."""
        heat_map = self.heat_map
        if not self.is_visible or heat_map is None:
            return
        if heat_map.withheld:
            self._paint_title(painter, width, f"Heat map: {self._title}, withheld")
            return
        picture = self._picture or self._build(heat_map)
        top, left, bottom, right = heat_map.bounds_row_column
        painter.setTransform(film_to_canvas)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(left, top, right - left, bottom - top), picture)
        if self._look.cells:
            _paint_cells(painter, heat_map)
        if self._look.outline:
            self._paint_outline(painter)
        painter.resetTransform()
        self._paint_title(painter, width, f"Heat map: {self._title}")

    def _build(self, heat_map: HeatMap) -> QImage:
        top, left, bottom, right = heat_map.bounds_row_column
        field = heat_field(heat_map, HEAT_GRID, HEAT_GRID, top, left, bottom - top, right - left)
        look, two_sided = self._look, heat_map.is_two_sided
        rgba = overlay_rgba(field, heat_map.full_scale, heat_map.floor, look.color_map, look.opacity, two_sided)
        rgba = np.ascontiguousarray(rgba)
        self._picture = QImage(rgba.data, HEAT_GRID, HEAT_GRID, 4 * HEAT_GRID, QImage.Format.Format_RGBA8888).copy()
        self._outline = _outline_path(heat_map, field)
        self._outline_against = _outline_path(heat_map, -field) if two_sided else QPainterPath()
        return self._picture

    def _paint_outline(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for color, width in (_RIM, _LINE):
            pen = QPen(color, width)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPath(self._outline)
            pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.drawPath(self._outline_against)

    def _paint_title(self, painter: QPainter, width: int, text: str) -> None:
        metrics = QFontMetricsF(painter.font())
        x = (width - metrics.horizontalAdvance(text)) / 2
        paint_line(painter, QPointF(x, _TITLE_TOP + metrics.ascent()), text)


def _outline_path(heat_map: HeatMap, field: np.ndarray) -> QPainterPath:
    """Return where a field sampled on the map's bounds reaches half of the map's peak, in film coordinates."""
    top, left, bottom, right = heat_map.bounds_row_column
    across, down = (right - left) / field.shape[1], (bottom - top) / field.shape[0]
    path = QPainterPath()
    for line in outline(field, 0.5 * heat_map.peak):
        points = [QPointF(left + x * across, top + y * down) for y, x in line.tolist()]
        path.moveTo(points[0])
        for point in points[1:]:
            path.lineTo(point)
    return path


def _paint_cells(painter: QPainter, heat_map: HeatMap) -> None:
    """Draw the edges of the cells that lie inside the bounds."""
    top, left, bottom, right = heat_map.bounds_row_column
    pen = QPen(_CELL_LINE, 1)
    pen.setCosmetic(True)
    painter.setPen(pen)
    (first_row, first_column), (down, across) = heat_map.first_cell_row_column, heat_map.step_row_column
    rows, columns = heat_map.cells.shape
    ys = first_row + down * (np.arange(rows + 1) - 0.5)
    xs = first_column + across * (np.arange(columns + 1) - 0.5)
    painter.drawLines([QLineF(left, y, right, y) for y in ys.tolist() if top <= y <= bottom])
    painter.drawLines([QLineF(x, top, x, bottom) for x in xs.tolist() if left <= x <= right])
