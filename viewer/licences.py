"""The licences of what the program is made of: collected from what is installed, kept as one text in an installed program.

The text is made by ``packaging/licences.py`` when the program is built; from source it is collected when it is asked for.
A part begins at a form feed; its first three lines are its name, its version and its licence, and its text follows.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
import sysconfig
import tomllib
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from viewer.errors import ViewerError
from viewer.paths import PROGRAM_VERSION, resources

QT_NOTE = (
    "Qt and its binding for Python (PySide6, shiboken6) are used under the GNU Lesser General Public License, version 3, which "
    "stands below with the GNU General Public License that it refers to.\n\n"
    "They are linked dynamically: their libraries lie as files of their own in the folders PySide6 and shiboken6 of the "
    "program, have not been changed, and may be replaced by others with the same interface. Their source is at "
    "https://download.qt.io/official_releases/qt/ and https://download.qt.io/official_releases/QtForPython/.\n\n"
    "What Qt itself contains of others, and under which licences, is listed at "
    "https://doc.qt.io/qt-6/licenses-used-in-qt.html."
)

NO_TEXT = "This package brings no text of its licence; its own description names the one above."

_LGPL = ("LGPL-3.0.txt", "GPL-3.0.txt")
_NOTES = {"pyside6-essentials": QT_NOTE, "shiboken6": QT_NOTE}
_ABOUT_FONTS = "Noto fonts and WenQuanYi Micro Hei"
_FONT_LICENCES = "OFL-1.1, Apache-2.0"
_TITLES = ("license", "licence", "copying", "copyright", "notice")
_FOLDERS = ("license", "licenses", "licence", "licences")
_CODE = (".py", ".pyc", ".pyi", ".h", ".json", ".so", ".pyd")
_SEPARATOR, _VERSION, _LICENCE = "\f", "Version: ", "Licence: "


@dataclass(frozen=True)
class Notice:
    """One part of the program by others (the first: the program itself), its licence in a word, and the licence's text."""

    name: str
    version: str
    licence: str
    text: str

    @property
    def title(self) -> str:
        """Return name and version."""
        return f"{self.name} {self.version}".strip()


class LicencesMissing(ViewerError):
    """The text of the licences is not there, and cannot be collected."""


def licences_file() -> Path:
    """Return the resource that holds all licences in an installed program."""
    return resources() / "licences.txt"


def notices() -> Generator[str, None, tuple[Notice, ...]]:
    """Return the licences of this program: as they were written when it was built, else collected now.

    Raises
    ------
    LicencesMissing
        If the text is damaged, or is missing in an installed program.
    """
    yield "Reading the licences"
    try:
        return read_notices(licences_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return (yield from collected())
    except (OSError, ValueError) as error:
        raise LicencesMissing("The text of the licences is damaged: install the program again.") from error


def read_notices(text: str) -> tuple[Notice, ...]:
    """Read what :func:`as_text` wrote; ValueError for another text."""
    return tuple(_read(part) for part in text.split(_SEPARATOR)[1:])


def _read(part: str) -> Notice:
    name, version, licence, text = part.lstrip("\n").split("\n", 3)
    return Notice(name, version.removeprefix(_VERSION), licence.removeprefix(_LICENCE), text.strip("\n"))


def as_text(parts: Sequence[Notice]) -> str:
    """Return licences as one text, a list of them first."""
    contents = "\n".join(f"{part.title}: {part.licence}" for part in parts)
    head = f"Hilum is made of these parts. The text of each licence stands below.\n\n{contents}\n"
    bodies = (
        f"{_SEPARATOR}\n{part.name}\n{_VERSION}{part.version}\n{_LICENCE}{part.licence}\n\n{part.text}\n" for part in parts
    )
    return head + "".join(bodies)


# --------------------------------------------------------------------------------------------------------- collecting


def collected(without: Collection[str] = (), also: Collection[str] = ()) -> Generator[str, None, tuple[Notice, ...]]:
    """Collect the licences of all that the program needs to run, from what is installed here.

    Parameters
    ----------
    without
        Names of packages that are left out of the build, with what only they need.
    also
        Names of packages that leave something of theirs in the build, though the program does not need them to run.

    Raises
    ------
    LicencesMissing
        If this is no checkout: what the program needs is not stated anywhere then.
    """
    parts = [_own(), _python(), _fonts()]
    for name in [*closure(_roots(), without), *(normal(name) for name in also)]:
        yield f"Reading the licence of {name}"
        parts.append(notice_of(importlib.metadata.distribution(name)))
    return tuple(parts)


def closure(requirements: Sequence[str], without: Collection[str] = ()) -> list[str]:
    """Return the names of the packages that requirements need and that are installed, each once, in alphabetical order.

    What a system does not need is not installed there; that settles every condition of a requirement but its extras.
    """
    left_out = {normal(name) for name in without}
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement, _, condition = waiting.pop().partition(";")
        name = normal(re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0])
        if name in found or name in left_out or "extra" in condition:
            continue
        try:
            waiting.extend(importlib.metadata.distribution(name).requires or [])
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
    return sorted(found)


def normal(name: str) -> str:
    """Return the name of a package as it is compared: small letters, hyphens (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def notice_of(package: importlib.metadata.Distribution) -> Notice:
    """Return the licence of one installed package, with every text that it brings along."""
    texts = dict.fromkeys(_plain(_read_part(package, file)) for file in _licence_files(package))
    whole = "\n\n----------\n\n".join(filter(None, texts))
    note = _NOTES.get(normal(package.name))
    if note:
        whole = "\n\n".join([note, *(_plain(_text(resources() / "licences" / name)) for name in _LGPL), whole]).strip()
    return Notice(package.name, package.version, _licence_word(package), whole or NO_TEXT)


def _licence_files(package: importlib.metadata.Distribution) -> list[importlib.metadata.PackagePath]:
    return [file for file in package.files or [] if is_licence(PurePosixPath(file))]


def is_licence(file: PurePosixPath) -> bool:
    """Return whether a file of a package is the text of a licence, by its name or that of its folder."""
    if file.suffix.lower() in _CODE:
        return False
    is_filed = any(part.lower() in _FOLDERS or part.upper() == "BUILD_LICENSES" for part in file.parts[:-1])
    return is_filed or file.name.lower().startswith(_TITLES)


def _read_part(package: importlib.metadata.Distribution, file: importlib.metadata.PackagePath) -> str:
    return _text(Path(str(package.locate_file(file))))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        # A record of what was installed may name a file that somebody has taken away.
        return ""


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace(_SEPARATOR, "").strip("\n")


def _licence_word(package: importlib.metadata.Distribution) -> str:
    """Return what a package calls its licence: an SPDX expression, a classifier, or the first line of what it says."""
    facts = {name.lower(): str(value) for name, value in package.metadata.json.items() if isinstance(value, str)}
    classifiers = package.metadata.get_all("Classifier") or []
    stated = [str(entry).rpartition("::")[2].strip() for entry in classifiers if "License ::" in entry]
    first_line = facts.get("license", "").strip().partition("\n")[0].strip(" =")
    word = facts.get("license_expression") or ", ".join(stated) or first_line or "see its text"
    return " ".join(word.split())


def _roots() -> list[str]:
    """Return what the program itself needs, as its pyproject.toml says."""
    try:
        project = tomllib.loads((resources().parent / "pyproject.toml").read_text(encoding="utf-8"))
        return [str(requirement) for requirement in project["project"]["dependencies"]]
    except (OSError, ValueError, KeyError) as error:
        raise LicencesMissing("The text of the licences is missing: install the program again.") from error


def _own() -> Notice:
    text = _plain(_text(resources().parent / "LICENSE"))
    return Notice("Hilum", PROGRAM_VERSION, "Apache-2.0", text or NO_TEXT)


def _python() -> Notice:
    places = (Path(sys.base_prefix) / "LICENSE.txt", Path(sysconfig.get_path("stdlib")) / "LICENSE.txt")
    text = next(filter(None, map(_text, places)), "")
    return Notice("Python", platform.python_version(), "PSF-2.0", _plain(text) or NO_TEXT)


def _fonts() -> Notice:
    folder = resources() / "fonts"
    files = [folder / "README.md", *sorted(folder.glob("LICENSE-*.txt"))]
    text = "\n\n----------\n\n".join(_plain(_text(file)) for file in files)
    return Notice(_ABOUT_FONTS, "", _FONT_LICENCES, text or NO_TEXT)
