"""What a model's held-out answers let it promise about a new film: made once, kept on the card, read back. No torch.

Three entries of the card: ``calibration`` (the cross-fitted temperature and how sure it is), ``conformal_sets`` (with their
coverage) and ``operating_points`` (of each class, with their counts). A card without them is older; its model answers without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.calibration import calibrate, temperatures_from_record
from inference.conformal import ConformalSets, cross_fitted_sets, fit_sets, judge_sets
from inference.errors import DatasetError
from inference.evaluate import Proportion
from inference.examples import ExampleRow
from inference.operating_point import OperatingPoint, fit_points

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CALIBRATION, SETS, POINTS = KEYS = ("calibration", "conformal_sets", "operating_points")
LEAST_PROBABILITY = 5e-7
"""What a probability of 0.000000 in the table of examples is taken for: its last decimal halved."""


@dataclass(frozen=True, eq=False)
class Validation:
    """What the card keeps of the held-out answers.

    Attributes
    ----------
    drawn_temperatures
        float64 (drawings,), temperatures of resampled patients, for the interval of one film's answer.
    sets, coverage
        The conformal sets, and for each class how many held-out films of it had it in their (cross-fitted) set.
    points
        For each class by name its operating points, the default first.
    """

    drawn_temperatures: Floats
    sets: ConformalSets
    coverage: tuple[Proportion, ...]
    points: Mapping[str, tuple[OperatingPoint, ...]]

    @classmethod
    def of_card(cls, card: Mapping[str, Any]) -> Validation | None:
        """Return what the card holds, or None for an older one; DatasetError for one that contradicts itself."""
        if not all(key in card for key in KEYS):
            return None
        try:
            names = [entry["name"] for entry in card["classes"]]
            _, drawn = temperatures_from_record(card[CALIBRATION])
            covered = [card[SETS]["judged"]["coverage"][name] for name in names]
            coverage = tuple(Proportion(int(found["count"]), int(found["total"])) for found in covered)
            points = {name: tuple(map(OperatingPoint.from_record, card[POINTS][name])) for name in names}
            sets = ConformalSets.from_record(card[SETS])
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError("The validation on the model's card is damaged; install the model again.") from error
        if len(sets.least) != len(names) or not all(points.values()):
            raise DatasetError("The validation on the model's card is not that of its classes; install the model again.")
        return cls(drawn, sets, coverage, points)


def validate(
    names: Sequence[str], truth: Integers, logits: Floats, fold: Integers, patients: Sequence[str] | None
) -> dict[str, Any]:
    """Return the card's three entries for held-out answers.

    Parameters
    ----------
    names
        Of the classes.
    truth, logits, fold
        int64 (films,), float64 (films, classes), int64 (films,): each answer by the member that never saw the film's patient.
    patients
        Of each film; None where they are not known: each film then counts as a patient of its own, and intervals are
        somewhat too narrow.

    Raises
    ------
    DatasetError
        If the answers do not belong together, or a class has no film.
    """
    own = [str(row) for row in range(len(truth))] if patients is None else patients
    calibration = calibrate(truth, logits, fold, own)
    probabilities = calibration.probabilities
    judged = judge_sets(truth, cross_fitted_sets(truth, probabilities, fold))
    points = {name: fit_points(truth == k, probabilities[:, k], fold) for k, name in enumerate(names)}
    films = {"films": len(truth), "patients": None if patients is None else len(set(patients))}
    return {
        CALIBRATION: films | calibration.record(),
        SETS: fit_sets(truth, probabilities).record() | {"judged": judged.record(names)},
        POINTS: {name: [point.record() for point in found] for name, found in points.items()},
    }


def held_out_answers(rows: Sequence[ExampleRow], names: Sequence[str], temperature: float) -> tuple[Integers, Floats, Integers]:
    """Return truth, logits and fold of the films in a table of examples, which keeps probabilities at a temperature.

    Logits are known but for a number added to all of a film, which changes no probability.

    Raises
    ------
    DatasetError
        If a fold of the table is no number.
    """
    truth = np.array([list(names).index(row.truth) for row in rows], dtype=np.int64)
    probabilities = np.array([row.probabilities for row in rows], dtype=np.float64)
    logits = temperature * np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    try:
        return truth, logits, np.array([int(row.fold) for row in rows], dtype=np.int64)
    except ValueError as error:
        raise DatasetError("The table of held-out films names a fold that is no number; install the model again.") from error


def patients_of(rows: Sequence[ExampleRow], patient_by_sha256: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the patient of each film, or None where that of any is not known."""
    found = tuple(patient_by_sha256.get(row.sha256, "") for row in rows)
    return found if all(found) else None
