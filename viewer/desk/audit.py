"""The shortcut audit: asked for by the radiologist, run on the reading queue, kept with the reading."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from viewer.desk.reading import ReadingDesk
from viewer.errors import ViewerError
from viewer.jobs import Job, JobQueue
from viewer.reading import Audit, Reading, ReadingProgress
from viewer.second_reader.reader import SecondReader
from viewer.session import Session
from viewer.widgets.main_window import MainWindow

BY_A_FAULT = "The audit stopped with an error of the program."


class AuditDesk(QObject):
    """Runs one audit at a time; one of another film, or of another model, is dropped."""

    crashed = Signal(str)

    def __init__(self, window: MainWindow, session: Session, queue: JobQueue, desk: ReadingDesk, reader: SecondReader) -> None:
        super().__init__(window)
        self._window, self._session, self._queue = window, session, queue
        self._desk, self._reader = desk, reader
        self._job: Job | None = None
        self._found: Audit | None = None
        panel = window.panel
        panel.audit_requested.connect(self.start)
        panel.lungs_toggled.connect(self._draw_lungs)
        panel.model_chosen.connect(self.stop)
        desk.reading_changed.connect(self._keep)

    def start(self) -> None:
        """Audit the answer on screen."""
        image, folder = self._session.image, self._desk.model_folder
        if image is None or folder is None or self._session.reading is None:
            return
        self.stop()
        self._window.panel.audit.show_running()
        job = self._queue.submit(self._reader.audit(image, folder), "audit")
        job.progressed.connect(self._progress)
        job.finished.connect(self._finish)
        job.failed.connect(self._fail)
        job.crashed.connect(self._crash)
        self._job = job
        self._queue.start(job)

    def stop(self) -> None:
        """Drop the audit under way and forget the last one."""
        if self._job is not None:
            self._job.cancel()
        self._job = self._found = None
        self._window.canvas.set_lungs(None)

    def _progress(self, found: object) -> None:
        if isinstance(found, ReadingProgress):
            self._window.panel.audit.show_progress(found.text, found.fraction)

    def _finish(self, found: Audit) -> None:
        self._job = None
        self._found = found
        if self._session.reading is not None:
            self._keep(self._session.reading)

    def _keep(self, reading: Reading) -> None:
        """Put the audit into a reading of the same film, also into one that is finished after it."""
        found = self._found
        if found is None or (found.sha256, found.frame) != (reading.sha256, reading.frame) or reading.status != "read":
            return
        if self._session.take_reading(replace(reading, audit=found)):
            self._window.panel.show_audit(found)
            self._draw_lungs()

    def _draw_lungs(self) -> None:
        wanted = self._found is not None and self._window.panel.audit.lungs_box.isChecked()
        self._window.canvas.set_lungs(self._found.lungs if self._found is not None and wanted else None)

    def _fail(self, error: ViewerError) -> None:
        self._job = None
        self._window.panel.audit.show_failure(str(error))

    def _crash(self, traceback_text: str) -> None:
        self._job = None
        self._window.panel.audit.show_failure(BY_A_FAULT)
        self.crashed.emit(traceback_text)
