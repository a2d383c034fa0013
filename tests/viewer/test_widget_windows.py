"""The report editor, the start screen and the dialogs."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from viewer.imaging.image import RESEARCH_NOTICE, NotOpened
from viewer.reading import ConfusionExample
from viewer.reporting.report import ReportText
from viewer.widgets.crash_dialog import CrashDialog
from viewer.widgets.example_window import ExampleWindow
from viewer.widgets.problems_dialog import ProblemsDialog
from viewer.widgets.report_editor import ReportEditor
from viewer.widgets.shortcuts_sheet import ShortcutsSheet
from viewer.widgets.start_screen import StartScreen

TITLES = {"covid": "COVID-19", "normal": "no finding"}
ADDRESS = "https://example.org/films/" + "a" * 80 + ".png"
EXAMPLE = ConfusionExample("ab" * 32, "normal", "covid", (0.9, 0.1), "3", 0.42, ADDRESS, "cohen", "PA", "55 y", "F")
KEYS = [("Tools", "W", "Window and level"), ("Tools", "D", "Length"), ("View", "F", "Fit"), ("Mouse", "Wheel", "Zoom")]


def shown(qtbot, widget):
    qtbot.addWidget(widget)
    widget.show()
    return widget


def seen(widget):
    """Return every text of a visible label, in one string."""
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


@pytest.fixture
def editor(qtbot):
    widget = shown(qtbot, ReportEditor())
    widget.set_text(ReportText("Cough", "", ""))
    return widget


# ------------------------------------------------------------------------------------------------------------ report


def test_a_pause_in_typing_offers_the_whole_text(editor, qtbot):
    with qtbot.waitSignal(editor.text_paused, timeout=1500) as paused:
        qtbot.keyClicks(editor.impression, "Clear")
    assert paused.args == [ReportText("Cough", "", "Clear")]


def test_typing_on_postpones_the_offer(editor, qtbot):
    with qtbot.assertNotEmitted(editor.text_paused):
        for letter in "abcd":
            qtbot.keyClicks(editor.findings, letter)
            qtbot.wait(300)


def test_leaving_a_field_offers_at_once(editor, qtbot):
    editor.activateWindow()
    editor.findings.setFocus()
    qtbot.waitUntil(editor.findings.hasFocus)
    with qtbot.waitSignal(editor.text_paused, timeout=300):
        qtbot.keyClicks(editor.findings, "a")
        qtbot.keyClick(editor.findings, Qt.Key.Key_Tab)
    assert editor.impression.hasFocus()


def test_flush_offers_once_and_only_what_was_typed(editor, qtbot):
    offers = []
    editor.text_paused.connect(offers.append)
    editor.flush()
    qtbot.keyClicks(editor.findings, "a")
    editor.flush()
    editor.flush()
    assert offers == [ReportText("Cough", "a", "")]


def test_showing_another_films_report_offers_nothing(editor, qtbot):
    with qtbot.assertNotEmitted(editor.text_paused, wait=900):
        editor.set_text(ReportText("x", "y", "z"))
    assert editor.text() == ReportText("x", "y", "z")


def test_the_film_after_inherits_neither_text_nor_undo(editor, qtbot):
    qtbot.keyClicks(editor.findings, "of the first film")
    editor.flush()
    editor.set_text(ReportText())
    editor.findings.undo()
    assert editor.text() == ReportText()


def test_without_a_film_nothing_can_be_typed_and_the_reason_is_given(editor):
    editor.show_no_film()
    assert not editor.findings.isEnabled() and not editor.export_button.isEnabled()
    assert "Open a film to write its report." in seen(editor)


def test_export_offers_the_text_before_it_asks(editor, qtbot):
    order = []
    editor.text_paused.connect(order.append)
    editor.export_requested.connect(lambda: order.append("export"))
    qtbot.keyClicks(editor.indication, "!")
    qtbot.mouseClick(editor.export_button, Qt.MouseButton.LeftButton)
    assert order == [ReportText("!Cough", "", ""), "export"]


def test_the_time_of_the_draft_is_shown(editor):
    editor.show_saved("Draft saved 14:05:12")
    assert "Draft saved 14:05:12" in seen(editor)


# ------------------------------------------------------------------------------------------------------ start screen


def test_the_start_screen_says_what_can_be_dropped_and_what_it_is_for(qtbot):
    start = shown(qtbot, StartScreen())
    assert "DICOM, PNG, JPEG or TIFF" in seen(start)
    assert RESEARCH_NOTICE in seen(start)


def test_the_three_ways_to_begin_are_signalled(qtbot):
    start = shown(qtbot, StartScreen())
    with qtbot.waitSignals([start.open_requested, start.open_folder_requested, start.sample_requested]):
        for button in (start.open_button, start.open_folder_button, start.sample_button):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_recent_entry_is_chosen_by_its_whole_path(qtbot):
    start = shown(qtbot, StartScreen())
    start.set_recent(["/films/old.dcm"])
    start.set_recent(["/films/a & b.dcm", "/films/folder"])
    rows = [each for each in start.findChildren(QPushButton) if each.accessibleName().startswith("Open ")]
    with qtbot.waitSignal(start.recent_chosen) as chosen:
        qtbot.mouseClick(next(row for row in rows if "a & b" in row.accessibleName()), Qt.MouseButton.LeftButton)
    assert chosen.args == ["/films/a & b.dcm"]


# ----------------------------------------------------------------------------------------------------------- dialogs


@pytest.fixture
def example_window(qtbot):
    window = shown(qtbot, ExampleWindow())
    window.set_titles(TITLES)
    heat = np.full((5, 5, 4), (250, 0, 0, 255), np.uint8)
    window.show_example(EXAMPLE, np.full((100, 100), 60, np.uint8), heat)
    return window


def test_an_enlarged_example_states_its_facts(example_window):
    text = seen(example_window)
    for fact in ("Wrong: truth no finding, the model said COVID-19", "cohen", "PA", "55 y", "F", "3"):
        assert fact in text


def test_the_address_is_text_to_copy_and_no_link(example_window):
    assert example_window.address_view.toPlainText() == ADDRESS
    assert not example_window.address_view.textInteractionFlags() & Qt.TextInteractionFlag.LinksAccessibleByMouse


def test_m_lays_the_examples_own_heat_map_over_it(example_window, qtbot):
    film = example_window.film_view
    middle = film.rect().center()
    before = film.grab().toImage().pixelColor(middle).name()
    qtbot.keyClick(example_window, Qt.Key.Key_M)
    assert (before, film.grab().toImage().pixelColor(middle).name()) == ("#3c3c3c", "#fa0000")


def test_arrows_ask_for_the_next_and_the_previous_example(example_window, qtbot):
    with qtbot.waitSignals([example_window.next_requested, example_window.previous_requested]):
        qtbot.keyClick(example_window, Qt.Key.Key_Right)
        qtbot.keyClick(example_window, Qt.Key.Key_Left)


def test_an_example_without_its_picture_says_so_and_offers_no_map(example_window):
    example_window.show_example(EXAMPLE, None, None)
    assert example_window.film_view.accessibleName() == "The film is not installed on this machine."
    assert not example_window.heat_button.isEnabled()


@pytest.mark.parametrize(
    ("typed", "found"),
    [("", ["Window and level", "Length", "Fit", "Zoom"]), ("zoo", ["Zoom"]), ("tools", ["Window and level", "Length"])],
)
def test_the_sheet_of_keys_is_searched_by_text_and_section(qtbot, typed, found):
    sheet = shown(qtbot, ShortcutsSheet(KEYS))
    qtbot.keyClicks(sheet.search_field, typed)
    assert sheet.shown() == found


def test_problems_are_listed_by_name_and_copied_as_text(qtbot):
    dialog = shown(qtbot, ProblemsDialog())
    dialog.show_problems([NotOpened(Path("/x/old.dcm"), "old.dcm is old.")])
    dialog.show_problems([NotOpened(Path("/x/<b>.dcm"), "It is broken."), NotOpened(Path("/x/b.txt"), "It is text.")])
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "<b>.dcm\tIt is broken.\nb.txt\tIt is text."
    assert "2 files are not shown" in seen(dialog) and "<b>.dcm" in seen(dialog)
    assert "old.dcm" not in seen(dialog) and not dialog.isModal()


def test_a_crash_is_shown_and_copied_letter_by_letter(qtbot):
    dialog = shown(qtbot, CrashDialog("Traceback\n<b>ValueError</b>: x"))
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "Traceback\n<b>ValueError</b>: x"


def test_an_example_whose_map_is_withheld_says_so(qtbot):
    window = ExampleWindow()
    qtbot.addWidget(window)
    film = np.full((40, 40), 90, np.uint8)
    example = ConfusionExample("0" * 64, "pneumonia", "pneumonia", (0.0, 0.1, 0.9), "0", 0.2)
    window.show_example(example, film, None)
    assert not window.heat_button.isEnabled()
    assert window.heat_button.text() == "No heat map: below the scale's floor"
    window.show_example(example, film, np.zeros((40, 40, 4), np.uint8))
    assert window.heat_button.text() == "Heat map (M)"
