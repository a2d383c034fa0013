"""Make of a frozen tree a Debian package and a portable archive.

    python packaging/linux/make_deb.py dist/hilum [--out FOLDER] [--fast]

writes hilum_VERSION_amd64.deb and hilum-VERSION-linux-x86_64.tar.zst; the version is the one that the program in the tree
says. Needs dpkg-deb and zstd; any Python from 3.11 on, no root.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLACE = Path("usr/lib/hilum")
"""Where the tree lies; /usr/bin/hilum is a link to its program."""

NEEDED = (
    "libegl1",
    "libgl1",
    "libwayland-client0",
    "libwayland-cursor0",
    "libwayland-egl1",
    "libxcb1",
    # Data that the libraries in the tree read: how text is set, what the keys are.
    "fontconfig-config",
    "xkb-data",
)
"""What is taken from the system besides the C library. All else is in the tree."""

CONTROL = """\
Package: hilum
Version: {version}
Architecture: amd64
Maintainer: The Hilum developers <hilum@localhost.invalid>
Installed-Size: {kilobytes}
Depends: libc6 (>= {libc}), {needed}
Recommends: shared-mime-info, desktop-file-utils, hicolor-icon-theme
Section: science
Priority: optional
Description: chest film viewer with a second reader that shows its evidence
 Hilum shows chest X-ray films with the right greys. Beside the film stands a
 second reader: a neural network that gives its probabilities with their
 intervals, a heat map, and the films on which it was right and wrong.
 .
 Research and education only. Not a medical device; not for diagnosis, triage
 or treatment decisions.
"""

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Hilum
Comment: The licences of every library, font and tool that is part of this
 package stand in /{place}/_internal/resources/licences.txt, with their texts.

Files: *
Copyright: the Hilum developers
License: Apache-2.0
 On Debian systems, the text of the Apache License 2.0 stands in
 /usr/share/common-licenses/Apache-2.0.

Files: {place}/_internal/PySide6/* {place}/_internal/shiboken6/*
Copyright: The Qt Company Ltd. and other contributors
License: LGPL-3.0-only
 They are linked dynamically and may be replaced by others with the same
 interface. On Debian systems, the text of the GNU Lesser General Public
 License 3 stands in /usr/share/common-licenses/LGPL-3.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path, help="the folder that PyInstaller made, with hilum at its top")
    parser.add_argument("--out", type=Path, help="default: beside the tree")
    parser.add_argument("--fast", action="store_true", help="compress little, for trials")
    asked = parser.parse_args()
    if not os.access(asked.tree / "hilum", os.X_OK):
        print(f"There is no program called hilum in {asked.tree}: run packaging/freeze.sh first.", file=sys.stderr)
        return 1
    out = (asked.out or asked.tree.resolve().parent).resolve()
    out.mkdir(parents=True, exist_ok=True)
    version = version_of(asked.tree)
    for made in (make_deb(asked.tree, version, out, asked.fast), make_archive(asked.tree, version, out, asked.fast)):
        print(f"{made}: {made.stat().st_size / 1e6:,.1f} MB")
    return 0


def version_of(tree: Path) -> str:
    """Return what the program in the tree answers to --version, without its name."""
    said = subprocess.run([tree.resolve() / "hilum", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[-1]


def make_deb(tree: Path, version: str, out: Path, fast: bool) -> Path:
    """Write the Debian package, and return its path."""
    package = out / f"hilum_{version}_amd64.deb"
    # Beside its outcome: on the same disk the tree is linked, not copied.
    with tempfile.TemporaryDirectory(dir=out, prefix="deb-") as folder:
        top = Path(folder)
        top.chmod(0o755)
        lay_out(tree, version, top)
        describe(version, top)
        packing = ["-Zzstd", "-z1"] if fast else ["-Zxz", "-z6"]
        subprocess.run(["dpkg-deb", "--root-owner-group", *packing, "--build", str(top), str(package)], check=True)
    return package


def lay_out(tree: Path, version: str, top: Path) -> None:
    """Put every file where it will lie, readable by all and writable by root alone."""
    place_tree(tree, top / PLACE)
    link = top / "usr/bin/hilum"
    link.parent.mkdir(parents=True)
    link.symlink_to(os.path.relpath(top / PLACE / "hilum", link.parent))
    share, documents = top / "usr/share", top / "usr/share/doc/hilum"
    place(HERE / "hilum.desktop", share / "applications/hilum.desktop")
    place(HERE / "hilum.svg", share / "icons/hicolor/scalable/apps/hilum.svg")
    place(ROOT / "packaging/ADMINISTRATORS.md", documents / "ADMINISTRATORS.md")
    write(documents / "copyright", COPYRIGHT.format(place=PLACE.as_posix()).encode())
    write(documents / "changelog.gz", gzip.compress((ROOT / "CHANGELOG.md").read_bytes(), mtime=0))
    manual = (HERE / "hilum.1").read_text(encoding="utf-8").replace("@VERSION@", version)
    write(share / "man/man1/hilum.1.gz", gzip.compress(manual.encode(), mtime=0))


def place_tree(tree: Path, target: Path) -> None:
    """Copy the tree with its links as links, as hard links where that can be: dpkg-deb only reads them."""
    shutil.copytree(tree, target, symlinks=True, copy_function=link_or_copy)


def link_or_copy(source: str, target: str) -> None:
    mode = Path(source).stat().st_mode
    wanted = 0o755 if mode & 0o100 else 0o644
    if mode & 0o777 == wanted:
        try:
            os.link(source, target)
            return
        except OSError:
            pass  # Another disk.
    shutil.copyfile(source, target)
    Path(target).chmod(wanted)


def place(source: Path, target: Path) -> None:
    write(target, source.read_bytes())


def write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(0o644)


def files_of(top: Path) -> Iterator[Path]:
    """Yield every plain file of the package in a fixed order."""
    for path in sorted(top.rglob("*")):
        if path.is_file() and not path.is_symlink() and "DEBIAN" not in path.relative_to(top).parts:
            yield path


def describe(version: str, top: Path) -> None:
    """Write what dpkg reads: what the package is and needs, and the digest of each file."""
    files = list(files_of(top))
    kilobytes = sum(-(-file.stat().st_size // 1024) for file in files)
    libc = platform.libc_ver()[1]
    control = CONTROL.format(version=version, kilobytes=kilobytes, libc=libc, needed=", ".join(NEEDED))
    write(top / "DEBIAN/control", control.encode())
    for path in top.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    sums = "".join(f"{digest(file)}  {file.relative_to(top).as_posix()}\n" for file in files)
    write(top / "DEBIAN/md5sums", sums.encode())


def digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def make_archive(tree: Path, version: str, out: Path, fast: bool) -> Path:
    """Write the portable archive: one folder, to be unpacked anywhere and started from there."""
    name = f"hilum-{version}"
    archive = out / f"{name}-linux-x86_64.tar.zst"
    level = ["-1"] if fast else ["-19", "--long=27"]
    with subprocess.Popen(["zstd", "-q", "-f", "-T0", *level, "-o", str(archive)], stdin=subprocess.PIPE) as packer:
        with tarfile.open(fileobj=packer.stdin, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            tar.add(tree, name, filter=of_nobody)
            tar.add(ROOT / "packaging/ADMINISTRATORS.md", f"{name}/ADMINISTRATORS.md", filter=of_nobody)
        assert packer.stdin is not None
        packer.stdin.close()
    if packer.returncode:
        raise SystemExit(f"{archive} could not be written.")
    return archive


def of_nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Take the builder's name off an entry, and let all read it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


if __name__ == "__main__":
    sys.exit(main())
