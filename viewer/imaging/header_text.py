"""The header of a file as text, in the manner of dcmdump: one row a line, sequences indented."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from viewer.errors import ViewerError
from viewer.files import write_whole
from viewer.imaging.header import clean
from viewer.imaging.tags import NUMBERS, Element, Header, Item, Row, read_header

_LINES_AT_A_TIME = 500


class ExportFailed(ViewerError):
    """The text of a header could not be written where it was asked for."""


def export_header(source: Path, destination: Path) -> Generator[str, None, str]:
    """Read the header of a file and write it as text; return the name of the text file.

    Raises
    ------
    NotDicom, UnreadableFile
        As :func:`viewer.imaging.tags.read_header`.
    ExportFailed
        If the text cannot be written.
    """
    yield "Reading the header"
    lines = []
    for line in text_lines(read_header(source)):
        lines.append(f"{line}\n")
        if len(lines) % _LINES_AT_A_TIME == 0:
            yield "Decoding the header"
    write_text("".join(lines), destination)
    return destination.name


def as_text(header: Header) -> str:
    """Return the whole header as text, one row a line, sequences indented."""
    return "".join(f"{line}\n" for line in text_lines(header))


def text_lines(header: Header) -> Iterator[str]:
    """Yield the lines of :func:`as_text`."""
    yield f"# Header of {clean(header.path.name)}"
    yield from _lines(header.elements, "")


def _lines(rows: Sequence[Row], indent: str) -> Iterator[str]:
    for row in rows:
        if isinstance(row, Item):
            yield f"{indent}{row.tag_text} na {row.name}"
        else:
            yield _line(row, indent)
        yield from _lines(row.children, f"{indent}  ")


def _line(element: Element, indent: str) -> str:
    """Return tag, VR and value, then as a comment length in bytes, number of values, and name."""
    value = _value_in_line(element)
    length = "-" if element.length is None else str(element.length)
    name = element.keyword or element.name
    owner = f" [{element.creator}]" if element.creator else ""
    start = f"{indent}{element.tag_text} {element.vr:2} {value}"
    return f"{start:<64} # {length:>6}, {element.multiplicity or 0} {name}{owner}"


def _value_in_line(element: Element) -> str:
    if element.tone != "value":
        return f"({element.value})"
    if not element.value:
        return "(no value)"
    quoted = element.value if element.vr in NUMBERS else f"[{element.value}]"
    return f"{quoted} = {element.meaning}" if element.meaning else quoted


def write_text(text: str, path: Path) -> None:
    """Write text as UTF-8, whole or not at all.

    Raises
    ------
    ExportFailed
        If the folder is not there, may not be written to, or is full.
    """
    try:
        write_whole(path, text.encode(errors="replace"))
    except OSError as error:
        raise ExportFailed(f"{path.name} could not be written: {error.strerror or error}; choose another place.") from error
