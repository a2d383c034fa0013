"""What a compressed frame says of its own size, read from its first bytes before any decoder sees it.

A decoder takes memory for the size a codestream states, not for the one in the DICOM header: the two must be compared
before, or a file of a few bytes fills the machine.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass


class CodestreamError(Exception):
    """A compressed frame whose header is not there or makes no sense; ``str()`` is the rest of a sentence."""


_NO_HEADER = "its compressed picture has no frame header"
END_MARKER = b"\xff\xd9"
"""Of JPEG, JPEG-LS and JPEG 2000."""


# ------------------------------------------------------------------------------------------------------ JPEG, JPEG-LS


@dataclass(frozen=True)
class JpegHeader:
    """The frame header of a JPEG or JPEG-LS stream, where it begins, and what application markers say of the colours."""

    start: int
    rows: int
    columns: int
    precision: int
    component_ids: bytes
    is_progressive: bool
    jfif: bool
    adobe_transform: int | None


def read_jpeg_header(encoded: bytes) -> JpegHeader:
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
            return _jpeg_header(position, marker, body, jfif, adobe)
        jfif = jfif or (marker == 0xE0 and body.startswith(b"JFIF"))
        if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[11]
        position += 2 + length
    raise CodestreamError(_NO_HEADER)


def jpeg_endings(encoded: bytes) -> tuple[bytes, ...]:
    """Return a JPEG as it is where it has its end marker, else several times, with ends that complete it differently.

    A decoder makes up what is missing: a picture that is whole comes out the same with all of them, one that is cut short not.
    """
    try:
        start = read_jpeg_header(encoded).start
    except CodestreamError:
        return (encoded,)
    if END_MARKER in encoded[start:]:
        # Within the compressed bits this marker cannot occur.
        return (encoded,)
    # Compressed bits end in ones: zeros behind them pad the fragment, but for the one that belongs to a byte of ones.
    bare = encoded.rstrip(b"\0")
    bare = bare + b"\0" if bare.endswith(b"\xff") and bare != encoded else bare.rstrip(b"\xff")
    return tuple(bare + 64 * filling + END_MARKER for filling in (b"\x00", b"\x55", b"\xaa"))


def with_end_marker(encoded: bytes) -> bytes:
    """Return a JPEG-LS or JPEG 2000 stream with the end marker it should have; whether it is whole its decoder tells."""
    return encoded if encoded.rstrip(b"\0").endswith(END_MARKER) else encoded + END_MARKER


def _jpeg_header(start: int, marker: int, body: bytes, jfif: bool, adobe: int | None) -> JpegHeader:
    if len(body) < 6:
        raise CodestreamError(_NO_HEADER)
    precision, rows, columns, count = struct.unpack_from(">BHHB", body)
    is_progressive = marker in (0xC2, 0xC6, 0xCA, 0xCE)
    return JpegHeader(start, rows, columns, precision, body[6 : 6 + 3 * count : 3], is_progressive, jfif, adobe)


# ---------------------------------------------------------------------------------------------------------- JPEG 2000


@dataclass(frozen=True)
class Jpeg2000Header:
    """The SIZ marker of a JPEG 2000 codestream, and where the codestream begins."""

    start: int
    rows: int
    columns: int
    components: int
    precision: int
    signed: bool


def read_jpeg_2000_header(encoded: bytes) -> Jpeg2000Header:
    """Read the SIZ marker (ITU-T T.800, A.5.1), which follows the start of the codestream at once."""
    start = encoded.find(b"\xff\x4f\xff\x51")
    if start < 0 or start + 43 > len(encoded):
        raise CodestreamError(_NO_HEADER)
    x1, y1, x0, y0 = struct.unpack_from(">4I", encoded, start + 8)
    (components,) = struct.unpack_from(">H", encoded, start + 40)
    depth = encoded[start + 42]
    return Jpeg2000Header(start, y1 - y0, x1 - x0, components, (depth & 0x7F) + 1, bool(depth & 0x80))


# ------------------------------------------------------------------------------------------------------------ JPEG XL

_XL_CODESTREAM = b"\xff\x0a"
_XL_CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_XL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def read_jpeg_xl_size(encoded: bytes) -> tuple[int, int]:
    """Return rows and columns from the SizeHeader (ISO/IEC 18181-1), bare or inside a container (18181-2)."""
    stream = _in_container(encoded) if encoded.startswith(_XL_CONTAINER) else encoded
    if not stream.startswith(_XL_CODESTREAM) or len(stream) < 4:
        raise CodestreamError(_NO_HEADER)
    take = _bit_reader(stream[2:14])
    small = take(1)
    rows = _xl_side(take, small)
    ratio = take(3)
    if ratio == 0:
        return rows, _xl_side(take, small)
    numerator, denominator = _XL_RATIOS[ratio - 1]
    return rows, rows * numerator // denominator


def _xl_side(take: Callable[[int], int], small: int) -> int:
    if small:
        return (take(5) + 1) * 8
    return take((9, 13, 18, 30)[take(2)]) + 1


def _bit_reader(data: bytes) -> Callable[[int], int]:
    """Return a function that takes the next bits, least significant first; zeros beyond the end."""
    rest = [int.from_bytes(data, "little")]

    def take(count: int) -> int:
        value = rest[0] & ((1 << count) - 1)
        rest[0] >>= count
        return value

    return take


def _in_container(encoded: bytes) -> bytes:
    """Return the beginning of the codestream in a box file: of its jxlc box, or of its first jxlp box."""
    position = 0
    while position + 16 <= len(encoded):
        size, kind = struct.unpack_from(">I4s", encoded, position)
        head = 16 if size == 1 else 8
        if kind in (b"jxlc", b"jxlp"):
            start = position + head + (4 if kind == b"jxlp" else 0)
            return encoded[start : start + 64]
        size = struct.unpack_from(">Q", encoded, position + 8)[0] if size == 1 else size
        if size < head:
            break
        position += size
    raise CodestreamError(_NO_HEADER)
