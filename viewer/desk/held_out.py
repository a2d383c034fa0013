"""Held-out films at full size, for what stands beside the film and for the quiz."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from viewer.imaging.picture_cache import DecodedPicture
from viewer.imaging.pyramid import build_pyramid
from viewer.imaging.reader import read_file
from viewer.jobs import Job, JobQueue


def decode_file(path: Path) -> Generator[str, None, DecodedPicture]:
    """Read the first picture of a file and build its pyramid."""
    yield "Opening the film"
    image = read_file(path)
    yield "Preparing the film"
    return DecodedPicture(image, build_pyramid(image.pixels))


class HeldOutLoader(QObject):
    """Brings one film at a time, the one that was wanted last."""

    loaded = Signal(object)
    """DecodedPicture."""
    failed = Signal(object)
    """ViewerError in the place of the picture."""
    crashed = Signal(str)

    def __init__(self, queue: JobQueue, parent: QObject) -> None:
        super().__init__(parent)
        self._queue = queue
        self._job: Job | None = None

    def load(self, path: Path) -> None:
        """Bring a film; what was wanted before is not brought any more."""
        self.drop()
        job = self._queue.submit(decode_file(path), "decode held-out film")
        job.finished.connect(self.loaded)
        job.failed.connect(self.failed)
        job.crashed.connect(self.crashed)
        self._job = job
        self._queue.start(job)

    def drop(self) -> None:
        """Want no film any more."""
        if self._job is not None and not self._job.is_done:
            self._job.cancel()
        self._job = None
