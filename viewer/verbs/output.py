"""Files that are either whole or not there."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from viewer.errors import ViewerError


class OutputError(ViewerError):
    """A result could not be written where it was asked for."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there in one step, so that nobody ever sees half of it.

    Raises
    ------
    OutputError
        If the folder is not there, may not be written to, or is full.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        _give_usual_rights(Path(temporary))
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path.name} could not be written: {error.strerror or error}.") from error


def _give_usual_rights(path: Path) -> None:
    """Give a temporary file, made for its owner alone, the rights any new file gets."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


def write_text(destination: str, content: str) -> None:
    """Write text to a file, or to the standard output where the destination is "-"."""
    if destination == "-":
        sys.stdout.write(content)
    else:
        write_atomically(Path(destination), content.encode())
