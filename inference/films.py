"""The films of a recipe, read from its manifests: what it is judged on, what it only learns from, and whose each film is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from operator import not_
from pathlib import Path

from inference.dataset import NOT_POSITIVE, Sample, find_manifest, read_manifest
from inference.duplicates import duplicate_pairs, patient_groups
from inference.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Films:
    """The films of a recipe: those it is judged on, and ``extra`` ones it only learns from (indices go on after them)."""

    samples: tuple[Sample, ...]
    extra: tuple[Sample, ...] = ()
    groups: tuple[str, ...] = ()
    """Whose each film is, duplicates counted as one patient's; empty: by the manifest's patient."""

    @property
    def all_samples(self) -> tuple[Sample, ...]:
        """Return the films that are judged, then the extra ones."""
        return self.samples + self.extra

    @property
    def all_groups(self) -> tuple[str, ...]:
        """Return whose each of :attr:`all_samples` is."""
        return self.groups or tuple(s.patient for s in self.all_samples)


def as_films(films: Films | Sequence[Sample]) -> Films:
    """Return samples alone as films without extra ones."""
    return films if isinstance(films, Films) else Films(tuple(films))


def read_films(folder: Path, recipe: Recipe) -> Films:
    """Read the recipe's manifests, which lie in ``folder`` or below; near duplicates are put with one patient.

    Raises
    ------
    DatasetError
        If a manifest is missing or faulty.
    """
    listed = list_films(folder, recipe)
    return grouped(listed.samples, listed.extra)


def list_films(folder: Path, recipe: Recipe) -> Films:
    """Return the films the recipe's manifests list, without looking at them for duplicates; DatasetError as above."""
    data = recipe.data
    listed = _read(folder, data.manifest, recipe)
    judged = [not data.folded_parts or s.split in data.folded_parts for s in listed]
    extra = [s for name in data.extra_training for s in _read(folder, name, recipe, partial=True)]
    others = [s for name in data.not_positive for s in _read_others(folder, name, recipe)]
    return Films(tuple(compress(listed, judged)), (*compress(listed, map(not_, judged)), *extra, *others))


def grouped(samples: Sequence[Sample], extra: Sequence[Sample] = ()) -> Films:
    """Return films whose duplicates, by hash and by look, count as one patient's."""
    everything = (*samples, *extra)
    return Films(tuple(samples), tuple(extra), patient_groups(everything, duplicate_pairs(everything)))


def _read_others(folder: Path, name: str, recipe: Recipe) -> tuple[Sample, ...]:
    """Return the films of a manifest with any labels but the positive one, all of them NOT_POSITIVE."""
    path = find_manifest(folder, name)
    found = read_manifest(path, None, recipe.data.leaves_out, recipe.data.leaves_out_films, allow_empty=True)
    return tuple(replace(s, label=NOT_POSITIVE) for s in found if s.label != recipe.positive)


def _read(folder: Path, name: str, recipe: Recipe, partial: bool = False) -> tuple[Sample, ...]:
    data = recipe.data
    return read_manifest(
        find_manifest(folder, name),
        recipe.class_names,
        leaves_out=data.leaves_out,
        leaves_out_films=data.leaves_out_films,
        allow_empty=partial,
    )
