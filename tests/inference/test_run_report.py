"""The report of a run as a reader, a browser and a file system meet it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.errors import TrainingError
from inference.evaluate import Proportion, judge
from inference.recipe import FilmClass
from inference.recipes.darkcovidnet import RECIPE
from inference.run_report import RunRecord, inline_svg, report_page, verdict, write_run_report

FIGURES = ("accuracy", "confusion-matrix", "learning-rate", "loss", "precision-recall", "reliability", "roc")
NAMES = RECIPE.class_names
EPOCH = {"epoch": 1, "epochs": 1, "loss": 1.0, "accuracy": 0.5, "learning_rate": 0.001, "seconds_left": 0.0}
SIXTY = np.arange(60) % 3


def answers(truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return probabilities that are right more often than not."""
    chance = np.random.default_rng(seed).random((len(truth), 3)) + np.eye(3)[truth]
    return chance / chance.sum(axis=1, keepdims=True)


def run_of(truth: np.ndarray = SIXTY, **changes: Any) -> RunRecord:
    """Return the record of a run with two films a patient, judged in earnest."""
    probabilities, patients = answers(truth), [str(n // 2) for n in range(len(truth))]
    metrics = judge(NAMES, "covid", truth, probabilities, patients)
    epochs = {"fold-0": [EPOCH | {"held_out_loss": 0.9, "held_out_accuracy": 0.6}], "fold-1": [EPOCH]}
    run = RunRecord("A run", RECIPE, epochs, truth, probabilities, patients, metrics, (("Parameters", "1,167,442"),))
    return replace(run, **changes)


class Page(HTMLParser):
    """What a browser would make of a page: its elements, what they refer to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name.endswith(("src", "href", "srcset", "data", "action", "background")):
                self.addresses.append(value or "")
            self.addresses += re.findall(r"url\(\s*['\"]?([^)'\"]*)", value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    def row(self, heading: str) -> list[str]:
        """Return the cells after a row's heading."""
        words = [word for word in self.words if word]
        start = words.index(heading) + 1
        return words[start : start + 3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a whole report; only to be read."""
    return write_run_report(run_of(), tmp_path_factory.mktemp("runs") / "run").parent


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def page_of(run: RunRecord) -> Page:
    return Page(report_page(run, {}))


# Files


def test_every_figure_is_written_twice_beside_the_report(folder: Path) -> None:
    expected = {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")} | {"report.html"}
    assert {path.name for path in folder.iterdir()} == expected


def test_the_same_run_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write_run_report(run_of(), tmp_path).parent
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_file_in_the_place_of_the_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"^The folder run could not be made: File exists\.$"):
        write_run_report(run_of(), tmp_path / "run")


def test_a_report_that_cannot_be_replaced_is_a_sentence_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(TrainingError, match=r"^report\.html could not be written to .*: Is a directory\.$"):
        write_run_report(run_of(histories={}), tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_without_epochs_the_figures_over_them_are_left_out(tmp_path: Path) -> None:
    written = write_run_report(run_of(histories={"fold-0": []}), tmp_path).parent
    assert {p.stem for p in written.glob("*.png")} == {"confusion-matrix", "precision-recall", "reliability", "roc"}


# As a browser meets it


def test_nothing_is_fetched_and_nothing_runs(text: str) -> None:
    page = Page(text)
    assert page.addresses
    assert all(address.startswith("#") for address in page.addresses)
    assert not page.tags.keys() & {"script", "link", "img", "image", "iframe", "object", "embed", "form", "base"}
    assert "@import" not in text
    assert not re.search(r"xmlns|<!DOCTYPE svg|<\?xml", text)


def test_all_figures_stand_in_the_page_and_no_two_elements_share_a_name(text: str) -> None:
    page = Page(text)
    assert page.tags["svg"] == page.tags["figcaption"] == len(FIGURES)
    assert len(page.ids) == len(set(page.ids))
    assert {address[1:] for address in page.addresses} <= set(page.ids)


def test_a_drawing_within_a_page_keeps_its_references_under_its_own_name() -> None:
    svg = (
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><g id="a" clip-path="url(#b)">'
        b'<use xlink:href="#b" style="fill: #ff0000"/><text>1 &lt; 2</text></g></svg>'
    )
    assert inline_svg(svg, "roc", 'a "b"') == (
        '<svg role="img" aria-label="a &quot;b&quot;"><g id="roc-a" clip-path="url(#roc-b)">'
        '<use href="#roc-b" style="fill: #ff0000" /><text>1 &lt; 2</text></g></svg>'
    )


def test_words_of_a_recipe_are_text_and_never_markup(tmp_path: Path) -> None:
    evil = "<b onclick='x'>&$title</b>"
    recipe = replace(
        RECIPE,
        title=evil,
        article=evil,
        classes=(FilmClass("covid", "<b>COVID</b>"), *RECIPE.classes[1:]),
        claims=((evil, evil),),
        departures=(evil,),
        notes={evil: evil},
    )
    groups = {evil: [{"group": evil, "films": 1, "patients": 1, "accuracy": Proportion(1, 1).record(), "auc": None}]}
    run = run_of()
    run = replace(run, title=evil, recipe=recipe, facts=((evil, evil),), metrics=run.metrics | {"groups": groups})
    page = Page(write_run_report(run, tmp_path).read_text(encoding="utf-8"))
    assert page.tags["b"] == 0
    assert page.words.count(evil) >= 9
    assert "<b>COVID</b>" in page.words


# As a reader meets it


def test_the_verdict_is_one_sentence_with_both_intervals() -> None:
    metrics = {
        "accuracy": Proportion(254, 317).record(),
        "auc": {"class": "covid", "value": 0.98123, "low": 0.96, "high": 0.99},
    }
    assert verdict(run_of(metrics=metrics)) == (
        "254 of 317 held-out films are answered rightly: accuracy 80.1 % (95 % interval 75.4 to 84.1); "
        "area under the ROC curve for COVID-19 against all others 0.981 (0.960 to 0.990)."
    )


def test_films_of_one_class_have_a_report_without_an_area(tmp_path: Path) -> None:
    run = run_of(np.ones(6, dtype=np.int64))
    page = Page(write_run_report(run, tmp_path).read_text(encoding="utf-8"))
    assert "there is no area under the ROC curve for COVID-19, because the films do not allow one." in verdict(run)
    assert page.row("Area under the ROC curve, COVID-19 against all others")[0] == "not defined"
    assert page.row("COVID-19")[0] == "no films"


def test_the_purpose_is_stated_before_the_numbers(text: str) -> None:
    words = Page(text).words
    assert words.index("Research and education only.") < words.index("Held-out films")


def test_counts_and_intervals_stand_in_the_tables() -> None:
    run = run_of()
    right = Proportion(int((run.probabilities.argmax(axis=1) == SIXTY).sum()), 60)
    low, high = right.interval
    page = page_of(run)
    expected = f"{right.count} of 60: {100 * right.value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    assert page.row("Accuracy")[0] == expected
    assert page.row("Films")[0] == "60 of 30 patients"


def test_sensitivity_stands_before_precision() -> None:
    recall = dict.fromkeys(NAMES, Proportion(10, 20).record())
    precision = dict.fromkeys(NAMES, Proportion(10, 10).record())
    page = page_of(run_of(metrics=run_of().metrics | {"recall": recall, "precision": precision}))
    assert page.row("Class")[:2] == ["Sensitivity", "Precision"]
    assert page.row("Pneumonia")[:2] == ["10 of 20: 50.0 % (29.9 to 70.1)", "10 of 10: 100.0 % (72.2 to 100.0)"]


def test_intervals_are_shown_where_the_metrics_hold_them_and_missed_by_nobody() -> None:
    metrics = run_of().metrics | {"macro_f1": 0.8, "macro_f1_interval": [0.7, 0.9]}
    assert page_of(run_of(metrics=metrics)).row("Macro F1")[0] == "0.800 (0.700 to 0.900)"
    optional = ("macro_f1_interval", "expected_calibration_error_interval", "accuracy_interval", "f1", "brier")
    bare = page_of(run_of(metrics={key: value for key, value in metrics.items() if key not in optional}))
    assert bare.row("Macro F1")[0] == "0.800"
    assert "Accuracy, interval by patient" not in bare.words


def test_each_group_has_a_row_and_one_without_an_area_says_so() -> None:
    accuracy = Proportion(8, 10).record()
    area = {"value": 0.75, "low": 0.5, "high": 0.9}
    rows = [
        {"group": "ieee", "films": 1234, "patients": 9, "by_class": {"covid": 4}, "accuracy": accuracy, "auc": area},
        {"group": "nih", "films": 10, "patients": 9, "accuracy": accuracy, "auc": None},
    ]
    page = page_of(run_of(metrics=run_of().metrics | {"groups": {"source": rows, "sex": []}}))
    assert page.row("ieee") == ["1,234", "9", "COVID-19 4"]
    assert [word for word in page.words if word in ("0.750 (0.500 to 0.900)", "not defined")] == [
        "0.750 (0.500 to 0.900)",
        "not defined",
    ]
    assert "By source" in page.words
    assert "By sex" not in page.words


def test_recipe_claims_departures_and_facts_are_told_once() -> None:
    page = page_of(run_of())
    assert page.row("optimisation.betas")[0] == "0.9, 0.99"
    assert page.row("classes.2.title")[0] == "No finding"
    assert page.row("fingerprint")[0] == RECIPE.fingerprint()
    assert page.row("Parameters")[0] == "1,167,442"
    for words in (*RECIPE.departures, *RECIPE.notes.values(), RECIPE.claims[0][0]):
        assert page.words.count(words) == 1
