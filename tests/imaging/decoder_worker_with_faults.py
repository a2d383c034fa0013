"""A decoder worker that does what hostile pictures make decoders do, where a frame asks for it by its first bytes."""

import os
import signal
import sys
import time
from typing import Any, BinaryIO

import numpy as np

from viewer.imaging import decoder_worker
from viewer.imaging.decoder_worker import TASKS, Answer


def lie(stream: BinaryIO, _facts: dict[str, Any], _content: bytes = b"") -> None:
    stream.write(decoder_worker.HEADER.pack(4, 0) + b"junk")
    stream.flush()


def stall(stream: BinaryIO, _facts: dict[str, Any], _content: bytes = b"") -> None:
    stream.write(decoder_worker.HEADER.pack(4, 0) + b"ju")
    stream.flush()
    os.kill(os.getpid(), signal.SIGSTOP)


def misbehave(payload: bytes) -> Answer:
    if payload.startswith(b"CRASH"):
        os.kill(os.getpid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGSEGV)
    if payload.startswith(b"HANG"):
        time.sleep(600)
    if payload.startswith(b"EAT"):
        return Answer(np.ones(2**34, np.uint8))
    if payload.startswith(b"LIE"):
        decoder_worker.send = lie
    if payload.startswith(b"STALL"):
        decoder_worker.send = stall
    if payload.startswith(b"STOP"):
        os.kill(os.getpid(), signal.SIGSTOP)
    if payload.startswith(b"BUG"):
        raise ZeroDivisionError("a fault of our own")
    return Answer(np.frombuffer(payload, np.uint8), {"process": os.getpid()})


def without_codec(_payload: bytes) -> Answer:
    raise ImportError("no such codec")


TASKS["misbehave"] = misbehave
TASKS["codec"] = without_codec

if __name__ == "__main__":
    sys.exit(decoder_worker.main())
