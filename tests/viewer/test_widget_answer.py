"""The parts of the panel that say what an answer is worth: decision, refusal, input, audit, two-sided maps."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from second_reading import seen

from viewer.imaging.color_maps import COLD_MAPS, COLOR_MAPS
from viewer.reading import (
    Audit,
    AuditLine,
    ClassProbability,
    ConformalSet,
    Faithfulness,
    HeatMap,
    ModelFacts,
    ModelInput,
    OperatingPoint,
    PredictiveValue,
    PredictiveValues,
    Reading,
    RefusalReason,
    Share,
)
from viewer.widgets.audit_view import sentence
from viewer.widgets.heat_map_controls import faithfulness_sentence, map_sentence, scale_sentence
from viewer.widgets.heat_map_legend import peaks

LEFT = Qt.MouseButton.LeftButton
FACTS = ModelFacts("chest", "Chest", "1.0", "ab" * 32)
ROWS = (ClassProbability("covid", "COVID-19", 0.71, 0.62, 0.79), ClassProbability("normal", "no finding", 0.29, 0.2, 0.4))


def point(name, threshold, called):
    found, left = Share(90, 100, 0.83, 0.94), Share(80, 100, 0.71, 0.87)
    title, sentence = f"{name.capitalize()}: what it is for", f"Called from {threshold}."
    return OperatingPoint(name, title, "covid", "COVID-19", threshold, found, left, called, sentence)


CELLS = np.array([[2.0, -0.5], [0.0, -1.0]], np.float32)
MAP = HeatMap(
    "covid", CELLS, (10, 10), (20, 20), (0, 0, 40, 40), 2.0, 4.0, 0.1, "Contribution", "logit", 1.5, 1.0, (60.0, 58.0)
)
SEEN = ModelInput(np.full((160, 160), 90, np.uint8), (0, 10, 400, 410), (2.5, 2.4), "Stored black on white, shown bone white.")
REFUSAL = (RefusalReason("lateral", "This is a lateral film."), RefusalReason("far", "It is unlike what was learned."))


def reading(**changes):
    record = {
        "sha256": "a" * 64, "sop_instance_uid": "1.2", "frame": 0, "status": "read", "model": FACTS, "device": "CPU",
        "probabilities": ROWS, "predicted": "covid", "positive": "covid", "heat_maps": (MAP,), "model_input": SEEN,
        "interval_meaning": "95 % of networks trained anew would answer within the interval.",
        "conformal": ConformalSet(0.9, ("covid",), "compatible with COVID-19", (("covid", Share(91, 100, 0.84, 0.95)),)),
        "operating_points": (point("balanced", 0.4, True), point("few", 0.8, False)),
    }  # fmt: skip
    return Reading(**record | changes)


# ----------------------------------------------------------------------------------------------------------- decision


def test_the_answer_is_said_in_words_with_its_decision_and_counts(panel):
    panel.show_reading(reading())
    said = seen(panel)
    assert "Compatible with COVID-19" in said
    assert "Called COVID-19 (threshold 0.40)" in said
    assert "90 of 100 (90 %; 83 to 94)" in said and "80 of 100 (80 %; 71 to 87)" in said
    assert "95 % of networks trained anew" in said


def test_an_operating_point_is_offered_by_its_name_and_says_more_under_the_cursor(panel):
    panel.show_reading(reading())
    selector = panel.decision.point_selector
    assert [selector.itemText(n) for n in range(selector.count())] == ["Balanced", "Few"]
    assert selector.toolTip() == "<span>Balanced: what it is for</span>"


def test_a_model_without_such_records_has_no_decision(panel):
    panel.show_reading(reading(conformal=None, operating_points=()))
    assert not panel.decision.isVisible()
    assert panel.bars.isVisible()


def test_another_operating_point_moves_the_mark_and_is_kept_for_the_next_film(panel, qtbot):
    panel.show_reading(reading())
    with qtbot.waitSignal(panel.operating_point_chosen) as chosen:
        qtbot.keyClick(panel.decision.point_selector, Qt.Key.Key_Down)
    assert chosen.args == ["few"]
    assert "operating point 0.80" in panel.bars.accessibleDescription()
    panel.show_reading(reading(sha256="b" * 64))
    assert "Not called COVID-19 (threshold 0.80)" in seen(panel)


def test_the_slider_asks_what_a_call_means_and_says_it(panel, qtbot):
    panel.show_reading(reading())
    with qtbot.waitSignal(panel.prevalence_changed) as changed:
        qtbot.keyClick(panel.decision.prevalence_slider, Qt.Key.Key_Left)
    assert changed.args == [0.07]
    values = (
        PredictiveValue(0.34, 0.26, 0.43, "of 100 like this, 34; 26 to 43"),
        PredictiveValue(0.99, 0.98, 1, "of 100 like this, 99"),
    )
    panel.show_predictive_values(PredictiveValues(0.07, *values))
    said = seen(panel)
    assert "COVID-19 in 7 % of films like this" in said
    assert "If called: of 100 like this, 34; 26 to 43" in said


def test_a_rare_finding_is_told_with_a_tenth_of_a_percent(panel, qtbot):
    panel.show_reading(reading())
    qtbot.keyClick(panel.decision.prevalence_slider, Qt.Key.Key_Home)
    assert "COVID-19 in 0.1 % of films like this" in seen(panel)


# ------------------------------------------------------------------------------------------------------------ refusal


def refused():
    return reading(status="refused", refusals=REFUSAL, probabilities=(), predicted="", heat_maps=(), model_input=None,
                   conformal=None, operating_points=())  # fmt: skip


def test_a_refusal_names_every_reason_and_its_code(panel):
    panel.show_reading(refused())
    said = seen(panel)
    assert "This is a lateral film.\nIt is unlike what was learned." in said
    assert "Code: lateral, far" in said


def test_an_override_needs_a_reason(panel, qtbot):
    panel.show_reading(refused())
    view = panel.findChild(object, "refusalView")
    qtbot.mouseClick(view.override_button, LEFT)
    assert not view.confirm_button.isEnabled()
    with qtbot.assertNotEmitted(panel.override_requested):
        qtbot.keyClicks(view.reason_edit, "   ")
        qtbot.keyClick(view.reason_edit, Qt.Key.Key_Return)
    qtbot.keyClicks(view.reason_edit, "Teaching case")
    with qtbot.waitSignal(panel.override_requested) as asked:
        qtbot.mouseClick(view.confirm_button, LEFT)
    assert asked.args == ["Teaching case"]


def test_an_overridden_answer_is_marked_with_both_reasons(panel):
    panel.show_reading(reading(refusals=REFUSAL, override_reason="Teaching case"))
    said = seen(panel)
    assert "Read in spite of a refusal" in said
    assert "Reason given: Teaching case" in said
    assert panel.bars.isVisible()


# ------------------------------------------------------------------------------------------------------ two-sided maps


def test_a_two_sided_map_says_what_its_cells_add_up_to():
    assert scale_sentence(MAP) == (
        "Logits for the class (warm) and against it (cold); same scale for every film. The cells add up to 0.5, the logit 1.5 "
        "less its bias 1. One cell is 60 \N{MULTIPLICATION SIGN} 58 mm of film."
    )
    assert map_sentence(MAP) == "Strongest for 2, against \N{MINUS SIGN}1, scale 4. Hold M to look, Shift+M to pin."
    assert peaks(MAP) == (-1.0, 2.0)


def test_the_legend_of_a_two_sided_map_runs_from_cold_to_warm(panel):
    panel.show_reading(reading())
    colors = panel.heat_map.legend.colors()
    assert len(colors) == 512
    assert colors[0].tolist() == COLD_MAPS["inferno"][-1].tolist()
    assert colors[-1].tolist() == COLOR_MAPS["inferno"][-1].tolist()


def test_an_unfaithful_map_is_withheld_with_its_measurement(panel):
    found = Faithfulness(
        -0.05, -0.06, 0.05, "hot -0.05, random -0.06 +/- 0.05", "The map is withheld: it is no better than chance."
    )
    panel.show_reading(reading(heat_maps=(replace(MAP, faithfulness=found),)))
    said = seen(panel)
    assert "The map is withheld: it is no better than chance." in said
    assert "hot -0.05, random -0.06 +/- 0.05" in said
    assert not panel.heat_map.show_button.isEnabled()


def test_while_the_map_is_judged_that_is_said():
    assert faithfulness_sentence(MAP, reading(complete=False)) == "Whether the map is faithful is being measured."
    assert faithfulness_sentence(MAP, reading()) == ""


@pytest.mark.parametrize(
    ("box", "signal"), [("cells_box", "heat_map_cells_toggled"), ("outline_box", "heat_map_outline_toggled")]
)
def test_cells_and_outline_are_the_users_to_choose(panel, qtbot, box, signal):
    panel.show_reading(reading())
    with qtbot.waitSignal(getattr(panel, signal)):
        getattr(panel.heat_map, box).click()


def test_another_method_is_asked_for_by_its_name(panel, qtbot):
    panel.heat_map.set_methods([("contribution", "Contribution"), ("GradCAM", "Grad-CAM")], "contribution")
    panel.show_reading(reading())
    with qtbot.waitSignal(panel.heat_map_method_chosen) as chosen:
        qtbot.keyClick(panel.heat_map.method_selector, Qt.Key.Key_Down)
    assert chosen.args == ["GradCAM"]


# ------------------------------------------------------------------------------------------------- what the model saw


def test_what_the_model_saw_stands_with_its_millimetres(panel, qtbot):
    panel.show_reading(reading())
    qtbot.mouseClick(panel.input_section.button, LEFT)
    said = seen(panel)
    assert "160 \N{MULTIPLICATION SIGN} 160 pixels" in said
    assert "1 pixel = 2.4 \N{MULTIPLICATION SIGN} 2.5 mm of film" in said
    assert "Stored black on white, shown bone white." in said
    picture = panel.model_input.square.grab().toImage()
    assert picture.pixelColor(60, 60).red() == 90


def test_the_frame_is_drawn_on_request(panel, qtbot):
    panel.show_reading(reading())
    qtbot.mouseClick(panel.input_section.button, LEFT)
    with qtbot.waitSignal(panel.frame_toggled) as toggled:
        panel.model_input.frame_box.click()
    assert toggled.args == [True]


# -------------------------------------------------------------------------------------------------------------- audit

LINES = (AuditLine("mirrored", "Mirrored left to right", 0.81, 0.77), AuditLine("border", "Border cropped by 6 %", 0.81, 0.2))


def audit(**changes):
    return Audit(**{"sha256": "a" * 64, "frame": 0, "shown": "covid", "lines": LINES} | changes)


def test_the_audit_is_offered_then_shown_line_by_line_with_one_verdict(panel, qtbot):
    panel.show_reading(reading())
    qtbot.mouseClick(panel.audit_section.button, LEFT)
    with qtbot.waitSignal(panel.audit_requested):
        qtbot.mouseClick(panel.audit.audit_button, LEFT)
    panel.show_audit(audit(lines=LINES[:1]))
    assert "Probability of COVID-19, before and after" in seen(panel)
    assert panel.audit.lines.accessibleDescription() == "Mirrored left to right: from 0.81 to 0.77"
    panel.show_audit(audit(verdict="border", sentence="What lies at the border of the film moves the answer."))
    assert "What lies at the border of the film moves the answer." in seen(panel)
    assert not panel.audit.audit_button.isVisible()


def test_each_line_of_the_audit_has_its_words():
    assert sentence(LINES[1]) == "Border cropped by 6 %: from 0.81 to 0.20"


def test_an_audit_that_fails_says_why_and_can_be_asked_for_again(panel, qtbot):
    panel.show_reading(reading())
    qtbot.mouseClick(panel.audit_section.button, LEFT)
    panel.audit.show_running()
    panel.audit.show_failure("The lungs' network is damaged.")
    assert "The lungs' network is damaged." in seen(panel)
    assert panel.audit.audit_button.isVisible()
