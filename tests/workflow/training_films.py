"""Films to train on: small and noisy, bright in a corner that tells the class."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

CORNERS = ((0, 0), (0, 60), (70, 30))


def write_class_folders(folder: Path, classes: Sequence[str] = ("normal", "scar"), films: int = 15) -> Path:
    """Write a folder of films for each class, each film of a patient of its own, and return the folder above them."""
    random = np.random.default_rng(7)
    for (top, left), name in zip(CORNERS, classes, strict=False):
        (folder / name).mkdir(parents=True)
        for number in range(films):
            grey = random.integers(20, 90, (130, 110), dtype=np.uint8)
            grey[top : top + 50, left : left + 50] += 120
            PillowImage.fromarray(grey).save(folder / name / f"{name}{number:02}.png")
    return folder


def write_table(folder: Path, classes: Sequence[str] = ("normal", "scar"), films: int = 15) -> Path:
    """Write class folders and a table that lists their films, and return the table."""
    write_class_folders(folder, classes, films)
    table = folder / "films.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["file", "sha256", "label", "split", "patient"])
        for film in sorted(folder.glob("*/*.png")):
            digest = hashlib.sha256(film.read_bytes()).hexdigest()
            rows.writerow([film.relative_to(folder).as_posix(), digest, film.parent.name, "", film.stem])
    return table
