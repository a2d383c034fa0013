"""The quiz on held-out films: finds them, leads through them, and tells truth and answers at the end."""

from __future__ import annotations

import random
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from viewer import messages
from viewer.desk.held_out import HeldOutLoader
from viewer.desk.reading import ReadingDesk
from viewer.errors import ViewerError
from viewer.files import write_whole
from viewer.jobs import Job, JobQueue
from viewer.quiz import QuizPool, QuizResult, QuizRun, draw_films, result_table
from viewer.second_reader.quiz import quiz_pool, score_quiz
from viewer.widgets.main_window import MainWindow
from viewer.widgets.places import in_documents
from viewer.widgets.quiz_window import QuizWindow

NO_MODEL = "No model is installed, so there are no held-out films to be asked about."
OUR_FAULT = "This stopped with an error of the program."
CSV_FILTER = "Tables (*.csv)"
FILE_NAME = "hilum-quiz.csv"


class QuizDesk(QObject):
    """One quiz at a time; a window that is closed is found again as it was left, and nothing of it is written anywhere."""

    crashed = Signal(str)

    def __init__(self, window: MainWindow, loading: JobQueue, readings: ReadingDesk) -> None:
        super().__init__(window)
        self._window, self._loading, self._readings = window, loading, readings
        self._looking: Job | None = None
        self._pool: QuizPool | None = None
        self.run: QuizRun | None = None
        """The quiz under way or at its end."""
        self._result: QuizResult | None = None
        self._loader = HeldOutLoader(loading, self)
        self.dialog = QuizWindow(window)
        self._connect()

    def open(self) -> None:
        """Show the window as it was left, or look for films to ask about."""
        if self.run is None:
            self.look()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def look(self) -> None:
        """Look for the held-out films of the present model and offer a quiz."""
        self.run = self._result = self._pool = None
        self._loader.drop()
        self._offer(None)
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        folder = self._readings.model_folder
        if folder is None:
            self._offer(None, NO_MODEL)
            return
        job = self._loading.submit(quiz_pool(folder), "look for quiz films")
        job.finished.connect(self.take_pool)
        job.failed.connect(self._not_found)
        job.crashed.connect(self.take_crash)
        self._looking = job
        self._loading.start(job)

    def look_again(self) -> None:
        """Look once more, if films were linked or fetched while the window offers a quiz."""
        if self.run is None and self.dialog.isVisible():
            self.look()

    def start(self, count: int, seed: int) -> None:
        """Draw the films and show the first."""
        if self._pool is not None:
            self.run = QuizRun(draw_films(self._pool.films, count, seed), seed)
            self._ask()

    def export(self) -> None:
        """Ask where the result is to be written, and write it."""
        name, _ = QFileDialog.getSaveFileName(self.dialog, "Export the quiz", in_documents(FILE_NAME), CSV_FILTER)
        if name and self._result is not None and self._pool is not None:
            try:
                write_whole(Path(name), result_table(self._result, self._pool))
            except OSError as error:
                messages.error(self.dialog, f"The result could not be written to {Path(name).name}: {error.strerror}.")

    def _connect(self) -> None:
        dialog = self.dialog
        self._window.action("quiz").triggered.connect(self.open)
        dialog.start_requested.connect(self.start)
        dialog.rated.connect(self._rate)
        dialog.next_requested.connect(self._next)
        dialog.back_requested.connect(self._back)
        dialog.film_chosen.connect(self._show_again)
        dialog.export_requested.connect(self.export)
        dialog.again_requested.connect(self.look)
        dialog.install_requested.connect(self._window.action("install-examples").trigger)
        dialog.fetch_requested.connect(self._window.action("fetch-examples").trigger)
        self._loader.loaded.connect(dialog.show_film)
        self._loader.failed.connect(self._fail)
        self._loader.crashed.connect(self.take_crash)

    # Finding

    def take_pool(self, pool: QuizPool) -> None:
        """Offer a quiz from these films."""
        self._looking = None
        self._pool = pool
        self._offer(pool)

    def _not_found(self, error: ViewerError) -> None:
        self._looking = None
        self._offer(None, str(error))

    def take_crash(self, traceback_text: str) -> None:
        """Go on without what could not be done by a fault of ours, and tell of it."""
        error = ViewerError(OUR_FAULT)
        if self.run is None:
            self._not_found(error)
        else:
            self._fail(error)
        self.crashed.emit(traceback_text)

    def _offer(self, pool: QuizPool | None, problem: str = "") -> None:
        self.dialog.show_pool(pool, random.SystemRandom().randrange(1_000_000), problem)

    # Asking

    def _ask(self) -> None:
        run, pool = self.run, self._pool
        if run is None or pool is None:
            return
        self.dialog.show_question(run.at + 1, len(run.films), pool.title(pool.positive), run.rating)
        self._loader.load(run.film.path)

    def _rate(self, per_cent: int) -> None:
        if self.run is not None:
            self.run.rate(per_cent)

    def _next(self) -> None:
        if self.run is not None:
            self._go_on(self.run.next())

    def _back(self) -> None:
        if self.run is not None:
            self.run.back()
            self._ask()

    def _fail(self, error: ViewerError) -> None:
        """Leave a film out that cannot be opened; after the end, say why it cannot be seen."""
        if self.run is None or self._result is not None:
            self.dialog.show_failure(str(error))
            return
        is_over = self.run.leave_out()
        if self.run.films:
            self._go_on(is_over)
        else:
            self.run = None
            self._offer(None, str(error))

    def _go_on(self, is_over: bool) -> None:
        if self.run is None or self._pool is None:
            return
        if not is_over:
            self._ask()
            return
        self._loader.drop()
        self._result = score_quiz(self.run)
        self.dialog.show_result(self._result, self._pool)

    def _show_again(self, index: int) -> None:
        if self._result is not None and self._pool is not None:
            self.dialog.show_again(index, self._result, self._pool)
            self._loader.load(self._result.films[index].path)
