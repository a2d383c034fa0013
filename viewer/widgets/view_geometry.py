"""Where the film lies in the canvas: zoom, pan, quarter turns and flips as one transform."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QTransform

LARGEST_ZOOM = 40.0


@dataclass(frozen=True)
class ViewGeometry:
    """Film pixels (x column, y row, continuous: pixel i covers [i, i + 1)) to canvas points.

    ``zoom`` is canvas points per film column; ``pan`` the offset of the film's centre from the canvas's, in points;
    ``rotation`` clockwise degrees, a multiple of 90; flips act on the film as it is seen.
    """

    rows: int = 1
    columns: int = 1
    aspect_ratio: float = 1.0
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)
    rotation: int = 0
    mirrored: bool = False

    def to_canvas(self, size: QSizeF) -> QTransform:
        """Return the transform from film pixels to points of a canvas of that size."""
        transform = QTransform()
        transform.translate(size.width() / 2 + self.pan[0], size.height() / 2 + self.pan[1])
        transform.rotate(self.rotation)
        transform.scale(-self.zoom if self.mirrored else self.zoom, self.zoom * self.aspect_ratio)
        transform.translate(-self.columns / 2, -self.rows / 2)
        return transform

    def fit_zoom(self, size: QSizeF) -> float:
        """Return the zoom at which the whole film just fits."""
        width, height = float(self.columns), self.rows * self.aspect_ratio
        if self.rotation % 180:
            width, height = height, width
        return min(size.width() / width, size.height() / height)

    def fitted(self, size: QSizeF) -> ViewGeometry:
        """Return the film centred and as large as fits; turns and flips stay."""
        return replace(self, zoom=self.fit_zoom(size), pan=(0.0, 0.0))

    def fitted_to(self, area: QRectF, size: QSizeF) -> ViewGeometry:
        """Return the film so that a part of it, in film pixels, is centred and as large as fits; turns and flips stay."""
        plain = replace(self, zoom=1.0, pan=(0.0, 0.0))
        box = plain.to_canvas(size).mapRect(area)
        zoom = min(size.width() / box.width(), size.height() / box.height(), LARGEST_ZOOM)
        centred = replace(plain, zoom=zoom)
        at = centred.to_canvas(size).map(area.center())
        return replace(centred, pan=(size.width() / 2 - at.x(), size.height() / 2 - at.y()))

    def zoomed(self, factor: float, around: QPointF, size: QSizeF) -> ViewGeometry:
        """Return the view zoomed by a factor, the film point under ``around`` (canvas points) staying there."""
        smallest = min(self.fit_zoom(size), 1.0) / 4
        zoom = min(max(self.zoom * factor, smallest), LARGEST_ZOOM)
        applied = zoom / self.zoom
        offset = around - QPointF(size.width() / 2, size.height() / 2)
        x, y = offset.x(), offset.y()
        return replace(self, zoom=zoom, pan=(x - (x - self.pan[0]) * applied, y - (y - self.pan[1]) * applied))

    def panned(self, dx: float, dy: float, size: QSizeF) -> ViewGeometry:
        """Return the view moved by points; the film never leaves the canvas entirely."""
        bounds = self.to_canvas(size).mapRect(QRectF(0, 0, self.columns, self.rows))
        reach = ((bounds.width() + size.width()) / 2 - 40, (bounds.height() + size.height()) / 2 - 40)
        x, y = self.pan[0] + dx, self.pan[1] + dy
        return replace(self, pan=(min(max(x, -reach[0]), reach[0]), min(max(y, -reach[1]), reach[1])))

    def rotated(self, degrees: int) -> ViewGeometry:
        """Return the view turned clockwise about the canvas's centre."""
        x, y = self.pan
        for _ in range(degrees % 360 // 90):
            x, y = -y, x
        return replace(self, rotation=(self.rotation + degrees) % 360, pan=(x, y))

    def flipped_horizontally(self) -> ViewGeometry:
        """Return the view mirrored left to right as it is seen."""
        return replace(self, mirrored=not self.mirrored, rotation=-self.rotation % 360, pan=(-self.pan[0], self.pan[1]))

    def flipped_vertically(self) -> ViewGeometry:
        """Return the view mirrored top to bottom as it is seen: a mirror and half a turn."""
        mirrored = self.flipped_horizontally()
        return replace(mirrored, rotation=(mirrored.rotation + 180) % 360, pan=(self.pan[0], -self.pan[1]))


def outward(area: QRectF) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of the whole pixels an area touches, and one more on each side, from 0 up."""
    left, top = max(math.floor(area.left()) - 1, 0), max(math.floor(area.top()) - 1, 0)
    return left, top, math.ceil(area.right()) + 1, math.ceil(area.bottom()) + 1
