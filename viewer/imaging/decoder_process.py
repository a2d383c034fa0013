"""Native decoders behind a process boundary: one that crashes takes neither the window nor the other films with it.

A worker process (:mod:`viewer.imaging.decoder_worker`) is started when the first compressed picture comes, kept, used
again, and replaced when it has died or was too slow. Threads that decode at the same time have a worker each. Frames go
through pipes: 20 MB take some 10 to 20 ms, little beside the decoding, so shared memory is not worth its clearing up.

Where no process can be started (a locked-down system), the same code runs in this one.
"""

from __future__ import annotations

import atexit
import io
import logging
import math
import os
import queue
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np

from viewer.imaging import decoder_worker
from viewer.imaging.decoder_worker import Answer, TaskFailed

log = logging.getLogger(__name__)

DEADLINE_S = 60.0
"""How long a worker may take for one picture before it ends itself."""

START_S = 60.0
"""How long a worker may take to start: a disk that is asleep, a virus scanner that looks at every library."""

STOPPED = "the decoder of its compressed picture stopped working on it; other films are not affected"

_DTYPES = frozenset(np.dtype(code).str for code in ("?", "u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"))
_PIPE_BYTES = 2**20
_GRACE_S = 2.0
_CREATION_FLAGS = 0
if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from viewer.imaging.decoder_worker import main; sys.exit(main())"


class DecoderFailed(Exception):
    """A picture that could not be decoded; ``str()`` is the rest of a sentence. Never leaves this package."""


class DecoderStopped(DecoderFailed):
    """A picture on which the decoder crashed, hung or ran out of memory."""

    def __init__(self) -> None:
        super().__init__(STOPPED)


def worker_command() -> list[str]:
    """Return the command that starts a worker: this interpreter, or the frozen program itself."""
    if getattr(sys, "frozen", False):
        return [sys.executable, decoder_worker.FLAG]
    # -P keeps the current folder, which may hold anything, out of the search for modules.
    return [sys.executable, "-P", "-c", _BOOT, str(Path(__file__).resolve().parents[2])]


class DecoderPool:
    """Worker processes, as many as threads ask at the same time.

    Parameters
    ----------
    command
        What starts a worker.
    deadline_s
        Seconds a worker may take for one picture.
    """

    def __init__(self, command: Sequence[str], deadline_s: float = DEADLINE_S) -> None:
        self._command = list(command)
        self._deadline_s = deadline_s
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()

    def perform(self, task: str, payload: bytes, **arguments: Any) -> Answer:
        """Do a task of :data:`viewer.imaging.decoder_worker.TASKS` in a worker.

        Raises
        ------
        DecoderStopped
            If the worker died of it or took longer than it may.
        DecoderFailed
            If the picture is damaged, too large, or its codec is missing.
        """
        try:
            worker = self._take()
        except (OSError, EOFError, ValueError) as error:
            log.debug("no worker process could be started, so pictures are decoded in this one: %s", type(error).__name__)
            return _here(task, payload, arguments)
        try:
            answer = worker.ask({"task": task, "arguments": arguments, "deadline_s": self._deadline_s}, payload)
        except TaskFailed as failure:
            self._idle.put(worker)
            raise DecoderFailed(str(failure)) from failure
        except (OSError, EOFError, ValueError) as error:
            worker.end()
            log.warning("a decoder stopped at a task %r with exit status %s", task, worker.process.returncode)
            raise DecoderStopped from error
        except MemoryError as error:
            worker.end()
            raise DecoderFailed("there is not enough memory for its picture") from error
        except BaseException:
            # Interrupted in the middle of a message: nobody could tell where the next one begins.
            worker.end()
            raise
        self._idle.put(worker)
        return answer

    def worker_pid(self) -> int | None:
        """Return the process id of a worker that has nothing to do, started if need be; None where none can be started."""
        try:
            worker = self._take()
        except (OSError, EOFError, ValueError):
            return None
        self._idle.put(worker)
        return worker.process.pid

    def close(self) -> None:
        """End the workers that have nothing to do; the next task starts a new one."""
        while (worker := self._next_idle()) is not None:
            worker.end()

    def _take(self) -> _Worker:
        while (worker := self._next_idle()) is not None:
            if worker.process.poll() is None:
                return worker
            worker.end()
        return _Worker(self._command)

    def _next_idle(self) -> _Worker | None:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return None


class _TimedPipe(io.RawIOBase):
    """An end of a pipe whose other end may be stopped: what is not through when its time is up is given up."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self.until = raw, math.inf
        os.set_blocking(raw.fileno(), False)

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._raw, event)
        if not poll.poll(max(0.0, self.until - time.monotonic()) * 1000):
            raise TimeoutError

    def readinto(self, buffer: Any) -> int:
        self._wait(select.POLLIN)
        return os.readv(self._raw.fileno(), [buffer])

    def read(self, size: int = -1) -> bytes:
        data = bytearray(size)
        rest = memoryview(data)
        while rest and (count := self.readinto(rest)):
            rest = rest[count:]
        return bytes(data[: size - len(rest)])

    def write(self, data: Any) -> int:
        rest = memoryview(data)
        while rest:
            self._wait(select.POLLOUT)
            rest = rest[os.write(self._raw.fileno(), rest) :]
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _end_of(pipe: IO[bytes] | None) -> BinaryIO:
    # On Windows pipes cannot be watched; there a worker's own watchdog is trusted.
    return cast(BinaryIO, pipe if sys.platform == "win32" else _TimedPipe(cast(IO[bytes], pipe)))


class _Worker:
    """A running worker process and the two pipes to it."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=_PIPE_BYTES,
            bufsize=-1 if sys.platform == "win32" else 0,
            # One thread of linear algebra: each would take its share of a worker's memory, and none is used.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stderr=subprocess.DEVNULL,
            # Ctrl+C in the terminal is for the program, which ends its workers itself.
            start_new_session=True,
            creationflags=_CREATION_FLAGS,
        )
        self._requests, self._answers = _end_of(self.process.stdin), _end_of(self.process.stdout)
        self._give_time(START_S)
        try:
            decoder_worker.receive_facts(self._answers)
        except BaseException:
            self.end()
            raise

    def ask(self, facts: dict[str, Any], payload: bytes) -> Answer:
        self._give_time(facts["deadline_s"] + _GRACE_S)
        decoder_worker.send(self._requests, facts, payload)
        reply, length = decoder_worker.receive_facts(self._answers)
        if "fault" in reply:
            raise RuntimeError(f"in a decoder process:\n{reply['fault']}")
        if "failed" in reply:
            raise TaskFailed(str(reply["failed"]))
        return Answer(self._values(reply, length) if "dtype" in reply else None, reply["facts"])

    def _give_time(self, seconds: float) -> None:
        for end in (self._requests, self._answers):
            if isinstance(end, _TimedPipe):
                end.until = time.monotonic() + seconds

    def _values(self, reply: dict[str, Any], length: int) -> np.ndarray:
        if reply["dtype"] not in _DTYPES:
            raise ValueError("an array of an unknown kind")
        values = np.empty(reply["shape"], reply["dtype"])
        if values.nbytes != length:
            raise ValueError("an array of another length")
        rest = values.reshape(-1).view(np.uint8).data
        while rest:
            count = self._answers.readinto(rest)  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            rest = rest[count:]
        return values

    def end(self) -> None:
        self.process.kill()
        for stream in (self._requests, self._answers):
            try:
                stream.close()
            except OSError:
                # What was still to be written has nobody to go to.
                continue
        self.process.wait()


def _here(task: str, payload: bytes, arguments: dict[str, Any]) -> Answer:
    try:
        return decoder_worker.perform(task, payload, arguments)
    except TaskFailed as failure:
        raise DecoderFailed(str(failure)) from failure


_pool = DecoderPool(worker_command())
atexit.register(_pool.close)


def perform(task: str, payload: bytes, **arguments: Any) -> Answer:
    """Do a task in one of the program's own workers; errors as :meth:`DecoderPool.perform`."""
    return _pool.perform(task, payload, **arguments)


def worker_pid() -> int | None:
    """Return the process id of one of the program's own workers; None where pictures are decoded in this process."""
    return _pool.worker_pid()
