"""A DICOMDIR, the list of the files on a disc: which files it names, and where they are.

A list is not trusted: it may name files that are gone, write names as ISO 9660 does, or try to lead out of its folder,
which is never followed.

References: DICOM PS3.3 F.3 (directory information), PS3.10 8 (file-sets, file IDs).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydicom.dataset import Dataset

from viewer.errors import UnreadableFile
from viewer.imaging.dataset_reading import find_sequence, quiet
from viewer.imaging.element_walk import ITEM, WALK_ERRORS
from viewer.imaging.file_names import climbs_out, folded, parts_of
from viewer.imaging.header import CONVERSION_ERRORS, clean, decoded

# MediaStorageSOPClassUID (0002,0002), UI of 20 bytes: Media Storage Directory Storage.
_DIRECTORY_CLASS = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10"
_RECORDS, _IN_USE, _FILE_ID = 0x00041220, 0x00041410, 0x00041500
_INACTIVE = b"\0\0"
# Eight parts of eight letters by the standard.
_LONGEST_NAME = 4096


@dataclass(frozen=True)
class FileSet:
    """What a DICOMDIR names, in its order and each once: ``names`` as folders and file below its own folder."""

    path: Path
    names: tuple[tuple[str, ...], ...]
    outside: tuple[str, ...]
    """Last parts of the names that lead out of the folder."""


class Child(NamedTuple):
    """What lies in a folder, on disk or in an archive."""

    path: Path
    is_folder: bool


def looks_like_dicomdir(head: bytes) -> bool:
    """Return whether the first 1,024 bytes are those of a DICOMDIR, whatever the file is called."""
    return head[128:132] == b"DICM" and _DIRECTORY_CLASS in head


def read_file_set(path: Path, stream: BinaryIO) -> FileSet:
    """Read the names a DICOMDIR gives.

    Raises
    ------
    UnreadableFile
        If it is damaged or names no file.
    """
    try:
        with quiet():
            names = tuple(dict.fromkeys(_names(path, stream)))
    except (*WALK_ERRORS, *CONVERSION_ERRORS) as error:
        raise UnreadableFile(path, "it is a damaged list of files") from error
    if not names:
        raise UnreadableFile(path, "it is a list of files, and names none")
    inside = tuple(dict.fromkeys(parts_of("/".join(name)) for name in names if not climbs_out("/".join(name))))
    outside = tuple(dict.fromkeys(_last(name) for name in names if climbs_out("/".join(name))))
    return FileSet(path, tuple(parts for parts in inside if parts), outside)


def _names(path: Path, stream: BinaryIO) -> Iterator[tuple[str, ...]]:
    size = stream.seek(0, os.SEEK_END)
    found = find_sequence(path, stream, _RECORDS)
    if found is None:
        return
    walk, end = found
    if end is not None and end > size:
        raise UnreadableFile(path, "it is a list of files and cut short; the files themselves open with their folder")
    record: dict[int, bytes] = {}
    for element in walk.flattened(end):
        if element.tag == ITEM:
            yield from _name(record)
            record = {}
        elif element.tag in (_FILE_ID, _IN_USE):
            stream.seek(element.start)
            record[element.tag] = stream.read(min(element.end - element.start, _LONGEST_NAME))
    yield from _name(record)


def _name(record: dict[int, bytes]) -> Iterator[tuple[str, ...]]:
    """Yield the folders and the name a record states, nothing where it states none or is not in use."""
    stated = record.get(_FILE_ID, b"").decode("latin-1")
    if stated.strip("\0 \\") and record.get(_IN_USE) != _INACTIVE:
        yield tuple(clean(decoded(part, Dataset())) for part in stated.split("\\"))


def _last(name: tuple[str, ...]) -> str:
    parts = [part for part in parts_of("/".join(name)) if part != ".."]
    return parts[-1] if parts else "a file"


def find_files(file_set: FileSet, children: Callable[[Path], Mapping[str, Child]]) -> tuple[Path | None, ...]:
    """Return where each file of a set is, None where it is gone; names are compared as ISO 9660 does.

    Parameters
    ----------
    children
        What lies directly in a folder, by :func:`~viewer.imaging.file_names.folded` name; nothing for what is no folder.
    """
    known: dict[Path, Mapping[str, Child]] = {}
    return tuple(_find(file_set.path.parent, name, children, known) for name in file_set.names)


def _find(
    folder: Path, name: tuple[str, ...], children: Callable[[Path], Mapping[str, Child]], known: dict[Path, Mapping[str, Child]]
) -> Path | None:
    child = Child(folder, is_folder=True)
    for part in name:
        if child.path not in known:
            known[child.path] = children(child.path) if child.is_folder else {}
        found = known[child.path].get(folded(part))
        if found is None:
            return None
        child = found
    return None if child.is_folder else child.path


def missing_sentences(file_set: FileSet, found: tuple[Path | None, ...]) -> tuple[tuple[Path, str], ...]:
    """Return path and whole sentence of each file the list names and that is not opened: gone, or out of its folder."""
    told = [_outside(file_set, name) for name in file_set.outside]
    if not any(found) and len(found) > 1:
        reason = f"it lists {len(found):,} files, and none of them is here; open the whole disc or folder instead"
        return (*told, (file_set.path, str(UnreadableFile(file_set.path, reason))))
    gone = [name for name, place in zip(file_set.names, found, strict=True) if place is None]
    return (*told, *(_gone(file_set, name) for name in gone))


def _gone(file_set: FileSet, name: tuple[str, ...]) -> tuple[Path, str]:
    path = file_set.path.parent.joinpath(*name)
    return path, str(UnreadableFile(path, f"{file_set.path.name} lists {'/'.join(name)}, but there is no such file"))


def _outside(file_set: FileSet, name: str) -> tuple[Path, str]:
    # Below the list itself: this path is only for show, and must never name a file that is there.
    path = file_set.path / name
    reason = f"{file_set.path.name} names it in a place outside of its own folder, and such a name is not followed"
    return path, str(UnreadableFile(path, reason))
