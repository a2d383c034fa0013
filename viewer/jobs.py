"""The thread boundary: the one file that may name a thread.

Work is a plain generator that has never heard of Qt. What it yields is progress, what it returns is the result, and
closing it releases what it holds. A :class:`JobQueue` runs it on a pool thread; a :class:`Job` delivers signals on the
thread that owns it (the GUI's). After :meth:`Job.cancel` nothing but ``cancelled`` is ever delivered, even when a result
was already under way.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Generator
from typing import Any

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal

from viewer.errors import ViewerError

log = logging.getLogger(__name__)

Work = Generator[Any, None, Any]


class Job(QObject):
    """One piece of work and its signals, all delivered on the thread the Job was made on.

    Exactly one of ``finished`` (the generator's return value), ``failed`` (a ViewerError: the world's fault), ``crashed``
    (a traceback: our fault) and ``cancelled`` is emitted; then the Job deletes itself.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    crashed = Signal(str)
    cancelled = Signal()

    def __init__(self, work: Work, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.is_cancelled = False
        self.is_done = False
        self._work = work

    def cancel(self) -> None:
        """Stop at the next yield; from now on only ``cancelled`` is delivered."""
        self.is_cancelled = True

    def exhaust(self, report: Callable[[str, object], None]) -> None:
        """Run the generator to its end on a pool thread, once, telling ``report`` what comes of it."""
        try:
            report(*self._outcome(report))
        except ViewerError as error:
            report("failed", error)
        except Exception:
            report("crashed", traceback.format_exc())

    def _outcome(self, report: Callable[[str, object], None]) -> tuple[str, object]:
        try:
            while not self.is_cancelled:
                try:
                    progress = next(self._work)
                except StopIteration as end:
                    return "finished", end.value
                report("progressed", progress)
            return "cancelled", None
        finally:
            self._work.close()

    def deliver(self, kind: str, content: object) -> None:
        """Emit what the pool thread reported, unless the job has been cancelled meanwhile."""
        if kind == "progressed":
            if not self.is_cancelled:
                self.progressed.emit(content)
            return
        self.is_done = True
        if kind == "crashed":
            log.error("%s crashed\n%s", self.name, content)
        if self.is_cancelled:
            self.cancelled.emit()
        elif kind == "finished":
            self.finished.emit(content)
        elif kind == "failed":
            self.failed.emit(content)
        else:
            self.crashed.emit(str(content))
        self.deleteLater()


class _Mail(QObject):
    """Carries reports from pool threads to a queue; outlives it while a run still holds it, and then tells nobody."""

    reported = Signal(object, str, object)


class _Run(QRunnable):
    def __init__(self, job: Job, mail: _Mail) -> None:
        super().__init__()
        self._job, self._mail = job, mail

    def run(self) -> None:
        self._job.exhaust(self._report)

    def _report(self, kind: str, content: object) -> None:
        # Neither job nor queue emits: both may be deleted on the GUI thread before this call has returned.
        self._mail.reported.emit(self._job, kind, content)


class JobQueue(QObject):
    """Jobs in the order they come, ``threads`` of them at a time.

    Four queues serve the program: loading (2 threads), background (1: thumbnails, decoding ahead), reading (1: models and
    hooks are not re-entrant) and training (1).
    """

    def __init__(self, threads: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._pool.setExpiryTimeout(-1)  # torch gives each new thread a pool of its own: keep the one we have
        self._jobs: set[Job] = set()
        self._is_shut_down = False
        self._mail = _Mail()
        self._mail.reported.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def submit(self, work: Work, name: str) -> Job:
        """Return a Job that has not started: connect to it, then :meth:`start` it."""
        return Job(work, name, self)

    def start(self, job: Job, priority: int = 0) -> None:
        """Let the job run as soon as a thread is free, before waiting jobs of a lower priority; never after the end."""
        if self._is_shut_down:
            job.cancel()
            return
        self._jobs.add(job)
        self._pool.start(_Run(job, self._mail), priority)

    def shut_down(self, timeout_ms: int = 10_000) -> bool:
        """Cancel everything, start nothing any more, and wait; return whether all threads have ended."""
        self._is_shut_down = True
        for job in self._jobs:
            job.cancel()
        return self._pool.waitForDone(timeout_ms)

    def _deliver(self, job: Job, kind: str, content: object) -> None:
        if kind != "progressed":
            self._jobs.discard(job)
        job.deliver(kind, content)
