"""The second reader in the window: refused, overridden, asked at another point, explained, audited."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as PillowImage
from PIL import ImageOps
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from window_steps import READING_MS, drop, export, has_answer, read

from viewer import app
from viewer.widgets.refusal_view import RefusalView

LEFT = Qt.MouseButton.LeftButton


def said(program: app.Program) -> str:
    QApplication.processEvents()
    panel = program.window.panel
    return "\n".join(label.text() for label in panel.findChildren(QLabel) if label.isVisible())


def film_on_screen(program: app.Program) -> QImage:
    return program.window.canvas.grab().toImage()


@pytest.fixture
def inverted_film(png_film: Path, tmp_path: Path) -> Path:
    path = tmp_path / "inverted.png"
    ImageOps.invert(PillowImage.open(png_film)).save(path)
    return path


def refuse(program: app.Program, qtbot: QtBot, film: Path) -> RefusalView:
    drop(program, film)
    qtbot.waitUntil(lambda: has_answer(program), timeout=READING_MS)
    return program.window.panel.findChild(RefusalView)


def test_an_inverted_film_gets_a_sentence_and_no_number(program: app.Program, qtbot: QtBot, inverted_film: Path) -> None:
    refuse(program, qtbot, inverted_film)
    reading = program.session.reading
    assert reading is not None
    assert (reading.status, reading.probabilities, reading.heat_maps) == ("refused", (), ())
    assert reading.refusals[0].code == "inverted"
    assert "Code: inverted" in said(program)
    assert not program.window.panel.bars.isVisible()


def test_an_override_is_marked_on_screen_and_on_paper(
    program: app.Program, qtbot: QtBot, inverted_film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = refuse(program, qtbot, inverted_film)
    qtbot.mouseClick(view.override_button, LEFT)
    qtbot.keyClicks(view.reason_edit, "Teaching case")
    qtbot.keyClick(view.reason_edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: has_answer(program) and program.session.reading.is_overridden, timeout=READING_MS)
    assert "Read in spite of a refusal" in said(program)
    assert program.window.panel.bars.isVisible()
    text = " ".join(export(program, qtbot, tmp_path / "report.pdf", monkeypatch).split())
    assert "Read in spite of a refusal; the answer may mean nothing." in text
    assert "Reason given: Teaching case" in text


def test_the_answer_comes_with_set_decision_and_judged_map(program: app.Program, qtbot: QtBot, png_film: Path) -> None:
    read(program, qtbot, png_film)
    reading, panel = program.session.reading, program.window.panel
    assert reading is not None and reading.conformal is not None
    assert panel.decision.isVisible()
    assert "If called: of " in said(program)
    shown = reading.heat_map(reading.predicted)
    assert shown is not None and shown.faithfulness is not None
    assert shown.logit is not None and shown.bias is not None
    assert shown.cells.sum() == pytest.approx(shown.logit - shown.bias, abs=1e-3)
    assert "Change of the answer with the hottest tenth deleted: hot " in said(program)


def test_another_kind_of_map_can_be_chosen(program: app.Program, qtbot: QtBot, png_film: Path) -> None:
    read(program, qtbot, png_film)
    selector = program.window.panel.heat_map.method_selector
    selector.setCurrentIndex(selector.findData("GradCAM"))
    selector.activated.emit(selector.currentIndex())
    made = lambda: has_answer(program) and program.session.reading.heat_maps[0].method.startswith("Grad-CAM")  # noqa: E731
    qtbot.waitUntil(made, timeout=READING_MS)
    assert selector.currentData() == "GradCAM"


def test_the_frame_of_what_the_model_saw_is_drawn_on_the_film(program: app.Program, qtbot: QtBot, png_film: Path) -> None:
    read(program, qtbot, png_film)
    panel = program.window.panel
    qtbot.mouseClick(panel.input_section.button, LEFT)
    before = film_on_screen(program)
    panel.model_input.frame_box.click()
    assert film_on_screen(program) != before
    panel.model_input.frame_box.click()
    assert film_on_screen(program) == before


def test_the_audit_runs_beside_the_answer_and_is_printed(
    program: app.Program, qtbot: QtBot, png_film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(program, qtbot, png_film)
    panel = program.window.panel
    qtbot.mouseClick(panel.audit_section.button, LEFT)
    qtbot.mouseClick(panel.audit.audit_button, LEFT)
    qtbot.waitUntil(lambda: program.session.reading.audit is not None, timeout=READING_MS)
    audit = program.session.reading.audit
    assert [line.name for line in audit.lines][-1] == "compressed"
    assert audit.sentence in said(program)
    panel.audit.lungs_box.click()
    assert audit.sentence in " ".join(export(program, qtbot, tmp_path / "report.pdf", monkeypatch).split())
