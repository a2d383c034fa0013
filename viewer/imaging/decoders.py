"""Compressed frames to stored values, by imagecodecs and zlib: one function a family of transfer syntaxes.

imagecodecs reads every syntax of DICOM, also those for which pydicom has no decoder (JPEG processes 6 to 12, JPEG XL,
Deflated Image Frame), so all of them go one way. It is imported when the first compressed frame arrives: most films
are not compressed, and the window should not wait for it.

References: DICOM PS3.5 section 8.2 and annex A.4.
"""

from __future__ import annotations

import importlib
import itertools
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from viewer.imaging.pixel_layout import PixelLayout, as_stored, bytes_of_frame, native_frame


class DecodeError(Exception):
    """A compressed frame that cannot be decoded; ``str()`` is the rest of a sentence. Never leaves this package."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded frame: stored values (rows, columns) or (rows, columns, 3), and the colour space they are in now."""

    values: np.ndarray
    photometric_interpretation: str


JPEG = "1.2.840.10008.1.2.4."
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"

NAMES = {
    DEFLATED_FRAME: "Deflated Image Frame Compression",
    f"{JPEG}110": "JPEG XL Lossless",
    f"{JPEG}111": "JPEG XL JPEG Recompression",
    f"{JPEG}112": "JPEG XL",
}
"""Transfer syntaxes younger than pydicom's dictionary."""

LOSSY = {f"{JPEG}{n}": "JPEG" for n in (50, 51, 52, 53, 54, 55, 56)} | {
    f"{JPEG}81": "JPEG-LS",
    f"{JPEG}91": "JPEG 2000",
    f"{JPEG}93": "JPEG 2000",
    f"{JPEG}203": "HTJ2K",
    f"{JPEG}111": "JPEG XL",
    f"{JPEG}112": "JPEG XL",
}
"""Transfer syntaxes that may have lost something, and the name to print."""

_LOSSY_JPEG = {f"{JPEG}{n}" for n in (50, 51, 52, 53, 54, 55, 56)}
_LOSSLESS_JPEG = {f"{JPEG}{n}" for n in (57, 58, 65, 66, 70)}
_JPEG_LS = {f"{JPEG}{n}" for n in (80, 81)}
_JPEG_2000 = {f"{JPEG}{n}" for n in (90, 91, 92, 93, 201, 202, 203)}
_JPEG_XL = {f"{JPEG}{n}" for n in (110, 111, 112)}
_ALWAYS_RGB_IN_JPEG_2000 = {"RGB", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422"}


def is_known(transfer_syntax_uid: str) -> bool:
    """Return whether frames of a compressed transfer syntax can be decoded here."""
    return transfer_syntax_uid in _DECODERS


def decode(encoded: bytes, transfer_syntax_uid: str, layout: PixelLayout) -> Decoded:
    """Decode one frame whose fragments have been joined.

    Raises
    ------
    DecodeError
        If the frame is broken, is not of the size the header states, or its codec is missing.
    """
    try:
        decoded = _DECODERS[transfer_syntax_uid](encoded, layout, transfer_syntax_uid)
    except (ValueError, RuntimeError, TypeError, IndexError, OverflowError, struct.error, zlib.error, MemoryError) as e:
        # imagecodecs' own errors are RuntimeErrors; their words are for programmers.
        raise DecodeError("its compressed picture is damaged") from e
    expected = (layout.rows, layout.columns, 3)[: 2 if layout.samples == 1 else 3]
    if decoded.values.shape != expected:
        raise DecodeError(f"its compressed picture is not {layout.columns} x {layout.rows} as its header states")
    return decoded


def _codecs() -> ModuleType:
    try:
        return importlib.import_module("imagecodecs")
    except ImportError as error:
        raise DecodeError("the package imagecodecs, which decompresses its pictures, is not installed") from error


# ------------------------------------------------------------------------------------------------------------- JPEG


@dataclass(frozen=True)
class _JpegHeader:
    rows: int
    columns: int
    precision: int
    component_ids: bytes
    jfif: bool
    adobe_transform: int | None


def _read_jpeg_header(encoded: bytes) -> _JpegHeader:
    """Walk the markers up to the frame header (SOF0 to SOF15 of ITU-T T.81, SOF55 of JPEG-LS)."""
    jfif, adobe = False, None
    position = encoded.find(b"\xff\xd8") + 2
    while position >= 2 and position + 4 <= len(encoded):
        if encoded[position] != 0xFF or encoded[position + 1] in (0xFF, *range(0xD0, 0xDA)):
            position += 1
            continue
        marker, length = encoded[position + 1], struct.unpack_from(">H", encoded, position + 2)[0]
        body = encoded[position + 4 : position + 2 + length]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            precision, rows, columns, count = struct.unpack_from(">BHHB", body)
            return _JpegHeader(rows, columns, precision, body[6 : 6 + 3 * count : 3], jfif, adobe)
        jfif = jfif or (marker == 0xE0 and body.startswith(b"JFIF"))
        if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[11]
        position += 2 + length
    raise DecodeError("its compressed picture has no frame header")


def _checked_jpeg_header(encoded: bytes, layout: PixelLayout) -> _JpegHeader:
    """Read the header and refuse a stream of another size before anything is allocated for it."""
    header = _read_jpeg_header(encoded)
    # 0 rows are allowed in a JPEG whose height follows in a DNL marker.
    if header.columns != layout.columns or header.rows not in (0, layout.rows):
        raise DecodeError(
            f"its compressed picture is {header.columns} x {header.rows}, its header states {layout.columns} x {layout.rows}"
        )
    return header


def _jpeg_is_rgb(header: _JpegHeader, layout: PixelLayout) -> bool:
    """Decide a colour JPEG's space: its own markers are believed before the DICOM header, which is often wrong."""
    if header.adobe_transform is not None:
        return header.adobe_transform == 0
    if header.jfif:
        return False
    if header.component_ids in (b"RGB", b"rgb"):
        return True
    return layout.photometric_interpretation == "RGB"


def _decode_lossy_jpeg(encoded: bytes, layout: PixelLayout, _uid: str) -> Decoded:
    header = _checked_jpeg_header(encoded, layout)
    if layout.samples == 1:
        return Decoded(as_stored(_codecs().jpeg8_decode(encoded), layout, mask=False), layout.photometric_interpretation)
    space = "RGB" if _jpeg_is_rgb(header, layout) else "YCBCR"
    return Decoded(_codecs().jpeg8_decode(encoded, colorspace=space, outcolorspace="RGB"), "RGB")


def _decode_lossless_jpeg(encoded: bytes, layout: PixelLayout, _uid: str) -> Decoded:
    header = _checked_jpeg_header(encoded, layout)
    if layout.samples == 1:
        return Decoded(as_stored(_codecs().jpeg8_decode(encoded), layout), layout.photometric_interpretation)
    values = _codecs().jpeg8_decode(encoded, colorspace="RGB", outcolorspace="RGB")
    return Decoded(values, "RGB" if _jpeg_is_rgb(header, layout) else "YBR_FULL")


def _decode_jpeg_ls(encoded: bytes, layout: PixelLayout, _uid: str) -> Decoded:
    header = _checked_jpeg_header(encoded, layout)
    values = _codecs().jpegls_decode(encoded)
    if layout.samples == 3:
        space = "YBR_FULL" if layout.photometric_interpretation.startswith("YBR") else "RGB"
        return Decoded(values, space)
    return Decoded(as_stored(values, layout, bits=header.precision), layout.photometric_interpretation)


# -------------------------------------------------------------------------------------------------------- JPEG 2000


def _jpeg_2000_size(encoded: bytes) -> tuple[int, int, int, bool]:
    """Return rows, columns, precision and signedness from the SIZ marker (ITU-T T.800, A.5.1)."""
    start = encoded.find(b"\xff\x4f\xff\x51")
    if start < 0:
        raise DecodeError("its compressed picture has no frame header")
    x1, y1, x0, y0 = struct.unpack_from(">4I", encoded, start + 8)
    depth = encoded[start + 42]
    return y1 - y0, x1 - x0, (depth & 0x7F) + 1, bool(depth & 0x80)


def _decode_jpeg_2000(encoded: bytes, layout: PixelLayout, _uid: str) -> Decoded:
    rows, columns, precision, signed = _jpeg_2000_size(encoded)
    if (rows, columns) != (layout.rows, layout.columns):
        raise DecodeError(f"its compressed picture is {columns} x {rows}, its header states {layout.columns} x {layout.rows}")
    # jpeg2k_decode reads the high-throughput syntaxes too, and right where htj2k_decode does not (lossy ones).
    values = _codecs().jpeg2k_decode(encoded)
    if layout.samples == 3:
        space = "RGB" if layout.photometric_interpretation in _ALWAYS_RGB_IN_JPEG_2000 else "YBR_FULL"
        return Decoded(values, space)
    if signed != layout.signed:
        values = as_stored(values, layout, bits=precision)
    return Decoded(values, layout.photometric_interpretation)


def _decode_jpeg_xl(encoded: bytes, layout: PixelLayout, _uid: str) -> Decoded:
    values = _codecs().jpegxl_decode(encoded)
    if layout.samples == 3:
        return Decoded(values, "RGB")
    return Decoded(as_stored(values.reshape(values.shape[:2]), layout), layout.photometric_interpretation)


# --------------------------------------------------------------------------------------------------- RLE, deflated


def _decode_rle(encoded: bytes, layout: PixelLayout, _uid: str) -> Decoded:
    """Undo RLE (PS3.5 annex G): the segments are the bytes of the samples, most significant first."""
    count = layout.samples * max(1, layout.bits_allocated // 8)
    size = -(-layout.rows * layout.columns // (8 if layout.bits_allocated == 1 else 1))
    found, *offsets = struct.unpack_from("<16I", encoded)
    if found != count:
        raise DecodeError(f"its RLE picture has {found} segments, {count} were expected")
    bounds = [*offsets[:count], len(encoded)]
    planes = [_unpack_bits(encoded[a:b], size) for a, b in itertools.pairwise(bounds)]
    per_sample = count // layout.samples
    # Native planar order, little endian: sample by sample, each sample's bytes turned round and interleaved.
    samples = [np.stack(planes[i : i + per_sample][::-1], axis=-1).tobytes() for i in range(0, count, per_sample)]
    return Decoded(native_frame(b"".join(samples), layout.as_planar()), layout.photometric_interpretation)


def _unpack_bits(segment: bytes, size: int) -> np.ndarray:
    values: np.ndarray = np.frombuffer(_codecs().packbits_decode(segment), np.uint8)
    if len(values) < size:
        raise DecodeError(f"its RLE picture is cut short ({size} bytes expected in a segment, {len(values)} found)")
    return values[:size]


def _decode_deflated(encoded: bytes, layout: PixelLayout, _uid: str) -> Decoded:
    expected = bytes_of_frame(layout)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    raw = inflater.decompress(encoded, expected + 2)
    if len(raw) < expected:
        raise DecodeError(f"its pixel data is cut short ({expected} bytes expected, {len(raw)} found)")
    return Decoded(native_frame(raw, layout), layout.photometric_interpretation)


_Decoder = Callable[[bytes, PixelLayout, str], Decoded]

_DECODERS: dict[str, _Decoder] = {
    **dict.fromkeys(_LOSSY_JPEG, _decode_lossy_jpeg),
    **dict.fromkeys(_LOSSLESS_JPEG, _decode_lossless_jpeg),
    **dict.fromkeys(_JPEG_LS, _decode_jpeg_ls),
    **dict.fromkeys(_JPEG_2000, _decode_jpeg_2000),
    **dict.fromkeys(_JPEG_XL, _decode_jpeg_xl),
    RLE: _decode_rle,
    DEFLATED_FRAME: _decode_deflated,
}
