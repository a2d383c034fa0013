"""The first part of a multipart/related answer, handed on as it comes."""

from __future__ import annotations

from collections.abc import Generator, Iterable

LONGEST_HEADERS = 65_536


class NotMultipart(ValueError):
    """An answer whose parts cannot be told apart."""


def first_part(chunks: Iterable[bytes], boundary: str) -> Generator[bytes, None, None]:
    """Yield the body of the first part (RFC 2046 5.1), whatever its own headers are; an empty chunk passes as b"".

    Raises
    ------
    NotMultipart
        If the boundary is not there, or the answer ends before the part does.
    """
    delimiter = b"--" + boundary.encode("latin-1", "replace")
    source = iter(chunks)
    rest = yield from _after_headers(source, delimiter)
    end = b"\r\n" + delimiter
    for chunk in source:
        found = rest.find(end)
        if found >= 0:
            break
        # What may be the beginning of the delimiter waits for its end.
        ready = max(0, len(rest) - len(end) + 1)
        yield rest[:ready]
        rest = rest[ready:] + chunk
    found = rest.find(end)
    if found < 0:
        raise NotMultipart("it ends in the midst of the file")
    yield rest[:found]


def _after_headers(source: Iterable[bytes], delimiter: bytes) -> Generator[bytes, None, bytes]:
    """Return what has come of the first part's body, with its preamble and headers taken off."""
    head = b""
    for chunk in source:
        head += chunk
        begin = head.find(delimiter)
        # A part without headers of its own begins with the empty line.
        if begin >= 0 and (end := head.find(b"\r\n\r\n", begin + len(delimiter))) >= 0:
            return head[end + 4 :]
        if len(head) > LONGEST_HEADERS:
            break
        yield b""
    raise NotMultipart("its parts cannot be told apart")
