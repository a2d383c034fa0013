"""Files of a run: folders made, content written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from inference.errors import TrainingError


def make_folder(folder: Path) -> None:
    """Make a folder if it is not there.

    Raises
    ------
    TrainingError
        If a file stands in its place or it may not be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"The folder {folder.name} could not be made: {error.strerror}.") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; TrainingError as :func:`write_whole`."""

    def write(stream: IO[bytes]) -> None:
        stream.write(content)

    write_whole(path, write)


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file whole or not at all: beside it first, then in its place.

    Raises
    ------
    TrainingError
        If the disk is full or the folder cannot be written to.
    """
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch says RuntimeError when the disk is full
        with suppress(OSError):
            partial.unlink()
        reason = getattr(error, "strerror", None) or "the disk may be full"
        raise TrainingError(f"{path.name} could not be written to {path.parent.name}: {reason}.") from error
