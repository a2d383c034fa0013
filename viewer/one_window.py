"""One window a user: a second start hands what it was given to the window that is open, and ends.

Whoever starts first holds a lock and, once its window is up, listens on a local socket in a folder of the user's own
(``QLocalServer.UserAccessOption``; on Windows a named pipe with the same access). Both sides prove to each other that they
can read a key in the user's folder before a path is told, so that nobody else's socket of that name is ever trusted.
A start that finds the lock taken waits for the window that is coming up; one that gets no answer, because the window hangs,
opens a window of its own.
"""

from __future__ import annotations

import ctypes
import getpass
import hashlib
import hmac
import json
import logging
import os
import secrets
import stat
import sys
import time
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDeadlineTimer, QDir, QLockFile, QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from viewer.paths import user_data
from viewer.window_request import StudyRequest, WindowRequest

log = logging.getLogger(__name__)

ANSWER_MS = 2_000
"""A window that does not answer within this time hangs."""
STARTING_S = 30.0
"""A window that does not listen this long after its start will not any more."""
POLL_S = 0.05
CALL_MS = 5_000
"""A caller that says nothing for this long is dropped."""
LONGEST_LINE = 8_000_000
_KEY_BYTES = 32


class Claim:
    """The right to be the one window; given back when the process ends, however it does."""

    def __init__(self) -> None:
        self._lock = QLockFile(f"{_address_file()}.lock")
        # Only the end of the process makes it stale, not the time.
        self._lock.setStaleLockTime(0)

    def take(self) -> bool:
        """Return whether this process is the first."""
        return self._lock.tryLock(0)

    def give_back(self) -> None:
        """Let the next one be the first."""
        self._lock.unlock()

    @property
    def is_possible(self) -> bool:
        """Return whether this process may have it at all: the folder it lies in may be written to."""
        return self._lock.error() in (QLockFile.LockError.NoError, QLockFile.LockError.LockFailedError)

    @property
    def age_s(self) -> float:
        """Return how long ago it was taken; 0 where nobody has it any more."""
        try:
            return time.time() - Path(self._lock.fileName()).stat().st_mtime
        except OSError:
            return 0.0


def claim_or_hand_over(request: WindowRequest) -> tuple[Claim | None, bool]:
    """Return the claim to be the one window, or None and whether the window that is open has taken the request."""
    claim, began = Claim(), time.monotonic()
    while not claim.take():
        socket = QLocalSocket()
        socket.connectToServer(address())
        if socket.waitForConnected(ANSWER_MS):
            return None, _Caller(socket).hand_over(request)
        if not claim.is_possible or max(claim.age_s, time.monotonic() - began) > STARTING_S:
            return None, False
        time.sleep(POLL_S)
    return claim, False


def address() -> str:
    """Return the name of the socket: one for each user and settings folder."""
    return _address_file() if sys.platform != "win32" else Path(_address_file()).name


def _address_file() -> str:
    who = f"{getpass.getuser() if sys.platform == 'win32' else os.getuid()}\n{user_data().resolve()}"
    return str(_private_folder() / f"hilum-{hashlib.sha256(os.fsencode(who)).hexdigest()[:16]}")


def _private_folder() -> Path:
    """Return a folder on this machine that nobody else can write to; its path is short, as a socket's must be."""
    if sys.platform == "win32":
        return Path(QDir.tempPath())
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and _is_private(Path(runtime)):
        return Path(runtime)
    folder = Path(QDir.tempPath()) / f"hilum-{os.getuid()}"
    with suppress(OSError):
        folder.mkdir(mode=0o700)
    return folder if _is_private(folder) else user_data()


def _is_private(folder: Path) -> bool:
    if sys.platform == "win32":
        return True
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


# ------------------------------------------------------------------------------------------------------------- the words


def _key() -> bytes:
    """Return what only this user can read, made if it is not there."""
    file = user_data() / "window.key"
    with suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(_KEY_BYTES))
    key = file.read_bytes()
    if len(key) != _KEY_BYTES:
        file.unlink()
        raise OSError("the key of the window is damaged")
    return key


def _proof(key: bytes, *parts: str) -> str:
    return hmac.new(key, "\n".join(parts).encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode("ascii") + b"\n"


def _record(line: bytes) -> dict[str, Any]:
    """Return what a line says; nothing where it is none of ours."""
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _is_proof(record: dict[str, Any], proof: str) -> bool:
    return hmac.compare_digest(str(record.get("proof", "")).encode("utf-8", "replace"), proof.encode())


def _as_text(request: WindowRequest) -> str:
    paths = [str(path) for path in request.paths]
    study = asdict(request.study) if request.study else None
    return json.dumps({"paths": paths, "study": study, "activation": os.environ.get("XDG_ACTIVATION_TOKEN", "")})


def _as_request(text: str) -> tuple[WindowRequest, str]:
    said = _record(text.encode())
    named = said.get("study") or {}
    study = StudyRequest(*(str(named.get(field.name, "")) for field in fields(StudyRequest))) if named else None
    return WindowRequest(tuple(Path(path) for path in said.get("paths", ())), study), str(said.get("activation", ""))


# ------------------------------------------------------------------------------------------------------------ the caller


class _Caller:
    """The side that has just been started, and waits for each answer."""

    def __init__(self, socket: QLocalSocket) -> None:
        self._socket = socket

    def hand_over(self, request: WindowRequest) -> bool:
        """Return whether the window has taken the request; False where it hangs or is not ours."""
        try:
            key = _key()
        except OSError:
            return False
        nonce = secrets.token_hex(16)
        answer = self._ask({"nonce": nonce})
        if not _is_proof(answer, _proof(key, "window", nonce)):
            return False
        _let_come_to_front(answer.get("pid"))
        text = _as_text(request)
        proof = _proof(key, "caller", str(answer.get("nonce", "")), text)
        return self._ask({"proof": proof, "request": text}).get("taken") is True

    def _ask(self, record: dict[str, Any]) -> dict[str, Any]:
        deadline = QDeadlineTimer(ANSWER_MS)
        self._socket.write(_line(record))
        self._socket.flush()
        while not self._socket.canReadLine() and not deadline.hasExpired():
            if not self._socket.waitForReadyRead(max(1, deadline.remainingTime())) and not self._is_connected():
                break
        return _record(bytes(self._socket.readLine().data())) if self._socket.canReadLine() else {}

    def _is_connected(self) -> bool:
        return self._socket.state() == QLocalSocket.LocalSocketState.ConnectedState


def _let_come_to_front(pid: object) -> None:
    """Let another process raise its window, which Windows allows only to the one that was just started."""
    if sys.platform == "win32" and isinstance(pid, int):
        ctypes.windll.user32.AllowSetForegroundWindow(pid)


# ------------------------------------------------------------------------------------------------------------ the window


class WindowServer(QObject):
    """Listens for later starts of the same user and tells what they were asked to open."""

    requested = Signal(object, str)
    """WindowRequest, and the token by which Wayland lets a window come to the front ("" for none)."""

    def __init__(self, claim: Claim, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._claim = claim
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)
        self._key = b""

    def listen(self) -> bool:
        """Begin to listen; where that cannot be, each start has a window of its own, as is said in the log."""
        # What a crash has left: nobody else listens here, because the claim is ours.
        QLocalServer.removeServer(address())
        try:
            self._key = _key()
        except OSError as error:
            log.warning("no key for the one window: %s", error)
        if self._key and self._server.listen(address()):
            return True
        log.warning("each start has a window of its own: %s", self._server.errorString())
        self._claim.give_back()
        return False

    def close(self) -> None:
        """Listen no longer; the next start opens a window."""
        self._server.close()
        self._claim.give_back()

    def _answer(self) -> None:
        while self._server.hasPendingConnections():
            call = _Call(self._server.nextPendingConnection(), self._key, self)
            call.requested.connect(self.requested)


class _Call(QObject):
    """One later start on the line: first it asks for a proof, then it gives its own with what it wants."""

    requested = Signal(object, str)

    def __init__(self, socket: QLocalSocket, key: bytes, parent: QObject) -> None:
        super().__init__(parent)
        self._socket, self._key = socket, key
        self._nonce = ""
        socket.setParent(self)
        socket.setReadBufferSize(LONGEST_LINE)
        socket.readyRead.connect(self._read)
        socket.disconnected.connect(self.deleteLater)
        self._silence = QTimer(self, singleShot=True, interval=CALL_MS)
        self._silence.timeout.connect(self._drop)
        self._silence.start()
        self._read()

    def _read(self) -> None:
        while self._socket.canReadLine():
            said = _record(bytes(self._socket.readLine().data()))
            if not (self._take(said) if self._nonce else self._prove(said)):
                self._socket.abort()
                return

    def _prove(self, said: dict[str, Any]) -> bool:
        self._nonce = secrets.token_hex(16)
        proof = _proof(self._key, "window", str(said.get("nonce", "")))
        self._tell({"proof": proof, "nonce": self._nonce, "pid": os.getpid()})
        return True

    def _take(self, said: dict[str, Any]) -> bool:
        text = str(said.get("request", ""))
        if not _is_proof(said, _proof(self._key, "caller", self._nonce, text)):
            log.warning("a caller without the key was turned away")
            return False
        self._nonce = secrets.token_hex(16)  # each proof serves once
        self._tell({"taken": True})
        self.requested.emit(*_as_request(text))
        return True

    def _drop(self) -> None:
        self._socket.abort()

    def _tell(self, record: dict[str, Any]) -> None:
        self._socket.write(_line(record))
        self._socket.flush()
