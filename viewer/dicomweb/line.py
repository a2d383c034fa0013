"""The line to a DICOMweb server: one request after the other over HTTP/1.1, with waiting that can be broken off.

No proxy is used and no redirect followed, so what opens the server goes to the server alone.
"""

from __future__ import annotations

import base64
import selectors
import socket
import ssl
import time
from collections.abc import Generator
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from viewer.errors import ViewerError, os_reason
from viewer.policy import Server

CONNECT_S = 10.0
ANSWER_S = 120.0
"""An archive may have to fetch a study from tape first."""
SILENCE_S = 30.0
"""Within an answer."""
STEP_S = 0.2
BEGUN_S = 3.0
"""Within the first lines of an answer."""
CHUNK_BYTES = 65_536

Waiting = Generator[None, None, HTTPResponse]


class RetrievalFailed(ViewerError):
    """Something could not be brought from a server; ``others_will_too`` where that will go for everything else."""

    def __init__(self, sentence: str, others_will_too: bool = False) -> None:
        self.others_will_too = others_will_too
        super().__init__(sentence)


class Line:
    """A connection that is opened when it is needed and again when the server has closed it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        parts = urlsplit(server.url)
        self._root = parts.path.rstrip("/")
        self._headers = {"User-Agent": "Hilum", "Accept-Encoding": "identity", **_authorization(server)}
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            self._connection: HTTPConnection = HTTPSConnection(host, port, timeout=CONNECT_S, context=_trust(server))
        else:
            self._connection = HTTPConnection(host, port, timeout=CONNECT_S)

    def get(self, path: str, accept: str) -> Waiting:
        """Return the answer to a request, whatever its status; yields while it is waited for.

        Raises
        ------
        RetrievalFailed
            If the server cannot be reached or breaks off.
        """
        was_open = self._connection.sock is not None
        try:
            return (yield from self._ask(path, accept))
        except (OSError, HTTPException) as error:
            self.close()
            if not was_open:
                raise RetrievalFailed(self._why(error), others_will_too=True) from error
        # The server may have closed a line that it had kept open for a while.
        try:
            return (yield from self._ask(path, accept))
        except (OSError, HTTPException) as error:
            self.close()
            raise RetrievalFailed(self._why(error), others_will_too=True) from error

    def _ask(self, path: str, accept: str) -> Waiting:
        self._connection.request("GET", self._root + path, headers={"Accept": accept, **self._headers})
        line = self._connection.sock
        line.settimeout(BEGUN_S)
        until = time.monotonic() + ANSWER_S
        with selectors.DefaultSelector() as selector:
            selector.register(line, selectors.EVENT_READ)
            while True:
                # Nothing of an answer is in any buffer yet, so the socket tells whether one has begun;
                # what TLS says for itself looks like it, and is swallowed by an attempt.
                if selector.select(STEP_S):
                    with suppress(TimeoutError):
                        response = self._connection.getresponse()
                        line.settimeout(SILENCE_S)
                        return response
                if time.monotonic() > until:
                    raise TimeoutError
                yield

    def chunks(self, response: HTTPResponse) -> Generator[bytes, None, None]:
        """Yield the body of an answer as it comes.

        Raises
        ------
        RetrievalFailed
            If it breaks off.
        """
        stated = response.length
        done = 0
        try:
            while chunk := response.read(CHUNK_BYTES):
                done += len(chunk)
                yield chunk
        except (OSError, HTTPException) as error:
            self.close()
            raise RetrievalFailed(self._why(error)) from error
        if stated is not None and done < stated:
            self.close()
            raise RetrievalFailed(f"The server {self._server.name} broke off.")

    def close(self) -> None:
        """Close the line; the next request opens it again."""
        self._connection.close()

    def refusal(self, response: HTTPResponse) -> RetrievalFailed:
        """Return what an answer other than 200 means, and close the line, as its body has not been read."""
        self.close()
        name, answer = self._server.name, f"{response.status} {response.reason}".strip()
        if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            sentence = (
                f"The server {name} refused the request ({answer}): the token, or the user and password, that it was given "
                "is missing, wrong, or not enough for this study."
            )
            return RetrievalFailed(sentence, others_will_too=True)
        if response.status in range(300, 400):
            sentence = f"The server {name} sends on to another address ({answer}), which is not followed: name that one."
            return RetrievalFailed(sentence, others_will_too=True)
        is_busy = response.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
        return RetrievalFailed(f"The server {name} answered {answer}.", others_will_too=is_busy)

    def _why(self, error: Exception) -> str:
        return f"The server {self._server.name} could not be reached: {_reason(error)}."


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); the certificates of a site are named by ca_file"
    if isinstance(error, ssl.SSLError):
        return f"no encrypted line could be agreed on ({error.reason or error})"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "nothing answers at its address"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it broke off" if isinstance(error, OSError) else "what it answers is not HTTP"


def _authorization(server: Server) -> dict[str, str]:
    token = server.token
    if server.token_file is not None:
        try:
            token = server.token_file.read_text(encoding="ascii").strip()
        except OSError as error:
            reason = os_reason(error)
            raise RetrievalFailed(f"The token of the server {server.name} could not be read: {reason}.", True) from error
        except ValueError:
            token = "\n"
        if not token or not token.isprintable():
            raise RetrievalFailed(f"The file with the token of the server {server.name} holds no token.", True)
    if token:
        return {"Authorization": f"Bearer {token}"}
    if server.user:
        secret = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
        return {"Authorization": f"Basic {secret}"}
    return {}


def _trust(server: Server) -> ssl.SSLContext:
    """Return what decides whether a certificate is trusted: the system's own, and the site's if they are named."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if server.ca_file is not None:
        try:
            context.load_verify_locations(server.ca_file)
        except OSError as error:
            sentence = f"The certificates of the site for the server {server.name} ({server.ca_file.name}) could not be read."
            raise RetrievalFailed(sentence, others_will_too=True) from error
    return context
