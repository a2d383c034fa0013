"""The question for the password of an archive, answered by hand."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from viewer.widgets.password_dialog import PasswordDialog

ARCHIVE = Path("exports") / "<b>Thorax & CT.zip"


@pytest.fixture
def dialog(qtbot):
    widget = PasswordDialog()
    qtbot.addWidget(widget)
    return widget


def left(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_it_asks_for_an_archive_by_its_name(dialog):
    dialog.ask(ARCHIVE, was_wrong=False)
    assert dialog.isVisible()
    assert dialog.name.text() == "<b>Thorax & CT.zip"
    assert not dialog.wrong.isVisible()
    assert not dialog.open_button.isEnabled()


def test_what_is_typed_is_handed_on_and_not_kept(dialog, qtbot):
    dialog.ask(ARCHIVE, was_wrong=False)
    qtbot.keyClicks(dialog.field, " geheim")
    with qtbot.waitSignal(dialog.password_given, timeout=500) as given:
        left(qtbot, dialog.open_button)
    assert given.args == [ARCHIVE, " geheim"]
    assert (dialog.field.text(), dialog.isVisible()) == ("", False)


def test_return_answers_once_something_is_typed(dialog, qtbot):
    dialog.ask(ARCHIVE, was_wrong=False)
    with qtbot.assertNotEmitted(dialog.password_given, wait=50):
        qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.keyClicks(dialog.field, "a")
    with qtbot.waitSignal(dialog.password_given, timeout=500):
        qtbot.keyClick(dialog.field, Qt.Key.Key_Return)


def test_a_wrong_password_is_told_and_asked_again(dialog, qtbot):
    dialog.ask(ARCHIVE, was_wrong=True)
    assert dialog.wrong.isVisible()
    dialog.ask(ARCHIVE, was_wrong=False)
    assert not dialog.wrong.isVisible()


@pytest.mark.parametrize("how", ["button", "escape", "close"])
def test_declining_names_the_archive(dialog, qtbot, how):
    dialog.ask(ARCHIVE, was_wrong=False)
    qtbot.keyClicks(dialog.field, "geh")
    gestures = {"button": lambda: left(qtbot, dialog.decline_button), "close": dialog.close,
                "escape": lambda: qtbot.keyClick(dialog, Qt.Key.Key_Escape)}  # fmt: skip
    with qtbot.assertNotEmitted(dialog.password_given), qtbot.waitSignal(dialog.declined, timeout=500) as declined:
        gestures[how]()
    assert (declined.args, dialog.field.text()) == ([ARCHIVE], "")


def test_letters_are_shown_only_on_request_and_only_this_once(dialog, qtbot):
    dialog.ask(ARCHIVE, was_wrong=False)
    assert dialog.field.echoMode() == QLineEdit.EchoMode.Password
    qtbot.keyClick(dialog.show_letters, Qt.Key.Key_Space)
    assert dialog.field.echoMode() == QLineEdit.EchoMode.Normal
    dialog.ask(ARCHIVE, was_wrong=False)
    assert dialog.field.echoMode() == QLineEdit.EchoMode.Password
