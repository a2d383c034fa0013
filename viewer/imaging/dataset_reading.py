"""The bytes of a DICOM file to pydicom's data set, within bounds: none of its elements is decoded here.

pydicom reads on as long as there is something, inflates in one piece, and unfolds sequences of undefined length as it
meets them; a file decides none of that here. What pydicom raises does not leave this file.
"""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import pydicom
from pydicom import charset, config
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag

from viewer.errors import UnreadableFile
from viewer.imaging.element_walk import UNDEFINED_LENGTH, Walk
from viewer.imaging.header import CONVERSION_ERRORS

LARGEST_DATASET_BYTES = 2**29
"""Of a deflated data set, inflated."""
LARGEST_FRAME_GROUPS_BYTES = 2**28
"""Of what an enhanced object says of its frames: 20,000 of them need some 60 MB."""
MOST_READS = 2**20
"""Pieces a header is read in, two or three an element; pydicom keeps half a kilobyte of each."""

_MAGIC = b"DICM"
_FRAME_GROUPS, _PIXEL_DATA = 0x52009230, 0x7FE00010
# What pydicom is seen to raise on damaged files, beyond the conversions of single elements.
PARSING_ERRORS = (*CONVERSION_ERRORS, InvalidDicomError, OSError,
                  MemoryError, AssertionError, UnicodeError, RuntimeError)  # fmt: skip

config.settings.reading_validation_mode = config.IGNORE
# Latin alphabet 9 (PS3.3 C.12.1.1.2) is younger than pydicom's tables.
charset.python_encoding.update({"ISO_IR 203": "iso8859_15", "ISO 2022 IR 203": "iso8859_15"})
charset.CODES_TO_ENCODINGS[b"\x1b-b"] = "iso8859_15"
# pydicom quotes values, names among them, in its messages; the program's log and stderr must not carry those.
logging.getLogger("pydicom").addHandler(logging.NullHandler())
logging.getLogger("pydicom").propagate = False


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's remarks about odd files off stderr: what matters of them is said in the image's own warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def looks_like_dicom(head: bytes) -> bool:
    """Return whether the first 132 bytes are those of a DICOM file, with its preamble or without."""
    if head[128:132] == _MAGIC or head[:4] == _MAGIC:
        return True
    # Headerless: a data set begins with a low even group (2 or 8) and an element that is nearly always its first.
    return head[:4] in _FIRST_TAGS


_FIRST_TAGS = {
    struct.pack(order + "HH", group, element)
    for order in "<>"
    for group, element in (
        *((2, e) for e in (0x00, 0x01, 0x02, 0x03, 0x10)),
        *((8, e) for e in (0x00, 0x01, 0x05, 0x08, 0x12, 0x14, 0x16, 0x18, 0x20, 0x50, 0x60)),
    )
}


def read_dataset(path: Path, stream: BinaryIO, defer_size: int | None, header_only: bool = False) -> FileDataset:
    """Read a data set from a file of any kind; what an enhanced object says of its frames stays in one value of bytes.

    Parameters
    ----------
    defer_size
        Values longer than this are left unread; they can be read as long as the file is open.
    header_only
        Whether to read no further than to compressed pixel data.

    Raises
    ------
    UnreadableFile
        If it is damaged, or states more than any film holds.
    """
    with _damage(path):
        metered = _MeteredStream(stream)
        try:
            return _read_in_order(path, metered, defer_size, header_only)
        except _Deflated:
            return _read_deflated(path, metered)


def find_sequence(path: Path, stream: BinaryIO, tag: int) -> tuple[Walk, int | None] | None:
    """Go to the value of a sequence of a data set; return a walk that begins there, and where the sequence ends.

    Returns
    -------
    None where there is no such sequence; None for the end where the sequence states no length.

    Raises
    ------
    UnreadableFile
        If what stands before the sequence is damaged.
    """
    with _damage(path):
        metered, stop = _MeteredStream(stream), _Stop(tag)
        dataset = pydicom.filereader.read_partial(cast(BinaryIO, metered), stop, force=True)
        if stop.at is None:
            return None
        _, vr, length = stop.at
        metered.read(8 if vr is None else 12)
        end = None if length == UNDEFINED_LENGTH else stream.tell() + length
        return Walk(stream, vr in (None, "UN"), bool(dataset.original_encoding[1])), end


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Turn what pydicom raises inside the block into a sentence."""
    try:
        yield
    except _OverlongHeader as error:
        raise UnreadableFile(path, "its header has more elements than that of any film") from error
    except (*PARSING_ERRORS, _Deflated) as error:
        raise UnreadableFile(path, "its DICOM header is damaged") from error


class _OverlongHeader(Exception):
    """A header of more elements than any film has."""


class _Deflated(Exception):
    """The rest of the file is to be inflated."""


class _MeteredStream:
    """A file as pydicom wants it: read in no more than :data:`MOST_READS` pieces, without a magic word at its very start."""

    def __init__(self, stream: BinaryIO) -> None:
        stream.seek(0)
        # Without a preamble before it the magic word is no more than in the way.
        self._start = len(_MAGIC) if stream.read(len(_MAGIC)) == _MAGIC else 0
        self._left = MOST_READS
        self.stream = stream
        self.seek(0)

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            # pydicom asks for all that is left only to inflate it.
            raise _Deflated
        self._left -= 1
        if self._left < 0:
            raise _OverlongHeader
        return self.stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.stream.seek(offset + (0 if whence else self._start), whence) - self._start

    def tell(self) -> int:
        return self.stream.tell() - self._start

    @property
    def closed(self) -> bool:
        return self.stream.closed


def _read_in_order(path: Path, metered: _MeteredStream, defer_size: int | None, header_only: bool) -> FileDataset:
    stop = _Stop(header_only=header_only)
    dataset = pydicom.filereader.read_partial(cast(BinaryIO, metered), stop, defer_size, force=True)
    _read_on(path, dataset, metered, stop, defer_size)
    return dataset


def _read_deflated(path: Path, metered: _MeteredStream) -> FileDataset:
    """Inflate what follows here, no further than memory allows, and parse it."""
    data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(metered.stream.read(), LARGEST_DATASET_BYTES + 1)
    if len(data) > LARGEST_DATASET_BYTES:
        raise UnreadableFile(path, f"its deflated contents would fill more than {LARGEST_DATASET_BYTES >> 20} MiB")
    meta = _read_meta(metered)
    inflated, stop = _MeteredStream(BytesIO(data)), _Stop()
    stream = cast(BinaryIO, inflated)
    dataset = pydicom.filereader.read_dataset(stream, is_implicit_VR=False, is_little_endian=True, stop_when=stop)
    file = FileDataset(stream, dataset, None, meta, is_implicit_VR=False, is_little_endian=True)
    file.set_original_encoding(False, True, dataset._character_set)
    _read_on(path, file, inflated, stop, None)
    return file


def _read_meta(metered: _MeteredStream) -> FileMetaDataset:
    metered.seek(0)
    stream = cast(BinaryIO, metered)
    pydicom.filereader.read_preamble(stream, force=True)
    return pydicom.filereader._read_file_meta_info(stream)


# ------------------------------------------------------------------------------- what pydicom is not to read by itself


class _Stop:
    """Stops pydicom at a sequence, which it would unfold.

    In ``header_only`` it is stopped at compressed pixel data too, which it would read to its end.
    """

    def __init__(self, sequence: int = _FRAME_GROUPS, header_only: bool = False) -> None:
        self._sequence, self._header_only = sequence, header_only
        self.at: tuple[int, str | None, int] | None = None

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        is_sequence = tag == self._sequence and vr in (None, "SQ", "UN")
        if is_sequence or (self._header_only and tag == _PIXEL_DATA and length == UNDEFINED_LENGTH):
            self.at = int(tag), vr, length
        return self.at is not None


def _read_on(path: Path, dataset: FileDataset, metered: _MeteredStream, stop: _Stop, defer_size: int | None) -> None:
    """Add what pydicom was stopped at, and what follows that."""
    is_little = bool(dataset.original_encoding[1])
    while stop.at is not None:
        is_implicit = stop.at[1] is None
        element = _element_at(path, metered, *stop.at, is_little)
        dataset[element.tag] = element
        stop.at = None
        if element.tag != _PIXEL_DATA:
            rest = pydicom.filereader.read_dataset(
                cast(BinaryIO, metered), is_implicit, is_little, None, stop, defer_size, dataset._character_set
            )
            dataset.update(rest)


def _element_at(path: Path, metered: _MeteredStream, tag: int, vr: str | None, length: int, is_little: bool) -> RawDataElement:
    metered.read(8 if vr is None else 12)
    start = metered.tell()
    if tag == _PIXEL_DATA:
        return RawDataElement(BaseTag(tag), vr, length, None, start, vr is None, is_little)
    # What is UN and of no length is a sequence in implicit VR (PS3.5 6.2.2).
    is_implicit = vr in (None, "UN")
    value = _sequence_bytes(path, metered.stream, length, is_implicit, is_little)
    return RawDataElement(BaseTag(tag), "SQ", length, value, start, is_implicit, is_little)


def _sequence_bytes(path: Path, stream: BinaryIO, length: int, is_implicit: bool, is_little: bool) -> bytes:
    """Return the value of a sequence that begins here, without the mark that ends it, and go behind it."""
    start = end = stream.tell()
    if length != UNDEFINED_LENGTH:
        end = behind = start + length
    else:
        for _ in Walk(stream, is_implicit, is_little).items(None):
            end = stream.tell()
        behind = stream.tell()
    if end - start > LARGEST_FRAME_GROUPS_BYTES:
        raise UnreadableFile(path, f"what it says of its frames is longer than {LARGEST_FRAME_GROUPS_BYTES >> 20} MiB")
    stream.seek(start)
    value = stream.read(end - start)
    stream.seek(behind)
    return value
