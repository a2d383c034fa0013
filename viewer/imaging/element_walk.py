"""Where the elements of a data set and the items of a sequence lie in a file, found without unfolding them.

pydicom makes objects of half a kilobyte and more of every element it passes, ten thousand frames' groups among them, and
reads sequences without a length whole; this walks from header to header. References: DICOM PS3.5 7.1 and 7.5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MOST_STEPS = 2**24
UNDEFINED_LENGTH = 0xFFFFFFFF

ITEM = 0xFFFEE000
_ITEM_END, _SEQUENCE_END = 0xFFFEE00D, 0xFFFEE0DD
_MARK_GROUP = (b"\xfe\xff", b"\xff\xfe")
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))

WALK_ERRORS = (ValueError, struct.error, RecursionError, OverflowError, OSError)
"""What a walk through damaged bytes raises."""


class Span(NamedTuple):
    """An element or item: its tag, and its value from ``start`` to ``end`` without the mark that ends it.

    ``is_implicit`` tells how the elements inside of it are written.
    """

    tag: int
    start: int
    end: int
    is_implicit: bool


class Walk:
    """A walk over a file from where it stands; who is given a span may read there, the walk goes on behind it.

    Parameters
    ----------
    steps
        Headers that may be read before the walk counts as endless and raises ValueError.
    """

    def __init__(self, stream: BinaryIO, is_implicit: bool, is_little: bool, steps: int = MOST_STEPS) -> None:
        self._stream, self._is_implicit, self._left = stream, is_implicit, steps
        order = "<" if is_little else ">"
        self._tag_and_length, self._short, self._long = (struct.Struct(order + form) for form in ("HHI", "HH2sH", "I"))

    def items(self, end: int | None, is_implicit: bool | None = None) -> Iterator[Span]:
        """Yield the items of the sequence whose value begins here, up to ``end`` or, where it is None, to its own mark."""
        implicit = self._is_implicit if is_implicit is None else is_implicit
        while end is None or self._stream.tell() < end:
            group, element, length = self._tag_and_length.unpack(self._header())
            tag = group << 16 | element
            if tag == _SEQUENCE_END:
                return
            if tag != ITEM:
                raise ValueError("no item where one should begin")
            span = self._value(tag, length, implicit)
            behind = self._stream.tell()
            yield span
            self._stream.seek(behind)

    def elements(self, end: int | None, is_implicit: bool | None = None) -> Iterator[Span]:
        """Yield the elements of the data set that begins here, up to ``end`` or, where it is None, to the item's mark."""
        implicit = self._is_implicit if is_implicit is None else is_implicit
        while end is None or self._stream.tell() < end:
            tag, vr, length = self._element_header(implicit)
            if tag == _ITEM_END:
                return
            # What is UN and of no length is a sequence in implicit VR (PS3.5 6.2.2).
            span = self._value(tag, length, implicit or vr == b"UN")
            behind = self._stream.tell()
            yield span
            self._stream.seek(behind)

    def flattened(self, end: int | None) -> Iterator[Span]:
        """Yield items and elements of the sequence that begins here as they come, whatever length the items state.

        An item is yielded without contents where it begins, the elements in it after it.
        """
        while end is None or self._stream.tell() < end:
            tag, vr, length = self._element_header(self._is_implicit)
            if tag == _SEQUENCE_END:
                return
            if tag in (ITEM, _ITEM_END):
                length = 0
            span = self._value(tag, length, self._is_implicit or vr == b"UN")
            behind = self._stream.tell()
            yield span
            self._stream.seek(behind)

    def _value(self, tag: int, length: int, implicit: bool) -> Span:
        """Go behind a value and return where it lies; one without a length is walked through."""
        start = self._stream.tell()
        if length != UNDEFINED_LENGTH:
            self._stream.seek(start + length)
            return Span(tag, start, start + length, implicit)
        for _ in self.elements(None, implicit) if tag == ITEM else self.items(None, implicit):
            continue
        return Span(tag, start, self._stream.tell() - 8, implicit)

    def _header(self) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ValueError("more elements than any film has")
        return self._stream.read(8)

    def _element_header(self, implicit: bool) -> tuple[int, bytes, int]:
        head = self._header()
        vr = head[4:6]
        # Some writers go over to implicit VR inside of sequences; items and the marks at their ends have none.
        if implicit or head[:2] in _MARK_GROUP or not b"AA" <= vr <= b"ZZ":
            group, element, length = self._tag_and_length.unpack(head)
            return group << 16 | element, b"", length
        group, element, vr, length = self._short.unpack(head)
        if vr in _LONG_VRS:
            (length,) = self._long.unpack(self._stream.read(4))
        return group << 16 | element, vr, length
