"""The Debian package and the portable archive of a tree that only looks like a frozen one; .ci/release tries the real one."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = ROOT / "packaging" / "linux" / "make_deb.py"
pytestmark = pytest.mark.skipif(not (shutil.which("dpkg-deb") and shutil.which("zstd")), reason="needs dpkg-deb and zstd")


def ran(*command: str | Path) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with both packages of a tree whose files nobody but their owner may read."""
    tree = tmp_path_factory.mktemp("影像 station") / "hilum"
    (tree / "_internal").mkdir(parents=True)
    (tree / "hilum").write_text("#!/bin/sh\necho hilum 7.8.9\n")
    (tree / "hilum").chmod(0o700)
    (tree / "_internal" / "libqt.so.6").write_bytes(b"library")
    (tree / "_internal" / "libqt.so.6").chmod(0o600)
    (tree / "_internal" / "libqt.so").symlink_to("libqt.so.6")
    ran(sys.executable, MAKE, tree, "--out", tree.parent, "--fast")
    return tree.parent


@pytest.fixture(scope="module")
def package(made: Path) -> dict[str, tarfile.TarInfo]:
    """Return what the package puts where."""
    with tarfile.open(fileobj=BytesIO(ran("dpkg-deb", "--fsys-tarfile", made / "hilum_7.8.9_amd64.deb"))) as tar:
        return {entry.name.removeprefix("./"): entry for entry in tar}


def test_the_version_is_the_one_that_the_program_says(made: Path):
    assert ran("dpkg-deb", "--field", made / "hilum_7.8.9_amd64.deb", "Version") == b"7.8.9\n"


def test_all_belongs_to_root_and_can_be_read_but_not_written_by_others(package: dict[str, tarfile.TarInfo]):
    assert {(entry.uname, entry.gname) for entry in package.values()} == {("root", "root")}
    modes = {name: entry.mode for name, entry in package.items() if not entry.issym()}
    assert modes["usr/lib/hilum/hilum"] == 0o755
    assert modes["usr/lib/hilum/_internal/libqt.so.6"] == 0o644
    assert set(modes.values()) == {0o755, 0o644}


def test_links_stay_links_and_the_program_is_on_the_path(package: dict[str, tarfile.TarInfo]):
    assert package["usr/lib/hilum/_internal/libqt.so"].linkname == "libqt.so.6"
    assert package["usr/bin/hilum"].linkname == "../lib/hilum/hilum"


def test_the_desktop_is_told_and_a_manual_is_there(package: dict[str, tarfile.TarInfo]):
    told = {"applications/hilum.desktop", "icons/hicolor/scalable/apps/hilum.svg", "man/man1/hilum.1.gz"}
    documents = {"doc/hilum/copyright", "doc/hilum/changelog.gz", "doc/hilum/ADMINISTRATORS.md"}
    assert {f"usr/share/{name}" for name in told | documents} <= set(package)


def test_dpkg_can_verify_every_file(made: Path, package: dict[str, tarfile.TarInfo]):
    sums = ran("dpkg-deb", "--ctrl-tarfile", made / "hilum_7.8.9_amd64.deb")
    with tarfile.open(fileobj=BytesIO(sums)) as tar:
        listed = dict(reversed(line.split("  ")) for line in tar.extractfile("./md5sums").read().decode().splitlines())
    assert set(listed) == {name for name, entry in package.items() if entry.isfile()}
    assert listed["usr/lib/hilum/_internal/libqt.so.6"] == hashlib.md5(b"library").hexdigest()


def test_the_portable_archive_is_one_folder_with_the_administrators_page(made: Path):
    packed = ran("zstd", "-dc", made / "hilum-7.8.9-linux-x86_64.tar.zst")
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        modes = {entry.name: entry.mode for entry in tar if entry.isfile()}
    assert modes == {
        "hilum-7.8.9/hilum": 0o755,
        "hilum-7.8.9/_internal/libqt.so.6": 0o644,
        "hilum-7.8.9/ADMINISTRATORS.md": 0o644,
    }


def test_a_folder_without_the_program_is_refused(tmp_path: Path):
    refused = subprocess.run([sys.executable, MAKE, tmp_path], check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "There is no program called hilum" in refused.stderr
