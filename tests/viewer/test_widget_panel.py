"""The second reader's panel, its bars, its matrix and its examples, as hands and eyes meet them."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QShortcut, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel
from second_reading import seen

from viewer.imaging.image import RESEARCH_NOTICE
from viewer.reading import (
    ClassProbability,
    ConfusionExample,
    ConfusionMatrix,
    HeatMap,
    ModelFacts,
    Reading,
    RefusalReason,
    Share,
)
from viewer.widgets.confusion_matrix import ConfusionMatrixView
from viewer.widgets.examples_strip import ExamplesStrip, counter_examples_to, films_of_cell
from viewer.widgets.heat_map_controls import map_sentence
from viewer.widgets.probability_bars import ProbabilityBars, number
from viewer.widgets.second_reader_panel import answer_sentence

TITLES = {"covid": "COVID-19", "normal": "no finding", "pneumonia": "pneumonia"}
MATRIX = ConfusionMatrix(tuple(TITLES), tuple(TITLES.values()), ((52, 12, 61), (4, 451, 21), (5, 1, 421)))
FACTS = ModelFacts("chest", "Chest", "1.0", "ab" * 32, not_for="Children.", departures=("No flips",))
PICTURE = np.full((40, 30), 120, np.uint8)


def heat_map(name, peak):
    return HeatMap(name, np.zeros((7, 7), np.float32), (0, 0), (9, 9), (0, 0, 60, 60), peak, 5.0, 0.4)


def example(index, truth, answer, path=Path("film.png")):
    chances = tuple(0.8 if name == answer else 0.1 for name in TITLES)
    return ConfusionExample(f"{index:064x}", truth, answer, chances, "2", index / 10, source="cohen", path=path)


def many(count, truth="covid", answer="covid", **more):
    return [example(index, truth, answer, **more) for index in range(count)]


def reading(**changes):
    chances = (0.71, 0.22, 0.07)
    record = {
        "sha256": "a" * 64, "sop_instance_uid": "1.2", "frame": 0, "status": "read", "model": FACTS, "device": "CPU",
        "probabilities": tuple(ClassProbability(n, t, p) for (n, t), p in zip(TITLES.items(), chances, strict=True)),
        "predicted": "covid", "heat_maps": (heat_map("covid", 3.2), heat_map("normal", 0.2)), "matrix": MATRIX,
        "examples": (example(1, "covid", "covid"), example(2, "normal", "covid"), example(3, "normal", "pneumonia")),
        "milliseconds": {"preprocess": 20.0, "forward": 64.0, "heatmap": 300.0},
    }  # fmt: skip
    return Reading(**record | changes)


REFUSAL = {
    "status": "refused",
    "refusals": (RefusalReason("lateral", "This is a lateral film."),),
    "probabilities": (),
    "predicted": "",
}


# ------------------------------------------------------------------------------------------------------------- states


def test_without_a_film_the_panel_says_so_and_nothing_else(panel):
    assert "once a film is open" in seen(panel)
    assert not panel.bars.isVisible() and not panel.matrix.isVisible()


def test_a_refusal_shows_its_reason_and_no_number(panel):
    panel.show_reading(reading())
    panel.show_reading(reading(sha256="b" * 64, heat_maps=(), examples=(), matrix=None, **REFUSAL))
    assert "This is a lateral film." in seen(panel)
    hidden = (panel.bars, panel.heat_map, panel.matrix, panel.examples)
    assert not any(widget.isVisible() for widget in hidden)


def test_waiting_takes_the_last_answer_away(panel):
    panel.show_reading(reading())
    panel.show_waiting("Loading the model", 0.4)
    assert "Loading the model" in seen(panel)
    assert not panel.bars.isVisible()
    assert panel.heat_map_class() == ""


def test_progress_leaves_the_answer_so_far(panel):
    panel.show_reading(reading(heat_maps=(), examples=(), complete=False))
    panel.show_progress("Making heat maps", 0.6)
    assert panel.bars.isVisible()
    assert "The map is being made." in seen(panel)
    assert "The films most like this one are being found." in seen(panel)


def test_a_failure_is_a_sentence_in_plain_text(panel):
    panel.show_reading(reading())
    panel.show_failure("<b>The model</b> could not be loaded.")
    assert "<b>The model</b> could not be loaded." in seen(panel)
    assert not panel.bars.isVisible()


def test_warnings_stand_above_the_probabilities(panel):
    panel.show_reading(reading(warnings=("The film is marked AP.",)))
    warning = next(label for label in panel.findChildren(QLabel) if label.text() == "The film is marked AP.")
    assert warning.mapTo(panel, QPoint(0, 0)).y() < panel.bars.mapTo(panel, QPoint(0, 0)).y()


def test_the_sections_stand_in_the_order_of_reading(panel):
    panel.show_reading(reading())
    tops = [w.mapTo(panel, QPoint(0, 0)).y() for w in (panel.bars, panel.heat_map, panel.matrix, panel.examples)]
    assert tops == sorted(tops)


def test_device_and_time_of_the_answer_are_in_small_print(panel):
    panel.show_reading(reading())
    assert "CPU, 84 ms" in seen(panel)


def test_model_facts_unfold_and_end_with_the_notice(panel, qtbot):
    panel.show_reading(reading())
    assert RESEARCH_NOTICE not in seen(panel)
    qtbot.mouseClick(panel.facts_section.button, Qt.MouseButton.LeftButton)
    assert RESEARCH_NOTICE in seen(panel)
    assert "Children." in seen(panel)


def test_choosing_a_model_names_it(panel, qtbot):
    panel.set_models([("chest", "Chest"), ("dark", "DarkCovidNet")], "chest")
    with qtbot.waitSignal(panel.model_chosen) as chosen:
        qtbot.keyClick(panel.model_selector, Qt.Key.Key_Down)
    assert chosen.args == ["dark"]


@pytest.mark.parametrize("width", [300, 340, 420])
def test_nothing_is_wider_than_the_panel(panel, width):
    panel.resize(width, 600)
    panel.show_reading(reading(warnings=("A rather long warning about this film and what it may mean. " * 3,)))
    QApplication.processEvents()
    assert panel.width() == width
    assert panel.scroll_area.widget().width() <= panel.scroll_area.viewport().width()
    assert panel.scroll_area.widget().minimumSizeHint().width() <= panel.scroll_area.viewport().width()


def test_the_wheel_scrolls_the_panel_and_changes_no_control(panel):
    panel.show_reading(reading())
    slider = panel.heat_map.opacity_slider
    centre = QPointF(slider.rect().center())
    turn = (QPoint(), QPoint(0, -240), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier)
    event = QWheelEvent(centre, slider.mapToGlobal(centre), *turn, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(slider, event)
    assert slider.value() == 50


# ---------------------------------------------------------------------------------------------------- probabilities


@pytest.mark.parametrize(("value", "text"), [(0.714, "0.71"), (0.998, ">0.99"), (1.0, "1.00"), (0.001, "<0.01"), (0.0, "0.00")])
def test_a_probability_never_claims_a_certainty_it_does_not_have(value, text):
    assert number(value) == text


def test_bars_read_themselves_out(qtbot):
    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    bars.show_probabilities((ClassProbability("covid", "COVID-19", 0.71, 0.62, 0.79),), "covid", {"covid": 0.45})
    said = "COVID-19 0.71, interval 0.62 to 0.79, operating point 0.45, the answer"
    assert bars.accessibleDescription() == said


def test_a_bar_is_filled_as_far_as_its_probability(qtbot):
    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    bars.show_probabilities((ClassProbability("covid", "COVID-19", 0.5),), "covid")
    bars.resize(200, 42)
    image = bars.grab().toImage()
    assert image.pixelColor(90, 28).name() == "#63b8ad"
    assert image.pixelColor(110, 28).name() == "#282623"


# ---------------------------------------------------------------------------------------------------------- heat map


def test_the_map_of_the_answer_is_chosen_for_a_new_film(panel):
    panel.show_reading(reading(predicted="normal"))
    assert panel.heat_map_class() == "normal"


def test_the_class_chosen_by_hand_stays_while_the_same_film_is_completed(panel, qtbot):
    panel.show_reading(reading(complete=False))
    with qtbot.waitSignal(panel.heat_map_class_chosen) as chosen:
        qtbot.keyClick(panel.heat_map.class_selector, Qt.Key.Key_Down)
    panel.show_reading(reading())
    assert (chosen.args, panel.heat_map_class()) == (["normal"], "normal")
    panel.show_reading(reading(sha256="b" * 64))
    assert panel.heat_map_class() == "covid"


def test_a_map_below_its_floor_is_withheld_with_a_sentence(panel):
    panel.show_reading(reading(predicted="normal"))
    assert "Withheld: nothing on this film rises above the floor (peak 0.2, floor 0.4)." in seen(panel)
    assert not panel.heat_map.show_button.isEnabled()


def test_a_map_that_is_painted_says_its_peak_and_the_scale_of_every_film():
    assert map_sentence(heat_map("covid", 3.2)) == "Peak 3.2 of 5. Hold M to look, Shift+M to pin."


def test_show_pins_the_map(panel, qtbot):
    panel.show_reading(reading())
    with qtbot.waitSignal(panel.heat_map_pinned) as pinned:
        qtbot.mouseClick(panel.heat_map.show_button, Qt.MouseButton.LeftButton)
    assert pinned.args == [True]


def test_opacity_outline_and_colours_are_signalled(panel, qtbot):
    panel.show_reading(reading())
    controls = panel.heat_map
    signals = [panel.heat_map_opacity_changed, panel.heat_map_outline_toggled, panel.heat_map_color_map_chosen]
    with qtbot.waitSignals(signals):
        qtbot.keyClick(controls.opacity_slider, Qt.Key.Key_Right)
        controls.outline_box.click()
        qtbot.keyClick(controls.color_map_selector, Qt.Key.Key_Down)
    assert controls.opacity_slider.value() == 51
    assert controls.color_map_selector.currentData() == "viridis"


def test_restoring_the_appearance_signals_nothing(panel, qtbot):
    with qtbot.assertNotEmitted(panel.heat_map_opacity_changed), qtbot.assertNotEmitted(panel.heat_map_outline_toggled):
        panel.heat_map.set_appearance(0.3, "viridis", True)
    assert panel.heat_map.opacity_slider.value() == 30


def test_the_legend_runs_from_dark_to_bright_and_leaves_the_floor_empty(panel):
    panel.show_reading(reading())
    image = panel.heat_map.legend.grab().toImage()
    row, right = 14, panel.heat_map.legend.width() - 2
    assert image.pixelColor(10, row).name() == "#201e1c"
    assert image.pixelColor(right, row).lightness() > 180


# ------------------------------------------------------------------------------------------------------------ matrix


@pytest.fixture
def matrix(qtbot):
    view = ConfusionMatrixView()
    qtbot.addWidget(view)
    view.resize(300, 180)
    view.show_matrix(MATRIX, "covid")
    view.show()
    return view


def test_a_click_on_a_cell_names_truth_and_answer(matrix, qtbot):
    with qtbot.waitSignal(matrix.cell_chosen) as chosen:
        where = matrix.cell_rect("normal", "pneumonia").center()
        qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=where)
    assert chosen.args == ["normal", "pneumonia"]


def test_arrows_and_enter_choose_a_cell_and_stop_at_the_edge(matrix, qtbot):
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right):
        qtbot.keyClick(matrix, key)
    with qtbot.waitSignal(matrix.cell_chosen) as chosen:
        qtbot.keyClick(matrix, Qt.Key.Key_Return)
    assert chosen.args == ["normal", "pneumonia"]
    assert matrix.accessibleDescription() == "21 films of no finding were called pneumonia"


@pytest.mark.parametrize("key", [Qt.Key.Key_Up, Qt.Key.Key_Down])
def test_the_windows_own_shortcuts_do_not_take_the_keys_of_the_matrix(matrix, qtbot, key):
    taken = []
    QShortcut(QKeySequence(key), matrix, lambda: taken.append(key))
    matrix.activateWindow()
    matrix.setFocus()
    qtbot.waitUntil(matrix.hasFocus)
    qtbot.keyClick(matrix, key)
    assert taken == []


def test_one_film_is_said_in_the_singular(matrix):
    assert matrix.sentence("pneumonia", "normal") == "1 film of pneumonia was called no finding"


def test_the_column_of_the_answer_is_outlined_and_no_other(matrix):
    image = matrix.grab().toImage()
    lit, dark = matrix.cell_rect("covid", "covid"), matrix.cell_rect("covid", "normal")
    edges = [[image.pixelColor(box.center().x(), y) for y in range(14, 19)] for box in (lit, dark)]
    greenest = [max(color.green() - color.red() for color in edge) for edge in edges]
    assert greenest[0] > 40 and greenest[1] < 10


def test_rows_are_the_truth_and_columns_the_answer(matrix):
    first = matrix.cell_rect("covid", "covid")
    assert matrix.cell_rect("normal", "covid").top() > first.bottom()
    assert matrix.cell_rect("covid", "normal").left() > first.right()


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (((52, 0), (9, 3)), "It said COVID-19 61 times on held-out films: 52 were."),
        (((1, 0), (0, 3)), "It said COVID-19 once on held-out films: it was."),
        (((0, 1), (0, 3)), "It never said COVID-19 on held-out films."),
        (((1, 0), (4, 3)), "It said COVID-19 5 times on held-out films: 1 was."),
    ],
)
def test_the_answer_is_told_how_often_it_was_true(counts, said):
    titles = ("COVID-19", "no finding")
    assert answer_sentence(ConfusionMatrix(("covid", "normal"), titles, counts), "covid") == said


# ---------------------------------------------------------------------------------------------------------- examples


@pytest.fixture
def strip(qtbot):
    widget = ExamplesStrip()
    qtbot.addWidget(widget)
    widget.resize(310, 400)
    widget.show()
    return widget


def test_the_films_of_a_cell_keep_their_order():
    films = [example(1, "covid", "covid"), example(2, "normal", "covid"), example(3, "covid", "covid")]
    assert [film.distance for film in films_of_cell(films, "covid", "covid")] == [0.1, 0.3]


def test_what_got_the_same_answer_wrongly_speaks_against_it():
    films = [example(1, "covid", "covid"), *many(3, "normal", "covid"), example(9, "normal", "pneumonia")]
    against, note = counter_examples_to(films, "covid", "COVID-19")
    assert ([(film.truth, film.distance) for film in against], note) == ([("normal", 0.0), ("normal", 0.1)], "")


def test_where_no_film_got_the_answer_wrongly_the_missed_ones_speak_against_it():
    films = [example(1, "covid", "covid"), example(2, "covid", "normal"), example(3, "normal", "normal")]
    against, note = counter_examples_to(films, "covid", "COVID-19")
    assert [film.distance for film in against] == [0.2]
    assert note == "It never called another film COVID-19; these COVID-19 films it missed."


def test_where_nothing_speaks_against_the_answer_that_is_said():
    against, note = counter_examples_to([example(1, "covid", "covid")], "covid", "COVID-19")
    assert (against, note) == ([], "No held-out film speaks against COVID-19: it was right in all of them.")


def test_twelve_cards_are_made_and_more_on_request(strip, qtbot):
    strip.show_examples(many(30), TITLES)
    assert len(strip.cards()) == 12
    qtbot.mouseClick(strip.more_button, Qt.MouseButton.LeftButton)
    assert len(strip.cards()) == 24
    qtbot.mouseClick(strip.more_button, Qt.MouseButton.LeftButton)
    assert len(strip.cards()) == 30
    assert not strip.more_button.isVisible()


def test_pictures_are_asked_for_only_where_they_are_in_sight(strip, qtbot):
    wanted = []
    strip.picture_wanted.connect(wanted.append)
    strip.show_examples(many(12), TITLES)
    qtbot.waitUntil(lambda: len(wanted) >= 3)
    assert len(wanted) < 6


def test_a_picture_that_has_come_is_drawn_and_not_asked_for_again(strip, qtbot):
    strip.show_examples(many(1), TITLES)
    with qtbot.waitSignal(strip.picture_wanted):
        strip.update()
    strip.set_picture(f"{0:064x}", PICTURE, None)
    assert strip.cards()[0].grab().toImage().pixelColor(49, 49).red() == 120
    with qtbot.assertNotEmitted(strip.picture_wanted, wait=50):
        strip.show_examples(many(1), TITLES)


def test_the_heat_map_of_an_example_is_blended_when_visible(strip):
    strip.show_examples(many(1), TITLES)
    strip.set_picture(f"{0:064x}", PICTURE, np.full((4, 3, 4), (250, 0, 0, 255), np.uint8))
    colors = []
    for is_visible in (False, True):
        strip.set_heat_visible(is_visible)
        colors.append(strip.cards()[0].grab().toImage().pixelColor(49, 49).name())
    assert colors == ["#787878", "#fa0000"]


def press(qtbot, *keys):
    for key in keys:
        qtbot.keyClick(QApplication.focusWidget(), key)


@pytest.fixture
def browsed(strip, qtbot):
    """Return a strip of thirty films and two counter-examples whose first card has the keyboard."""
    against = [example(77, "normal", "covid"), example(88, "normal", "covid")]
    strip.show_examples(many(30), TITLES, counter_examples=against)
    strip.activateWindow()
    strip.focus_first()
    qtbot.waitUntil(strip.cards()[0].hasFocus)
    return strip


@pytest.mark.parametrize(
    ("keys", "distance"),
    [
        ((Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left), 0.1),
        ((Qt.Key.Key_Left,), 0.0),
        ((Qt.Key.Key_End,), 1.1),
        ((Qt.Key.Key_End, Qt.Key.Key_Right), 1.2),
        ((Qt.Key.Key_Down,), 7.7),
        ((Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right), 8.8),
        ((Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Up), 0.0),
        ((Qt.Key.Key_End, Qt.Key.Key_Home), 0.0),
    ],
)
def test_keys_walk_over_the_cards_and_enter_opens(browsed, qtbot, keys, distance):
    press(qtbot, *keys)
    with qtbot.waitSignal(browsed.example_opened) as opened:
        press(qtbot, Qt.Key.Key_Return)
    assert opened.args[0].distance == distance


def test_the_card_that_has_the_keyboard_is_in_sight(browsed, qtbot):
    press(qtbot, Qt.Key.Key_End, Qt.Key.Key_Right)
    card = QApplication.focusWidget()
    assert card.visibleRegion().boundingRect().width() == card.width()


def test_b_asks_for_the_film_beside_the_other(browsed, qtbot):
    with qtbot.waitSignal(browsed.beside_wanted) as wanted:
        press(qtbot, Qt.Key.Key_Right, Qt.Key.Key_B)
    assert wanted.args[0].distance == 0.1


@pytest.mark.parametrize("key", [Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End])
def test_the_windows_own_shortcuts_do_not_take_the_keys_of_a_card(browsed, qtbot, key):
    taken = []
    QShortcut(QKeySequence(key), browsed, lambda: taken.append(key))
    press(qtbot, key)
    assert taken == []


def test_a_click_opens_an_example(strip, qtbot):
    strip.show_examples(many(2), TITLES)
    with qtbot.waitSignal(strip.example_opened) as opened:
        qtbot.mouseClick(strip.cards()[1], Qt.MouseButton.LeftButton)
    assert opened.args[0].distance == 0.1


def test_without_pictures_the_way_to_get_them_is_offered(strip, qtbot):
    strip.show_examples(many(2, path=None), TITLES)
    assert strip.install_button.isVisible()
    with qtbot.waitSignals([strip.install_examples_requested, strip.fetch_examples_requested]):
        qtbot.mouseClick(strip.install_button, Qt.MouseButton.LeftButton)
        qtbot.mouseClick(strip.fetch_button, Qt.MouseButton.LeftButton)


def test_with_pictures_nothing_is_offered(strip):
    strip.show_examples(many(2), TITLES)
    assert not strip.install_button.isVisible()


def test_a_card_says_truth_answer_and_that_it_is_wrong(strip):
    strip.show_examples([example(3, "normal", "covid")], TITLES)
    said = "Number 1 by likeness: truth no finding, the model said COVID-19 (0.80), which is wrong. Distance 0.30."
    assert strip.cards()[0].accessibleName() == said


def test_the_panel_opens_on_the_answers_own_cell_with_a_counter_example(panel):
    panel.show_reading(reading())
    assert [(e.truth, e.answer) for e in panel.examples.shown_examples()] == [("covid", "covid")]
    assert [(e.truth, e.answer) for e in panel.examples.counter_examples()] == [("normal", "covid")]


@pytest.mark.parametrize("size", [(300, 420), (340, 420), (340, 900), (420, 600)])
@pytest.mark.parametrize("cell", [("covid", "covid"), ("normal", "covid"), ("normal", "pneumonia"), ("covid", "normal")])
def test_a_counter_example_is_in_sight_whatever_is_chosen_and_however_short_the_window(panel, qtbot, size, cell):
    panel.resize(*size)
    panel.show_reading(reading(warnings=("A rather long warning about this film and what it may mean. " * 6,)))
    panel.matrix.cell_chosen.emit(*cell)
    QApplication.processEvents()
    card = panel.examples.cards()[-1]
    assert (card.is_counter, card.example.truth, card.example.answer) == (True, "normal", "covid")
    assert card.visibleRegion().boundingRect() == card.rect()


def test_a_refused_film_has_no_counter_example_in_sight(panel):
    panel.show_reading(reading())
    panel.show_reading(reading(sha256="b" * 64, heat_maps=(), examples=(), matrix=None, **REFUSAL))
    assert "COUNTER" not in seen(panel).upper()


def test_how_often_it_was_right_among_the_most_alike_stands_above_them(panel):
    panel.show_reading(reading(nearest_right=Share(41, 50, 0.692, 0.902)))
    assert "Of the 50 held-out films most like this one it was right in 41 (69 to 90 %)." in seen(panel)
    panel.show_reading(reading(sha256="c" * 64))
    assert "most like this one it was right" not in seen(panel)


def test_the_keyboard_goes_from_the_matrix_to_the_cards_and_back(panel, qtbot):
    panel.show_reading(reading())
    panel.activateWindow()
    panel.matrix.setFocus()
    qtbot.waitUntil(lambda: panel.matrix.hasFocus() and panel.examples.cards()[0].isVisible())
    press(qtbot, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is panel.examples.cards()[0]
    press(qtbot, Qt.Key.Key_Up)
    assert panel.matrix.hasFocus()


def test_a_click_on_a_cell_shows_its_films(panel, qtbot):
    panel.show_reading(reading())
    with qtbot.waitSignal(panel.cell_chosen) as chosen:
        where = panel.matrix.cell_rect("normal", "pneumonia").center()
        qtbot.mouseClick(panel.matrix, Qt.MouseButton.LeftButton, pos=where)
    assert chosen.args == ["normal", "pneumonia"]
    assert [e.distance for e in panel.examples.shown_examples()] == [0.3]


def test_the_chosen_cell_stays_while_the_same_film_is_completed(panel, qtbot):
    panel.show_reading(reading(complete=False))
    where = panel.matrix.cell_rect("normal", "pneumonia").center()
    qtbot.mouseClick(panel.matrix, Qt.MouseButton.LeftButton, pos=where)
    panel.show_reading(reading())
    assert [e.distance for e in panel.examples.shown_examples()] == [0.3]


def test_an_empty_cell_says_so(panel, qtbot):
    panel.show_reading(reading())
    where = panel.matrix.cell_rect("covid", "normal").center()
    qtbot.mouseClick(panel.matrix, Qt.MouseButton.LeftButton, pos=where)
    assert "No held-out film stands in this cell." in seen(panel)


def test_pictures_of_another_model_are_forgotten(panel):
    panel.show_reading(reading())
    panel.set_picture(f"{1:064x}", PICTURE, None)
    other = ModelFacts("dark", "DarkCovidNet", "1.0", "cd" * 32)
    panel.show_reading(reading(model=other))
    assert not panel.examples.cards()[0].has_picture
