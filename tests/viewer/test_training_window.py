"""The training window, as hands and eyes meet it: films, answers, start, curves, cancel, and what comes of it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox

from viewer.imaging.image import RESEARCH_NOTICE
from viewer.reading import ConfusionMatrix
from viewer.training import (
    ClassCount,
    EpochPoint,
    FilmsFound,
    RecipeChoice,
    TrainedModel,
    TrainingProgress,
    TrainingRequest,
    duration,
)
from viewer.widgets import theme
from viewer.widgets.training_curves import LOSS as LOSS_SCALE
from viewer.widgets.training_curves import CurveChart, epoch_ticks, nice_above, ticks
from viewer.widgets.training_form import notes_text
from viewer.widgets.training_window import TrainingWindow

LEFT, PLAIN, COPY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
DATA = Path("/films/of the year")
RECIPES = (RecipeChoice("resnet", "Residual network", 30, 2), RecipeChoice("plain", "Plain network", 12, 3))
NORMAL, SCAR = ClassCount("normal", "Normal", 40, 30), ClassCount("scar", "Scar", 20, 15)
FOUND = FilmsFound(DATA, (SCAR, NORMAL), 44, ("notes.txt is no film.",), RECIPES)
MATRIX = ConfusionMatrix(("scar", "normal"), ("Scar", "Normal"), ((15, 5), (4, 36)), "60 films.")
MODEL = TrainedModel("mine", "Mine", Path("/models/mine"), "51 of 60 held-out films right", MATRIX, Path("/run/report.html"))


@pytest.fixture
def window(qtbot):
    """Return the window on screen; "shipped" cannot be a name, and "mine" is one of the user's models."""
    made = TrainingWindow(lambda name: {"": "No name.", "shipped": "It ships."}.get(name, ""), str.lower, {"mine"}.__contains__)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def ready(window):
    window.show_films(FOUND, "auto")
    return window


@pytest.fixture
def running(ready):
    ready.show_running()
    return ready


def seen(widget):
    """Return every text of a visible label, in one string."""
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def heard(signal):
    found = []
    signal.connect(lambda *content: found.append(content[0] if content else None))
    return found


def press(qtbot, button):
    qtbot.mouseClick(button, LEFT)


def answer(window, qtbot, words):
    """Press the button of these words in the question that is open."""
    (box,) = window.findChildren(QMessageBox)
    press(qtbot, next(button for button in box.buttons() if button.text() == words))
    QApplication.processEvents()


def epoch(number, network=1, **point):
    values = {"loss": 1.0 / number, "accuracy": 0.5, **point}
    return TrainingProgress("Training", 0.3, network, 5, number, 30, EpochPoint(number, **values), 840.0)


# -------------------------------------------------------------------------------------------------------------- films


def test_without_films_nothing_can_be_started_and_the_reason_is_given(window):
    assert not window.start_button.isEnabled()
    assert "Choose films first." in window.start_button.toolTip()
    assert "Choose films first." in seen(window)
    assert RESEARCH_NOTICE in seen(window)


def test_the_films_are_counted_by_class(ready):
    rows = [("Class", "Films", "Patients"), ("Scar", "20", "15"), ("Normal", "40", "30"), ("Together", "60", "44")]
    assert ready.form.classes.rows() == rows
    assert "notes.txt is no film." in seen(ready)
    assert ready.start_button.isEnabled()


def test_films_that_take_the_place_of_others_leave_no_row_behind(ready):
    ready.show_films(FilmsFound(DATA, (NORMAL, SCAR), 44, (), RECIPES), "auto")
    assert ready.form.classes.rows()[1] == ("Normal", "40", "30")
    assert len(ready.form.classes.rows()) == 4
    assert "notes.txt" not in seen(ready)


def test_a_class_of_one_patient_is_said_and_not_started(window):
    window.show_films(FilmsFound(DATA, (ClassCount("scar", "Scar", 20, 1), NORMAL), 31, (), RECIPES), "auto")
    assert "The class Scar has films of 1 patient only" in seen(window)
    assert not window.start_button.isEnabled()


def test_a_recipe_that_sets_patients_aside_needs_more_of_them(window):
    window.show_films(FilmsFound(DATA, (ClassCount("scar", "Scar", 20, 2), NORMAL), 32, (), RECIPES), "auto")
    assert window.start_button.isEnabled()
    window.form.recipe_selector.setCurrentIndex(1)
    assert "this recipe needs 3 at least" in seen(window)
    assert not window.start_button.isEnabled()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (FilmsFound(DATA, (SCAR,), 15, (), RECIPES), "At least two classes"),
        (FilmsFound(DATA, (SCAR, NORMAL), 44), "No recipe here takes"),
    ],
)
def test_films_that_no_recipe_takes_are_not_started(window, found, said):
    window.show_films(found, "auto")
    assert said in seen(window)
    assert window.form.request() is None


def test_a_folder_that_cannot_be_used_is_said_in_plain_text(ready):
    ready.form.show_fault("<b>The folder</b> is empty.")
    assert "<b>The folder</b> is empty." in seen(ready)
    assert not ready.start_button.isEnabled() and not ready.form.recipe_selector.isEnabled()


def test_many_notes_are_cut_short():
    assert notes_text([f"{n}." for n in range(40)]) == "0.\n1.\n2.\n... and 37 more."
    assert notes_text(["a.", "b.", "c."]) == "a.\nb.\nc."


def test_the_two_ways_to_choose_films_are_signalled(window, qtbot):
    with qtbot.waitSignals([window.folder_requested, window.table_requested]):
        press(qtbot, window.form.folder_button)
        press(qtbot, window.form.table_button)


def drop(window, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    enter = QDragEnterEvent(QPoint(90, 90), COPY, data, LEFT, PLAIN)
    QApplication.sendEvent(window, enter)
    QApplication.sendEvent(window, QDropEvent(QPointF(90, 90), COPY, data, LEFT, PLAIN))
    return enter.isAccepted()


def test_a_folder_or_a_table_that_is_dropped_is_taken_and_a_film_is_not(window, tmp_path):
    dropped = heard(window.data_dropped)
    taken = [drop(window, path) for path in (tmp_path, tmp_path / "films.CSV", tmp_path / "film.png")]
    assert taken == [True, True, False]
    assert dropped == [tmp_path, tmp_path / "films.CSV"]


def test_nothing_is_taken_while_a_training_runs(running, tmp_path):
    dropped = heard(running.data_dropped)
    assert not drop(running, tmp_path)
    assert dropped == []


# ------------------------------------------------------------------------------------------------------------ answers


def test_what_is_asked_for_is_what_stands_in_the_form(ready, qtbot):
    asked = heard(ready.start_requested)
    ready.form.recipe_selector.setCurrentIndex(1)
    press(qtbot, ready.start_button)
    assert asked == [TrainingRequest("of the year", "plain", DATA, None, "auto")]


def test_another_number_of_epochs_is_asked_for_as_a_number(ready, qtbot):
    asked = heard(ready.start_requested)
    ready.form.epochs_field.setValue(7)
    ready.form.device_selector.setCurrentIndex(1)
    assert "the recipe's own: 30" in seen(ready)
    press(qtbot, ready.start_button)
    assert asked == [TrainingRequest("of the year", "resnet", DATA, 7, "cpu")]


def test_another_recipe_brings_its_own_number_of_epochs_until_one_is_chosen(ready):
    ready.form.recipe_selector.setCurrentIndex(1)
    assert ready.form.epochs_field.value() == 12
    ready.form.epochs_field.setValue(7)
    ready.form.recipe_selector.setCurrentIndex(0)
    assert ready.form.epochs_field.value() == 7


def test_the_number_of_epochs_has_room_under_the_style_sheet(ready, qapp):
    theme.apply(qapp)
    QApplication.processEvents()
    assert ready.form.epochs_field.lineEdit().width() >= 50


def test_cuda_is_offered_only_where_it_is(window):
    window.show_films(FOUND, "cuda")
    assert window.form.device_selector.findData("cuda") == -1
    assert "no graphics processor" in window.form.device_selector.toolTip()
    window.show_films(FilmsFound(DATA, (SCAR, NORMAL), 44, (), RECIPES, ("auto", "cpu", "cuda")), "cuda")
    assert window.form.device_selector.findData("cuda") == 2


def test_a_name_that_ships_is_refused_beside_its_field(ready, qtbot):
    ready.form.name_field.clear()
    qtbot.keyClicks(ready.form.name_field, "shipped")
    assert seen(ready.form).count("It ships.") == 1
    assert not ready.start_button.isEnabled()
    assert "It ships." in ready.start_button.toolTip()


def test_a_name_that_was_typed_is_not_overwritten_by_that_of_other_films(ready, qtbot):
    ready.form.name_field.selectAll()
    qtbot.keyClicks(ready.form.name_field, "typed")
    ready.show_films(FilmsFound(Path("/elsewhere"), (SCAR, NORMAL), 44, (), RECIPES), "auto")
    assert ready.form.name_field.text() == "typed"


def test_a_model_of_the_same_name_is_replaced_only_after_a_question(ready, qtbot):
    asked = heard(ready.start_requested)
    ready.form.name_field.setText("mine")
    press(qtbot, ready.start_button)
    answer(ready, qtbot, "Go back")
    assert asked == []
    press(qtbot, ready.start_button)
    answer(ready, qtbot, "Train and replace it")
    assert [request.name for request in asked] == ["mine"]


def test_enter_starts_and_tab_goes_from_the_films_to_the_name(ready, qtbot):
    asked = heard(ready.start_requested)
    order = [ready.form.folder_button, ready.form.table_button, ready.form.recipe_selector, ready.form.epochs_field]
    order += [ready.form.device_selector, ready.form.name_field]
    ready.activateWindow()
    order[0].setFocus()
    for control in order:
        qtbot.waitUntil(control.hasFocus)
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    qtbot.keyClick(ready.form.name_field, Qt.Key.Key_Return)
    assert len(asked) == 1


# ------------------------------------------------------------------------------------------------------------ running


def test_while_a_training_runs_no_other_can_be_started(running, qtbot):
    asked = heard(running.start_requested)
    press(qtbot, running.start_button)
    qtbot.keyClick(running, Qt.Key.Key_Return)
    assert asked == []
    assert "one at a time" in running.start_button.toolTip()
    assert not running.form.name_field.isEnabled()


def test_progress_says_which_network_which_epoch_and_about_how_long(running):
    running.show_progress(epoch(12, network=3))
    assert running.doing() == "Network 3 of 5, epoch 12 of 30, about 14 min of training left"
    assert running.progress_bar.value() == 300


def test_judging_is_said_in_its_own_words(running):
    running.show_progress(TrainingProgress("Reading held-out films: 4 of 12", 0.92))
    assert running.doing() == "Reading held-out films: 4 of 12"


def test_the_curves_are_those_of_the_network_under_way(running):
    for number in (1, 2):
        running.show_progress(epoch(number, accuracy=0.25, held_out_loss=0.8, held_out_accuracy=0.75))
    assert running.curves.loss.accessibleDescription() == "training 0.5; held out 0.8"
    assert running.curves.accuracy.accessibleDescription() == "training 25 %; held out 75 %"
    running.show_progress(epoch(1, network=2))
    assert running.curves.loss.accessibleDescription() == "training 1"


def test_cancel_is_asked_once_and_waits_for_the_epoch(running, qtbot):
    asked = heard(running.cancel_requested)
    press(qtbot, running.cancel_button)
    press(qtbot, running.cancel_button)
    running.show_progress(epoch(3))
    assert asked == [None]
    assert "Stopping after the epoch under way" in running.doing()
    assert not running.start_button.isEnabled()


def test_a_stopped_training_can_be_started_again(running, qtbot):
    running.show_progress(epoch(3))
    press(qtbot, running.cancel_button)
    running.show_stopped()
    assert "Start goes on from there" in running.doing()
    assert running.start_button.isEnabled() and not running.cancel_button.isEnabled()


def test_a_failure_is_one_sentence_and_the_form_is_free_again(running):
    running.show_progress(epoch(1))
    running.show_failure("film.png could not be written: No space left on device.")
    assert "film.png could not be written: No space left on device." in seen(running)
    assert running.start_button.isEnabled()
    running.show_running()
    assert "No space left" not in seen(running)


# ------------------------------------------------------------------------------------------------------------ closing


def test_escape_closes_a_window_in_which_nothing_runs(ready, qtbot):
    qtbot.keyClick(ready, Qt.Key.Key_Escape)
    assert not ready.isVisible()


@pytest.mark.parametrize(
    ("words", "is_visible", "stops"), [("Keep training", False, 0), ("Stop training", False, 1), ("Go back", True, 0)]
)
def test_closing_while_a_training_runs_asks_what_becomes_of_it(running, qtbot, words, is_visible, stops):
    asked = heard(running.cancel_requested)
    qtbot.keyClick(running, Qt.Key.Key_Escape)
    assert running.isVisible()
    answer(running, qtbot, words)
    assert (running.isVisible(), len(asked)) == (is_visible, stops)


def test_the_cross_of_the_window_asks_as_escape_does(running, qtbot):
    assert not running.close()
    answer(running, qtbot, "Go back")
    assert running.isVisible()


# ------------------------------------------------------------------------------------------------------- what came of it


def test_a_finished_model_shows_what_it_is_worth_and_offers_to_read(running, qtbot):
    running.show_model(MODEL)
    assert "51 of 60 held-out films right." in seen(running)
    assert running.outcome.matrix.sentence("scar", "normal") == "5 films of Scar were called Normal"
    assert running.outcome.read_button.isDefault() and not running.start_button.isDefault()
    with qtbot.waitSignals([running.read_requested, running.report_requested]):
        press(qtbot, running.outcome.read_button)
        press(qtbot, running.outcome.report_button)


def test_a_model_without_a_report_says_so_on_the_button(running):
    running.show_model(TrainedModel("mine", "Mine", Path(), "1 of 2 right", MATRIX))
    assert not running.outcome.report_button.isEnabled()
    assert running.outcome.report_button.toolTip() == "This run has left no report."


# ------------------------------------------------------------------------------------------------------------- curves


@pytest.fixture
def chart(qtbot):
    made = CurveChart(LOSS_SCALE)
    qtbot.addWidget(made)
    made.resize(400, 200)
    return made


def has_color(picture, token):
    wanted = theme.color(token).getRgb()[:3]
    return bool((abs(picture - wanted).sum(axis=2) < 6).any())


def test_held_out_films_have_a_curve_of_another_colour(chart, grabbed):
    chart.show_curves([(1, 1.0), (2, 0.5)], (), 2)
    assert not has_color(grabbed(chart), "accent")
    chart.show_curves([(1, 1.0), (2, 0.5)], [(1, 0.9), (2, 0.6)], 2)
    assert has_color(grabbed(chart), "accent")


def test_a_loss_that_is_no_number_is_left_out(chart, grabbed):
    chart.show_curves([(1, 1.0), (2, float("nan")), (3, float("inf"))], (), 30)
    assert chart.accessibleDescription() == "training 1"
    assert grabbed(chart).max() > 0


@pytest.mark.parametrize(("value", "above"), [(0.0, 0.0), (0.9, 1.0), (1.0, 1.0), (1.3, 2.0), (0.031, 0.05), (64, 100.0)])
def test_axes_end_at_round_numbers(value, above):
    assert nice_above(value) == pytest.approx(above)


def test_ticks_are_round_and_within_the_axis():
    assert ticks(1.0, 4) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert ticks(5.0, 4) == pytest.approx([0, 2, 4])


@pytest.mark.parametrize(
    ("epochs", "most", "shown"),
    [(1, 8, [1]), (3, 8, [1, 2, 3]), (30, 8, [1, 5, 10, 15, 20, 25, 30]), (100, 4, [1, 25, 50, 75, 100])],
)
def test_epochs_are_counted_in_round_steps(epochs, most, shown):
    assert epoch_ticks(epochs, most) == shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "less than a minute"), (61, "about 1 min"), (3540, "about 59 min"), (7210, "about 2 h"), (8000, "about 2 h 15 min")],
)
def test_a_duration_is_said_roughly(seconds, words):
    assert duration(seconds) == words
