"""The gate that ships, on real films: each reason by the picture it is for, and films of adults let through."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inference.dataset import load_grey
from inference.gate.gate import GATE, Gate
from inference.gate.made_pictures import PICTURES


@pytest.fixture(scope="module")
def shipped() -> Gate:
    path = Path(__file__).parents[2] / "resources" / "models" / "chest_resnet" / GATE
    if not path.is_file():
        pytest.skip("the model chest_resnet has no gate yet")
    return Gate.load(path)


def real_films(folder: Path, manifest: str, label: str, count: int = 12) -> list[np.ndarray]:
    with (folder / "cxr" / manifest).open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"] == label and row["age"] not in map(str, range(18))]
    return [load_grey(folder / "cxr" / row["file"]) for row in rows[:: max(1, len(rows) // count)][:count]]


SPOILT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "inverted": lambda film: 255 - film,
    "turned": np.rot90,
    "upside_down": lambda film: film[::-1, ::-1],
    "cropped": lambda film: film[: film.shape[0] // 2, : film.shape[1] // 2],
}


@pytest.mark.parametrize("code", SPOILT)
def test_spoilt_films_are_refused_by_name(shipped: Gate, shared_data: Path, code: str) -> None:
    films = real_films(shared_data, "pool_cxr3.csv", "no_finding")
    judged = [shipped.judge_picture(np.ascontiguousarray(SPOILT[code](film))) for film in films]
    assert sum(judgement.refused for judgement in judged) >= 11
    assert sum(judgement.codes == (code,) for judgement in judged) >= 8


@pytest.mark.parametrize(
    ("manifest", "label", "code"),
    [
        ("gate_other.csv", "lateral", "lateral"),
        ("gate_other.csv", "ct_picture", "ct"),
        ("E_142v142.csv", "normal", "child"),
    ],
)
def test_other_pictures_are_refused_by_name(shipped: Gate, shared_data: Path, manifest: str, label: str, code: str) -> None:
    judged = [shipped.judge_picture(film) for film in real_films(shared_data, manifest, label)]
    assert sum(judgement.refused for judgement in judged) >= 10
    assert sum(judgement.codes == (code,) for judgement in judged) >= 8


@pytest.mark.parametrize("label", ["covid", "no_finding", "pneumonia"])
def test_upright_frontal_films_of_adults_are_let_through(shipped: Gate, shared_data: Path, label: str) -> None:
    judged = [shipped.judge_picture(film) for film in real_films(shared_data, "pool_cxr3.csv", label)]
    assert sum(judgement.refused for judgement in judged) <= 1


@pytest.mark.parametrize("kind", PICTURES)
def test_what_is_no_film_is_refused(shipped: Gate, kind: str) -> None:
    random = np.random.default_rng(2026)
    assert all(shipped.judge_picture(PICTURES[kind](300, random)).refused for _ in range(6))
