"""Make the Windows installer of a frozen tree, on Windows or on any other system that has makensis (Debian: nsis).

    python packaging/windows/make_installer.py dist/hilum [--version 0.1.0] [--out FILE] [--fast] [--sign COMMAND]

NSIS cannot hold more than 2 GB. A tree that is larger before compression is refused unless --large is given.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).resolve().parent))

from make_icon import write_icon

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = Path(__file__).with_name("hilum.nsi")
PROGRAM = "hilum.exe"
OURS = ("installed-files.txt", "uninstall.exe")
LARGEST_MB = 4000
"""What compresses to about 2 GB; makensis itself says so when it does not."""
LONGEST_PATH = 200
"""With a folder before it, this stays below the 260 signs that Windows allows without further ado."""
_NOT_IN_NAMES = set('*?[]"<>|:\\')
_PLACES = (r"C:\Program Files\NSIS\makensis.exe", r"C:\Program Files (x86)\NSIS\makensis.exe")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path, help="the folder that PyInstaller made, with hilum.exe at its top")
    parser.add_argument("--version", default=program_version())
    parser.add_argument("--out", type=Path, help="default: beside the tree")
    parser.add_argument("--fast", action="store_true", help="compress little, for trials")
    parser.add_argument("--target", help="amd64-unicode where makensis has it; its own default is x86-unicode")
    parser.add_argument("--sign", help="a command that signs the file whose name is put behind it")
    parser.add_argument("--large", action="store_true", help=f"try a tree of more than {LARGEST_MB:,} MB")
    asked = parser.parse_args()
    out = asked.out or asked.tree.resolve().parent / f"hilum-{asked.version}-windows-x64-setup.exe"
    try:
        files = listed(asked.tree)
        size_kb = sum((asked.tree / file).stat().st_size for file in files) // 1024
        if size_kb > LARGEST_MB * 1024 and not asked.large:
            raise NotPossible(f"The tree has {size_kb // 1024:,} MB, which is more than an NSIS installer can hold.")
        make(asked, files, size_kb, out.resolve())
    except NotPossible as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{out}: {len(files):,} files, {size_kb // 1024:,} MB, packed {out.stat().st_size / 1e6:,.1f} MB")
    return 0


class NotPossible(Exception):
    """Why there will be no installer, in a sentence."""


def program_version() -> str:
    """Return the version that the program says, read without importing it."""
    source = (ROOT / "viewer" / "paths.py").read_text(encoding="utf-8")
    found = re.search(r'^PROGRAM_VERSION = "(.+)"', source, re.MULTILINE)
    assert found
    return found[1]


def quad(version: str) -> str:
    """Return a version as the four numbers Windows compares by: "0.2.0rc1" is 0.2.0.0."""
    numbers = re.match(r"\d+(\.\d+){0,3}", version)
    if not numbers:
        raise NotPossible(f"A version begins with numbers and dots, and this is {version}.")
    return ".".join((numbers[0].split(".") + ["0"] * 3)[:4])


def listed(tree: Path) -> list[PurePosixPath]:
    """Return every file of the tree, relative and sorted; NotPossible for a tree or a name that cannot be installed."""
    if not (tree / PROGRAM).is_file():
        raise NotPossible(f"There is no {PROGRAM} in {tree}.")
    files = sorted(PurePosixPath(path.relative_to(tree).as_posix()) for path in tree.rglob("*") if path.is_file())
    for file in files:
        text = str(file)
        if _NOT_IN_NAMES & set(text) or any(part != part.rstrip(" .") for part in file.parts):
            raise NotPossible(f"Windows or makensis cannot take this name: {text}")
        if len(text) > LONGEST_PATH:
            raise NotPossible(f"This path has more than {LONGEST_PATH} signs: {text}")
        if text.lower() in OURS:
            raise NotPossible(f"{text} is a name that the installer needs for itself.")
    return files


def file_list(files: list[PurePosixPath], version: str) -> str:
    """Return the text the uninstaller deletes by: a heading, the files, then their folders with the inner ones first."""
    folders = {parent for file in files for parent in file.parents if parent.parts}
    inner_first = sorted(folders, key=lambda folder: (-len(folder.parts), folder))
    lines = [f"Hilum {version}: what was installed, and what is deleted by the uninstaller"]
    lines += [backslashed(file) for file in files] + [f"{backslashed(folder)}\\" for folder in inner_first]
    return "".join(f"{line}\r\n" for line in lines)


def instructions(tree: Path, files: list[PurePosixPath]) -> str:
    """Return the File instruction of each file, with the folder it goes to."""
    lines, folder = [], None
    for file in files:
        if file.parent != folder:
            folder = file.parent
            inner = f"\\{quoted(backslashed(folder))}" if folder.parts else ""
            lines.append(f'SetOutPath "$INSTDIR{inner}"')
        lines.append(f'File "/oname={quoted(file.name)}" "{tree / file}"')
    return "\n".join(lines) + "\n"


def backslashed(path: PurePosixPath) -> str:
    return str(path).replace("/", "\\")


def quoted(text: str) -> str:
    """Return a text as it stands between the quotation marks of an NSIS script."""
    return text.replace("$", "$$")


def make(asked: argparse.Namespace, files: list[PurePosixPath], size_kb: int, out: Path) -> None:
    """Run makensis."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        names = folder / "installed-files.txt"
        names.write_bytes(file_list(files, asked.version).encode("utf-16"))
        script = folder / "files.nsh"
        script.write_text(instructions(asked.tree.resolve(), files), encoding="utf-8-sig", newline="\n")
        write_icon(folder / "hilum.ico")
        defines = {
            "VERSION": asked.version,
            "VERSION_QUAD": quad(asked.version),
            "FILES": script,
            "FILE_LIST": names,
            "SIZE_KB": size_kb,
            "ICON": folder / "hilum.ico",
            "LICENSE": ROOT / "LICENSE",
            "OUT_FILE": out,
            **({"TARGET": asked.target} if asked.target else {}),
            **({"FAST": 1} if asked.fast else {}),
            **({"SIGN": asked.sign} if asked.sign else {}),
        }
        options = [f"-D{name}={value}" for name, value in defines.items()]
        # Names of files are UTF-8 to makensis only where the locale says so.
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        command = [find_makensis(), "-V2", "-WX", "-INPUTCHARSET", "UTF8", *options, str(SCRIPT)]
        if subprocess.run(command, env=environment, check=False).returncode:
            raise NotPossible("makensis did not make the installer; what it said stands above.")


def find_makensis() -> str:
    found = shutil.which("makensis") or next((place for place in _PLACES if Path(place).is_file()), None)
    if not found:
        raise NotPossible("makensis was not found. Debian: apt-get install nsis; Windows: choco install nsis.")
    return found


if __name__ == "__main__":
    sys.exit(main())
