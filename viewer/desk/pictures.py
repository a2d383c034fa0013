"""The picture that is wanted on screen: from memory, from the decoding ahead, or decoded now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from viewer.desk.prefetch import Prefetcher, decode
from viewer.imaging.image import Instance
from viewer.imaging.picture_cache import DecodedPicture, PictureCache
from viewer.jobs import Job, JobQueue


class PictureLoader(QObject):
    """Brings one picture at a time, the one that was wanted last; nothing is decoded twice at the same time."""

    loaded = Signal(object)
    """DecodedPicture that was wanted, in the cache now."""
    failed = Signal(object)
    """ViewerError in the place of the picture."""
    crashed = Signal(str)
    """Traceback in the place of the picture."""

    def __init__(self, loading: JobQueue, background: JobQueue, parent: QObject) -> None:
        super().__init__(parent)
        self._loading = loading
        self.cache = PictureCache(0)
        self._prefetch = Prefetcher(background, self.cache, self)
        self._job: Job | None = None
        self._wanted: Instance | None = None
        self._prefetch.kept.connect(self._take_prefetched)
        self._prefetch.given_up.connect(self._decode_given_up)
        self.prefetch_crashed = self._prefetch.crashed

    @property
    def is_busy(self) -> bool:
        """Return whether a wanted picture is still to come."""
        return self._wanted is not None

    def load(self, instance: Instance) -> None:
        """Bring the picture of a frame; at once where it is in memory. What was wanted before is not brought any more."""
        self.drop()
        kept = self.cache.find(instance.key)
        if kept is not None:
            self.loaded.emit(kept)
            return
        self._wanted = instance
        if not self._prefetch.is_decoding(instance.key):
            self._decode(instance)

    def drop(self) -> None:
        """Want no picture any more."""
        self._wanted = None
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def decode_ahead(self, siblings: Sequence[Instance], at: int, step: int) -> None:
        """Decode the pictures after the one at ``at``, going by ``step`` (1 or -1), while nothing else is wanted."""
        self._prefetch.aim(siblings, at, step)

    def close(self) -> None:
        """Want nothing and keep nothing."""
        self.drop()
        self._prefetch.stop()
        self.cache.clear()

    def _decode(self, instance: Instance) -> None:
        job = self._loading.submit(decode(instance), "decode film")
        job.finished.connect(self._take)
        job.failed.connect(self._fail)
        job.crashed.connect(self._crash)
        self._job = job
        self._loading.start(job)

    def _take_prefetched(self, picture: DecodedPicture) -> None:
        if self._wanted is not None and self._wanted.key == picture.image.instance.key:
            self._take(picture)

    def _decode_given_up(self, key: str) -> None:
        if self._wanted is not None and self._wanted.key == key:
            self._decode(self._wanted)

    def _take(self, picture: DecodedPicture) -> None:
        self._job = self._wanted = None
        self.cache.put(picture)
        self.loaded.emit(picture)

    def _fail(self, error: object) -> None:
        self._job = self._wanted = None
        self.failed.emit(error)

    def _crash(self, traceback_text: str) -> None:
        self._job = self._wanted = None
        self.crashed.emit(traceback_text)
