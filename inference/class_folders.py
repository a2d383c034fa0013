"""A folder of class-named folders as a data set: CLASS/film or CLASS/PATIENT/film."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from PIL import Image as PillowImage

from inference.dataset import Sample, load_grey
from inference.errors import DatasetError
from inference.recipe_file import USABLE_NAME

FILM_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"})
PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})
"""Names of folders that divide films and do not class them."""
FEWEST_PATIENTS = 2
"""Of a class: one to learn from, one to be judged by."""
MOST_KINDS = 3
"""As many folders, the same in each class, are kinds of files (images, masks) and no patients."""


@dataclass(frozen=True)
class ClassFolders:
    """What a folder of class folders holds."""

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    """Names of the classes, sorted: letters A to Z, digits, - and _."""
    skipped: tuple[str, ...] = ()
    """A sentence for each kind of file that was left out."""
    notes: tuple[str, ...] = ()
    """Sentences on what could not be known: whose the films are."""
    titles: tuple[str, ...] = ()
    """The folders' own names, in the order of ``classes``."""


def read_class_folders(folder: Path) -> ClassFolders:
    """Read a folder in which each folder that is not hidden is a class, and the films in it, at any depth, are of that class.

    A folder inside a class folder is a patient (CLASS/PATIENT/film), the same one under each class; a film that lies in the
    class folder itself is a patient of its own, since nothing tells whose it is. ``split`` is empty. A film that stands twice
    in a class is taken once. Folders that are links inside a class are not entered.

    Raises
    ------
    DatasetError
        If this is no folder, there are fewer than two classes or a name cannot be one, a class is empty or of one patient,
        one film is in two classes, a film cannot be read, or the folders inside the classes are no patients.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise DatasetError(f"{folder.name} is not a folder; choose the folder that holds one folder of films for each class.")
    class_folders = _class_folders(folder)
    found = [film for name, own in class_folders.items() for film in _films(folder, name, own)]
    read = [_sample(folder, name, path) for name, path in found if path.suffix.lower() in FILM_SUFFIXES]
    samples = _each_once(read)
    names = tuple(class_folders)
    _refuse_empty_folders(samples, class_folders)
    _refuse_kinds_of_files(samples, names)
    refuse_thin_classes(samples, names, FEWEST_PATIENTS)
    others = [path for _, path in found if path.suffix.lower() not in FILM_SUFFIXES]
    return ClassFolders(
        samples,
        names,
        (*_other_files(others), *_copies(len(read) - len(samples))),
        _unknown_patients(samples),
        tuple(own.name for own in class_folders.values()),
    )


def refuse_thin_classes(
    samples: Sequence[Sample], classes: Sequence[str], folds: int, groups: Sequence[str] | None = None
) -> None:
    """Raise DatasetError if a class is empty, is of one patient, or has fewer patients than folds.

    ``groups`` says whose each sample is, where that is more than its ``patient``: duplicates counted as one patient's.
    """
    whose: dict[str, set[str]] = defaultdict(set)
    for sample, group in zip(samples, groups if groups is not None else [s.patient for s in samples], strict=True):
        whose[sample.label].add(group)
    for name in classes:
        if not whose[name]:
            raise DatasetError(f"The class {name} has no film.")
        if len(whose[name]) < FEWEST_PATIENTS:
            raise DatasetError(f"The class {name} has films of one patient only; it cannot be both learned and judged.")
    thinnest = min(classes, key=lambda name: len(whose[name]))
    patients = len(whose[thinnest])
    if patients < folds:
        raise DatasetError(
            f"The class {thinnest} has films of {patients} patients, which cannot be divided into {folds} folds; ask for "
            f"{patients} folds{' or fewer' if patients > FEWEST_PATIENTS else ''}."
        )


# Classes


def _class_folders(folder: Path) -> dict[str, Path]:
    _, names, _ = next(os.walk(folder, onerror=_refuse_folder))
    found = [folder / name for name in sorted(names) if not _hidden(name)]
    found = [path for path in found if not folder.resolve().is_relative_to(path.resolve())]  # A link back to the folder.
    if len(found) < 2:
        raise DatasetError(
            f"The folder {folder.name} has {len(found)} class folders; it must have one for each of two classes or more."
        )
    parts = [path.name for path in found if path.name.lower() in PARTS]
    if len(parts) == len(found):
        raise DatasetError(
            f"The folders {' and '.join(parts)} in {folder.name} are parts of a division, not classes; choose a folder "
            "whose folders are classes."
        )
    return _named(found)


def _named(found: Sequence[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    taken: dict[str, Path] = {}
    for path in found:
        name = _class_name(path.name)
        twin = taken.setdefault(name.lower(), path)
        if twin is not path:
            raise DatasetError(f"The folders {twin.name} and {path.name} would both be the class {name}; rename one of them.")
        named[name] = path
    return dict(sorted(named.items()))


def _class_name(folder: str) -> str:
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")
    if not USABLE_NAME.fullmatch(name):
        raise DatasetError(
            f"The folder name {folder} cannot be the name of a class; rename it with up to 64 letters A to Z, digits, - and _."
        )
    return name


# Films


def _films(folder: Path, name: str, own: Path) -> Iterator[tuple[str, Path]]:
    """Yield the class and each file in or below its folder that is not hidden, in order."""
    for place, folders, files in os.walk(own, onerror=_refuse_folder):
        folders[:] = sorted(each for each in folders if not _hidden(each))
        yield from ((name, Path(place, file)) for file in sorted(files) if not _hidden(file))


def _refuse_folder(error: OSError) -> None:
    raise DatasetError(f"The folder {PurePath(error.filename).name} could not be opened: {error.strerror}.") from error


def _hidden(name: str) -> bool:
    return name.startswith((".", "__"))


def _sample(folder: Path, name: str, path: Path) -> Sample:
    inside = path.relative_to(folder).parts
    patient = inside[1] if len(inside) > 2 else "/".join(inside)
    try:
        load_grey(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError, PillowImage.DecompressionBombError) as error:
        raise DatasetError(f"The film {path.name} could not be read for training ({error.__class__.__name__}).") from error
    return Sample(path, digest, name, "", patient)


def _each_once(read: Sequence[Sample]) -> tuple[Sample, ...]:
    first: dict[str, Sample] = {}
    for sample in read:
        twin = first.setdefault(sample.sha256, sample)
        if twin.label != sample.label:
            raise DatasetError(
                f"The film {sample.path.name} of the class {sample.label} is also in the class {twin.label}, as "
                f"{twin.path.name}; a film has one class: remove it from the other."
            )
    return tuple(first.values())


def _refuse_empty_folders(samples: Sequence[Sample], class_folders: dict[str, Path]) -> None:
    labels = {sample.label for sample in samples}
    for name, own in class_folders.items():
        if name not in labels:
            raise DatasetError(f"The folder {own.name} holds no film: no PNG, JPEG, TIFF, BMP or WebP file is in it or below.")


def _refuse_kinds_of_files(samples: Sequence[Sample], classes: Sequence[str]) -> None:
    inside = [{s.patient for s in samples if s.label == name} for name in classes]
    same = sorted(inside[0])
    if len(same) <= MOST_KINDS and "/" not in "".join(same) and all(own == inside[0] for own in inside):
        raise DatasetError(
            f"Each class folder holds the same {len(same)} {'folder' if len(same) == 1 else 'folders'} ({', '.join(same)}), "
            "which can be no patients; put the films into the class folder itself, or into one folder for each patient."
        )


# Sentences


def _other_files(others: Sequence[Path]) -> tuple[str, ...]:
    if not others:
        return ()
    kinds = sorted({path.suffix.lower() or "without ending" for path in others})
    shown = ", ".join(kinds[:5]) + (", ..." if kinds[5:] else "")
    count = "1 file was" if len(others) == 1 else f"{len(others)} files were"
    return (f"{count} left out, being no PNG, JPEG, TIFF, BMP or WebP ({shown}).",)


def _copies(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (f"{count} {'file was' if count == 1 else 'files were'} left out: exact copies of others in the same class.",)


def _unknown_patients(samples: Sequence[Sample]) -> tuple[str, ...]:
    alone = sum("/" in sample.patient for sample in samples)
    if not alone:
        return ()
    films = "The patients" if alone == len(samples) else f"The patients of {alone} of {len(samples)} films"
    return (
        f"{films} could not be told apart: each film counts as a patient of its own, and only copies of one film are kept "
        "together. Where a patient has several films, put them in a folder of their own inside the class folder.",
    )
