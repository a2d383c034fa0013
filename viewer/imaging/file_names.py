"""Names of files as people, discs and archives write them: their order, and what of them is safe to join to a path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_PASSED_OVER = {"thumbs.db", "desktop.ini", "__macosx"}
_VERSION = re.compile(r";\d+$")
_DRIVE = re.compile(r"^[A-Za-z]:")
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_DEVICE = re.compile(r"^(?=(con|prn|aux|nul|com\d|lpt\d)(\.|$))", re.IGNORECASE)


def natural_key(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Return a key that sorts names as people count: IM2 before IM10."""
    return _natural(path.name)


def natural_path_key(name: str) -> tuple[tuple[tuple[int, int | str], ...], ...]:
    """Return a key that sorts paths divided by ``/`` as folders opened one after another, each in natural order."""
    return tuple(_natural(part) for part in name.split("/"))


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def is_worth_a_look(name: str) -> bool:
    """Return whether a file or folder of this name may be meant to be opened: not hidden, not a system's own list."""
    return not name.startswith(".") and name.lower() not in _PASSED_OVER


def folded(name: str) -> str:
    """Return a name as ISO 9660 compares them: without case, version (``IM000001.;1``) and a dot at the end."""
    return _VERSION.sub("", name).rstrip(". ").casefold()


def is_dicomdir_name(name: str) -> bool:
    """Return whether a file's name is that of the list of files on a disc. References: DICOM PS3.10 8.6."""
    return folded(name) == "dicomdir"


def climbs_out(name: str) -> bool:
    """Return whether a path inside a container leads out of it: absolute, on a drive, or by ``..``."""
    return name.startswith(("/", "\\")) or bool(_DRIVE.match(name)) or ".." in re.split(r"[/\\]", name)


def parts_of(name: str) -> tuple[str, ...]:
    """Return the folders and the name of a path inside a container, either slash dividing them."""
    return tuple(part for part in re.split(r"[/\\]", name) if part not in ("", "."))


def inner_names(names: Sequence[str]) -> Iterator[str]:
    """Yield, for each name as an archive states it, a path that is safe to join, divided by ``/`` and there only once.

    Of a name that climbs out only the last part is left. A second one of the same name is numbered.
    """
    given: set[str] = set()
    for name in names:
        parts = parts_of(name)
        if climbs_out(name):
            parts = tuple(part for part in parts[-1:] if part != "..")
        clean = "/".join(map(_harmless, parts)) or "unnamed"
        unique = clean if clean not in given else _numbered(clean, given)
        given.add(unique)
        yield unique


def _harmless(part: str) -> str:
    """Return a name that no system reads as another one: as a device, as ``..`` where Windows drops a space behind it."""
    return _DEVICE.sub("_", _NOT_IN_NAMES.sub("_", part).rstrip(". ") or "_")


def _numbered(name: str, given: set[str]) -> str:
    stem, dot, suffix = name.rpartition(".")
    if not stem or "/" in suffix:
        stem, dot, suffix = name, "", ""
    number = 2
    while (numbered := f"{stem} ({number}){dot}{suffix}") in given:
        number += 1
    return numbered
