"""The header of the film or document on screen, in a window beside it that follows from film to film."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from viewer import messages
from viewer.errors import ViewerError
from viewer.imaging.header_text import export_header
from viewer.imaging.image import Document
from viewer.imaging.tags import Header, read_header
from viewer.jobs import Job, JobQueue
from viewer.session import Session
from viewer.widgets.main_window import MainWindow
from viewer.widgets.places import in_documents
from viewer.widgets.tag_browser import TagBrowser

NO_FILM = "No film is open."
PATIENCE_MS = 300
"""The last file's header stays so long at most while the next one is read."""


def header_of(path: Path) -> Generator[str, None, Header]:
    """Read the header of a file: the work of showing it."""
    yield "Reading the header"
    return read_header(path)


class TagsDesk(QObject):
    """Shows the header of the current film, whether it can be drawn or not, and writes it out as text."""

    crashed = Signal(str)

    def __init__(self, window: MainWindow, session: Session, loading: JobQueue) -> None:
        super().__init__(window)
        self._window, self._session, self._loading = window, session, loading
        self._reading: Job | None = None
        self._path: Path | None = None
        self._document: Document | None = None
        self.browser = TagBrowser(window)
        self._following = QTimer(self, singleShot=True, interval=0)
        self._following.timeout.connect(self._follow)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._say_reading)
        self.browser.export_requested.connect(self.choose_and_export)
        window.action("tags").triggered.connect(self.open)
        window.action("tags").setEnabled(False)

    def open(self) -> None:
        """Open the window on the current film, or the document in its place."""
        path = self._current()
        if path is not None:
            self.show_file(path)

    def show_file(self, path: Path) -> None:
        """Open the window on a file of any kind, a picture or not."""
        self.browser.show()
        self.browser.raise_()
        self.browser.activateWindow()
        self._read(path)

    def leave_film(self) -> None:
        """Go over to the next film as soon as the session names it; the last one's header is not left standing."""
        self._following.start()

    def take_document(self, document: Document) -> None:
        """Go over to a document that is shown in the place of a film."""
        self._document = document
        self._following.start()

    def _current(self) -> Path | None:
        """Return the file on screen: that of the current film, or else the document last shown, while it is open."""
        if self._session.current is not None:
            return self._session.current.path
        document = self._document
        return document.path if document is not None and document in self._session.studies.documents() else None

    def _follow(self) -> None:
        path = self._current()
        self._window.action("tags").setEnabled(path is not None)
        if not self.browser.isVisible():
            self._path = None
        elif path is None:
            self._stop_reading()
            self._path = None
            self.browser.show_sentence("", NO_FILM)
        elif path != self._path:
            self._read(path)

    def _read(self, path: Path) -> None:
        self._stop_reading()
        self._path = path
        job = self._loading.submit(header_of(path), "read header")
        job.finished.connect(self._show)
        job.failed.connect(self._refuse)
        job.crashed.connect(self._crash)
        self._reading = job
        self._loading.start(job)
        self._patience.start()

    def _say_reading(self) -> None:
        if self._path is not None:
            self.browser.show_sentence(self._path.name, "The header is being read.")

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        self._patience.stop()
        self._reading = None

    def _show(self, header: Header) -> None:
        self._stop_waiting()
        self.browser.show_header(header)

    def _refuse(self, error: ViewerError) -> None:
        self._stop_waiting()
        self.browser.show_sentence(self._path.name if self._path else "", str(error))

    def _crash(self, traceback_text: str) -> None:
        self._stop_waiting()
        self.browser.show_sentence("", "This header could not be shown, by a fault of the program.")
        self.crashed.emit(traceback_text)

    # Exporting

    def choose_and_export(self) -> None:
        """Ask where, and write the header there as text."""
        header = self.browser.header
        if header is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self.browser, "Export the header", in_documents(f"{header.path.stem}-header.txt"), "Text (*.txt)"
        )
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> None:
        """Write the header that is shown as text, read anew for the pool thread."""
        header = self.browser.header
        if header is None:
            return
        job = self._loading.submit(export_header(header.path, path), "export header")
        job.finished.connect(self._exported)
        job.failed.connect(self._export_failed)
        job.crashed.connect(self.crashed)
        self.browser.say("Writing the header")
        self._loading.start(job)

    def _exported(self, name: str) -> None:
        self.browser.say(f"The header was written to {name}.")

    def _export_failed(self, error: ViewerError) -> None:
        self.browser.say("")
        messages.error(self.browser, str(error))
