"""Where films from a server lie while their window is open: a folder of the user's own, one for each window."""

from __future__ import annotations

import logging
import os
import platform
import secrets
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

from viewer.paths import retrieved_folder

log = logging.getLogger(__name__)

DAY_S = 86_400
FORGOTTEN_DAYS = 7
"""A window on another machine cannot be seen to be closed; after this it is taken to be."""


@cache
def window_folder() -> Path:
    """Return this window's folder, made with the first call, which only this user can look into.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    folder = retrieved_folder() / f"{_machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    return folder


def close_folder(keep_days: int) -> None:
    """Remove this window's folder, unless it is to be kept, and what windows that are no more have left."""
    if not keep_days and window_folder.cache_info().currsize:
        _remove(window_folder())
    window_folder.cache_clear()
    sweep(keep_days)


def sweep(keep_days: int) -> None:
    """Remove the folders of windows that have been closed, or of a crash, once they are older than ``keep_days``."""
    with suppress(OSError):
        for folder in list(retrieved_folder().iterdir()):
            if not _is_open(folder) and time.time() - folder.stat().st_mtime >= keep_days * DAY_S:
                _remove(folder)


def _is_open(folder: Path) -> bool:
    machine, _, rest = folder.name.rpartition("-")[0].rpartition("-")
    if machine != _machine():
        return time.time() - folder.stat().st_mtime < FORGOTTEN_DAYS * DAY_S
    if rest == str(os.getpid()):
        # In a container every start may have the same number.
        return bool(window_folder.cache_info().currsize) and folder == window_folder()
    return rest.isdecimal() and psutil.pid_exists(int(rest))


def _machine() -> str:
    return "".join(sign for sign in platform.node() if sign.isascii() and sign.isalnum()) or "here"


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.warning("what was brought from a server could not be removed yet; the next start tries again")
