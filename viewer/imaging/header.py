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
from typing import Any

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

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
    BytesLengthException,
    struct.error,
    zlib.error,
)
"""What pydicom is seen to raise when a value does not keep to its VR."""

_ESCAPE = re.compile(r"\x1b[\x20-\x2f]*[\x30-\x7e]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_HIGH_LATIN = re.compile(r"[\x80-\xff]+")


def raw_value(dataset: Dataset, keyword: str) -> Any:
    """Return an element's value as pydicom converts it, or None where it is absent, empty or broken."""
    try:
        value = dataset.get(keyword)
    except CONVERSION_ERRORS:
        return None
    return None if value in ("", b"") else value


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence; none where it is absent or is no sequence."""
    value = raw_value(dataset, keyword)
    return tuple(value) if isinstance(value, Sequence) else ()


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Return the finite numbers of an element, however many, whatever VR they were written with."""
    value = raw_value(dataset, keyword)
    if isinstance(value, bytes):
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


def number(dataset: Dataset, keyword: str) -> float | None:
    """Return the first finite number of an element, or None."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def integer(dataset: Dataset, keyword: str) -> int | None:
    """Return an element's one whole number, or None; several values are no number at all."""
    found = numbers(dataset, keyword)
    return int(found[0]) if len(found) == 1 else None


def text(dataset: Dataset, keyword: str) -> str:
    """Return an element as text ready to be drawn, several values joined by a comma and a space."""
    return ", ".join(entry for entry in texts(dataset, keyword) if entry)


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the values of an element as texts ready to be drawn."""
    value = raw_value(dataset, keyword)
    if value is None:
        return ()
    several = value if isinstance(value, MultiValue | list | tuple) else (value,)
    try:
        return tuple(clean(_decoded(str(entry), dataset)) for entry in several)
    except CONVERSION_ERRORS:
        return ()


def clean(value: str) -> str:
    """Return text without escape sequences of ISO 2022 and without control characters."""
    return _CONTROL.sub(" ", _ESCAPE.sub("", value)).strip()


def _decoded(value: str, dataset: Dataset) -> str:
    """Decode text of a file that names no character set but uses one, as UTF-8 or as GB 2312.

    Without SpecificCharacterSet only ASCII is allowed; where other bytes stand they are one of these two far more often
    than Latin-1. Latin-1 it stays where they are neither: single accented letters never make valid UTF-8, nor the even
    runs of high bytes that GB 2312 is made of.
    """
    runs = _HIGH_LATIN.findall(value)
    if not runs or raw_value(dataset, "SpecificCharacterSet") is not None:
        return value
    try:
        raw = value.encode("latin-1")
    except UnicodeEncodeError:
        return value
    for encoding in ("utf-8", "gb2312", "gbk"):
        if encoding != "utf-8" and any(len(run) % 2 for run in runs):
            continue
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return value
