"""A document inside a DICOM file: a PDF as pages, a clinical document (CDA) as text.

References: DICOM PS3.3 C.24 (encapsulated document), A.45; HL7 CDA release 2, narrative block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

from pydicom.dataset import Dataset

from viewer.errors import UnreadableFile
from viewer.imaging.documents.codes import class_name, coded, date_and_time
from viewer.imaging.documents.content import MOST_LINES, DocumentContent, Line
from viewer.imaging.documents.pdf_drawing import MOST_PAGES
from viewer.imaging.documents.pdf_pages import page_sizes
from viewer.imaging.header import integer, paragraphs, raw_value, text
from viewer.imaging.identity import read_identity

PDF = "1.2.840.10008.5.1.4.1.1.104.1"
CDA = "1.2.840.10008.5.1.4.1.1.104.2"
LARGEST_PDF_BYTES = 256 * 2**20
LARGEST_TEXT_BYTES = 2**20

_DEEPEST = 32
_BLOCKS = {"paragraph", "item", "tr", "caption"}
_CELLS = {"td", "th"}


def title_of(dataset: Dataset) -> str:
    """Return the document's own title, else the concept it is filed under; "" where it has neither."""
    return paragraphs(dataset, "DocumentTitle").replace("\n", " ") or coded(dataset, "ConceptNameCodeSequence")


def read_pdf(path: Path, dataset: Dataset, title: str) -> DocumentContent:
    """Return a PDF with the sizes of its pages, which are drawn one by one by ``pdf_pages.render_page``.

    A PDF that cannot be drawn has no page sizes and a notice that says why; its bytes are kept, so that it can still be
    saved and opened elsewhere, with its password for one. What does not begin as a PDF is not kept.
    """
    try:
        data = _document(path, dataset, LARGEST_PDF_BYTES)
        # Readers of PDF look for the mark in the first kilobyte, as some writers put a line before it.
        if b"%PDF" not in data[:1024]:
            raise UnreadableFile(path, "what it holds in the place of its PDF is none")
    except UnreadableFile as error:
        return _content(dataset, title, notices=(str(error),))
    try:
        sizes = page_sizes(path, data)
    except UnreadableFile as error:
        return _content(dataset, title, notices=(str(error),), pdf=data)
    cut = (f"Only the first {MOST_PAGES:,} pages are shown.",) if len(sizes) == MOST_PAGES else ()
    return _content(dataset, title, notices=cut, pdf=data, sizes=sizes)


def read_text(path: Path, dataset: Dataset, title: str) -> DocumentContent:
    """Return a clinical document (CDA) as lines: its headings, and its narrative without any markup.

    One that is damaged, or longer than ``LARGEST_TEXT_BYTES``, has no lines and a notice that says why.
    """
    try:
        root = _parsed(path, _document(path, dataset, LARGEST_TEXT_BYTES))
    except UnreadableFile as error:
        return _content(dataset, title, notices=(str(error),))
    lines = tuple(islice(_narrative(root, -1, 0), MOST_LINES))
    return _content(dataset, title, lines, () if lines else ("The document has no text.",))


def _content(
    dataset: Dataset,
    title: str,
    lines: tuple[Line, ...] = (),
    notices: tuple[str, ...] = (),
    pdf: bytes = b"",
    sizes: tuple[tuple[float, float], ...] = (),
) -> DocumentContent:
    sop_class = text(dataset, "SOPClassUID")
    return DocumentContent(
        kind="pdf" if sop_class == PDF else "report",
        title=title,
        kind_name=class_name(sop_class),
        identity=read_identity(dataset),
        date=date_and_time(dataset, ("ContentDate", "ContentTime")),
        lines=lines,
        notices=notices,
        pdf=pdf,
        page_sizes_pt=sizes,
    )


def _document(path: Path, dataset: Dataset, largest: int) -> bytes:
    """Return the encapsulated bytes without their padding, checked to be there and not to be too many."""
    data = raw_value(dataset, "EncapsulatedDocument")
    if not isinstance(data, bytes):
        raise UnreadableFile(path, "there is no document in it")
    if len(data) > largest:
        raise UnreadableFile(path, f"its document is larger than {largest // 2**20} MiB")
    length = integer(dataset, "EncapsulatedDocumentLength") or len(data)
    return data[:length] if len(data) - length == 1 else data


# -------------------------------------------------------------------------------------------------------- narrative


def _parsed(path: Path, data: bytes) -> ElementTree.Element:
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", data, re.IGNORECASE):
        raise UnreadableFile(path, "its text defines abbreviations of its own (a DTD), which are not safe to read")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UnreadableFile(path, "its text is not well-formed XML") from error


def _narrative(element: ElementTree.Element, sections: int, level: int) -> Iterator[Line]:
    """Yield titles and narrative blocks in their order; ``sections`` counts those around an element, from -1."""
    if level > _DEEPEST:
        return
    for child in element:
        name = _name(child)
        if name == "title":
            yield Line(max(sections, 0), _words(child), is_heading=True)
        elif name == "text":
            yield from _blocks(child, max(sections, 0))
        else:
            yield from _narrative(child, sections + (name == "section"), level + 1)


def _blocks(element: ElementTree.Element, depth: int) -> Iterator[Line]:
    blocks = [each for each in element.iter() if _name(each) in _BLOCKS]
    for each in blocks or [element]:
        cells = [_words(cell) for cell in each if _name(cell) in _CELLS]
        value = "   ".join(cells) if cells else _words(each)
        if value:
            yield Line(depth + 1, value=value)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _words(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())
