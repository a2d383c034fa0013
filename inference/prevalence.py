"""What a call means where a finding is as frequent as the reader says: predictive values as counts of films.

From sensitivity and specificity, both as counts, and a prevalence. It changes nothing that is stored: a slider asks again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from inference.errors import DatasetError
from inference.evaluate import Proportion
from inference.operating_point import OperatingPoint

Z = 1.959963984540054
DENOMINATORS = (100, 1_000, 10_000)


@dataclass(frozen=True)
class Chance:
    """A predictive value, 0 to 1, with its 95 % interval; of nothing called at all, NaN with 0 to 1."""

    value: float
    low: float
    high: float

    @property
    def out_of(self) -> int:
        """Return the number of films it is told of: 100, or more where 100 would show none or all of them."""
        rarer = min(self.value, 1 - self.value)
        return next((n for n in DENOMINATORS if math.isnan(rarer) or n * rarer >= 1 or rarer == 0), DENOMINATORS[-1])

    def in_words(self, what: str = "") -> str:
        """Return "of 100 like this, 34; 26 to 43", or with ``what`` "have it": "of 100 like this, 34 have it; 26 to 43"."""
        if math.isnan(self.value):
            return "unknown, because no held-out film was called so"
        value, low, high = (f"{round(self.out_of * part):,}" for part in (self.value, self.low, self.high))
        return f"of {self.out_of:,} like this, {f'{value} {what}'.strip()}; {low} to {high}"


@dataclass(frozen=True)
class Cohort:
    """How many of ``films`` films there would be of each kind at a prevalence, in whole films that add up."""

    films: int
    found: int
    missed: int
    false_alarms: int
    rightly_left: int


@dataclass(frozen=True)
class PredictiveValues:
    """What a call and its absence mean at one prevalence."""

    prevalence: float
    positive: Chance
    """The chance that a film that is called has the finding."""
    negative: Chance
    """The chance that a film that is not called is without it."""
    cohort: Cohort

    def in_words(self, called: bool, title: str) -> str:
        """Return the sentence for a film that was called, or was not."""
        said = self.positive.in_words("have it") if called else self.negative.in_words("do not have it")
        return f"Where {_share(self.prevalence)} of films show {title}: {said}."


def predictive_values(point: OperatingPoint, prevalence: float, films: int = 1000) -> PredictiveValues:
    """Return what a call at an operating point means at a prevalence.

    Intervals are those of the logits of the two values (Mercaldo, Lau and Zhou 2007): the counts of both sides move them, the
    prevalence is taken as given. Where a side has no error or no hit, two films of each kind are added to it first.

    Parameters
    ----------
    prevalence
        Part of the films that show the finding, above 0 and below 1.

    Raises
    ------
    DatasetError
        If the prevalence is none, or a side of the point was never counted.
    """
    if not 0 < prevalence < 1:
        raise DatasetError(f"A prevalence lies between 0 and 100 %, not at {100 * prevalence:g} %.")
    found, left = point.sensitivity, point.specificity
    if not found.total or not left.total:
        raise DatasetError("The model was not judged on films with and without the finding; no predictive value is known.")
    odds = prevalence / (1 - prevalence)
    return PredictiveValues(
        prevalence=prevalence,
        positive=_chance(found, Proportion(left.total - left.count, left.total), odds),
        negative=_chance(left, Proportion(found.total - found.count, found.total), 1 / odds),
        cohort=_cohort(found.value, left.value, prevalence, films),
    )


def _chance(right: Proportion, wrong: Proportion, odds: float) -> Chance:
    """Return the chance of ``right`` among all that are told so, from the part of either side and the odds of the sides."""
    hits, errors = right.value * odds, wrong.value
    if not hits + errors:
        return Chance(math.nan, 0.0, 1.0)
    value = hits / (hits + errors)
    (p, n), (q, m) = _inner(right), _inner(wrong)
    middle = math.log(p * odds / q)
    half = Z * math.sqrt((1 - p) / (p * n) + (1 - q) / (q * m))
    low, high = (1 / (1 + math.exp(-(middle + side * half))) for side in (-1, 1))
    return Chance(value, min(low, value), max(high, value))


def _inner(found: Proportion) -> tuple[float, float]:
    """Return a proportion that is neither 0 nor 1, and its number of films."""
    if 0 < found.count < found.total:
        return found.value, float(found.total)
    added = Z**2 / 2
    return (found.count + added) / (found.total + 2 * added), found.total + 2 * added


def _cohort(sensitivity: float, specificity: float, prevalence: float, films: int) -> Cohort:
    ill = round(films * prevalence)
    found, left = round(ill * sensitivity), round((films - ill) * specificity)
    return Cohort(films, found, ill - found, films - ill - left, left)


def _share(prevalence: float) -> str:
    return f"{100 * prevalence:.0f} %" if prevalence >= 0.01 else f"{100 * prevalence:.2g} %"
