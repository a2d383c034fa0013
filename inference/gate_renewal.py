"""Fitting the gate of a bundle that is there anew, from the films it was judged on and the pictures that lie beside them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference.bundle import Bundle, open_bundle
from inference.dataset import Sample
from inference.errors import BundleError, TrainingError
from inference.evaluate import Proportion
from inference.gate.bundled import find_lender, gate_of
from inference.gate.fitting import (
    GateProgress,
    HeldOutScores,
    OtherPictures,
    cross_fitted_refusals,
    fit_distances,
    fit_gate,
)
from inference.gate.gate import GATE, Gate, gate_of_bundle
from inference.gate.manifests import gate_films, other_pictures
from inference.gate.sense import FRONTAL, STEPS
from inference.recipe import Recipe
from inference.renewal import films_of, write_card
from inference.validation import Integers

FOLDS_A_NETWORK = 2
"""Folds that one sense network leaves out, where there are more: three networks for five folds take half as long as five,
and each still learns from three folds."""


@dataclass(frozen=True, eq=False)
class FittedGate:
    """A gate that has been written beside its model; ``refused``: held-out films of adults, at thresholds of other folds."""

    name: str
    gate: Gate
    refused: Proportion

    def __str__(self) -> str:
        """Return "chest_resnet: 3 sense networks of its own; 24/1248 = 1.92 % (1.3 to 2.9) ... are refused"."""
        count = len(self.gate.senses)
        whose = "of another model" if self.gate.lent else "of its own"
        senses = f"{count} sense networks {whose}" if count else "features only"
        return f"{self.name}: {senses}; {self.refused} of the held-out films of adults are refused"


def sense_groups(folds: int) -> tuple[tuple[int, ...], ...]:
    """Return for each sense network the folds it leaves out: two and two, or one and one where there are but two."""
    step = FOLDS_A_NETWORK if folds > FOLDS_A_NETWORK else 1
    return tuple(tuple(range(first, min(first + step, folds))) for first in range(0, folds, step))


def other_lender(folder: Path, bundles: Sequence[Path]) -> Gate | None:
    """Return the gate of another of these models that lends its sense networks to the one in a folder, or None."""
    recipe = open_bundle(folder, unchecked=(GATE,)).recipe
    return find_lender(recipe, [path for path in bundles if path.resolve() != folder.resolve()])


def senses_of(folder: Path) -> Gate:
    """Return the gate of a model that is to lend its sense networks; BundleError if it has none."""
    gate = gate_of_bundle(folder)
    if gate is None or not gate.senses:
        raise BundleError(f"The model {folder.name} has no sense networks to lend.")
    return gate


def renew_gate(
    folder: Path, data: Path, own_senses: bool = True, lender: Gate | None = None, seed: int = 0, steps: int = STEPS
) -> Generator[GateProgress, None, FittedGate]:
    """Fit the gate of a bundle and write it, then its card, each in one step.

    A break between the two leaves a card that names another gate, which is said when the model is opened; fitting once more
    mends it. What the card said of refusals is dropped: it was about another gate.

    Parameters
    ----------
    data
        Holds the manifest the model was judged on, with its films, and what it must refuse.
    own_senses
        Whether to train sense networks, of a model of chest films that has pictures of what it must refuse beside it.
    lender
        The gate that lends its sense networks where none are trained. None: the gate then judges features only.
    seed, steps
        Of the training of sense networks.

    Raises
    ------
    InferenceError
        One sentence: a damaged bundle, a manifest of other films, too few films, a full disk.
    """
    bundle = open_bundle(folder, unchecked=(GATE,))
    rows = bundle.examples()
    samples, fold = films_of(bundle, rows, data), np.array([int(row.fold) for row in rows], dtype=np.int64)
    _refuse_one_fold(bundle)
    chest = bundle.recipe.modality == "chest"
    others = other_pictures(data, samples, fold) if chest and own_senses else {}
    gate, scores = yield from _fit(bundle, samples, fold, others, lender if chest else None, seed, steps)
    gate.save(folder / GATE)
    card = {key: entry for key, entry in bundle.card.items() if key != "gate"}
    write_card(folder, card | gate_of(replace(bundle, card=card)))
    found = cross_fitted_refusals(scores)
    return FittedGate(bundle.name, gate, Proportion(int(found.sum()), len(found)))


def _refuse_one_fold(bundle: Bundle) -> None:
    if len(bundle.card["members"]) < 2:
        raise TrainingError(f"The model {bundle.name} has one network only: there is no held-out film to fit a gate on.")


def _fit(
    bundle: Bundle,
    samples: tuple[Sample, ...],
    fold: Integers,
    others: Mapping[str, Sequence[OtherPictures]],
    lender: Gate | None,
    seed: int,
    steps: int,
) -> Generator[GateProgress, None, tuple[Gate, HeldOutScores]]:
    members, recipe = bundle.build_members(), _as_it_reads(bundle)
    if set(others) - {FRONTAL}:
        films = gate_films(samples, recipe, fold)
        return (yield from fit_gate(recipe, members, films, others, sense_groups(len(members)), seed=seed, steps=steps))
    films = gate_films(samples, recipe, fold, with_sense_squares=lender is not None)
    return (yield from fit_distances(recipe, members, films, lender))


def _as_it_reads(bundle: Bundle) -> Recipe:
    """Return the bundle's recipe with the views of its card, whose features a film's are compared with."""
    return replace(bundle.recipe, reading_rotations=bundle.reading_rotations, reading_mirrored=bundle.reading_mirrored)
