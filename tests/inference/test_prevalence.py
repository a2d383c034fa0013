"""Predictive values against Bayes and simulation, and as counts of films."""

from __future__ import annotations

import math

import numpy as np
import pytest

from inference.errors import DatasetError
from inference.evaluate import Proportion
from inference.operating_point import OperatingPoint
from inference.prevalence import Chance, Cohort, predictive_values


def point(found: int, of: int, left: int, out_of: int) -> OperatingPoint:
    return OperatingPoint("balanced", 0.5, Proportion(found, of), Proportion(left, out_of))


NINE_IN_TEN = point(90, 100, 900, 1000)


@pytest.mark.parametrize(
    ("prevalence", "positive", "negative"),
    [(0.01, 0.083, 0.999), (0.05, 0.321, 0.994), (0.10, 0.500, 0.988), (0.20, 0.692, 0.973), (0.50, 0.900, 0.900)],
)
def test_values_are_those_of_the_textbook(prevalence: float, positive: float, negative: float) -> None:
    values = predictive_values(NINE_IN_TEN, prevalence)
    assert values.positive.value == pytest.approx(positive, abs=6e-4)
    assert values.negative.value == pytest.approx(negative, abs=6e-4)


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    random, prevalence = np.random.default_rng(4), 0.1
    truth = 0.85 * prevalence / (0.85 * prevalence + 0.08 * 0.9)
    held = []
    for found, left in zip(random.binomial(120, 0.85, 2000), random.binomial(300, 0.92, 2000), strict=True):
        chance = predictive_values(point(found, 120, left, 300), prevalence).positive
        held.append(chance.low <= truth <= chance.high)
    assert 0.935 < np.mean(held) < 0.97


@pytest.mark.parametrize(("found", "left"), [(100, 1000), (0, 900), (90, 1000), (100, 900)])
def test_without_an_error_there_is_still_an_interval(found: int, left: int) -> None:
    values = predictive_values(point(found, 100, left, 1000), 0.1)
    for chance in (values.positive, values.negative):
        assert 0 <= chance.low <= chance.value <= chance.high <= 1
        assert chance.high - chance.low > 1e-4


def test_nothing_called_is_unknown() -> None:
    chance = predictive_values(point(0, 100, 1000, 1000), 0.1).positive
    assert math.isnan(chance.value)
    assert (chance.low, chance.high) == (0.0, 1.0)
    assert chance.in_words() == "unknown, because no held-out film was called so"


def test_more_films_make_a_narrower_interval() -> None:
    few, many = (predictive_values(point(9 * n, 10 * n, 90 * n, 100 * n), 0.1).positive for n in (2, 40))
    assert many.high - many.low < 0.3 * (few.high - few.low)


# As counts of films


def test_a_chance_is_told_of_a_hundred_films() -> None:
    assert Chance(0.34, 0.26, 0.43).in_words() == "of 100 like this, 34; 26 to 43"


@pytest.mark.parametrize(("value", "out_of"), [(0.5, 100), (0.01, 100), (0.004, 1000), (0.9996, 10000), (0.0, 100), (1.0, 100)])
def test_rare_things_are_told_of_more_films(value: float, out_of: int) -> None:
    assert Chance(value, value, value).out_of == out_of


def test_the_sentence_for_a_call_and_for_none() -> None:
    values = predictive_values(NINE_IN_TEN, 0.05)
    assert values.in_words(True, "COVID-19") == "Where 5 % of films show COVID-19: of 100 like this, 32 have it; 28 to 37."
    assert values.in_words(False, "COVID-19") == (
        "Where 5 % of films show COVID-19: of 1,000 like this, 994 do not have it; 990 to 997."
    )


def test_a_cohort_adds_up_in_whole_films() -> None:
    assert predictive_values(NINE_IN_TEN, 0.123).cohort == Cohort(1000, found=111, missed=12, false_alarms=88, rightly_left=789)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_an_impossible_prevalence_is_refused(prevalence: float) -> None:
    with pytest.raises(DatasetError, match="between 0 and 100 %"):
        predictive_values(NINE_IN_TEN, prevalence)


def test_a_point_that_was_never_counted_is_refused() -> None:
    with pytest.raises(DatasetError, match="was not judged"):
        predictive_values(point(0, 0, 10, 20), 0.1)
