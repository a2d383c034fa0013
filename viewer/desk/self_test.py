"""Help > Self-test: run on the reading queue, whose thread the networks belong to, and shown row by row."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from viewer.errors import ViewerError
from viewer.jobs import Job, JobQueue
from viewer.self_test.all_checks import self_test
from viewer.self_test.rows import Row, Step
from viewer.settings import DEVICE, Settings
from viewer.widgets.main_window import MainWindow
from viewer.widgets.self_test_window import SelfTestWindow

BY_A_FAULT = "The self-test stopped with an error of the program."


class SelfTestDesk(QObject):
    """Runs one self-test at a time; a film that is opened meanwhile waits for its reading."""

    crashed = Signal(str)

    def __init__(self, window: MainWindow, queue: JobQueue, settings: Settings) -> None:
        super().__init__(window)
        self._queue, self._settings = queue, settings
        self._job: Job | None = None
        self.dialog = SelfTestWindow(window)
        self.dialog.start_requested.connect(self.start)
        self.dialog.stop_requested.connect(self.stop)
        window.action("self-test").triggered.connect(self.open)

    def open(self) -> None:
        """Open the window and begin, or show it again while a test goes on."""
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
        if self._job is None:
            self.start()

    def start(self) -> None:
        """Begin from the beginning."""
        self.stop()
        self.dialog.show_started()
        job = self._queue.submit(self_test(self._settings.get(DEVICE)), "self-test")
        job.progressed.connect(self._progress)
        job.finished.connect(self._finish)
        job.failed.connect(self._fail)
        job.crashed.connect(self._crash)
        self._job = job
        self._queue.start(job)

    def stop(self) -> None:
        """Stop the test that goes on, after the check that is at work."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self.dialog.show_stopped()

    def _progress(self, found: object) -> None:
        if isinstance(found, Row):
            self.dialog.add_row(found)
        elif isinstance(found, Step):
            self.dialog.show_step(found)

    def _finish(self, rows: tuple[Row, ...]) -> None:
        self._job = None
        self.dialog.show_end(rows)

    def _fail(self, error: ViewerError) -> None:
        self._job = None
        self.dialog.show_stopped(str(error))

    def _crash(self, traceback_text: str) -> None:
        self._job = None
        self.dialog.show_stopped(BY_A_FAULT)
        self.crashed.emit(traceback_text)
