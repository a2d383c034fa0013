"""Letters, arrows and lead markers on a film: found as small bright pieces with sharp edges, and painted over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Bytes = npt.NDArray[np.uint8]
Booleans = npt.NDArray[np.bool_]

THICKNESSES = (0.05, 0.16)
"""Of the film's shorter side: strokes on an arm, whose own shadow is narrow; plates with letters. Thicker is anatomy."""
LARGEST_AREA = 0.03
"""Part of the film: a caption with its strokes grown together is smaller."""
SMALLEST_AREA = 6
"""Pixels: less is noise."""
BRIGHTER = 55
"""Grey levels above what surrounds it at the scale of one of :data:`THICKNESSES`."""
BRIGHT = 140
"""Grey level: lead and burned-in letters are near white."""
SHARP = 45
"""Mean grey levels a piece stands above the ring two to three pixels around it: bones slope, letters step."""
TOUCHING = 0.15
"""Part of a piece that may lie on the lungs; tubes and wires across them stay."""
BESIDE = 6
"""Pixels by which the lungs are widened for that: their edge slopes."""
MARGIN = 3
"""Pixels painted over around a piece, where its edge is blurred."""


def find_markers(grey: Bytes, lungs: Booleans | None = None) -> Booleans:
    """Return bool (rows, columns): the pieces that look like markers and lie outside the lungs.

    Parameters
    ----------
    grey
        uint8 (rows, columns) as displayed, some 500 pixels high or wide: the limits above are for that size.
    lungs
        bool (rows, columns); None where they are not known: then only the outer fifth on each side is searched.
    """
    passed_over = _not_searched(grey.shape, lungs)
    # As white, dark lungs do not make strips of body between and beside them stand out.
    around = np.where(ndimage.binary_dilation(passed_over > 0, iterations=BESIDE), np.uint8(255), grey)
    found = np.zeros(grey.shape, dtype=bool)
    for part in THICKNESSES:
        size = max(3, round(part * min(grey.shape)))
        over = grey.astype(np.int16) - ndimage.grey_opening(around, size=(size, size), mode="constant", cval=0)
        found |= _pieces(grey, (over >= BRIGHTER) & (grey >= BRIGHT), passed_over)
    return found


def paint_over(grey: Bytes, pieces: Booleans) -> Bytes:
    """Return the film with the pieces and a margin around them filled from their surroundings, smoothly."""
    if not pieces.any():
        return grey
    open_ = ndimage.binary_dilation(pieces, np.ones((3, 3)), iterations=MARGIN)
    known = (~open_).astype(np.float32)
    filled = np.where(open_, np.float32(grey[~open_].mean() if known.any() else 0), grey).astype(np.float32)
    for sigma in (48.0, 24.0, 12.0, 6.0, 3.0):  # from afar to near: what is near counts where there is any
        weight = ndimage.gaussian_filter(known, sigma, truncate=2.0)
        near = ndimage.gaussian_filter(grey * known, sigma, truncate=2.0) / np.maximum(weight, 1e-6)
        filled = np.where(open_ & (weight > 0.02), near, filled)
    return np.asarray(np.clip(np.rint(filled), 0, 255).astype(np.uint8))


def _pieces(grey: Bytes, bright: Booleans, passed_over: npt.NDArray[np.float32]) -> Booleans:
    """Return those connected pieces of ``bright`` that have a marker's size, edge and place."""
    labels, count = ndimage.label(bright, np.ones((3, 3)))
    if not count:
        return np.zeros(grey.shape, dtype=bool)
    numbers = np.arange(1, count + 1)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    chosen = (sizes >= SMALLEST_AREA) & (sizes <= LARGEST_AREA * grey.size)
    chosen &= ndimage.mean(passed_over, labels, numbers) <= TOUCHING
    chosen &= _steps(grey, labels, numbers) >= SHARP
    return np.asarray(np.concatenate([[False], chosen])[labels])


def _not_searched(shape: tuple[int, ...], lungs: Booleans | None) -> npt.NDArray[np.float32]:
    if lungs is not None:
        return lungs.astype(np.float32)
    rows, columns = shape
    middle = np.zeros(shape, dtype=np.float32)
    middle[rows // 5 : rows - rows // 5, columns // 5 : columns - columns // 5] = 1
    return middle


def _steps(grey: Bytes, labels: npt.NDArray[np.int32], numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return by how much each piece is brighter than the ring around it; a piece without a ring does not step."""
    near, far = (ndimage.grey_dilation(labels, size=(n, n)) for n in (3, 7))
    ring = np.where(near == 0, far, 0)
    there = np.bincount(ring.ravel(), minlength=len(numbers) + 1)[1:] > 0
    around = np.where(there, np.nan_to_num(_means(grey, ring, numbers)), 255.0)
    return np.asarray(_means(grey, labels, numbers) - around)


def _means(grey: Bytes, labels: npt.NDArray[np.int32], numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    count = np.bincount(labels.ravel(), minlength=len(numbers) + 1)[1:]
    total = np.bincount(labels.ravel(), weights=grey.ravel(), minlength=len(numbers) + 1)[1:]
    return np.asarray(total / np.maximum(count, 1))
