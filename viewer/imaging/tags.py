"""The whole header of a DICOM file as a tree, each row decoded when it is first looked at, and then never again.

A row is an :class:`Element` or an :class:`Item` of a sequence. What is binary or very long is named and not decoded; an
element that is broken says so and costs itself alone. No record here prints what it holds: that is a patient's.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydicom.datadict import dictionary_description, dictionary_keyword, private_dictionary_description
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.hooks import raw_element_vr
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as ItemSequence
from pydicom.tag import BaseTag, Tag

from viewer.errors import UnreadableFile, ViewerError, os_reason
from viewer.imaging.dataset_reading import PARSING_ERRORS, looks_like_dicom, quiet
from viewer.imaging.dicom_file import parse_any, transfer_syntax_name
from viewer.imaging.header import clean, decoded
from viewer.imaging.sources import open_source, source_status
from viewer.imaging.text_search import searchable

LONGEST_SHOWN = 256
"""Characters of a value that a row shows; all of them are searched, copied and exported."""

_LONGEST_TEXT_BYTES = 2**16
_LONGEST_NUMBERS_BYTES = 2**11
_LONGEST_SEQUENCE_BYTES = 2**28
_LONGEST_HEX_BYTES = 16
_DEEPEST = 64
_ITEM_TAG = "(FFFE,E000)"
_HEAD_BYTES = 132
_UNDEFINED_LENGTH = 0xFFFFFFFF
_SEQUENCE_DELIMITER_BYTES = 8

NUMBERS = ("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT", "US or SS")
_NUMBERS_AS_TEXT = ("DS", "IS")
_BINARY = ("OB", "OW", "OD", "OF", "OL", "OV", "UN", "OB or OW", "US or OW", "US or SS or OW")

Tone = Literal["value", "remark", "broken"]


class NotDicom(ViewerError):
    """A file that has no header of this kind, because it is no DICOM file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is not a DICOM file: it has no header of this kind.")


@dataclass(frozen=True)
class _Content:
    """What decoding an element gave: texts, items, or a remark in their place."""

    vr: str
    texts: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    remark: str = ""
    tone: Tone = "value"


@dataclass(frozen=True, eq=False, repr=False)
class Element:
    """One element of a data set; ``length`` in bytes as stored, None where the file leaves it open.

    ``reserving`` is the private creator that the element's block belongs to, ``governing`` the data set whose
    SpecificCharacterSet holds for it.
    """

    tag: BaseTag
    length: int | None
    dataset: Dataset
    governing: Dataset
    depth: int = 0
    reserving: Element | None = None

    @property
    def tag_text(self) -> str:
        """Return the tag as ``(0010,0020)``."""
        return _tag_text(self.tag)

    @property
    def key(self) -> int:
        """Return what tells this row from those beside it, the same in another file."""
        return int(self.tag)

    @cached_property
    def name(self) -> str:
        """Return the name of the standard's dictionary, or of pydicom's private one."""
        return _private_name(self.tag, self.creator) if self.tag.is_private else _standard_name(self.tag)

    @cached_property
    def keyword(self) -> str:
        """Return the standard's keyword; "" for private and unknown elements."""
        try:
            return dictionary_keyword(self.tag)
        except KeyError:
            return ""

    @property
    def creator(self) -> str:
        """Return who has reserved the block of a private element; "" where nobody has, and for standard elements."""
        return self.reserving.value if self.reserving else ""

    @cached_property
    def stated_vr(self) -> str:
        """Return the VR before anything is decoded: the file's, or that of the dictionaries where it states none."""
        return _stated_vr(self)

    @property
    def vr(self) -> str:
        """Return the value representation, with what decoding has found of it: US where it was US or SS."""
        return self._content.vr

    @property
    def multiplicity(self) -> int | None:
        """Return how many values there are; None for a sequence and for what is not decoded."""
        return None if self._content.remark or self.vr == "SQ" else len(self._content.texts)

    @property
    def value(self) -> str:
        """Return the values joined by a backslash, or the remark that stands in their place."""
        return self._content.remark or "\\".join(self._content.texts)

    @cached_property
    def shown(self) -> str:
        """Return the value as a row shows it: shortened, and a UID of the standard with its name."""
        if len(self.value) > LONGEST_SHOWN:
            return f"{self.value[:LONGEST_SHOWN]}\N{HORIZONTAL ELLIPSIS} ({len(self.value):,} characters)"
        return f"{self.value} = {self.meaning}" if self.meaning else self.value

    @cached_property
    def meaning(self) -> str:
        """Return the standard's name of a UID; "" for any other value."""
        name = transfer_syntax_name(self.value) if self.vr == "UI" and self.value else ""
        return name if name != self.value else ""

    @property
    def tone(self) -> Tone:
        """Return whether the value is one, a remark in its place, or the remark that it cannot be read."""
        return self._content.tone

    @property
    def children(self) -> tuple[Item, ...]:
        """Return the items of a sequence; decodes nothing else."""
        return self._content.items if self.stated_vr == "SQ" else ()

    @property
    def has_children(self) -> bool:
        """Return whether there is anything to unfold."""
        return bool(self.children)

    @cached_property
    def searched(self) -> str:
        """Return what a search looks at: tag in each spelling, name, keyword, creator and value."""
        plain = f"{int(self.tag):08x}"
        return searchable("\n".join((self.tag_text, plain, self.name, self.keyword, self.creator, self.value, self.meaning)))

    @cached_property
    def _content(self) -> _Content:
        return _content_of(self)


@dataclass(frozen=True, eq=False, repr=False)
class Item:
    """One item of a sequence; ``number`` counts from 1."""

    number: int
    dataset: Dataset
    governing: Dataset
    depth: int

    tag_text = _ITEM_TAG
    vr = keyword = creator = meaning = ""
    multiplicity: None = None
    length: None = None
    tone: Tone = "remark"

    @property
    def key(self) -> int:
        """Return what tells this row from those beside it, the same in another file."""
        return self.number

    @property
    def name(self) -> str:
        """Return which item it is."""
        return f"Item {self.number:,}"

    @property
    def value(self) -> str:
        """Return how much is in it."""
        return _counted(len(self.dataset), "element")

    @property
    def shown(self) -> str:
        """Return the value as a row shows it."""
        return self.value

    @cached_property
    def children(self) -> tuple[Element, ...]:
        """Return the elements of the item."""
        return elements_of(self.dataset, self.governing, self.depth)

    @property
    def has_children(self) -> bool:
        """Return whether there is anything to unfold; builds nothing."""
        return len(self.dataset) > 0

    @property
    def searched(self) -> str:
        """Return what a search looks at: nothing, for an item has no words of its own."""
        return ""


Row = Element | Item


@dataclass(frozen=True, eq=False, repr=False)
class Header:
    """The header of one file: the file meta group, then the data set."""

    path: Path
    elements: tuple[Element, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Branch:
    """A row that a search keeps, with the branches it keeps under it; None stands for everything under it."""

    row: Row
    branches: tuple[Branch, ...] | None = None


# ---------------------------------------------------------------------------------------------------------- reading


def read_header(path: Path) -> Header:
    """Read the header of a DICOM file of any kind, a picture or not, without its pixels.

    The sequences of the data set are parsed here, so that nothing long is left for the thread that shows them.

    Raises
    ------
    NotDicom
        If it is no DICOM file.
    UnreadableFile
        If it is not there, may not be read, or is damaged from its beginning.
    """
    size, _ = source_status(path)
    try:
        with open_source(path) as stream:
            return _read_header(path, stream, size)
    except OSError as error:
        raise UnreadableFile(path, os_reason(error)) from error


def _read_header(path: Path, stream: BinaryIO, size: int) -> Header:
    if not looks_like_dicom(stream.read(_HEAD_BYTES)):
        raise NotDicom(path)
    stream.seek(0)
    dataset = parse_any(path, stream)
    meta = getattr(dataset, "file_meta", Dataset())
    elements = (*elements_of(meta, meta), *elements_of(dataset, dataset, size=size))
    if not elements:
        raise UnreadableFile(path, "it is not a whole DICOM file: next to nothing was found in it")
    for element in elements:
        if element.stated_vr == "SQ":
            # Touched while the file is still open: a long one has been left unread in it.
            _ = element.children
    return Header(path, elements)


def elements_of(dataset: Dataset, governing: Dataset, depth: int = 0, size: int = 0) -> tuple[Element, ...]:
    """Return the elements of a data set in the order of their tags, none of them decoded.

    ``governing`` is the data set around it whose character set holds where it names none; ``size`` the bytes of the file.
    """
    governing = dataset if "SpecificCharacterSet" in dataset else governing
    made: dict[int, Element] = {}
    for tag in sorted(dataset.keys()):
        block = Tag(tag.group, tag.element >> 8)
        reserving = made.get(block) if tag.is_private and block.is_private_creator else None
        made[tag] = Element(tag, _length(dataset, tag, size), dataset, governing, depth, reserving)
    return tuple(made.values())


def _length(dataset: Dataset, tag: BaseTag, size: int) -> int | None:
    stored: Any = dataset.get_item(tag, keep_deferred=True)
    if isinstance(stored.value, bytes):
        return len(stored.value)
    length = getattr(stored, "length", _UNDEFINED_LENGTH)
    if length != _UNDEFINED_LENGTH:
        return int(length)
    if size and stored.value is None and tag == max(dataset.keys()):
        # Compressed pixel data: it reaches from where it begins to the delimiter that ends the file.
        return max(0, size - getattr(stored, "value_tell", size) - _SEQUENCE_DELIMITER_BYTES)
    return None


# --------------------------------------------------------------------------------------------------------- decoding


def _content_of(element: Element) -> _Content:
    vr = element.stated_vr
    if vr == "SQ":
        return _sequence(element)
    if vr in _BINARY:
        return _binary(element, vr)
    if (element.length or 0) > (_LONGEST_NUMBERS_BYTES if vr in NUMBERS + _NUMBERS_AS_TEXT else _LONGEST_TEXT_BYTES):
        return _Content(vr, remark=f"{'numbers' if vr in NUMBERS else 'text'}, {_bytes(element)}", tone="remark")
    try:
        with quiet():
            converted = element.dataset[element.tag]
            return _Content(converted.VR, _texts(converted, element.governing))
    except PARSING_ERRORS:
        return _Content(vr, remark=f"cannot be read, {_bytes(element)}", tone="broken")


def _stated_vr(element: Element) -> str:
    stored: Any = element.dataset.get_item(element.tag, keep_deferred=True)
    if isinstance(stored, DataElement) or stored.VR not in (None, "UN"):
        return str(stored.VR)
    found: dict[str, Any] = {}
    try:
        with quiet():
            raw_element_vr(stored, found, ds=element.dataset)
    except PARSING_ERRORS:
        return "UN"
    return str(found["VR"])


def _sequence(element: Element) -> _Content:
    if element.depth >= _DEEPEST:
        return _Content("SQ", remark="nested too deeply to be shown", tone="broken")
    try:
        with quiet():
            value = element.dataset[element.tag].value if (element.length or 0) <= _LONGEST_SEQUENCE_BYTES else None
    except PARSING_ERRORS:
        value = None
    if not isinstance(value, ItemSequence):
        return _Content("SQ", remark=f"cannot be read, {_bytes(element)}", tone="broken")
    items = tuple(Item(n, dataset, element.governing, element.depth + 1) for n, dataset in enumerate(value, 1))
    return _Content("SQ", items=items, remark=_counted(len(items), "item"), tone="remark")


def _binary(element: Element, vr: str) -> _Content:
    stored: Any = element.dataset.get_item(element.tag, keep_deferred=True)
    value = stored.value if isinstance(stored.value, bytes) else b""
    if element.length == 0:
        return _Content(vr)
    printable = value.rstrip(b"\x00 ")
    if vr == "UN" and len(value) <= LONGEST_SHOWN and printable.isascii() and printable.decode("ascii").isprintable():
        return _Content(vr, (printable.decode("ascii"),))
    digits = f": {value.hex(' ')}" if 0 < len(value) <= _LONGEST_HEX_BYTES else ""
    return _Content(vr, remark=f"binary, {_bytes(element)}{digits}", tone="remark")


def _texts(converted: DataElement, governing: Dataset) -> tuple[str, ...]:
    """Return the values of a decoded element as texts; ValueError where they are not what the VR says."""
    value = converted.value
    if value is None or value in ("", b""):
        return ()
    several = value if isinstance(value, MultiValue | list | tuple) else (value,)
    if converted.VR in NUMBERS and not all(isinstance(entry, int | float) for entry in several):
        raise ValueError("no numbers")
    return tuple(_text(entry, converted.VR, governing) for entry in several)


def _text(entry: Any, vr: str, governing: Dataset) -> str:
    if isinstance(entry, bytes):
        raise ValueError("bytes that no converter takes")
    if vr == "AT":
        return _tag_text(Tag(entry))
    # Seven digits are all that a 32-bit float holds.
    return f"{entry:.7g}" if vr == "FL" else clean(decoded(str(entry), governing))


def _tag_text(tag: BaseTag) -> str:
    return f"({tag.group:04X},{tag.element:04X})"


def _standard_name(tag: BaseTag) -> str:
    try:
        return dictionary_description(tag)
    except KeyError:
        return "Group Length" if tag.element == 0 else "Unknown element"


def _private_name(tag: BaseTag, creator: str) -> str:
    if tag.is_private_creator:
        return "Private Creator"
    try:
        return private_dictionary_description(tag, creator)
    except KeyError:
        return "Group Length" if tag.element == 0 else "Private element"


def _bytes(element: Element) -> str:
    return "length not stated" if element.length is None else _counted(element.length, "byte")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# -------------------------------------------------------------------------------------------------------- searching


def search(rows: Sequence[Row], wanted: str) -> Generator[None, None, tuple[Branch, ...]]:
    """Return the rows that match, with all that is under them, and those above them; yields after each row looked at.

    Each word of ``wanted`` is found in tags (``0010,0010``, ``(0010,0010)``, ``00100010``), names, keywords or values.
    """
    return (yield from _search(rows, tuple(searchable(wanted).split())))


def _search(rows: Sequence[Row], words: tuple[str, ...]) -> Generator[None, None, tuple[Branch, ...]]:
    kept = []
    for row in rows:
        yield
        if all(word in row.searched for word in words):
            kept.append(Branch(row))
        elif below := (yield from _search(row.children, words)):
            kept.append(Branch(row, below))
    return tuple(kept)
