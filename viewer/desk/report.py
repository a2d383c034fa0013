"""The report: drafts kept on every pause, and the PDF."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from viewer import messages
from viewer.errors import ReportError, ViewerError
from viewer.imaging.image import Image
from viewer.jobs import JobQueue
from viewer.paths import drafts_database
from viewer.policy import Policy
from viewer.reading import Reading
from viewer.reporting.compose import FilmLook, compose_report
from viewer.reporting.drafts import DraftStore, draft_key
from viewer.reporting.pdf import write_pdf
from viewer.reporting.report import ReportText
from viewer.session import Session
from viewer.settings import HEAT_MAP_COLORS, HEAT_MAP_OPACITY, Settings
from viewer.widgets.main_window import MainWindow
from viewer.widgets.places import in_documents


def write_report(
    image: Image, look: FilmLook, reading: Reading | None, text: ReportText, path: Path, policy: Policy
) -> Generator[str, None, str]:
    """Compose and write a report; return the file's name."""
    yield "Composing the report"
    write_pdf(compose_report(image, look, reading, text, policy), path)
    return path.name


class ReportDesk(QObject):
    """Keeps what is typed with the film it is typed about, and writes it out."""

    exported = Signal(str)
    crashed = Signal(str)

    def __init__(self, window: MainWindow, session: Session, loading: JobQueue, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._session, self._loading, self._settings = window, session, loading, settings
        self._drafts = self._open_drafts()
        self._key = ""
        editor = window.report_editor
        editor.text_paused.connect(self._save)
        editor.export_requested.connect(self.choose_and_export)
        window.action("export").triggered.connect(self.choose_and_export)
        editor.show_no_film()
        window.action("export").setEnabled(False)
        if self._drafts.notice:
            messages.warning(window, self._drafts.notice)

    def _open_drafts(self) -> DraftStore:
        """Return the drafts; where they cannot be used (a newer program wrote them), a second file, and say so."""
        try:
            return DraftStore(drafts_database())
        except ReportError as error:
            messages.warning(self._window, f"{error} What is typed now is kept in a second file of drafts.")
            return DraftStore(drafts_database().with_name("drafts-2.sqlite3"))

    def take_film(self, image: Image) -> None:
        """Bring back what was typed about this film."""
        self._key = draft_key(image.sha256, image.instance.frame)
        text = self._draft()
        self._window.report_editor.set_text(text or ReportText())
        self._window.report_editor.show_saved("Draft of an earlier session" if text else "")
        self._window.action("export").setEnabled(True)

    def _draft(self) -> ReportText | None:
        try:
            return self._drafts.load(self._key)
        except ReportError as error:
            messages.error(self._window, str(error))
            return None

    def leave_film(self) -> None:
        """Keep what was typed about the film that goes."""
        self._window.report_editor.flush()
        self._key = ""
        self._window.report_editor.show_no_film()
        self._window.action("export").setEnabled(False)

    def close(self) -> None:
        """Keep everything and close the database."""
        self._window.report_editor.flush()
        self._drafts.close()

    def _save(self, text: ReportText) -> None:
        if not self._key:
            return
        try:
            self._drafts.save(self._key, text)
        except ReportError as error:
            self._window.report_editor.show_saved("Not saved")
            messages.error(self._window, str(error))
            return
        self._window.report_editor.show_saved(f"Draft saved {datetime.now():%H:%M:%S}")

    def choose_and_export(self) -> None:
        """Ask where, and write the PDF there."""
        image = self._session.image
        if image is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Export the report", in_documents(f"report-{image.sha256[:8]}.pdf"), "PDF (*.pdf)"
        )
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> None:
        """Write the report of the film on screen, windowed as it is on screen."""
        image, canvas = self._session.image, self._window.canvas
        if image is None:
            return
        self._window.report_editor.flush()
        look = FilmLook(
            canvas.voi,
            canvas.inverted,
            self._window.panel.heat_map_class(),
            self._settings.get(HEAT_MAP_COLORS),
            self._settings.get(HEAT_MAP_OPACITY),
        )
        typed, policy = self._window.report_editor.text(), self._settings.policy
        work = write_report(image, look, self._session.reading, typed, path, policy)
        job = self._loading.submit(work, "export report")
        job.finished.connect(self._exported)
        job.failed.connect(self._export_failed)
        job.crashed.connect(self.crashed)
        self._window.show_doing("Writing the report", None)
        self._loading.start(job)

    def _exported(self, name: str) -> None:
        self._window.show_doing(f"The report was written to {name}.", None)
        self.exported.emit(name)

    def _export_failed(self, error: ViewerError) -> None:
        self._window.show_doing("", None)
        messages.error(self._window, str(error))
