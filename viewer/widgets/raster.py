"""NumPy pictures as Qt images, and how they are laid into a rectangle."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter

FORMATS = {
    None: QImage.Format.Format_Grayscale8,
    3: QImage.Format.Format_RGB888,
    4: QImage.Format.Format_RGBA8888,
}


def to_image(pixels: np.ndarray) -> QImage:
    """Copy a picture to a QImage that owns its memory.

    Parameters
    ----------
    pixels
        uint8 (rows, columns) grey, (rows, columns, 3) RGB or (rows, columns, 4) RGBA, not premultiplied.
    """
    if pixels.dtype != np.uint8:
        raise TypeError(f"a picture for the screen is uint8, got {pixels.dtype}")
    channels = pixels.shape[2] if pixels.ndim == 3 else None
    packed = np.ascontiguousarray(pixels)
    rows, columns = packed.shape[:2]
    return QImage(packed.data, columns, rows, packed.strides[0], FORMATS[channels]).copy()


def fitted(size: QSizeF, into: QRectF) -> QRectF:
    """Return the largest centred rectangle of the aspect of ``size`` within ``into``."""
    scaled = size.scaled(into.size(), Qt.AspectRatioMode.KeepAspectRatio)
    x = into.x() + (into.width() - scaled.width()) / 2
    y = into.y() + (into.height() - scaled.height()) / 2
    return QRectF(x, y, scaled.width(), scaled.height())


def draw_fitted(painter: QPainter, picture: QImage, into: QRectF, over: QImage | None = None) -> QRectF:
    """Draw a picture as large as fits, ``over`` blended on the same place; return where it came to lie."""
    target = fitted(QSizeF(picture.size()), into)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(target, picture)
    if over is not None:
        painter.drawImage(target, over)
    return target
