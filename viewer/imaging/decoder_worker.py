"""What runs in a worker process: the native decoders, called with bytes that nobody has checked.

imagecodecs, Pillow and the libraries behind them are large programs in C; a hostile picture may make one of them crash,
hang or take all memory. Here that costs this process alone. It imports numpy and Pillow, and imagecodecs when the first
compressed frame comes; neither Qt nor torch nor pydicom.

A message, in both directions, is the lengths of its two parts (``<IQ``), facts as JSON, and bytes: the compressed picture
one way, the values of an array the other. The worker ends when its standard input does, so it never outlives the program.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import struct
import sys
import traceback
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, NoReturn

import numpy as np

from viewer.imaging.documents.pdf_drawing import draw_page, page_sizes, page_text
from viewer.imaging.picture_decoding import PictureError, decode_page, read_pages

if sys.platform == "win32":
    import msvcrt
else:
    import resource

MEMORY_LIMIT = 2**31
"""Address space of a worker in bytes, where the system can hold it to one: on Linux, not on Windows and macOS."""

FLAG = "--decoder-worker"
"""The argument that makes the frozen program, which has no interpreter to call, a worker."""

HEADER = struct.Struct("<IQ")
LONGEST_FACTS = 2**20

_ERRORS = (ValueError, RuntimeError, TypeError, IndexError, OverflowError, EOFError, OSError, struct.error, zlib.error)
# imagecodecs' own errors are RuntimeErrors; their words are for programmers.
_DAMAGED = "its compressed picture is damaged"
_NO_MEMORY = "there is not enough memory to decompress its picture"
_MISSING = "the codec of its compressed picture is missing here: install the package imagecodecs"


class TaskFailed(Exception):
    """A picture that a decoder refused; ``str()`` is the rest of a sentence."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What comes of a task: an array, or facts that JSON can hold."""

    values: np.ndarray | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def perform(task: str, payload: bytes, arguments: dict[str, Any]) -> Answer:
    """Do one task in this process.

    Raises
    ------
    TaskFailed
        If the picture is damaged, too large for the memory, or its codec is not installed.
    """
    try:
        return TASKS[task](payload, **arguments)
    except PictureError as error:
        raise TaskFailed(str(error)) from error
    except ImportError as error:
        raise TaskFailed(_MISSING) from error
    except MemoryError as error:
        raise TaskFailed(_NO_MEMORY) from error
    except _ERRORS as error:
        raise TaskFailed(_DAMAGED) from error


def _decode_frame(encoded: bytes, function: str, options: dict[str, Any]) -> Answer:
    """Call one decoder of imagecodecs."""
    codecs = importlib.import_module("imagecodecs")
    return Answer(np.asarray(getattr(codecs, function)(encoded, **options)))


def _unpack_segments(encoded: bytes, bounds: list[tuple[int, int]], size: int) -> Answer:
    """Undo PackBits in each segment of an RLE frame: uint8 (segments, size)."""
    codecs = importlib.import_module("imagecodecs")
    planes = np.empty((len(bounds), size), np.uint8)
    for plane, (start, end) in zip(planes, bounds, strict=True):
        # A segment may be padded, not endless.
        unpacked = codecs.packbits_decode(encoded[start:end], out=2 * size + 65536)
        if len(unpacked) < size:
            raise TaskFailed(f"its RLE picture is cut short ({size} bytes expected in a segment, {len(unpacked)} found)")
        plane[:] = np.frombuffer(unpacked, np.uint8, size)
    return Answer(planes)


def _read_pages(data: bytes) -> Answer:
    return Answer(facts={"pages": [asdict(page) for page in read_pages(data)]})


def _decode_page(data: bytes, number: int) -> Answer:
    return Answer(decode_page(data, number))


def _pdf_sizes(data: bytes) -> Answer:
    return Answer(facts={"sizes": page_sizes(data)})


def _pdf_page(data: bytes, page: int, scale: float) -> Answer:
    return Answer(draw_page(data, page, scale))


def _pdf_text(data: bytes, page: int) -> Answer:
    return Answer(facts={"text": page_text(data, page)})


TASKS: dict[str, Callable[..., Answer]] = {
    "frame": _decode_frame,
    "segments": _unpack_segments,
    "pages": _read_pages,
    "page": _decode_page,
    "pdf sizes": _pdf_sizes,
    "pdf page": _pdf_page,
    "pdf text": _pdf_text,
}


# ----------------------------------------------------------------------------------------------------------- messages


def send(stream: BinaryIO, facts: dict[str, Any], content: bytes | memoryview = b"") -> None:
    """Write one message."""
    text = json.dumps(facts).encode()
    stream.write(HEADER.pack(len(text), len(content)) + text)
    stream.write(content)
    stream.flush()


def receive_facts(stream: BinaryIO) -> tuple[dict[str, Any], int]:
    """Read a message up to its bytes: its facts, and how many bytes follow.

    Raises
    ------
    EOFError
        If the other side has gone.
    ValueError
        If what comes is no message.
    """
    facts_length, length = HEADER.unpack(_exactly(stream, HEADER.size))
    if facts_length > LONGEST_FACTS:
        raise ValueError("facts of absurd length")
    facts = json.loads(_exactly(stream, facts_length))
    if not isinstance(facts, dict):
        raise ValueError("facts that are none")
    return facts, length


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


# ------------------------------------------------------------------------------------------------------------ process


def main() -> int:
    """Answer requests from standard input on standard output until the former ends."""
    _be_quiet()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    # What a library prints must not end up among the answers.
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    try:
        send(answers, {"ready": True})
        _serve(requests, answers, nowhere)
    except (EOFError, BrokenPipeError):
        # The program has gone.
        return 0


def _serve(requests: BinaryIO, answers: BinaryIO, nowhere: int) -> NoReturn:
    while True:
        facts, length = receive_facts(requests)
        payload = _exactly(requests, length)
        # The watchdog ends this process, whatever native code it hangs in, and whether or not the program still lives.
        faulthandler.dump_traceback_later(facts["deadline_s"], exit=True, file=nowhere)
        reply, values = _answer(facts, payload, answers)
        faulthandler.cancel_dump_traceback_later()
        del payload
        send(answers, reply, b"" if values is None else values.reshape(-1).view(np.uint8).data)


def _answer(facts: dict[str, Any], payload: bytes, answers: BinaryIO) -> tuple[dict[str, Any], np.ndarray | None]:
    try:
        answer = perform(facts["task"], payload, facts["arguments"])
    except TaskFailed as failure:
        return {"failed": str(failure)}, None
    except BaseException:
        # A fault of our own belongs in the program's crash dialog.
        send(answers, {"fault": traceback.format_exc()})
        raise
    if answer.values is None:
        return {"facts": answer.facts}, None
    values = np.ascontiguousarray(answer.values, answer.values.dtype.newbyteorder("="))
    return {"facts": answer.facts, "dtype": values.dtype.str, "shape": values.shape}, values


def _be_quiet() -> None:
    """Take no more than a worker's share of memory, leave no core dump with a patient in it, ask no questions."""
    if sys.platform == "win32":
        msvcrt.SetErrorMode(msvcrt.SEM_FAILCRITICALERRORS | msvcrt.SEM_NOGPFAULTERRORBOX)
    else:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
