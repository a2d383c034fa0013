"""One file, or a member of an archive, to Images: DICOM by its content, not by its name; one frame of many."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from viewer.errors import UnreadableFile, UnsupportedFile, os_reason
from viewer.imaging import dicom_file, picture_reader
from viewer.imaging.dataset_reading import looks_like_dicom
from viewer.imaging.dicom_reader import FrameFacts, facts_of, image_of, instances_of
from viewer.imaging.image import Image, Instance
from viewer.imaging.sources import open_source, read_source, source_status

_HEAD_BYTES = 132
# A ZIP archive that is met here has another suffix, or lies too deep in others.
_PACKED = {b"PK\x03\x04": "a ZIP archive or an office document", b"Rar!\x1a\x07": "a RAR archive",
           b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive", b"\x1f\x8b": "a gzip archive"}  # fmt: skip


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
    size, _ = source_status(path)
    try:
        with open_source(path) as stream:
            head = stream.read(_HEAD_BYTES)
            if _kind(path, head) == "dicom":
                stream.seek(0)
                return instances_of(dicom_file.parse_header(path, stream, size))
    except OSError as error:
        raise UnreadableFile(path, os_reason(error)) from error
    return picture_reader.picture_instances(path, read_source(path))


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
    key = source_status(path)
    for known in list(_last_multiframe):
        if known.path == path and known.key == key:
            return known
    data = read_source(path)
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
    if looks_like_dicom(head):
        return "dicom"
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            raise UnsupportedFile(path, f"it is {name}, which is not looked into here: unpack it first")
    raise UnsupportedFile(path, "it is neither a DICOM file nor a PNG, JPEG, TIFF, WebP or BMP picture")
