"""Drawings of whole patients, against the same films copied one by one and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from inference import intervals
from inference.evaluate import area_under_curve, expected_calibration_error
from inference.intervals import (
    draw_patients,
    patient_intervals,
    percentile_interval,
    weighted_areas,
    weighted_average_precisions,
    weighted_calibration_errors,
    weighted_f1,
    weighted_means,
)

PATIENTS = [f"p{n % 37}" for n in range(90)]
WEIGHTS = np.concatenate(list(draw_patients(PATIENTS, 25)))
RANDOM = np.random.default_rng(5)
TRUTH = RANDOM.integers(3, size=90)
PROBABILITIES = RANDOM.dirichlet([1, 1, 1], size=90).round(2) + 1e-9 * np.arange(3)
POSITIVE, SCORE = TRUTH == 0, PROBABILITIES[:, 0]
COPIES = [np.repeat(np.arange(90), row.astype(int)) for row in WEIGHTS]

# Drawings


def test_a_patient_is_drawn_with_all_films_or_not_at_all() -> None:
    _, first, whose = np.unique(PATIENTS, return_index=True, return_inverse=True)
    assert np.array_equal(WEIGHTS, WEIGHTS[:, first][:, whose])


def test_as_many_patients_are_drawn_as_there_are() -> None:
    _, first = np.unique(PATIENTS, return_index=True)
    assert WEIGHTS[:, first].sum(axis=1).tolist() == [37] * 25
    assert 0.3 < (WEIGHTS[:, first] == 0).mean() < 0.43  # (1 - 1/37)^37 = 0.363


def test_memory_does_not_change_the_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "LARGEST_BLOCK", 4 * 90)
    blocks = list(draw_patients(PATIENTS, 25))
    assert [len(block) for block in blocks] == [4, 4, 4, 4, 4, 4, 1]
    assert np.array_equal(np.concatenate(blocks), WEIGHTS)


# Statistics of a drawing


def test_areas_are_those_of_copied_films() -> None:
    expected = [area_under_curve(POSITIVE[c], SCORE[c]) for c in COPIES]
    assert weighted_areas(WEIGHTS, POSITIVE, SCORE) == pytest.approx(expected, abs=1e-12)


def test_average_precisions_are_those_of_scikit_learn_on_copied_films() -> None:
    expected = [average_precision_score(POSITIVE[c], SCORE[c]) for c in COPIES]
    assert weighted_average_precisions(WEIGHTS, POSITIVE, SCORE) == pytest.approx(expected, abs=1e-12)


def test_f1_is_that_of_scikit_learn_on_copied_films() -> None:
    answer = PROBABILITIES.argmax(axis=1)
    expected = [f1_score(TRUTH[c], answer[c], average=None, labels=[0, 1, 2]) for c in COPIES]
    assert weighted_f1(WEIGHTS, TRUTH, answer, 3) == pytest.approx(np.array(expected), abs=1e-12)


def test_calibration_errors_are_those_of_copied_films() -> None:
    expected = [expected_calibration_error(TRUTH[c], PROBABILITIES[c]) for c in COPIES]
    assert weighted_calibration_errors(WEIGHTS, TRUTH, PROBABILITIES) == pytest.approx(expected, abs=1e-12)


def test_a_drawing_of_one_side_has_no_area_and_a_class_nobody_named_no_f1() -> None:
    weights = np.array([[1.0, 0.0], [1.0, 1.0]])
    areas = weighted_areas(weights, np.array([True, False]), np.array([0.9, 0.1]))
    assert [math.isnan(areas[0]), areas[1]] == [True, 1.0]
    f1 = weighted_f1(weights, np.array([0, 1]), np.array([0, 1]), 3)
    assert np.isnan(f1).tolist() == [[False, True, True], [False, False, True]]


# Intervals


def test_drawings_without_a_value_are_left_out() -> None:
    assert percentile_interval(np.array([math.nan, *range(41)])) == (1.0, 39.0)
    assert percentile_interval(np.array([math.nan, math.nan])) == (None, None)


def test_one_patient_has_no_interval() -> None:
    def statistics(weights: intervals.Floats) -> intervals.Floats:
        return np.column_stack([weighted_means(weights, np.arange(3.0))] * 2)

    assert patient_intervals(statistics, ["a", "a", "a"]) == ((None, None), (None, None))
    assert patient_intervals(statistics, ["a", "b", "b"])[0] == (0.0, 1.5)


def test_an_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    """Of 400 patients, half right: 1.96 sqrt(0.25 / 400) = 0.049 to each side."""
    right = np.arange(400) % 2.0
    ((low, high),) = patient_intervals(lambda w: weighted_means(w, right)[:, None], [str(n) for n in range(400)])
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.006)
