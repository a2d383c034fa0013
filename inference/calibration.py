"""Probabilities that keep what they promise: a temperature fitted on other folds, and the interval of one film's answer.

A temperature (Guo et al. 2017) divides all logits by one number. It is judged by cross-fitting: each fold's probabilities take
the temperature of the other folds, so that no film has a part in its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.errors import DatasetError
from inference.evaluate import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    softmax,
)
from inference.intervals import Interval, draw_patients, patient_intervals, weighted_calibration_errors

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BINS = 15
DRAWN_TEMPERATURES = 200
"""Temperatures of resampled patients that a model keeps; an interval's ends stand on the fifth from either end."""
DRAWINGS = 2000
COVERAGE = 0.95


@dataclass(frozen=True, eq=False)
class Calibration:
    """A model's temperature and what it is worth on films that had no part in it.

    Attributes
    ----------
    temperature
        Of all held-out films: what a new film's logits are divided by.
    by_fold
        Fold to the temperature of the other folds.
    drawn
        float64 (drawings,), temperatures of resampled patients: how sure the temperature itself is.
    probabilities
        float64 (films, classes), cross-fitted.
    error, error_interval
        Expected calibration error of ``probabilities``, with the 95 % interval of resampled patients.
    error_before
        The same of temperature 1.
    """

    temperature: float
    by_fold: dict[int, float]
    drawn: Floats
    probabilities: Floats
    error: float
    error_interval: Interval
    error_before: float
    negative_log_likelihood: float

    def record(self) -> dict[str, object]:
        """Return what the card keeps, without the films' probabilities."""
        return {
            "temperature": self.temperature,
            "by_fold": {str(fold): value for fold, value in self.by_fold.items()},
            "drawn_temperatures": [round(float(value), 4) for value in self.drawn],
            "expected_calibration_error": self.error,
            "expected_calibration_error_interval": list(self.error_interval),
            "expected_calibration_error_before": self.error_before,
            "negative_log_likelihood": self.negative_log_likelihood,
        }


def calibrate(truth: Integers, logits: Floats, fold: Integers, patients: Sequence[str], seed: int = 0) -> Calibration:
    """Fit the temperature and judge it by cross-fitting.

    Parameters
    ----------
    truth, logits, fold
        int64 (films,), float64 (films, classes), int64 (films,): held-out answers; folds hold whole patients.

    Raises
    ------
    DatasetError
        If the four are not of one length, or there are fewer than two folds.
    """
    _check(truth, logits, fold, patients)
    by_fold = {int(k): fit_temperature(truth[fold != k], logits[fold != k]) for k in np.unique(fold)}
    probabilities = softmax(logits / np.array([by_fold[int(k)] for k in fold])[:, None])
    (interval,) = patient_intervals(lambda w: weighted_calibration_errors(w, truth, probabilities, BINS)[:, None], patients)
    return Calibration(
        temperature=fit_temperature(truth, logits),
        by_fold=by_fold,
        drawn=drawn_temperatures(truth, logits, patients, DRAWN_TEMPERATURES, seed),
        probabilities=probabilities,
        error=expected_calibration_error(truth, probabilities, BINS),
        error_interval=interval,
        error_before=expected_calibration_error(truth, softmax(logits), BINS),
        negative_log_likelihood=negative_log_likelihood(truth, probabilities),
    )


def _check(truth: Integers, logits: Floats, fold: Integers, patients: Sequence[str]) -> None:
    if not len(truth) == len(logits) == len(fold) == len(patients):
        raise DatasetError(
            f"{len(truth)} truths, {len(logits)} answers, {len(fold)} folds and {len(patients)} patients do not belong."
        )
    if len(np.unique(fold)) < 2:
        raise DatasetError("A temperature can be judged only with films of two folds at least.")


def drawn_temperatures(truth: Integers, logits: Floats, patients: Sequence[str], drawings: int, seed: int = 0) -> Floats:
    """Return the temperature of each drawing of patients, float64 (drawings,), rising."""
    candidates = np.exp(np.linspace(np.log(0.2), np.log(5), 200))
    rows = np.arange(len(truth))
    losses = np.stack([-np.log(np.clip(softmax(logits, t)[rows, truth], 1e-12, 1)) for t in candidates])  # (200, films)
    best = [np.argmin(weights @ losses.T, axis=1) for weights in draw_patients(patients, drawings, seed)]
    return np.sort(candidates[np.concatenate(best)])


@dataclass(frozen=True)
class ReliabilityBin:
    """Films whose confidence lies in one bin: how many, how sure the model was and how many it had right."""

    low: float
    high: float
    films: int
    right: int
    confidence: float


def reliability(truth: Integers, probabilities: Floats, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Return the bins of a calibration plot that hold a film, from the least confidence to the largest."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return tuple(
        ReliabilityBin(
            low=b / bins,
            high=(b + 1) / bins,
            films=int((which == b).sum()),
            right=int(right[which == b].sum()),
            confidence=float(confidence[which == b].mean()),
        )
        for b in np.unique(which).tolist()
    )


def probability_intervals(
    member_logits: Floats, temperature: float, drawn: Floats, seed: int = 0, drawings: int = DRAWINGS
) -> Floats:
    """Return the 95 % interval of each class's probability for one film, float64 (classes, 2).

    Members are drawn again and again with replacement, each time with another of the drawn temperatures. It says how far the
    answer hangs on which films were learned from and which the temperature was fitted on. It says nothing of films of another
    hospital. With a single member only the temperature varies.

    Parameters
    ----------
    member_logits
        float64 (members, classes), uncalibrated.
    temperature
        The model's own: the interval holds the probability at it.
    drawn
        float64 (n,), from :attr:`Calibration.drawn`; empty for the model's temperature alone.
    """
    members = len(member_logits)
    random = np.random.default_rng(seed)
    mean = member_logits.mean(axis=0)
    picked = member_logits[random.integers(members, size=(drawings, members))].mean(axis=1)
    # Few members drawn from themselves spread too little, by the factor between n and n - 1.
    spread = np.sqrt(members / (members - 1)) if members > 1 else 0.0
    answers = mean + spread * (picked - mean)
    divisors = random.choice(drawn, drawings) if len(drawn) else np.full(drawings, temperature)
    found = softmax(answers / divisors[:, None])
    low, high = np.quantile(found, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2], axis=0)
    own = softmax(mean, temperature)
    return np.stack([np.minimum(low, own), np.maximum(high, own)], axis=1)


def temperatures_from_record(record: Mapping[str, Any]) -> tuple[float, Floats]:
    """Return a card's temperature and drawn temperatures; DatasetError if they are not there or no positive numbers."""
    try:
        temperature, drawn = float(record["temperature"]), np.array(record["drawn_temperatures"], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError("The model's card does not hold its calibration; install the model again.") from error
    if drawn.ndim != 1 or not np.isfinite(drawn).all() or not (temperature > 0 and (drawn > 0).all()):
        raise DatasetError("The calibration on the model's card holds a temperature that is no positive number.")
    return temperature, drawn
