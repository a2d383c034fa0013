"""What the verbs write: text, pictures, files that are either whole or not there."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from viewer.errors import ViewerError
from viewer.files import write_whole


class OutputError(ViewerError):
    """A result could not be written where it was asked for."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there in one step, so that nobody ever sees half of it.

    Raises
    ------
    OutputError
        If the folder is not there, may not be written to, or is full.
    """
    try:
        write_whole(path, data)
    except OSError as error:
        raise OutputError(f"{path.name} could not be written: {error.strerror or error}.") from error


def png(picture: np.ndarray) -> bytes:
    """Return a picture, uint8 grey (rows, columns) or RGB (rows, columns, 3), as the bytes of a PNG."""
    stream = BytesIO()
    PillowImage.fromarray(picture).save(stream, "PNG", compress_level=3)
    return stream.getvalue()


def write_text(destination: str, content: str) -> None:
    """Write text to a file, or to the standard output where the destination is "-".

    A file name of any bytes can stand in it: what is not text is written as a question mark.
    """
    encoded = content.encode(errors="replace")
    if destination == "-":
        sys.stdout.write(encoded.decode())
        sys.stdout.flush()
    else:
        write_atomically(Path(destination), encoded)
