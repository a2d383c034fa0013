"""Counts, intervals, curves and calibration, against literal values and independent implementations."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from inference.errors import DatasetError
from inference.evaluate import (
    Proportion,
    area_under_curve,
    bootstrap_area,
    brier_score,
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


def test_the_interval_is_that_of_films_copied_one_by_one() -> None:
    random = np.random.default_rng(2)
    positive, whose = random.random(60) < 0.4, random.integers(25, size=60)
    score = (random.normal(size=60) + positive).round(1)
    films_of = [np.flatnonzero(whose == p) for p in np.unique(whose)]
    generator, areas = np.random.default_rng(0), []
    for _ in range(200):
        chosen = np.concatenate([films_of[p] for p in generator.integers(len(films_of), size=len(films_of))])
        areas.append(area_under_curve(positive[chosen], score[chosen]))
    found = bootstrap_area(positive, score, [f"{n:02}" for n in whose], resamples=200)
    assert found == pytest.approx(np.percentile(areas, [2.5, 97.5]), abs=1e-12)


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


def test_the_brier_score_is_as_counted_by_hand() -> None:
    """Errors 0.3, -0.2, -0.1: 0.14; the surest wrong answer counts 2."""
    assert brier_score(np.array([0]), np.array([[0.7, 0.2, 0.1]])) == pytest.approx(0.14)
    assert brier_score(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]])) == 1.0


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


NAMES = ("covid", "no_finding", "pneumonia")


def judged(truth: list[int], patients: list[str]) -> dict[str, Any]:
    """Judge answers that are right about six films of seven."""
    answers = np.array([(t + (n % 7 == 5)) % 3 for n, t in enumerate(truth)], dtype=np.int64)
    return judge(NAMES, "covid", np.array(truth, dtype=np.int64), np.eye(3)[answers] * 0.7 + 0.1, patients)


def test_each_value_lies_in_its_interval() -> None:
    found = judged([n % 3 for n in range(90)], [str(n // 2) for n in range(90)])
    for record in (found["auc"], found["average_precision"], *found["f1"].values()):
        assert 0 < record["low"] < record["value"] < record["high"] < 1
    assert found["macro_f1_interval"][0] < found["macro_f1"] < found["macro_f1_interval"][1]
    assert found["accuracy_interval"][0] < found["accuracy"]["value"] < found["accuracy_interval"][1]
    low, high = found["expected_calibration_error_interval"]
    assert low < high and low < found["expected_calibration_error"] + 0.01
    assert (list(found["f1"]), found["average_precision"]["class"]) == (list(NAMES), "covid")


def test_each_interval_is_that_of_its_own_statistic() -> None:
    """All 100 called the class of 80, at confidence 0.8: accuracy 0.8, F1 0.89 once in three, error of calibration 0."""
    truth = np.repeat([1, 0, 2], [80, 10, 10])
    found: Any = judge(NAMES, "covid", truth, np.tile([0.1, 0.8, 0.1], (100, 1)), [str(n) for n in range(100)])
    assert found["macro_f1_interval"] == pytest.approx([0.28, 0.31], abs=0.01)
    assert found["accuracy_interval"] == pytest.approx([0.72, 0.88], abs=0.03)
    assert found["expected_calibration_error_interval"] == pytest.approx([0.0, 0.09], abs=0.02)
    assert [found["f1"][n]["high"] > 0 for n in NAMES] == [False, True, False]


def test_f1_average_precision_and_brier_are_those_of_scikit_learn() -> None:
    truth = [n % 3 for n in range(30)]
    found = judged(truth, [str(n) for n in range(30)])
    answers = [(t + (n % 7 == 5)) % 3 for n, t in enumerate(truth)]
    one_hot, probabilities = np.eye(3)[truth], np.eye(3)[answers] * 0.7 + 0.1
    f1 = f1_score(truth, answers, average=None)
    assert [found["f1"][n]["value"] for n in NAMES] == pytest.approx(f1.tolist())
    assert found["average_precision"]["value"] == pytest.approx(average_precision_score(one_hot[:, 0], probabilities[:, 0]))
    assert found["brier"] == pytest.approx(((one_hot - probabilities) ** 2).sum(axis=1).mean())


def test_a_patient_with_many_films_widens_the_interval_of_accuracy() -> None:
    truth = [n % 3 for n in range(90)]
    apart, together = judged(truth, [str(n) for n in range(90)]), judged(truth, [str(n % 7) for n in range(90)])
    assert np.ptp(together["accuracy_interval"]) > 1.5 * np.ptp(apart["accuracy_interval"])


@pytest.mark.parametrize("truth", [[], [1], [1, 1, 1, 1, 1, 1], [0, 1]])
@pytest.mark.parametrize("alone", [True, False])
def test_the_smallest_sets_are_judged_without_a_complaint(truth: list[int], alone: bool) -> None:
    found = judged(truth, ["a" if alone else str(n) for n in range(len(truth))])
    json.dumps(found, allow_nan=False)
    assert found["f1"]["pneumonia"]["value"] in (None, 0.0)
    assert (found["macro_f1_interval"] == [None, None]) == (alone or truth != [0, 1])
    assert (found["accuracy_interval"] == [None, None]) == (alone or len(truth) < 2)
    assert (found["auc"]["low"] is None) == (found["average_precision"]["value"] is None) == (alone or truth != [0, 1])


def test_what_cards_in_the_wild_hold_is_still_there() -> None:
    found = judged([0, 1, 2, 0, 1, 2], list("abcdef"))
    assert list(found["auc"]) == ["class", "value", "low", "high"]
    assert isinstance(found["macro_f1"], float) and isinstance(found["expected_calibration_error"], float)
    assert {"films", "patients", "accuracy", "recall", "precision", "auc_without_positive"} < found.keys()
    assert {"negative_log_likelihood", "confusion_matrix"} < found.keys()


def test_patients_of_another_length_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"^2 truths and 1 patients do not belong together\.$"):
        judged([0, 1], ["a"])
