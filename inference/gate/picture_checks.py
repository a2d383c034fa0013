"""What plain statistics tell of a picture with certainty: too small, empty, a drawing, noise. NumPy and Pillow.

Bounds lie far from every film: of 1,344 public chest films, none comes near one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inference.gate.reasons import Judgement, Reason, reason
from inference.preprocess import film_to_square, square_crop

SMALLEST_SIDE = 64
LEAST_SPREAD = 2.0
"""Standard deviation of the greys, of 255."""
FEWEST_GREYS = 24
LEAST_LIKENESS = 0.5
"""Correlation of a point with its right and lower neighbours, at 80 x 80."""
_SIDE = 80


def check_picture(grey: npt.NDArray[np.uint8], aspect_ratio: float = 1.0) -> Judgement:
    """Return the reasons that plain statistics give, at most one.

    Parameters
    ----------
    grey
        uint8 (rows, columns) as displayed: 0 black, 255 white.
    aspect_ratio
        Height of a pixel divided by its width.
    """
    found = _fault(grey, aspect_ratio)
    return Judgement(refusals=(found,) if found else ())


def _fault(grey: npt.NDArray[np.uint8], aspect_ratio: float) -> Reason | None:
    rows, columns = grey.shape
    if min(rows, columns) < SMALLEST_SIDE:
        return reason("too_small", rows=rows, columns=columns, least=SMALLEST_SIDE)
    if grey.std() < LEAST_SPREAD:
        return reason("one_grey")
    greys = int(np.count_nonzero(np.bincount(grey.ravel(), minlength=256)))
    if greys < FEWEST_GREYS:
        return reason("few_greys", greys=greys)
    square = film_to_square(grey, _SIDE, square_crop(rows, columns, aspect_ratio))
    if square.std() < LEAST_SPREAD:
        return reason("one_grey")
    return reason("noise") if neighbour_likeness(square) < LEAST_LIKENESS else None


def neighbour_likeness(square: npt.NDArray[np.uint8]) -> float:
    """Return the correlation of points with their right and lower neighbours, the lower of the two; 0 where undefined."""
    values = square.astype(np.float64)
    pairs = ((values[:, :-1], values[:, 1:]), (values[:-1], values[1:]))
    return min(_correlation(first, second) for first, second in pairs)


def _correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    a, b = first - first.mean(), second - second.mean()
    whole = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / whole if whole else 0.0
