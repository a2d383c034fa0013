"""The window: its actions and keys, what is dropped on it, and the key that holds the heat map."""

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from viewer.imaging.image import RESEARCH_NOTICE
from viewer.reporting.report import ReportText
from viewer.widgets.actions import ACTIONS, PRESET_KEYS, shortcut_rows
from viewer.widgets.main_window import TOOL_ACTIONS, MainWindow

COPY, LEFT, PLAIN = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
PRESETS = [("0", "automatic", "Automatic"), ("1", "stored-1", "Bone & soft"), ("", "liver", "Liver")]


@pytest.fixture(scope="module")
def the_window(qapp):
    made = MainWindow()
    yield made
    made.close()
    made.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def window(the_window, qtbot):
    """Return the window as it begins, with the film in its middle and the keyboard; it is made once, for its cost."""
    the_window.resize(1280, 720)
    the_window.report_editor.show_no_film()
    the_window.set_presets([])
    the_window.show_doing("", None)
    the_window.action("pin-heat-map").setChecked(False)
    the_window.action("tool-window").setChecked(True)
    the_window.show_film_page(True)
    the_window.show()
    the_window.activateWindow()
    qtbot.waitUntil(the_window.isActiveWindow)
    the_window.focus_canvas()
    yield the_window
    QTest.keyRelease(the_window.canvas, Qt.Key.Key_M)


def heard(signal):
    found = []
    signal.connect(found.append)
    return found


def files(*names):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(name) if name.startswith("/") else QUrl(name) for name in names])
    return data


def enter(window, data):
    event = QDragEnterEvent(QPoint(600, 300), COPY, data, LEFT, PLAIN)
    QApplication.sendEvent(window, event)
    return event.isAccepted()


def drop(window, data):
    event = QDropEvent(QPointF(600, 300), COPY, data, LEFT, PLAIN)
    event.ignore()
    QApplication.sendEvent(window, event)
    return event.isAccepted()


# -------------------------------------------------------------------------------------------------------- dropping


def test_what_is_dropped_is_handed_on_as_paths_in_order(window):
    dropped = heard(window.paths_dropped)
    data = files("/films/b.dcm", "/films/é 1.png", "/films/folder")
    assert enter(window, data)
    assert drop(window, data)
    assert dropped == [[Path("/films/b.dcm"), Path("/films/é 1.png"), Path("/films/folder")]]


def test_an_address_on_the_web_is_not_taken(window):
    dropped = heard(window.paths_dropped)
    data = files("https://example.org/film.dcm")
    assert not enter(window, data)
    assert not drop(window, data)
    assert dropped == []


def test_of_files_and_addresses_together_the_files_are_taken(window):
    dropped = heard(window.paths_dropped)
    data = files("https://example.org/film.dcm", "/films/b.dcm")
    assert enter(window, data)
    assert drop(window, data)
    assert dropped == [[Path("/films/b.dcm")]]


def test_text_is_not_taken(window):
    data = QMimeData()
    data.setText("/films/b.dcm")
    assert not enter(window, data)


def test_the_fields_of_the_report_leave_dropped_films_to_the_window(window):
    editor = window.report_editor
    assert [field.acceptDrops() for field in (editor.indication, editor.findings, editor.impression)] == [False] * 3


# ------------------------------------------------------------------------------------------------------- M is held


def test_the_heat_map_is_held_while_m_is_down(window):
    held = heard(window.heat_map_held)
    QTest.keyPress(window.canvas, Qt.Key.Key_M)
    assert held == [True]
    QTest.keyRelease(window.canvas, Qt.Key.Key_M)
    assert held == [True, False]


def test_the_repeats_of_a_held_key_change_nothing(window):
    held = heard(window.heat_map_held)
    QTest.keyPress(window.canvas, Qt.Key.Key_M)
    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
        QApplication.sendEvent(window.canvas, QKeyEvent(kind, Qt.Key.Key_M, PLAIN, "m", True))
    assert held == [True]


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier])
def test_m_with_another_key_holds_nothing(window, modifier):
    held = heard(window.heat_map_held)
    QTest.keyPress(window.canvas, Qt.Key.Key_M, modifier)
    assert held == []


def test_an_m_that_is_typed_into_the_report_is_a_letter(window):
    held = heard(window.heat_map_held)
    window.report_editor.set_text(ReportText())
    window.report_editor.impression.setFocus()
    QTest.keyClicks(window.report_editor.impression, "m")
    assert held == []
    assert window.report_editor.text().impression == "m"


def test_m_let_go_over_the_report_lets_the_heat_map_go(window):
    held = heard(window.heat_map_held)
    QTest.keyPress(window.canvas, Qt.Key.Key_M)
    window.report_editor.set_text(ReportText())
    window.report_editor.impression.setFocus()
    QTest.keyRelease(window.report_editor.impression, Qt.Key.Key_M)
    assert held == [True, False]


def test_a_window_that_loses_the_keyboard_lets_the_heat_map_go(window):
    held = heard(window.heat_map_held)
    QTest.keyPress(window.canvas, Qt.Key.Key_M)
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    assert held == [True, False]


def test_m_with_shift_pins_the_heat_map(window):
    pinned = heard(window.action("pin-heat-map").toggled)
    QTest.keyClick(window, Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    assert pinned == [True]


# --------------------------------------------------------------------------------------------------------- actions


def test_no_key_is_given_twice(window):
    keys = [key.toString() for action in window.findChildren(QAction) for key in action.shortcuts()]
    assert len(keys) > 30
    assert sorted(keys) == sorted(set(keys))


def test_every_key_of_the_table_is_one_that_qt_knows():
    keys = [keys for spec in ACTIONS for keys in spec.keys]
    assert [QKeySequence(key).toString() for key in keys] == keys


def test_no_action_is_named_twice():
    names = [spec.name for spec in ACTIONS]
    assert sorted(names) == sorted(set(names))


def test_each_action_with_an_icon_has_one_to_show(window):
    with_icon = [spec.name for spec in ACTIONS if spec.icon]
    assert len(with_icon) > 20
    assert [name for name in with_icon if window.action(name).icon().pixmap(24, 24).isNull()] == []


def test_each_tool_of_the_bar_has_an_icon_and_says_its_key(window):
    tools = [action for action in window.toolbar.actions() if not action.isSeparator()]
    assert [action.objectName() for action in tools if action.icon().isNull()] == []
    assert window.action("invert").toolTip() == "Invert greys (I)"
    assert window.action("open").toolTip() == "Open (Ctrl+O)"


def test_one_tool_is_chosen_at_a_time(window):
    assert [window.action(name).isChecked() for name in TOOL_ACTIONS] == [True, False, False]
    window.action("tool-zoom").trigger()
    assert [window.action(name).isChecked() for name in TOOL_ACTIONS] == [False, False, True]


def test_the_sheet_of_keys_names_every_action_that_has_one():
    rows = shortcut_rows()
    assert ("View", "I", "Invert greys") in rows
    assert ("View", "+ or =", "Zoom in") in rows
    assert len(rows) == len([spec for spec in ACTIONS if spec.keys]) + 14


@pytest.mark.parametrize("key", PRESET_KEYS)
def test_a_digit_asks_for_the_preset_of_that_key(window, key):
    chosen = heard(window.preset_chosen)
    QTest.keyClick(window.canvas, key)
    assert chosen == [f"key:{key}"]


def test_a_digit_that_is_typed_into_the_report_chooses_no_preset(window):
    chosen = heard(window.preset_chosen)
    window.report_editor.set_text(ReportText())
    window.report_editor.findings.setFocus()
    QTest.keyClicks(window.report_editor.findings, "5 mm")
    assert (chosen, window.report_editor.text().findings) == ([], "5 mm")


# ----------------------------------------------------------------------------------------------------------- menus


def menu(window, title):
    return next(action.menu() for action in window.menuBar().actions() if action.text() == title)


def test_the_window_menu_lists_the_presets_with_their_keys_and_asks_for_them_by_name(window):
    chosen = heard(window.preset_chosen)
    window.set_presets(PRESETS)
    actions = menu(window, "Window").actions()
    assert [action.text().rstrip("\t") for action in actions] == ["Automatic\t0", "Bone && soft\t1", "Liver"]
    actions[1].trigger()
    assert chosen == ["stored-1"]


def test_the_presets_of_the_last_film_do_not_stay(window):
    window.set_presets(PRESETS)
    window.set_presets([])
    assert menu(window, "Window").actions() == []
    assert not menu(window, "Window").isEnabled()


def test_a_right_click_offers_views_presets_map_and_report(window):
    window.set_presets(PRESETS[:1])
    context = window.context_menu()
    texts = [action.text() for action in context.actions() if not action.isSeparator()]
    assert texts == [
        "Fit to window", "One film pixel to one screen pixel", "Invert greys", "Rotate clockwise", "Flip left to right",
        "Reset the view", "Automatic\t0", "Show the heat map", "Export PDF report...",
    ]  # fmt: skip
    context.deleteLater()


def test_recent_films_stand_in_the_menu_by_name_and_carry_their_path(window):
    added = window.set_recent(["/films/a&b.dcm", "/other/c.dcm"])
    assert [action.text() for action in window.recent_menu.actions()] == ["a&&b.dcm", "c.dcm"]
    assert [action.data() for action in added] == ["/films/a&b.dcm", "/other/c.dcm"]
    window.set_recent([])
    assert (window.recent_menu.actions(), window.recent_menu.isEnabled()) == ([], False)


# ------------------------------------------------------------------------------------------------------ status bar


def status(window):
    bar, button = window.progress, window.cancel_button
    return window.doing.text(), bar.value() if bar.isVisible() else None, button.isVisible()


@pytest.mark.parametrize(
    ("said", "shown"),
    [(("Opening a.dcm", 0.25, True), ("Opening a.dcm", 250, True)), (("Done", None, False), ("Done", None, False)),
     (("", 0.5, True), ("", None, False)), (("<b>x</b>", 1.0, False), ("<b>x</b>", 1000, False))],
)  # fmt: skip
def test_what_is_being_done_is_said_with_how_far_it_is(window, said, shown):
    window.show_doing(*said)
    assert status(window) == shown
    assert window.doing.toolTip() == (f"<span>{said[0].replace('<', '&lt;').replace('>', '&gt;')}</span>" if said[0] else "")


def test_what_is_being_done_can_be_cancelled(window, qtbot):
    window.show_doing("Opening", 0.0, cancellable=True)
    with qtbot.waitSignal(window.cancel_requested):
        QTest.mouseClick(window.cancel_button, LEFT)


def test_the_research_notice_always_stands_in_the_window(window):
    notice = window.findChild(QLabel, "researchNotice")
    assert (notice.text(), notice.isVisible()) == (RESEARCH_NOTICE, True)


def test_the_start_screen_and_the_film_take_turns(window):
    assert (window.canvas.isVisible(), window.start_screen.isVisible()) == (True, False)
    window.show_film_page(False)
    assert (window.canvas.isVisible(), window.start_screen.isVisible()) == (False, True)


def test_a_window_that_closes_says_so(window, qtbot):
    with qtbot.waitSignal(window.closing):
        window.close()
