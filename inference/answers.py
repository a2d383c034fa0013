"""Held-out answers kept with the hashes of their films, so that no shuffled loader can put them beside other labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.dataset import Sample
from inference.errors import DatasetError
from inference.evaluate import Floats, Integers
from inference.files import write_bytes

DECIMALS = 5


@dataclass(frozen=True, eq=False)
class HeldOutAnswers:
    """The answers to films that were held out, each row with the SHA-256 of its film.

    Parameters
    ----------
    sha256
        Of each film's file; each stands once. Where a manifest lists one film twice, use :meth:`of_samples`.
    truth
        int64 (films,), class indices.
    logits
        float64 (films, classes), uncalibrated.

    Raises
    ------
    DatasetError
        If the three are not of one length, a film stands twice, a truth is no class, or a logit is not a finite number.
    """

    sha256: tuple[str, ...]
    truth: Integers
    logits: Floats

    def __post_init__(self) -> None:
        """Refuse what does not belong together."""
        if self.truth.ndim != 1 or self.logits.ndim != 2 or not len(self.sha256) == len(self.truth) == len(self.logits):
            raise DatasetError(
                f"{len(self.sha256)} films, truths {self.truth.shape} and answers {self.logits.shape} do not belong together."
            )
        if len(set(self.sha256)) < len(self.sha256):
            raise DatasetError("A film stands twice among the held-out answers; each film is answered once.")
        if not np.isin(self.truth, np.arange(self.logits.shape[1])).all():
            raise DatasetError(f"A truth among the held-out answers is none of the {self.logits.shape[1]} classes.")
        if not np.isfinite(self.logits).all():
            raise DatasetError("An answer among the held-out answers is not a finite number.")

    @classmethod
    def of_samples(cls, samples: Sequence[Sample], truth: Integers, logits: Floats) -> HeldOutAnswers:
        """Return the answers to ``samples``, row by row; of a film that is listed twice its first row is kept.

        Raises
        ------
        DatasetError
            If the lengths differ, or two rows of one film have different truths.
        """
        if not len(samples) == len(truth) == len(logits):
            raise DatasetError(f"{len(samples)} films, {len(truth)} truths and {len(logits)} answers do not belong together.")
        first: dict[str, int] = {}
        for row, sample in enumerate(samples):
            if truth[first.setdefault(sample.sha256, row)] != truth[row]:
                raise DatasetError(f"The film {sample.path.name} stands twice with different truths; remove a row.")
        rows = list(first.values())
        return cls(tuple(first), truth[rows], logits[rows])

    def aligned(self, samples: Sequence[Sample]) -> tuple[Integers, Floats]:
        """Return truths (films,) and logits (films, classes) in the order of ``samples``.

        Raises
        ------
        DatasetError
            If a film has no answer or an answer no film, or if films of one label have different truths, or films of
            different labels the same.
        """
        row_of = {sha256: row for row, sha256 in enumerate(self.sha256)}
        unanswered = [s.path.name for s in samples if s.sha256 not in row_of]
        if unanswered:
            raise DatasetError(f"{len(unanswered)} films have no held-out answer, {unanswered[0]} the first of them.")
        if unlisted := len(row_of.keys() - {s.sha256 for s in samples}):
            raise DatasetError(f"{unlisted} held-out answers are about films that are not listed here.")
        rows = np.array([row_of[s.sha256] for s in samples], dtype=np.int64)
        _refuse_other_labels(samples, self.truth[rows])
        return self.truth[rows], self.logits[rows]

    def save(self, path: Path) -> None:
        """Write them as JSON, logits to five decimals; TrainingError if the disk refuses."""
        logits = [[round(value, DECIMALS) for value in row] for row in self.logits.tolist()]
        record = {"sha256": list(self.sha256), "truth": self.truth.tolist(), "logits": logits}
        write_bytes(path, json.dumps(record).encode())

    @classmethod
    def load(cls, path: Path) -> HeldOutAnswers:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DatasetError
            If the file is missing, is none of ours, or contradicts itself.
        """
        try:
            return _from_record(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise DatasetError(f"The held-out answers {path.name} could not be read: {error.strerror}.") from error
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"The file {path.name} does not hold held-out answers ({error.__class__.__name__}).") from error


def _from_record(record: Any) -> HeldOutAnswers:
    sha256 = tuple(str(digest) for digest in record["sha256"])
    truth = np.array(record["truth"])
    if len(truth) and truth.dtype.kind != "i":
        raise TypeError("truths are whole numbers")
    return HeldOutAnswers(sha256, truth.astype(np.int64), np.array(record["logits"], dtype=np.float64))


def _refuse_other_labels(samples: Sequence[Sample], truth: Integers) -> None:
    """Raise DatasetError unless labels and truths go together one to one."""
    pairs = {(sample.label, int(index)) for sample, index in zip(samples, truth, strict=True)}
    if not len(pairs) == len({label for label, _ in pairs}) == len({index for _, index in pairs}):
        raise DatasetError(
            "The truths of the held-out answers are not the labels of these films; they were put in another order."
        )
