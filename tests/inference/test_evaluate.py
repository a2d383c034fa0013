"""Counts, intervals, curves and calibration, against literal values and independent implementations."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from inference.errors import DatasetError
from inference.evaluate import (
    Proportion,
    area_under_curve,
    bootstrap_area,
    confusion_counts,
    cross_fitted_probabilities,
    expected_calibration_error,
    fit_temperature,
    judge,
    negative_log_likelihood,
    operating_point,
    sensitivity_threshold,
    softmax,
)

# Proportions


def test_254_of_317_have_the_interval_of_wilson() -> None:
    """The bounds solve (0.8013 - p)^2 = z^2 p (1 - p) / 317, found with a root finder."""
    assert Proportion(254, 317).interval == pytest.approx((0.753841344621452, 0.8414682537766233), abs=1e-12)
    assert str(Proportion(254, 317)) == "254/317 = 80.13 % (75.4 to 84.1)"


def test_none_of_ten_and_ten_of_ten_keep_their_intervals_within_nought_and_one() -> None:
    assert Proportion(0, 10).interval == pytest.approx((0, 0.2775327998628892))
    assert Proportion(10, 10).interval == pytest.approx((0.7224672001371108, 1))


def test_nothing_of_nothing_is_not_a_number_and_null_in_json() -> None:
    nothing = Proportion(0, 0)
    assert math.isnan(nothing.value)
    assert json.dumps(nothing.record()) == '{"count": 0, "total": 0, "value": null, "low": 0.0, "high": 1.0}'


# Counts


def test_rows_are_the_truth_and_columns_the_answer() -> None:
    counts = confusion_counts(np.array([0, 0, 0, 1, 2]), np.array([0, 2, 2, 1, 1]), 3)
    assert counts.tolist() == [[1, 0, 2], [0, 1, 0], [0, 1, 0]]


def test_truths_and_answers_of_two_lengths_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"^3 truths and 2 answers do not belong together\.$"):
        confusion_counts(np.array([0, 1, 1]), np.array([0, 1]), 2)


# Area under the curve


@pytest.mark.parametrize("levels", [3, 20, 10_000])
def test_the_area_is_that_of_scikit_learn_with_and_without_ties(levels: int) -> None:
    random = np.random.default_rng(levels)
    positive = random.random(200) < 0.3
    score = random.integers(levels, size=200) / levels + 0.2 * positive
    assert area_under_curve(positive, score) == pytest.approx(roc_auc_score(positive, score), abs=1e-12)


@pytest.mark.parametrize(
    ("score", "area"), [([0.1, 0.2, 0.8, 0.9], 1.0), ([0.9, 0.8, 0.2, 0.1], 0.0), ([0.5] * 4, 0.5), ([1, 3, 2, 4], 0.75)]
)
def test_small_areas_are_as_counted_by_hand(score: list[float], area: float) -> None:
    assert area_under_curve(np.array([False, False, True, True]), np.array(score, float)) == area


def test_without_one_side_there_is_no_area() -> None:
    assert math.isnan(area_under_curve(np.array([True, True]), np.array([0.1, 0.9])))


def test_the_interval_holds_the_area_and_is_the_same_each_time() -> None:
    random = np.random.default_rng(0)
    positive = np.arange(120) % 3 == 0
    score = random.normal(size=120) + positive
    patients = [str(n) for n in range(120)]
    low, high = bootstrap_area(positive, score, patients, resamples=300)
    assert low < area_under_curve(positive, score) < high
    assert (low, high) == bootstrap_area(positive, score, patients, resamples=300)


def test_many_films_of_few_patients_widen_the_interval() -> None:
    """Ten copies of each film are not ten times the evidence, when they are of one patient."""
    random = np.random.default_rng(1)
    positive = np.arange(30) % 2 == 0
    score = random.normal(size=30) + 0.8 * positive
    positive, score = positive.repeat(10), score.repeat(10)
    whole = bootstrap_area(positive, score, [str(n // 10) for n in range(300)], resamples=300)
    apart = bootstrap_area(positive, score, [str(n) for n in range(300)], resamples=300)
    assert whole[1] - whole[0] > 2 * (apart[1] - apart[0])


# Calibration


def test_softmax_is_as_counted_by_hand_and_does_not_overflow() -> None:
    assert softmax(np.log([[1.0, 2.0, 5.0]])).tolist()[0] == pytest.approx([0.125, 0.25, 0.625])
    assert softmax(np.array([2000.0, 0.0]), 0.5).tolist() == [1.0, 0.0]
    assert softmax(np.log([1.0, 16.0]), 2.0).tolist() == pytest.approx([0.2, 0.8])


def test_calibration_error_is_as_counted_by_hand() -> None:
    """Confidence 0.9: three of four right, gap 0.15; confidence 0.6: both right, gap 0.4."""
    first = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    truth = np.array([0, 0, 0, 1, 0, 0])
    error = expected_calibration_error(truth, np.stack([first, 1 - first], axis=1))
    assert error == pytest.approx(0.15 * 4 / 6 + 0.4 * 2 / 6)


def test_certainty_falls_into_the_last_bin() -> None:
    assert expected_calibration_error(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]])) == 0.5


def test_likelihood_is_as_counted_by_hand_and_finite() -> None:
    assert negative_log_likelihood(np.array([0, 1]), np.array([[0.5, 0.5], [0.75, 0.25]])) == pytest.approx(1.5 * math.log(2))
    assert negative_log_likelihood(np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(12 * math.log(10))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_found_again(temperature: float) -> None:
    random = np.random.default_rng(3)
    logits = 3 * random.normal(size=(6000, 3))
    chance = softmax(logits, temperature)
    truth = (random.random((6000, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature(truth, logits) == pytest.approx(temperature, rel=0.08)


def test_a_fold_takes_its_temperature_from_the_others() -> None:
    logits = np.array([[4.0, 0.0]] * 20)
    truth = np.array([0] * 10 + [0, 1] * 5)
    probabilities = cross_fitted_probabilities(truth, logits, np.repeat([0, 1], 10))
    assert probabilities[0].tolist() == pytest.approx(softmax(logits[0], 5.0).tolist())
    assert probabilities[10].tolist() == pytest.approx(softmax(logits[0], 0.2).tolist())


# Operating points


def test_nine_of_ten_positives_score_at_or_above_the_threshold() -> None:
    score = np.arange(20) / 20
    positive = np.arange(20) >= 10
    threshold = sensitivity_threshold(positive, score, 0.9)
    assert threshold == 0.55
    found = operating_point(positive, score, threshold)
    assert (found["sensitivity"]["count"], found["sensitivity"]["total"]) == (9, 10)  # type: ignore[index]
    assert (found["specificity"]["count"], found["specificity"]["total"]) == (10, 10)  # type: ignore[index]


@pytest.mark.parametrize("sensitivity", [0.5, 0.8, 0.9, 0.95, 1.0])
def test_no_higher_score_would_be_sensitive_enough(sensitivity: float) -> None:
    random = np.random.default_rng(4)
    score, positive = random.integers(40, size=150) / 40, random.random(150) < 0.4
    threshold = sensitivity_threshold(positive, score, sensitivity)
    assert (score[positive] >= threshold).mean() >= sensitivity
    assert (score[positive] > threshold).mean() < sensitivity


# All of it


def test_a_judgement_is_as_counted_by_hand() -> None:
    truth = np.array([0, 0, 1, 1, 2, 2])
    probabilities = np.eye(3)[[0, 1, 1, 1, 2, 0]] * 0.7 + 0.1
    found = judge(("covid", "no_finding", "pneumonia"), "covid", truth, probabilities, list("aabbcc"))
    assert (found["films"], found["patients"]) == (6, 3)
    assert found["confusion_matrix"] == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert found["accuracy"] == Proportion(4, 6).record()
    assert found["recall"]["pneumonia"] == Proportion(1, 2).record()  # type: ignore[index]
    assert found["precision"]["no_finding"] == Proportion(2, 3).record()  # type: ignore[index]
    assert found["macro_f1"] == pytest.approx((1 / 2 + 4 / 5 + 2 / 3) / 3)
    assert found["auc"]["value"] == 0.625  # type: ignore[index]
    assert found["auc_without_positive"]["value"] == 1.0  # type: ignore[index]


def test_a_judgement_without_a_class_is_still_json() -> None:
    probabilities = np.array([[0.1, 0.8, 0.1], [0.1, 0.7, 0.2]])
    found = judge(("covid", "no_finding", "pneumonia"), "covid", np.array([1, 1]), probabilities, ["a", "b"])
    assert found["auc"] == {"class": "covid", "value": None, "low": None, "high": None}
    assert found["precision"]["covid"]["value"] is None  # type: ignore[index]
    json.dumps(found, allow_nan=False)
