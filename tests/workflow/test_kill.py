"""What was typed survives a program that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from viewer import app
from viewer.imaging.phantom import write_film

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX word")
def test_a_typed_impression_is_there_again_after_kill_9(program: app.Program, qtbot: QtBot, tmp_path: Path) -> None:
    film = tmp_path / "film.dcm"
    write_film(film, rows=600, columns=500)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    script = Path(__file__).with_name("typed_then_killed.py")
    died = subprocess.run([sys.executable, script, film], env=environment, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    program.films.open([film])
    qtbot.waitUntil(lambda: program.session.image is not None)
    assert program.window.report_editor.text().impression == "Typed before the power went."
