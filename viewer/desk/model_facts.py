"""Help > Model facts: the card of the model that reads, made when it is asked for, and saved as a page."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from viewer import messages
from viewer.desk.reading import ReadingDesk
from viewer.errors import ViewerError
from viewer.jobs import Job, JobQueue
from viewer.second_reader.model_card import ModelCardText, read_model_card, write_model_card
from viewer.widgets.main_window import MainWindow
from viewer.widgets.model_card_window import ModelCardWindow
from viewer.widgets.places import in_documents

NO_MODEL = "No model is installed."
OUR_FAULT = "The model card could not be shown, by a fault of the program."


class ModelFactsDesk(QObject):
    """Shows the card of the chosen model, always that of the moment it is opened in."""

    crashed = Signal(str)

    def __init__(self, window: MainWindow, loading: JobQueue, readings: ReadingDesk) -> None:
        super().__init__(window)
        self._loading, self._readings = loading, readings
        self._making: Job | None = None
        self._folder: Path | None = None
        self._name = ""
        self.dialog = ModelCardWindow(window)
        self.dialog.save_requested.connect(self.choose_and_save)
        window.action("model-facts").triggered.connect(self.open)

    def open(self) -> None:
        """Open the window on the card of the model that reads."""
        if self._making is not None:
            self._making.cancel()
            self._making = None
        self._folder = self._readings.model_folder
        self.dialog.show_sentence("The model card is being read." if self._folder else NO_MODEL)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
        if self._folder is None:
            return
        job = self._loading.submit(read_model_card(self._folder), "model card")
        job.finished.connect(self._show)
        job.failed.connect(self._refuse)
        job.crashed.connect(self._crash)
        self._making = job
        self._loading.start(job)

    def _show(self, card: ModelCardText) -> None:
        self._making, self._name = None, card.name
        self.dialog.show_card(card.html, card.films)

    def _refuse(self, error: ViewerError) -> None:
        self._making = None
        self.dialog.show_sentence(str(error))

    def _crash(self, traceback_text: str) -> None:
        self._making = None
        self.dialog.show_sentence(OUR_FAULT)
        self.crashed.emit(traceback_text)

    # Saving

    def choose_and_save(self) -> None:
        """Ask where, and write the whole card there."""
        name, _ = QFileDialog.getSaveFileName(
            self.dialog, "Save the model card", in_documents(f"{self._name}-card.html"), "Page (*.html)"
        )
        if name:
            self.save(Path(name))

    def save(self, path: Path) -> None:
        """Write the whole card, with drawings, recipe and checklist, to a file."""
        if self._folder is None:
            return
        job = self._loading.submit(write_model_card(self._folder, path), "save model card")
        job.finished.connect(self._saved)
        job.failed.connect(self._save_failed)
        job.crashed.connect(self.crashed)
        self.dialog.say("Writing the model card")
        self._loading.start(job)

    def _saved(self, name: str) -> None:
        self.dialog.say(f"The model card was written to {name}.")

    def _save_failed(self, error: ViewerError) -> None:
        self.dialog.say("")
        messages.error(self.dialog, str(error))
