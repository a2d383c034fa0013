"""From manifests to what a gate is fitted on: the model's own films, and pictures of what it must refuse, where they are."""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.dataset import Sample, label_indices, load_grey, load_squares, read_manifest
from inference.errors import DatasetError
from inference.gate.fitting import GateFilms, OtherPictures
from inference.gate.sense import FRONTAL, TRAINING_SIDE
from inference.preprocess import film_to_square, square_crop
from inference.recipe import Recipe

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """Films of one label of a manifest and the sense they have; ``labels`` are all that stand in it."""

    manifest: str
    labels: tuple[str, ...]
    label: str
    sense: str
    repeats: int = 1


SOURCES = (
    Source("gate_other.csv", ("lateral", "ct_picture"), "lateral", "lateral"),
    Source("gate_other.csv", ("lateral", "ct_picture"), "ct_picture", "ct", repeats=6),
    Source("C_keras598_148.csv", ("covid", "non_covid"), "covid", "ct"),
    Source("C_keras598_148.csv", ("covid", "non_covid"), "non_covid", "ct"),
    Source("D_188.csv", ("normal", "pneumonia"), "normal", "child"),
    Source("E_142v142.csv", ("covid", "normal"), "normal", "child"),
    Source("extra_pneumonia_ieee.csv", ("pneumonia",), "pneumonia", FRONTAL),
    Source("extra_tb.csv", ("tb",), "tb", FRONTAL),
)
"""What lies beside the pool of public films. CT pictures of journals are few beside the slices, and stand six times."""


def gate_films(
    samples: Sequence[Sample],
    recipe: Recipe,
    fold: Integers,
    squares: npt.NDArray[np.uint8] | None = None,
    with_sense_squares: bool = True,
) -> GateFilms:
    """Return the films a model was trained on by folds.

    Parameters
    ----------
    fold
        int64 (films,), the member that never saw each.
    squares
        uint8 (films, size, size) at the network's size, where they have been read already.
    with_sense_squares
        Whether sense networks will be asked about the films, for which each is read once more.

    Raises
    ------
    DatasetError
        If a film cannot be read.
    """
    age = np.array([age_of(s) for s in samples])
    own = load_squares(samples, recipe) if squares is None else squares
    seen = sense_squares(samples if with_sense_squares else ())
    return GateFilms(own, seen, label_indices(samples, recipe), fold, age)


def age_of(sample: Sample) -> float:
    """Return a patient's age in years, NaN where it is not stated as a number."""
    return float(sample.age) if sample.age.replace(".", "", 1).isdigit() else math.nan


def sense_squares(samples: Sequence[Sample]) -> npt.NDArray[np.uint8]:
    """Return the largest centred squares of films, uint8 (films, 160, 160); DatasetError for one that cannot be read."""
    squares = np.empty((len(samples), TRAINING_SIDE, TRAINING_SIDE), dtype=np.uint8)
    for index, sample in enumerate(samples):
        grey = load_grey(sample.path)
        rows, columns = grey.shape
        squares[index] = film_to_square(grey, TRAINING_SIDE, square_crop(rows, columns))
    return squares


def other_pictures(
    data: Path, samples: Sequence[Sample], fold: Integers, sources: Sequence[Source] = SOURCES
) -> dict[str, list[OtherPictures]]:
    """Return the pictures of each sense that lie under ``data``; manifests that are not there are left out.

    A patient of the model's films stays in the fold of those films; other patients are dealt by their name.

    Raises
    ------
    DatasetError
        If a manifest that is there is faulty, or one of its films cannot be read.
    """
    fold_of = {s.patient: int(k) for s, k in zip(samples, fold, strict=True)}
    folds = int(fold.max()) + 1 if len(fold) else 1
    found: dict[str, list[OtherPictures]] = defaultdict(list)
    for source in sources:
        if films := source_films(data, source):
            own = np.array([dealt_fold(s.patient, fold_of, folds) for s in films], dtype=np.int64)
            found[source.sense].append(OtherPictures(sense_squares(films), own, source.repeats))
    return dict(found)


def source_films(data: Path, source: Source) -> list[Sample]:
    """Return the films of a source that lie under ``data``; [] if its manifest is not there, DatasetError if it is faulty."""
    path = next(iter(sorted(data.rglob(source.manifest))), None)
    if path is None:
        return []
    films = [s for s in read_manifest(path, source.labels, allow_empty=True) if s.label == source.label]
    if not films:
        raise DatasetError(f"The manifest {path.name} has no film labelled {source.label}.")
    return films


def dealt_fold(patient: str, fold_of: Mapping[str, int], folds: int) -> int:
    """Return the fold of a patient: that of their films, or one by their name."""
    return fold_of.get(patient, zlib.crc32(patient.encode()) % folds)
