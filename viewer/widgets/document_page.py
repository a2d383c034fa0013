"""A document in the place of the film: a report or key objects as text, a PDF as pages, a presentation state in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from viewer.imaging.documents.content import DocumentContent
from viewer.imaging.image import Identity
from viewer.widgets import icons, theme
from viewer.widgets.controls import Hairline, Notice, PlainLabel, SmallPrint, button
from viewer.widgets.document_text import DocumentText
from viewer.widgets.pdf_view import PIXELS_PER_POINT, ZOOM_STEP, PdfView
from viewer.widgets.places import in_documents

NOTHING = "No document is open."
_SUFFIX = ".pdf"
_NARROWEST_PX = 80


class DocumentPage(QWidget):
    """The head of a document and what it says. It reads nothing itself: pages of a PDF are asked for and shown when given."""

    reference_chosen = Signal(str, int)
    """The SOP Instance UID of a picture or another object the document names, and its frame, counted from 1."""
    page_wanted = Signal(int, float)
    """A page of the PDF, counted from 0, and the pixels to a point it is wanted at; answer with ``show_page``."""

    def __init__(self) -> None:
        super().__init__()
        self._content: DocumentContent | None = None
        self._problem = ""
        self._head = _Head()
        self._notices = QVBoxLayout()
        self.text = DocumentText()
        self.pdf = PdfView()
        self._empty = PlainLabel(NOTHING, "secondary")
        self._bodies = QStackedWidget()
        self.copy_button = button("Copy text", "copy")
        self.save_button = button("Save a copy...", "download")
        self.zoom_out_button, self.zoom_in_button = button("−"), button("+")
        self.fit_button = button("Fit width", "fit")
        self._position = SmallPrint(wrap=False)
        self._lay_out()
        self._connect()
        self.show_nothing()

    def show_document(self, content: DocumentContent, names: Mapping[str, str] | None = None) -> None:
        """Show a document.

        Parameters
        ----------
        names
            What the pictures that are open are called, by SOP Instance UID: only references to them can then be
            followed. None lets every reference be followed.
        """
        self._content = content
        self._head.show_head(content)
        self._show_notices(content.notices)
        if content.page_sizes_pt:
            self.pdf.show_pages(content.page_sizes_pt)
        self.text.show_lines(content.lines, names)
        self._show_body(self.pdf if content.page_sizes_pt else self.text if content.lines else self._empty)
        self._empty.setText("")

    def show_problem(self, title: str, sentence: str) -> None:
        """Say why a document cannot be shown."""
        self.show_nothing()
        self._head.show_title(title)
        self._show_notices((sentence,))
        self._empty.setText("")

    def show_nothing(self) -> None:
        """Show that no document is open."""
        self._content = None
        self._head.show_title("")
        self._show_notices(())
        self.text.show_lines(())
        self.pdf.show_pages(())
        self._empty.setText(NOTHING)
        self._show_body(self._empty)

    def show_page(self, page: int, scale: float, pixels: np.ndarray) -> None:
        """Show a page that was asked for: uint8 (rows, columns, 3) RGB."""
        self.pdf.show_page(page, scale, pixels)

    def show_page_problem(self, page: int, sentence: str) -> None:
        """Say in the place of a page why it cannot be drawn."""
        self.pdf.show_page_problem(page, sentence)

    # ------------------------------------------------------------------------------------------------------- inside

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._head, 1)
        for each in (self.copy_button, self.save_button):
            top.addWidget(each, 0, Qt.AlignmentFlag.AlignTop)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.text.setViewportMargins(4, 0, 8, 0)
        for body in (self.text, self.pdf, self._empty):
            self._bodies.addWidget(body)
        self._notices.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 12, 12)
        column.setSpacing(12)
        column.addLayout(top)
        column.addLayout(self._notices)
        column.addWidget(Hairline())
        column.addLayout(self._page_row())
        column.addWidget(self._bodies, 1)

    def _page_row(self) -> QHBoxLayout:
        """Return where one is in a PDF, and the zoom."""
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._position)
        row.addStretch(1)
        for small, said in ((self.zoom_out_button, "Zoom out"), (self.zoom_in_button, "Zoom in")):
            small.setFixedWidth(36)
            small.setAccessibleName(said)
            small.setToolTip(said)
        for each in (self.zoom_out_button, self.zoom_in_button, self.fit_button):
            row.addWidget(each)
        return row

    def _connect(self) -> None:
        self.text.reference_chosen.connect(self.reference_chosen)
        self.pdf.page_wanted.connect(self.page_wanted)
        self.pdf.position_changed.connect(self._show_position)
        self.copy_button.clicked.connect(self._copy)
        self.save_button.clicked.connect(self._save)
        self.zoom_out_button.clicked.connect(self._zoom_out)
        self.zoom_in_button.clicked.connect(self._zoom_in)
        self.fit_button.clicked.connect(self.pdf.fit_width)

    def _show_body(self, body: QWidget) -> None:
        self._bodies.setCurrentWidget(body)
        self.setFocusProxy(body)
        is_pdf = body is self.pdf
        for widget in (self._position, self.zoom_out_button, self.zoom_in_button, self.fit_button):
            widget.setVisible(is_pdf)
        self.copy_button.setVisible(body is self.text)
        self.save_button.setVisible(self._content is not None and bool(self._content.pdf))

    def _show_notices(self, sentences: tuple[str, ...]) -> None:
        while item := self._notices.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for sentence in sentences:
            self._notices.addWidget(Notice("warning", sentence))

    def _show_position(self) -> None:
        count = self.pdf.page_count()
        percent = round(self.pdf.scale() / PIXELS_PER_POINT * 100)
        self._position.setText(f"Page {self.pdf.current_page() + 1:,} of {count:,}   {percent} %" if count else "")

    def _zoom_in(self) -> None:
        self.pdf.zoom(ZOOM_STEP)

    def _zoom_out(self) -> None:
        self.pdf.zoom(1 / ZOOM_STEP)

    def _copy(self) -> None:
        head = self._head.plain_text()
        QGuiApplication.clipboard().setText("\n\n".join(part for part in (head, self.text.toPlainText()) if part))

    def _save(self) -> None:
        """Write the PDF as it is to a file the user chooses."""
        if self._content is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save a copy of the PDF", in_documents(f"document{_SUFFIX}"), f"PDF (*{_SUFFIX})"
        )
        if not chosen:
            return
        target = Path(chosen) if Path(chosen).suffix else Path(chosen).with_suffix(_SUFFIX)
        try:
            target.write_bytes(self._content.pdf)
        except OSError as error:
            self._show_notices((*self._content.notices, f"{target.name} could not be written: {error.strerror}."))


class _Head(QWidget):
    """Title, kind, patient, and what else is known of a document before one reads it."""

    def __init__(self) -> None:
        super().__init__()
        self._mark = QLabel()
        self._title = PlainLabel(selectable=True)
        self._title.setFont(theme.title_font(18))
        self._patient = PlainLabel(selectable=True)
        for label in (self._title, self._patient):
            # A long word without a gap must not keep the window wide.
            label.setMinimumWidth(_NARROWEST_PX)
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(12)
        self._facts.setVerticalSpacing(2)
        self._facts.setColumnStretch(1, 1)
        self._said: list[str] = []
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._title)
        words.addWidget(self._patient)
        words.addLayout(self._facts)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_title(self, title: str) -> None:
        """Show a title alone."""
        self._mark.hide()
        self._title.setText(title)
        self._title.setVisible(bool(title))
        self._patient.hide()
        self._clear_facts()
        self._said = [title] if title else []

    def show_head(self, content: DocumentContent) -> None:
        """Show the head of a document."""
        self.show_title(content.title)
        self._mark.setPixmap(
            icons.pixmap(icons.DOCUMENTS[content.kind], 28, self.devicePixelRatioF(), theme.DARK.text_secondary)
        )
        self._mark.show()
        patient = _patient(content.identity)
        self._patient.setText(patient)
        self._patient.setVisible(bool(patient))
        self._said += [patient] if patient else []
        facts = (("Kind", content.kind_name), ("Date", content.date), ("Status", content.status), *content.facts)
        for label, value in facts:
            if value:
                is_doubtful = label == "Status" and not content.is_verified
                self._add_fact(label, value, is_doubtful)

    def plain_text(self) -> str:
        """Return what the head says, one line a fact."""
        return "\n".join(self._said)

    def _add_fact(self, label: str, value: str, is_doubtful: bool) -> None:
        row = self._facts.rowCount()
        self._facts.addWidget(SmallPrint(label, wrap=False), row, 0, Qt.AlignmentFlag.AlignTop)
        said = SmallPrint(value, "warning" if is_doubtful else "", selectable=True)
        said.setMinimumWidth(_NARROWEST_PX)
        self._facts.addWidget(said, row, 1)
        self._said.append(f"{label}: {value}")

    def _clear_facts(self) -> None:
        while item := self._facts.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()


def _patient(identity: Identity) -> str:
    stated = (
        identity.patient_name,
        f"ID {identity.patient_id}" if identity.patient_id else "",
        f"born {identity.birth_date}" if identity.birth_date else "",
        identity.sex,
    )
    return "   ".join(part for part in stated if part)
