"""A DICOM file parsed and checked: its header, how its pixels are stored, where they are.

Nothing that pydicom raises leaves this file: what cannot be shown is refused in a sentence, from the header where the
header is enough, and before memory is taken for what a header merely claims.
"""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import pydicom
from pydicom import config
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from viewer.errors import UnreadableFile, UnsupportedFile
from viewer.imaging import decoders
from viewer.imaging.header import CONVERSION_ERRORS, integer, raw_value, text, vr_by_tag
from viewer.imaging.pixel_layout import PixelLayout, bytes_of_frame

LARGEST_FRAME_PIXELS = 2**26
"""A film of 14 x 17 inches at 50 micrometres has 61 million pixels."""
LARGEST_FRAME_BYTES = 2**28
LARGEST_DATASET_BYTES = 2**29
"""Of a deflated data set, inflated."""
LARGEST_SEQUENCE_BYTES = 2**25
MOST_FRAMES = 2**16
MOST_READS = 2**20
"""Pieces a header is read in, two or three an element; pydicom keeps half a kilobyte of each."""
_LONG_VALUE = 2**16
_META_BYTES = 2048
# 64 characters by the standard; its longest name of one has somewhat more.
_LONGEST_UID = 100
_UNDEFINED_LENGTH = 0xFFFFFFFF

GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "XYB")
_NUMBERS = {"PixelData": "integer", "FloatPixelData": "float", "DoubleFloatPixelData": "double"}
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", _DEFLATED, _BIG_ENDIAN)
_JPIP = ("1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205")
# What pydicom is seen to raise on damaged files, beyond the conversions of single elements.
PARSING_ERRORS = (*CONVERSION_ERRORS, InvalidDicomError, OSError,
                  MemoryError, AssertionError, UnicodeError, RuntimeError)  # fmt: skip

config.settings.reading_validation_mode = config.IGNORE
# pydicom quotes values, names among them, in its messages; the program's log and stderr must not carry those.
logging.getLogger("pydicom").addHandler(logging.NullHandler())
logging.getLogger("pydicom").propagate = False


@dataclass(frozen=True, eq=False)
class DicomFile:
    """A parsed file that holds a picture: its header, with the pixel data unless it was left out."""

    path: Path
    dataset: Dataset
    transfer_syntax_uid: str
    layout: PixelLayout
    pixel_keyword: str

    @property
    def is_native(self) -> bool:
        """Return whether the pixels are not compressed."""
        return self.transfer_syntax_uid in _NATIVE


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's remarks about odd files off stderr: what matters of them is said in the image's own warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# ---------------------------------------------------------------------------------------------------------- parsing


def looks_like_dicom(head: bytes) -> bool:
    """Return whether the first 132 bytes are those of a DICOM file, with its preamble or without."""
    if head[128:132] == b"DICM" or head[:4] == b"DICM":
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


def parse(path: Path, data: bytes) -> DicomFile:
    """Parse a DICOM file's bytes and check that they hold a picture this program can show.

    Raises
    ------
    UnsupportedFile
        If it holds no picture, a video, or something in a transfer syntax or colour space that is not known here.
    UnreadableFile
        If it is damaged.
    """
    return _parse(path, BytesIO(data), len(data), None)


def parse_header(path: Path, stream: BinaryIO, size: int) -> DicomFile:
    """Parse and check as :func:`parse` does, from an open file of ``size`` bytes, leaving long values unread."""
    if _is_deflated(stream.read(_META_BYTES)):
        # Only the whole tells how long it is.
        stream.seek(0)
        return parse(path, stream.read())
    stream.seek(0)
    return _parse(path, stream, size, _LONG_VALUE)


def parse_any(path: Path, stream: BinaryIO) -> FileDataset:
    """Parse a header from an open file whatever the file holds, leaving long values unread while the file is open.

    Raises
    ------
    UnreadableFile
        If it is damaged.
    """
    with quiet():
        return _read_dataset(path, stream, _LONG_VALUE)


def _parse(path: Path, stream: BinaryIO, size: int, defer_size: int | None) -> DicomFile:
    with quiet():
        dataset = _read_dataset(path, stream, defer_size)
        syntax = _transfer_syntax(dataset)
        _refuse_syntax(path, syntax)
        keyword = _pixel_keyword(path, dataset)
        found = _pixel_bytes(path, dataset, keyword, size)
        layout = _read_layout(path, dataset, keyword, syntax, found)
        file = DicomFile(path, dataset, syntax, layout, keyword)
        _check_length(file, found)
    return file


class _OverlongHeader(Exception):
    """A header of more elements than any film has."""


class _MeteredStream:
    """A file that is read in no more than :data:`MOST_READS` pieces."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = MOST_READS

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise _OverlongHeader
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    @property
    def closed(self) -> bool:
        return self._stream.closed


def _read_dataset(path: Path, stream: BinaryIO, defer_size: int | None) -> FileDataset:
    stream.seek(0)
    head = stream.read(_META_BYTES)
    # A file may lack the preamble and begin with its magic word.
    stream.seek(4 if head[:4] == b"DICM" else 0)
    try:
        if _is_deflated(head):
            dataset = _read_deflated(path, stream)
        else:
            dataset = pydicom.dcmread(_MeteredStream(stream), force=True, defer_size=defer_size)
    except _OverlongHeader as error:
        raise UnreadableFile(path, "its header has more elements than that of any film") from error
    except PARSING_ERRORS as error:
        raise UnreadableFile(path, "its DICOM header is damaged") from error
    _refuse_long_sequences(path, dataset)
    return dataset


def _is_deflated(head: bytes) -> bool:
    return head[128:132] == b"DICM" and _DEFLATED.encode() in head


def _read_deflated(path: Path, stream: BinaryIO) -> FileDataset:
    """Inflate a data set no further than memory allows, which pydicom would do in one piece, and parse it."""
    stream.seek(132)
    meta = pydicom.filereader._read_file_meta_info(stream)
    if text(meta, "TransferSyntaxUID") != _DEFLATED:
        stream.seek(0)
        return pydicom.dcmread(_MeteredStream(stream), force=True)
    data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream.read(), LARGEST_DATASET_BYTES + 1)
    if len(data) > LARGEST_DATASET_BYTES:
        raise UnreadableFile(path, f"its deflated contents would fill more than {LARGEST_DATASET_BYTES >> 20} MiB")
    metered = cast(BinaryIO, _MeteredStream(BytesIO(data)))
    dataset = pydicom.filereader.read_dataset(metered, is_implicit_VR=False, is_little_endian=True)
    file = FileDataset(metered, dataset, None, meta, is_implicit_VR=False, is_little_endian=True)
    file.set_original_encoding(False, True, dataset._character_set)
    return file


def _refuse_long_sequences(path: Path, dataset: Dataset) -> None:
    """Refuse sequences that pydicom would unfold to more than the memory holds, once they are looked at."""
    for tag in dataset.keys():  # noqa: SIM118 - iterating over a data set converts its elements
        element: object = dataset.get_item(tag, keep_deferred=True)
        if not isinstance(element, RawDataElement) or element.length <= LARGEST_SEQUENCE_BYTES:
            continue
        if element.length != _UNDEFINED_LENGTH and (element.VR or vr_by_tag(tag)) == "SQ":
            raise UnreadableFile(path, f"a sequence of its header is longer than {LARGEST_SEQUENCE_BYTES >> 20} MiB")


def _transfer_syntax(dataset: FileDataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    syntax = text(meta, "TransferSyntaxUID") if meta is not None else ""
    if syntax:
        return syntax
    is_implicit, is_little = dataset.original_encoding
    return _NATIVE[0] if is_implicit else _NATIVE[1] if is_little else _BIG_ENDIAN


def transfer_syntax_name(uid: str) -> str:
    """Return the standard's name of a transfer syntax, or the UID itself."""
    return decoders.NAMES.get(uid) or UID(uid).name[:_LONGEST_UID]


def _pixel_keyword(path: Path, dataset: Dataset) -> str:
    found = next((keyword for keyword in _NUMBERS if keyword in dataset), None)
    if found:
        return found
    if integer(dataset, "Rows"):
        raise UnsupportedFile(path, "its header announces a picture, but there is no pixel data in it")
    sop_class = text(dataset, "SOPClassUID") or text(getattr(dataset, "file_meta", Dataset()), "MediaStorageSOPClassUID")
    if not sop_class and len(dataset) < 4:
        raise UnreadableFile(path, "it is not a whole DICOM file: no picture and next to no header was found in it")
    kind = UID(sop_class).name[:_LONGEST_UID] if sop_class else "DICOM"
    what = "it is a DICOMDIR, a list of files" if "Directory" in kind else f"it holds no picture ({kind})"
    raise UnsupportedFile(path, what)


def _refuse_syntax(path: Path, syntax: str) -> None:
    if syntax in _NATIVE or decoders.is_known(syntax):
        return
    name = transfer_syntax_name(syntax)
    if any(word in name for word in ("MPEG", "HEVC", "SMPTE")):
        raise UnsupportedFile(path, f"it is a video ({name}), which this program does not play")
    if syntax in _JPIP:
        raise UnsupportedFile(path, f"its pixels lie on a server ({name}), and this program opens no address of a file")
    label = name if syntax.startswith(name) else f"{name}, {syntax}"
    raise UnsupportedFile(path, f"its transfer syntax ({label}) is not known to this program")


def _read_layout(path: Path, dataset: Dataset, keyword: str, syntax: str, found: int) -> PixelLayout:
    photometric = text(dataset, "PhotometricInterpretation").upper()
    if not photometric and text(dataset, "RecognitionCode").startswith("ACR-NEMA"):
        # The element is younger than these files; the standard before DICOM knew grey pictures of one polarity.
        photometric = "MONOCHROME2"
    allocated = integer(dataset, "BitsAllocated") or {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword, 0)
    stored = integer(dataset, "BitsStored") or allocated
    high_bit = integer(dataset, "HighBit")
    element = dataset.get_item(keyword, keep_deferred=True)
    layout = PixelLayout(
        rows=integer(dataset, "Rows") or 0,
        columns=integer(dataset, "Columns") or 0,
        frames=integer(dataset, "NumberOfFrames") or 1,
        samples=integer(dataset, "SamplesPerPixel") or 1,
        photometric_interpretation=photometric,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high_bit is None else high_bit,
        signed=raw_value(dataset, "PixelRepresentation") == 1,
        planar=integer(dataset, "PlanarConfiguration") == 1,
        big_endian=syntax == _BIG_ENDIAN,
        swapped_bytes=syntax == _BIG_ENDIAN and allocated <= 8 and getattr(element, "VR", "") == "OW",
        number=_NUMBERS[keyword],
    )
    _check_layout(path, layout, dataset)
    unshared = replace(layout, photometric_interpretation="YBR_FULL")
    if syntax in _NATIVE and layout.is_422 and found >= bytes_of_frame(unshared, layout.frames):
        # A common defect: the chroma is stored for every pixel although the header says it is shared.
        return unshared
    return layout


def _check_layout(path: Path, layout: PixelLayout, dataset: Dataset) -> None:
    """Refuse what no file of the standard states, and what would not fit, before anything is allocated for it."""
    if not (1 <= layout.rows <= 65535 and 1 <= layout.columns <= 65535):
        stated = f"{layout.columns} x {layout.rows} pixels" if "Rows" in dataset else "no number of rows and columns"
        raise UnreadableFile(path, f"its header states {stated}")
    if not 1 <= layout.frames <= MOST_FRAMES:
        raise UnreadableFile(path, f"its header states {layout.frames} frames")
    _check_bits(path, layout, dataset)
    photometric = layout.photometric_interpretation
    if not photometric:
        raise UnreadableFile(path, "its header states no photometric interpretation, so black and white are unknown")
    if photometric not in (*GREY, *_COLOR, "PALETTE COLOR"):
        raise UnsupportedFile(path, f"its photometric interpretation ({photometric[:40]}) is not known to this program")
    if layout.samples != (3 if photometric in _COLOR else 1):
        raise UnreadableFile(path, f"its header states {layout.samples} samples a pixel for {photometric}")
    if layout.rows * layout.columns > LARGEST_FRAME_PIXELS or bytes_of_frame(layout) > LARGEST_FRAME_BYTES:
        raise UnreadableFile(path, f"a frame of {layout.columns} x {layout.rows} pixels is too large")


def _check_bits(path: Path, layout: PixelLayout, dataset: Dataset) -> None:
    whole = layout.bits_allocated in ((1, 8, 12, 16, 32, 64) if layout.number == "integer" else (32, 64))
    if not whole or not 1 <= layout.bits_stored <= layout.bits_allocated:
        raise UnreadableFile(path, f"its header states {layout.bits_stored} bits in {layout.bits_allocated} for a pixel")
    if layout.high_bit >= layout.bits_allocated:
        raise UnreadableFile(path, f"its header states {layout.high_bit} as the highest of {layout.bits_allocated} bits")
    if raw_value(dataset, "PixelRepresentation") not in (None, 0, 1):
        raise UnreadableFile(path, "its header does not say whether pixel values are signed")


def _check_length(file: DicomFile, found: int) -> None:
    expected = bytes_of_frame(file.layout, file.layout.frames)
    if file.is_native and found < expected:
        raise UnreadableFile(file.path, f"its pixel data is cut short ({expected} bytes expected, {found} found)")
    # An item of encapsulated pixel data is 8 bytes and something more.
    if not file.is_native and file.layout.frames > found // 8:
        raise UnreadableFile(file.path, f"its pixel data is cut short ({file.layout.frames} frames expected in {found} bytes)")


def _pixel_bytes(path: Path, dataset: Dataset, keyword: str, size: int) -> int:
    """Return how many bytes of pixel data the file really has."""
    element = dataset.get_item(keyword, keep_deferred=True)
    value = getattr(element, "value", None)
    if isinstance(value, bytes):
        return len(value)
    length, start = getattr(element, "length", 0), getattr(element, "value_tell", 0)
    if value is not None or not length:
        raise UnreadableFile(path, "its pixel data is empty")
    return size - start if length == _UNDEFINED_LENGTH else min(int(length), size - start)


def pixel_data(file: DicomFile) -> bytes:
    """Return the whole value of the pixel data element of a file parsed with its pixels."""
    value = getattr(file.dataset.get_item(file.pixel_keyword), "value", None)
    if not isinstance(value, bytes):
        raise UnreadableFile(file.path, "its pixel data is damaged")
    return value
