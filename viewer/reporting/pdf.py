"""The report as a PDF: A4, vector text, embedded fonts, PDF/A-1b.

Two passes: the content is laid out as pieces and distributed over pages, so that "page 1 of 3" is known; then each page
is drawn with its header and its footer. Needs a QGuiApplication, on any platform plugin (offscreen is enough).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPageLayout, QPageSize, QPainter, QPdfWriter

from viewer.errors import ReportError
from viewer.files import write_whole
from viewer.imaging.image import RESEARCH_NOTICE
from viewer.reporting.report import Report
from viewer.reporting.sections import CONTENT_WIDTH, content
from viewer.reporting.typesetting import (
    ACCENT,
    HAIRLINE,
    LEFT,
    MUTED,
    RESOLUTION,
    RIGHT,
    Placed,
    Style,
    lines,
    mm,
    paginate,
)

DOCUMENT_TITLE = "Hilum second-reader report"
"""Of the file; it holds no name, because a viewer shows it in its title bar and in lists of recent files."""

MARGIN = mm(18)
CONTENT_TOP = mm(26)
CONTENT_HEIGHT = mm(297 - 26 - 22)
FOOTER_TOP = mm(297 - 17)

WORDMARK = Style(17, QFont.Weight.Bold, ACCENT)
TITLE = Style(13)
RUNNING = Style(7.5, color=MUTED)
INSTITUTION = Style(9, QFont.Weight.DemiBold, MUTED)
NOTICE = Style(7.5, QFont.Weight.DemiBold)


def write_pdf(report: Report, path: Path) -> None:
    """Write the report to ``path``, whole or not at all; a file already there is replaced.

    Raises
    ------
    ReportError
        If the file cannot be written.
    RuntimeError
        If there is no QGuiApplication.
    """
    if QGuiApplication.instance() is None:
        raise RuntimeError("a report needs a QGuiApplication for its fonts")
    _replace(path, render_pdf(report))


def render_pdf(report: Report) -> bytes:
    """Return the report as the bytes of a PDF file."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = _writer(buffer, report)
    pages = paginate(content(report), CONTENT_HEIGHT)
    painter = QPainter(writer)
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
    for number, page in enumerate(pages, start=1):
        if number > 1:
            writer.newPage()
        _draw_page(painter, report, page, number, len(pages))
    painter.end()
    buffer.close()
    return bytes(data.data())


def _writer(buffer: QBuffer, report: Report) -> QPdfWriter:
    writer = QPdfWriter(buffer)
    writer.setResolution(RESOLUTION)
    writer.setPdfVersion(QPdfWriter.PdfVersion.PdfVersion_A1b)
    writer.setPageLayout(
        QPageLayout(QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait, QMarginsF(0, 0, 0, 0))
    )
    writer.setTitle(DOCUMENT_TITLE)
    writer.setAuthor("Hilum")
    writer.setCreator(f"Hilum {report.program_version}")
    return writer


def _draw_page(painter: QPainter, report: Report, page: Sequence[Placed], number: int, total: int) -> None:
    if number == 1:
        _draw_title(painter, report)
    else:
        _draw_running_header(painter, report)
    for placed in page:
        placed.piece.draw(painter, MARGIN, CONTENT_TOP + placed.y)
    _draw_footer(painter, report, number, total)


def _draw_title(painter: QPainter, report: Report) -> None:
    baseline = mm(19)
    _draw_line(painter, "Hilum", WORDMARK, MARGIN, baseline)
    _draw_line(painter, report.title, TITLE, MARGIN + mm(23), baseline, LEFT, mm(95))
    printed = f"Written {report.created.strftime('%Y-%m-%d %H:%M')} UTC{report.created.strftime('%z')}"
    _draw_line(painter, printed, RUNNING, MARGIN, baseline, RIGHT)
    _draw_line(painter, report.institution, INSTITUTION, MARGIN, mm(11))
    painter.fillRect(QRectF(MARGIN, mm(22.5), CONTENT_WIDTH, mm(0.4)), QColor(ACCENT))


def _draw_running_header(painter: QPainter, report: Report) -> None:
    who = ", ".join(part for part in (report.identity.patient_id, report.identity.patient_name) if part)
    _draw_line(painter, who or "Name not stated", RUNNING, MARGIN, mm(19), LEFT, mm(120))
    _draw_line(painter, f"Hilum  {report.title}", RUNNING, MARGIN + mm(122), mm(19), RIGHT, mm(52))
    painter.fillRect(QRectF(MARGIN, mm(22.5), CONTENT_WIDTH, mm(0.15)), QColor(HAIRLINE))


def _draw_footer(painter: QPainter, report: Report, number: int, total: int) -> None:
    painter.fillRect(QRectF(MARGIN, FOOTER_TOP, CONTENT_WIDTH, mm(0.15)), QColor(HAIRLINE))
    baseline = FOOTER_TOP + mm(5)
    _draw_line(painter, RESEARCH_NOTICE, NOTICE, MARGIN, baseline)
    _draw_line(painter, f"Page {number} of {total}", RUNNING, MARGIN, baseline, RIGHT)
    _draw_line(painter, report.footer, RUNNING, MARGIN, baseline + mm(4.5))


def _draw_line(
    painter: QPainter,
    text: str,
    style: Style,
    x: float,
    baseline: float,
    alignment: Qt.AlignmentFlag = LEFT,
    width: float = CONTENT_WIDTH,
) -> None:
    """Draw the first line of a text; what does not fit is said to be missing by an ellipsis."""
    pieces = lines(text, style, width, alignment)
    if len(pieces) > 1:
        _draw_line(painter, "\u2026", style, x + width, baseline)
    if pieces:
        pieces[0].draw(painter, x, baseline - pieces[0].baseline)


def _replace(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise ReportError(
            f"The report could not be saved as {path.name}: {error.strerror or error}; choose another place, or close "
            "the file if it is open in another program."
        ) from error
