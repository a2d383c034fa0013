"""The films a model was judged on, each with the member that never saw its patient; and some of them, drawn fairly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.dataset import Sample
from inference.intervals import Integers


@dataclass(frozen=True, eq=False)
class HeldOutFilms:
    """Held-out films in the order of a bundle's table: int64 (films,) ``truth`` by class, ``fold`` by member."""

    samples: tuple[Sample, ...]
    truth: Integers
    fold: Integers

    def divisions(self) -> list[tuple[Integers, Integers]]:
        """Return for each member the films of the other folds and those of its own."""
        return [(np.flatnonzero(self.fold != k), np.flatnonzero(self.fold == k)) for k in np.unique(self.fold)]

    def choose(self, films: int, seed: int = 0) -> Sequence[int]:
        """Return the rows of some films, as many of each class, the classes in turn, of each patient one at the most.

        A class with fewer patients gives all it has. The first rows are as balanced as all of them.
        """
        order = np.random.default_rng(seed).permutation(len(self.samples))
        patient = [sample.patient or sample.sha256 for sample in self.samples]
        first = {patient[row]: int(row) for row in order[::-1]}
        rows = [int(row) for row in order if first[patient[row]] == row]
        classes = np.unique(self.truth)
        of_class = [[row for row in rows if self.truth[row] == k] for k in classes]
        most = -(-films // len(classes))
        return [own[turn] for turn in range(most) for own in of_class if turn < len(own)][:films]
