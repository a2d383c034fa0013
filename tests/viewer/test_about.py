"""Help > About: the build, what it runs on, and the licences."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from pytestqt.qtbot import QtBot

from viewer import build, licences, paths
from viewer.desk.about import LOOKING, AboutDesk
from viewer.jobs import JobQueue
from viewer.licences import LicencesMissing, Notice
from viewer.settings import Settings
from viewer.widgets.about_window import AboutWindow
from viewer.widgets.main_window import MainWindow

PARTS = (
    Notice("Hilum", "0.1.0", "Apache-2.0", "One.\n\nTwo."),
    Notice("Noto fonts of Google", "", "OFL-1.1", "Font text."),
    Notice("torch", "2.13.0+cpu", "BSD-3-Clause AND MIT", "Name: value\n\n----------\n\nMore."),
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in the place of the resources."""
    build.commit.cache_clear()
    folder = tmp_path / "program" / "resources"
    folder.mkdir(parents=True)
    for module in (build, licences):
        monkeypatch.setattr(module, "resources", lambda: folder)
    return folder


@pytest.fixture(autouse=True)
def forget_commit() -> Iterator[None]:
    yield
    build.commit.cache_clear()


def done(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


# ------------------------------------------------------------------------------------------------------------- commit


def test_the_commit_is_what_the_build_wrote(elsewhere: Path):
    (elsewhere / "build.json").write_text(json.dumps({"commit": "v1.0-3-gabcdef0"}))
    assert build.commit() == "v1.0-3-gabcdef0"


@pytest.mark.parametrize("written", [None, "{", "[]", '{"date": 1}'])
def test_a_commit_that_nothing_tells_is_not_stated(elsewhere: Path, written: str | None):
    if written is not None:
        (elsewhere / "build.json").write_text(written)
    assert build.commit() == "not stated"


def test_in_a_checkout_git_is_asked(elsewhere: Path):
    git = ["git", "-C", str(elsewhere.parent), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert build.described_by_git() == ""
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    subprocess.run([*git, "tag", "v9"], check=True)
    assert build.described_by_git() == "v9"


# ----------------------------------------------------------------------------------------------------------- licences


def test_licences_are_read_as_they_were_written():
    text = licences.as_text(PARTS)
    assert licences.read_notices(text) == PARTS
    assert text.startswith("Hilum is made of these parts.")
    assert "\nNoto fonts of Google: OFL-1.1\n" in text


def test_the_text_of_the_build_comes_before_what_is_installed(elsewhere: Path):
    (elsewhere / "licences.txt").write_text(licences.as_text(PARTS), encoding="utf-8")
    assert done(licences.notices()) == PARTS


def test_an_installed_program_without_its_licences_says_so(elsewhere: Path):
    with pytest.raises(LicencesMissing, match="The text of the licences is missing: install the program again"):
        done(licences.notices())
    (elsewhere / "licences.txt").write_bytes(b"\f\xff\n")
    with pytest.raises(LicencesMissing, match="The text of the licences is damaged"):
        done(licences.notices())


def test_every_package_the_program_needs_is_there_with_its_licence():
    parts = {part.name: part for part in done(licences.collected())}
    assert {"Hilum", "Python", "numpy", "pydicom", "torch", "PySide6_Essentials", "shiboken6", "pypdfium2"} <= set(parts)
    assert [part.name for part in parts.values() if licences.NO_TEXT in part.text and part.name != "Python"] == []
    assert not {"pytest", "ruff", "mypy"} & set(parts)
    assert parts["numpy"].version == importlib.metadata.version("numpy")
    assert "Apache License" in parts["Hilum"].text


def test_qt_is_named_with_its_note_and_both_licences():
    text = licences.notice_of(importlib.metadata.distribution("PySide6-Essentials")).text
    assert text.startswith("Qt and its binding for Python (PySide6, shiboken6) are used under the GNU Lesser")
    assert "GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 3" in text
    assert "GNU GENERAL PUBLIC LICENSE\n                       Version 3" in text


def test_extras_and_what_is_left_out_bring_nothing_along():
    needed = licences.closure(["grad-cam==1.5.7", "pytest; extra == 'dev'", "no-such-package>=1"])
    assert {"grad-cam", "matplotlib", "numpy", "torch"} <= set(needed)
    assert "pytest" not in needed
    less = licences.closure(["grad-cam==1.5.7"], without=["Matplotlib"])
    assert {"matplotlib", "kiwisolver", "contourpy"}.isdisjoint(less)


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("a-1.dist-info/licenses/third_party/x/Apache-2.0.txt", True),
        ("a-1.dist-info/LICENSE", True),
        ("a/COPYING.LESSER", True),
        ("a-1.dist-info/METADATA", False),
        ("a/licenses/__init__.py", False),
        ("a/data/table.txt", False),
    ],
)
def test_the_text_of_a_licence_is_known_by_its_name_or_its_folder(file: str, counts: bool):
    assert licences.is_licence(PurePosixPath(file)) is counts


# ------------------------------------------------------------------------------------------------------------- window


def test_the_chosen_part_is_shown_as_plain_text(qtbot: QtBot):
    dialog = AboutWindow()
    qtbot.addWidget(dialog)
    dialog.licences.show_parts((*PARTS, Notice("rich", "1", "MIT", "<b>no markup</b>")))
    assert dialog.licences.text.toPlainText() == "Hilum 0.1.0\nLicence: Apache-2.0\n\nOne.\n\nTwo."
    dialog.licences.list.setCurrentRow(3)
    assert dialog.licences.text.toPlainText().endswith("<b>no markup</b>")


def test_about_tells_version_commit_libraries_device_and_licences(qtbot: QtBot, tmp_path: Path, hilum_home: Path):
    window = MainWindow()
    qtbot.addWidget(window)
    loading, reading = JobQueue(2, window), JobQueue(1, window)
    desk = AboutDesk(window, loading, reading, Settings(tmp_path / "settings.ini"))
    window.action("about").trigger()
    dialog = desk.dialog
    qtbot.waitUntil(lambda: LOOKING not in dialog.facts().values() and dialog.licences.list.count() > 20, timeout=60_000)
    facts = dialog.facts()
    assert facts["Version"] == paths.PROGRAM_VERSION
    assert facts["Python"] == platform.python_version()
    assert facts["PyTorch"] == importlib.metadata.version("torch")
    assert facts["Device"].startswith("Processor (") or "CUDA" in facts["Device"]
    assert facts["Settings and drafts"] == str(hilum_home)
    assert f"Commit: {build.commit()}" in dialog.text().splitlines()
    loading.shut_down()
    reading.shut_down()
