"""How often a gate refuses pictures of each kind, each judged by networks that never saw its patient.

For the card of a model and for whoever fits a gate anew: what it must refuse, and what it must let through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from inference.dataset import Sample, dealt_fold, load_grey
from inference.evaluate import Proportion
from inference.gate.copies import photographed
from inference.gate.fitting import ADULT_AGE
from inference.gate.gate import Gate
from inference.gate.made_pictures import PICTURES
from inference.gate.manifests import SOURCES, Source, age_of, source_films
from inference.gate.sense import FRONTAL, sense_square
from inference.map_scales import ReadCount
from inference.predict import Predictor

Bytes = npt.NDArray[np.uint8]
Change = Callable[[Bytes], Bytes]

SEED = 20261121
"""Of the drawn pictures: none of those the gate learned from."""
MADE = 120
EVERY = 3
"""Of the model's own films, one in so many is turned, inverted and so on."""
PURPOSE = "pictures for the record of the gate"

CHANGES: dict[str, Change] = {
    "the same, inverted": lambda grey: 255 - grey,
    "the same, on their side": lambda grey: np.ascontiguousarray(np.rot90(grey)),
    "the same, upside down": lambda grey: np.ascontiguousarray(grey[::-1, ::-1]),
    "the same, a quarter of the film": lambda grey: np.ascontiguousarray(grey[: grey.shape[0] // 2, : grey.shape[1] // 2]),
}
NAMES: Mapping[tuple[str, str], str] = {
    ("gate_other.csv", "lateral"): "lateral chest films",
    ("gate_other.csv", "ct_picture"): "CT pictures of journals",
    ("C_keras598_148.csv", "covid"): "CT slices",
    ("C_keras598_148.csv", "non_covid"): "CT slices",
    ("D_188.csv", "normal"): "children's films",
    ("E_142v142.csv", "normal"): "children's films",
    ("extra_pneumonia_ieee.csv", "pneumonia"): "frontal films of adults, other sources (to be let through)",
    ("extra_tb.csv", "tb"): "frontal films of adults, other sources (to be let through)",
}
HELD_OUT = "held-out frontal films of adults (to be let through)"
PHOTOGRAPHS = "photographs of held-out films (made)"
NO_FILMS = "noise, text, shapes and scenes (made)"


@dataclass(frozen=True)
class _Case:
    """A picture to be judged: of which kind, how it is had, and the fold whose networks never saw its patient."""

    kind: str
    grey: Callable[[], Bytes]
    fold: int


def measure_refusals(
    predictor: Predictor, gate: Gate, samples: Sequence[Sample], fold: npt.NDArray[np.int64], data: Path
) -> Generator[ReadCount, None, dict[str, Any]]:
    """Return kind of picture to the record of a Proportion, refused of all, for the card's ``gate.refused``.

    Parameters
    ----------
    samples, fold
        The films the model was judged on, and the member that never saw each.
    data
        Where further manifests lie; those that are not there are left out.

    Raises
    ------
    DatasetError
        If a manifest that is there is faulty, or a film cannot be read.
    """
    learned = predictor.bundle.recipe.data.extra_training
    cases = [*own_cases(samples, fold), *made_cases(samples, fold), *other_cases(data, samples, fold, learned)]
    refused: dict[str, list[bool]] = {}
    for done, case in enumerate(cases, 1):
        refused.setdefault(case.kind, []).append(is_refused(predictor, gate, case.grey(), case.fold))
        yield ReadCount(done, len(cases), PURPOSE)
    return {kind: Proportion(sum(found), len(found)).record() for kind, found in refused.items()}


def is_refused(predictor: Predictor, gate: Gate, grey: Bytes, fold: int) -> bool:
    """Return whether a picture is refused by the networks that never saw the films of a fold."""
    if gate.judge_picture(grey, fold=fold).refused:
        return True
    prediction = predictor.predict(grey, members=[fold])
    return gate.judge_features(prediction.vectors, prediction.members).refused


def own_cases(samples: Sequence[Sample], fold: npt.NDArray[np.int64]) -> list[_Case]:
    """Return the model's own films of adults as they are, and some of them spoilt."""
    adults = [(s, int(k)) for s, k in zip(samples, fold, strict=True) if not _is_minor(s)]
    cases = [_Case(HELD_OUT, _loading(sample), own) for sample, own in adults]
    for kind, change in CHANGES.items():
        cases += [_Case(kind, _loading(sample, change), own) for sample, own in adults[::EVERY]]
    return cases


def made_cases(samples: Sequence[Sample], fold: npt.NDArray[np.int64]) -> list[_Case]:
    """Return drawn pictures that are no film, and photographs made of films."""
    random, folds = np.random.default_rng(SEED), int(fold.max()) + 1
    drawn = [PICTURES[kind](300, random) for n in range(MADE // len(PICTURES)) for kind in PICTURES]
    cases = [_Case(NO_FILMS, _given(picture), n % folds) for n, picture in enumerate(drawn)]
    generator = torch.Generator().manual_seed(SEED)
    chosen = range(0, len(samples), max(1, len(samples) // MADE))
    return cases + [_Case(PHOTOGRAPHS, _given(_photograph(samples[n], generator)), int(fold[n])) for n in chosen]


def other_cases(
    data: Path, samples: Sequence[Sample], fold: npt.NDArray[np.int64], learned: Collection[str] = ()
) -> list[_Case]:
    """Return the films of further manifests under ``data``; a patient of the model's films stays in their fold.

    The manifests ``learned`` are left out: every network learned from their films.
    """
    fold_of = {s.patient: int(k) for s, k in zip(samples, fold, strict=True)}
    folds = int(fold.max()) + 1
    return [
        _Case(_name(source), _loading(sample), own)
        for source in SOURCES
        if source.manifest not in learned
        for sample, own in _of_source(data, source, fold_of, folds)
        if source.sense == "child" or not _is_minor(sample)
    ]


def _of_source(data: Path, source: Source, fold_of: Mapping[str, int], folds: int) -> list[tuple[Sample, int]]:
    return [(sample, dealt_fold(sample.patient, fold_of, folds)) for sample in source_films(data, source)]


def _name(source: Source) -> str:
    return NAMES.get((source.manifest, source.label), "frontal films" if source.sense == FRONTAL else source.sense)


def _is_minor(sample: Sample) -> bool:
    return age_of(sample) < ADULT_AGE


def _loading(sample: Sample, change: Change = lambda grey: grey) -> Callable[[], Bytes]:
    return lambda: change(load_grey(sample.path))


def _given(picture: Bytes) -> Callable[[], Bytes]:
    return lambda: picture


def _photograph(sample: Sample, generator: torch.Generator) -> Bytes:
    film = torch.from_numpy(sense_square(load_grey(sample.path)).copy())[None, None].float() / 255
    return np.asarray((photographed(film, generator)[0, 0] * 255).round().byte().numpy())
