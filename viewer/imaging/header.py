"""Values of a DICOM header, read so that a broken element costs that element alone.

pydicom converts an element when it is first touched and raises whatever the conversion raised; here that element then
counts as absent. Texts come back ready to be drawn.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterable
from functools import cache
from io import BytesIO
from typing import Any

from pydicom.charset import default_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from viewer.imaging.element_walk import WALK_ERRORS, Walk

CONVERSION_ERRORS = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    OverflowError,
    NotImplementedError,
    LookupError,
    EOFError,
    RecursionError,
    ArithmeticError,
    OSError,
    BytesLengthException,
    struct.error,
    zlib.error,
)
"""What pydicom is seen to raise when a value does not keep to its VR."""

_ESCAPE = re.compile(r"\x1b[\x20-\x2f]*[\x30-\x7e]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LINE_END = re.compile(r"\r\n|\n\r|[\r\n\f\v\x85\u2028\u2029]")
_EMPTY_LINES = re.compile(r"\n{3,}")
_LONGEST_VALUE = 2**20
# Bytes and long texts stay in one piece.
_KEPT_WHOLE = ("OB", "OD", "OF", "OL", "OV", "OW", "UN", "UT", "UC", "UR", "LT", "ST")
_LARGEST_SEQUENCE_BYTES = 2**28
_FEW_BYTES = 2**12
_MOST_ELEMENTS = 2**16
"""Of the items of a sequence together; pydicom makes objects of half a kilobyte of them."""
_HIGH_LATIN = re.compile(r"[\x80-\xff]+")


def raw_value(dataset: Dataset, keyword: str | int) -> Any:
    """Return an element's value as pydicom converts it, or None where it is absent, empty or broken.

    An element of a repeating group has no keyword of its own and is named by its tag, 0x60000010 for one.
    """
    tag = _tag(keyword)
    try:
        if tag not in dataset or _is_overlong(dataset, tag):
            return None
        value = dataset[tag].value
    except CONVERSION_ERRORS:
        return None
    return None if value in ("", b"") else value


@cache
def _tag(keyword: str | int) -> BaseTag:
    # A header is asked for some fifty elements; pydicom would look each of them up in its dictionary, several times over.
    return Tag(keyword)


def vr_by_tag(tag: int) -> str:
    """Return the VR the dictionary of the standard gives a tag, as "US or SS" where it leaves a choice; "UN" if none."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _is_overlong(dataset: Dataset, tag: BaseTag) -> bool:
    """Return whether a value that pydicom splits into objects is longer than any film's, before it is split."""
    element: object = dataset.get_item(tag, keep_deferred=True)
    if not isinstance(element, RawDataElement) or element.length <= _FEW_BYTES:
        return False
    vr = element.VR or vr_by_tag(element.tag)
    if vr == "SQ":
        return _is_endless(dataset, element)
    return element.length > _LONGEST_VALUE and not any(kept in vr for kept in _KEPT_WHOLE)


def _is_endless(dataset: Dataset, element: RawDataElement) -> bool:
    """Return whether a sequence would fill the memory, and leave it empty then, so that this is found out once."""
    if element.length <= _LARGEST_SEQUENCE_BYTES and not _has_too_many_elements(_undeferred(dataset, element)):
        return False
    dataset[element.tag] = element._replace(value=b"", length=0)
    return True


def _undeferred(dataset: Dataset, element: RawDataElement) -> RawDataElement:
    """Return an element with its value, read now where it was left in the file and kept in the data set."""
    if element.value is not None or not isinstance(dataset, FileDataset) or dataset.buffer is None:
        return element
    dataset.buffer.seek(element.value_tell)
    element = element._replace(value=dataset.buffer.read(element.length))
    dataset[element.tag] = element
    return element


def _has_too_many_elements(sequence: RawDataElement) -> bool:
    """Return whether pydicom would fill the memory with what a sequence holds; one that is damaged counts as such."""
    value = sequence.value or b""
    stream = BytesIO(value)
    walk = Walk(stream, sequence.is_implicit_VR, sequence.is_little_endian, _MOST_ELEMENTS)
    try:
        for item in walk.items(len(value)):
            stream.seek(item.start)
            for _ in walk.elements(item.end):
                continue
    except struct.error:
        # Cut short: there is no more of it than was walked through.
        return False
    except WALK_ERRORS:
        return True
    return False


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence; none where it is absent or is no sequence."""
    value = raw_value(dataset, keyword)
    return tuple(value) if isinstance(value, Sequence) else ()


def numbers(dataset: Dataset, keyword: str | int) -> tuple[float, ...]:
    """Return the finite numbers of an element, however many, whatever VR they were written with."""
    value = raw_value(dataset, keyword)
    if isinstance(value, bytes) and len(value) <= _LONGEST_VALUE:
        # A window written as UN, as some converters do, is still decimal text.
        value = value.decode("ascii", "replace").strip("\x00 ").split("\\")
    several: Iterable[Any] = value if isinstance(value, MultiValue | list | tuple) else (value,)
    found = []
    for entry in several:
        try:
            number = float(entry)
        except CONVERSION_ERRORS:
            continue
        if math.isfinite(number):
            found.append(number)
    return tuple(found)


def number(dataset: Dataset, keyword: str | int) -> float | None:
    """Return the first finite number of an element, or None."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def integer(dataset: Dataset, keyword: str | int) -> int | None:
    """Return an element's one whole number, or None; several values are no number at all."""
    found = numbers(dataset, keyword)
    return int(found[0]) if len(found) == 1 else None


def text(dataset: Dataset, keyword: str | int) -> str:
    """Return an element as text ready to be drawn, several values joined by a comma and a space."""
    return ", ".join(entry for entry in texts(dataset, keyword) if entry)


def texts(dataset: Dataset, keyword: str | int) -> tuple[str, ...]:
    """Return the values of an element as texts ready to be drawn."""
    value = raw_value(dataset, keyword)
    if value is None or (isinstance(value, bytes) and len(value) > _LONGEST_VALUE):
        return ()
    several = value if isinstance(value, MultiValue | list | tuple) else (value,)
    try:
        return tuple(clean(decoded(str(entry), dataset)) for entry in several)
    except CONVERSION_ERRORS:
        return ()


def paragraphs(dataset: Dataset, keyword: str) -> str:
    """Return a long text (ST, LT, UT) ready to be drawn, its line ends kept, and no more than one empty line at a time."""
    value = raw_value(dataset, keyword)
    if value is None or isinstance(value, bytes):
        return ""
    try:
        whole = decoded("\n".join(value) if isinstance(value, MultiValue) else str(value), dataset)
    except CONVERSION_ERRORS:
        return ""
    lines = (clean(line.replace("\t", "    ")) for line in _LINE_END.split(whole))
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def clean(value: str) -> str:
    """Return text without escape sequences of ISO 2022 and without control characters."""
    return _CONTROL.sub(" ", _ESCAPE.sub("", value)).strip()


def decoded(value: str, dataset: Dataset) -> str:
    """Return text of a file that names no character set we know, but uses one, decoded as UTF-8 or as GB 2312.

    Without SpecificCharacterSet only ASCII is allowed; where other bytes stand they are one of these two far more often
    than Latin-1. Latin-1 it stays where they are neither: single accented letters never make valid UTF-8, nor the even
    runs of high bytes that GB 2312 is made of. UTF-8 is tried even where the file says Latin-1.
    """
    runs = _HIGH_LATIN.findall(value)
    named = _encodings(dataset) if runs else set()
    if not runs or named - {"latin_1"}:
        return value
    try:
        raw = value.encode("latin-1")
    except UnicodeEncodeError:
        return value
    for encoding in ("utf-8", "gb2312", "gbk"):
        if encoding != "utf-8" and (named or any(len(run) % 2 for run in runs)):
            continue
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return value


def _encodings(dataset: Dataset) -> set[str]:
    """Return Python's names of the character sets beyond ASCII that hold for a data set: its own, or those around it."""
    try:
        named = dataset._character_set
    except CONVERSION_ERRORS:
        return set()
    # Of a name that it does not know pydicom makes the default.
    return set([named] if isinstance(named, str) else named) - {default_encoding}
