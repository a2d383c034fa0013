"""Where the bytes of a film come from: files and folders on disk, lists of files on discs, members of ZIP archives.

:func:`list_sources` says which files there are in what was dropped; :func:`open_source` and :func:`read_source` read one
of them, wherever it lies. A path into a ZIP archive goes on behind the archive's name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from viewer.errors import UnreadableFile, os_reason
from viewer.imaging.archives import find_member, open_archive
from viewer.imaging.dicomdir import Child, FileSet, find_files, looks_like_dicomdir, missing_sentences, read_file_set
from viewer.imaging.file_names import folded, is_dicomdir_name, is_worth_a_look, natural_key
from viewer.imaging.image import NotOpened, OpenProgress
from viewer.imaging.zip_directory import Archive, looks_like_archive
from viewer.imaging.zip_members import open_member, password_of, read_member, typed_passwords

LARGEST_FILE_BYTES = 2**32
LARGEST_LIST_BYTES = 2**28

_HEAD_BYTES = 1024

# -------------------------------------------------------------------------------------------------------- one source


def source_status(path: Path) -> tuple[int, int]:
    """Return size in bytes and time of the last change in nanoseconds: a film that keeps both is taken as unchanged.

    Raises
    ------
    UnreadableFile
        If it is not there, is no file, is empty, or larger than 4 GiB.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        found = find_member(path)
        if found is None:
            raise UnreadableFile(path, os_reason(error)) from error
        size, modified_ns = found[1].size, found[0].modified_ns
    except OSError as error:
        raise UnreadableFile(path, os_reason(error)) from error
    except ValueError as error:
        raise UnreadableFile(path, "its name is not one a file can have") from error
    else:
        _refuse_other_than_file(path, status.st_mode)
        size, modified_ns = status.st_size, status.st_mtime_ns
    if size == 0:
        raise UnreadableFile(path, "it is empty (0 bytes)")
    if size > LARGEST_FILE_BYTES:
        raise UnreadableFile(path, "it is larger than 4 GiB")
    return size, modified_ns


def _refuse_other_than_file(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableFile(path, "it is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise UnreadableFile(path, "it is not an ordinary file")


def open_source(path: Path) -> BinaryIO:
    """Open a file on disk or in an archive for reading and seeking; of an archive no more is unpacked than is read.

    Raises
    ------
    UnreadableFile
        If it is not there, may not be read, is damaged, or its archive needs a password. Reading raises it too where
        the file lies in an archive, and OSError where it lies on disk.
    """
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        found = find_member(path)
        if found is None:
            raise UnreadableFile(path, os_reason(error)) from error
    except OSError as error:
        raise UnreadableFile(path, os_reason(error)) from error
    return open_member(*found)


def read_source(path: Path) -> bytes:
    """Return the whole of a file on disk or in an archive, the latter checked against its checksum.

    Raises
    ------
    UnreadableFile
        As :func:`open_source`, and if it does not fit into memory.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        found = find_member(path)
        if found is None:
            raise UnreadableFile(path, os_reason(error)) from error
    except OSError as error:
        raise UnreadableFile(path, os_reason(error)) from error
    except MemoryError as error:
        raise UnreadableFile(path, "there is not enough memory to read it") from error
    return read_member(*found)


# ------------------------------------------------------------------------------------------------------ many of them


@dataclass(frozen=True)
class PasswordNeeded:
    """An archive whose files are encrypted: none was listed, for want of a password or because it was wrong."""

    path: Path
    was_wrong: bool


@dataclass(frozen=True)
class Listing:
    """The files found, each once, in the order they are to be opened; and what could not be looked into, and why."""

    files: tuple[Path, ...]
    not_opened: tuple[NotOpened, ...]


@dataclass
class _Found:
    """A listing while it grows."""

    files: dict[Path, Path] = field(default_factory=dict)
    not_opened: dict[Path, NotOpened] = field(default_factory=dict)
    entered: set[Path] = field(default_factory=set)
    lists: list[Path] = field(default_factory=list)

    def add(self, path: Path) -> None:
        self.files.setdefault(path.absolute(), path)

    def refuse(self, path: Path, sentence: str) -> None:
        self.not_opened.setdefault(path.absolute(), NotOpened(path, sentence))


_Kind = Literal["dropped", "folder", "file"]


def list_sources(paths: Sequence[Path]) -> Generator[OpenProgress | PasswordNeeded, None, Listing]:
    """List the files in what was dropped: folders of any depth, ZIP archives, the files a DICOMDIR names.

    What was dropped itself is known by its content. In folders, ZIP archives are known by their suffix and then their
    content, so that not every file has to be opened twice; hidden files and the lists of systems are passed over, and a
    loop of links is entered once. A DICOMDIR that was dropped gives what it lists, in its order; one that is met in a
    folder or an archive only tells which files are gone. A password that is set while ``PasswordNeeded`` is being
    looked at is tried at once; else the archive is listed as not opened.
    """
    found = _Found()
    waiting: list[tuple[Path, _Kind]] = [(Path(path), "dropped") for path in reversed(paths)]
    while waiting:
        path, kind = waiting.pop()
        if kind == "folder" or (kind == "dropped" and _is_folder(path)):
            yield OpenProgress(0, 0, path.name)
            waiting.extend(reversed(_children(found, path)))
        else:
            yield from _look_at(found, path, kind == "dropped")
    for path in found.lists:
        yield OpenProgress(0, 0, path.name)
        _report_missing(found, path)
    return Listing(tuple(found.files.values()), tuple(found.not_opened.values()))


def _is_folder(path: Path | os.DirEntry[str]) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _children(found: _Found, folder: Path) -> list[tuple[Path, _Kind]]:
    """Return what a folder holds, in natural order; nothing where it was entered before, by another way."""
    try:
        real = folder.resolve()
        if real in found.entered:
            return []
        found.entered.add(real)
        with os.scandir(folder) as entries:
            shown = [entry for entry in entries if is_worth_a_look(entry.name)]
        kinds: dict[Path, _Kind] = {folder / entry.name: "folder" if _is_folder(entry) else "file" for entry in shown}
    except (OSError, RuntimeError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "its links lead round in a circle"
        found.refuse(folder, str(UnreadableFile(folder, reason)))
        return []
    return [(path, kinds[path]) for path in sorted(kinds, key=natural_key)]


def _look_at(found: _Found, path: Path, is_dropped: bool) -> Generator[OpenProgress | PasswordNeeded, None, None]:
    may_hold_others = is_dropped or _is_archive_name(path) or is_dicomdir_name(path.name)
    head = _head(path) if may_hold_others else b""
    if looks_like_archive(head):
        yield from _list_archive(found, path)
    elif not looks_like_dicomdir(head):
        found.add(path)
    elif is_dropped:
        _add_listed(found, path)
    else:
        found.lists.append(path)


def _is_archive_name(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _head(path: Path) -> bytes:
    try:
        # Before it is opened: to open a pipe is to wait for whoever writes into it.
        source_status(path)
        with open_source(path) as stream:
            return stream.read(_HEAD_BYTES)
    except (UnreadableFile, OSError):
        # The reader meets the same and says so.
        return b""


def _list_archive(found: _Found, path: Path) -> Generator[OpenProgress | PasswordNeeded, None, None]:
    if path.absolute() in found.entered:
        return
    found.entered.add(path.absolute())
    yield OpenProgress(0, 0, path.name)
    try:
        archive = open_archive(path)
        is_locked = yield from _is_locked(archive)
    except UnreadableFile as error:
        found.refuse(path, str(error))
        return
    if archive.is_document:
        found.add(path)
        return
    if is_locked:
        fault = "the password that was given does not fit" if typed_passwords(path) else "no password was given"
        found.refuse(path, str(UnreadableFile(path, f"it is encrypted, and {fault}")))
    if not archive.members:
        found.refuse(path, str(UnreadableFile(path, "it is a ZIP archive with nothing in it")))
    for name, member in archive.members.items():
        if not all(map(is_worth_a_look, name.split("/"))) or (member.is_encrypted and is_locked):
            continue
        inner = path / name
        if member.problem:
            found.refuse(inner, str(UnreadableFile(inner, member.problem)))
        else:
            yield from _look_at(found, inner, False)


def _is_locked(archive: Archive) -> Generator[PasswordNeeded, None, bool]:
    """Ask for a password where one is needed, again where a wrong one is set meanwhile; True where none fits."""
    if archive.is_document or not archive.encrypted:
        return False
    asked: set[tuple[bytes, ...]] = set()
    while password_of(archive) is None:
        typed = typed_passwords(archive.path)
        if typed in asked:
            return True
        asked.add(typed)
        yield PasswordNeeded(archive.path, was_wrong=bool(typed))
    return False


# ----------------------------------------------------------------------------------------------------- lists of files


def _read_list(path: Path) -> FileSet:
    size, _ = source_status(path)
    if size > LARGEST_LIST_BYTES:
        raise UnreadableFile(path, "it is a list of files larger than 256 MiB")
    with open_source(path) as stream:
        return read_file_set(path, stream)


def _add_listed(found: _Found, path: Path) -> None:
    """Add what a DICOMDIR lists, in its order."""
    for listed in _report_missing(found, path):
        found.add(listed)


def _report_missing(found: _Found, path: Path) -> list[Path]:
    """Tell which files a DICOMDIR lists that are gone; return those that are there."""
    try:
        file_set = _read_list(path)
        holder = find_member(path)
        inside = _children_in(holder[0]) if holder else {}
        places = find_files(file_set, lambda folder: inside.get(folder, {}) if holder else _children_on_disk(folder))
    except UnreadableFile as error:
        found.refuse(path, str(error))
        return []
    for gone, sentence in missing_sentences(file_set, places):
        found.refuse(gone, sentence)
    return [place for place in places if place is not None]


def _children_on_disk(folder: Path) -> Mapping[str, Child]:
    """Return what lies directly in a folder by its folded name; nothing where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return {folded(entry.name): Child(folder / entry.name, _is_folder(entry)) for entry in entries}
    except OSError:
        return {}


def _children_in(archive: Archive) -> dict[Path, dict[str, Child]]:
    """Return, for each folder of an archive, what lies directly in it by its folded name."""
    children: dict[Path, dict[str, Child]] = {}
    for name in archive.members:
        folder = archive.path
        for part in name.split("/"):
            is_folder = folder / part != archive.path / name
            children.setdefault(folder, {}).setdefault(folded(part), Child(folder / part, is_folder))
            folder = folder / part
    return children
