"""Thresholds against every threshold tried, counts by cross-fitting, the decision in words."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from inference.errors import DatasetError
from inference.evaluate import Proportion
from inference.operating_point import (
    BALANCED,
    OperatingPoint,
    decision_in_words,
    few_missed_threshold,
    fit_point,
    fit_points,
    youden_threshold,
)

RANDOM = np.random.default_rng(11)
POSITIVE = RANDOM.random(400) < 0.3
SCORE = np.clip(RANDOM.normal(0.35 + 0.3 * POSITIVE, 0.18), 0, 1).round(2)
FOLD = np.arange(400) % 5
POINT = OperatingPoint(BALANCED, 0.4, Proportion(90, 100), Proportion(160, 200))


def test_youden_is_where_the_curve_is_farthest_from_chance() -> None:
    false_alarms, found, thresholds = roc_curve(POSITIVE, SCORE, drop_intermediate=False)
    gain = found - false_alarms
    best = thresholds[np.flatnonzero(np.isclose(gain, gain.max()))].min()
    assert youden_threshold(POSITIVE, SCORE) == pytest.approx(best)


def test_of_equal_thresholds_the_one_that_misses_fewer_is_taken() -> None:
    positive = np.array([True, False, True, False])
    assert youden_threshold(positive, np.array([0.9, 0.5, 0.4, 0.1])) == 0.4


def test_few_missed_counts_the_next_film_among_the_positives() -> None:
    positive = np.arange(139) < 39  # ceil(40 x 0.95) = 38: the second lowest of 39
    score = np.where(positive, (np.arange(139) + 1) / 40, 0.0)
    assert few_missed_threshold(positive, score) == pytest.approx(2 / 40)


def test_few_positives_are_all_called() -> None:
    assert few_missed_threshold(np.array([True] * 5 + [False]), np.array([0.5, 0.2, 0.9, 0.8, 0.7, 0.1])) == 0.2


def test_few_missed_keeps_its_promise_on_new_films() -> None:
    random, found = np.random.default_rng(2), []
    for _ in range(300):
        positive = np.arange(80) < 60
        threshold = few_missed_threshold(positive, random.normal(size=80))
        found.append((random.normal(size=500) >= threshold).mean())
    assert 0.945 < np.mean(found) < 0.965


def test_counts_are_of_films_that_had_no_part_in_their_threshold() -> None:
    point = fit_point("p", youden_threshold, POSITIVE, SCORE, FOLD)
    called = np.zeros(400, dtype=bool)
    for k in range(5):
        called[k == FOLD] = SCORE[k == FOLD] >= youden_threshold(POSITIVE[k != FOLD], SCORE[k != FOLD])
    assert point.sensitivity == Proportion(int((called & POSITIVE).sum()), int(POSITIVE.sum()))
    assert point.specificity == Proportion(int((~called & ~POSITIVE).sum()), int((~POSITIVE).sum()))
    assert point.threshold == youden_threshold(POSITIVE, SCORE)


def test_a_model_has_two_points_and_few_missed_misses_fewer() -> None:
    balanced, few_missed = fit_points(POSITIVE, SCORE, FOLD)
    assert (balanced.name, few_missed.name) == ("balanced", "few_missed")
    assert few_missed.sensitivity.value >= 0.93
    assert few_missed.sensitivity.count > balanced.sensitivity.count
    assert few_missed.title.startswith("Few missed")


def test_a_film_at_the_threshold_is_called() -> None:
    assert [POINT.calls(p) for p in (0.39, 0.4, 0.41)] == [False, True, True]


def test_the_decision_names_threshold_counts_and_intervals() -> None:
    assert decision_in_words(POINT, 0.5, "COVID-19") == (
        "Called COVID-19: the threshold is 40 %. It called 90 of 100 (90 %; 83 to 94) of the held-out films with COVID-19 "
        "and left 160 of 200 (80 %; 74 to 85) of those without."
    )
    assert decision_in_words(POINT, 0.1, "COVID-19").startswith("Not called COVID-19: ")


def test_points_come_back_from_the_card() -> None:
    assert OperatingPoint.from_record(POINT.record()) == POINT


def test_a_card_with_more_found_than_there_are_is_refused() -> None:
    record = POINT.record() | {"sensitivity": {"count": 5, "total": 4}}
    with pytest.raises(DatasetError, match="operating points"):
        OperatingPoint.from_record(record)


@pytest.mark.parametrize("positive", [np.zeros(4, dtype=bool), np.ones(4, dtype=bool)])
def test_one_side_alone_has_no_point(positive: np.ndarray) -> None:
    for choose in (youden_threshold, few_missed_threshold):
        with pytest.raises(DatasetError, match="with the finding and without it"):
            choose(positive, np.arange(4.0))


def test_answers_of_another_length_are_refused() -> None:
    with pytest.raises(DatasetError, match="400 truths, 399 answers"):
        fit_points(POSITIVE, SCORE[1:], FOLD)
