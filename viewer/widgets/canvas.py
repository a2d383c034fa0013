"""The film: drawn by QPainter alone (no OpenGL: remote desktops and old graphics), moved and windowed by the mouse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from viewer.imaging.documents.graphics import Graphic, GraphicText
from viewer.imaging.grayscale import DisplayTable, default_voi, display_table, drag_window, window_of
from viewer.imaging.image import Image, Voi
from viewer.imaging.pyramid import build_pyramid, resample
from viewer.reading import HeatMap
from viewer.widgets.corner_texts import CornerTexts, paint_corner_texts
from viewer.widgets.film_layers import FilmLayers
from viewer.widgets.graphics_painter import paint_graphics
from viewer.widgets.heat_map_layer import HeatMapLayer, HeatMapLook
from viewer.widgets.reading_marks import ReadingMarks
from viewer.widgets.view_geometry import ViewGeometry, outward

CLICK_REACH = 4
SMOOTH_UNTIL = 6.0
"""Above this many screen pixels a film pixel, pixels are drawn as squares."""


class Tool(Enum):
    """What the left button does."""

    WINDOW = "window"
    PAN = "pan"
    ZOOM = "zoom"


class Canvas(QWidget):
    """One film with its window, its place, its corner texts and, when asked, a heat map exactly over it."""

    voi_changed = Signal()
    view_changed = Signal()
    pixel_pointed = Signal(object)
    """(row, column) under the cursor, or None outside the film."""
    step_requested = Signal(int)
    """Wheel over a series: so many images on, or back where negative."""
    context_requested = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(240, 200)
        self.setAccessibleName("Film")
        self.image: Image | None = None
        self.voi: Voi | None = None
        self.inverted = False
        self.geometry_of_view = ViewGeometry()
        self.tool = Tool.WINDOW
        self.wheel_steps = False
        self.drag_down_brighter = True
        self.corner_texts = CornerTexts()
        self.corner_texts_visible = True
        self.message = ""
        self._levels: tuple[np.ndarray, ...] = ()
        self._table: DisplayTable | None = None
        self._on_screen: tuple[object, np.ndarray, QRectF] | None = None
        self._fits = True
        self._layers = FilmLayers()
        self._heat = HeatMapLayer()
        self._marks = ReadingMarks()
        self._press: QPointF | None = None
        self._last = QPointF()
        self._cursor: QPointF | None = None
        self._drag: str = ""
        self._drag_from: Voi | None = None
        self._moved = False
        self._space_held = False
        self._turned = 0.0
        self._graphics: tuple[Graphic | GraphicText, ...] = ()
        self._displayed: QRectF | None = None

    # What is shown

    def show_image(self, image: Image, levels: tuple[np.ndarray, ...] | None = None, keep_view: bool = False) -> None:
        """Show a film in its default window, or as the last one was shown.

        Parameters
        ----------
        levels
            Its pyramid, where a job has built it already.
        keep_view
            Keep window, zoom, turns and flips: the next image of a series of one size.
        """
        self.image = image
        self._layers.show(image)
        self._graphics, self._displayed = (), None
        if not keep_view:
            self.geometry_of_view = ViewGeometry(image.rows, image.columns, image.aspect_ratio)
            self.inverted = False
            self._fits = True
            self.voi = None if image.is_color else default_voi(image)
        self._levels = levels or build_pyramid(image.pixels)
        self._on_screen = None
        self.message = ""
        self.set_heat_map(None, "")
        self._marks.clear()
        self._rebuild_table()
        if self._fits:
            self._set_view(self.geometry_of_view.fitted(self._size()), fits=True)
        self.voi_changed.emit()

    def clear(self, message: str = "") -> None:
        """Show no film; a sentence in its place."""
        self.image, self.voi, self._levels, self._table, self._on_screen = None, None, (), None, None
        self.message = message
        self._layers.show(None)
        self._graphics, self._displayed = (), None
        self.set_heat_map(None, "")
        self._marks.clear()
        self.update()

    def set_voi(self, voi: Voi) -> None:
        """Show the film in another window or VOI LUT."""
        if self.image is None or self.image.is_color:
            return
        self.voi = voi
        self._rebuild_table()
        self.voi_changed.emit()

    def set_inverted(self, inverted: bool) -> None:
        """Turn the greys over, or back."""
        self.inverted = inverted
        self._rebuild_table()
        self.voi_changed.emit()

    def set_presentation(self, graphics: Sequence[Graphic | GraphicText], area: QRectF | None = None) -> None:
        """Draw what a presentation state has drawn, and show the part of the film, in film pixels, that it asks for."""
        self._graphics, self._displayed = tuple(graphics), area
        if area is not None:
            self._set_view(self.geometry_of_view.fitted_to(area, self._size()))
        self.update()

    def set_overlays_visible(self, visible: bool) -> None:
        """Show or hide the overlays of the file."""
        self._layers.set_overlays_visible(visible)
        self.update()

    def set_shutter_visible(self, visible: bool) -> None:
        """Close the display shutter of the file, or take it away; values under the cursor are told either way."""
        self._layers.set_shutter_visible(visible)
        self.update()

    def _rebuild_table(self) -> None:
        if self.image is not None:
            self._table = display_table(self.image, self.voi or default_voi(self.image), self.inverted)
        self.update()

    # The heat map

    def set_heat_map(self, heat_map: HeatMap | None, title: str) -> None:
        """Lay a map over the film (drawn while it is visible); None takes it away."""
        self._heat.show(heat_map, title)
        self.update()

    @property
    def heat_map(self) -> HeatMap | None:
        """Return the map that is laid over the film, visible or not."""
        return self._heat.heat_map

    @property
    def heat_map_visible(self) -> bool:
        """Return whether a map that is laid over the film is drawn."""
        return self._heat.is_visible

    @property
    def heat_map_look(self) -> HeatMapLook:
        """Return how the map is drawn."""
        return self._heat.look

    def set_heat_map_look(self, look: HeatMapLook) -> None:
        """Draw the map with another opacity or colour map, with or without its outline."""
        self._heat.set_look(look)
        self.update()

    def set_heat_map_visible(self, visible: bool) -> None:
        """Show or hide the map."""
        self._heat.is_visible = visible
        self.update()

    def set_model_frame(self, bounds: tuple[float, float, float, float] | None) -> None:
        """Frame the part of the film that the model saw, (top, left, bottom, right) in film pixels; None draws no frame."""
        self._marks.set_frame(bounds)
        self.update()

    def set_lungs(self, lungs: np.ndarray | None) -> None:
        """Outline lungs, bool (rows, columns) of the film; None draws none."""
        self._marks.set_lungs(lungs)
        self.update()

    # The view

    def fit(self) -> None:
        """Show the whole film."""
        self._set_view(self.geometry_of_view.fitted(self._size()), fits=True)

    def one_to_one(self) -> None:
        """Show one film pixel on one screen pixel."""
        factor = 1 / self.devicePixelRatioF() / self.geometry_of_view.zoom
        centre = QPointF(self.width() / 2, self.height() / 2)
        self._set_view(self.geometry_of_view.zoomed(factor, centre, self._size()))

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom, the film point under ``around`` (the canvas's centre when None) staying where it is."""
        centre = around or QPointF(self.width() / 2, self.height() / 2)
        self._set_view(self.geometry_of_view.zoomed(factor, centre, self._size()))

    def rotate(self, degrees: int) -> None:
        """Turn the film clockwise by a multiple of 90 degrees."""
        view = self.geometry_of_view.rotated(degrees)
        self._set_view(view.fitted(self._size()) if self._fits else view, fits=self._fits)

    def flip(self, horizontal: bool) -> None:
        """Mirror the film left to right, or top to bottom, as it is seen."""
        view = self.geometry_of_view
        flipped = view.flipped_horizontally() if horizontal else view.flipped_vertically()
        self._set_view(flipped, fits=self._fits)

    def reset(self) -> None:
        """Show the film as it was first shown."""
        if self.image is None:
            return
        self.geometry_of_view = ViewGeometry(self.image.rows, self.image.columns, self.image.aspect_ratio)
        self.inverted = False
        self.voi = None if self.image.is_color else default_voi(self.image)
        self._rebuild_table()
        self.fit()
        self.voi_changed.emit()

    @property
    def transform(self) -> QTransform:
        """Return film pixels (x, y) to canvas points."""
        return self.geometry_of_view.to_canvas(self._size())

    def screen_scale(self) -> float:
        """Return screen pixels per film pixel."""
        return self.geometry_of_view.zoom * self.devicePixelRatioF()

    def _size(self) -> QSizeF:
        return QSizeF(max(self.width(), 1), max(self.height(), 1))

    def _set_view(self, view: ViewGeometry, fits: bool = False) -> None:
        self.geometry_of_view = view
        self._fits = fits
        self.update()
        self.view_changed.emit()

    # Painting

    def _as_picture(self, values: np.ndarray, area: QRectF) -> QImage:
        """Return the values of part of the film through the present window, covered, as an 8-bit grey or RGB picture."""
        greys = values if self._table is None else self._table.apply(values)
        part = np.ascontiguousarray(self._layers.cover(greys, area))
        rows, columns = part.shape[:2]
        kind = QImage.Format.Format_RGB888 if part.ndim == 3 else QImage.Format.Format_Grayscale8
        return QImage(part.data, columns, rows, part.strides[0], kind).copy()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw film, heat map and corner texts."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if self.image is None:
            self._paint_message(painter)
            return
        self._paint_film(painter)
        self._heat.paint(painter, self.transform, self.width())
        self._marks.paint(painter, self.transform)
        if self.corner_texts_visible:
            painter.resetTransform()
            paint_corner_texts(painter, self.rect(), self.corner_texts)

    def _paint_film(self, painter: QPainter) -> None:
        transform = self.transform
        inverse, _ = transform.inverted()
        seen = inverse.mapRect(QRectF(self.rect())).intersected(QRectF(0, 0, *self._columns_rows()))
        if seen.isEmpty():
            return
        values, covered = self._values_on_screen(seen)
        painter.setTransform(transform)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(covered, self._as_picture(values, covered))
        self._layers.paint_overlays(painter, covered, (values.shape[0], values.shape[1]))
        if self._graphics:
            painter.resetTransform()
            displayed = self._displayed or QRectF(0, 0, *self._columns_rows())
            paint_graphics(painter, self._graphics, transform, transform.mapRect(displayed))

    def _values_on_screen(self, seen: QRectF) -> tuple[np.ndarray, QRectF]:
        """Return the film's values, one a screen pixel, over what is seen, and the film rectangle they cover.

        They are kept until the view changes: a drag of the window then costs a table look-up and no resampling. Where film
        pixels are drawn as squares, or one to one, the values are the film's own.
        """
        key = (self.geometry_of_view, self.size(), self.devicePixelRatioF())  # another film empties _on_screen
        if self._on_screen is None or self._on_screen[0] != key:
            scale = self.screen_scale()
            whole = scale >= SMOOTH_UNTIL or (abs(scale - 1) < 1e-6 and self.geometry_of_view.aspect_ratio == 1)
            self._on_screen = (key, *(self._own_pixels(seen) if whole else self._resampled(seen)))
        return self._on_screen[1], self._on_screen[2]

    def _own_pixels(self, seen: QRectF) -> tuple[np.ndarray, QRectF]:
        left, top, right, bottom = outward(seen)
        rows, columns = self._levels[0].shape[:2]
        right, bottom = min(right, columns), min(bottom, rows)
        return self._levels[0][top:bottom, left:right], QRectF(left, top, right - left, bottom - top)

    def _resampled(self, seen: QRectF) -> tuple[np.ndarray, QRectF]:
        factor = 2 ** self._level()
        level = self._levels[self._level()]
        rows, columns = level.shape[:2]
        left, top, right, bottom = outward(QRectF(seen.topLeft() / factor, seen.bottomRight() / factor))
        right, bottom = min(right, columns), min(bottom, rows)
        # A halved film of an odd size has lost its last row: the level's own edge is the film's.
        x, y = self.geometry_of_view.columns / columns, self.geometry_of_view.rows / rows
        across, down = self.screen_scale() * x, self.screen_scale() * y * self.geometry_of_view.aspect_ratio
        # Whole screen pixels, so that nothing is scaled once more while it is drawn.
        width, height = max(math.floor((right - left) * across), 1), max(math.floor((bottom - top) * down), 1)
        box = (0.0, 0.0, min(width / across, right - left), min(height / down, bottom - top))
        values = resample(level[top:bottom, left:right], box, height, width)
        return values, QRectF(left * x, top * y, box[2] * x, box[3] * y)

    def _columns_rows(self) -> tuple[int, int]:
        return self.geometry_of_view.columns, self.geometry_of_view.rows

    def _level(self) -> int:
        """Return the coarsest level that still has a pixel for every screen pixel."""
        scale = self.screen_scale()
        return min(max(int(math.log2(1 / scale) + 1e-9), 0), len(self._levels) - 1) if scale < 1 else 0

    def _paint_message(self, painter: QPainter) -> None:
        painter.setPen(QColor(170, 170, 165))
        painter.drawText(
            self.rect().adjusted(40, 40, -40, -40),
            Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
            self.message,
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted film fitted."""
        if self._fits and self.image is not None:
            self._set_view(self.geometry_of_view.fitted(self._size()), fits=True)
        super().resizeEvent(event)

    # Hands

    def film_position(self, point: QPointF) -> tuple[int, int] | None:
        """Return the (row, column) of the film pixel under a canvas point, or None outside the film."""
        inverse, _ = self.transform.inverted()
        at = inverse.map(point)
        row, column = math.floor(at.y()), math.floor(at.x())
        if self.image is None or not (0 <= row < self.image.rows and 0 <= column < self.image.columns):
            return None
        return row, column

    def pointed(self) -> tuple[int, int] | None:
        """Return the (row, column) of the film pixel under the cursor now, or None where it is not over the film."""
        return None if self._cursor is None else self.film_position(self._cursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag; the press itself changes nothing."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._press = self._last = event.position()
        self._moved = False
        self._drag_from = self.voi
        self._drag = self._meaning(event.button())

    def _meaning(self, button: Qt.MouseButton) -> str:
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and self._space_held):
            return Tool.PAN.value
        if button == Qt.MouseButton.RightButton:
            return Tool.ZOOM.value
        return self.tool.value if button == Qt.MouseButton.LeftButton else ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Window, pan or zoom by the drag; tell what lies under the cursor."""
        position = self._cursor = event.position()
        self.pixel_pointed.emit(self.pointed())
        if self._press is None or self.image is None:
            return
        if not self._moved and (position - self._press).manhattanLength() < CLICK_REACH:
            return
        self._moved = True
        step = position - self._last
        self._last = position
        if self._drag == Tool.WINDOW.value:
            self._drag_window(position - self._press, event.modifiers())
        elif self._drag == Tool.PAN.value:
            self._set_view(self.geometry_of_view.panned(step.x(), step.y(), self._size()))
        elif self._drag == Tool.ZOOM.value:
            self.zoom_by(math.exp(-step.y() / 150), self._press)

    def _drag_window(self, moved: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        if self.image is None or self._drag_from is None:
            return
        gain = 0.2 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        gain *= 4.0 if modifiers & Qt.KeyboardModifier.ControlModifier else 1.0
        dy = moved.y() if self.drag_down_brighter else -moved.y()
        self.set_voi(drag_window(window_of(self._drag_from, self.image), moved.x(), dy, self.image, gain))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag; a right button that did not move opens the menu."""
        if event.button() == Qt.MouseButton.RightButton and not self._moved:
            self.context_requested.emit(event.globalPosition().toPoint())
        self._press = None
        self._drag = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit the film; another button pressed twice in haste is pressed."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.fit()
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step through a series; zoom a single film, or any with Ctrl."""
        steps = event.angleDelta().y() / 120
        if self.wheel_steps and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._turned += steps  # a touchpad sends a notch of the wheel in many pieces
            notches = int(self._turned)
            self._turned -= notches
            if notches:
                self.step_requested.emit(-notches)
        else:
            self.zoom_by(1.15**steps, event.position())
        event.accept()

    def leaveEvent(self, event: object) -> None:
        """Tell that the cursor points at nothing."""
        self._cursor = None
        self.pixel_pointed.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hold Space to pan with the left button."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held = True
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Let go of Space."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held = False
            self.unsetCursor()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Let go of Space: its release will be told to another widget."""
        self._space_held = False
        self.unsetCursor()
        super().focusOutEvent(event)
