"""What lies over the greys of a film: padding and display shutter in one grey each, overlays in colour."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from viewer.imaging.grayscale import display_covers
from viewer.imaging.image import Image
from viewer.imaging.overlays import overlay_picture

_Area = tuple[float, float, float, float]


class FilmLayers:
    """The layers of one film, made at the resolution of the screen and kept until the view changes.

    They belong to the film's pixels, so that they follow it wherever it is moved, turned or mirrored. Nothing here touches
    the pixel values: under a shutter they are read as everywhere else.
    """

    def __init__(self) -> None:
        self._image: Image | None = None
        self._overlays_visible = True
        self._shutter_visible = True
        self._covers: tuple[object, tuple[tuple[np.ndarray, int], ...]] | None = None
        self._overlays: tuple[object, QImage] | None = None

    def show(self, image: Image | None) -> None:
        """Take the layers of another film; what is shown of them stays."""
        self._image = image
        self._covers = self._overlays = None

    def set_overlays_visible(self, visible: bool) -> None:
        """Show or hide the overlays of the file."""
        self._overlays_visible = visible

    def set_shutter_visible(self, visible: bool) -> None:
        """Close the display shutter of the file, or take it away."""
        self._shutter_visible = visible
        self._covers = None

    def cover(self, greys: np.ndarray, area: QRectF) -> np.ndarray:
        """Return greys, or RGB, with padding and shutter over them.

        Parameters
        ----------
        greys
            uint8 (rows, columns) or (rows, columns, 3); not changed.
        area
            The part of the film they show, in film pixels.
        """
        covers = self._covers_at(_edges(area), greys.shape[:2])
        if not covers:
            return greys
        covered = greys.copy()
        for mask, grey in covers:
            covered[mask] = grey
        return covered

    def _covers_at(self, area: _Area, shape: tuple[int, ...]) -> tuple[tuple[np.ndarray, int], ...]:
        if self._image is None:
            return ()
        if self._covers is None or self._covers[0] != (area, shape):
            at = np.ix_(_nearest(area[1], area[3], shape[0]), _nearest(area[0], area[2], shape[1]))
            masks = display_covers(self._image, self._shutter_visible)
            self._covers = (area, shape), tuple((mask[at], grey) for mask, grey in masks)
        return self._covers[1]

    def paint_overlays(self, painter: QPainter, area: QRectF, shape: tuple[int, int]) -> None:
        """Draw the overlays over an area of the film, whose picture has ``shape`` (rows, columns), in film coordinates."""
        if self._image is None or not self._image.overlays or not self._overlays_visible:
            return
        key = (_edges(area), shape)
        if self._overlays is None or self._overlays[0] != key:
            rows, columns = shape
            painted = overlay_picture(self._image.overlays, _edges(area), rows, columns)
            kind = QImage.Format.Format_RGBA8888_Premultiplied
            self._overlays = key, QImage(painted.data, columns, rows, 4 * columns, kind).copy()
        painter.drawImage(area, self._overlays[1])


def _edges(area: QRectF) -> _Area:
    return area.left(), area.top(), area.right(), area.bottom()


def _nearest(first: float, last: float, count: int) -> np.ndarray:
    """Return the film's rows, or columns, under the centres of ``count`` samples from ``first`` to ``last``."""
    return np.floor(first + (np.arange(count) + 0.5) * (last - first) / count).astype(np.intp)
