"""What a hand does with the window: the steps that the workflow tests share."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from viewer import app

READING_MS = 60_000


def drop(program: app.Program, *films: Path) -> None:
    """Drop files on the window as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(film)) for film in films])
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(program.window, QDragEnterEvent(QPoint(200, 200), *how))
    QApplication.sendEvent(program.window, QDropEvent(QPointF(200, 200), *how))


def has_answer(program: app.Program) -> bool:
    reading = program.session.reading
    return reading is not None and reading.complete


def read(program: app.Program, qtbot: QtBot, film: Path) -> None:
    drop(program, film)
    qtbot.waitUntil(lambda: has_answer(program), timeout=READING_MS)


def pdf_text(path: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler is not installed")
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout


def export(program: app.Program, qtbot: QtBot, path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    with qtbot.waitSignal(program.report.exported, timeout=READING_MS):
        program.window.action("export").trigger()
    return pdf_text(path)


def install_examples(program: app.Program, qtbot: QtBot, films: Path) -> None:
    """Link a folder of films to the model and wait until the film on screen has been read again."""
    program.examples.install(films)
    qtbot.waitUntil(lambda: has_answer(program) and any(e.path for e in program.session.reading.examples), timeout=READING_MS)
