"""Intervals by drawing whole patients again and again, for all statistics of a set in one pass. NumPy alone.

A drawing is a row of weights: how often each film stands in it. Statistics are computed from the weights of many drawings at
once, never from copied films. Films of one patient are not independent, so a patient is drawn with all of them or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Interval = tuple[float, float] | tuple[None, None]
"""The 2.5th and the 97.5th percentile, or twice None where nothing could be computed."""
Statistics = Callable[[Floats], Floats]
"""From weights (drawings, films) to what is measured (drawings, statistics); NaN where a drawing has none."""

RESAMPLES = 1000
LARGEST_BLOCK = 2_000_000
"""Weights held at once: 16 MB, whatever the number of films."""


def draw_patients(patients: Sequence[str], resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Floats]:
    """Yield weights float64 (drawings, films) in blocks, ``resamples`` rows in all: how often each film was drawn.

    As many patients are drawn, with replacement, as there are.
    """
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    total = int(patient.max()) + 1
    generator = np.random.default_rng(seed)
    largest = max(1, LARGEST_BLOCK // len(patient))
    for start in range(0, resamples, largest):
        rows = min(largest, resamples - start)
        drawn = generator.integers(total, size=(rows, total)) + total * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * total).reshape(rows, total)
        yield counts[:, patient].astype(np.float64)


def patient_intervals(
    statistics: Statistics, patients: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, ...]:
    """Return the 95 % percentile interval of each statistic; (None, None) with fewer than two patients.

    One patient drawn again and again is the same each time, and its interval of no width would look like certainty.
    """
    if len(set(patients)) < 2:
        how_many = int(statistics(np.ones((1, len(patients)))).shape[1])
        return ((None, None),) * how_many
    drawn = np.concatenate([statistics(weights) for weights in draw_patients(patients, resamples, seed)])
    return tuple(percentile_interval(column) for column in drawn.T)


def percentile_interval(drawn: Floats) -> Interval:
    """Return the 2.5th and 97.5th percentile of the drawings that have a value; (None, None) where none has."""
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return None, None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def weighted_areas(weights: Floats, positive: Booleans, score: Floats) -> Floats:
    """Return the area under the ROC curve of each drawing, ties counted half; NaN where one side is empty."""
    inside, outside = _by_rising_score(weights, positive, score)
    below = np.cumsum(outside, axis=1) - outside / 2
    return _ratio((inside * below).sum(axis=1), inside.sum(axis=1) * outside.sum(axis=1))


def weighted_average_precisions(weights: Floats, positive: Booleans, score: Floats) -> Floats:
    """Return the average precision of each drawing, films of one score called together; NaN without positives.

    The sum of precision times the gain in sensitivity over all thresholds, without interpolation.
    """
    inside, outside = _by_rising_score(weights, positive, score)
    found = np.cumsum(inside[:, ::-1], axis=1)
    called = found + np.cumsum(outside[:, ::-1], axis=1)
    precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    return _ratio((inside[:, ::-1] * precision).sum(axis=1), found[:, -1])


def weighted_f1(weights: Floats, truth: Integers, answer: Integers, classes: int) -> Floats:
    """Return F1 (drawings, classes); NaN for a class that is neither there nor answered in a drawing."""
    is_truth = truth[:, None] == np.arange(classes)
    is_answer = answer[:, None] == np.arange(classes)
    hits = weights @ (is_truth & is_answer).astype(np.float64)
    return _ratio(2 * hits, weights @ (is_truth.astype(np.float64) + is_answer))


def weighted_calibration_errors(weights: Floats, truth: Integers, probabilities: Floats, bins: int = 15) -> Floats:
    """Return the expected calibration error of each drawing, over equal-width bins of confidence (Guo et al. 2017).

    The error is a sum of gaps without sign, so that drawing adds to it: the interval lies somewhat higher than the error
    itself, and for a well calibrated model may not hold it.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = (right - confidence)[:, None] * (which[:, None] == np.arange(bins))
    return _ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))


def weighted_means(weights: Floats, values: Floats) -> Floats:
    """Return the mean of a value of each film, in each drawing."""
    return _ratio(weights @ values, weights.sum(axis=1))


def _by_rising_score(weights: Floats, positive: Booleans, score: Floats) -> tuple[Floats, Floats]:
    """Return the weight of positives and of negatives (drawings, distinct scores), from the lowest score to the highest."""
    order = np.argsort(score, kind="stable")
    ordered, rising = weights[:, order], score[order]
    starts = np.flatnonzero(np.concatenate([[True], rising[1:] != rising[:-1]]))
    inside = np.add.reduceat(ordered * positive[order], starts, axis=1)
    return inside, np.add.reduceat(ordered * ~positive[order], starts, axis=1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
