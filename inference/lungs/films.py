"""Films with lung masks, and films without: read, put on the network's square, divided by patient.

The square holds the whole film in its own proportions, black beside it. Masks are those of ``lung_masks.csv`` (made by a
published network, not drawn by hand), whose patients the manifest ``pool_cxr3.csv`` names, and those of synthetic films
(``NAME.png`` and ``NAME-lungs.png``), whose lungs are known exactly.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from inference.dataset import find_manifest, load_grey
from inference.errors import DatasetError
from inference.lungs.network import SIDE

MASKS, POOL = "lung_masks.csv", "pool_cxr3.csv"
UNMASKED = (POOL, "extra_tb.csv")
"""Manifests whose films the network learns from without masks, by its own first answers."""
SYNTHETIC_MASK = "-lungs"

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Placement:
    """Where a film lies on the network's square, in pixels of the square: the middle of it, as large as it can be."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class LungFilm:
    """A film on the network's square.

    ``grey`` uint8 (side, side); ``mask`` uint8 (side, side), 255 where all of the pixel is lung, or None; ``placement`` says
    where on it the film lies, ``patient`` whose it is and ``digest`` is the SHA-256 of film and mask together.
    """

    name: str
    grey: Bytes
    mask: Bytes | None
    placement: Placement
    patient: str
    digest: str = ""
    view: str = ""


def place(rows: int, columns: int, aspect_ratio: float = 1.0, side: int = SIDE) -> Placement:
    """Return where a film of this size lies on the square.

    ``aspect_ratio`` is the height of a pixel divided by its width.
    """
    height, width = rows * aspect_ratio, float(columns)
    scale = side / max(height, width)
    high, wide = max(1, round(height * scale)), max(1, round(width * scale))
    return Placement((side - high) // 2, (side - wide) // 2, high, wide)


def put_on_square(picture: Bytes, where: Placement, side: int = SIDE) -> Bytes:
    """Return the picture, uint8 (rows, columns), resampled to its place on a black square (side, side)."""
    small = PillowImage.fromarray(picture).resize((where.width, where.height), PillowImage.Resampling.BILINEAR)
    square = np.zeros((side, side), dtype=np.uint8)
    square[where.top : where.top + where.height, where.left : where.left + where.width] = np.asarray(small)
    return square


def read_masked_films(folder: Path) -> tuple[LungFilm, ...]:
    """Return the films that have a mask, in the order of ``lung_masks.csv``, which lies in ``folder`` or below.

    Raises
    ------
    DatasetError
        If a manifest, a film or a mask is missing or faulty, or a film's patient is not known.
    """
    manifest = find_manifest(folder, MASKS)
    known = {row["file"]: row for row in _rows(find_manifest(folder, POOL), ("file", "patient"))}
    films = []
    for row in _rows(manifest, ("file", "mask")):
        if row["file"] not in known:
            raise DatasetError(f"{MASKS} names {Path(row['file']).name}, whose patient {POOL} does not say.")
        facts = known[row["file"]]
        paths = manifest.parent / row["file"], manifest.parent / row["mask"]
        films.append(_masked(*paths, facts["patient"], facts.get("view") or ""))
    return tuple(films)


def read_synthetic_films(folder: Path) -> tuple[LungFilm, ...]:
    """Return the synthetic films of a folder, by name; DatasetError if one has no mask."""
    names = sorted(path for path in folder.glob("*.png") if not path.stem.endswith(SYNTHETIC_MASK))
    return tuple(_masked(path, path.with_name(f"{path.stem}{SYNTHETIC_MASK}.png"), "synthetic", "") for path in names)


def read_unmasked_films(folder: Path, without: Sequence[LungFilm]) -> tuple[LungFilm, ...]:
    """Return the films of :data:`UNMASKED` whose patients are none of those in ``without``, and that are not among them."""
    patients, names = {film.patient for film in without}, {film.name for film in without}
    films = []
    for name in UNMASKED:
        manifest = find_manifest(folder, name)
        for row in _rows(manifest, ("file", "patient")):
            path = manifest.parent / row["file"]
            if row["patient"] not in patients and path.name not in names:
                grey = load_grey(path)
                where = place(*grey.shape)
                films.append(LungFilm(path.name, put_on_square(grey, where), None, where, row["patient"]))
    return tuple(films)


def divide(films: Sequence[LungFilm], share: float, seed: int = 0) -> tuple[tuple[LungFilm, ...], tuple[LungFilm, ...]]:
    """Return training and held-out films: whole patients drawn until at least ``share`` of the films is held out.

    Raises
    ------
    DatasetError
        If there are fewer than two patients.
    """
    order = np.random.default_rng(seed).permutation(sorted({film.patient for film in films}))
    if len(order) < 2:
        raise DatasetError("Lung masks of one patient cannot be divided into training and held-out films.")
    held: set[str] = set()
    for patient in order[:-1]:
        if sum(film.patient in held for film in films) >= share * len(films):
            break
        held.add(str(patient))
    return tuple(f for f in films if f.patient not in held), tuple(f for f in films if f.patient in held)


def digest_of(films: Sequence[LungFilm]) -> str:
    """Return one SHA-256 of all these films and masks, whatever their order."""
    return hashlib.sha256("".join(sorted(film.digest for film in films)).encode()).hexdigest()


def _masked(film: Path, mask: Path, patient: str, view: str) -> LungFilm:
    grey, lungs = load_grey(film), load_grey(mask)
    if grey.shape != lungs.shape:
        raise DatasetError(f"The mask {mask.name} is {lungs.shape} and its film {grey.shape} pixels large.")
    where = place(*grey.shape)
    digest = hashlib.sha256(film.read_bytes() + mask.read_bytes()).hexdigest()
    return LungFilm(film.name, put_on_square(grey, where), put_on_square(lungs, where), where, patient, digest, view)


def _rows(manifest: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    try:
        with manifest.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"The manifest {manifest.name} could not be read as a table ({type(error).__name__}).") from error
    missing = [name for name in needed if not rows or rows[0].get(name) is None]
    if missing:
        raise DatasetError(f"The manifest {manifest.name} is empty or lacks the columns {', '.join(missing)}.")
    return rows
