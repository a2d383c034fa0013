"""Judging a recipe by hospitals that gave no training film: whole countries, and whole collections, are left out.

Folds that keep patients apart still let a network learn how a hospital's films look. Here the films of a country are all
learned from or all judged, and films that only teach "not positive" are of a collection that no network has seen. What is
lost against the folds is what the folds promise too much (Zech 2018, Ahmed 2021).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inference.bundle import Bundle
from inference.dataset import NOT_POSITIVE, Sample, collection_of, label_indices, load_squares, patient_folds
from inference.errors import DatasetError
from inference.evaluate import area_record, softmax
from inference.films import Films, read_films
from inference.intervals import Booleans, Floats
from inference.map_scales import ReadCount
from inference.members import Member, MemberProgress, train_members
from inference.model_card.source import OUTSIDE
from inference.predict import CPU, Device
from inference.recipe import Recipe
from inference.renewal import write_card
from inference.reproduction.runs import read_rows

FOLDS = 5
PURPOSE = "films of hospitals left out"


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Answers to films of hospitals that their network never saw.

    ``samples`` in their order, ``probabilities`` float64 (films, classes), not calibrated.
    """

    samples: tuple[Sample, ...]
    probabilities: Floats

    def __len__(self) -> int:
        return len(self.samples)


def country_of(sample: Sample) -> str:
    """Return the country a film's source names after its collection and its town ("ieee:Padova, Italy"), or ""."""
    return sample.source.partition(":")[2].rpartition(",")[2].strip()


def plan_hospitals(films: Films, folds: int = FOLDS, seed: int = 0) -> tuple[Member, ...]:
    """Return one network a fold; the indices are those of ``films.all_samples``.

    A fold holds out all films of its countries, and of its patients where no country is known. Films that are
    ``NOT_POSITIVE`` are held out once and never learned from.

    Raises
    ------
    DatasetError
        If there are fewer countries and patients than folds.
    """
    samples = films.all_samples
    known = np.flatnonzero([s.label != NOT_POSITIVE for s in samples])
    other = np.setdiff1d(np.arange(len(samples)), known)
    places = _places(films)
    fold = patient_folds([samples[i] for i in known], folds, seed, [str(places[i]) for i in known])
    dealt = places[other] % folds
    return tuple(
        Member(f"hospitals-{k}", known[fold != k], np.concatenate([known[fold == k], other[dealt == k]]), 1000 * seed + 500 + k)
        for k in range(folds)
    )


def _places(films: Films) -> npt.NDArray[np.int64]:
    """Return a number for each film: the same for films of one country, or of one patient, however they hang together."""
    patients = np.unique(films.all_groups, return_inverse=True)[1]
    countries = [f"{collection_of(s)}:{country_of(s)}" if country_of(s) else "" for s in films.all_samples]
    names, country = np.unique(countries, return_inverse=True)
    at = np.flatnonzero([bool(one) for one in countries])
    nodes = int(patients.max()) + 1 + len(names)
    links = coo_array((np.ones(len(at)), (patients[at], int(patients.max()) + 1 + country[at])), shape=(nodes, nodes))
    return np.asarray(connected_components(links, directed=False)[1][patients], dtype=np.int64)


def study_hospitals(
    recipe: Recipe, films: Films, folder: Path, folds: int = FOLDS, seed: int = 0, device: Device = CPU
) -> Generator[MemberProgress | ReadCount, None, LeftOut]:
    """Train the recipe with hospitals left out, and read their films; a broken run goes on.

    Parameters
    ----------
    folder
        Where the networks are kept.

    Raises
    ------
    InferenceError
        One sentence: too few hospitals, a film that cannot be read, a full disk.
    """
    members = plan_hospitals(films, folds, seed)
    trained = yield from train_members(recipe, films, members, folder, str(device.torch_device))
    rows, logits = read_rows(recipe, members, trained, load_squares(films.all_samples, recipe), device)
    yield ReadCount(len(rows), len(rows), PURPOSE)
    return LeftOut(tuple(films.all_samples[i] for i in rows), softmax(logits))


def judge_bundle(
    bundle: Bundle, data: Path, folder: Path, folds: int = FOLDS, seed: int = 0, device: Device = CPU
) -> Generator[MemberProgress | ReadCount, None, list[dict[str, Any]]]:
    """Do so with the recipe of a model and the manifests under ``data``, write the entries on its card and return them.

    Raises
    ------
    InferenceError
        As of :func:`study_hospitals` and :func:`judge_hospitals`; a manifest that is not there.
    """
    found = yield from study_hospitals(bundle.recipe, read_films(data, bundle.recipe), folder, folds, seed, device)
    entries = judge_hospitals(bundle.recipe, found)
    write_card(bundle.folder, bundle.card | {OUTSIDE: entries})
    return entries


def judge_hospitals(recipe: Recipe, found: LeftOut) -> list[dict[str, Any]]:
    """Return the card's entries "outside": title, counts and area under the curve of the positive class, the widest first.

    Raises
    ------
    DatasetError
        If no film of the positive class, or none without it, was left out.
    """
    truth = label_indices(found.samples, recipe)
    positive = truth == recipe.class_names.index(recipe.positive)
    if positive.all() or not positive.any():
        raise DatasetError("Hospitals that were left out gave films of one side only; nothing can be judged by them.")
    own = {collection_of(s) for s, is_positive in zip(found.samples, positive, strict=True) if is_positive}
    shared = np.array([collection_of(s) in own for s in found.samples], dtype=bool)
    title = next(c.title for c in recipe.classes if c.name == recipe.positive)
    start = f"{title} of countries left out, against"
    against = (
        (f"{start} all films without it (those of a single hospital: patients left out)", ~positive & (truth >= 0)),
        (f"{start} films without it of the same collections, of countries left out", ~positive & shared & (truth >= 0)),
        (f"{start} films of collections that gave no training film", truth == -1),
        (f"{start} both of the last two", ~positive & (shared | (truth == -1))),
    )
    score, patients = found.probabilities[:, recipe.class_names.index(recipe.positive)], [s.patient for s in found.samples]
    return [_entry(said, positive, negative, score, patients) for said, negative in against if negative.any()]


def _entry(title: str, positive: Booleans, negative: Booleans, score: Floats, patients: Sequence[str]) -> dict[str, Any]:
    rows = np.flatnonzero(positive | negative)
    area = area_record(positive[rows], score[rows], [patients[i] for i in rows.tolist()])
    return {"title": title, "films": len(rows), "positive": int(positive.sum()), "auc": area}
