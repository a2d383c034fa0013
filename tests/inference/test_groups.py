"""Held-out answers by source, hospital, view, age and sex."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.dataset import Sample
from inference.errors import DatasetError
from inference.groups import age_group, judge_groups

NAMES = ("covid", "no_finding")


def film(number: int, **facts: str) -> Sample:
    return Sample(Path(f"{number}.png"), str(number), "covid", "train", f"p{number // 2}", **facts)


def grouped(samples: list[Sample], truth: list[int], answers: list[int]) -> dict[str, list[dict[str, Any]]]:
    return judge_groups(NAMES, "covid", np.array(truth), np.eye(2)[answers] * 0.8 + 0.1, samples)


def test_a_source_is_what_stands_before_the_colon_and_the_unknown_stand_last() -> None:
    sources = ["ieee:Italy", "ieee:Spain", "NIH", "", "", "", ""]
    found = grouped([film(n, source=s) for n, s in enumerate(sources)], [0] * 7, [0] * 7)
    assert [(row["group"], row["films"]) for row in found["source"]] == [("ieee", 2), ("NIH", 1), ("unknown", 4)]


def test_a_hospital_has_a_row_from_ten_films_on() -> None:
    samples = [film(n, source="ieee:Italy") for n in range(10)] + [film(n, source="ieee:Spain") for n in range(10, 19)]
    found = grouped(samples, [0] * 19, [0] * 19)
    assert [(row["group"], row["films"]) for row in found["hospital"]] == [("ieee:Italy", 10)]


def test_rows_stand_by_number_of_films() -> None:
    found = grouped([film(n, view=v) for n, v in enumerate(["AP", "PA", "PA", "L", "AP", "PA"])], [0] * 6, [0] * 6)
    assert [row["group"] for row in found["view"]] == ["PA", "AP", "L"]


@pytest.mark.parametrize(
    ("age", "group"),
    [("0", "<18"), ("17", "<18"), ("18", "18-39"), ("39", "18-39"), ("40", "40-59"), ("60", "60-79"), ("79.5", "60-79"),
     ("80", "80+"), ("120", "80+"), ("411", "unknown"), ("-1", "unknown"), ("", "unknown"), ("nan", "unknown"),
     ("Young Child", "unknown")],
)  # fmt: skip
def test_ages_fall_into_their_groups(age: str, group: str) -> None:
    assert age_group(age) == group


def test_a_row_is_as_counted_by_hand() -> None:
    samples = [film(n, sex="F") for n in range(5)] + [film(9, sex="M")]
    row, other = grouped(samples, [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0])["sex"]
    assert (row["group"], row["films"], row["patients"]) == ("F", 5, 3)
    assert row["by_class"] == {"covid": 3, "no_finding": 2}
    assert (row["accuracy"]["count"], row["accuracy"]["total"]) == (4, 5)
    assert row["auc"]["value"] == pytest.approx((4 + 2 * 0.5) / 6)
    assert other["accuracy"]["count"] == 0


def test_a_group_of_one_side_has_no_area_and_all_is_json() -> None:
    found = grouped([film(n, sex="M", age="50") for n in range(6)], [1] * 6, [1] * 6)
    assert [row["auc"] for rows in found.values() for row in rows] == [None] * 4
    assert list(found) == ["source", "hospital", "view", "age", "sex"]
    json.dumps(found, allow_nan=False)


def test_answers_of_another_length_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"^1 films, 2 truths and 2 answers do not belong together\.$"):
        grouped([film(0)], [0, 1], [0, 1])
