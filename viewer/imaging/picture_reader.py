"""Pictures that are not DICOM (PNG, JPEG, TIFF, WebP, BMP) to Images, by Pillow."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
from PIL import UnidentifiedImageError

from viewer.errors import UnreadableFile
from viewer.imaging.image import Identity, Image, Instance, Window

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
NOT_DICOM = "Not a DICOM file: no patient, no spacing, grey values as the picture's maker left them."

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"BM")
_ORIENTATION, _PHOTOMETRIC, _WHITE_IS_ZERO = 274, 262, 0

# What Pillow is seen to raise on damaged pictures.
_ERRORS = (UnidentifiedImageError, OSError, ValueError, TypeError, SyntaxError, KeyError, IndexError, OverflowError,
           AttributeError, EOFError, struct.error, MemoryError, RuntimeError, ZeroDivisionError, NotImplementedError,
           AssertionError)  # fmt: skip


def looks_like_picture(head: bytes) -> bool:
    """Return whether a file begins as one of the pictures that are read here."""
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def picture_instances(path: Path, data: bytes) -> tuple[Instance, ...]:
    """Return one record for each page of a picture; only a TIFF has several.

    Raises
    ------
    UnreadableFile
        If it is damaged or too large.
    """
    with _opened(path, data) as picture:
        return tuple(_instance(path, picture, page) for page in range(_pages(picture)))


def read_picture(path: Path, data: bytes, page: int, sha256: str) -> Image:
    """Decode one page of a picture, turned as its EXIF orientation asks.

    Raises
    ------
    UnreadableFile
        If it is damaged, cut short or too large, or has no such page.
    """
    with _opened(path, data) as picture:
        pages = _pages(picture)
        if not 0 <= page < pages:
            count = "1 frame" if pages == 1 else f"{pages} frames"
            raise UnreadableFile(path, f"it has no frame {page} (it has {count}, counted from 0)")
        instance = _instance(path, picture, page)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                picture.load()
                pixels = _upright(_pixels(picture), _orientation(picture))
        except _ERRORS as error:
            raise UnreadableFile(path, f"its {picture.format} picture is damaged or cut short") from error
        inverse = _is_white_zero(picture)
        lossy = "JPEG, ratio not stated" if picture.format in ("JPEG", "MPO") else ""
    photometric = "RGB" if pixels.ndim == 3 else "MONOCHROME1" if inverse else "MONOCHROME2"
    # An eight-bit picture is already meant for a screen: shown as it is, like everywhere else.
    vois = (Window(128.0, 256.0, "LINEAR", "As in the picture"),) if pixels.dtype == np.uint8 and pixels.ndim == 2 else ()
    return Image(
        instance=instance,
        pixels=np.ascontiguousarray(pixels.astype(np.uint16) if vois else pixels),
        sha256=sha256,
        photometric_interpretation=photometric,
        vois=vois,
        lossy=lossy,
        warnings=(NOT_DICOM,),
    )


def _opened(path: Path, data: bytes) -> PIL.Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return PIL.Image.open(BytesIO(data), formats=FORMATS)
    except PIL.Image.DecompressionBombError as error:
        raise UnreadableFile(path, "it has too many pixels to be a film") from error
    except _ERRORS as error:
        raise UnreadableFile(path, "its picture is damaged") from error


def _pages(picture: PIL.Image.Image) -> int:
    return int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1


def _instance(path: Path, picture: PIL.Image.Image, page: int) -> Instance:
    try:
        picture.seek(page)
        rows, columns = picture.height, picture.width
        if _orientation(picture) >= 5:
            rows, columns = columns, rows
    except _ERRORS as error:
        raise UnreadableFile(path, f"its {picture.format} picture is damaged or cut short") from error
    return Instance(
        path=path,
        frame=page,
        frames=_pages(picture),
        rows=rows,
        columns=columns,
        identity=Identity(),
        is_dicom=False,
        photometric_interpretation=f"{picture.format} {picture.mode}",
        bits_stored={"1": 1, "I": 32, "F": 32}.get(picture.mode, 16 if picture.mode.startswith("I;16") else 8),
    )


def _orientation(picture: PIL.Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none that makes sense."""
    stated = picture.getexif().get(_ORIENTATION, 1)
    return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1


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
    tags = getattr(picture, "tag_v2", {})
    return picture.mode[0] in "IF" and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def _pixels(picture: PIL.Image.Image) -> np.ndarray:
    """Return uint8, uint16, int32 or float32 greys, or uint8 RGB where the picture is truly coloured."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if mode == "F":
        return np.asarray(picture, np.float32)
    if mode == "I":
        return _narrowed(np.asarray(picture, np.int32))
    if mode in ("1", "L"):
        return np.asarray(picture.convert("L"))
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        return _grey_where_grey(_on_black(np.asarray(picture.convert("RGBA"))))
    return _grey_where_grey(np.asarray(picture.convert("RGB")))


def _narrowed(values: np.ndarray) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    for dtype in (np.uint16, np.int16):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return values.astype(dtype)
    return values


def _on_black(rgba: np.ndarray) -> np.ndarray:
    """Lay a picture with alpha over black, the colour of the room around it."""
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)


def _grey_where_grey(rgb: np.ndarray) -> np.ndarray:
    is_grey = np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 1], rgb[..., 2])
    return rgb[..., 0] if is_grey else rgb
