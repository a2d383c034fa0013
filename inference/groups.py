"""The same held-out answers by where the films come from and whose they are: one row a group, for the card."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from inference.dataset import Sample
from inference.errors import DatasetError
from inference.evaluate import Floats, Integers, Proportion, area_record

UNKNOWN = "unknown"
SMALLEST_HOSPITAL = 10
"""Films from which a hospital has a row of its own."""
AGES = ((18.0, "<18"), (40.0, "18-39"), (60.0, "40-59"), (80.0, "60-79"), (math.inf, "80+"))
"""Upper bounds in years, each beyond its group, and the groups' names."""
OLDEST = 120
"""Years; public collections hold ages such as 411, which are slips of the pen."""


def judge_groups(
    names: Sequence[str], positive: str, truth: Integers, probabilities: Floats, samples: Sequence[Sample]
) -> dict[str, list[dict[str, object]]]:
    """Return for source, hospital, view, age and sex one row a group, most films first, the unknown last.

    The source is what stands before the first colon of ``Sample.source``; the hospital is the whole of it, with a row where
    there are at least 10 films. The area under the curve of ``positive`` against the rest is None where a group has films of
    one side alone, or of one patient.

    Parameters
    ----------
    names
        Classes in the order of the columns of ``probabilities`` (films, classes).

    Raises
    ------
    DatasetError
        If truths, probabilities and samples are not of one length.
    """
    if not len(samples) == len(truth) == len(probabilities):
        raise DatasetError(
            f"{len(samples)} films, {len(truth)} truths and {len(probabilities)} answers do not belong together."
        )
    groups = {
        "source": [_known(s.source.partition(":")[0]) for s in samples],
        "hospital": [_known(s.source) for s in samples],
        "view": [_known(s.view) for s in samples],
        "age": [age_group(s.age) for s in samples],
        "sex": [_known(s.sex) for s in samples],
    }
    rows: dict[str, list[dict[str, object]]] = {}
    for kind, group_of in groups.items():
        films = Counter(group_of)
        ordered = sorted(films, key=lambda group: (group == UNKNOWN, -films[group], group))
        kept = [group for group in ordered if kind != "hospital" or films[group] >= SMALLEST_HOSPITAL]
        which = np.array(group_of)
        rows[kind] = [
            _row(group, np.flatnonzero(which == group), names, positive, truth, probabilities, samples) for group in kept
        ]
    return rows


def age_group(age: str) -> str:
    """Return the group of an age in years; "unknown" for what is no number or no age."""
    try:
        years = float(age)
    except ValueError:
        return UNKNOWN
    if not 0 <= years <= OLDEST:
        return UNKNOWN
    return next(name for bound, name in AGES if years < bound)


def _known(text: str) -> str:
    return text.strip() or UNKNOWN


def _row(
    group: str,
    inside: Integers,
    names: Sequence[str],
    positive: str,
    truth: Integers,
    probabilities: Floats,
    samples: Sequence[Sample],
) -> dict[str, object]:
    own, answers = truth[inside], probabilities[inside]
    patients = [samples[i].patient for i in inside]
    p = list(names).index(positive)
    area = area_record(own == p, answers[:, p], patients)
    return {
        "group": group,
        "films": len(inside),
        "patients": len(set(patients)),
        "by_class": {name: int((own == i).sum()) for i, name in enumerate(names)},
        "accuracy": Proportion(int((own == answers.argmax(axis=1)).sum()), len(inside)).record(),
        "auc": area if area["value"] is not None else None,
    }
