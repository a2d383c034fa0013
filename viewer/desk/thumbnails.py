"""Thumbnails of the study list: each made once, in the background, one file at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from viewer.imaging.image import Instance, NotOpened, Opened
from viewer.imaging.thumbnails import Thumbnail, make_thumbnails
from viewer.jobs import Job, JobQueue


class ThumbnailMaker(QObject):
    """Makes a thumbnail of each frame that is asked for, once; a frame that has one is passed over."""

    made = Signal(object)
    """Thumbnail."""
    failed = Signal(object)
    """NotOpened: the file cannot be decoded."""
    crashed = Signal(str)

    def __init__(self, queue: JobQueue, parent: QObject) -> None:
        super().__init__(parent)
        self._queue = queue
        self._waiting: OrderedDict[str, Instance] = OrderedDict()
        self._asked: set[str] = set()
        self._job: Job | None = None

    def want(self, frames: Iterable[Opened]) -> None:
        """Make the thumbnails that these frames lack."""
        for opened in frames:
            key = opened.instance.key
            if opened.thumbnail is None and key not in self._asked:
                self._asked.add(key)
                self._waiting[key] = opened.instance
        self._start_next()

    def stop(self) -> None:
        """Make no more, and forget what was made."""
        self._waiting.clear()
        self._asked.clear()
        if self._job is not None:
            self._job.cancel()

    def _start_next(self) -> None:
        if self._job is not None or not self._waiting:
            return
        _, instance = self._waiting.popitem(last=False)
        job = self._queue.submit(make_thumbnails([instance]), "make a thumbnail")
        job.progressed.connect(self._take)
        job.finished.connect(self._ended)
        job.cancelled.connect(self._ended)
        job.crashed.connect(self._crash)
        self._job = job
        self._queue.start(job)

    def _take(self, found: object) -> None:
        if isinstance(found, Thumbnail):
            self.made.emit(found)
        elif isinstance(found, NotOpened):
            self.failed.emit(found)

    def _crash(self, traceback_text: str) -> None:
        self._ended()
        self.crashed.emit(traceback_text)

    def _ended(self, _result: object = None) -> None:
        self._job = None
        self._start_next()
