"""ZIP archives read in place: which members there are, and their bytes, without a file ever being written.

A member has the path ``archive.zip/inner/name.dcm``, which does not exist on disk. An archive's list of members is kept
for the last few archives; no handle is kept, so an archive may be moved or its disc ejected at any time. Nothing here is
changed after it is made, so that two threads may read at once.
"""

from __future__ import annotations

import io
from pathlib import Path

from viewer.errors import UnreadableFile, os_reason
from viewer.imaging.zip_directory import Archive, Member, looks_like_archive, members_of
from viewer.imaging.zip_members import forget_passwords, read_member

LARGEST_INNER_ARCHIVE_BYTES = 2**29

_KEPT_ARCHIVES = 4

# The last few archives, the newest last: 2,000 films of one must not parse its list 2,000 times.
_recent: dict[Path, Archive] = {}


def open_archive(path: Path) -> Archive:
    """Return an archive that lies on disk or in another one, with its members; from memory if it has not changed.

    Raises
    ------
    UnreadableFile
        If it is not there, is damaged, or states contents that no honest archive has.
    """
    if found := find_member(path):
        return _inner_archive(*found)
    try:
        status = path.stat()
        known = _recent.get(path)
        if known is None or (known.size, known.modified_ns) != (status.st_size, status.st_mtime_ns):
            with path.open("rb") as stream:
                members = members_of(path, stream, status.st_size)
            known = Archive(path, status.st_size, status.st_mtime_ns, members)
    except OSError as error:
        raise UnreadableFile(path, os_reason(error)) from error
    return _keep(known)


def forget_archives() -> None:
    """Let go of all that is kept in memory of archives: lists, archives inside others, passwords."""
    _recent.clear()
    forget_passwords()


def find_member(path: Path) -> tuple[Archive, Member] | None:
    """Return the archive a path leads into and the member it names, or None where no part of the path is an archive.

    Raises
    ------
    UnreadableFile
        If there is an archive and it is damaged, or it has no such member.
    """
    outermost = _file_above(path)
    if outermost is None:
        return None
    archive, name = open_archive(outermost), "/".join(path.parts[len(outermost.parts) :])
    if name in archive.members:
        return archive, archive.members[name]
    for at in (at for at, letter in enumerate(name) if letter == "/"):
        if holder := archive.members.get(name[:at]):
            inner = _inner_archive(archive, holder)
            if name[at + 1 :] in inner.members:
                return inner, inner.members[name[at + 1 :]]
    raise UnreadableFile(path, f"there is no such file in {outermost.name}")


def _file_above(path: Path) -> Path | None:
    """Return the ZIP archive on disk that the path leads into, if there is one."""
    try:
        existing = next((above for above in (path, *path.parents) if above.exists()), path)
        if existing == path or not existing.is_file():
            return None
        if existing in _recent:
            return existing
        with existing.open("rb") as stream:
            return existing if looks_like_archive(stream.read(132)) else None
    except (OSError, ValueError):
        return None


def _inner_archive(outer: Archive, member: Member) -> Archive:
    path = outer.path / member.name
    known = _recent.get(path)
    if known is not None and (known.size, known.modified_ns) == (member.size, outer.modified_ns):
        return _keep(known)
    if outer.contents is not None:
        raise UnreadableFile(path, "it is a ZIP archive two deep in others: unpack it first")
    if member.size > LARGEST_INNER_ARCHIVE_BYTES:
        raise UnreadableFile(path, "it is a ZIP archive in another one and larger than 512 MiB: unpack it first")
    contents = read_member(outer, member)
    members = members_of(path, io.BytesIO(contents), member.size)
    return _keep(Archive(path, member.size, outer.modified_ns, members, contents))


def _keep(archive: Archive) -> Archive:
    """Remember an archive as the newest; of those that lie in memory, only the newest stays."""
    _recent.pop(archive.path, None)
    kept = list(_recent.values())[-_KEPT_ARCHIVES + 1 :]
    for other in list(_recent.values()):
        if other not in kept or (archive.contents is not None and other.contents is not None):
            _recent.pop(other.path, None)
    _recent[archive.path] = archive
    return archive
