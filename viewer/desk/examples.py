"""The confusion examples: their pictures and maps, one enlarged, and where the pictures come from."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from viewer import messages
from viewer.desk.reading import ReadingDesk
from viewer.errors import ViewerError
from viewer.jobs import Job, JobQueue
from viewer.policy import NETWORK_OFF
from viewer.reading import ConfusionExample, Reading, ReadingProgress
from viewer.second_reader.examples import example_film, fetch_example_films, install_example_films
from viewer.second_reader.reader import ExamplePicture, SecondReader
from viewer.session import Session
from viewer.settings import FETCH_LIMIT_MB, Settings
from viewer.widgets.example_window import ExampleWindow
from viewer.widgets.main_window import MainWindow

MEGABYTE = 1_000_000


class ExamplesDesk(QObject):
    """Reads an example with the network that never saw its patient, once a model, and shows it small and large."""

    picture_made = Signal(object)
    """ExamplePicture that was wanted."""
    installed = Signal()
    """Films have been linked or fetched."""
    crashed = Signal(str)

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        reading: JobQueue,
        loading: JobQueue,
        settings: Settings,
        desk: ReadingDesk,
        reader: SecondReader,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._settings = window, session, settings
        self._reading_queue, self._loading_queue = reading, loading
        self._desk, self._reader = desk, reader
        self._pictures: dict[tuple[str, str], ExamplePicture] = {}
        self._wanted: dict[str, Job] = {}
        self._films: dict[str, ExamplePicture] = {}
        self._opening: list[Job] = []
        self._installing: Job | None = None
        self.enlarged = ExampleWindow(window)
        self._large_at = 0
        self._connect()

    def _connect(self) -> None:
        window, panel = self._window, self._window.panel
        panel.picture_wanted.connect(self.want)
        panel.example_opened.connect(self._enlarge)
        panel.install_examples_requested.connect(self.choose_folder)
        panel.fetch_examples_requested.connect(self.fetch)
        panel.model_chosen.connect(self.stop)  # a map still being made belongs to the model that was left
        window.action("install-examples").triggered.connect(self.choose_folder)
        window.action("fetch-examples").triggered.connect(self.fetch)
        window.cancel_requested.connect(self._cancel_installing)
        self.enlarged.next_requested.connect(self._next)
        self.enlarged.previous_requested.connect(self._previous)
        self._desk.reading_changed.connect(self._titles)

    def stop(self) -> None:
        """Drop the pictures still being made: another film has come, or another model."""
        for job in (*self._wanted.values(), *self._opening):
            job.cancel()
        self._wanted.clear()
        self._opening.clear()
        self._films.clear()

    def forget_pictures(self) -> None:
        """Let go of every picture: a model has been replaced by another of its name."""
        self.stop()
        self._pictures.clear()

    # Pictures

    def picture_of(self, example: ConfusionExample) -> ExamplePicture | None:
        """Return the picture of an example with its map, if it has been made."""
        return self._pictures.get((str(self._desk.model_folder), example.sha256))

    def want(self, example: ConfusionExample) -> None:
        """Have the picture and the map of an example made, unless they are there."""
        folder = self._desk.model_folder
        if example.path is None or folder is None or example.sha256 in self._wanted:
            return
        key = (str(folder), example.sha256)
        if key in self._pictures:
            self._give(self._pictures[key])
            return
        self._open_film(example, example.path)
        work = self._reader.read_example(example, folder)
        job = self._reading_queue.submit(work, "read example")
        job.finished.connect(self._take)
        job.failed.connect(self._failed)
        job.crashed.connect(self.crashed)
        self._wanted[example.sha256] = job
        self._reading_queue.start(job)

    def _open_film(self, example: ConfusionExample, path: Path) -> None:
        """Have the film shown before its map, which waits for the model; what fails here fails there in words."""
        self._opening = [job for job in self._opening if not job.is_done]
        job = self._loading_queue.submit(example_film(example, path), "open example")
        job.finished.connect(self._take_film)
        job.crashed.connect(self.crashed)
        self._opening.append(job)
        self._loading_queue.start(job)

    def _take_film(self, film: ExamplePicture) -> None:
        if film.sha256 in self._wanted:
            self._films[film.sha256] = film
            self._show_picture(film)

    def _take(self, picture: ExamplePicture) -> None:
        self._wanted.pop(picture.sha256, None)
        self._films.pop(picture.sha256, None)
        self._pictures[(str(self._desk.model_folder), picture.sha256)] = picture
        self._give(picture)

    def _give(self, picture: ExamplePicture) -> None:
        self.picture_made.emit(picture)
        self._show_picture(picture)

    def _show_picture(self, picture: ExamplePicture) -> None:
        self._window.panel.set_picture(picture.sha256, picture.grey, picture.heat)
        shown = self._shown()
        if self.enlarged.isVisible() and self._large_at < len(shown) and shown[self._large_at].sha256 == picture.sha256:
            self._fill_large(shown[self._large_at])

    def _failed(self, error: ViewerError) -> None:
        self._wanted = {sha: job for sha, job in self._wanted.items() if not job.is_done}
        self._window.show_doing(str(error), None)

    # One enlarged

    def _shown(self) -> list[ConfusionExample]:
        strip = self._window.panel.examples
        return [*strip.shown_examples(), *strip.counter_examples()]

    def _enlarge(self, example: ConfusionExample) -> None:
        shown = self._shown()
        self._large_at = next((i for i, e in enumerate(shown) if e.sha256 == example.sha256), 0)
        self._show_large()
        self.enlarged.show()
        self.enlarged.raise_()

    def _show_large(self) -> None:
        example = self._shown()[self._large_at]
        self._fill_large(example)
        self.want(example)

    def _fill_large(self, example: ConfusionExample) -> None:
        made = self.picture_of(example)
        picture = made or self._films.get(example.sha256)
        grey, heat = (picture.grey, picture.heat) if picture is not None else (None, None)
        self.enlarged.show_example(example, grey, heat, is_map_coming=made is None)

    def _next(self) -> None:
        self._turn(1)

    def _previous(self) -> None:
        self._turn(-1)

    def _turn(self, step: int) -> None:
        count = len(self._shown())
        if count:
            self._large_at = (self._large_at + step) % count
            self._show_large()

    def _titles(self, reading: Reading) -> None:
        if reading.matrix is not None:
            self.enlarged.set_titles(dict(zip(reading.matrix.names, reading.matrix.titles, strict=True)))

    # Where the pictures come from

    def choose_folder(self) -> None:
        """Ask for a folder of films and link those that belong to the model."""
        name = QFileDialog.getExistingDirectory(self._window, "Folder with the example films")
        if name:
            self.install(Path(name))

    def install(self, films: Path) -> None:
        """Link a folder of films to the model by their hashes."""
        if self._desk.model_folder is not None:
            self._run(install_example_films(self._desk.model_folder, films), self._installed)

    def fetch(self) -> None:
        """Fetch the films from their public addresses, unless the site has switched the network off."""
        if not self._settings.policy.network_allowed:
            messages.error(self._window, f"The example films were not fetched. {NETWORK_OFF}")
            return
        if self._desk.model_folder is not None:
            limit = self._settings.get(FETCH_LIMIT_MB) * MEGABYTE
            self._run(fetch_example_films(self._desk.model_folder, limit), self._installed)

    def _run(self, work: Generator[Any, None, str], then: Callable[[str], None]) -> None:
        if self._installing is not None:
            # Its end must not be taken for that of the work that begins now.
            self._installing.cancelled.disconnect(self._install_cancelled)
            self._installing.cancel()
        job = self._loading_queue.submit(work, "example films")
        job.progressed.connect(self._progress)
        job.finished.connect(then)
        job.failed.connect(self._install_failed)
        job.crashed.connect(self.crashed)
        job.cancelled.connect(self._install_cancelled)
        self._installing = job
        self._loading_queue.start(job)

    def _progress(self, progress: ReadingProgress) -> None:
        self._window.show_doing(progress.text, progress.fraction, cancellable=True)

    def _installed(self, sentence: str) -> None:
        self._installing = None
        self._window.show_doing(sentence, None)
        self._desk.read_again()
        self.installed.emit()

    def _install_failed(self, error: ViewerError) -> None:
        self._installing = None
        self._window.show_doing("", None)
        messages.error(self._window, str(error))

    def _install_cancelled(self) -> None:
        self._installing = None
        self._window.show_doing("", None)

    def _cancel_installing(self) -> None:
        if self._installing is not None:
            self._installing.cancel()
