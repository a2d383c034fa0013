"""Hospitals left out: no film of a country, and none of its patients, is both learned from and judged."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.dataset import NOT_POSITIVE, Sample, label_indices, strata
from inference.errors import DatasetError
from inference.films import Films, list_films
from inference.hospitals import LeftOut, country_of, judge_hospitals, plan_hospitals, study_hospitals
from inference.members import plan_members
from inference.recipe import Recipe


def film(number: int, label: str, source: str, patient: str = "", view: str = "PA") -> Sample:
    return Sample(Path(f"{number}.png"), f"{number:064x}", label, "", patient or f"p{number}", view=view, source=source)


COUNTRIES = ("Italy", "Padova, Italy", "Spain", "China", "Taiwan", "Malta")
FILMS = Films(
    samples=(
        *(film(n, "covid", f"ieee:{COUNTRIES[n % 6]}") for n in range(24)),
        *(film(100 + n, "pneumonia", "NIH Clinical Center", f"nih{n // 2}") for n in range(12)),
        *(film(200 + n, "no_finding", "NIH Clinical Center", f"nih{n}") for n in range(12)),
    ),
    extra=(
        *(film(300 + n, "pneumonia", f"ieee:{COUNTRIES[n]}") for n in range(6)),
        *(film(400 + n, NOT_POSITIVE, "TBX11K China") for n in range(6)),
    ),
)


def sources(indices: np.ndarray) -> set[str]:
    return {country_of(FILMS.all_samples[i]) for i in indices} - {""}


def test_the_country_is_what_stands_last() -> None:
    assert [country_of(film(0, "covid", s)) for s in ("ieee:Padova, Italy", "ieee:Spain", "ieee:", "NIH Clinical Center")] == [
        "Italy", "Spain", "", "",
    ]  # fmt: skip


def test_no_country_is_on_both_sides() -> None:
    for member in plan_hospitals(FILMS, folds=3):
        assert sources(member.held_out)
        assert not sources(member.held_out) & sources(member.training)


def test_no_patient_is_on_both_sides() -> None:
    for member in plan_hospitals(FILMS, folds=3):
        learned, judged = ({FILMS.all_samples[i].patient for i in side} for side in (member.training, member.held_out))
        assert not learned & judged


def test_each_film_is_judged_once_and_those_of_the_only_other_collection_are_never_learned_from() -> None:
    members = plan_hospitals(FILMS, folds=3)
    assert sorted(np.concatenate([m.held_out for m in members]).tolist()) == list(range(len(FILMS.all_samples)))
    learned = {FILMS.all_samples[i].label for m in members for i in m.training}
    assert learned == {"covid", "pneumonia", "no_finding"}


def test_other_collections_are_left_out_whole_one_a_network_in_turn() -> None:
    more = tuple(film(500 + n, NOT_POSITIVE, "Kermany") for n in range(7))
    films = Films(FILMS.samples, FILMS.extra + more)
    members = plan_hospitals(films, folds=5)
    assert sorted(np.concatenate([m.held_out for m in members]).tolist()) == list(range(len(films.all_samples)))
    for number, member in enumerate(members):
        learned, judged = (
            {s.source.partition(":")[0] for i in side if (s := films.all_samples[i]).label == NOT_POSITIVE}
            for side in (member.training, member.held_out)
        )
        left_out, kept = ("Kermany", "TBX11K China") if number % 2 == 0 else ("TBX11K China", "Kermany")
        assert (learned, judged) == ({kept}, {left_out})


def test_a_patient_ties_two_countries_together() -> None:
    samples = tuple(replace(s, patient="same") if country_of(s) in ("Malta", "China") else s for s in FILMS.samples)
    for member in plan_hospitals(Films(samples, FILMS.extra), folds=3):
        assert len({"Malta", "China"} & sources(member.held_out)) in (0, 2)


def left_out(score_of: Callable[[Sample], float], recipe: Recipe) -> list[dict[str, object]]:
    rows = [[score_of(s), 0.0, 1 - score_of(s)] for s in FILMS.all_samples]
    return judge_hospitals(recipe, LeftOut(FILMS.all_samples, np.array(rows)))


def test_a_network_that_knows_the_collection_is_found_out(tiny_recipe: Recipe) -> None:
    found = left_out(lambda s: 0.9 if s.source.startswith("ieee") else 0.1, tiny_recipe)
    assert [entry["auc"]["value"] for entry in found] == pytest.approx([27 / 30, 0.5, 1.0, 0.75])
    assert [entry["films"] for entry in found] == [54, 30, 30, 36]
    assert {entry["positive"] for entry in found} == {24}


def test_films_of_one_side_alone_cannot_be_judged(tiny_recipe: Recipe) -> None:
    alone = LeftOut(FILMS.samples[:24], np.full((24, 3), 1 / 3))
    with pytest.raises(DatasetError, match="one side only"):
        judge_hospitals(tiny_recipe, alone)


def test_networks_are_trained_with_hospitals_left_out(
    tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...], finish: Callable[..., LeftOut], tmp_path: Path
) -> None:
    own = [replace(s, source=f"ieee:{COUNTRIES[n % 6]}") for n, s in enumerate(tiny_samples)]
    films = Films(tuple(own[:-3]), tuple(replace(s, label=NOT_POSITIVE, source="elsewhere") for s in own[-3:]))
    found = finish(study_hospitals(tiny_recipe, films, tmp_path, folds=2))
    assert len(found) == len(own)
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(len(own)))
    assert len(judge_hospitals(tiny_recipe, found)) == 4


# The films a recipe names


def write_manifest(folder: Path, name: str, rows: list[tuple[str, str]]) -> None:
    with (folder / name).open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["file", "sha256", "label", "split", "patient"])
        for number, (label, split) in enumerate(rows):
            (folder / f"{name}-{number}.png").write_bytes(b"")
            table.writerow([f"{name}-{number}.png", f"{name}{number}", label, split, f"{name}{number}"])


def test_films_beside_the_pool_teach_what_the_recipe_says(tiny_recipe: Recipe, tmp_path: Path) -> None:
    write_manifest(tmp_path, "own.csv", [("covid", "a"), ("pneumonia", "b"), ("no_finding", "b")])
    write_manifest(tmp_path, "other.csv", [("tb", ""), ("covid", "")])
    data = replace(tiny_recipe.data, manifest="own.csv", folded_parts=("b",), not_positive=("other.csv",))
    films = list_films(tmp_path, recipe := replace(tiny_recipe, data=data))
    assert [s.label for s in films.samples] == ["pneumonia", "no_finding"]
    assert [s.label for s in films.extra] == ["covid", NOT_POSITIVE]
    assert label_indices(films.all_samples, recipe).tolist() == [2, 1, 0, -1]


def test_strata_are_told_apart_by_class_collection_and_view() -> None:
    films = [
        film(0, "a", "x:1"),
        film(1, "a", "x:2", view="AP Supine"),
        film(2, "a", "y"),
        film(3, "b", "x:3"),
        film(4, "a", "x:4"),
    ]
    assert len(set(strata(films, ()))) == 2
    assert strata(films, ("collection",))[[0, 1, 4]].tolist() == [strata(films, ("collection",))[0]] * 3
    by_both = strata(films, ("collection", "view"))
    assert len(set(by_both)) == 4
    assert by_both[0] == by_both[4] != by_both[1]


def test_each_film_that_is_not_positive_is_new_to_one_network(tiny_recipe: Recipe) -> None:
    members = [
        m for m in plan_members(replace(tiny_recipe, data=replace(tiny_recipe.data, folds=3)), FILMS) if m.name != "protocol-0"
    ]
    for index in range(len(FILMS.samples), len(FILMS.all_samples)):
        learns = sum(index in m.training for m in members)
        assert learns == (2 if FILMS.all_samples[index].label == NOT_POSITIVE else 3)
