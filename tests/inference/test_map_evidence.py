"""What a card says of a model's maps and of its audits: counted on held-out films, each by the member that never saw it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference.audit import VERDICTS, Audit, AuditLimits
from inference.audit_evidence import audit_record, measure_audit
from inference.cam_methods import CONTRIBUTION, FINE_CONTRIBUTION
from inference.dataset import Sample, load_grey
from inference.faithfulness import Faithfulness
from inference.held_out import HeldOutFilms
from inference.lungs.segment import LungFinder
from inference.map_evidence import (
    JudgedMap,
    faithfulness_record,
    map_of,
    measure_faithfulness,
    measure_randomised,
    measured_methods,
    passes_by_chance,
    randomised_record,
    unlearned,
)
from inference.predict import Predictor

Finish = Callable[[Any], Any]
SHIPPED = Path(__file__).resolve().parents[2] / "resources" / "models" / "lungs"
NAMES = ("covid", "no_finding", "pneumonia")
LIMITS = AuditLimits(markers=0.2, outside=0.4, border=0.2, mirrored=0.2, compressed=0.2)


def held_out_of(samples: tuple[Sample, ...]) -> HeldOutFilms:
    """Return the films with their truth, every patient in one of two folds."""
    fold = [int(s.patient.rpartition("-")[2]) % 2 for s in samples]
    return HeldOutFilms(samples, np.array([NAMES.index(s.label) for s in samples]), np.array(fold))


@pytest.fixture(scope="module")
def held_out(tiny_samples: tuple[Sample, ...]) -> HeldOutFilms:
    return held_out_of(tiny_samples)


# The films


def test_films_are_drawn_of_each_class_in_turn_and_one_of_a_patient(held_out: HeldOutFilms) -> None:
    rows = held_out.choose(12)
    assert [NAMES[held_out.truth[row]] for row in rows] == [*NAMES] * 4
    assert len({held_out.samples[row].patient for row in rows}) == 12
    assert list(held_out.choose(6)) == list(rows[:6])
    assert list(held_out.choose(12, seed=1)) != list(rows)


def test_a_class_with_few_patients_gives_all_it_has(tiny_samples: tuple[Sample, ...]) -> None:
    few = held_out_of(tiny_samples[:5])
    assert sorted(few.choose(30)) == [0, 1, 2, 3, 4]


def test_films_whose_patient_is_not_known_are_no_one_patients(tiny_samples: tuple[Sample, ...]) -> None:
    unknown = held_out_of(tiny_samples[:9])
    nameless = replace(unknown, samples=tuple(replace(s, patient="") for s in unknown.samples))
    assert len(nameless.choose(9)) == 9


def test_each_division_holds_out_one_fold(held_out: HeldOutFilms) -> None:
    for number, (training, own) in enumerate(held_out.divisions()):
        assert set(held_out.fold[own]) == {number}
        assert sorted([*training, *own]) == list(range(24))


# Faithful maps


def verdict(class_index: int, hot: float, right: bool = True, method: str = CONTRIBUTION) -> JudgedMap:
    return JudgedMap(method, right, Faithfulness(class_index, hot, (-0.1, -0.2, 0.1, -0.2)))


def test_maps_that_pass_are_counted_by_answer_and_by_whether_it_was_right() -> None:
    maps = [verdict(0, -0.4), verdict(0, -0.1), verdict(1, -0.3), verdict(1, -0.2, right=False)]
    (found,) = faithfulness_record(maps, NAMES, 4, 0)["maps"]
    assert (found["right"]["count"], found["right"]["total"]) == (2, 3)
    assert (found["wrong"]["count"], found["wrong"]["total"]) == (1, 1)
    assert (found["by_class"]["covid"]["right"]["count"], found["by_class"]["covid"]["right"]["total"]) == (1, 2)
    assert found["by_class"]["pneumonia"]["right"]["value"] is None


def test_chance_is_how_many_of_the_random_regions_would_have_passed() -> None:
    assert passes_by_chance(Faithfulness(0, 0.0, (-0.1, -0.2, 0.1, -0.2))) == 0.5
    assert passes_by_chance(Faithfulness(0, 0.0, (0.1, 0.2, 0.3))) == 0.0


def test_each_kind_of_map_is_judged_on_the_films_by_the_member_that_never_saw_them(
    pooled_predictor: Predictor, held_out: HeldOutFilms, finish: Finish
) -> None:
    record = json.loads(json.dumps(finish(measure_faithfulness(pooled_predictor, held_out, films=3))))
    assert (record["films"], record["deleted_part"], record["random_regions"]) == (3, 0.1, 20)
    assert [own["method"] for own in record["maps"]] == [FINE_CONTRIBUTION, CONTRIBUTION]
    assert all(own["right"]["total"] + own["wrong"]["total"] == 3 for own in record["maps"])
    assert record["maps"][0]["right"]["total"] == _right(pooled_predictor, held_out, held_out.choose(3))


def _right(predictor: Predictor, films: HeldOutFilms, rows: Any) -> int:
    answers = {r: predictor.predict(load_grey(films.samples[r].path), members=[int(films.fold[r])]).logits for r in rows}
    return sum(int(own.argmax()) == films.truth[row] for row, own in answers.items())


def test_a_model_without_exact_maps_is_judged_by_grad_cam(tiny_predictor: Predictor) -> None:
    assert measured_methods(tiny_predictor) == ("GradCAM",)
    prediction = tiny_predictor.predict(np.random.default_rng(0).integers(0, 255, (130, 110), dtype=np.uint8))
    cells, grid = map_of(tiny_predictor, prediction, 1, "GradCAM")
    assert cells.shape == prediction.features[0].shape[2:]
    assert grid == tiny_predictor.members[0].cell_grid


# Weights that have learned nothing


def test_a_predictor_that_learned_nothing_reads_alike_with_other_weights(pooled_predictor: Predictor) -> None:
    before = pooled_predictor.members[0].state_dict()["conv1.weight"].clone()
    first, again, other = (unlearned(pooled_predictor, seed).members for seed in (0, 0, 1))
    weights = [network.state_dict()["conv1.weight"] for network in (first[0], again[0], first[1], other[0])]
    assert torch.equal(weights[0], weights[1])
    assert not any(torch.equal(weights[0], own) for own in weights[2:])
    assert torch.equal(pooled_predictor.members[0].state_dict()["conv1.weight"], before)


def test_maps_of_networks_that_learned_nothing_are_compared_film_by_film(
    pooled_predictor: Predictor, held_out: HeldOutFilms, finish: Finish
) -> None:
    found = finish(measure_randomised(pooled_predictor, held_out, films=6))
    assert (found["films"], found["method"], found["below"]["total"]) == (6, FINE_CONTRIBUTION, 6)
    assert -1 <= found["median"] <= found["highest"] < 0.99


def test_correlations_are_summed_up_with_and_without_their_sign() -> None:
    found = randomised_record([-0.6, 0.1, 0.3, 0.2], CONTRIBUTION, 0)
    assert (found["median"], found["median_size"], found["highest"]) == (pytest.approx(0.15), pytest.approx(0.25), 0.3)
    assert (found["below"]["count"], found["below"]["total"]) == (3, 4)


# Audits


def test_audits_are_counted_by_verdict_right_and_wrong_apart() -> None:
    verdicts = [(True, "stays"), (True, "marker"), (True, "no_lungs"), (False, "outside")]
    audits = [(right, Audit("covid", 0.9, (), code, "", code != "no_lungs", 0)) for right, code in verdicts]
    card = {"audit": {"model": {"name": "m"}}, "files": {"weights.safetensors": "ab"}}
    found = audit_record(audits, LIMITS, card, 0)
    assert (found["flagged"]["right"]["count"], found["flagged"]["right"]["total"]) == (1, 3)
    assert (found["flagged"]["wrong"]["count"], found["flagged"]["wrong"]["total"]) == (1, 1)
    assert (found["lungs_found"]["count"], found["lungs_found"]["total"]) == (3, 4)
    assert [own["verdict"] for own in found["verdicts"]] == list(VERDICTS)
    assert found["verdicts"][-1]["sentence"] == "The audit is not complete: no lungs were found."


def test_held_out_films_are_audited_by_the_limits_of_the_lung_network(
    tiny_predictor: Predictor, held_out: HeldOutFilms, finish: Finish
) -> None:
    finder = LungFinder(SHIPPED)
    found = json.loads(json.dumps(finish(measure_audit(tiny_predictor, finder, held_out, films=3))))
    assert found["limits"] == finder.card["audit"]["limits"]
    assert found["limits_of"] == finder.card["audit"]["model"]
    assert sum(own[side]["count"] for own in found["verdicts"] for side in ("right", "wrong")) == 3
