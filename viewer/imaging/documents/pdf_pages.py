"""Pages of a PDF as pictures, drawn in a worker process: a hostile PDF may crash that, and not the program."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np

from viewer.errors import UnreadableFile
from viewer.imaging.decoder_process import DecoderFailed, DecoderStopped, perform


def page_sizes(path: Path, data: bytes) -> tuple[tuple[float, float], ...]:
    """Return (width, height) of each page in points of 1/72 inch, of the first 2,000 pages.

    Raises
    ------
    UnreadableFile
        If the PDF is damaged or asks for a password.
    """
    try:
        facts = perform("pdf sizes", data).facts
    except DecoderFailed as error:
        raise UnreadableFile(path, _reason(error)) from error
    return tuple((float(width), float(height)) for width, height in facts["sizes"])


def render_page(data: bytes, page: int, scale: float) -> np.ndarray:
    """Draw one page of a PDF on white paper.

    Parameters
    ----------
    page
        Counted from 0.
    scale
        Pixels to a point of 1/72 inch; made smaller where the page would become absurdly large.

    Returns
    -------
    uint8 (rows, columns, 3) RGB.

    Raises
    ------
    UnreadableFile
        If the PDF or this page of it is damaged, or asks for a password.
    """
    try:
        values = perform("pdf page", data, page=page, scale=scale).values
    except DecoderFailed as error:
        raise UnreadableFile(f"Page {page + 1}", _reason(error)) from error
    if values is None:
        raise UnreadableFile(f"Page {page + 1}", "it could not be drawn")
    return values


def page_text(data: bytes, page: int) -> str:
    """Return the text on one page of a PDF, counted from 0; errors as :func:`render_page`."""
    try:
        return str(perform("pdf text", data, page=page).facts["text"])
    except DecoderFailed as error:
        raise UnreadableFile(f"Page {page + 1}", _reason(error)) from error


def drawing(data: bytes, page: int, scale: float) -> Generator[str, None, np.ndarray]:
    """Draw a page as long work: what :func:`render_page` returns, for a queue of jobs."""
    yield f"Drawing page {page + 1}"
    return render_page(data, page, scale)


def _reason(error: DecoderFailed) -> str:
    return "its PDF stopped the library that draws it" if isinstance(error, DecoderStopped) else str(error)
