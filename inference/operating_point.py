"""The decision: a named threshold on one class's probability, with what it finds and what it misses among held-out films.

A threshold chosen on the very films it is counted on flatters itself. Counts here are cross-fitted: each fold is called at the
threshold of the other folds; the threshold of a new film is that of all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.errors import DatasetError
from inference.evaluate import Proportion

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Choose = Callable[[Booleans, Floats], float]

BALANCED, FEW_MISSED = "balanced", "few_missed"
SENSITIVITY = 0.95
TITLES = {
    BALANCED: "Balanced: sensitivity and specificity together are largest (Youden)",
    FEW_MISSED: "Few missed: at least 95 of 100 are called",
}


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold by name; a film is called when its probability reaches it. Counts are of held-out films."""

    name: str
    threshold: float
    sensitivity: Proportion
    specificity: Proportion

    @property
    def title(self) -> str:
        """Return what the point is for; its name where none is known."""
        return TITLES.get(self.name, self.name)

    def calls(self, probability: float) -> bool:
        """Return whether a film with this probability of the positive class is called."""
        return probability >= self.threshold

    def record(self) -> dict[str, object]:
        """Return it for the card."""
        return {
            "name": self.name,
            "threshold": self.threshold,
            "sensitivity": self.sensitivity.record(),
            "specificity": self.specificity.record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> OperatingPoint:
        """Return what :meth:`record` wrote; DatasetError for anything else."""
        try:
            sensitivity, specificity = (_proportion(record[side]) for side in ("sensitivity", "specificity"))
            return cls(str(record["name"]), float(record["threshold"]), sensitivity, specificity)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError("The model's card does not hold its operating points; install the model again.") from error


def _proportion(record: Mapping[str, Any]) -> Proportion:
    count, total = int(record["count"]), int(record["total"])
    if not 0 <= count <= total:
        raise ValueError("more counted than there are")
    return Proportion(count, total)


def youden_threshold(positive: Booleans, score: Floats) -> float:
    """Return the threshold with the largest sensitivity + specificity; of several the lowest, which misses fewer.

    It lies on the score of a film: one at or above it is called. DatasetError where one side is empty.
    """
    _refuse_one_side(positive)
    levels = np.unique(score)
    inside, outside = np.sort(score[positive]), np.sort(score[~positive])
    found = 1 - np.searchsorted(inside, levels, side="left") / len(inside)
    left = np.searchsorted(outside, levels, side="left") / len(outside)
    gain = found + left
    return float(levels[int(np.flatnonzero(gain >= gain.max() - 1e-12)[0])])


def few_missed_threshold(positive: Booleans, score: Floats) -> float:
    """Return the highest threshold that calls 95 of 100 positives or more, the next film among them.

    With n positives it is the score of the ceil((n + 1) 0.95)-th, as in conformal prediction: the ceil(0.95 n)-th would call
    somewhat less than 95 of 100 new ones. With fewer than 19 it is the lowest of them. DatasetError where one side is empty.
    """
    _refuse_one_side(positive)
    falling = np.sort(score[positive])[::-1]
    rank = math.ceil((len(falling) + 1) * SENSITIVITY - 1e-9)
    return float(falling[min(rank, len(falling)) - 1])


def _refuse_one_side(positive: Booleans) -> None:
    if not 0 < int(positive.sum()) < len(positive):
        raise DatasetError("An operating point needs held-out films with the finding and without it.")


def fit_point(name: str, choose: Choose, positive: Booleans, score: Floats, fold: Integers) -> OperatingPoint:
    """Return a point with the threshold of all films and counts by cross-fitting.

    Parameters
    ----------
    positive, score, fold
        bool, float64 and int64 (films,): whether the finding is there, its calibrated held-out probability, the fold.
    """
    if not len(positive) == len(score) == len(fold):
        raise DatasetError(f"{len(positive)} truths, {len(score)} answers and {len(fold)} folds do not belong together.")
    called = np.zeros(len(score), dtype=bool)
    for k in np.unique(fold):
        own = fold == k
        called[own] = score[own] >= choose(positive[~own], score[~own])
    return OperatingPoint(
        name=name,
        threshold=choose(positive, score),
        sensitivity=Proportion(int((called & positive).sum()), int(positive.sum())),
        specificity=Proportion(int((~called & ~positive).sum()), int((~positive).sum())),
    )


def fit_points(positive: Booleans, score: Floats, fold: Integers) -> tuple[OperatingPoint, ...]:
    """Return the two points every model has: balanced, and few missed."""
    choices: dict[str, Choose] = {BALANCED: youden_threshold, FEW_MISSED: few_missed_threshold}
    return tuple(fit_point(name, choose, positive, score, fold) for name, choose in choices.items())


def decision_in_words(point: OperatingPoint, probability: float, title: str) -> str:
    """Return the decision with its threshold, counts and intervals, in two sentences."""
    verdict = f"Called {title}" if point.calls(probability) else f"Not called {title}"
    return (
        f"{verdict}: the threshold is {_percent(point.threshold)} %. It called {_counted(point.sensitivity)} of the held-out "
        f"films with {title} and left {_counted(point.specificity)} of those without."
    )


def _counted(found: Proportion) -> str:
    low, high = found.interval
    return f"{found.count} of {found.total} ({100 * found.value:.0f} %; {100 * low:.0f} to {100 * high:.0f})"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}" if value < 0.1 or value > 0.9 else f"{100 * value:.0f}"
