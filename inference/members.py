"""The networks a recipe trains: which films each one sees, and the files they are kept in until the bundle is made.

The article's own division gives ``protocol-0``, ``protocol-1`` ...; patient-grouped cross-validation ``fold-0`` and on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from inference.dataset import (
    NOT_POSITIVE,
    Sample,
    dealt_fold,
    label_indices,
    load_squares,
    patient_folds,
    refuse_shared_patients,
    strata,
)
from inference.duplicates import refuse_duplicates
from inference.errors import TrainingError
from inference.files import make_folder, write_bytes
from inference.films import Films, as_films
from inference.recipe import Recipe
from inference.train import EpochReport, TrainingFilms, Weights, fit


@dataclass(frozen=True, eq=False)
class Member:
    """One network to be trained: the indices of its training and held-out samples, and its seed."""

    name: str
    training: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.int64]
    seed: int


@dataclass(frozen=True)
class MemberProgress:
    """One more epoch of one member."""

    member: str
    number: int
    members: int
    report: EpochReport


def plan_members(recipe: Recipe, films: Films | Sequence[Sample], seed: int = 0) -> tuple[Member, ...]:
    """Return the members of a recipe: the article's division first, then one a fold.

    Raises
    ------
    DatasetError
        If a patient would stand on both sides, unless the recipe repeats an article's division with its leaks.
    """
    films = as_films(films)
    members = _protocol_members(recipe, films, seed)
    groups = np.array(films.all_groups)
    judged = len(films.samples)
    fold = patient_folds(films.samples, recipe.data.folds, seed, films.all_groups[:judged])
    dealt = _dealt(films, fold, recipe.data.folds)
    for k in range(recipe.data.folds):
        held_out = np.flatnonzero(fold == k)
        extra = judged + np.flatnonzero(~np.isin(groups[judged:], groups[held_out]) & (dealt != k))
        training = np.concatenate([np.flatnonzero(fold != k), extra])
        members.append(Member(f"fold-{k}", training, held_out, 1000 * seed + k))
    for member in members:
        if member.name.startswith("fold-") or not recipe.data.as_published:
            _refuse_leaks(films, member)
    return tuple(members)


def _dealt(films: Films, fold: npt.NDArray[np.int64], folds: int) -> npt.NDArray[np.int64]:
    """Return for each extra film the fold that does not learn from it, -1 for none, int64 (extra films,).

    Films that are ``NOT_POSITIVE`` are dealt by patient, so that each of them is new to one network.
    """
    fold_of = {s.patient: int(k) for s, k in zip(films.samples, fold, strict=True)}
    kept_out = [dealt_fold(s.patient, fold_of, folds) if s.label == NOT_POSITIVE else -1 for s in films.extra]
    return np.array(kept_out, dtype=np.int64)


def _refuse_leaks(films: Films, member: Member) -> None:
    """Raise DatasetError if a patient, or one film and its copy, stands on both sides."""
    training, held_out = ([films.all_samples[i] for i in side] for side in (member.training, member.held_out))
    refuse_shared_patients(training, held_out)
    groups = np.array(films.all_groups)
    learned, judged = groups[member.training], groups[member.held_out]
    shared = set(learned) & set(judged)
    if shared:
        refuse_duplicates(
            [s for s, group in zip(training, learned, strict=True) if group in shared],
            [s for s, group in zip(held_out, judged, strict=True) if group in shared],
        )


def _protocol_members(recipe: Recipe, films: Films, seed: int) -> list[Member]:
    """Return the networks of the article's division; none where the manifest has no such parts."""
    split = np.array([s.split for s in films.samples])
    train, test = np.flatnonzero(np.isin(split, recipe.data.training_parts)), np.flatnonzero(split == recipe.data.tested_part)
    if not len(train) or not len(test):
        return []
    first_seed = 1000 * seed + 100
    if recipe.data.by_image:
        order = np.random.default_rng(first_seed).permutation(len(split))
        train, test = np.sort(order[len(test) :][: len(train)]), np.sort(order[: len(test)])
    return [Member(f"protocol-{k}", train, test, first_seed + k) for k in range(recipe.data.protocol_members)]


def train_members(
    recipe: Recipe,
    films: Films | Sequence[Sample],
    members: Sequence[Member],
    folder: Path,
    device: str = "cpu",
    start: Weights | None = None,
) -> Generator[MemberProgress, None, dict[str, Weights]]:
    """Train every member whose file is not in ``folder`` yet, each written when it is done; a broken one goes on.

    A member trained with another recipe, seed, start or set of films is trained again: the file states what made it.
    """
    films = as_films(films)
    make_folder(folder)
    squares, labels = load_squares(films.all_samples, recipe), label_indices(films.all_samples, recipe)
    groups, drawn_by = np.array(films.all_groups), strata(films.all_samples, recipe.optimisation.sampling_by)
    trained: dict[str, Weights] = {}
    for number, member in enumerate(members, 1):
        own = TrainingFilms(
            squares[member.training], labels[member.training], tuple(groups[member.training]), drawn_by[member.training]
        )
        made_by = _made_by(recipe, films.all_samples, member, start)
        path = folder / f"{member.name}.safetensors"
        weights = _load(path, made_by)
        if weights is None:
            weights = yield from _train_member(recipe, own, member, path, made_by, (number, len(members)), device, start)
        trained[member.name] = weights
    return trained


def _train_member(
    recipe: Recipe,
    films: TrainingFilms,
    member: Member,
    path: Path,
    made_by: str,
    place: tuple[int, int],
    device: str,
    start: Weights | None,
) -> Generator[MemberProgress, None, Weights]:
    checkpoint = path.with_suffix(".checkpoint")
    training = fit(recipe, films, member.seed, device, start, checkpoint, made_by)
    history = []
    while True:
        try:
            report = next(training)
        except StopIteration as end:
            weights: Weights = end.value
            break
        history.append(asdict(report))
        yield MemberProgress(member.name, *place, report)
    write_bytes(path, save(weights, {"made_by": made_by}))
    write_bytes(path.with_suffix(".json"), json.dumps(history).encode())
    checkpoint.unlink(missing_ok=True)
    return weights


def _made_by(recipe: Recipe, samples: Sequence[Sample], member: Member, start: Weights | None) -> str:
    films = sorted(samples[i].sha256 + samples[i].label for i in member.training)
    made_by = {"recipe": recipe.fingerprint(), "seed": member.seed, "films": hash_of(films)}
    if start is not None:
        made_by["start"] = hash_of([name + hashlib.sha256(_bytes(start[name])).hexdigest() for name in sorted(start)])
    return json.dumps(made_by)


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()


def hash_of(lines: Sequence[str]) -> str:
    """Return the SHA-256 of lines joined by newlines: how a set of films is named."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _load(path: Path, made_by: str) -> Weights | None:
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        if header.get("__metadata__", {}).get("made_by") != made_by:
            return None
        return dict(load(content))
    except (OSError, ValueError, SafetensorError) as error:
        raise TrainingError(f"The file {path.name} of an earlier run is damaged; remove it.") from error


def read_history(path: Path) -> list[dict[str, Any]]:
    """Return the epoch reports a finished network left; none if they are not there."""
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []
