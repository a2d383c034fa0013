"""The model card: what stands on it, what is grey, what it owns up to; that it fetches nothing and escapes everything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from inference.bundle import Bundle
from inference.command_line import Places, main
from inference.errors import BundleError
from inference.evaluate import Proportion
from inference.examples import ExampleRow
from inference.model_card.claim import ITEMS, NO, PARTLY, YES
from inference.model_card.data_sections import bias_section, failures_section, files_section, verdict, warnings
from inference.model_card.map_sections import maps_section
from inference.model_card.page import model_card, reduced_card
from inference.model_card.plots import roc_curve
from inference.model_card.sections import (
    calibration_section,
    controls_section,
    gate_section,
    groups_section,
    mistakes,
    outside_section,
)
from inference.model_card.source import CardSource, read_source, runs_of
from inference.model_card.subgroups import FilmFacts, subgroups
from inference.operating_point import OperatingPoint

Said = pytest.CaptureFixture[str]
VOID = {"meta", "br", "img"}


class Tags(HTMLParser):
    """Follows the nesting of a page and keeps what it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.seen: set[str] = set()
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def row(number: int, truth: str, covid: float, **changes: str) -> ExampleRow:
    """Return a held-out film of one of two classes, every second of fold 1."""
    known = {"source": "ieee:Italy" if truth == "covid" else "NIH Clinical Center", "view": "PA", "age": "50", "sex": "F"}
    own = {"sha256": f"{number:064x}", "origin_sha256": "", "address": "", "url": "", "licence": ""} | known | changes
    answer = "covid" if covid >= 0.5 else "no_finding"
    return ExampleRow(**own, truth=truth, answer=answer, probabilities=(covid, 1 - covid), fold=str(number % 2))


FILMS = tuple(
    row(n, "covid" if n < 40 else "no_finding", 0.9 - 0.02 * (n % 20) if n < 40 else 0.1 + 0.03 * (n % 20)) for n in range(80)
)


def card(**changes: Any) -> dict[str, Any]:
    right = Proportion(70, 80).record()
    return {
        "name": "two", "title": "Two classes", "version": "1.0.0", "recipe": "two", "recipe_fingerprint": "ab" * 8,
        "classes": [{"name": "covid", "title": "COVID-19"}, {"name": "no_finding", "title": "No finding"}],
        "positive": "covid", "temperature": 1.0, "members": ["fold-0", "fold-1"], "facts": {"not_for": "Children."},
        "thresholds": {}, "files": {"weights.safetensors": "cd" * 32, "examples.csv": "ef" * 32},
        "confusion_matrix": {"counts": [[35, 5], [5, 35]], "provenance": "80 films."},
        "metrics": {"cross_validation": {"films": 80, "patients": 60, "accuracy": right,
                                         "auc": {"class": "covid", "value": 0.91, "low": 0.85, "high": 0.96}}},
    } | changes  # fmt: skip


def source(rows: tuple[ExampleRow, ...] = FILMS, runs: tuple[dict[str, Any], ...] = (), **changes: Any) -> CardSource:
    return CardSource(card(**changes), rows, runs)


def text_of(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", markup))


# The page


@pytest.mark.parametrize("made", [model_card, reduced_card])
def test_a_card_of_a_real_bundle_is_well_formed_and_fetches_nothing(
    made: Callable[[CardSource], str], tiny_bundle: Bundle
) -> None:
    page = made(read_source(tiny_bundle.folder))
    tags = Tags(page)
    assert tags.fetched == []
    assert not tags.seen & {"script", "link", "iframe", "object", "img"}
    assert "url(" not in page and "@import" not in page


def test_drawings_are_xml_and_only_on_the_whole_card() -> None:
    drawings = re.findall(r"<svg.*?</svg>", model_card(source()), re.DOTALL)
    assert len([ElementTree.fromstring(drawing) for drawing in drawings]) == 2
    assert "<svg" not in reduced_card(source())


def test_the_reduced_card_knows_no_style_variables_and_names_no_checklist() -> None:
    page = reduced_card(source())
    assert "var(" not in page and "<style" not in page and "CLAIM" not in page


def test_every_word_of_a_card_is_escaped() -> None:
    bad = "<script>alert(1)</script>"
    rows = (replace(FILMS[0], source=f"{bad}:x", licence=bad, address=bad, view=bad, sex=bad), *FILMS[1:])
    facts = {"summary": bad, "trained_on": bad, "not_for": bad}
    page = model_card(source(rows, title=bad, version=bad, facts=facts, departures=[bad], claims=[[bad, bad]], article=bad))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 9
    assert "script" not in Tags(page).seen


def test_a_picture_stands_beside_a_mistake_only_where_one_is_told() -> None:
    wrong = source().rows[mistakes(source(), 1)[0]].sha256
    shown = failures_section(source(), lambda sha256: f"film:{sha256}" if sha256 == wrong else "")
    assert Tags(shown).fetched == [f"film:{wrong}"]


def test_the_card_is_made_without_torch_and_matplotlib() -> None:
    program = "import sys, inference.model_card.page; print(*{'torch', 'matplotlib', 'sklearn', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# What stands on it


def test_warnings_name_classes_that_share_no_source() -> None:
    assert warnings(source())[0].startswith("Every film with COVID-19 comes from another source than every film without it")
    shared = (*FILMS[:-1], replace(FILMS[-1], source="ieee:Spain"))
    assert not any("another source" in said for said in warnings(source(shared)))


def test_a_missing_control_is_said_and_a_measured_one_warned_of() -> None:
    assert "Controls were not measured." in warnings(source())
    assert text_of(controls_section(source())).count("not measured") == 6
    control = {"accuracy": Proportion(60, 80).record(), "auc": {"value": 0.88, "low": 0.8, "high": 0.95}}
    told = source(controls={"lungs_blacked_out": control})
    assert "areas of 0.880 (lungs painted black)" in " ".join(warnings(told))
    assert "60 of 80: 75.0 % (64.5 to 83.2) 0.880 (0.800 to 0.950)" in text_of(controls_section(told))


def test_controls_come_from_a_run_of_the_same_recipe_and_films_only(tmp_path: Path) -> None:
    for seed, (recipe, films) in enumerate((("ab" * 8, 80), ("ab" * 8, 79), ("cd" * 8, 80))):
        folder = tmp_path / "ours" / "corrected" / f"seed-{seed}"
        folder.mkdir(parents=True)
        run = {"identity": f"{recipe} fresh 0123", "held_out_films": films, "seed": seed, "controls": {"frame": {}}}
        (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    (tmp_path / "ours" / "corrected" / "seed-1" / "run.json").write_text("{", encoding="utf-8")
    assert [run["seed"] for run in runs_of(card(), tmp_path)] == [0]


def test_rows_of_fewer_than_thirty_films_are_grey() -> None:
    rows = tuple(replace(film, sex="M") if n % 40 < 10 else film for n, film in enumerate(FILMS))
    lines = groups_section(source(rows)).splitlines()
    assert next(line for line in lines if ">M<" in line).startswith('<tr class="muted">')
    assert next(line for line in lines if ">F<" in line).startswith("<tr><th")


def test_a_group_is_counted_at_the_threshold() -> None:
    facts = [FilmFacts("a", "PA", "30", sex, "x") for sex in "MMMF"]
    score = np.array([0.5, 0.49, 0.9, 0.1])
    groups = subgroups(facts, np.array([True, True, False, False]), score, 0.5)
    found = {group.name: (group.sensitivity, group.specificity) for group in groups["sex"]}
    assert found == {"M": (Proportion(1, 2), Proportion(0, 1)), "F": (Proportion(0, 0), Proportion(1, 1))}


def test_no_area_is_told_of_a_group_with_few_films_of_a_side() -> None:
    facts = [FilmFacts("a", "PA", "30", "", "x")] * 30
    positive, patients = np.arange(30) < 9, [str(n) for n in range(30)]
    few = subgroups(facts, positive, np.linspace(1, 0, 30), 0.5, patients=patients)["view"][0]
    enough = subgroups(facts, np.arange(30) < 10, np.linspace(1, 0, 30), 0.5, patients=patients)["view"][0]
    assert (dict(few.area), enough.area["value"]) == ({}, 1.0)


def test_recorded_points_are_taken_and_others_worked_out() -> None:
    point = OperatingPoint("balanced", 0.33, Proportion(39, 40), Proportion(30, 40))
    stored = source(operating_points={"covid": [point.record()], "no_finding": []}).points()
    assert (stored.value, stored.stored) == ((point,), True)
    worked_out = source().points()
    assert not worked_out.stored
    assert [entry.name for entry in worked_out.value] == ["balanced", "few_missed"]


def test_the_verdict_counts_at_the_first_point() -> None:
    point = OperatingPoint("balanced", 0.33, Proportion(39, 40), Proportion(30, 40))
    said = verdict(source(operating_points={"covid": [point.record()]}))
    assert said.startswith(
        'At the point "Balanced" it called 97.5 % (87.1 to 99.6; 39 of 40) of the held-out films with COVID-19'
    )


def test_calibration_is_told_as_recorded_or_as_worked_out() -> None:
    said = text_of(calibration_section(source(), drawn=False))
    assert "worked out from the held-out answers, without an interval" in said
    recorded = {"expected_calibration_error": 0.021, "expected_calibration_error_interval": [0.01, 0.04]}
    assert "0.021 (0.010 to 0.040)" in text_of(calibration_section(source(calibration=recorded), drawn=False))


def test_the_gates_refusals_are_told_by_kind_where_they_are_recorded() -> None:
    assert "No gate is recorded" in gate_section(source())
    found = gate_section(
        source(gate={"refused": {"upside_down": Proportion(97, 100).record(), "hand": Proportion(4, 5).record()}})
    )
    assert "upside down 97 of 100: 97.0 % (91.5 to 99.0)" in text_of(found)
    assert found.count('class="muted"') == 1


def test_what_is_lost_with_hospitals_left_out_is_told() -> None:
    assert "never judged on films of a hospital" in outside_section(source())
    entry = {"title": "Countries left out", "films": 44, "auc": {"value": 0.5, "low": 0.4, "high": 0.6}}
    told = source(outside=[entry])
    lost = told.card["metrics"]["cross_validation"]["auc"]["value"] - 0.5
    found = text_of(outside_section(told))
    assert "Countries left out 44 films 0.500 (0.400 to 0.600)" in found
    assert f"{lost:+.3f} of it comes from films of the same hospitals" in found
    assert "cannot be told" in outside_section(source(outside=[entry | {"auc": None}]))


def passed(right: int, of: int) -> dict[str, Any]:
    return {"right": Proportion(right, of).record(), "wrong": Proportion(3, 5).record()}


def maps(right: int, of: int = 40) -> dict[str, Any]:
    """Return a record of maps: one kind, judged on the right answers of one class."""
    own = {"method": "contribution", "title": "Contribution", "by_chance": 0.38, **passed(right, of)}
    own["by_class"] = {"covid": passed(right, of), "no_finding": passed(0, 0)}
    return {"films": of + 5, "deleted_part": 0.1, "random_regions": 20, "maps": [own]}


def audit(outside: int, weights: str = "cd" * 32) -> dict[str, Any]:
    share = {"right": Proportion(outside, 40).record(), "wrong": Proportion(1, 5).record()}
    return {"films": 45, "lungs_found": Proportion(44, 45).record(), "flagged": share,
            "limits_of": {"name": "other", "weights_sha256": weights},
            "verdicts": [{"verdict": "outside", "sentence": "It rests outside.", **share}]}  # fmt: skip


RANDOM = {"films": 20, "title": "Contribution", "median": -0.08, "highest": 0.22, "limit": 0.3,
          "below": Proportion(20, 20).record()}  # fmt: skip


def test_maps_and_audits_are_told_where_they_were_counted() -> None:
    assert "Nobody counted how many maps" in maps_section(source())
    said = text_of(maps_section(source(faithfulness=maps(36), randomised=RANDOM, audit=audit(10))))
    assert "Contribution, all answers 36 of 40: 90.0 % (76.9 to 96.0) 3 of 5: 60.0 % (23.1 to 88.2) 38 %" in said
    assert "Median -0.08 Highest 0.22 Below 0.3 20 of 20" in said
    assert "It rests outside. 10 of 40: 25.0 % (14.2 to 40.2)" in said
    assert "measured on this model&#x27;s own right answers" in said
    only = text_of(maps_section(source(audit=audit(10, "00"))))
    assert only.count("Not measured.") == 2
    assert "right answers of another model (other)" in only


def test_a_class_with_few_right_answers_is_grey_among_the_maps() -> None:
    assert maps_section(source(faithfulness=maps(36))).count('class="muted"') == 1
    assert maps_section(source(faithfulness=maps(20, 29))).count('class="muted"') == 3


def test_maps_that_fail_and_answers_from_outside_the_lungs_are_warned_of() -> None:
    said = " ".join(warnings(source(faithfulness=maps(31), audit=audit(10))))
    assert "For 9 of 40 right answers the map does not show" in said
    assert "For 10 of 40 right answers the audit finds that they rest on what lies outside the lungs." in said
    well = " ".join(warnings(source(faithfulness=maps(32), audit=audit(3))))
    assert "the map does not show" not in well
    assert "the audit finds" not in well


def test_claim_answers_explainability_and_robustness_from_the_records() -> None:
    explainability, robustness = (next(item for item in ITEMS if item.number == n) for n in (31, 30))
    assert explainability.answer(source())[0] == PARTLY
    assert explainability.answer(source(faithfulness=maps(36)))[0] == PARTLY
    done, where = explainability.answer(source(faithfulness=maps(36), randomised=RANDOM))
    assert (done, "36 of 40: 90.0 %" in where) == (YES, True)
    assert "Maps and audit" in robustness.answer(source(audit=audit(1)))[1]
    assert "Maps and audit" not in robustness.answer(source())[1]


def test_mistakes_are_the_most_confident_ones_and_hold_both_kinds() -> None:
    told = source()
    picked = mistakes(told, 4)
    confidence = told.probabilities.max(axis=1)[picked]
    assert list(confidence) == sorted(confidence, reverse=True)
    assert {told.rows[i].truth for i in picked} >= {"no_finding"}
    assert all(told.rows[i].truth != told.rows[i].answer for i in picked)


def test_known_traps_stand_only_on_cards_of_those_collections() -> None:
    assert "16 x 16 pixels" in bias_section(source())
    elsewhere = tuple(replace(film, source="Ours:Ward 3") for film in FILMS)
    assert "16 x 16 pixels" not in bias_section(source(elsewhere))


def test_hashes_begin_with_the_weights() -> None:
    assert re.findall(r"[0-9a-f]{64}", files_section(source())) == ["cd" * 32, "ef" * 32]


def test_every_item_of_claim_2024_is_answered_once() -> None:
    assert [item.number for item in ITEMS] == list(range(1, 45))
    answers = {item.number: item.answer(source())[0] for item in ITEMS}
    assert (answers[33], answers[39]) == (NO, YES)
    assert ITEMS[32].answer(source(outside=[{"title": "A clinic", "films": 44}]))[0] == YES


def test_a_curve_of_one_side_is_not_drawn() -> None:
    assert roc_curve("x", np.ones(4, dtype=bool), np.arange(4.0)) is None
    curve = roc_curve("x", np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1]))
    assert curve is not None
    assert list(zip(curve.false_alarms, curve.hits, strict=True)) == [(0, 0), (0, 0.5), (0.5, 1), (1, 1)]


# Reading the bundle, and the verb


def test_answers_that_are_not_the_cards_are_refused(folder_copy: Path) -> None:
    with (folder_copy / "examples.csv").open("a", encoding="utf-8") as table:
        table.write("\n")
    with pytest.raises(BundleError, match="not those its card describes"):
        read_source(folder_copy)


@pytest.fixture
def places(tiny_folder: Path, tmp_path: Path) -> Places:
    return Places(shipped=tiny_folder.parent, own=tmp_path / "own", examples=tmp_path / "examples")


def test_the_verb_writes_the_card(places: Places, tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "card.html"
    assert main(["models", "show", "darkcovidnet", "--html", str(out)], places) == 0
    assert capsys.readouterr().out == f"The model card is {out}.\n"
    assert "<title>Model card: Chest X-ray, three classes</title>" in out.read_text(encoding="utf-8")


def test_the_verb_writes_beside_itself_when_no_place_is_named(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["models", "show", "darkcovidnet", "--html"], places) == 0
    assert (tmp_path / "darkcovidnet-card.html").is_file()


@pytest.mark.parametrize("words", [["--html"], ["show", "a", "b"]])
def test_a_card_without_one_model_is_one_sentence(places: Places, capsys: Said, words: list[str]) -> None:
    assert main(["models", *words], places) == 1
    assert capsys.readouterr().err.count("\n") == 1
