"""A study from a server, as an opening: listed by QIDO-RS, brought by WADO-RS, each file opened as it comes.

PS3.18 10.6 (search) and 10.4 (retrieve). Files come one by one, so that a broken one costs itself alone.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from viewer.dicomweb.line import Line, RetrievalFailed
from viewer.dicomweb.multipart import NotMultipart, first_part
from viewer.dicomweb.retrieved import sweep, window_folder
from viewer.imaging.image import Document, NotOpened, Opened, OpenProgress, OpenSummary
from viewer.imaging.opening import PROGRESS_SECONDS, Found, open_paths
from viewer.policy import NETWORK_OFF, Policy, Server, own_servers
from viewer.window_request import StudyRequest, is_uid

log = logging.getLogger(__name__)

JSON = "application/dicom+json"
DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'
PAGE = 1_000
MOST_INSTANCES = 50_000
LARGEST_LIST_BYTES = 2**28
LARGEST_FILE_BYTES = 2**32
FAILED_IN_A_ROW = 3

STUDY, SERIES, SOP, SERIES_NUMBER, NUMBER = "0020000D", "0020000E", "00080018", "00200011", "00200013"


@dataclass(frozen=True)
class Remote:
    """An instance that the server has."""

    series_uid: str
    sop_uid: str
    order: tuple[int, str, int, str]
    """Series by number, then instance by number: what is shown first is brought first."""


def find_server(name: str, policy: Policy) -> Server:
    """Return the server of that name: the site's, or the user's own where the site allows it.

    Raises
    ------
    RetrievalFailed
        If the network is switched off, or nobody has named such a server.
    """
    if not policy.network_allowed:
        raise RetrievalFailed(f"Nothing was brought from {name}. {NETWORK_OFF}")
    own, faults = own_servers() if policy.own_servers_allowed else ((), ())
    servers = {server.name: server for server in (*own, *policy.servers)}
    if name in servers:
        return servers[name]
    known = f"known are {', '.join(sorted(servers))}" if servers else "none has been named yet"
    wrong = f" Your own list of servers has an error: {faults[0]}" if faults else ""
    raise RetrievalFailed(f"There is no server called {name}: {known}. Ask your administrator for its name.{wrong}")


def retrieve_study(request: StudyRequest, policy: Policy) -> Generator[Found, None, OpenSummary]:
    """Bring a study, or one series of it, and open each file as it comes; what fails is told as NotOpened."""
    try:
        sweep(policy.keep_days)
        server = find_server(request.server, policy)
        with closing(Line(server)) as line:
            return (yield from _retrieve(line, request, _folder(request)))
    except RetrievalFailed as error:
        problem = NotOpened(Path(request.study_uid), str(error))
        yield problem
        return OpenSummary(0, (problem,))


def _folder(request: StudyRequest) -> Path:
    try:
        folder = window_folder() / request.study_uid
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise RetrievalFailed(f"The folder for films from servers could not be made: {error.strerror}.") from error
    return folder


def _retrieve(line: Line, request: StudyRequest, folder: Path) -> Generator[Found, None, OpenSummary]:
    wanted = yield from list_instances(line, request)
    not_opened: list[NotOpened] = []
    opened = failed = 0
    for number, remote in enumerate(wanted):
        step = OpenProgress(number, len(wanted), f"{number + 1:,} of {len(wanted):,} from {request.server}")
        yield step
        try:
            file = yield from bring(line, request.study_uid, remote, folder, step)
            failed = 0
        except RetrievalFailed as error:
            failed = failed + 1 if error.others_will_too else 0
            problem = NotOpened(Path(remote.sop_uid), _not_brought(error, len(wanted) - number - 1, failed))
            not_opened.append(problem)
            yield problem
            if failed == FAILED_IN_A_ROW:
                break
            continue
        for found in _open(file, request.study_uid, remote):
            opened += isinstance(found, Opened | Document)
            not_opened += [found] if isinstance(found, NotOpened) else []
            yield found
    log.info("%d of %d instances of study %s were opened", opened, len(wanted), request.study_uid)
    return OpenSummary(opened, tuple(not_opened))


def _not_brought(error: RetrievalFailed, left: int, failed: int) -> str:
    text = f"This instance was not brought. {error}"
    return f"{text} The {left:,} after it were not tried." if failed == FAILED_IN_A_ROW and left else text


# ------------------------------------------------------------------------------------------------------------- the list


def list_instances(line: Line, request: StudyRequest) -> Generator[OpenProgress, None, list[Remote]]:
    """Return the instances of a study, or of one series, in the order they are to be brought.

    Raises
    ------
    RetrievalFailed
        If the server does not have it, refuses it, or does not answer with a list.
    """
    series = f"/series/{request.series_uid}" if request.series_uid else ""
    place = f"/studies/{request.study_uid}{series}/instances"
    found: dict[str, Remote] = {}
    offset = 0
    while offset < MOST_INSTANCES:
        page = yield from _page(line, request, f"{place}?limit={PAGE}&offset={offset}")
        new = {r.sop_uid: r for r in (_remote(entry, request) for entry in page) if r and r.sop_uid not in found}
        found |= new
        offset += len(page)
        # A server may give fewer than it was asked for, or all of them again: only what brings nothing new is the end.
        if not new:
            break
    if not found:
        raise _nothing_there(request)
    return sorted(found.values(), key=lambda remote: remote.order)


def _nothing_there(request: StudyRequest) -> RetrievalFailed:
    what = f"the series {request.series_uid} of the study" if request.series_uid else "the study"
    return RetrievalFailed(f"The server {request.server} does not have {what} {request.study_uid}.")


def _page(line: Line, request: StudyRequest, path: str) -> Generator[OpenProgress, None, list[Any]]:
    waiting = OpenProgress(0, 0, f"a study from {request.server}")
    response = yield from _waited(line.get(path, JSON), waiting)
    if response.status == HTTPStatus.NOT_FOUND:
        line.close()
        raise RetrievalFailed(f"{_nothing_there(request)} Or its address is not the root of its DICOMweb service (404).")
    content = bytearray()
    if response.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        raise line.refusal(response)
    for chunk in line.chunks(response):
        content += chunk
        yield waiting
        if len(content) > LARGEST_LIST_BYTES:
            raise RetrievalFailed(f"The server {request.server} sends a list of images larger than 256 MiB.")
    if response.status == HTTPStatus.NO_CONTENT or not content:
        return []
    try:
        listed = json.loads(content)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise RetrievalFailed(
            f"The server {request.server} did not answer with a list of images; its address may not be the root of its "
            "DICOMweb service."
        )
    return listed


def _remote(entry: Any, request: StudyRequest) -> Remote | None:
    """Return an entry of the list; None for one of another study, or without UIDs that can be asked for."""
    study, series, sop = (str(_value(entry, tag)) for tag in (STUDY, SERIES, SOP))
    series = series or request.series_uid
    if study not in ("", request.study_uid) or not is_uid(series) or not is_uid(sop):
        return None
    return Remote(series, sop, (_number(entry, SERIES_NUMBER), series, _number(entry, NUMBER), sop))


def _value(entry: Any, tag: str) -> Any:
    """Return the first value of an element in the DICOM JSON model (PS3.18 F.2); "" where there is none."""
    element = entry.get(tag) if isinstance(entry, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else ""


def _number(entry: Any, tag: str) -> int:
    try:
        return int(_value(entry, tag))
    except (ValueError, TypeError, OverflowError):
        return 2**31


# ------------------------------------------------------------------------------------------------------------- one file


def bring(
    line: Line, study_uid: str, remote: Remote, folder: Path, waiting: OpenProgress
) -> Generator[OpenProgress, None, Path]:
    """Bring one instance and return its file, which is whole; yields ``waiting`` now and then.

    Raises
    ------
    RetrievalFailed
        If the server does not give it, or it cannot be written.
    """
    path = f"/studies/{study_uid}/series/{remote.series_uid}/instances/{remote.sop_uid}"
    response = yield from _waited(line.get(path, DICOM), waiting)
    if response.status != HTTPStatus.OK:
        raise line.refusal(response)
    chunks = line.chunks(response)
    file = folder / f"{remote.sop_uid}.dcm"
    part = file.with_suffix(".part")
    try:
        yield from _write(part, _body(chunks, response), waiting)
        # What follows the file must be out of the way of the next answer.
        for _ in chunks:
            pass
        part.replace(file)
    except OSError as error:
        line.close()
        raise RetrievalFailed(f"It could not be written: {error.strerror}.", others_will_too=True) from error
    except NotMultipart as error:
        line.close()
        raise RetrievalFailed(f"What the server sent for it is damaged: {error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return file


def _body(chunks: Iterable[bytes], response: HTTPResponse) -> Iterator[bytes]:
    """Return the file in an answer, which is its first part or the whole of it."""
    kind = response.headers.get_content_type()
    if kind == "application/dicom":
        return iter(chunks)
    boundary = response.headers.get_boundary()
    if kind != "multipart/related" or not boundary:
        raise NotMultipart(f"it is {kind}, not DICOM")
    return first_part(chunks, boundary)


def _write(part: Path, body: Iterator[bytes], waiting: OpenProgress) -> Generator[OpenProgress, None, None]:
    size, told = 0, time.monotonic()
    with part.open("wb") as stream:
        for chunk in body:
            size += len(chunk)
            if size > LARGEST_FILE_BYTES:
                raise NotMultipart("it is larger than 4 GiB")
            stream.write(chunk)
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                yield waiting


def _open(file: Path, study_uid: str, remote: Remote) -> Iterator[Opened | Document | NotOpened]:
    """Open a file that has come; one of another study or another image than was asked for is not shown."""
    for found in open_paths([file]):
        if isinstance(found, Opened | Document):
            identity = found.identity if isinstance(found, Document) else found.instance.identity
            if (identity.study_uid, identity.sop_instance_uid) != (study_uid, remote.sop_uid):
                file.unlink(missing_ok=True)
                yield NotOpened(file, "The server sent another image than the one it was asked for, so it is not shown.")
                return
            yield found
        elif isinstance(found, NotOpened):
            yield found


def _waited(answer: Generator[None, None, HTTPResponse], waiting: OpenProgress) -> Generator[OpenProgress, None, HTTPResponse]:
    """Hand on that an answer is being waited for, and return it."""
    try:
        while True:
            try:
                next(answer)
            except StopIteration as end:
                response: HTTPResponse = end.value
                return response
            yield waiting
    finally:
        answer.close()
