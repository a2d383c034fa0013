"""Anything dropped to Images: a file, a folder, one frame of many; DICOM by its content, not by its name.

:func:`open_paths` is long work as the rest of the program knows it: a plain generator whose yields are results and
progress, which may be closed at any of them.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.errors import UnreadableFile, UnsupportedFile
from viewer.imaging import dicom_file, picture_reader
from viewer.imaging.dicom_reader import FrameFacts, facts_of, image_of, instances_of
from viewer.imaging.grayscale import to_display
from viewer.imaging.image import Image, Instance, NotOpened, Opened, OpenProgress, OpenSummary

THUMBNAIL_SIDE = 128
LARGEST_FILE_BYTES = 2**32

_HEAD_BYTES = 132
_NOT_PICTURES = {"dicomdir", "thumbs.db", "desktop.ini", "__macosx"}


def read_image(instance: Instance) -> Image:
    """Decode the frame a header record stands for; errors as :func:`read_file`."""
    return read_file(instance.path, instance.frame)


def read_file(path: Path, frame: int = 0) -> Image:
    """Decode one frame of a file, counted from 0.

    Raises
    ------
    UnsupportedFile
        If the file holds nothing this program shows.
    UnreadableFile
        If it is not there, may not be read, is damaged or cut short, or has no such frame.
    """
    loaded = _load(Path(path))
    if isinstance(loaded.content, bytes):
        return picture_reader.read_picture(loaded.path, loaded.content, frame, loaded.sha256)
    return image_of(loaded.content, frame, loaded.sha256)


def read_facts(instance: Instance) -> FrameFacts:
    """Return what a file says of one frame (windows, spacing, compression); errors as :func:`read_file`."""
    loaded = _load(instance.path)
    if not isinstance(loaded.content, bytes):
        return facts_of(loaded.content, instance.frame)
    image = picture_reader.read_picture(loaded.path, loaded.content, instance.frame, loaded.sha256)
    return FrameFacts(image.vois, False, None, None, image.aspect_ratio, "", image.lossy, image.warnings)


def headers(path: Path) -> tuple[Instance, ...]:
    """Return one record for each frame of a file from its header alone; errors as :func:`read_file`.

    What only decoding can tell (a damaged compressed frame) is not found out here.
    """
    path = Path(path)
    status = _checked_status(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            if _kind(path, head) == "dicom":
                stream.seek(0)
                return instances_of(dicom_file.parse_header(path, stream, status.st_size))
    except OSError as error:
        raise UnreadableFile(path, _os_reason(error)) from error
    return picture_reader.picture_instances(path, _read_bytes(path))


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A file in memory: a parsed DICOM file, or the bytes of another picture; ``key`` tells whether it has changed."""

    path: Path
    key: tuple[int, int]
    sha256: str
    content: dicom_file.DicomFile | bytes


# The multi-frame file that was read last: stepping through it must not read and hash the whole of it at each step.
_last_multiframe: list[_Loaded] = []


def _load(path: Path) -> _Loaded:
    status = _checked_status(path)
    key = (status.st_size, status.st_mtime_ns)
    for known in list(_last_multiframe):
        if known.path == path and known.key == key:
            return known
    data = _read_bytes(path)
    is_picture = _kind(path, data[:_HEAD_BYTES]) == "picture"
    content = data if is_picture else dicom_file.parse(path, data)
    loaded = _Loaded(path, key, hashlib.sha256(data).hexdigest(), content)
    if isinstance(content, dicom_file.DicomFile) and content.layout.frames > 1:
        _last_multiframe[:] = [loaded]
    return loaded


def _kind(path: Path, head: bytes) -> str:
    """Tell DICOM from pictures by the first bytes; a TIFF that is also a DICOM file counts as the latter."""
    if head[128:132] == b"DICM":
        return "dicom"
    if picture_reader.looks_like_picture(head):
        return "picture"
    if dicom_file.looks_like_dicom(head):
        return "dicom"
    raise UnsupportedFile(path, "it is neither a DICOM file nor a PNG, JPEG, TIFF, WebP or BMP picture")


def _checked_status(path: Path) -> os.stat_result:
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableFile(path, _os_reason(error)) from error
    except ValueError as error:
        raise UnreadableFile(path, "its name is not one a file can have") from error
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFile(path, "it is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFile(path, "it is not an ordinary file")
    if status.st_size == 0:
        raise UnreadableFile(path, "it is empty (0 bytes)")
    if status.st_size > LARGEST_FILE_BYTES:
        raise UnreadableFile(path, "it is larger than 4 GiB")
    return status


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(path, _os_reason(error)) from error
    except MemoryError as error:
        raise UnreadableFile(path, "there is not enough memory to read it") from error


def _os_reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "this account is not allowed to read it"
    return f"the system says: {error.strerror or 'it cannot be read'}"


# ------------------------------------------------------------------------------------------------------ many at once


def open_paths(paths: Sequence[Path]) -> Generator[Opened | NotOpened | OpenProgress, None, OpenSummary]:
    """Open files and folders of any depth: every file is either Opened, a frame at a time, or NotOpened and why.

    In folders, hidden files and lists of files (DICOMDIR) are passed over. A picture that is there twice is shown once.
    """
    files = yield from _collect(paths)
    seen: dict[str, Path] = {}
    not_opened: list[NotOpened] = []
    opened = 0
    for done, path in enumerate(files):
        yield OpenProgress(done, len(files), path.name)
        for result in _open_file(path, seen):
            if isinstance(result, NotOpened):
                not_opened.append(result)
            else:
                opened += 1
            yield result
    yield OpenProgress(len(files), len(files))
    return OpenSummary(opened, tuple(not_opened))


def _open_file(path: Path, seen: dict[str, Path]) -> Iterator[Opened | NotOpened]:
    try:
        instances, image = _first_look(path)
    except UnreadableFile as error:
        yield NotOpened(path, str(error))
        return
    uid = image.identity.sop_instance_uid
    if uid and uid in seen:
        yield NotOpened(path, f"{path.name} is a copy of {seen[uid].name} (same SOP Instance UID) and is shown once.")
        return
    if uid:
        seen[uid] = path
    thumbnail = thumbnail_of(image)
    for instance in instances:
        yield Opened(instance, thumbnail)


def _first_look(path: Path) -> tuple[tuple[Instance, ...], Image]:
    """Read a file once for its records and its first frame."""
    loaded = _load(path)
    if isinstance(loaded.content, bytes):
        records = picture_reader.picture_instances(path, loaded.content)
        return records, picture_reader.read_picture(path, loaded.content, 0, loaded.sha256)
    return instances_of(loaded.content), image_of(loaded.content, 0, loaded.sha256)


def _collect(paths: Sequence[Path]) -> Generator[OpenProgress, None, list[Path]]:
    """List the files to open, each once, folders in natural order; a loop of links is entered once."""
    found: dict[Path, None] = {}
    entered: set[Path] = set()
    waiting = [Path(path) for path in reversed(paths)]
    while waiting:
        path = waiting.pop()
        if not path.is_dir():
            found[path] = None
            continue
        real = path.resolve()
        if real in entered:
            continue
        entered.add(real)
        yield OpenProgress(0, 0, path.name)
        try:
            waiting.extend(sorted(filter(_is_worth_a_look, path.iterdir()), key=natural_key, reverse=True))
        except OSError:
            # A folder that may not be listed is reported like a file: nothing is dropped in silence.
            found[path] = None
    return list(found)


def _is_worth_a_look(path: Path) -> bool:
    return not path.name.startswith(".") and path.name.lower() not in _NOT_PICTURES


def natural_key(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Return a key that sorts names as people count: IM2 before IM10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def thumbnail_of(image: Image) -> np.ndarray:
    """Shrink a picture in its default window: uint8 (h, w) or (h, w, 3), at most 128 px a side, in true proportion."""
    display = to_display(image)
    height, width = image.rows * image.aspect_ratio, float(image.columns)
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    return _shrink(_shrink(display, rows, 0), columns, 1)


def _shrink(display: np.ndarray, count: int, axis: int) -> np.ndarray:
    """Average (or repeat) along an axis to ``count`` pixels."""
    size = display.shape[axis]
    if count >= size:
        repeated: np.ndarray = np.take(display, np.arange(count) * size // count, axis=axis)
        return repeated
    edges = np.arange(count) * size // count
    shape = [1] * display.ndim
    shape[axis] = count
    lengths = np.diff(np.append(edges, size)).reshape(shape)
    sums: np.ndarray = np.add.reduceat(display, edges, axis=axis, dtype=np.uint32)
    means: np.ndarray = np.floor_divide(sums, lengths).astype(np.uint8)
    return means
