"""The gate a bundle carries: fitted when the model is made, with sense networks another model lends, named on the card."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from inference.bundle import Bundle
from inference.errors import BundleError, DatasetError
from inference.gate.features import Vectors
from inference.gate.fitting import GateFilms, fit_distances
from inference.gate.gate import GATE, Gate, gate_of_bundle
from inference.map_scales import ReadCount
from inference.recipe import Recipe

FILMS = "films for the gate"


def find_lender(recipe: Recipe, bundles: Sequence[Path]) -> Gate | None:
    """Return the gate whose sense networks a model of chest films may borrow, or None.

    It is that of the first of these models whose gate has networks of its own. A model of CT slices borrows none: they know
    chest films.

    Raises
    ------
    BundleError
        If a card or a gate is damaged.
    """
    if recipe.modality != "chest":
        return None
    gates = (gate_of_bundle(folder) for folder in bundles)
    return next((gate for gate in gates if gate is not None and gate.senses and not gate.lent), None)


def fit_new_gate(
    recipe: Recipe, members: Sequence[nn.Module], films: GateFilms, held_out: Vectors, lender: Gate | None = None
) -> Generator[ReadCount, None, Gate | None]:
    """Return the gate of a model that has just been trained; None where its films are too few for one.

    The parameters are those of :func:`~inference.gate.fitting.fit_distances`. Some hundred films a member are read.
    """
    work = fit_distances(recipe, members, films, lender, held_out)
    while True:
        try:
            told = next(work)
        except StopIteration as end:
            gate: Gate = end.value[0]
            return gate
        except DatasetError:
            return None
        yield ReadCount(told.done, told.total, FILMS)


def gate_of(bundle: Bundle) -> dict[str, Any]:
    """Return the card's entries about the gate beside a model, its name and hash; {} where there is none.

    Raises
    ------
    BundleError
        If it is damaged, or was fitted for another number of members.
    """
    path = bundle.folder / GATE
    if not path.is_file():
        return {}
    if len(Gate.load(path).statistics) != len(bundle.card["members"]):
        raise BundleError(f"The gate beside the model {bundle.name} was fitted for another model; fit it again.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    named = {"file": GATE, "sha256": digest}
    return {"files": bundle.card["files"] | {GATE: digest}, "gate": dict(bundle.card.get("gate", {})) | named}
