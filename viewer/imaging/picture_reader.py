"""Pictures that are not DICOM (PNG, JPEG, TIFF, WebP, BMP) to Images; Pillow itself runs in a worker process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viewer.errors import UnreadableFile
from viewer.imaging import decoder_process
from viewer.imaging.image import Identity, Image, Instance, Window
from viewer.imaging.picture_decoding import Page

NOT_DICOM = "Not a DICOM file: no patient, no spacing, grey values as the picture's maker left them."

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"BM")


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
    pages = _pages(path, data)
    return tuple(_instance(path, pages, number) for number in range(len(pages)))


def read_picture(path: Path, data: bytes, page: int, sha256: str) -> Image:
    """Decode one page of a picture, turned as its EXIF orientation asks.

    Raises
    ------
    UnreadableFile
        If it is damaged, cut short or too large, or has no such page.
    """
    pages = _pages(path, data)
    if not 0 <= page < len(pages):
        count = "1 frame" if len(pages) == 1 else f"{len(pages)} frames"
        raise UnreadableFile(path, f"it has no frame {page} (it has {count}, counted from 0)")
    pixels = _decoded(path, data, page)
    inverse = pages[page].white_is_zero
    photometric = "RGB" if pixels.ndim == 3 else "MONOCHROME1" if inverse else "MONOCHROME2"
    # An eight-bit picture is already meant for a screen: shown as it is, like everywhere else.
    vois = (Window(128.0, 256.0, "LINEAR", "As in the picture"),) if pixels.dtype == np.uint8 and pixels.ndim == 2 else ()
    return Image(
        instance=_instance(path, pages, page),
        pixels=pixels.astype(np.uint16) if vois else pixels,
        sha256=sha256,
        photometric_interpretation=photometric,
        vois=vois,
        lossy="JPEG, ratio not stated" if pages[page].format in ("JPEG", "MPO") else "",
        warnings=(NOT_DICOM,),
    )


def _pages(path: Path, data: bytes) -> list[Page]:
    try:
        answer = decoder_process.perform("pages", data)
    except decoder_process.DecoderFailed as error:
        raise UnreadableFile(path, str(error)) from error
    return [Page(**facts) for facts in answer.facts["pages"]]


def _decoded(path: Path, data: bytes, page: int) -> np.ndarray:
    try:
        values = decoder_process.perform("page", data, number=page).values
    except decoder_process.DecoderFailed as error:
        raise UnreadableFile(path, str(error)) from error
    if values is None:
        raise UnreadableFile(path, decoder_process.STOPPED)
    return values


def _instance(path: Path, pages: list[Page], number: int) -> Instance:
    page = pages[number]
    return Instance(
        path=path,
        frame=number,
        frames=len(pages),
        rows=page.rows,
        columns=page.columns,
        identity=Identity(),
        is_dicom=False,
        photometric_interpretation=f"{page.format} {page.mode}",
        bits_stored={"1": 1, "I": 32, "F": 32}.get(page.mode, 16 if page.mode.startswith("I;16") else 8),
    )
