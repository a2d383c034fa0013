"""What a call means where a finding is as frequent as the reader says: for a slider, which stores nothing."""

from __future__ import annotations

from inference import prevalence as known
from inference.evaluate import Proportion
from inference.operating_point import OperatingPoint as KnownPoint
from viewer.errors import SecondReaderError
from viewer.reading import OperatingPoint, PredictiveValue, PredictiveValues, Share
from viewer.second_reader.libraries import spoken


def predictive_values(point: OperatingPoint, prevalence: float) -> PredictiveValues:
    """Return the predictive values of a decision at a prevalence, with their sentences. Takes microseconds; no torch.

    Parameters
    ----------
    prevalence
        Part of the films that show the finding, above 0 and below 1.

    Raises
    ------
    SecondReaderError
        If the prevalence is none, or one side of the point was never counted.
    """
    with spoken(SecondReaderError):
        stored = KnownPoint(point.name, point.threshold, _counted(point.sensitivity), _counted(point.specificity))
        found = known.predictive_values(stored, prevalence)
    title = point.class_title
    return PredictiveValues(
        prevalence=prevalence,
        positive=_value(found.positive, found.positive.in_words(f"show {title}")),
        negative=_value(found.negative, found.negative.in_words(f"do not show {title}")),
    )


def _counted(share: Share) -> Proportion:
    return Proportion(share.count, share.total)


def _value(chance: known.Chance, sentence: str) -> PredictiveValue:
    return PredictiveValue(chance.value, chance.low, chance.high, sentence)
