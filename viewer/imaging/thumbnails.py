"""Small pictures for the study list."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from viewer.errors import UnreadableFile
from viewer.imaging.grayscale import to_display
from viewer.imaging.image import Image, Instance, NotOpened
from viewer.imaging.reader import read_image

THUMBNAIL_SIDE = 128


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A small picture of the frame with a key: uint8 (h, w) or (h, w, 3), at most 128 px a side."""

    key: str
    pixels: np.ndarray


def make_thumbnails(instances: Sequence[Instance]) -> Generator[Thumbnail | NotOpened, None, None]:
    """Decode frames and shrink them; one that cannot be decoded is told instead."""
    for instance in instances:
        try:
            yield Thumbnail(instance.key, thumbnail_of(read_image(instance)))
        except UnreadableFile as error:
            yield NotOpened(instance.path, str(error))


def thumbnail_of(image: Image) -> np.ndarray:
    """Shrink a picture in its default window: uint8 (h, w) or (h, w, 3), at most 128 px a side, in true proportion."""
    display = to_display(image)
    height, width = image.rows * image.aspect_ratio, float(image.columns)
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    return _shrink(_shrink(display, rows, 0), columns, 1)


def _shrink(display: np.ndarray, count: int, axis: int) -> np.ndarray:
    """Average (or repeat) along an axis to ``count`` pixels."""
    size = display.shape[axis]
    if count >= size:
        repeated: np.ndarray = np.take(display, np.arange(count) * size // count, axis=axis)
        return repeated
    edges = np.arange(count) * size // count
    shape = [1] * display.ndim
    shape[axis] = count
    lengths = np.diff(np.append(edges, size)).reshape(shape)
    sums: np.ndarray = np.add.reduceat(display, edges, axis=axis, dtype=np.uint32)
    means: np.ndarray = np.floor_divide(sums, lengths).astype(np.uint8)
    return means
