"""Decoded pictures kept in memory under a budget, the least recently seen let go first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import psutil

from viewer.imaging.image import Image

MEGABYTE = 2**20
_SMALLEST_BUDGET = 64 * MEGABYTE


@dataclass(frozen=True, eq=False)
class DecodedPicture:
    """A picture ready to be drawn: the image and its halved copies, of which the first is the image's own pixels."""

    image: Image
    levels: tuple[np.ndarray, ...]

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes."""
        padding = 0 if self.image.padding is None else self.image.padding.nbytes
        return sum(level.nbytes for level in self.levels) + padding


class PictureCache:
    """Pictures by the key of their frame.

    Parameters
    ----------
    budget_bytes
        What all of them together may take; the one on screen stays even where it alone takes more.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._pictures: OrderedDict[str, DecodedPicture] = OrderedDict()
        self._visible = ""
        self.size_bytes = 0

    def __contains__(self, key: object) -> bool:
        return key in self._pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def find(self, key: str) -> DecodedPicture | None:
        """Return a picture and remember that it was wanted just now, or None."""
        if key in self._pictures:
            self._pictures.move_to_end(key)
        return self._pictures.get(key)

    def put(self, picture: DecodedPicture) -> None:
        """Keep a picture, and let go of others while there is too much."""
        key = picture.image.instance.key
        self.drop(key)
        self._pictures[key] = picture
        self.size_bytes += picture.size_bytes
        self._shrink()

    def show(self, key: str) -> None:
        """Tell which picture is on screen: it is never let go."""
        self._visible = key
        self._shrink()

    def drop(self, key: str) -> None:
        """Let one picture go; nothing happens where it is not here."""
        gone = self._pictures.pop(key, None)
        if gone is not None:
            self.size_bytes -= gone.size_bytes

    def clear(self) -> None:
        """Let everything go."""
        self._pictures.clear()
        self._visible, self.size_bytes = "", 0

    def resize(self, budget_bytes: int) -> None:
        """Keep to another budget from now on."""
        self.budget_bytes = budget_bytes
        self._shrink()

    def room_for(self, picture: DecodedPicture) -> int:
        """Return how many pictures of this size the budget holds in all."""
        return self.budget_bytes // max(1, picture.size_bytes)

    def _shrink(self) -> None:
        while self.size_bytes > self.budget_bytes:
            oldest = next((key for key in self._pictures if key != self._visible), None)
            if oldest is None:
                return
            self.drop(oldest)


def memory_budget(preferred_mb: int, kept_bytes: int = 0) -> int:
    """Return how many bytes pictures may take: what the user prefers, else half of the memory that is free.

    ``kept_bytes`` is what they take already, which would be free without them.
    """
    if preferred_mb > 0:
        return preferred_mb * MEGABYTE
    return max(_SMALLEST_BUDGET, (int(psutil.virtual_memory().available) + kept_bytes) // 2)
