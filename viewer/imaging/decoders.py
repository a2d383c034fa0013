"""Compressed frames to stored values: a table of the transfer syntaxes, and one function a family of them.

imagecodecs reads every syntax of DICOM, also those for which pydicom has no decoder (JPEG processes 6 to 12, JPEG XL),
so all of them go one way. It is called in a worker process (:mod:`viewer.imaging.decoder_process`); here a frame is
checked before it is sent there, and put right when it comes back.

Licences, as imagecodecs' wheels carry them: imagecodecs BSD-3; libjpeg-turbo IJG and BSD-3 (JPEG), CharLS BSD-3 (JPEG-LS),
OpenJPEG BSD-2 (JPEG 2000, HTJ2K), libjxl BSD-3 (JPEG XL). None of them is under the GPL.

References: DICOM PS3.5 section 8.2 and annex A.4.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from viewer.imaging import decoder_process
from viewer.imaging.codestreams import (
    CodestreamError,
    JpegHeader,
    jpeg_endings,
    read_jpeg_2000_header,
    read_jpeg_header,
    read_jpeg_xl_size,
    with_end_marker,
)
from viewer.imaging.pixel_layout import PixelLayout, as_stored, bytes_of_frame, native_frame


class DecodeError(Exception):
    """A compressed frame that cannot be decoded; ``str()`` is the rest of a sentence. Never leaves this package."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded frame: stored values (rows, columns) or (rows, columns, 3), and the colour space they are in now."""

    values: np.ndarray
    photometric_interpretation: str


@dataclass(frozen=True)
class Codec:
    """A row of the table: how frames of one transfer syntax are decoded.

    Parameters
    ----------
    decode
        The function of its family.
    lossy
        The method to print where the syntax may have lost something; "" where it cannot have.
    name
        The standard's name of a syntax that is younger than pydicom's dictionary.
    """

    decode: Callable[[bytes, PixelLayout], Decoded]
    lossy: str = ""
    name: str = ""


def is_known(transfer_syntax_uid: str) -> bool:
    """Return whether frames of an encapsulated transfer syntax can be decoded here."""
    return transfer_syntax_uid in CODECS


def decode(encoded: bytes, transfer_syntax_uid: str, layout: PixelLayout) -> Decoded:
    """Decode one frame whose fragments have been joined.

    Raises
    ------
    DecodeError
        If the frame is broken, is not of the size the header states, its codec is missing, or its decoder crashed.
    """
    try:
        decoded = CODECS[transfer_syntax_uid].decode(encoded, layout)
    except (CodestreamError, decoder_process.DecoderFailed) as error:
        raise DecodeError(str(error)) from error
    except MemoryError as error:
        raise DecodeError("there is not enough memory for its picture") from error
    except (ValueError, TypeError, IndexError, OverflowError, struct.error, zlib.error) as error:
        raise DecodeError("its compressed picture is damaged") from error
    expected = (layout.rows, layout.columns, 3)[: 2 if layout.samples == 1 else 3]
    if decoded.values.shape != expected:
        raise DecodeError(f"its compressed picture is not {layout.columns} x {layout.rows} as its header states")
    return decoded


def _call(function: str, encoded: bytes, **options: Any) -> np.ndarray:
    """Call a decoder of imagecodecs in a worker process."""
    values = decoder_process.perform("frame", encoded, function=function, options=options).values
    if values is None or values.dtype.kind not in "iu":
        raise DecodeError("its compressed picture does not hold whole numbers")
    return values


def _check_size(rows: int, columns: int, layout: PixelLayout) -> None:
    """Refuse a stream of another size before anything is allocated for it."""
    if (rows, columns) != (layout.rows, layout.columns):
        raise DecodeError(f"its compressed picture is {columns} x {rows}, its header states {layout.columns} x {layout.rows}")


# ------------------------------------------------------------------------------------------------------------- JPEG

_MOST_SCANS = 500
"""A progressive JPEG of 12 bits and 3 components needs some 50; each is a pass over the whole picture."""


def _checked_jpeg_header(encoded: bytes, layout: PixelLayout) -> JpegHeader:
    header = read_jpeg_header(encoded)
    # 0 rows are allowed in a JPEG whose height follows in a DNL marker.
    _check_size(header.rows or layout.rows, header.columns, layout)
    if header.is_progressive and encoded.count(b"\xff\xda") > _MOST_SCANS:
        raise DecodeError(f"its compressed picture is made of more than {_MOST_SCANS} scans")
    return header


def _jpeg_values(encoded: bytes, **options: Any) -> np.ndarray:
    """Decode a JPEG; one without end marker counts as whole where it does not matter what comes after it."""
    first, *others = (_call("jpeg8_decode", stream, **options) for stream in jpeg_endings(encoded))
    if not all(np.array_equal(first, other) for other in others):
        raise DecodeError("its compressed picture is cut short (it has no end marker)")
    return first


def _jpeg_is_rgb(header: JpegHeader, layout: PixelLayout) -> bool:
    """Decide a colour JPEG's space: its own markers are believed before the DICOM header, which is often wrong."""
    if header.adobe_transform is not None:
        return header.adobe_transform == 0
    if header.jfif:
        return False
    if header.component_ids in (b"RGB", b"rgb"):
        return True
    return layout.photometric_interpretation == "RGB"


def _decode_lossy_jpeg(encoded: bytes, layout: PixelLayout) -> Decoded:
    header = _checked_jpeg_header(encoded, layout)
    if layout.samples == 1:
        values = _jpeg_values(encoded)
        return Decoded(as_stored(values, layout, mask=False), layout.photometric_interpretation)
    space = "RGB" if _jpeg_is_rgb(header, layout) else "YCBCR"
    return Decoded(_jpeg_values(encoded, colorspace=space, outcolorspace="RGB"), "RGB")


def _decode_lossless_jpeg(encoded: bytes, layout: PixelLayout) -> Decoded:
    header = _checked_jpeg_header(encoded, layout)
    if layout.samples == 1:
        return Decoded(as_stored(_jpeg_values(encoded), layout), layout.photometric_interpretation)
    values = _jpeg_values(encoded, colorspace="RGB", outcolorspace="RGB")
    return Decoded(values, "RGB" if _jpeg_is_rgb(header, layout) else "YBR_FULL")


def _decode_jpeg_ls(encoded: bytes, layout: PixelLayout) -> Decoded:
    header = read_jpeg_header(encoded)
    # Sides beyond 65535 would be 0 here and follow in another marker; DICOM has none.
    _check_size(header.rows, header.columns, layout)
    values = _call("jpegls_decode", with_end_marker(encoded))
    if layout.samples == 3:
        space = "YBR_FULL" if layout.photometric_interpretation.startswith("YBR") else "RGB"
        return Decoded(values, space)
    return Decoded(as_stored(values, layout, bits=_significant(header.precision, layout)), layout.photometric_interpretation)


def _significant(precision: int, layout: PixelLayout) -> int:
    """Return the bits of a sample that count: its sign is in the highest of those that stream and header agree on."""
    return min(precision, layout.bits_stored) if layout.signed else precision


# ----------------------------------------------------------------------------------------------- JPEG 2000, JPEG XL

_ALWAYS_RGB_IN_JPEG_2000 = {"RGB", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422"}


def _decode_jpeg_2000(encoded: bytes, layout: PixelLayout) -> Decoded:
    header = read_jpeg_2000_header(encoded)
    _check_size(header.rows, header.columns, layout)
    if header.components != layout.samples:
        raise DecodeError(f"its compressed picture has {header.components} samples a pixel, {layout.samples} were expected")
    # The bare codestream, whose size was checked: boxes around it could lead a decoder to another one.
    # jpeg2k_decode reads the high-throughput syntaxes too, and right where htj2k_decode does not (lossy ones).
    values = _call("jpeg2k_decode", with_end_marker(encoded[header.start :]))
    if layout.samples == 3:
        space = "RGB" if layout.photometric_interpretation in _ALWAYS_RGB_IN_JPEG_2000 else "YBR_FULL"
        return Decoded(values, space)
    if header.signed != layout.signed:
        values = as_stored(values, layout, bits=_significant(header.precision, layout))
    return Decoded(values, layout.photometric_interpretation)


def _decode_jpeg_xl(encoded: bytes, layout: PixelLayout) -> Decoded:
    rows, columns = read_jpeg_xl_size(encoded)
    # A stream may say of itself that it is to be turned by 90 degrees.
    _check_size(*((columns, rows) if (columns, rows) == (layout.rows, layout.columns) else (rows, columns)), layout)
    values = _call("jpegxl_decode", encoded)
    if layout.samples == 3:
        return Decoded(values, "RGB")
    return Decoded(as_stored(values.reshape(values.shape[:2]), layout), layout.photometric_interpretation)


# ------------------------------------------------------------------------------------- RLE, deflated, not compressed


def _decode_rle(encoded: bytes, layout: PixelLayout) -> Decoded:
    """Undo RLE (PS3.5 annex G): the segments are the bytes of the samples, most significant first."""
    count = layout.samples * max(1, layout.bits_allocated // 8)
    size = -(-layout.rows * layout.columns // (8 if layout.bits_allocated == 1 else 1))
    found, *offsets = struct.unpack_from("<16I", encoded)
    if found != count:
        raise DecodeError(f"its RLE picture has {found} segments, {count} were expected")
    bounds = list(itertools.pairwise([*offsets[:count], len(encoded)]))
    planes = decoder_process.perform("segments", encoded, bounds=bounds, size=size).values
    if planes is None or planes.shape != (count, size):
        raise DecodeError("its RLE picture is damaged")
    per_sample = count // layout.samples
    # Native planar order, little endian: sample by sample, each sample's bytes turned round and interleaved.
    samples = [planes[i : i + per_sample][::-1].T.tobytes() for i in range(0, count, per_sample)]
    return Decoded(native_frame(b"".join(samples), layout.as_planar()), layout.photometric_interpretation)


def _decode_deflated(encoded: bytes, layout: PixelLayout) -> Decoded:
    return _decode_native(zlib.decompressobj(-zlib.MAX_WBITS).decompress(encoded, bytes_of_frame(layout) + 2), layout)


def _decode_native(raw: bytes, layout: PixelLayout) -> Decoded:
    """Take a frame that is encapsulated without being compressed (PS3.5 A.4.11)."""
    expected = bytes_of_frame(layout)
    if len(raw) < expected:
        raise DecodeError(f"its pixel data is cut short ({expected} bytes expected, {len(raw)} found)")
    return Decoded(native_frame(raw, layout), layout.photometric_interpretation)


# ------------------------------------------------------------------------------------------------------- the table

_JPEG = "1.2.840.10008.1.2.4."

CODECS: dict[str, Codec] = {
    # Processes 1; 2 and 4; 3 and 5; 6 and 8; 7 and 9; 10 and 12; 11 and 13 of ITU-T T.81: all but the first two retired.
    **{f"{_JPEG}{number}": Codec(_decode_lossy_jpeg, "JPEG") for number in (50, 51, 52, 53, 54, 55, 56)},
    # Processes 14 and 15, the retired hierarchical ones, and process 14 with selection value 1.
    **{f"{_JPEG}{number}": Codec(_decode_lossless_jpeg) for number in (57, 58, 65, 66, 70)},
    f"{_JPEG}80": Codec(_decode_jpeg_ls),
    f"{_JPEG}81": Codec(_decode_jpeg_ls, "JPEG-LS"),
    f"{_JPEG}90": Codec(_decode_jpeg_2000),
    f"{_JPEG}91": Codec(_decode_jpeg_2000, "JPEG 2000"),
    f"{_JPEG}92": Codec(_decode_jpeg_2000),
    f"{_JPEG}93": Codec(_decode_jpeg_2000, "JPEG 2000"),
    f"{_JPEG}201": Codec(_decode_jpeg_2000),
    f"{_JPEG}202": Codec(_decode_jpeg_2000),
    f"{_JPEG}203": Codec(_decode_jpeg_2000, "HTJ2K"),
    f"{_JPEG}110": Codec(_decode_jpeg_xl, name="JPEG XL Lossless"),
    f"{_JPEG}111": Codec(_decode_jpeg_xl, "JPEG XL", name="JPEG XL JPEG Recompression"),
    f"{_JPEG}112": Codec(_decode_jpeg_xl, "JPEG XL", name="JPEG XL"),
    "1.2.840.10008.1.2.5": Codec(_decode_rle),
    "1.2.840.10008.1.2.8.1": Codec(_decode_deflated, name="Deflated Image Frame Compression"),
    "1.2.840.10008.1.2.1.98": Codec(_decode_native),
}
"""Every encapsulated transfer syntax that is read here, by its UID."""

NAMES = {uid: codec.name for uid, codec in CODECS.items() if codec.name}
"""Transfer syntaxes younger than pydicom's dictionary."""

LOSSY = {uid: codec.lossy for uid, codec in CODECS.items() if codec.lossy}
"""Transfer syntaxes that may have lost something, and the name to print."""
