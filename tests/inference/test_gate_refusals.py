"""The record of what a gate refuses: which pictures are counted, under which name, by whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.bundle import open_bundle
from inference.dataset import Sample
from inference.gate.gate import GATE, Gate, gate_of_bundle
from inference.gate.refusals import (
    EVERY,
    HELD_OUT,
    NAMES,
    NO_FILMS,
    PHOTOGRAPHS,
    is_refused,
    made_cases,
    measure_refusals,
    other_cases,
    own_cases,
)
from inference.predict import CPU, Predictor


@pytest.fixture(scope="module")
def shipped() -> tuple[Predictor, Gate]:
    folder = Path(__file__).parents[2] / "resources" / "models" / "chest_resnet"
    if not (folder / GATE).is_file():
        pytest.skip("the model chest_resnet has no gate yet")
    gate = gate_of_bundle(folder)
    assert gate is not None
    return Predictor(open_bundle(folder), CPU), gate


@pytest.fixture
def fold(tiny_samples: tuple[Sample, ...]) -> np.ndarray:
    return np.arange(len(tiny_samples), dtype=np.int64) % 5


def test_own_films_are_counted_as_they_are_and_spoilt(tiny_samples: tuple[Sample, ...], fold: np.ndarray) -> None:
    cases = own_cases(tiny_samples, fold)
    kinds = [case.kind for case in cases]
    assert kinds.count(HELD_OUT) == len(tiny_samples)
    assert kinds.count("the same, inverted") == -(-len(tiny_samples) // EVERY)
    upright, spoilt = cases[0], next(case for case in cases if case.kind == "the same, upside down")
    assert np.array_equal(spoilt.grey(), upright.grey()[::-1, ::-1])
    assert [case.fold for case in cases[: len(fold)]] == fold.tolist()


def test_pictures_are_made_by_a_seed_and_are_the_same_again(tiny_samples: tuple[Sample, ...], fold: np.ndarray) -> None:
    one, other = (made_cases(tiny_samples, fold) for _ in range(2))
    assert {case.kind for case in one} == {NO_FILMS, PHOTOGRAPHS}
    assert all(np.array_equal(a.grey(), b.grey()) for a, b in zip(one, other, strict=True))


def test_manifests_that_are_not_there_are_left_out(tiny_samples: tuple[Sample, ...], fold: np.ndarray, tmp_path: Path) -> None:
    assert other_cases(tmp_path, tiny_samples, fold) == []


def test_a_patient_of_the_models_films_is_judged_by_their_fold(
    tiny_samples: tuple[Sample, ...], fold: np.ndarray, shared_data: Path
) -> None:
    cases = other_cases(shared_data, tiny_samples, fold)
    assert {"lateral chest films", "CT slices", "children's films"} <= {case.kind for case in cases}
    assert {case.fold for case in cases} == set(range(5))


def test_films_that_every_network_learned_from_are_not_counted(
    tiny_samples: tuple[Sample, ...], fold: np.ndarray, shared_data: Path
) -> None:
    every, without = (
        [case.kind for case in other_cases(shared_data, tiny_samples, fold, learned)]
        for learned in ((), ("extra_pneumonia_ieee.csv",))
    )
    of_adults = NAMES["extra_tb.csv", "tb"]
    assert 0 < every.count(of_adults) - without.count(of_adults) == len(every) - len(without) <= 36


def test_noise_is_refused_and_counted(
    shipped: tuple[Predictor, Gate],
    tiny_samples: tuple[Sample, ...],
    fold: np.ndarray,
    tmp_path: Path,
    finish: Callable[[Any], Any],
) -> None:
    found = finish(measure_refusals(*shipped, tiny_samples[:5], fold[:5], tmp_path))
    assert found[NO_FILMS]["total"] == 120
    assert found[NO_FILMS]["value"] >= 0.95
    assert found[HELD_OUT]["total"] == 5
    noise = np.random.default_rng(1).integers(0, 255, (200, 200), dtype=np.uint8)
    assert is_refused(*shipped, noise, 0)
