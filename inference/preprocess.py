"""A film as seen on screen to the network's input: the same functions in training and in reading. No torch needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from inference.recipe import Preprocessing

SMALLEST_SIDE = 32


@dataclass(frozen=True)
class SquareCrop:
    """The part of a film the network sees, in film pixels, continuous: pixel i covers [i, i + 1)."""

    top: float
    left: float
    height: float
    width: float


def square_crop(rows: int, columns: int, aspect_ratio: float = 1.0) -> SquareCrop:
    """Return the largest centred square of a film.

    Parameters
    ----------
    rows, columns
        Size in pixels.
    aspect_ratio
        Height of a pixel divided by its width: the square is square on the patient, not in pixels.
    """
    side = min(rows * aspect_ratio, float(columns))
    height, width = side / aspect_ratio, side
    return SquareCrop((rows - height) / 2, (columns - width) / 2, height, width)


def input_crop(how: Preprocessing, rows: int, columns: int, aspect_ratio: float = 1.0) -> SquareCrop:
    """Return the part of a film that the recipe shows its network: the centred square or the whole film, less its margin."""
    whole = SquareCrop(0.0, 0.0, float(rows), float(columns))
    crop = whole if how.crop == "whole" else square_crop(rows, columns, aspect_ratio)
    return without_margin(crop, how.margin) if how.margin else crop


def without_margin(crop: SquareCrop, margin: float) -> SquareCrop:
    """Return what is left of a crop when ``margin``, a part of its side, is cut off at each edge."""
    top, left = crop.top + margin * crop.height, crop.left + margin * crop.width
    return SquareCrop(top, left, (1 - 2 * margin) * crop.height, (1 - 2 * margin) * crop.width)


def film_to_square(grey: npt.NDArray[np.uint8], size: int, crop: SquareCrop) -> npt.NDArray[np.uint8]:
    """Return the crop of a film resampled to (size, size), uint8, antialiased.

    ``grey`` is uint8 (rows, columns) as displayed: 0 black, 255 white, bone white.
    """
    box = (crop.left, crop.top, crop.left + crop.width, crop.top + crop.height)
    small = PillowImage.fromarray(grey).resize((size, size), PillowImage.Resampling.BILINEAR, box=box)
    return np.asarray(small)
