"""Held-out or outside answers by source, hospital, view, age and sex: what an operating point finds and misses in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inference.evaluate import Floats, Proportion, area_record
from inference.groups import AGES, SMALLEST_HOSPITAL, UNKNOWN, age_group
from inference.intervals import Booleans
from inference.model_card.markup import FEW, NOT_RECORDED, Row, number, share

KINDS = {"source": "By source", "hospital": "By hospital", "view": "By view", "age": "By age in years", "sex": "By sex"}
FEWEST_OF_A_SIDE = 10
"""Films with and without the finding below which no area under the curve is told: its interval would be a fiction."""


@dataclass(frozen=True)
class FilmFacts:
    """What is known of a film beside its picture, as a manifest or a table of held-out films has it."""

    source: str
    view: str
    age: str
    sex: str
    label: str

    def groups(self) -> dict[str, str]:
        """Return its group of each kind."""
        source = self.source.strip()
        part = source.partition(":")[0].strip() or UNKNOWN
        hospital = f"{part}: not stated" if source.endswith(":") else source or UNKNOWN
        view, sex = self.view.strip() or UNKNOWN, self.sex.strip() or UNKNOWN
        return {"source": part, "hospital": hospital, "view": view, "age": age_group(self.age), "sex": sex}


@dataclass(frozen=True)
class Subgroup:
    """One group of films: counts by label, and what a threshold on the positive class's probability calls.

    ``right`` is None where the films' labels are not the model's classes; ``area`` has value, low and high, or is empty.
    """

    name: str
    films: int
    by_label: dict[str, int]
    sensitivity: Proportion
    specificity: Proportion
    right: Proportion | None = None
    area: Mapping[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "group": self.name,
            "films": self.films,
            "by_label": self.by_label,
            "sensitivity": self.sensitivity.record(),
            "specificity": self.specificity.record(),
            "accuracy": self.right.record() if self.right else None,
            "auc": dict(self.area) or None,
        }


def subgroups(
    facts: Sequence[FilmFacts],
    positive: Booleans,
    score: Floats,
    threshold: float,
    right: Booleans | None = None,
    patients: Sequence[str] | None = None,
    areas: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
) -> dict[str, tuple[Subgroup, ...]]:
    """Return the groups of each kind, most films first, the unknown last; hospitals from 10 films on.

    Parameters
    ----------
    positive, score, right
        (films,): whether the finding is there, its probability, and whether the most likely class is the truth.
    patients
        Whose each film is: areas under the curve get intervals of whole patients. None: ``areas`` are taken as recorded,
        by kind and group.
    """
    found: dict[str, tuple[Subgroup, ...]] = {}
    everyone = [entry.groups() for entry in facts]
    for kind in KINDS:
        names = np.array([groups[kind] for groups in everyone], dtype=object)
        own = []
        for name in _in_years(names) if kind == "age" else _ordered(names):
            inside = names == name
            if kind == "hospital" and inside.sum() < SMALLEST_HOSPITAL:
                continue
            group = _subgroup(name, np.flatnonzero(inside), facts, positive, score, threshold, right)
            recorded = (areas or {}).get((kind, name))
            own.append(_with_area(group, recorded if patients is None else _area(inside, positive, score, patients)))
        found[kind] = tuple(own)
    return found


def _ordered(names: Iterable[str]) -> list[str]:
    films = Counter(names)
    return sorted(films, key=lambda name: (name == UNKNOWN, -films[name], name))


def _in_years(names: Iterable[str]) -> list[str]:
    present = set(names)
    return [name for name in (*(name for _, name in AGES), UNKNOWN) if name in present]


def _subgroup(
    name: str,
    inside: Any,
    facts: Sequence[FilmFacts],
    positive: Booleans,
    score: Floats,
    threshold: float,
    right: Booleans | None,
) -> Subgroup:
    own, called = positive[inside], score[inside] >= threshold
    return Subgroup(
        name=name,
        films=len(inside),
        by_label=dict(Counter(facts[i].label for i in inside)),
        sensitivity=Proportion(int((called & own).sum()), int(own.sum())),
        specificity=Proportion(int((~called & ~own).sum()), int((~own).sum())),
        right=Proportion(int(right[inside].sum()), len(inside)) if right is not None else None,
    )


def _area(inside: Booleans, positive: Booleans, score: Floats, patients: Sequence[str]) -> Mapping[str, Any]:
    own = [patient for patient, kept in zip(patients, inside, strict=True) if kept]
    return area_record(positive[inside], score[inside], own)


def _with_area(group: Subgroup, area: Mapping[str, Any] | None) -> Subgroup:
    """Return the group with its area, where both sides have films enough for one."""
    enough = min(group.sensitivity.total, group.specificity.total) >= FEWEST_OF_A_SIDE
    if area is None or area.get("value") is None or not enough:
        return group
    return Subgroup(**{**vars(group), "area": area})


def recorded_areas(metrics: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the areas a card records, by kind and group."""
    rows = ((kind, row) for kind, own in metrics.get("groups", {}).items() for row in own)
    return {(kind, str(row["group"]).strip()): row["auc"] for kind, row in rows if row.get("auc")}


HEAD = ("Group", "Films", "By label", "Sensitivity", "Specificity", "Rightly answered", "AUC")


def subgroup_rows(groups: Iterable[Subgroup], titles: Mapping[str, str]) -> list[Row]:
    """Return the rows of a table with :data:`HEAD`; those of fewer than 30 films are muted."""
    return [
        Row(
            (
                group.name,
                f"{group.films:,}",
                ", ".join(f"{titles.get(label, label)} {count:,}" for label, count in sorted(group.by_label.items())),
                _part(group.sensitivity, "no such film"),
                _part(group.specificity, "no other film"),
                share(group.right) if group.right else "does not apply",
                _area_text(group),
            ),
            muted=group.films < FEW,
        )
        for group in groups
    ]


def _part(found: Proportion, nothing: str) -> str:
    return share(found) if found.total else nothing


def _area_text(group: Subgroup) -> str:
    if group.area:
        return number(group.area)
    one_sided = not group.sensitivity.total or not group.specificity.total
    if one_sided:
        return "one side only"
    return "too few" if min(group.sensitivity.total, group.specificity.total) < FEWEST_OF_A_SIDE else NOT_RECORDED
