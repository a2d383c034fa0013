"""Opening: from what was dropped to rows of the study list, while the first film is already on screen."""

from __future__ import annotations

import importlib
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from viewer.desk.thumbnails import ThumbnailMaker
from viewer.errors import ViewerError
from viewer.imaging.image import Document, NotOpened, Opened, OpenProgress, OpenSummary
from viewer.imaging.opening import copy_sentence, open_paths
from viewer.imaging.phantom import write_sample
from viewer.imaging.sources import PasswordNeeded
from viewer.imaging.thumbnails import Thumbnail
from viewer.imaging.zip_members import set_password
from viewer.jobs import Job, JobQueue
from viewer.paths import retrieved_folder, sample_film
from viewer.policy import Policy
from viewer.session import Session
from viewer.settings import LAST_FOLDER, RECENT, Settings
from viewer.widgets.main_window import MainWindow, data_of
from viewer.widgets.password_dialog import PasswordDialog
from viewer.widgets.problems_dialog import ProblemsDialog
from viewer.window_request import StudyRequest

FILE_FILTER = "Films (*.dcm *.dicom *.dic *.ima *.png *.jpg *.jpeg *.tif *.tiff *.bmp *.webp *.zip DICOMDIR);;All files (*)"
Opening = Generator[Any, None, OpenSummary]
RETRIEVAL, RETRIEVED = "viewer.dicomweb.retrieval", "viewer.dicomweb.retrieved"
"""Loaded with the first study that is brought from a server: most windows never need the network's libraries."""
REFRESH_MS = 80
"""Rows of the study list are sorted and drawn this often at most while thousands of files arrive."""
REST = 8
"""Between two refreshes the window rests this many times as long as the last one took."""


def open_sample() -> Opening:
    """Draw the synthetic film if it is not there yet, then open it."""
    path = sample_film()
    if not path.is_file():
        yield OpenProgress(0, 1, "the synthetic film is being drawn")
        write_sample(path)
    return (yield from open_paths([path]))


def open_study(request: StudyRequest, policy: Policy) -> Opening:
    """Bring a study from its server and open each of its files as it comes."""
    yield OpenProgress(0, 0, f"a study from {request.server}")
    work: Opening = importlib.import_module(RETRIEVAL).retrieve_study(request, policy)
    return (yield from work)


def _sweep(keep_days: int) -> Generator[None, None, None]:
    yield
    importlib.import_module(RETRIEVED).sweep(keep_days)


class Openings:
    """Openings under way: what was dropped last goes on first, what it has interrupted goes on after it."""

    def __init__(self) -> None:
        self._works: list[tuple[int, Opening]] = []
        self.newest = 0

    def add(self, work: Opening) -> None:
        """Open this next; may be called on another thread than the one that runs."""
        self.newest += 1
        self._works.append((self.newest, work))

    @property
    def is_unfinished(self) -> bool:
        """Return whether something is left to be opened."""
        return bool(self._works)

    def run(self) -> Generator[tuple[int, Any], None, None]:
        """Yield what is found with the number of its opening; an OpenSummary is the last of each."""
        try:
            while self._works:
                numbered = self._works[-1]
                number, work = numbered
                try:
                    found = next(work)
                except StopIteration as end:
                    self._works.remove(numbered)
                    found = end.value
                except ViewerError as error:
                    self._works.remove(numbered)
                    found = NotOpened(Path(), str(error))
                yield number, found
        finally:
            for _, work in self._works:
                work.close()


class OpeningDesk(QObject):
    """Opens what is dropped, lists it, and names what could not be opened."""

    first_found = Signal(object)
    """Instance or Document: the first film of what was dropped, or its first document where it has no film."""
    listed = Signal()
    """The study list shows all that has been found until now."""
    emptied = Signal()
    """Nothing is open."""
    crashed = Signal(str)

    def __init__(
        self, window: MainWindow, session: Session, loading: JobQueue, background: JobQueue, settings: Settings
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._loading, self._settings = window, session, loading, settings
        self._background = background
        self._thumbnails = ThumbnailMaker(background, self)
        self._opening: Job | None = None
        self._openings = Openings()
        self._opened = 0
        self._show_first = False
        self._first_document: Document | None = None
        self._locked: list[PasswordNeeded] = []
        self._has_retrieved = False
        self._problems = ProblemsDialog(window)
        self._problems_seen = 0
        self.password = PasswordDialog(window)
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._connect()
        self._list_recent(settings.get(RECENT))
        window.action("problems").setEnabled(False)

    def _connect(self) -> None:
        window, start = self._window, self._window.start_screen
        simple = {
            "open": self.choose_files, "open-folder": self.choose_folder, "sample": self.open_sample,
            "problems": self._show_problems,
        }  # fmt: skip
        for name, slot in simple.items():
            window.action(name).triggered.connect(slot)
        window.paths_dropped.connect(self.open)
        window.cancel_requested.connect(self.cancel)
        start.open_requested.connect(self.choose_files)
        start.open_folder_requested.connect(self.choose_folder)
        start.sample_requested.connect(self.open_sample)
        start.recent_chosen.connect(self._open_recent)
        self.password.password_given.connect(self._open_locked)
        self.password.declined.connect(self._leave_locked)
        self._refresh.timeout.connect(self.refresh)
        self._thumbnails.made.connect(self._take_thumbnail)
        self._thumbnails.failed.connect(self._take_unreadable)
        self._thumbnails.crashed.connect(self.crashed)

    @property
    def is_busy(self) -> bool:
        """Return whether something is being opened."""
        return self._opening is not None

    # What to open

    def choose_files(self) -> None:
        """Ask for files and open them."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open films", self._settings.get(LAST_FOLDER), FILE_FILTER)
        if names:
            self.open([Path(name) for name in names])

    def choose_folder(self) -> None:
        """Ask for a folder and open all that is in it."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder", self._settings.get(LAST_FOLDER))
        if name:
            self.open([Path(name)])

    def open_sample(self) -> None:
        """Open the synthetic film."""
        self._start(open_sample())

    def open(self, paths: Sequence[Path]) -> None:
        """Open files and folders; the first film found is shown while the rest is still listed."""
        if not paths:
            return
        self._settings.set(LAST_FOLDER, str(paths[0].parent))
        self._list_recent(self._settings.add_recent(str(paths[0])))
        self._start(open_paths(paths))

    def open_study(self, request: StudyRequest) -> None:
        """Bring a study from a server; its first film is shown while the rest still comes."""
        self._has_retrieved = True
        self._start(open_study(request, self._settings.policy))

    def sweep_retrieved(self) -> None:
        """Remove what windows that have crashed brought from servers."""
        if any(retrieved_folder().glob("*")):
            job = self._background.submit(_sweep(self._settings.policy.keep_days), "remove retrieved films")
            job.crashed.connect(self.crashed)
            self._background.start(job)

    def forget_retrieved(self) -> None:
        """Remove what this window has brought from servers, unless the site lets it be kept; to be called at the end."""
        if self._has_retrieved:
            importlib.import_module(RETRIEVED).close_folder(self._settings.policy.keep_days)

    def _list_recent(self, paths: list[str]) -> None:
        for action in self._window.set_recent(paths):
            action.triggered.connect(self._open_recent_action)

    def _open_recent_action(self) -> None:
        self._open_recent(data_of(self.sender()))

    def _open_recent(self, path: str) -> None:
        self.open([Path(path)])

    # While it is opened

    def _start(self, work: Opening) -> None:
        self._show_first, self._first_document = True, None
        if self._opening is not None and not self._opening.is_cancelled:
            self._openings.add(work)
            return
        if self._opening is not None:
            # Its end must not be taken for that of the opening that begins now.
            self._opening.cancelled.disconnect(self._ended)
        self._locked.clear()
        self._opened, self._problems_seen = 0, len(self._session.not_opened)
        self._openings = Openings()
        self._openings.add(work)
        self._run()

    def _run(self) -> None:
        job = self._loading.submit(self._openings.run(), "open films")
        job.progressed.connect(self._take)
        job.finished.connect(self._opened_all)
        job.crashed.connect(self._crash)
        job.cancelled.connect(self._ended)
        self._opening = job
        self._window.show_doing("Opening", 0.0, cancellable=True)
        self._loading.start(job)

    def _take(self, numbered: tuple[int, object]) -> None:
        number, found = numbered
        if isinstance(found, OpenProgress):
            self._window.show_doing(f"Opening {found.name}", found.done / max(found.total, 1), cancellable=True)
        elif isinstance(found, NotOpened):
            self._session.not_opened.append(found)
        elif isinstance(found, PasswordNeeded):
            self._locked.append(found)
        elif isinstance(found, Opened | Document):
            self._take_found(found, number == self._openings.newest)
        elif isinstance(found, OpenSummary):
            self._opened += found.opened
            if number == self._openings.newest:
                self._show_document()

    def _take_found(self, found: Opened | Document, is_newest: bool) -> None:
        original = None if isinstance(found, Document) else self._session.original_of(found)
        if original is None and self._session.add(found) and not self._refresh.isActive():
            self._refresh.start()
        if isinstance(found, Opened) and original is not None and found.instance.frame == 0:
            self._session.not_opened.append(NotOpened(found.instance.path, copy_sentence(found.instance.path, original.path)))
        if not self._show_first or not is_newest:
            return
        if isinstance(found, Document):
            self._first_document = self._first_document or found
        else:
            self._show_first = False
            self.refresh()
            self.first_found.emit(original or found.instance)

    def _show_document(self) -> None:
        """Show the first document of what was dropped last, where no film was in it."""
        if self._show_first and self._first_document is not None:
            self._show_first = False
            self.refresh()
            self.first_found.emit(self._first_document)

    def refresh(self) -> None:
        """Bring the study list up to date, and ask for the thumbnails it lacks."""
        self._refresh.stop()
        began = time.monotonic()
        for group in self._session.take_changes():
            self._window.study_list.show_group(group)
            self._thumbnails.want([series.opened[0] for series in group.series])
        self.listed.emit()
        # Long series take longer to sort: the list then follows more slowly, and the window stays free.
        self._refresh.setInterval(max(REFRESH_MS, int(REST * 1000 * (time.monotonic() - began))))

    def _opened_all(self) -> None:
        if self._openings.is_unfinished:
            # Something was dropped at the very moment the last opening ended.
            self._run()
            return
        self._ended()
        self._ask_for_password()
        self._tell_problems(self._opened)
        self._show_new_problems()
        if not len(self._session.studies) and not self._session.studies.documents():
            self.emptied.emit()

    def _ask_for_password(self) -> None:
        """Ask for the password of the first archive that needs one; it is opened again with the answer."""
        if self._locked:
            locked = self._locked.pop(0)
            self.password.ask(locked.path, locked.was_wrong)

    def _open_locked(self, path: Path, password: str) -> None:
        set_password(path, password)
        waiting = list(self._locked)
        self._session.not_opened[:] = [one for one in self._session.not_opened if one.path != path]
        self._start(open_paths([path]))
        self._locked = waiting

    def _leave_locked(self, _path: Path) -> None:
        self._ask_for_password()

    def _new_problems(self) -> list[NotOpened]:
        return self._session.not_opened[self._problems_seen :]

    def _tell_problems(self, opened: int) -> None:
        new = self._new_problems()
        self._window.action("problems").setEnabled(bool(self._session.not_opened))
        if new and self._opening is None:
            self._window.show_doing(_not_opened_sentence(opened, new), None)
        if self._problems.isVisible():
            self._problems.show_problems(new)

    def _show_new_problems(self) -> None:
        """List the problems of an opening that has just ended, without taking the keyboard from the film."""
        if new := self._new_problems():
            self._problems.show_problems(new)
            self._problems.show()

    def _crash(self, traceback_text: str) -> None:
        self._ended()
        self.crashed.emit(traceback_text)

    def _ended(self) -> None:
        self._opening = None
        self.refresh()
        self._window.show_doing("", None)

    def cancel(self) -> None:
        """Stop opening; what has been listed stays."""
        if self._opening is not None:
            self._opening.cancel()

    def close_all(self) -> None:
        """Stop opening and forget what is listed."""
        self.cancel()
        self._refresh.stop()
        self._thumbnails.stop()
        self._locked.clear()
        self._problems.hide()
        self._window.study_list.clear()
        self._window.action("problems").setEnabled(False)

    def _show_problems(self) -> None:
        self._problems.show_problems(self._session.not_opened)
        self._problems.show()
        self._problems.raise_()
        self._problems.activateWindow()

    # Thumbnails

    def _take_thumbnail(self, made: Thumbnail) -> None:
        if self._session.take_thumbnail(made) and not self._refresh.isActive():
            self._refresh.start()

    def _take_unreadable(self, problem: NotOpened) -> None:
        """Take a file that cannot be decoded out of the list, and name it where nobody is interrupted."""
        self._session.take_out(problem)
        self._refresh.start()
        self._tell_problems(len(self._session.studies))


def _not_opened_sentence(opened: int, problems: Sequence[NotOpened]) -> str:
    if len(problems) == 1 and not opened:
        return problems[0].reason
    files = "1 file was" if len(problems) == 1 else f"{len(problems):,} files were"
    return f"{opened:,} opened; {files} not: File > Files that were not opened."
