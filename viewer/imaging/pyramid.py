"""Halved copies of a picture, so that a small view of a large film is neither slow nor full of aliases."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

SMALLEST_SIDE = 256


def halve(pixels: np.ndarray) -> np.ndarray:
    """Return the mean of each 2 x 2 block, same dtype; an odd last row or column is dropped.

    ``pixels`` is (rows, columns) or (rows, columns, channels).
    """
    rows, columns = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    wide = np.float32 if pixels.dtype.kind == "f" else np.int64 if pixels.dtype.itemsize > 2 else np.int32
    top, bottom = pixels[0:rows:2, :columns], pixels[1:rows:2, :columns]
    total = np.add(top, bottom, dtype=wide)
    total = total[:, 0::2] + total[:, 1::2]
    if pixels.dtype.kind == "f":
        return np.asarray(total / 4, dtype=pixels.dtype)
    return np.asarray((total + 2) >> 2, dtype=pixels.dtype)


def build_pyramid(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the picture and its halves down to about 256 pixels; level k has 1 / 2**k of the size."""
    levels = [pixels]
    while min(levels[-1].shape[:2]) >= 2 * SMALLEST_SIDE:
        levels.append(halve(levels[-1]))
    return tuple(levels)


def resample(pixels: np.ndarray, box: tuple[float, float, float, float], rows: int, columns: int) -> np.ndarray:
    """Return part of a picture at another size, same dtype, free of aliases and without overshoot.

    Parameters
    ----------
    pixels
        (rows, columns) of any number, or (rows, columns, 3) uint8.
    box
        (left, top, right, bottom) in pixels, continuous: pixel i covers [i, i + 1).
    rows, columns
        Size of the result.
    """
    integer = pixels.dtype.kind in "iu" and pixels.ndim == 2
    source = PillowImage.fromarray(pixels.astype(np.float32) if pixels.ndim == 2 else pixels)
    result = np.asarray(source.resize((columns, rows), PillowImage.Resampling.HAMMING, box=box))
    return np.rint(result).astype(pixels.dtype) if integer else result
