"""Anything dropped to records: which pictures and documents files, folders and archives hold, by their headers alone.

:func:`open_paths` is long work as the rest of the program knows it: a plain generator whose yields are results and
progress, which may be closed at any of them. No pixel is decoded here: a folder of 2,000 files is listed in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset

from viewer.errors import UnreadableFile, UnsupportedFile
from viewer.imaging import dicom_file
from viewer.imaging.documents.content import DocumentContent
from viewer.imaging.documents.listing import document_of
from viewer.imaging.documents.listing import read_document as document_content
from viewer.imaging.documents.presentation_state import PresentationState, read_presentation_state
from viewer.imaging.image import Document, Instance, NotOpened, Opened, OpenProgress, OpenSummary
from viewer.imaging.reader import headers
from viewer.imaging.sources import PasswordNeeded, list_sources, read_source

PROGRESS_SECONDS = 0.05
"""Progress is told this often at most: more than an eye can follow costs a window time."""

Found = Opened | Document | NotOpened | OpenProgress | PasswordNeeded


def open_paths(paths: Sequence[Path]) -> Generator[Found, None, OpenSummary]:
    """Open files, archives and folders of any depth: what is in each, a frame at a time, or NotOpened and why.

    Hidden files and lists of files are passed over. A picture that is there twice is listed once.
    """
    listing = yield from list_sources(paths)
    not_opened: list[NotOpened] = []
    seen: dict[str, Path] = {}
    opened = 0
    yield from listing.not_opened
    told = -PROGRESS_SECONDS
    for done, path in enumerate(listing.files):
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            yield OpenProgress(done, len(listing.files), path.name)
        for found in _open_file(path, seen):
            if isinstance(found, NotOpened):
                not_opened.append(found)
            opened += isinstance(found, Opened | Document)
            yield found
    yield OpenProgress(len(listing.files), len(listing.files))
    return OpenSummary(opened, (*listing.not_opened, *not_opened))


def _open_file(path: Path, seen: dict[str, Path]) -> Iterator[Opened | Document | NotOpened]:
    try:
        content = contents(path)
    except UnreadableFile as error:
        yield NotOpened(path, str(error))
        return
    identity = content.identity if isinstance(content, Document) else content[0].identity
    uid = identity.sop_instance_uid
    if uid and uid in seen:
        yield NotOpened(path, copy_sentence(path, seen[uid]))
        return
    if uid:
        seen[uid] = path
    if isinstance(content, Document):
        yield content
    else:
        yield from (Opened(instance) for instance in content)


def copy_sentence(path: Path, original: Path) -> str:
    """Return why a file is not listed that holds what another one holds already."""
    return f"{path.name} is a copy of {original.name} (same SOP Instance UID) and is shown once."


def contents(path: Path) -> tuple[Instance, ...] | Document:
    """Return one record for each frame of a file, or the document it is, from its header alone.

    Raises
    ------
    UnsupportedFile
        If the file holds nothing this program shows.
    UnreadableFile
        If it is not there, may not be read or is damaged.
    """
    try:
        return headers(path)
    except UnsupportedFile:
        document = _document(path)
        if document is None:
            raise
        return document


def _document(path: Path) -> Document | None:
    try:
        return document_of(path, _dataset(path))
    except UnreadableFile:
        # The reader has refused it already, and knows better what it should have been.
        return None


def read_document(document: Document) -> DocumentContent:
    """Read what a document says; UnreadableFile where it is damaged or has gone."""
    return document_content(document.path, _dataset(document.path))


def read_state(document: Document) -> PresentationState:
    """Read a presentation state as what is to be done with pictures; errors as :func:`read_document`."""
    return read_presentation_state(document.path, _dataset(document.path))


def _dataset(path: Path) -> Dataset:
    return dicom_file.parse_any(path, BytesIO(read_source(path)))
