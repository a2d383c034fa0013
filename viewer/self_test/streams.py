"""One small film in every transfer syntax, read the way any film is read: the decoder's process and all.

The films lie in one resource, made by ``packaging/make_self_test.py``: an array of bytes for each file, the films that
they hold, and a table that says which file holds which film and how far its grey values may be off.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from viewer.imaging import decoder_process
from viewer.imaging.decoders import CODECS
from viewer.imaging.dicom_file import NATIVE, transfer_syntax_name
from viewer.imaging.reader import read_file
from viewer.paths import resources
from viewer.self_test.rows import Check, CheckFailed, plain

TABLE = "table"
FILMS = {8: "film 8 bits", 12: "film 12 bits"}
"""Names of the films in the resource, by the bits of a pixel."""

SYNTAXES = (*NATIVE, *CODECS)
"""Every transfer syntax that the program reads."""


def streams_file() -> Path:
    """Return the resource that holds the films."""
    return resources() / "self_test" / "streams.npz"


def stream_checks(folder: Path) -> list[Check]:
    """Return the check of the decoder's process and one for each transfer syntax; ``folder`` is for their files."""
    syntaxes = [Check(f"Decoding {uid}", plain(partial(decode_one, uid, folder))) for uid in SYNTAXES]
    return [Check("Decoder process", plain(start_decoder)), *syntaxes]


def start_decoder() -> str:
    """Say that the process in which pictures are decoded can be started; CheckFailed where it cannot."""
    if decoder_process.worker_pid() is None:
        raise CheckFailed("The process that decodes pictures could not be started: they are decoded in the program itself.")
    return "Pictures are decoded in a process of their own."


def decode_one(uid: str, folder: Path) -> str:
    """Read the film of one transfer syntax and compare it; ViewerError where it cannot be read or is another."""
    stream = read_stream(uid)
    path = folder / f"{uid}.dcm"
    path.write_bytes(stream.file)
    image = read_file(path)
    name = transfer_syntax_name(uid)
    if image.instance.transfer_syntax_uid != uid:
        raise CheckFailed(f"The embedded film was read as {image.instance.transfer_syntax_name}, not as {name}.")
    if image.pixels.shape != stream.film.shape:
        raise CheckFailed(f"The film of {name} came out with {image.pixels.shape[1]} x {image.pixels.shape[0]} pixels.")
    off = int(np.abs(image.pixels.astype(np.int64) - stream.film).max())
    if off > stream.tolerance:
        allowed = f"{stream.tolerance} are allowed" if stream.tolerance else "none may be"
        raise CheckFailed(f"The film of {name} came out with grey values up to {off} off; {allowed}.")
    found = f"grey values at most {off} off ({stream.tolerance} allowed)" if stream.tolerance else "every pixel as it was"
    return f"{name}: {', '.join(filter(None, (found, stream.note)))}."


@dataclass(frozen=True, eq=False)
class Stream:
    """A file of one transfer syntax, the film it holds, and how many grey values a pixel may be off."""

    file: bytes
    film: np.ndarray
    tolerance: int
    note: str


def read_stream(uid: str) -> Stream:
    """Return the embedded film of a transfer syntax.

    Raises
    ------
    CheckFailed
        If there is none, or the resource is missing or damaged.
    """
    path = streams_file()
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            entry: dict[str, Any] = json.loads(str(arrays[TABLE]))[uid]
            return Stream(arrays[uid].tobytes(), arrays[entry["film"]], int(entry["tolerance"]), str(entry["note"]))
    except FileNotFoundError as error:
        raise CheckFailed(f"The films of the self-test ({path.name}) are not there: install the program again.") from error
    except KeyError as error:
        raise CheckFailed(f"There is no embedded film of {transfer_syntax_name(uid)} to be decoded.") from error
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckFailed(f"The films of the self-test ({path.name}) are damaged: install the program again.") from error
