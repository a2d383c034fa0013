"""One file from a public address: resumed where it broke off, kept only if its SHA-256 is the expected one.

What has arrived stands in ``TARGET.part`` and stays there when the work is cancelled or the line breaks, so that the
next attempt asks for the rest alone. Addresses are http or https, before and after every redirect.
"""

from __future__ import annotations

import hashlib
import re
import urllib.request
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from inference.errors import ExamplesError

TIMEOUT_S = 20.0
"""Of silence on the line, not of the whole transfer."""
CHUNK_BYTES = 65_536
ROUNDS = 5
"""How often one film is taken up again within one call; each round must bring something."""

OpenUrl = Callable[[urllib.request.Request, float], HTTPResponse]


class DownloadFailed(ExamplesError):
    """One file could not be had; ``others_will_too`` where the fault is the line's or the server's, not the file's."""

    def __init__(self, sentence: str, others_will_too: bool = False) -> None:
        self.others_will_too = others_will_too
        super().__init__(sentence)


class LimitReached(ExamplesError):
    """The limit on the bytes of one call is used up, or the next file would not fit into it."""


@dataclass(frozen=True)
class Wanted:
    """A public file: where it is, where it shall stand, the SHA-256 it must have, and its name in sentences."""

    address: str
    target: Path
    sha256: str
    name: str

    @property
    def part(self) -> Path:
        """Return the file that holds what has arrived so far."""
        return self.target.with_name(self.target.name + ".part")


@dataclass
class Budget:
    """How many bytes may still be received, in all and for one file."""

    left: int
    per_file: int


def open_address(request: urllib.request.Request, timeout: float) -> HTTPResponse:
    """Open an http or https address; redirects to anything else, and from https to http, are refused."""
    return cast(HTTPResponse, _opener().open(request, timeout=timeout))


def require_http(address: str, name: str) -> None:
    """Raise DownloadFailed unless the address is http or https with a host."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise DownloadFailed(f"{name} was not fetched: its address is neither http nor https.")


def download(wanted: Wanted, budget: Budget, open_url: OpenUrl = open_address) -> Generator[tuple[int, int | None], None, None]:
    """Bring a public file to its place; yields bytes so far and bytes in all (None: not stated).

    Raises
    ------
    DownloadFailed
        If the address is refused, nothing answers, the server says no, the line breaks, or the hash is another.
    LimitReached
        If the file does not fit into ``budget.left``.
    ExamplesError
        If it cannot be written.
    """
    require_http(wanted.address, wanted.name)
    for _ in range(ROUNDS):
        start = _size(wanted.part)
        whole = yield from _receive(wanted, start, budget, open_url)
        if whole:
            return _accept(wanted)
        if _size(wanted.part) <= start:
            break
    raise DownloadFailed(f"{wanted.name} broke off: fetch again to go on from there.")


def _receive(wanted: Wanted, start: int, budget: Budget, open_url: OpenUrl) -> Generator[tuple[int, int | None], None, bool]:
    """Append what the server sends, and return whether that was the end of the file."""
    try:
        response = open_url(_request(wanted.address, start), TIMEOUT_S)
    except HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return True  # Nothing is left to ask for; the hash says whether what we have is the file.
        answer = f"{error.code} {error.reason}"
        busy = error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
        raise DownloadFailed(f"{wanted.name} was not fetched: the server answered {answer}.", busy) from error
    except (OSError, HTTPException, ValueError) as error:
        raise DownloadFailed(f"{wanted.name} was not fetched: {_reason(error)}.", others_will_too=True) from error
    with response:
        offset = _offset(response, wanted, start)
        length = response.headers.get("Content-Length", "")
        total = offset + int(length) if length.isdecimal() else None
        _require_room(wanted, offset, total, budget)
        return (yield from _store(response, wanted, offset, total, budget))


def _store(
    response: HTTPResponse, wanted: Wanted, offset: int, total: int | None, budget: Budget
) -> Generator[tuple[int, int | None], None, bool]:
    done = offset
    try:
        with wanted.part.open("ab" if offset else "wb") as file:
            while chunk := _read(response):
                done += len(chunk)
                budget.left -= len(chunk)
                _require_room(wanted, done, None, budget)
                file.write(chunk)
                yield done, total
    except OSError as error:
        raise ExamplesError(f"{wanted.name} could not be written: {error.strerror}.") from error
    return chunk is not None and (total is None or done >= total)


def _read(response: HTTPResponse) -> bytes | None:
    """Return the next bytes, b"" at the end, None where the line broke."""
    try:
        return response.read(CHUNK_BYTES)
    except (OSError, HTTPException):
        return None


def _require_room(wanted: Wanted, done: int, total: int | None, budget: Budget) -> None:
    if max(done, total or 0) > budget.per_file:
        wanted.part.unlink(missing_ok=True)
        raise DownloadFailed(f"{wanted.name} was not fetched: it is larger than {budget.per_file / 1e6:,.1f} MB.")
    if (total or done) - done > budget.left or budget.left < 0:
        raise LimitReached(f"{wanted.name} does not fit into the limit on size.")


def _offset(response: HTTPResponse, wanted: Wanted, start: int) -> int:
    # 200 instead of 206: the server knows no ranges and sends the file from its first byte.
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        return 0
    stated = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if stated is None or int(stated[1]) != start:
        wanted.part.unlink(missing_ok=True)
        raise DownloadFailed(f"{wanted.name} was not fetched: the server sent another part than was asked for.")
    return start


def _accept(wanted: Wanted) -> None:
    try:
        with wanted.part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found == wanted.sha256:
            wanted.part.replace(wanted.target)
            return
        wanted.part.unlink()
    except OSError as error:
        raise ExamplesError(f"{wanted.name} could not be written: {error.strerror}.") from error
    raise DownloadFailed(
        f"{wanted.name} was refused: its SHA-256 is {found[:16]}… and should be {wanted.sha256[:16]}…, so the "
        "file at its address is another one."
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _request(address: str, start: int) -> urllib.request.Request:
    # Compressed on the way, a range would count other bytes than the file's.
    headers = {"User-Agent": "Hilum", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    return urllib.request.Request(address, headers=headers)


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return "the server did not answer in time"
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return f"the network could not be reached ({text})"


class _HttpOnlyRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            raise HTTPError(req.full_url, code, f"and a refused redirect to {scheme or 'nowhere'}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@cache
def _opener() -> urllib.request.OpenerDirector:
    # Built by hand: build_opener() would bring handlers for file, ftp and data addresses.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _HttpOnlyRedirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
