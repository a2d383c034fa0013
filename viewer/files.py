"""Files that are either whole or not there."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there in one step, so that nobody ever sees half of it.

    Raises
    ------
    OSError
        If the folder is not there, may not be written to, or is full.
    """
    part = path.with_name(f".hilum-{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
