"""Temperatures by cross-fitting, their calibration error, and the interval of one film's probabilities."""

from __future__ import annotations

import json

import numpy as np
import pytest

from inference.calibration import (
    Calibration,
    calibrate,
    drawn_temperatures,
    probability_intervals,
    reliability,
    temperatures_from_record,
)
from inference.errors import DatasetError
from inference.evaluate import fit_temperature, softmax

RANDOM = np.random.default_rng(8)
HONEST = 1.5 * RANDOM.normal(size=(1500, 3))
TRUTH = (softmax(HONEST).cumsum(axis=1) < RANDOM.random((1500, 1))).sum(axis=1)
LOGITS = 2.5 * HONEST
"""Two and a half times too sure."""
FOLD = np.arange(1500) % 5
PATIENTS = [f"p{n // 2}" for n in range(1500)]


@pytest.fixture(scope="module")
def found() -> Calibration:
    return calibrate(TRUTH, LOGITS, FOLD, PATIENTS)


def test_an_overconfident_model_is_cooled_to_the_truth(found: Calibration) -> None:
    assert found.temperature == pytest.approx(2.5, rel=0.1)
    assert found.error < 0.03 < 0.1 < found.error_before


def test_each_fold_takes_the_temperature_of_the_others(found: Calibration) -> None:
    for k in range(5):
        others = fit_temperature(TRUTH[k != FOLD], LOGITS[k != FOLD])
        assert found.by_fold[k] == others
        assert found.probabilities[k == FOLD] == pytest.approx(softmax(LOGITS[k == FOLD], others))


def test_drawn_temperatures_lie_about_the_temperature(found: Calibration) -> None:
    low, high = np.quantile(found.drawn, [0.025, 0.975])
    assert low < found.temperature < high
    assert 1.05 < high / low < 1.4


def test_a_tenth_of_the_patients_make_the_temperature_less_sure() -> None:
    few = drawn_temperatures(TRUTH[:150], LOGITS[:150], PATIENTS[:150], 100)
    many = drawn_temperatures(TRUTH, LOGITS, PATIENTS, 100)
    assert np.log(few).std() > 2 * np.log(many).std()


def test_a_record_goes_through_the_card(found: Calibration) -> None:
    temperature, drawn = temperatures_from_record(json.loads(json.dumps(found.record())))
    assert temperature == found.temperature
    assert drawn == pytest.approx(found.drawn, abs=1e-4)


@pytest.mark.parametrize("record", [{}, {"temperature": 1.0, "drawn_temperatures": [0.0]},
                                    {"temperature": -1.0, "drawn_temperatures": []},
                                    {"temperature": 1.0, "drawn_temperatures": "x"}])  # fmt: skip
def test_a_card_without_a_temperature_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(DatasetError, match="calibration"):
        temperatures_from_record(record)


def test_one_fold_cannot_judge_a_temperature() -> None:
    with pytest.raises(DatasetError, match="two folds"):
        calibrate(TRUTH, LOGITS, np.zeros(1500, dtype=np.int64), PATIENTS)


def test_answers_of_another_length_are_refused() -> None:
    with pytest.raises(DatasetError, match="1500 truths, 1499 answers"):
        calibrate(TRUTH, LOGITS[1:], FOLD, PATIENTS)


def test_reliability_counts_every_film_once(found: Calibration) -> None:
    bins = reliability(TRUTH, found.probabilities)
    assert sum(b.films for b in bins) == 1500
    assert sum(b.right for b in bins) == int((found.probabilities.argmax(axis=1) == TRUTH).sum())
    assert all(b.low <= b.confidence <= b.high for b in bins)
    assert max(abs(b.right / b.films - b.confidence) for b in bins if b.films > 100) < 0.1


# One film's interval

MEMBERS = np.array([[1.0, 0.0, 0.5], [1.5, 0.2, 0.1], [0.9, 0.0, 0.6], [2.0, 0.1, 0.0], [1.2, 0.4, 0.4]])


def test_an_interval_holds_the_probability() -> None:
    intervals = probability_intervals(MEMBERS, 1.1, np.array([1.0, 1.1, 1.2]))
    own = softmax(MEMBERS.mean(axis=0), 1.1)
    assert (intervals[:, 0] < own).all()
    assert (own < intervals[:, 1]).all()


def test_members_that_agree_make_a_point() -> None:
    same = np.tile(MEMBERS[:1], (5, 1))
    assert probability_intervals(same, 1.1, np.array([]))[:, 0] == pytest.approx(softmax(MEMBERS[0], 1.1))
    assert np.ptp(probability_intervals(same, 1.1, np.array([])), axis=1) == pytest.approx([0, 0, 0])


def test_a_single_member_varies_with_the_temperature_alone() -> None:
    (low, high), *_ = probability_intervals(MEMBERS[:1], 1.0, np.array([0.8, 1.25]))
    assert (low, high) == pytest.approx((softmax(MEMBERS[0], 1.25)[0], softmax(MEMBERS[0], 0.8)[0]))


def test_few_members_do_not_look_surer_than_they_are() -> None:
    random, spread = np.random.default_rng(0), []
    logits = random.normal(0, 0.4, (300, 5))
    for film in logits:
        members = np.column_stack([film, np.zeros(5)])
        low, high = probability_intervals(members, 1.0, np.array([]), drawings=400)[0]
        spread.append((np.log(high / (1 - high)) - np.log(low / (1 - low))) / 2 / 1.96)
    true = 0.4 / np.sqrt(5)
    assert 0.93 * true < np.sqrt(np.mean(np.square(spread))) < 1.1 * true  # 0.89 of it if drawn from themselves as they are


def test_the_same_film_has_the_same_interval_each_time() -> None:
    first, second = (probability_intervals(MEMBERS, 1.1, np.array([1.0, 1.2])) for _ in range(2))
    assert np.array_equal(first, second)
