"""What answers to unseen films are worth, as records for JSON: all films apart from those the program would refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.calibration import reliability
from inference.conformal import ConformalSets
from inference.evaluate import Floats, Integers, Proportion, area_record, expected_calibration_error
from inference.external.films import REST, Labels, Outside
from inference.external.reading import OutsideAnswer
from inference.intervals import Booleans, patient_intervals, weighted_calibration_errors
from inference.model_card.source import CardSource
from inference.model_card.subgroups import FilmFacts, subgroups
from inference.operating_point import OperatingPoint

Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to some unseen films, row by row, as arrays."""

    rows: tuple[OutsideAnswer, ...]
    labels: Labels
    names: tuple[str, ...]

    @property
    def positive(self) -> Booleans:
        """Return bool (films,): whether the finding is there."""
        return np.array([self.labels.is_positive(row.sample.label) for row in self.rows], dtype=bool)

    @property
    def probabilities(self) -> Floats:
        """Return float64 (films, classes)."""
        return np.array([row.probabilities for row in self.rows], dtype=np.float64).reshape(-1, len(self.names))

    @property
    def score(self) -> Floats:
        """Return float64 (films,): the probability of the finding."""
        return np.asarray(self.probabilities[:, self.names.index(self.labels.positive)])

    @property
    def patients(self) -> list[str]:
        """Return whose each film is."""
        return [row.sample.patient for row in self.rows]

    @property
    def found(self) -> dict[str, int]:
        """Return how many films have each label, in the order of their names."""
        return dict(sorted(Counter(row.sample.label for row in self.rows).items()))

    @property
    def truth(self) -> Integers | None:
        """Return int64 (films,), class indices; None where a label is no class."""
        if not self.labels.knows_all(self.found):
            return None
        return np.array([self.names.index(self.labels.class_of[row.sample.label]) for row in self.rows], dtype=np.int64)

    def only(self, kept: Sequence[bool]) -> Answers:
        """Return the answers to some of the films."""
        return Answers(tuple(r for r, keep in zip(self.rows, kept, strict=True) if keep), self.labels, self.names)


def judge_outside(source: CardSource, answers: Answers, outside: Outside, has_gate: bool) -> Record:
    """Return everything about unseen films, ready for JSON.

    Parameters
    ----------
    answers
        To the films that are no copies of training films.
    outside
        Those films, and those left out.
    """
    kept = answers.only([not row.refused for row in answers.rows])
    points, sets = source.points(), source.sets()
    return {
        "positive": answers.labels.positive,
        "labels": {label: answers.labels.class_of.get(label, REST) for label in answers.found},
        "excluded": outside.counts(),
        "films_known_by_patient_alone": int(source.card.get("training_data", {}).get("films_only_learned_from", 0)),
        "operating_points_recorded": points.stored,
        "conformal_sets_recorded": sets.stored,
        "refusals": refusals(answers, has_gate),
        "not_refused": judged(kept, points.value, sets.value),
        "all": judged(answers, points.value, sets.value),
        "held_out": _held_out(source),
    }


def refusals(answers: Answers, has_gate: bool) -> Record:
    """Return how many films are refused: in all, by code (a film may have several), and by label."""
    rows, total = answers.rows, len(answers.rows)
    codes = Counter(code for row in rows for code in row.refusals)
    doubts = Counter(code for row in rows for code in row.doubts)
    of_label = {
        label: Proportion(sum(row.refused for row in rows if row.sample.label == label), count).record()
        for label, count in answers.found.items()
    }
    return {
        "gate": has_gate,
        "refused": Proportion(sum(row.refused for row in rows), total).record(),
        "by_code": {code: Proportion(count, total).record() for code, count in codes.most_common()},
        "by_label": of_label,
        "doubts": {code: Proportion(count, total).record() for code, count in doubts.most_common()},
    }


def judged(answers: Answers, points: Sequence[OperatingPoint], sets: ConformalSets) -> Record:
    """Return what answers to films are worth; areas and errors are None where the films allow none."""
    positive, score, patients, truth = answers.positive, answers.score, answers.patients, answers.truth
    found: Record = {
        "films": len(answers.rows),
        "patients": len(set(patients)),
        "by_label": answers.found,
        "auc": area_record(positive, score, patients) if len(patients) else None,
        "operating_points": [at_point(point, positive, score) for point in points],
        "calibration": calibration(answers) if len(patients) else None,
        "conformal": coverage(answers, sets),
        "confusion": confusion(answers),
        "accuracy": None,
        "groups": {},
    }
    right = None
    if truth is not None:
        right = answers.probabilities.argmax(axis=1) == truth
        found["accuracy"] = Proportion(int(right.sum()), len(truth)).record()
    if len(patients) and points:
        facts = [FilmFacts(s.source, s.view, s.age, s.sex, s.label) for s in (row.sample for row in answers.rows)]
        own = subgroups(facts, positive, score, points[0].threshold, right, patients)
        found["groups"] = {kind: [group.record() for group in groups] for kind, groups in own.items()}
    return found


def at_point(point: OperatingPoint, positive: Booleans, score: Floats) -> Record:
    """Return what a stored operating point finds and misses here, beside what it did among the held-out films."""
    called = score >= point.threshold
    return {
        "name": point.name,
        "threshold": point.threshold,
        "sensitivity": Proportion(int((called & positive).sum()), int(positive.sum())).record(),
        "specificity": Proportion(int((~called & ~positive).sum()), int((~positive).sum())).record(),
        "held_out": {"sensitivity": point.sensitivity.record(), "specificity": point.specificity.record()},
    }


def calibration(answers: Answers) -> Record:
    """Return calibration error and reliability: of all classes, or of the finding alone where labels are no classes."""
    truth, probabilities, about = answers.truth, answers.probabilities, "all classes"
    if truth is None:
        truth, about = answers.positive.astype(np.int64), "the finding against the rest"
        probabilities = np.column_stack([1 - answers.score, answers.score])
    own_truth, own = truth, probabilities
    (bounds,) = patient_intervals(lambda w: weighted_calibration_errors(w, own_truth, own)[:, None], answers.patients)
    return {
        "about": about,
        "expected_calibration_error": expected_calibration_error(truth, probabilities),
        "expected_calibration_error_interval": list(bounds),
        "reliability": [vars(found) for found in reliability(truth, probabilities)],
    }


def coverage(answers: Answers, sets: ConformalSets) -> Record:
    """Return for each label that is a class how often the set holds it, and the sizes of all sets."""
    held = sets.holds(answers.probabilities)
    by_class: Record = {}
    for name in answers.names:
        own = np.array([answers.labels.class_of.get(row.sample.label) == name for row in answers.rows], dtype=bool)
        if own.any():
            by_class[name] = Proportion(int(held[own, answers.names.index(name)].sum()), int(own.sum())).record()
    sizes = np.bincount(held.sum(axis=1), minlength=len(answers.names) + 1)
    return {"level": sets.level, "coverage": by_class, "sizes": sizes.tolist()}


def confusion(answers: Answers) -> Record:
    """Return counts: rows the manifest's labels, columns the model's most likely class."""
    answer = answers.probabilities.argmax(axis=1) if len(answers.rows) else np.zeros(0, dtype=np.int64)
    label = np.array([row.sample.label for row in answers.rows], dtype=object)
    counts = [[int((answer[label == own] == k).sum()) for k in range(len(answers.names))] for own in answers.found]
    return {"labels": list(answers.found), "answers": list(answers.names), "counts": counts}


def _held_out(source: CardSource) -> Record:
    """Return what the card says of the held-out films, for comparison."""
    found: Mapping[str, Any] = source.card["metrics"].get("cross_validation", {})
    return {key: found.get(key) for key in ("films", "auc", "accuracy", "expected_calibration_error")}
