"""Do the pieces of a lung map look like two lungs? If not, why not, in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.lungs.films import Placement

SMALLEST_PIECE = 0.012
"""Part of the film a piece must fill to count as a lung, or to be kept beside one."""
SMALLEST_AREA, LARGEST_AREA = 0.06, 0.65
"""Both lungs as a part of the film. The 152 films with masks have 0.14 to 0.50; films of the whole trunk have less."""
SMALLEST_SHARE = 0.2
"""The smaller lung as a part of the larger: an effusion or a lobectomy leaves more of it."""
LEAST_CONFIDENCE = 0.85
"""Mean probability inside the lungs. Held-out films have more; what is no chest is answered half-heartedly."""

NOTHING = "no lungs were found on this film"
ONE_PIECE = "only one lung was found on this film"
AREA = "what looks like lung fills {share:.0%} of this film, which two lungs do not"
UNEQUAL = "one of the two lungs found is less than a fifth of the other"
STACKED = "the two pieces found do not lie side by side as lungs do"
UNSURE = "nothing on this film is clearly lung"


@dataclass(frozen=True, eq=False)
class BothLungs:
    """``kept`` bool (side, side), the pieces that are lung; ``reason`` empty or why there are no two lungs."""

    kept: npt.NDArray[np.bool_]
    reason: str
    area_share: float


def find_both_lungs(probability: npt.NDArray[np.float32], film: Placement) -> BothLungs:
    """Return the pieces of a map on the network's square that are the lungs, and whether they are plausible.

    ``probability`` float32 (side, side). A sentence without capital and full stop says what is wrong.
    """
    area = film.height * film.width
    pieces, sizes = _pieces(probability >= 0.5, SMALLEST_PIECE * area)
    kept = _with_parts_between(pieces)
    share = float(kept.sum() / area)
    return BothLungs(kept, _fault(probability, np.where(kept, pieces, 0), sizes, share), share)


def _pieces(lung: npt.NDArray[np.bool_], smallest: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the connected pieces numbered from the largest on, holes filled and small ones gone, and their sizes."""
    labels, count = ndimage.label(ndimage.binary_fill_holes(lung))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = [number for number in np.argsort(-sizes, kind="stable") if sizes[number] >= smallest]
    renumbered = np.zeros(count + 1, dtype=np.int64)
    renumbered[[number + 1 for number in order]] = np.arange(1, len(order) + 1)
    return renumbered[labels], sizes[order]


def _with_parts_between(pieces: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return the two largest pieces, and the smaller ones whose middle lies in the box around those two.

    A tube or a consolidation may cut a lung in parts; an elbow or the stomach's air lies elsewhere.
    """
    kept = (pieces == 1) | (pieces == 2)
    count = int(pieces.max())
    if count > 2:
        rows, columns = (np.flatnonzero(kept.any(axis=axis)) for axis in (1, 0))
        centres = ndimage.center_of_mass(pieces > 0, pieces, range(3, count + 1))
        for number, (row, column) in enumerate(centres, start=3):
            if rows[0] <= row <= rows[-1] and columns[0] <= column <= columns[-1]:
                kept |= pieces == number
    return np.asarray(kept)


def _fault(
    probability: npt.NDArray[np.float32], pieces: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], share: float
) -> str:
    if not len(sizes):
        return NOTHING
    if not SMALLEST_AREA <= share <= LARGEST_AREA:
        return AREA.format(share=share)
    if len(sizes) == 1:
        return ONE_PIECE
    if sizes[1] < SMALLEST_SHARE * sizes[0]:
        return UNEQUAL
    (first_row, first_column), (second_row, second_column) = ndimage.center_of_mass(pieces > 0, pieces, [1, 2])
    if abs(first_column - second_column) < 1.5 * abs(first_row - second_row):
        return STACKED
    return UNSURE if float(probability[pieces > 0].mean()) < LEAST_CONFIDENCE else ""
