"""Drafts survive what a workstation does to them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from viewer.errors import ReportError
from viewer.reporting.drafts import DraftStore, draft_key
from viewer.reporting.report import ReportText

ROOT = Path(__file__).resolve().parents[2]
TEXT = ReportText("cough", "left lower opacity", "pneumonia\nfollow up — 肺炎")

KILLED_AFTER_SAVING = """
import os, signal, sys
from pathlib import Path
from viewer.reporting.drafts import DraftStore
from viewer.reporting.report import ReportText
store = DraftStore(Path(sys.argv[1]))
store.save("aa#0", ReportText("", "", "typed just before the end"))
os.kill(os.getpid(), signal.SIGKILL)
"""

DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from viewer.errors import ReportError
from viewer.reporting.drafts import DraftStore
from viewer.reporting.report import ReportText
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with DraftStore(Path(sys.argv[1])) as store:
    store.save("old#0", ReportText("", "", "kept"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        store.save("new#0", ReportText("", "", "x" * 1_000_000))
    except ReportError as error:
        print(error)
    print(store.load("old#0").impression)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "drafts.sqlite3"


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_saved_draft_is_there_again_after_reopening(database: Path) -> None:
    with DraftStore(database) as store:
        store.save("aa#0", TEXT)
    with DraftStore(database) as store:
        assert store.load("aa#0") == TEXT
        assert store.notice == ""


def test_a_film_without_a_draft_has_none(database: Path) -> None:
    with DraftStore(database) as store:
        assert store.load("aa#0") is None


def test_the_last_draft_of_a_film_wins(database: Path) -> None:
    with DraftStore(database) as store:
        store.save("aa#0", TEXT)
        store.save("aa#0", ReportText(impression="normal"))
        assert store.load("aa#0") == ReportText("", "", "normal")
        assert store.keys() == ("aa#0",)


def test_a_deleted_draft_is_gone_and_the_others_stay(database: Path) -> None:
    with DraftStore(database) as store:
        store.save("aa#0", TEXT)
        store.save("bb#0", TEXT)
        store.delete("aa#0")
        assert store.keys() == ("bb#0",)


def test_two_frames_of_one_film_have_a_draft_each() -> None:
    assert draft_key("ab12", 0) == "ab12#0"
    assert draft_key("ab12", 1) == "ab12#1"


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_a_draft_survives_kill_9(database: Path) -> None:
    killed = run_python(KILLED_AFTER_SAVING, str(database))
    assert killed.returncode == -9, killed.stderr
    with DraftStore(database) as store:
        assert store.load("aa#0") == ReportText("", "", "typed just before the end")
        assert store.notice == ""


@pytest.mark.parametrize("damage", [b"this is not a database, it is a letter" * 40, b"\0" * 4096])
def test_a_damaged_database_is_moved_aside_and_told(database: Path, damage: bytes) -> None:
    database.write_bytes(damage)
    with DraftStore(database) as store:
        assert "drafts.sqlite3.damaged-" in store.notice
        store.save("aa#0", TEXT)
    (aside,) = database.parent.glob("drafts.sqlite3.damaged-*")
    assert aside.read_bytes() == damage


def test_a_database_with_overwritten_pages_is_moved_aside(database: Path) -> None:
    with DraftStore(database) as store:
        for number in range(200):
            store.save(f"{number}#0", ReportText(findings="x" * 500))
    pages = bytearray(database.read_bytes())
    pages[8192:40960] = b"\x5a" * (40960 - 8192)
    database.write_bytes(pages)
    with DraftStore(database) as store:
        assert store.notice.startswith("The file of report drafts was damaged: it has been kept as")
        assert store.keys() == ()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ReportError, match="written by a newer Hilum"):
        DraftStore(database)
    assert not list(database.parent.glob("*damaged*"))


def test_a_folder_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"^The report drafts in drafts.sqlite3 could not be opened: .*\.$"):
        DraftStore(tmp_path / "missing" / "drafts.sqlite3")


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on file size is POSIX")
def test_a_full_disk_is_told_and_older_drafts_stay(database: Path) -> None:
    lines = run_python(DISK_FULL, str(database)).stdout.splitlines()
    assert lines == [
        "The report drafts in drafts.sqlite3 could not be written: the disk is full or does not answer.",
        "kept",
    ]


def test_writing_is_full_and_ahead_of_the_database(database: Path) -> None:
    with DraftStore(database) as store:
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_half_a_surrogate_pair_does_not_cost_the_draft(database: Path) -> None:
    with DraftStore(database) as store:
        store.save("aa#0", ReportText(impression="broken \ud83d paste"))
        assert store.load("aa#0") == ReportText("", "", "broken ? paste")
