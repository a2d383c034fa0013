"""Sets of answers: their bounds against the definition, their promise by simulation, their words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from inference.conformal import ConformalSets, cross_fitted_sets, fit_sets, judge_sets, set_in_words
from inference.errors import DatasetError

TITLES = ("COVID-19", "No finding", "Pneumonia")


def drawn(films: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.choice(3, films, p=[0.2, 0.4, 0.4])
    odds = np.exp(random.normal(size=(films, 3)) + 1.5 * np.eye(3)[truth] + [0.6, 0.0, -0.4])
    return truth, odds / odds.sum(axis=1, keepdims=True)


# Bounds


def test_nineteen_films_at_nine_in_ten_take_the_eighteenth() -> None:
    own = np.arange(1, 20) / 20
    probabilities = np.stack([own, 1 - own], axis=1)
    assert fit_sets(np.zeros(19, dtype=np.int64), probabilities).least[0] == pytest.approx(2 / 20)


def test_nine_films_are_enough_and_eight_are_not() -> None:
    for films, least in ((9, 0.3), (8, 0.0)):
        probabilities = np.column_stack([np.linspace(0.3, 0.9, films), np.linspace(0.7, 0.1, films)])
        assert fit_sets(np.zeros(films, dtype=np.int64), probabilities).least[0] == pytest.approx(least)


def test_a_class_without_films_belongs_to_every_set() -> None:
    sets = fit_sets(np.zeros(20, dtype=np.int64), np.tile([0.9, 0.1], (20, 1)))
    assert sets.least == (0.9, 0.0)
    assert sets.films == (20, 0)
    assert sets.holds(np.array([0.95, 0.05])).tolist() == [True, True]


def test_a_film_at_the_bound_is_held() -> None:
    sets = ConformalSets(0.9, (0.25, 0.5), (20, 20))
    assert sets.holds(np.array([[0.25, 0.75], [0.24, 0.49]])).tolist() == [[True, True], [False, False]]


# The promise


def test_new_films_of_each_class_are_held_nine_times_in_ten() -> None:
    rates = []
    for seed in range(40):
        sets = fit_sets(*drawn(400, seed))
        truth, probabilities = drawn(2000, 1000 + seed)
        rates.append([c.value for c in judge_sets(truth, sets.holds(probabilities)).coverage])
    assert np.mean(rates, axis=0) == pytest.approx([0.9, 0.9, 0.9], abs=0.016)


def test_cross_fitted_sets_keep_the_promise_on_the_films_themselves() -> None:
    truth, probabilities = drawn(3000, 7)
    held = cross_fitted_sets(truth, probabilities, np.arange(3000) % 5)
    assert [c.value for c in judge_sets(truth, held).coverage] == pytest.approx([0.9, 0.9, 0.9], abs=0.025)


def test_no_film_has_a_part_in_its_own_set() -> None:
    truth, probabilities = drawn(60, 3)
    fold = np.arange(60) % 3
    spoilt = probabilities.copy()
    spoilt[fold == 0] = [0.0, 0.0, 1.0]
    held = cross_fitted_sets(truth, spoilt, fold)
    others = fit_sets(truth[fold != 0], probabilities[fold != 0])
    assert np.array_equal(held[fold == 0], others.holds(spoilt[fold == 0]))


# Judged


def test_sizes_and_coverage_are_counted() -> None:
    held = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 1, 1]], dtype=bool)
    judged = judge_sets(np.array([0, 2, 1, 1, 2]), held)
    assert [(c.count, c.total) for c in judged.coverage] == [(1, 1), (0, 2), (1, 2)]
    assert judged.sizes == (1, 2, 1, 1)
    assert judged.mean_size == pytest.approx(7 / 5)
    assert (judged.one_right.count, judged.one_right.total) == (1, 2)


def test_nothing_judged_has_no_size() -> None:
    assert math.isnan(judge_sets(np.array([], dtype=np.int64), np.empty((0, 3), dtype=bool)).mean_size)


# Words


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ([1, 0, 0], "compatible with COVID-19"),
        ([0, 1, 0], "compatible with no finding"),
        ([1, 0, 1], "compatible with COVID-19 or pneumonia"),
        ([1, 1, 1], "compatible with each of its answers: COVID-19, no finding or pneumonia"),
        ([0, 0, 0], "compatible with none of its answers"),
    ],
)
def test_a_set_is_said(held: list[int], words: str) -> None:
    assert set_in_words(np.array(held, dtype=bool), TITLES) == words


# On the card


def test_sets_come_back_from_the_card() -> None:
    sets = fit_sets(*drawn(200, 1))
    assert ConformalSets.from_record(sets.record()) == sets


@pytest.mark.parametrize(
    "record",
    [{}, {"level": 0.9, "least": [0.2], "films": [3, 4]}, {"level": 1.0, "least": [0.2], "films": [3]},
     {"level": 0.9, "least": [1.5], "films": [3]}, {"level": 0.9, "least": None, "films": [3]}],
)  # fmt: skip
def test_a_card_that_contradicts_itself_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(DatasetError, match="sets of answers"):
        ConformalSets.from_record(record)


def test_truths_and_answers_of_two_lengths_are_refused() -> None:
    with pytest.raises(DatasetError, match="3 truths and 2 answers"):
        fit_sets(np.zeros(3, dtype=np.int64), np.ones((2, 2)))
