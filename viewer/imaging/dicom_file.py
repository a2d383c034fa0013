"""A DICOM file parsed and checked: its header, how its pixels are stored, where they are.

Nothing that pydicom raises leaves this file: what cannot be shown is refused in a sentence, from the header where the
header is enough, and before memory is taken for what a header merely claims.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import UID

from viewer.errors import UnreadableFile, UnsupportedFile
from viewer.imaging import decoders
from viewer.imaging.dataset_reading import quiet, read_dataset
from viewer.imaging.element_walk import UNDEFINED_LENGTH
from viewer.imaging.header import integer, raw_value, text
from viewer.imaging.pixel_layout import PixelLayout, bytes_of_frame

LARGEST_FRAME_PIXELS = 2**27
"""A film of 14 x 17 inches at 50 micrometres has 61 million pixels, a whole leg put together of several some 120."""
LARGEST_FRAME_BYTES = 3 * LARGEST_FRAME_PIXELS
MOST_FRAMES = 2**16
_LONG_VALUE = 2**16
# 64 characters by the standard; its longest name of one has somewhat more.
_LONGEST_UID = 100

GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "XYB")
_NUMBERS = {"PixelData": "integer", "FloatPixelData": "float", "DoubleFloatPixelData": "double"}
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", _DEFLATED, _BIG_ENDIAN)
"""The transfer syntaxes whose pixels are not compressed."""
_JPIP = ("1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205")


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
        return self.transfer_syntax_uid in NATIVE


# ---------------------------------------------------------------------------------------------------------- parsing


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
    return _parse(path, stream, size, _LONG_VALUE)


def parse_any(path: Path, stream: BinaryIO) -> FileDataset:
    """Parse a header from an open file whatever the file holds, leaving long values unread while the file is open.

    Raises
    ------
    UnreadableFile
        If it is damaged.
    """
    with quiet():
        return read_dataset(path, stream, _LONG_VALUE)


def _parse(path: Path, stream: BinaryIO, size: int, defer_size: int | None) -> DicomFile:
    with quiet():
        dataset = read_dataset(path, stream, defer_size, header_only=defer_size is not None)
        syntax = _transfer_syntax(dataset)
        _refuse_syntax(path, syntax)
        keyword = _pixel_keyword(path, dataset)
        found = _pixel_bytes(path, dataset, keyword, size)
        layout = _read_layout(path, dataset, keyword, syntax, found)
        file = DicomFile(path, dataset, syntax, layout, keyword)
        _check_length(file, found)
    return file


def _transfer_syntax(dataset: FileDataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    syntax = text(meta, "TransferSyntaxUID") if meta is not None else ""
    if syntax:
        return syntax
    is_implicit, is_little = dataset.original_encoding
    return NATIVE[0] if is_implicit else NATIVE[1] if is_little else _BIG_ENDIAN


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
    if syntax in NATIVE or decoders.is_known(syntax):
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
    if syntax in NATIVE and layout.is_422 and found >= bytes_of_frame(unshared, layout.frames):
        # A common defect: the chroma is stored for every pixel although the header says it is shared.
        return unshared
    in_groups = replace(layout, whole_groups=True)
    return in_groups if layout.is_422 and found >= bytes_of_frame(in_groups, layout.frames) else layout


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
    if layout.samples > 1 and (layout.number != "integer" or layout.bits_allocated in (1, 12)):
        kind = f"{layout.bits_allocated}-bit {layout.number} samples"
        raise UnreadableFile(path, f"its header states colours of {kind}, which the standard does not have")
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
    return size - start if length == UNDEFINED_LENGTH else min(int(length), size - start)


def pixel_data(file: DicomFile) -> bytes:
    """Return the whole value of the pixel data element of a file parsed with its pixels."""
    value = getattr(file.dataset.get_item(file.pixel_keyword), "value", None)
    if not isinstance(value, bytes):
        raise UnreadableFile(file.path, "its pixel data is damaged")
    return value
