"""Films read as the program reads them: the gate looks first, then all members answer."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.bundle import Embeddings
from inference.dataset import Sample, load_grey
from inference.errors import DatasetError
from inference.evaluate import Floats
from inference.gate.gate import Gate
from inference.gate.lung_slice import check_slice
from inference.gate.picture_checks import check_picture
from inference.gate.reasons import FAR, Judgement, Reason, joined, reason
from inference.map_scales import ReadCount
from inference.predict import Predictor
from inference.trust import example_distances, neighbour_distance

COPY = 0.07
"""Distance in features, in units of the typical one, within which a film counts as a copy of a training film.

Measured with the residual network: 24 training films saved anew at JPEG quality 30, halved or brightened lie within 0.05 (one
at 0.11); of films of different patients one in a hundred has another within 0.13; 20 films of another hospital lie at 0.20
at least. Crops of 3 % (0.09 to 0.5) are missed: those are found by their look where the training films are on the machine."""
ADULT_AGE = 18.0
UNLIKE_FACTOR = 2.0
"""Times the 99th percentile of the held-out films' distances: beyond, a model without a gate refuses, as in the window."""
MINOR = "minor"
"""Code of a film whose age in the manifest is below 18: the program refuses it by its header."""


@dataclass(frozen=True, eq=False)
class OutsideAnswer:
    """The answer to one film the model has never seen.

    Attributes
    ----------
    probabilities
        float64 (classes,), calibrated.
    refusals, doubts
        Codes of :mod:`inference.gate.reasons` and ``MINOR``; no refusal where there is no gate and the age allows it.
    nearest
        Distance to the nearest training film, in units of the typical one: near 0 for a copy.
    distance
        Mean distance to the nearest five.
    """

    sample: Sample
    probabilities: Floats
    refusals: tuple[str, ...]
    doubts: tuple[str, ...]
    nearest: float
    distance: float

    @property
    def refused(self) -> bool:
        """Return whether the program would show no number."""
        return bool(self.refusals)

    @property
    def is_copy(self) -> bool:
        """Return whether the model's own features take it for a training film."""
        return self.nearest <= COPY


def read_outside(
    predictor: Predictor, gate: Gate | None, samples: Sequence[Sample]
) -> Generator[ReadCount, None, list[OutsideAnswer]]:
    """Read films one by one, each file checked against its hash; refused ones get an answer, too, to be told apart.

    Raises
    ------
    DatasetError
        If a film is missing, broken, or not the one the manifest describes.
    """
    embeddings, found = predictor.bundle.embeddings(), []
    for done, sample in enumerate(samples, 1):
        found.append(_read(predictor, gate, embeddings, sample))
        yield ReadCount(done, len(samples), "films the model has not seen")
    return found


def _read(predictor: Predictor, gate: Gate | None, embeddings: Embeddings, sample: Sample) -> OutsideAnswer:
    _refuse_other_file(sample.path, sample.sha256)
    grey = load_grey(sample.path)
    prediction = predictor.predict(grey)
    distance = neighbour_distance(prediction.embeddings, embeddings)
    modality, quantiles = predictor.bundle.recipe.modality, predictor.bundle.card["neighbours"]
    far = _judge_distance(distance, quantiles) if gate is None else gate.judge_features(prediction.vectors, prediction.members)
    judgement = joined((_judge_picture(gate, grey, modality), far))
    codes = judgement.codes + ((MINOR,) if _is_minor(sample) else ())
    return OutsideAnswer(
        sample=sample,
        probabilities=prediction.probabilities,
        refusals=codes,
        doubts=tuple(doubt.code for doubt in judgement.doubts),
        nearest=float(example_distances(prediction.embeddings, embeddings).min()),
        distance=distance,
    )


def _judge_picture(gate: Gate | None, grey: npt.NDArray[np.uint8], modality: str) -> Judgement:
    plain = check_picture(grey)
    if plain.refused or (gate is None and modality != "ct"):
        return plain
    return check_slice(grey) if gate is None or modality == "ct" else gate.judge_picture(grey)


def _judge_distance(distance: float, quantiles: Mapping[str, float]) -> Judgement:
    """Return what the distance says where there is no gate: the same rule as in the window."""
    if not math.isfinite(quantiles["q99"]) or distance <= quantiles["q95"]:
        return Judgement()
    if distance > UNLIKE_FACTOR * quantiles["q99"]:
        return Judgement(refusals=(reason("unlike", percent=99),))
    return Judgement(doubts=(Reason("far", FAR.format(percent=95)),))


def _is_minor(sample: Sample) -> bool:
    try:
        return 0 <= float(sample.age) < ADULT_AGE
    except ValueError:
        return False


def _refuse_other_file(path: Path, sha256: str) -> None:
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DatasetError(f"The film {path.name} is missing or is not the one its manifest describes.")
