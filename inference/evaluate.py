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
    """Return the 95 % percentile interval of the area under the curve, patients resampled as a whole."""
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    films_of = [np.flatnonzero(patient == p) for p in range(patient.max() + 1)]
    generator = np.random.default_rng(seed)
    areas = []
    for _ in range(resamples):
        chosen = np.concatenate([films_of[p] for p in generator.integers(len(films_of), size=len(films_of))])
        areas.append(area_under_curve(positive[chosen], score[chosen]))
    low, high = np.nanpercentile(areas, [2.5, 97.5])
    return float(low), float(high)


def negative_log_likelihood(truth: Integers, probabilities: Floats) -> float:
    """Return the mean of -log p(truth)."""
    return float(-np.log(np.clip(probabilities[np.arange(len(truth)), truth], 1e-12, 1)).mean())


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
        The class the area under the curve is about.
    """
    answer = probabilities.argmax(axis=1)
    counts = confusion_counts(truth, answer, len(names))
    p = list(names).index(positive)
    return {
        "films": len(truth),
        "patients": len(set(patients)),
        "accuracy": Proportion(int((truth == answer).sum()), len(truth)).record(),
        "recall": {n: Proportion(int(counts[i, i]), int(counts[i].sum())).record() for i, n in enumerate(names)},
        "precision": {n: Proportion(int(counts[i, i]), int(counts[:, i].sum())).record() for i, n in enumerate(names)},
        "macro_f1": _macro_f1(counts),
        "auc": {"class": positive} | _area_record(truth == p, probabilities[:, p], patients),
        "auc_without_positive": _area_among_the_rest(names, p, truth, probabilities, patients),
        "negative_log_likelihood": negative_log_likelihood(truth, probabilities),
        "expected_calibration_error": expected_calibration_error(truth, probabilities),
        "confusion_matrix": counts.tolist(),
    }


def _macro_f1(counts: Integers) -> float:
    hits, truths, answers = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return float(np.mean(2 * hits / np.maximum(truths + answers, 1)))


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
    return {"class": names[others[1]], "against": names[others[0]]} | _area_record(is_second, score, among)


def _area_record(positive: npt.NDArray[np.bool_], score: Floats, patients: Sequence[str]) -> dict[str, object]:
    """Return the area with its interval for the card; None in all three where one side is empty."""
    area = area_under_curve(positive, score)
    if math.isnan(area):
        return {"value": None, "low": None, "high": None}
    low, high = bootstrap_area(positive, score, patients)
    return {"value": area, "low": low, "high": high}
