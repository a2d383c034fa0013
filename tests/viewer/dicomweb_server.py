"""A small archive that speaks DICOMweb, for tests: made-up patients, and each fault at its place."""

import base64
import json
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pydicom

PLACE = re.compile(r"/dicom-web/studies/([\d.]+)(?:/series/([\d.]+))?/instances(?:/([\d.]+))?")
BOUNDARY = "a boundary of its own"


class Archive(ThreadingHTTPServer):
    """Films by UID, and what is to go wrong; started and stopped with ``with``."""

    daemon_threads = True

    def __init__(self, films: list[Path], certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.films = {}
        for film in films:
            header = pydicom.dcmread(film, stop_before_pixels=True)
            self.films[str(header.SOPInstanceUID)] = (header, film.read_bytes())
        self.secret = ""
        self.most_a_page = 1000
        self.pages_forever = False
        self.as_multipart = True
        self.cut_short = ""
        """SOP Instance UID of the file that is broken off half way."""
        self.instead: dict[str, object] = {}
        """By SOP Instance UID or "list": a status, or bytes that are sent instead of the file."""
        self.asked: list[str] = []
        self.scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_port}/dicom-web"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is part of the tests."""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        archive: Archive = self.server
        archive.asked.append(self.path)
        if archive.secret and self.headers.get("Authorization") != archive.secret:
            return self._send(401, b"", "text/plain")
        place = PLACE.fullmatch(urlsplit(self.path).path)
        if place is None:
            return self._send(404, b"no such thing", "text/plain")
        study, series, instance = place.groups()
        return self._list(study, series) if instance is None else self._film(instance)

    def _list(self, study: str, series: str | None) -> None:
        archive: Archive = self.server
        instead = archive.instead.get("list")
        if instead is not None:
            return self._send(*(instead, b"") if isinstance(instead, int) else (200, instead), "application/dicom+json")
        asked = {key: int(values[0]) for key, values in parse_qs(urlsplit(self.path).query).items()}
        headers = [
            h for h, _ in archive.films.values() if h.StudyInstanceUID == study and series in (None, h.SeriesInstanceUID)
        ]
        start = 0 if archive.pages_forever else asked["offset"]
        page = [_entry(header) for header in headers[start : start + min(asked["limit"], archive.most_a_page)]]
        return self._send(200 if page else 204, json.dumps(page).encode() if page else b"", "application/dicom+json")

    def _film(self, instance: str) -> None:
        archive: Archive = self.server
        instead = archive.instead.get(instance, archive.films.get(instance, (None, 404))[1])
        if isinstance(instead, int):
            return self._send(instead, b"", "text/plain")
        if not archive.as_multipart:
            return self._send(200, instead, "application/dicom")
        head = f"preamble\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        kind = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
        return self._send(200, head + instead + f"\r\n--{BOUNDARY}--\r\nepilogue".encode(), kind)

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if status == 302:
            self.send_header("Location", "http://example.org/")
        self.end_headers()
        if self.server.cut_short and self.path.endswith(f"/instances/{self.server.cut_short}"):
            content, self.close_connection = content[: len(content) // 2], True
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _entry(header: pydicom.Dataset) -> dict:
    def element(tag: str, vr: str, value: object) -> dict:
        return {tag: {"vr": vr, "Value": [value]}}

    return {
        **element("0020000D", "UI", str(header.StudyInstanceUID)),
        **element("0020000E", "UI", str(header.SeriesInstanceUID)),
        **element("00080018", "UI", str(header.SOPInstanceUID)),
        **element("00200013", "IS", int(header.get("InstanceNumber") or 0)),
    }


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
