"""Training a model: the films that are chosen, the one training that runs, and the model that comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from viewer import messages
from viewer.errors import ViewerError
from viewer.jobs import Job, JobQueue
from viewer.model_list import is_own
from viewer.reading import ReadingProgress
from viewer.second_reader.own_films import look_at_films
from viewer.second_reader.training import load_training_library, name_fault, train_model, usable_name
from viewer.settings import DEVICE, LAST_TRAINING_FOLDER, Settings
from viewer.training import FilmsFound, TrainedModel, TrainingProgress, TrainingRequest
from viewer.widgets.main_window import MainWindow
from viewer.widgets.training_window import TrainingWindow

TABLE_FILTER = "Tables of films (*.csv)"
OUR_FAULT = "The training stopped with an error of the program. What was finished is kept."
ASK_BEFORE_CLOSING = (
    "A model is being trained. If the program is closed, the training stops; what is finished is kept, and a training with "
    "the same films and name goes on from there. Close the program?"
)


class TrainingDesk(QObject):
    """Runs one training at a time on the training queue, so that films are loaded and read meanwhile."""

    model_installed = Signal(str)
    """Name of a model that has come into the list, new or in the place of another."""
    model_wanted = Signal(str)
    """Name of the model that films are to be read with."""
    crashed = Signal(str)

    def __init__(self, window: MainWindow, queue: JobQueue, reading: JobQueue, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._queue, self._reading, self._settings = window, queue, reading, settings
        self._waiting: list[Job] = []
        self._is_loaded = False
        self._looking: Job | None = None
        self.training: Job | None = None
        """The training under way."""
        self._request: TrainingRequest | None = None
        self._model: TrainedModel | None = None
        self.dialog = TrainingWindow(name_fault, usable_name, is_own, window)
        self._connect()

    def _connect(self) -> None:
        dialog = self.dialog
        self._window.action("train").triggered.connect(self.open)
        self._window.training_shown.connect(self.open)
        dialog.folder_requested.connect(self.choose_folder)
        dialog.table_requested.connect(self.choose_table)
        dialog.data_dropped.connect(self.look_at)
        dialog.start_requested.connect(self.start)
        dialog.cancel_requested.connect(self.cancel)
        dialog.report_requested.connect(self._open_report)
        dialog.read_requested.connect(self._read_with_model)
        dialog.finished.connect(self._tell_outside)

    def open(self) -> None:
        """Show the training window, as it was left."""
        self._window.show_training("")
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def close(self) -> None:
        """Close the training window with the program."""
        self.dialog.hide()

    def _start_when_loaded(self, job: Job) -> None:
        """Start a job of the training queue once the libraries have been loaded on the reading thread."""
        self._waiting.append(job)
        if self._is_loaded:
            self._start_waiting()
        elif len(self._waiting) == 1:
            loading = self._reading.submit(load_training_library(), "load the training library")
            loading.finished.connect(self._loaded)
            loading.failed.connect(self._start_waiting)  # the jobs meet the same failure, and say it in their place
            loading.crashed.connect(self._start_waiting)
            self._reading.start(loading)

    def _loaded(self) -> None:
        self._is_loaded = True
        self._start_waiting()

    def _start_waiting(self) -> None:
        jobs, self._waiting = self._waiting, []
        for job in jobs:
            self._queue.start(job)

    # The films

    def choose_folder(self) -> None:
        """Ask for a folder of class folders and look at it."""
        name = QFileDialog.getExistingDirectory(
            self.dialog, "Folder that holds one folder for each class", self._settings.get(LAST_TRAINING_FOLDER)
        )
        if name:
            self.look_at(Path(name))

    def choose_table(self) -> None:
        """Ask for a table of films and look at it."""
        name, _ = QFileDialog.getOpenFileName(
            self.dialog, "Table of films", self._settings.get(LAST_TRAINING_FOLDER), TABLE_FILTER
        )
        if name:
            self.look_at(Path(name))

    def look_at(self, data: Path) -> None:
        """Find out what can be trained from a folder or a table."""
        if self.training is not None:
            return
        if self._looking is not None:
            self._looking.cancel()
        self._settings.set(LAST_TRAINING_FOLDER, str(data.parent))
        self.dialog.form.show_looking(data)
        job = self._queue.submit(look_at_films(data), "look at films to train on")
        job.progressed.connect(self._looked_further)
        job.finished.connect(self._take_films)
        job.failed.connect(self._refuse_films)
        job.crashed.connect(self._looking_crashed)
        self._looking = job
        self._start_when_loaded(job)

    def _looked_further(self, progress: ReadingProgress) -> None:
        self.dialog.form.show_step(progress.text)

    def _take_films(self, found: FilmsFound) -> None:
        self._looking = None
        device = self._settings.get(DEVICE)
        if self._settings.is_locked(DEVICE):
            found = replace(found, devices=(device,))
        self.dialog.show_films(found, device)

    def _refuse_films(self, error: ViewerError) -> None:
        self._looking = None
        self.dialog.form.show_fault(str(error))

    def _looking_crashed(self, traceback_text: str) -> None:
        self._looking = None
        self.dialog.form.show_fault("These films could not be looked at, by a fault of the program.")
        self.crashed.emit(traceback_text)

    # The training

    def start(self, request: TrainingRequest) -> None:
        """Train what is asked for, unless a training runs already."""
        if self.training is not None:
            return
        self._request, self._model = request, None
        self.dialog.show_running()
        self._window.ask_before_closing(ASK_BEFORE_CLOSING)
        job = self._queue.submit(train_model(request), "train a model")
        job.progressed.connect(self._progress)
        job.finished.connect(self._finished)
        job.failed.connect(self._failed)
        job.crashed.connect(self._crashed)
        job.cancelled.connect(self._cancelled)
        self.training = job
        self._start_when_loaded(job)

    def cancel(self) -> None:
        """Stop after the epoch under way."""
        if self.training is not None:
            self.training.cancel()

    def _progress(self, progress: TrainingProgress) -> None:
        self.dialog.show_progress(progress)
        if not self.dialog.isVisible():
            self._window.show_training(f"Training: {100 * progress.fraction:.0f} %")

    def _finished(self, model: TrainedModel) -> None:
        self._model = model
        self._end(f"The model {model.name} is trained")
        self.dialog.show_model(model)
        self.model_installed.emit(model.name)

    def _failed(self, error: ViewerError) -> None:
        self._end("The training has stopped")
        self.dialog.show_failure(str(error))

    def _crashed(self, traceback_text: str) -> None:
        self._end("The training has stopped")
        self.dialog.show_failure(OUR_FAULT)
        self.crashed.emit(traceback_text)

    def _cancelled(self) -> None:
        self._end("")
        self.dialog.show_stopped()

    def _end(self, said_outside: str) -> None:
        self.training = None
        self._window.ask_before_closing("")
        self._window.show_training("" if self.dialog.isVisible() else said_outside)

    def _tell_outside(self) -> None:
        """Say in the main window that a training goes on whose window has been closed."""
        if self.training is not None:
            self._window.show_training("Stopping the training" if self.training.is_cancelled else "Training")

    # What came of it

    def _open_report(self) -> None:
        if self._model is None or self._model.report is None:
            return
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._model.report))):
            messages.error(self.dialog, f"No program on this machine opens the report; it lies at {self._model.report}.")

    def _read_with_model(self) -> None:
        if self._model is not None:
            self.model_wanted.emit(self._model.name)
            self._window.activateWindow()
            self._window.raise_()
