"""Whether this program may open a connection to another machine; whoever starts it says so once."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Any

from inference.errors import InferenceError

_LOCAL = ("", "localhost", "127.0.0.1", "::1")
_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")

_forbidden: list[str] = []
"""The sentence that says who forbade it; empty while it is allowed."""


class ConnectionsForbidden(InferenceError):
    """Something had to be fetched, and connections are not allowed."""


def forbid_connections(sentence: str) -> None:
    """Allow no connection to another machine from now on, in no part of this process that is written in Python.

    What asks first (:func:`require_connections`) gets ``sentence``; what does not, a library of somebody else's, meets a
    PermissionError with it when it opens a socket. Sockets within this machine stay usable.
    """
    if not _forbidden:
        sys.addaudithook(_refuse)
    _forbidden[:] = [sentence]


def require_connections() -> None:
    """Raise ConnectionsForbidden if no connection may be opened."""
    if _forbidden:
        raise ConnectionsForbidden(_forbidden[0])


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS and _forbidden and not _stays_here(arguments):
        raise PermissionError(errno.EACCES, _forbidden[0].rstrip("."))


def _stays_here(arguments: tuple[Any, ...]) -> bool:
    """Return whether what a socket is asked to do ends on this machine."""
    first, *rest = arguments
    if not isinstance(first, socket.socket):
        return first is None or str(first) in _LOCAL
    if first.family not in (socket.AF_INET, socket.AF_INET6):
        return True
    address = rest[0] if rest else None
    return address is None or (isinstance(address, tuple) and str(address[0]) in _LOCAL)
