"""What a model's held-out answers are worth: counts, proportions with intervals, curves, calibration. NumPy alone.

Truths and probabilities are always two arrays of one length from one pass over the films: they cannot fall out of step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.errors import DatasetError
from inference.intervals import (
    Interval,
    draw_patients,
    patient_intervals,
    percentile_interval,
    weighted_areas,
    weighted_average_precisions,
    weighted_calibration_errors,
    weighted_f1,
    weighted_means,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Proportion:
    """``count`` of ``total`` with its 95 % Wilson interval."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """Return count / total, or NaN for nothing."""
        return self.count / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % Wilson score interval (Wilson 1927); (0, 1) for nothing."""
        if not self.total:
            return 0.0, 1.0
        z2 = 1.959963984540054**2
        middle = (self.count + z2 / 2) / (self.total + z2)
        half = math.sqrt(z2 * (self.count * (self.total - self.count) / self.total + z2 / 4)) / (self.total + z2)
        return max(0.0, middle - half), min(1.0, middle + half)

    def record(self) -> dict[str, float | int | None]:
        """Return it for the card; the value of nothing is None, because JSON knows no NaN."""
        low, high = self.interval
        return {"count": self.count, "total": self.total, "value": self.value if self.total else None,
                "low": low, "high": high}  # fmt: skip

    def __str__(self) -> str:
        """Return "254/317 = 80.13 % (75.4 to 84.1)"."""
        low, high = self.interval
        return f"{self.count}/{self.total} = {100 * self.value:.2f} % ({100 * low:.1f} to {100 * high:.1f})"


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Return probabilities along the last axis of logits / temperature."""
    scaled = logits / temperature
    scaled = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))


def confusion_counts(truth: Integers, answer: Integers, classes: int) -> Integers:
    """Return counts (classes, classes): rows are the truth, columns the answer."""
    if len(truth) != len(answer):
        raise DatasetError(f"{len(truth)} truths and {len(answer)} answers do not belong together.")
    return np.bincount(truth * classes + answer, minlength=classes * classes).reshape(classes, classes)


def area_under_curve(positive: npt.NDArray[np.bool_], score: Floats) -> float:
    """Return the area under the ROC curve (Mann-Whitney, ties counted half); NaN where one side is empty."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return math.nan
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    total = float(rank[inverse][positive].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def bootstrap_area(
    positive: npt.NDArray[np.bool_], score: Floats, patients: Sequence[str], resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the area under the curve, patients resampled as a whole; NaN for one side."""
    areas = [weighted_areas(weights, positive, score) for weights in draw_patients(patients, resamples, seed)]
    low, high = percentile_interval(np.concatenate(areas))
    return (math.nan, math.nan) if low is None or high is None else (low, high)


def negative_log_likelihood(truth: Integers, probabilities: Floats) -> float:
    """Return the mean of -log p(truth)."""
    return float(-np.log(np.clip(probabilities[np.arange(len(truth)), truth], 1e-12, 1)).mean())


def brier_score(truth: Integers, probabilities: Floats) -> float:
    """Return the mean over films of the squared errors summed over classes: 0 (best) to 2 (Brier 1950).

    With two classes it is twice the figure that looks at the positive class alone.
    """
    errors = probabilities - np.eye(probabilities.shape[1])[truth]
    return float((errors**2).sum(axis=1).mean())


def expected_calibration_error(truth: Integers, probabilities: Floats, bins: int = 15) -> float:
    """Return the gap between confidence and accuracy, over equal-width bins of confidence (Guo et al. 2017)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(right[which == b].mean() - confidence[which == b].mean()) * (which == b).mean() for b in np.unique(which)]
    return float(sum(gaps))


def fit_temperature(truth: Integers, logits: Floats) -> float:
    """Return the temperature (0.2 to 5) whose probabilities have the smallest negative log likelihood."""
    candidates = np.exp(np.linspace(math.log(0.2), math.log(5), 400))
    losses = [negative_log_likelihood(truth, softmax(logits, t)) for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def cross_fitted_probabilities(truth: Integers, logits: Floats, fold: Integers) -> Floats:
    """Return probabilities with each fold's temperature fitted on the other folds."""
    probabilities = np.empty_like(logits)
    for number in np.unique(fold):
        inside = fold == number
        probabilities[inside] = softmax(logits[inside], fit_temperature(truth[~inside], logits[~inside]))
    return probabilities


def sensitivity_threshold(positive: npt.NDArray[np.bool_], score: Floats, sensitivity: float) -> float:
    """Return the highest threshold at which at least that part of the positives scores at or above it."""
    ordered = np.sort(score[positive])[::-1]
    return float(ordered[math.ceil(sensitivity * len(ordered)) - 1])


def operating_point(positive: npt.NDArray[np.bool_], score: Floats, threshold: float) -> dict[str, object]:
    """Return sensitivity and specificity at a threshold, with counts and intervals, for the card."""
    called = score >= threshold
    return {
        "threshold": threshold,
        "sensitivity": Proportion(int((called & positive).sum()), int(positive.sum())).record(),
        "specificity": Proportion(int((~called & ~positive).sum()), int((~positive).sum())).record(),
    }


def judge(
    names: Sequence[str], positive: str, truth: Integers, probabilities: Floats, patients: Sequence[str]
) -> dict[str, object]:
    """Return everything the card says about one set of held-out answers, ready for JSON.

    Parameters
    ----------
    names
        Classes in the order of the columns of ``probabilities`` (films, classes).
    positive
        The class the area under the curve and the average precision are about.

    Returns
    -------
    What a set is too small for is None: an area (value and interval) without films of both sides or with one patient alone,
    an interval with one patient alone, F1 of a class that is neither there nor answered, the interval of macro F1 where all
    films are of one class. ``accuracy``, ``recall`` and ``precision`` hold Wilson's interval, which takes films for
    independent; all other intervals, ``accuracy_interval`` too, are of whole patients drawn again and again.

    Raises
    ------
    DatasetError
        If truths, probabilities and patients are not of one length.
    """
    answer = probabilities.argmax(axis=1)
    counts = confusion_counts(truth, answer, len(names))
    f1 = _f1(counts)
    if len(patients) != len(truth):
        raise DatasetError(f"{len(truth)} truths and {len(patients)} patients do not belong together.")
    p = list(names).index(positive)
    return {
        "films": len(truth),
        "patients": len(set(patients)),
        "accuracy": Proportion(int((truth == answer).sum()), len(truth)).record(),
        "recall": {n: Proportion(int(counts[i, i]), int(counts[i].sum())).record() for i, n in enumerate(names)},
        "precision": {n: Proportion(int(counts[i, i]), int(counts[:, i].sum())).record() for i, n in enumerate(names)},
        "macro_f1": float(np.nan_to_num(f1).mean()),
        "auc": {"class": positive} | area_record(truth == p, probabilities[:, p], patients),
        "average_precision": {"class": positive} | _precision_record(truth == p, probabilities[:, p], patients),
        "auc_without_positive": _area_among_the_rest(names, p, truth, probabilities, patients),
        "negative_log_likelihood": negative_log_likelihood(truth, probabilities) if len(truth) else None,
        "brier": brier_score(truth, probabilities) if len(truth) else None,
        "expected_calibration_error": expected_calibration_error(truth, probabilities),
        "confusion_matrix": counts.tolist(),
    } | _resampled(names, f1, truth, probabilities, patients)


def area_record(positive: npt.NDArray[np.bool_], score: Floats, patients: Sequence[str]) -> dict[str, object]:
    """Return the area with its interval for the card; None in all three where one side is empty or one patient is all."""
    area = area_under_curve(positive, score)
    if math.isnan(area) or len(set(patients)) < 2:
        return _record(None, (None, None))
    return _record(area, bootstrap_area(positive, score, patients))


def _precision_record(positive: npt.NDArray[np.bool_], score: Floats, patients: Sequence[str]) -> dict[str, object]:
    """Return the average precision for the card, None wherever the area is."""
    if not 0 < int(positive.sum()) < len(positive) or len(set(patients)) < 2:
        return _record(None, (None, None))
    value = float(weighted_average_precisions(np.ones((1, len(score))), positive, score)[0])
    (interval,) = patient_intervals(lambda w: weighted_average_precisions(w, positive, score)[:, None], patients)
    return _record(value, interval)


def _record(value: float | None, interval: Interval) -> dict[str, object]:
    return {"value": value, "low": interval[0], "high": interval[1]}


def _f1(counts: Integers) -> Floats:
    """Return F1 of each class; NaN where it is neither there nor answered."""
    hits, both = np.diag(counts), counts.sum(axis=1) + counts.sum(axis=0)
    return np.asarray(np.divide(2 * hits, both, out=np.full(len(counts), np.nan), where=both > 0))


def _resampled(
    names: Sequence[str], f1: Floats, truth: Integers, probabilities: Floats, patients: Sequence[str]
) -> dict[str, object]:
    """Return what is taken from the same drawings of patients: F1 with its intervals, those of accuracy and calibration."""
    answer = probabilities.argmax(axis=1)

    def statistics(weights: Floats) -> Floats:
        drawn = weighted_f1(weights, truth, answer, len(names))
        right = weighted_means(weights, (truth == answer).astype(np.float64))
        errors = weighted_calibration_errors(weights, truth, probabilities)
        return np.column_stack([drawn, np.nan_to_num(drawn).mean(axis=1), right, errors])

    *of_class, macro, accuracy, calibration = patient_intervals(statistics, patients)
    values = [None if math.isnan(value) else float(value) for value in f1]
    return {
        "f1": {n: _record(value, interval) for n, value, interval in zip(names, values, of_class, strict=True)},
        "macro_f1_interval": list(macro) if len(np.unique(truth)) > 1 else [None, None],
        "accuracy_interval": list(accuracy),
        "expected_calibration_error_interval": list(calibration),
    }


def _area_among_the_rest(
    names: Sequence[str], positive: int, truth: Integers, probabilities: Floats, patients: Sequence[str]
) -> dict[str, object] | None:
    """Return the area for the other two classes against each other: here both come from one hospital."""
    others = [i for i in range(len(names)) if i != positive]
    if len(others) != 2:
        return None
    inside = truth != positive
    score = np.log(probabilities[inside, others[1]] + 1e-12) - np.log(probabilities[inside, others[0]] + 1e-12)
    is_second = truth[inside] == others[1]
    among = [p for p, keep in zip(patients, inside, strict=True) if keep]
    return {"class": names[others[1]], "against": names[others[0]]} | area_record(is_second, score, among)
