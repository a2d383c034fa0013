"""Documents of a study: reports as text, PDFs as pages, presentation states applied to the pictures they are for."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from PySide6.QtCore import QObject, Signal

from viewer.errors import ViewerError
from viewer.imaging.documents.content import DocumentContent
from viewer.imaging.documents.pdf_pages import drawing
from viewer.imaging.documents.presentation_state import PresentationState
from viewer.imaging.image import Document
from viewer.imaging.opening import read_document, read_state
from viewer.jobs import Job, JobQueue
from viewer.session import Session
from viewer.widgets.main_window import MainWindow


def _reading(document: Document) -> Generator[str, None, tuple[DocumentContent, PresentationState | None]]:
    yield "Reading the document"
    state = read_state(document) if document.kind == "presentation state" else None
    return read_document(document), state


class DocumentsDesk(QObject):
    """Shows what is chosen among the documents, and brings up the pictures they name."""

    document_shown = Signal(object)
    """Document that is on screen now, in the place of a film."""
    film_wanted = Signal(object, object)
    """Instance that a document names, and the PresentationState it is to be shown in or None."""
    crashed = Signal(str)

    def __init__(self, window: MainWindow, session: Session, loading: JobQueue) -> None:
        super().__init__(window)
        self._window, self._session, self._loading = window, session, loading
        self._page = window.document_page
        self._job: Job | None = None
        self._pages: dict[Job, int] = {}
        self._document: Document | None = None
        self._state: PresentationState | None = None
        self.content: DocumentContent | None = None
        self._page.reference_chosen.connect(self._follow)
        self._page.page_wanted.connect(self._draw_page)

    def show_document(self, document: Document) -> None:
        """Show a document in the place of the film."""
        self.stop()
        self._document = document
        self._page.show_nothing()
        self._window.show_document_page()
        self._window.study_list.set_current(document.key)
        self.document_shown.emit(document)
        job = self._loading.submit(_reading(document), "read a document")
        job.finished.connect(self._show)
        job.failed.connect(self._say)
        job.crashed.connect(self.crashed)
        self._job = job
        self._loading.start(job)

    def stop(self) -> None:
        """Let go of the document."""
        for job in (self._job, *self._pages):
            if job is not None and not job.is_done:
                job.cancel()
        self._job, self._document, self._state, self.content = None, None, None, None
        self._pages.clear()

    def _show(self, read: tuple[DocumentContent, PresentationState | None]) -> None:
        self.content, self._state = read
        self._job = None
        self._page.show_document(self.content, self._names())
        self._window.focus_document()

    def _names(self) -> dict[str, str]:
        """Return what the pictures that are open are called, by SOP Instance UID."""
        studies = self._session.studies
        uids = (uid for uid in self._document.refers_to) if self._document else ()
        found = ((uid, studies.find_picture(uid)) for uid in uids)
        return {uid: opened.instance.path.name for uid, opened in found if opened is not None}

    def _say(self, error: ViewerError) -> None:
        self._job = None
        self._page.show_problem(self._document.title if self._document else "", str(error))

    def _follow(self, sop_instance_uid: str, frame: int) -> None:
        opened = self._session.studies.find_picture(sop_instance_uid, frame)
        if opened is None:
            self._window.show_doing("The picture that this document names is not open.", None)
            return
        self.film_wanted.emit(opened.instance, self._state)

    # Pages

    def _draw_page(self, page: int, scale: float) -> None:
        if self.content is None:
            return
        job = self._loading.submit(_page_work(self.content.pdf, page, scale), "draw a page")
        job.finished.connect(self._show_page)
        job.failed.connect(self._say_of_page)
        job.crashed.connect(self.crashed)
        self._pages[job] = page
        self._loading.start(job)

    def _show_page(self, drawn: tuple[int, float, np.ndarray]) -> None:
        page, scale, pixels = drawn
        self._pages = {job: number for job, number in self._pages.items() if not job.is_done}
        self._page.show_page(page, scale, pixels)

    def _say_of_page(self, error: ViewerError) -> None:
        sender = self.sender()
        page = next((number for job, number in self._pages.items() if job is sender), None)
        if page is not None:
            self._page.show_page_problem(page, str(error))


def _page_work(pdf: bytes, page: int, scale: float) -> Generator[str, None, tuple[int, float, np.ndarray]]:
    pixels = yield from drawing(pdf, page, scale)
    return page, scale, pixels
