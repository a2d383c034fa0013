"""The reproduction: every system has its rows, runs are taken up again, and the page says what the runs say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.answers import HeldOutAnswers
from inference.dataset import Sample
from inference.errors import RecipeError
from inference.films import Films, grouped
from inference.members import plan_members
from inference.networks.registry import build_network
from inference.predict import CPU
from inference.recipe import Preprocessing, Recipe
from inference.reproduction.experiments import ARTICLE, CORRECTED, EXPERIMENTS, SYSTEMS, Experiment, chosen
from inference.reproduction.page import BEGIN, END, collect, insert_summary, page, summary
from inference.reproduction.runs import finished_run, known_patients, run, run_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def experiment(tiny_recipe: Recipe) -> Experiment:
    recipe = replace(tiny_recipe, network="resnet18_w32", preprocessing=Preprocessing(size=64))
    return Experiment("E", "corrected", "five folds by patient", CORRECTED, recipe, folds=True)


@pytest.fixture(scope="module")
def out(
    tmp_path_factory: pytest.TempPathFactory, experiment: Experiment, tiny_manifest: Path, finish: Callable[..., Any]
) -> Path:
    """Return a folder with one finished run, with two seeds."""
    folder = tmp_path_factory.mktemp("reproduction")
    for seed in (0, 1):
        finish(run(experiment, seed, tiny_manifest.parent, folder, CPU))
    return folder


@pytest.mark.parametrize("system", ["A", "B", "C", "D", "E"])
def test_every_article_has_its_own_way_and_a_corrected_twin(system: str) -> None:
    kinds = {e.kind for e in EXPERIMENTS if e.system == system}
    assert {ARTICLE, CORRECTED} <= kinds


def test_every_experiment_can_be_built_and_has_a_folder_of_its_own() -> None:
    assert len({e.name for e in EXPERIMENTS}) == len(EXPERIMENTS)
    small = [e for e in EXPERIMENTS if not e.recipe.network.startswith("vgg")]
    assert all(build_network(e.recipe) is not None for e in small)


def test_a_corrected_twin_never_knows_a_patient() -> None:
    assert all(not e.recipe.data.as_published for e in EXPERIMENTS if e.kind == CORRECTED)


def test_an_unknown_system_is_told() -> None:
    with pytest.raises(RecipeError, match=r"^There is no system called 'F'; there are: A, B, C, D, E, ours\.$"):
        chosen(["A", "F"])


def test_a_run_holds_an_answer_for_every_film(out: Path, experiment: Experiment, tiny_samples: tuple[Sample, ...]) -> None:
    found = finished_run(out, experiment, 0)
    assert found is not None
    truth, logits = HeldOutAnswers.load(run_folder(out, experiment, 0) / "answers.json").aligned(tiny_samples)
    right = np.argmax(logits, axis=1) == truth
    assert found["metrics"]["accuracy"]["count"] == int(right.sum())
    assert set(found["controls"]) == {"thumbnail", "frame", "lungs_blacked_out"}
    assert (run_folder(out, experiment, 0) / "report" / "report.html").is_file()


def test_a_finished_run_of_another_recipe_does_not_count(out: Path, experiment: Experiment) -> None:
    other = replace(experiment, recipe=experiment.recipe.with_epochs(7))
    assert finished_run(out, other, 0) is None
    assert finished_run(out, experiment, 2) is None


def test_films_of_known_patients_are_counted(tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...]) -> None:
    recipe = replace(tiny_recipe, data=replace(tiny_recipe.data, as_published=True, by_image=True))
    films = Films(tiny_samples)
    member = plan_members(recipe, films)[0]
    learned = {tiny_samples[i].patient for i in member.training}
    assert known_patients(films, [member]) == sum(tiny_samples[i].patient in learned for i in member.held_out) > 0
    folds = [m for m in plan_members(tiny_recipe, grouped(tiny_samples)) if m.name.startswith("fold-")]
    assert known_patients(grouped(tiny_samples), folds) == 0


def test_the_page_says_what_the_runs_say(out: Path, experiment: Experiment) -> None:
    runs = collect(out, [experiment])
    text = page(runs)
    values = [r["metrics"]["accuracy"]["value"] for r in runs["E/corrected"]]
    assert len(values) == 2
    assert f"{100 * sum(values) / 2:.1f} % ({100 * min(values):.1f} to {100 * max(values):.1f})" in text
    assert "thumbnails of 16 x 16" in text
    assert all(f"**{system.name}** {system.title}" in text for system in SYSTEMS)


def test_the_page_and_the_readme_show_the_runs_that_are_kept_here() -> None:
    runs = collect(ROOT / "resources" / "reproduction")
    assert any(runs.values())
    assert (ROOT / "REPRODUCTION.md").read_text(encoding="utf-8") == page(runs)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert insert_summary(readme, summary(runs)) == readme
    assert BEGIN in readme


def test_every_run_that_is_kept_is_of_a_present_recipe() -> None:
    """A run whose recipe has changed since would silently be left out of the page."""
    kept = sorted((ROOT / "resources" / "reproduction").glob("*/*/seed-*/run.json"))
    shown = {(r["system"], r["experiment"], r["seed"]) for found in collect(kept[0].parents[3]).values() for r in found}
    assert len(shown) == len(kept)


def test_the_table_takes_its_place_in_the_readme(out: Path, experiment: Experiment) -> None:
    table = summary(collect(out, [experiment]))
    assert insert_summary(f"before\n{BEGIN}\nold\n{END}\nafter\n", table) == f"before\n{BEGIN}\n{table}{END}\nafter\n"
    assert insert_summary("no marks", table) == "no marks"


def test_the_numbers_of_a_run_are_plain_json(out: Path, experiment: Experiment) -> None:
    text = (run_folder(out, experiment, 0) / "run.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert json.loads(text)["experiment"] == "corrected"


def test_the_time_is_that_of_the_first_seed_that_was_measured() -> None:
    runs = collect(ROOT / "resources" / "reproduction")
    first, *others = runs["B/corrected"]
    assert first["processor_seconds"] is None
    measured = next(run["processor_seconds"] for run in others)
    assert f"| {measured / 60:.0f} min |" in page({"B/corrected": [first, *others]})
    assert "| not measured |" in page({"B/corrected": [first]})
