"""The networks a recipe trains: which films each one sees, and the files they are kept in until the bundle is made.

The article's own division gives ``protocol-0``, ``protocol-1`` ...; patient-grouped cross-validation ``fold-0`` and on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.torch import load, save

from inference.dataset import Sample, label_indices, load_squares, patient_folds, refuse_shared_patients
from inference.errors import TrainingError
from inference.recipe import Recipe
from inference.train import EpochReport, Weights, fit


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


def plan_members(recipe: Recipe, samples: Sequence[Sample], seed: int = 0) -> tuple[Member, ...]:
    """Return the members of a recipe: the article's division first, then one a fold.

    Raises
    ------
    DatasetError
        If a patient would stand on both sides.
    """
    split = np.array([s.split for s in samples])
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    fold = patient_folds(samples, recipe.data.folds, seed)
    members = [
        Member(f"protocol-{k}", train, test, 1000 * seed + 100 + k)
        for k in range(recipe.data.protocol_members if len(train) and len(test) else 0)
    ]
    members += [
        Member(f"fold-{k}", np.flatnonzero(fold != k), np.flatnonzero(fold == k), 1000 * seed + k)
        for k in range(recipe.data.folds)
    ]
    for member in members:
        refuse_shared_patients([samples[i] for i in member.training], [samples[i] for i in member.held_out])
    return tuple(members)


def train_members(
    recipe: Recipe, samples: Sequence[Sample], members: Sequence[Member], folder: Path, device: str = "cpu"
) -> Generator[MemberProgress, None, dict[str, Weights]]:
    """Train every member whose file is not in ``folder`` yet, each written when it is done.

    A member trained with another recipe, seed or set of films is trained again: the file states what made it.
    """
    make_folder(folder)
    squares, labels = load_squares(samples, recipe), label_indices(samples, recipe)
    trained: dict[str, Weights] = {}
    for number, member in enumerate(members, 1):
        made_by = _made_by(recipe, samples, member)
        path = folder / f"{member.name}.safetensors"
        weights = _load(path, made_by)
        if weights is None:
            history = []
            training = fit(recipe, squares[member.training], labels[member.training], member.seed, device)
            while True:
                try:
                    report = next(training)
                except StopIteration as end:
                    weights = end.value
                    break
                history.append(asdict(report))
                yield MemberProgress(member.name, number, len(members), report)
            write_bytes(path, save(weights, {"made_by": made_by}))
            write_bytes(path.with_suffix(".json"), json.dumps(history).encode())
        trained[member.name] = weights
    return trained


def _made_by(recipe: Recipe, samples: Sequence[Sample], member: Member) -> str:
    films = sorted(samples[i].sha256 + samples[i].label for i in member.training)
    return json.dumps({"recipe": recipe.fingerprint(), "seed": member.seed, "films": hash_of(films)})


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


def make_folder(folder: Path) -> None:
    """Make a folder if it is not there.

    Raises
    ------
    TrainingError
        If a file stands in its place or it may not be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"The folder {folder.name} could not be made: {error.strerror}.") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    TrainingError
        If the disk is full or the folder cannot be written to.
    """
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise TrainingError(f"{path.name} could not be written to {path.parent.name}: {error.strerror}.") from error
