"""PDFium's part in showing a PDF: its page sizes, and a page as a picture.

It runs in a worker process (:mod:`viewer.imaging.decoder_process`), so it knows numpy and pypdfium2 and nothing of files.
Nothing of a PDF is run: forms are not filled in, scripts and links have no one to carry them out.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import numpy as np

from viewer.imaging.picture_decoding import PictureError

MOST_PAGES = 2_000
LARGEST_PIXELS = 2**25
LONGEST_SIDE = 2**15
"""A page is never drawn larger than these two, whatever the zoom; 2**25 pixels are 100 MB as RGB."""

_PASSWORD_IS_WANTED = 4
_SECURITY_IS_UNKNOWN = 5

# PDFium keeps its state in globals and must be used by one thread at a time: who works with it holds the one key. In a
# worker nobody waits for it; where no worker could be started, the threads of the program do.
_key: SimpleQueue[None] = SimpleQueue()
_key.put(None)


def page_sizes(data: bytes) -> list[tuple[float, float]]:
    """Return (width, height) of each page in points of 1/72 inch, of ``MOST_PAGES`` at most.

    Raises
    ------
    PictureError
        If the PDF is damaged or asks for a password.
    """
    with _opened(data) as document:
        return [document.get_page_size(page) for page in range(min(len(document), MOST_PAGES))]


def draw_page(data: bytes, page: int, scale: float) -> np.ndarray:
    """Draw a page, counted from 0, at ``scale`` pixels a point: uint8 (rows, columns, 3) RGB.

    Raises
    ------
    PictureError
        If the PDF or this page of it is damaged.
    """
    with _opened(data) as document:
        size = document.get_page_size(page)
        options = {"may_draw_forms": False, "rev_byteorder": True}
        bitmap = document[page].render(scale=allowed_scale(size, scale), **options)
        try:
            # The picture shares its memory with the bitmap; the copy has three channels where PDFium has four.
            return np.array(bitmap.to_numpy()[:, :, :3], order="C")
        finally:
            bitmap.close()


def page_text(data: bytes, page: int) -> str:
    """Return the text on a page, counted from 0, as it can be copied out of the PDF.

    Raises
    ------
    PictureError
        If the PDF or this page of it is damaged.
    """
    with _opened(data) as document:
        return str(document[page].get_textpage().get_text_range())


def allowed_scale(size: tuple[float, float], scale: float) -> float:
    """Return the scale, or the largest at which a page of that size in points is still drawn."""
    width, height = (max(side, 1.0) for side in size)
    return min(scale, math.sqrt(LARGEST_PIXELS / (width * height)), LONGEST_SIDE / max(width, height))


@contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    """Hold PDFium's key and an open document, both given back at the end."""
    try:
        pdfium = importlib.import_module("pypdfium2")
    except ImportError as error:
        raise PictureError("the library that draws a PDF is missing here: install the package pypdfium2") from error
    held = _key.get()
    try:
        document = pdfium.PdfDocument(data)
        try:
            yield document
        finally:
            document.close()
    except pdfium.PdfiumError as error:
        is_locked = error.err_code in (_PASSWORD_IS_WANTED, _SECURITY_IS_UNKNOWN)
        raise PictureError("its PDF is encrypted and asks for a password" if is_locked else "its PDF is damaged") from error
    finally:
        _key.put(held)
