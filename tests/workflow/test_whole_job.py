"""The whole main job in one go, as a hand does it: once with a PNG, once with a DICOM film."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from window_steps import export, read

from viewer import app


class Hand:
    """What the steps need: the program, the bot and the steps of test_main_job."""

    def __init__(self, program: app.Program, qtbot: QtBot) -> None:
        self.program, self.qtbot = program, qtbot
        self.window, self.panel = program.window, program.window.panel

    def hold_the_heat_map_key(self) -> bool:
        self.window.activateWindow()
        self.qtbot.waitUntil(self.window.isActiveWindow)
        self.qtbot.keyPress(self.window.canvas, Qt.Key.Key_M)
        seen = self.window.canvas.heat_map_visible and self.window.canvas.heat_map is not None
        self.qtbot.keyRelease(self.window.canvas, Qt.Key.Key_M)
        return seen and not self.window.canvas.heat_map_visible

    def click_the_cell(self, truth: str, answer: str) -> set[tuple[str, str]]:
        place = self.panel.matrix.cell_rect(truth, answer).center()
        self.qtbot.mouseClick(self.panel.matrix, Qt.MouseButton.LeftButton, pos=place)
        return {(e.truth, e.answer) for e in self.panel.examples.shown_examples()}

    def type_the_impression(self, text: str) -> None:
        self.qtbot.mouseClick(self.window.report_editor.impression.viewport(), Qt.MouseButton.LeftButton)
        self.qtbot.keyClicks(self.window.report_editor.impression, text)


@pytest.mark.parametrize("kind", ["png_film", "dicom_film"])
def test_drop_read_look_compare_type_and_export(
    kind: str, program: app.Program, qtbot: QtBot, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    hand = Hand(program, qtbot)
    read(program, qtbot, request.getfixturevalue(kind))
    reading = program.session.reading
    assert reading.probability(reading.predicted).probability == max(p.probability for p in reading.probabilities)
    assert hand.hold_the_heat_map_key()
    assert hand.click_the_cell("pneumonia", "no_finding") == {("pneumonia", "no_finding")}
    hand.type_the_impression("No consolidation. Heart not enlarged.")
    text = export(program, qtbot, tmp_path / "report.pdf", request.getfixturevalue("monkeypatch"))
    assert "No consolidation. Heart not enlarged." in text
    assert f"{reading.probability(reading.predicted).probability:.2f}" in text
    assert text.count("Research and education only.") == text.count("\f")
