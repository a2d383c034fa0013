"""Decoding ahead: the pictures that will be wanted next, in the direction of travel, one at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal

from viewer.imaging.image import Instance
from viewer.imaging.picture_cache import DecodedPicture, PictureCache
from viewer.imaging.pyramid import build_pyramid
from viewer.imaging.reader import read_image
from viewer.jobs import Job, JobQueue

AHEAD, BEHIND = 12, 2
PRIORITY = 1
"""Before thumbnails, which have 0."""


def decode(instance: Instance) -> Generator[str, None, DecodedPicture]:
    """Read a frame and build its pyramid: the work of showing a film."""
    yield "Opening the film"
    image = read_image(instance)
    yield "Preparing the film"
    levels: tuple[np.ndarray, ...] = build_pyramid(image.pixels)
    return DecodedPicture(image, levels)


class Prefetcher(QObject):
    """Fills the cache around the picture on screen; a picture that cannot be decoded is left for when it is wanted."""

    kept = Signal(object)
    """DecodedPicture, in the cache now."""
    given_up = Signal(str)
    """Key of a frame that was being decoded and is not in the cache."""
    crashed = Signal(str)

    def __init__(self, queue: JobQueue, cache: PictureCache, parent: QObject) -> None:
        super().__init__(parent)
        self._queue, self._cache = queue, cache
        self._wanted: list[Instance] = []
        self._given_up: set[str] = set()
        self._job: Job | None = None
        self._decoding = ""

    def aim(self, siblings: Sequence[Instance], at: int, step: int) -> None:
        """Want the pictures after the one at ``at``, going by ``step`` (1 or -1), and a few before it."""
        shown = self._cache.find(siblings[at].key)
        room = self._cache.room_for(shown) - 1 if shown else 0
        order = [at + step * n for n in range(1, AHEAD + 1)] + [at - step * n for n in range(1, BEHIND + 1)]
        near = [siblings[n] for n in order if 0 <= n < len(siblings)][: max(0, min(room, AHEAD + BEHIND))]
        self._wanted = [i for i in near if i.key not in self._cache and i.key not in self._given_up]
        if self._job is not None and self._decoding not in {instance.key for instance in self._wanted}:
            self._job.cancel()
        self._start_next()

    def is_decoding(self, key: str) -> bool:
        """Return whether a frame is being decoded: ``kept`` or ``given_up`` will tell of it."""
        return self._job is not None and not self._job.is_cancelled and self._decoding == key

    def stop(self) -> None:
        """Want nothing more."""
        self._wanted = []
        self._given_up.clear()
        if self._job is not None:
            self._job.cancel()

    def _start_next(self) -> None:
        if self._job is not None or not self._wanted:
            return
        instance = self._wanted.pop(0)
        job = self._queue.submit(decode(instance), "decode ahead")
        job.finished.connect(self._keep)
        job.failed.connect(self._give_up)
        job.crashed.connect(self._crash)
        job.cancelled.connect(self._leave)
        self._job, self._decoding = job, instance.key
        self._queue.start(job, PRIORITY)

    def _keep(self, picture: DecodedPicture) -> None:
        self._cache.put(picture)
        self._job = None
        self.kept.emit(picture)
        self._start_next()

    def _give_up(self, _error: object = None) -> None:
        self._given_up.add(self._decoding)
        self._leave()

    def _crash(self, traceback_text: str) -> None:
        self._give_up()
        self.crashed.emit(traceback_text)

    def _leave(self) -> None:
        key, self._job = self._decoding, None
        self.given_up.emit(key)
        self._start_next()
