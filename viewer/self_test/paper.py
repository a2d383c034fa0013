"""Fonts and icons, and the report: written as a PDF and read back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray
from PySide6.QtGui import QFontDatabase, QRawFont, QTextLayout
from PySide6.QtSvg import QSvgRenderer

from viewer.imaging.documents.pdf_pages import page_sizes, page_text, render_page
from viewer.imaging.grayscale import default_voi
from viewer.imaging.image import RESEARCH_NOTICE
from viewer.paths import resources
from viewer.reporting import fonts
from viewer.reporting.compose import TITLE, FilmLook, compose_report
from viewer.reporting.pdf import write_pdf
from viewer.reporting.report import ReportText
from viewer.self_test.bench import Bench
from viewer.self_test.rows import Check, CheckFailed, plain

SCRIPTS = {
    "Latin": "Nguyễn Żółć",
    "Greek": "Γεώργιος",
    "Cyrillic": "Щукин",
    "Arabic": "نزار",
    "Hebrew": "שלום",
    "Thai": "ผู้ป่วย",
    "Chinese": "王小东 張偉",
    "Japanese": "山田たろう",
    "Korean": "김철수",
}
"""A name or a word in each script that has a font here."""

TYPED = ReportText("Self-test.", "The film is synthetic and shows no person.", "The report can be written.")
_A4_POINTS = (595, 842)


def paper_checks(bench: Bench) -> list[Check]:
    """Return the checks of fonts, icons and the PDF report."""
    return [
        Check("Fonts", plain(look_at_fonts)),
        Check("Icons", plain(look_at_icons)),
        Check("PDF report", plain(partial(write_and_read_report, bench))),
    ]


def look_at_fonts() -> str:
    """See that every font that ships can be loaded, and that each script has its letters in one of them."""
    fonts.register()
    broken = [name for name in fonts.FILES if not QRawFont(str(resources() / "fonts" / name), 12.0).isValid()]
    if broken:
        raise CheckFailed(f"Fonts of the program are missing or damaged: {', '.join(broken)}.")
    unknown = [family for family in fonts.FAMILIES if not QFontDatabase.hasFamily(family)]
    if unknown:
        raise CheckFailed(f"Fonts of the program are not registered: {', '.join(unknown)}.")
    wanting = [script for script, text in SCRIPTS.items() if not _is_drawn_by_ours(text)]
    if wanting:
        raise CheckFailed(f"Letters are missing in the fonts of the program: {', '.join(wanting)}.")
    return f"{len(fonts.FILES)} fonts, with the letters of {', '.join(SCRIPTS)}."


def _is_drawn_by_ours(text: str) -> bool:
    layout = QTextLayout(text, fonts.font(12))
    layout.beginLayout()
    layout.createLine().setLineWidth(1e6)
    layout.endLayout()
    runs = layout.glyphRuns()
    return bool(runs) and all(all(run.glyphIndexes()) and run.rawFont().familyName() in fonts.FAMILIES for run in runs)


def look_at_icons() -> str:
    """See that every icon is a drawing that Qt can draw."""
    files = sorted((resources() / "icons").glob("*.svg"))
    broken = [file.name for file in files if not QSvgRenderer(QByteArray(file.read_bytes())).isValid()]
    if broken or not files:
        raise CheckFailed(f"Icons of the program are missing or damaged: {', '.join(broken) or 'all of them'}.")
    return f"{len(files)} icons can be drawn."


def write_and_read_report(bench: Bench) -> str:
    """Write the report of the sample film, count its pages, read its text and draw its first page."""
    image, reading = bench.sample.image, bench.reading
    path = bench.folder / "report.pdf"
    write_pdf(compose_report(image, FilmLook(default_voi(image)), reading, TYPED), path)
    return read_report(path, [image.identity.patient_id, reading.model.title])


def read_report(path: Path, wanted: list[str]) -> str:
    """Read a report that holds ``TYPED`` back: its pages, its words, its first page as drawn; CheckFailed if it lacks any.

    Parameters
    ----------
    wanted
        What else it is to hold.
    """
    data = path.read_bytes()
    sizes = page_sizes(path, data)
    if any((round(width), round(height)) != _A4_POINTS for width, height in sizes):
        raise CheckFailed("The pages of the report are not A4.")
    missing = _missing_words([page_text(data, page) for page in range(len(sizes))], wanted)
    if missing:
        raise CheckFailed(f"The report lacks what was written into it: {'; '.join(missing)}.")
    page = render_page(data, 0, 0.5)
    if not (page.min() < 64 and page.max() > 192):
        raise CheckFailed("The first page of the report is empty.")
    pages = "1 page" if len(sizes) == 1 else f"{len(sizes)} pages"
    return f"{pages} of A4, {len(data) // 1024:,} KB, with all that was written; read back with PDFium."


def _missing_words(pages: list[str], wanted: list[str]) -> list[str]:
    texts = [" ".join(page.split()) for page in pages]
    whole = " ".join(texts)
    everywhere = [TITLE, TYPED.indication, TYPED.findings, TYPED.impression, *wanted]
    missing = [words for words in everywhere if words not in whole]
    footers = [f"Page {number} of {len(pages)}" for number in range(1, len(pages) + 1)]
    return missing + [f for f, text in zip(footers, texts, strict=True) if f not in text or RESEARCH_NOTICE not in text]
