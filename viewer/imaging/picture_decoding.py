"""Pillow's part in reading a picture that is not DICOM: bytes to pixels and the few facts the reader needs of them.

It runs in a worker process (:mod:`viewer.imaging.decoder_process`), so it knows numpy and Pillow and nothing of files.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from PIL import UnidentifiedImageError

from viewer.imaging.codestreams import jpeg_endings

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
LARGEST_PIXELS = 2**27
LARGEST_PAGES = 4096

_JPEG, _PNG_TEXTS = b"\xff\xd8\xff", (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
_ORIENTATION, _PHOTOMETRIC, _WHITE_IS_ZERO = 274, 262, 0
_BITS, _PLANES, _SEPARATE, _SAMPLES, _UNSIGNED, _SIGNED = 258, 284, 2, 339, 1, 2
_TOO_LARGE = "it has too many pixels to be a film"
_NOT_KNOWN = "its picture is damaged, or stored in a way that this program does not read"

# What Pillow is seen to raise on damaged pictures.
_ERRORS = (UnidentifiedImageError, OSError, ValueError, TypeError, SyntaxError, KeyError, IndexError, OverflowError,
           AttributeError, EOFError, struct.error, RuntimeError, ZeroDivisionError, NotImplementedError,
           AssertionError)  # fmt: skip


class PictureError(Exception):
    """A picture that cannot be shown; ``str()`` is the rest of a sentence."""


@dataclass(frozen=True)
class Page:
    """One page of a picture as its header states it; rows and columns once turned as its EXIF orientation asks."""

    rows: int
    columns: int
    format: str
    mode: str
    white_is_zero: bool


def read_pages(data: bytes) -> list[Page]:
    """Return the pages of a picture; only a TIFF has several.

    Raises
    ------
    PictureError
        If it is damaged, too large, or has more pages than any film.
    """
    with _opened(data) as picture:
        return [_page(picture, data) for _ in _pages(picture)]


def decode_page(data: bytes, number: int) -> np.ndarray:
    """Decode one page, counted from 0: uint8, uint16, int16, int32 or float32 greys, or uint8 RGB, turned upright.

    Raises
    ------
    PictureError
        If it is damaged or too large.
    """
    first, *others = (_decoded(stream, number) for stream in (jpeg_endings(data) if data.startswith(_JPEG) else (data,)))
    if not all(np.array_equal(first, other) for other in others):
        raise PictureError("its JPEG picture is damaged or cut short")
    return first


def _decoded(data: bytes, number: int) -> np.ndarray:
    with _opened(data) as picture, _damage(picture.format):
        picture.seek(number)
        _refuse_absurd_size(*picture.size)
        _refuse_deep_planes(picture)
        picture.load()
        return np.ascontiguousarray(_upright(_pixels(picture), _orientation(picture, data)))


@contextmanager
def _opened(data: bytes) -> Iterator[PIL.Image.Image]:
    _refuse_absurd_webp(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = PIL.Image.open(BytesIO(data), formats=FORMATS)
        except PIL.Image.DecompressionBombError as error:
            raise PictureError(_TOO_LARGE) from error
        except _ERRORS as error:
            raise PictureError(_NOT_KNOWN) from error
        with picture:
            yield picture


@contextmanager
def _damage(kind: str | None) -> Iterator[None]:
    """Turn what Pillow raises inside the block into a sentence."""
    try:
        yield
    except PIL.Image.DecompressionBombError as error:
        raise PictureError(_TOO_LARGE) from error
    except _ERRORS as error:
        raise PictureError(f"its {kind} picture is damaged or cut short") from error


def _refuse_absurd_size(columns: int, rows: int) -> None:
    if rows * columns > LARGEST_PIXELS:
        raise PictureError(f"{_TOO_LARGE} ({columns} x {rows})")


def _refuse_deep_planes(picture: PIL.Image.Image) -> None:
    """Refuse a TIFF whose colours lie plane by plane in more than 8 bits: Pillow reads them as 8."""
    bits = _tag(picture, _BITS, (8,))
    if _tag(picture, _PLANES, 1) == _SEPARATE and isinstance(bits, tuple) and len(bits) > 1 and max(bits) > 8:
        raise PictureError("its colours lie in separate planes of 16 bits, which this program does not read")


def _refuse_absurd_webp(data: bytes) -> None:
    """Refuse a WebP by its header: its decoder takes memory for the whole canvas as soon as it is opened.

    References: RFC 9649, sections 2.5 to 2.7.
    """
    if data[8:12] != b"WEBP" or len(data) < 30:
        return
    kind, columns, rows = data[12:16], 0, 0
    if kind == b"VP8X":
        columns, rows = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        columns, rows = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        columns, rows = (value & 0x3FFF for value in struct.unpack_from("<HH", data, 26))
    _refuse_absurd_size(columns, rows)


def _pages(picture: PIL.Image.Image) -> Iterator[int]:
    """Go from page to page, each one being the picture's current page while its number is yielded."""
    yield 0
    if picture.format != "TIFF":
        return
    for number in range(1, LARGEST_PAGES + 1):
        try:
            with _damage(picture.format):
                picture.seek(number)
        except PictureError as error:
            if isinstance(error.__cause__, EOFError):
                return
            raise
        if number == LARGEST_PAGES:
            raise PictureError(f"it has more than {LARGEST_PAGES} pages")
        yield number


def _page(picture: PIL.Image.Image, data: bytes) -> Page:
    with _damage(picture.format):
        columns, rows = picture.size
        _refuse_absurd_size(columns, rows)
        if _orientation(picture, data) >= 5:
            rows, columns = columns, rows
        return Page(rows, columns, picture.format or "", picture.mode, _is_white_zero(picture))


def _orientation(picture: PIL.Image.Image, data: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none that makes sense."""
    if picture.format == "PNG" and not _has_text_behind_pixels(data):
        # Pillow's own way for a PNG is to unpack the whole picture first, to see what stands behind it.
        exif = PIL.Image.Image.getexif(picture)
    else:
        exif = picture.getexif()
    stated = exif.get(_ORIENTATION, 1)
    return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1


def _has_text_behind_pixels(png: bytes) -> bool:
    """Return whether a PNG has EXIF or text after its pixels (PNG 5.6 lets them stand there)."""
    position, is_behind = 8, False
    while position + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        if is_behind and kind in _PNG_TEXTS:
            return True
        is_behind = is_behind or kind == b"IDAT"
        position += 12 + length
    return False


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror pixels as EXIF orientation 1 to 8 asks (EXIF 2.32, 4.6.4)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _is_white_zero(picture: PIL.Image.Image) -> bool:
    """Return whether small values of a TIFF are white; Pillow has already turned over those of up to 8 bits."""
    return picture.mode[0] in "IF" and _tag(picture, _PHOTOMETRIC) == _WHITE_IS_ZERO


def _tag(picture: PIL.Image.Image, number: int, default: object = None) -> Any:
    """Return what a TIFF states in one of its tags; the default where it says nothing, or is no TIFF."""
    return getattr(picture, "tag_v2", {}).get(number, default)


def _sample_format(picture: PIL.Image.Image) -> int:
    """Return whether the values of a TIFF are unsigned (1) or signed (2); 0 for any other picture."""
    stated = _tag(picture, _SAMPLES, _UNSIGNED) if picture.format == "TIFF" else 0
    return int(stated[0] if isinstance(stated, tuple) else stated)


def _pixels(picture: PIL.Image.Image) -> np.ndarray:
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if mode == "F":
        return np.asarray(picture, np.float32)
    if mode == "I":
        values = np.asarray(picture, np.int32)
        # Pillow has no name for unsigned numbers of 32 bits, and lets the greatest ones turn negative.
        return _narrowed(values.view(np.uint32) if _sample_format(picture) == _UNSIGNED else values)
    if mode == "L" and _sample_format(picture) == _SIGNED:
        return np.asarray(picture).view(np.int8).astype(np.int16)
    if mode in ("1", "L"):
        return np.asarray(picture.convert("L"))
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        return _grey_where_grey(np.asarray(_on_black(picture.convert("RGBA"))))
    return _grey_where_grey(np.asarray(picture.convert("RGB")))


def _narrowed(values: np.ndarray) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    for dtype in (np.uint16, np.int16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return values.astype(dtype, copy=False)
    return values.astype(np.float32)


def _on_black(rgba: PIL.Image.Image) -> PIL.Image.Image:
    """Lay a picture with alpha over black, the colour of the room around it."""
    black = PIL.Image.new("RGB", rgba.size)
    black.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
    return black


def _grey_where_grey(rgb: np.ndarray) -> np.ndarray:
    is_grey = np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 1], rgb[..., 2])
    return rgb[..., 0] if is_grey else rgb
