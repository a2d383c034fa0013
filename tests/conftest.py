"""What every test is given: a home of its own, no screen needed, and the shared films where they are."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from viewer.garbage import collect_by_hand, collect_what_is_due

ROOT = Path(__file__).resolve().parent.parent

if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session", autouse=True)
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what outlives one test (a window of a whole module, a child process) out of the user's own folder."""
    home = tmp_path_factory.mktemp("session-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HILUM_HOME", str(home))
        yield home


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Collect between tests and on this thread, as the program does: a window must not be deleted on that of a job."""
    collect_by_hand()
    yield
    collect_what_is_due()


@pytest.fixture(autouse=True)
def hilum_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty folder in the place of the user's own, beside ``tmp_path`` and not inside it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HILUM_HOME", str(home))
    monkeypatch.delenv("HILUM_POLICY", raising=False)
    return home


def shared_folder(name: str) -> Path:
    """Return a folder of shared films, or skip the test that asks for it where they are not."""
    shared = Path(os.environ.get("HILUM_SHARED") or ROOT.parent / "shared")
    if not (shared / name).is_dir():
        pytest.skip(f"needs the shared folder {name!r}: set HILUM_SHARED to where it lies")
    return shared / name


@pytest.fixture(scope="session")
def shared_dicom() -> Path:
    """Return the folder of DICOM files of every kind, with its manifest."""
    return shared_folder("dicom")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of chest films with truth, and their manifests."""
    return shared_folder("data")
