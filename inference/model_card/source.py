"""What a card is made from: the bundle's JSON, its held-out answers, and a reproduction's run of the same recipe.

What a bundle of an earlier version has no record of is worked out from the held-out answers here; whether it was recorded is
kept beside it and said on the page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from inference.card import EXAMPLES, WEIGHTS, read_card
from inference.conformal import ConformalSets, fit_sets
from inference.errors import BundleError, DatasetError
from inference.evaluate import Floats, Integers, cross_fitted_probabilities
from inference.examples import ExampleRow, read_examples
from inference.operating_point import OperatingPoint, fit_points
from inference.validation import POINTS, SETS, held_out_answers

GATE_RECORD, CONTROLS, OUTSIDE = "gate", "controls", "outside"
"""Further keys of the card, each optional: the gate's record with ``refused`` (kind of picture to a proportion) and ``note``;
controls as a run of the reproduction has them; films of other hospitals: a list of ``title``, ``films`` and ``auc``."""
FAITHFULNESS, RANDOMISED, AUDIT = "faithfulness", "randomised", "audit"
"""Optional, too: what held-out films' maps and audits were found to be worth, as inference.map_evidence and
inference.audit_evidence record it."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Recorded(Generic[Found]):
    """Something about a model, and whether its card holds it or it was worked out from the held-out answers just now."""

    value: Found
    stored: bool

    @property
    def origin(self) -> str:
        """Return where it comes from, as the end of a sentence."""
        return "as the model's card records it" if self.stored else "worked out from the held-out answers, not recorded"


@dataclass(frozen=True, eq=False)
class CardSource:
    """A bundle as its card page sees it.

    Attributes
    ----------
    card
        ``card.json``.
    rows
        The held-out films.
    runs
        Runs of the reproduction with the same recipe, as of ``run.json``; empty where there are none.
    """

    card: dict[str, Any]
    rows: tuple[ExampleRow, ...]
    runs: tuple[dict[str, Any], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the class names in the order of the probabilities."""
        return tuple(entry["name"] for entry in self.card["classes"])

    @property
    def titles(self) -> dict[str, str]:
        """Return the classes' titles by name."""
        return {entry["name"]: entry["title"] for entry in self.card["classes"]}

    @property
    def positive(self) -> str:
        """Return the class that curves and operating points are about."""
        return str(self.card["positive"])

    @property
    def positive_title(self) -> str:
        """Return its title."""
        return self.titles[self.positive]

    @cached_property
    def _answers(self) -> tuple[Integers, Floats, Integers]:
        return held_out_answers(self.rows, self.names, float(self.card["temperature"]))

    @property
    def truth(self) -> Integers:
        """Return int64 (films,)."""
        return self._answers[0]

    @property
    def fold(self) -> Integers:
        """Return int64 (films,): the member that never saw each film."""
        return self._answers[2]

    @cached_property
    def probabilities(self) -> Floats:
        """Return float64 (films, classes), calibrated by the temperature of all held-out films."""
        return np.array([row.probabilities for row in self.rows], dtype=np.float64).reshape(-1, len(self.names))

    @cached_property
    def crossed(self) -> Floats:
        """Return probabilities with each fold's temperature fitted on the others; as above where there is one fold only."""
        truth, logits, fold = self._answers
        return cross_fitted_probabilities(truth, logits, fold) if self.folds > 1 else self.probabilities

    @property
    def folds(self) -> int:
        """Return how many members the held-out films are dealt among."""
        return len(np.unique(self.fold))

    def points(self) -> Recorded[tuple[OperatingPoint, ...]]:
        """Return the operating points of the positive class; none where the held-out films allow none."""
        if stored := self.card.get(POINTS, {}).get(self.positive):
            return Recorded(tuple(OperatingPoint.from_record(entry) for entry in stored), True)
        positive, k = self.truth == self.names.index(self.positive), self.names.index(self.positive)
        try:
            return Recorded(fit_points(positive, self.crossed[:, k], self.fold), False)
        except DatasetError:  # a fold without films of both sides on the other folds
            return Recorded((), False)

    def sets(self) -> Recorded[ConformalSets]:
        """Return the conformal sets."""
        if stored := self.card.get(SETS):
            return Recorded(ConformalSets.from_record(stored), True)
        return Recorded(fit_sets(self.truth, self.crossed), False)

    def controls(self) -> tuple[Mapping[str, Any] | None, str]:
        """Return the controls and where they come from; None and "" where nobody measured them."""
        for holder in (self.card, self.card["metrics"], self.card["metrics"].get("cross_validation", {})):
            if holder.get(CONTROLS):
                return holder[CONTROLS], "as the model's card records them"
        for run in self.runs:
            if run.get(CONTROLS):
                same = f"run {run.get('system')}/{run.get('experiment')}, seed {run.get('seed')}, of the reproduction"
                return run[CONTROLS], f"from the {same}: the same recipe on the same films by the same folds"
        return None, ""


def read_source(folder: Path, runs: Path | None = None) -> CardSource:
    """Read what a model's card page is made from.

    Parameters
    ----------
    folder
        The bundle.
    runs
        Folder of the reproduction's runs, where it is there.

    Raises
    ------
    BundleError
        If the card or the table of held-out films is missing, damaged, or not what the card describes.
    """
    card = read_card(folder)
    path = folder / EXAMPLES
    expected = card["files"].get(EXAMPLES)
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise BundleError(f"The held-out answers of the model {card['name']} are not those its card describes.")
    rows = read_examples(path, [entry["name"] for entry in card["classes"]])
    return CardSource(card, rows, runs_of(card, runs) if runs is not None else ())


def runs_of(card: Mapping[str, Any], runs: Path) -> tuple[dict[str, Any], ...]:
    """Return the reproduction's runs of a card's recipe that held out as many films, in the order of their names."""
    found = (_read_run(path) for path in sorted(runs.glob("*/*/seed-*/run.json")))
    return tuple(run for run in found if run and _is_of(run, card))


def _read_run(path: Path) -> dict[str, Any]:
    # A run that cannot be read is no evidence for or against a model.
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return run if isinstance(run, dict) else {}


def _is_of(run: Mapping[str, Any], card: Mapping[str, Any]) -> bool:
    recipe = str(run.get("identity", "")).split(" ")[0]
    return bool(recipe) and recipe == card.get("recipe_fingerprint") and run.get("held_out_films") == card_films(card)


def card_films(card: Mapping[str, Any]) -> int:
    """Return how many films a model was judged on."""
    return int(card["metrics"].get("cross_validation", {}).get("films", 0))


def hashes(card: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return each file's name and SHA-256, weights first."""
    files = dict(card["files"])
    return sorted(files.items(), key=lambda entry: (entry[0] != WEIGHTS, entry[0]))
