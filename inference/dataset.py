"""Manifests to samples: read once, divided by patient, never by image; duplicates refused."""

from __future__ import annotations

import csv
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from inference.errors import DatasetError
from inference.preprocess import film_to_square, input_crop
from inference.recipe import Recipe

NOT_POSITIVE = "not positive"
"""Label of a film that teaches only that it does not show the positive class: no class can have this name."""
NEEDED_COLUMNS = ("file", "sha256", "label", "split", "patient")


@dataclass(frozen=True)
class Sample:
    """One row of a manifest: a film, its reference label, and whose it is."""

    path: Path
    sha256: str
    label: str
    split: str
    patient: str
    view: str = ""
    age: str = ""
    sex: str = ""
    source: str = ""
    licence: str = ""
    url: str = ""
    origin: str = ""
    origin_sha256: str = ""
    origin_width: str = ""
    origin_height: str = ""


def find_manifest(folder: Path, name: str) -> Path:
    """Return the manifest in ``folder`` or one of its subfolders.

    Raises
    ------
    DatasetError
        If it is not there.
    """
    found = next(iter(sorted(folder.rglob(name))), None) if folder.is_dir() else None
    if found is None:
        raise DatasetError(f"The manifest {name} was not found in the folder {folder.name}; give the folder that holds it.")
    return found


def read_manifest(
    path: Path,
    classes: Sequence[str] | None,
    leaves_out: Sequence[str] = (),
    leaves_out_films: Sequence[str] = (),
    allow_empty: bool = False,
) -> tuple[Sample, ...]:
    """Read a manifest of films.

    Parameters
    ----------
    path
        CSV with at least the columns ``file`` (relative to it), ``sha256``, ``label``, ``split`` and ``patient``.
    classes
        The labels that may stand in it; None for any.
    leaves_out, leaves_out_films
        Labels, and SHA-256 values, whose films are not used.
    allow_empty
        Whether a class may be without films: in a manifest of films that are only learned from.

    Raises
    ------
    DatasetError
        If the file is no table, a column or a film is missing, a label is unknown, a class is empty, or one film
        stands twice with another label, part or patient.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"The manifest {path.name} could not be read as a table ({error.__class__.__name__}).") from error
    if not rows:
        raise DatasetError(f"The manifest {path.name} lists no film.")
    missing = [name for name in NEEDED_COLUMNS if name not in rows[0]]
    if missing:
        raise DatasetError(f"The manifest {path.name} lacks the columns {', '.join(missing)}.")
    read = (_sample(row, path) for row in rows)
    samples = tuple(s for s in read if s.label not in leaves_out and s.sha256 not in leaves_out_films)
    _refuse_faults(samples, path, classes, allow_empty)
    return samples


def _sample(row: dict[str, str], manifest: Path) -> Sample:
    known = {name: (row.get(name) or "") for name in Sample.__dataclass_fields__ if name != "path"}
    return Sample(path=manifest.parent / (row["file"] or ""), **known)


def _refuse_faults(samples: Sequence[Sample], path: Path, classes: Sequence[str] | None, allow_empty: bool) -> None:
    labels = {s.label for s in samples}
    classes = sorted(labels) if classes is None else classes
    unknown = sorted(labels - set(classes))
    if unknown:
        raise DatasetError(f"The manifest {path.name} has labels this recipe does not know: {', '.join(unknown)}.")
    empty = [name for name in classes if not any(s.label == name for s in samples)]
    if empty and not allow_empty:
        raise DatasetError(f"The manifest {path.name} has no film of the class {', '.join(empty)}.")
    seen: dict[str, Sample] = {}
    for sample in samples:
        twin = seen.setdefault(sample.sha256, sample)
        if (twin.label, twin.split, twin.patient) != (sample.label, sample.split, sample.patient):
            raise DatasetError(f"The film {sample.path.name} stands twice in {path.name} and contradicts itself; remove a row.")


def refuse_shared_patients(train: Sequence[Sample], held_out: Sequence[Sample]) -> None:
    """Raise DatasetError if a patient stands on both sides of a division."""
    shared = {s.patient for s in train} & {s.patient for s in held_out}
    if shared:
        raise DatasetError(f"{len(shared)} patients stand in training and in the held-out films; divide by patient.")


def patient_folds(
    samples: Sequence[Sample], folds: int, seed: int = 0, groups: Sequence[str] | None = None
) -> npt.NDArray[np.int64]:
    """Return the fold (0 to folds - 1) of each sample: grouped by patient (or by ``groups``), stratified by label.

    Patients are dealt in a seeded order, those with most films first, each to the fold that has the fewest films of the
    classes the patient brings.
    """
    by_patient: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups if groups is not None else [s.patient for s in samples]):
        by_patient[group].append(index)
    if len(by_patient) < folds:
        raise DatasetError(f"{len(by_patient)} patients cannot be divided into {folds} folds.")
    labels = sorted({s.label for s in samples})
    share = {label: sum(s.label == label for s in samples) / folds for label in labels}
    order = sorted(by_patient)
    np.random.default_rng(seed).shuffle(order)
    order.sort(key=lambda patient: -len(by_patient[patient]))
    counts = np.zeros((folds, len(labels)))
    fold_of = np.zeros(len(samples), dtype=np.int64)
    for patient in order:
        brings = np.zeros(len(labels))
        for index in by_patient[patient]:
            brings[labels.index(samples[index].label)] += 1.0 / share[samples[index].label]
        best = int(np.argmin(((counts + brings) ** 2).sum(axis=1) - (counts**2).sum(axis=1)))
        counts[best] += brings
        fold_of[by_patient[patient]] = best
    return fold_of


def dealt_fold(patient: str, fold_of: Mapping[str, int], folds: int) -> int:
    """Return the fold of a patient: that of their films in ``fold_of``, or one by their name."""
    return fold_of.get(patient, zlib.crc32(patient.encode()) % folds)


def load_grey(path: Path) -> npt.NDArray[np.uint8]:
    """Return a PNG or JPEG film as uint8 grey (rows, columns).

    Raises
    ------
    DatasetError
        If the film is missing or broken, by name.
    """
    try:
        with PillowImage.open(path) as picture:
            if picture.mode.startswith(("I", "F")):
                raise DatasetError(f"The film {path.name} has more than 8 bits a pixel; save it as 8-bit grey for training.")
            return np.asarray(picture.convert("L"))
    except (OSError, UnidentifiedImageError, SyntaxError, PillowImage.DecompressionBombError) as error:
        raise DatasetError(f"The film {path.name} could not be read for training ({error.__class__.__name__}).") from error


def load_squares(samples: Sequence[Sample], recipe: Recipe) -> npt.NDArray[np.uint8]:
    """Return all films at the network's input size, uint8 (films, size, size), each file checked against its hash."""
    size = recipe.preprocessing.size
    squares = np.empty((len(samples), size, size), dtype=np.uint8)
    for index, sample in enumerate(samples):
        if hashlib.sha256(sample.path.read_bytes() if sample.path.is_file() else b"").hexdigest() != sample.sha256:
            raise DatasetError(f"The film {sample.path.name} is missing or is not the one its manifest describes.")
        grey = load_grey(sample.path)
        squares[index] = film_to_square(grey, size, input_crop(recipe.preprocessing, *grey.shape))
    return squares


def label_indices(samples: Sequence[Sample], recipe: Recipe) -> npt.NDArray[np.int64]:
    """Return the class index of each sample, in the order of the recipe's classes; -1 for NOT_POSITIVE."""
    index = {name: k for k, name in enumerate(recipe.class_names)} | {NOT_POSITIVE: -1}
    return np.array([index[s.label] for s in samples], dtype=np.int64)


def strata(samples: Sequence[Sample], by: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return a number for each sample, the same for those of one label and one of each of ``by``: int64 (samples,).

    ``by`` may name "collection", the source up to its first colon, and "view": AP, PA or other.
    """
    keys = ["|".join([s.label, *(_STRATUM[name](s) for name in by)]) for s in samples]
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def collection_of(sample: Sample) -> str:
    """Return the collection a film's source begins with: "ieee" of "ieee:Padova, Italy"."""
    return sample.source.partition(":")[0].strip()


def _view(sample: Sample) -> str:
    return next((view for view in ("AP", "PA") if sample.view.upper().startswith(view)), "other")


_STRATUM: dict[str, Callable[[Sample], str]] = {
    "collection": collection_of,
    "view": _view,
}


def hash_of_patient(patient: str) -> str:
    """Return 16 hexadecimal digits by which a card names a patient without telling who it is."""
    return hashlib.sha256(patient.encode()).hexdigest()[:16]


def patient_hashes(patients: Iterable[str]) -> list[str]:
    """Return the hashes of these patients, sorted, each once."""
    return sorted({hash_of_patient(patient) for patient in patients})
