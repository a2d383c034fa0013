"""Sets of answers that hold the truth nine times in ten, for each class by itself, and how they are said.

Class-conditional (Mondrian) split conformal prediction (Vovk et al. 2005; Sadinle et al. 2019): a class belongs to a film's set
unless the film gives it less probability than nine in ten held-out films of that class give it. The promise holds for films
like the held-out ones, not for another hospital's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.errors import DatasetError
from inference.evaluate import Proportion

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

LEVEL = 0.9


@dataclass(frozen=True)
class ConformalSets:
    """The least probability at which each class belongs to a set.

    Attributes
    ----------
    level
        Part of the films of each class whose set holds it, at least.
    least
        One probability a class; 0 where a class has too few held-out films for the level: it then belongs to every set.
    films
        Held-out films each stands on.
    """

    level: float
    least: tuple[float, ...]
    films: tuple[int, ...]

    def holds(self, probabilities: Floats) -> Booleans:
        """Return whether each class belongs to each set: bool of the shape of ``probabilities``, (..., classes)."""
        return np.asarray(probabilities >= np.array(self.least))

    def record(self) -> dict[str, object]:
        """Return them for the card."""
        return {"level": self.level, "least": list(self.least), "films": list(self.films)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ConformalSets:
        """Return what :meth:`record` wrote; DatasetError for anything else."""
        try:
            least, films = tuple(map(float, record["least"])), tuple(map(int, record["films"]))
            level = float(record["level"])
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError("The model's card does not hold its sets of answers; install the model again.") from error
        if len(least) != len(films) or not 0 < level < 1 or not all(0 <= p <= 1 for p in least):
            raise DatasetError("The sets of answers on the model's card contradict themselves; install the model again.")
        return cls(level, least, films)


def fit_sets(truth: Integers, probabilities: Floats, level: float = LEVEL) -> ConformalSets:
    """Return the sets of held-out answers.

    With n films of a class, in falling order of the probability they give it, the ceil((n + 1) level)-th is its bound: the one
    more is the new film itself (finite-sample correction).

    Parameters
    ----------
    truth, probabilities
        int64 (films,), float64 (films, classes), calibrated, of films that had no part in the temperature or the network.
    """
    if len(truth) != len(probabilities):
        raise DatasetError(f"{len(truth)} truths and {len(probabilities)} answers do not belong together.")
    own = [np.sort(probabilities[truth == k, k])[::-1] for k in range(probabilities.shape[1])]
    return ConformalSets(level, tuple(_bound(scores, level) for scores in own), tuple(len(scores) for scores in own))


def _bound(falling: Floats, level: float) -> float:
    # 10 * 0.9 is 9.000000000000002 in some sums; a rank must not jump for that.
    rank = math.ceil((len(falling) + 1) * level - 1e-9)
    return float(falling[rank - 1]) if rank <= len(falling) else 0.0


def cross_fitted_sets(truth: Integers, probabilities: Floats, fold: Integers, level: float = LEVEL) -> Booleans:
    """Return the sets of held-out films, bool (films, classes), each fold's from the answers of the other folds."""
    held = np.empty(probabilities.shape, dtype=bool)
    for k in np.unique(fold):
        others = fold != k
        held[~others] = fit_sets(truth[others], probabilities[others], level).holds(probabilities[~others])
    return held


@dataclass(frozen=True)
class SetsJudged:
    """What sets are worth: films of each class whose set holds it, set sizes, and how often a set of one is right."""

    coverage: tuple[Proportion, ...]
    sizes: tuple[int, ...]
    """Films with a set of no class, of one, of two ..."""
    one_right: Proportion

    @property
    def mean_size(self) -> float:
        """Return the mean number of classes in a set; NaN for no film."""
        films = sum(self.sizes)
        return sum(size * count for size, count in enumerate(self.sizes)) / films if films else math.nan

    def record(self, names: Sequence[str]) -> dict[str, object]:
        """Return it for the card."""
        return {
            "coverage": {name: found.record() for name, found in zip(names, self.coverage, strict=True)},
            "sizes": list(self.sizes),
            "one_right": self.one_right.record(),
        }


def judge_sets(truth: Integers, held: Booleans) -> SetsJudged:
    """Count how often sets, bool (films, classes), hold the truth."""
    classes = held.shape[1]
    inside = held[np.arange(len(truth)), truth]
    size = held.sum(axis=1)
    return SetsJudged(
        coverage=tuple(Proportion(int(inside[truth == k].sum()), int((truth == k).sum())) for k in range(classes)),
        sizes=tuple(np.bincount(size, minlength=classes + 1).tolist()),
        one_right=Proportion(int(inside[size == 1].sum()), int((size == 1).sum())),
    )


def set_in_words(held: Booleans, titles: Sequence[str]) -> str:
    """Return a set, bool (classes,), as the end of a sentence: "compatible with COVID-19 or pneumonia"."""
    names = [_within_a_sentence(title) for title, inside in zip(titles, held, strict=True) if inside]
    if not names:
        return "compatible with none of its answers"
    if len(names) == len(titles) > 1:
        return f"compatible with each of its answers: {_listed(names)}"
    return f"compatible with {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _within_a_sentence(title: str) -> str:
    """Return "No finding" as "no finding", "COVID-19" as it is."""
    return title[:1].lower() + title[1:] if title[1:2].islower() or title[1:2] == " " else title
