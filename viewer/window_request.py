"""What a window is asked to open, from the words of a command line. No Qt: it is read before anything is loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from viewer.errors import ViewerError

LONGEST_UID = 64
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")


class WrongUse(ViewerError):
    """A command line that contradicts itself or names what there is not."""


@dataclass(frozen=True)
class StudyRequest:
    """A study that is to be brought from a server, or one series of it."""

    study_uid: str
    server: str
    series_uid: str = ""


@dataclass(frozen=True)
class WindowRequest:
    """What is to be opened, and whether in a window of its own; ``paths`` are absolute."""

    paths: tuple[Path, ...] = ()
    study: StudyRequest | None = None
    sample: bool = False
    new_window: bool = False

    @property
    def is_shared(self) -> bool:
        """Return whether a window that is open already may take it."""
        return not (self.sample or self.new_window)


def parse_request(arguments: Sequence[str]) -> WindowRequest:
    """Return what the words ask for; paths are taken from the present folder.

    Raises
    ------
    WrongUse
        If an option is not known, lacks its value, or a UID is none.
    """
    paths, values, flags = _sorted(arguments)
    study_uid, server, series_uid = (values.get(name, "") for name in _VALUED)
    if bool(study_uid) != bool(server) or (series_uid and not study_uid):
        raise WrongUse("A study needs both --study-uid UID and --from SERVER.")
    for name, uid in (("--study-uid", study_uid), ("--series-uid", series_uid)):
        if uid and not is_uid(uid):
            raise WrongUse(f"What follows {name} is no UID: digits and dots, {LONGEST_UID} signs at most.")
    study = StudyRequest(study_uid, server, series_uid) if study_uid else None
    return WindowRequest(tuple(Path(path).absolute() for path in paths), study, "--sample" in flags, "--new-window" in flags)


def is_uid(text: str) -> bool:
    """Return whether a text can be a UID (PS3.5 9.1); a part may begin with 0, as some devices write it."""
    return len(text) <= LONGEST_UID and _UID.fullmatch(text) is not None


_VALUED = ("--study-uid", "--from", "--series-uid")
_FLAGS = ("--sample", "--new-window")


def _sorted(arguments: Sequence[str]) -> tuple[list[str], dict[str, str], set[str]]:
    """Return the paths, the values by option, and the flags; behind ``--`` everything is a path."""
    paths: list[str] = []
    values: dict[str, str] = {}
    flags: set[str] = set()
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            return [*paths, *waiting], values, flags
        if name in _VALUED:
            values[name] = value if equals else waiting.pop(0) if waiting else ""
            if not values[name]:
                raise WrongUse(f"{name} needs a value; see --help.")
        elif word in _FLAGS:
            flags.add(word)
        elif word.startswith("-"):
            raise WrongUse(f"There is no option {word}; see --help.")
        elif word:
            paths.append(word)
    return paths, values, flags
