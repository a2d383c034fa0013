"""Manifests: divided by patient, and refused when they contradict themselves."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from inference.dataset import (
    Sample,
    find_manifest,
    label_indices,
    load_grey,
    load_squares,
    patient_folds,
    read_manifest,
    refuse_shared_patients,
)
from inference.errors import DatasetError
from inference.recipe import Recipe
from inference.recipes.darkcovidnet import RECIPE

HEADER = ("file", "sha256", "label", "split", "patient")


def write_manifest(folder: Path, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> Path:
    path = folder / "films.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows((header, *rows))
    return path


def film(name: str, label: str, split: str = "train", patient: str = "") -> tuple[str, ...]:
    return (f"{name}.png", hashlib.sha256(name.encode()).hexdigest(), label, split, patient or name)


# The published films


@pytest.fixture(scope="module")
def published(shared_data: Path) -> tuple[Sample, ...]:
    return read_manifest(find_manifest(shared_data, RECIPE.data.manifest), RECIPE.class_names)


def test_the_published_manifest_has_125_500_500_films_and_317_for_testing(published: tuple[Sample, ...]) -> None:
    assert Counter(s.label for s in published) == {"covid": 125, "no_finding": 500, "pneumonia": 500}
    assert sum(s.split == "test" for s in published) == 317


def test_no_patient_stands_in_two_folds(published: tuple[Sample, ...]) -> None:
    folds = patient_folds(published, 5)
    whose = {(s.patient, int(f)) for s, f in zip(published, folds, strict=True)}
    assert len(whose) == len({s.patient for s in published})


def test_every_fold_has_its_share_of_every_class(published: tuple[Sample, ...]) -> None:
    counts = Counter((int(f), s.label) for s, f in zip(published, patient_folds(published, 5), strict=True))
    assert [[counts[fold, name] for name in RECIPE.class_names] for fold in range(5)] == [[25, 100, 100]] * 5


def test_another_seed_makes_other_folds_and_the_same_seed_the_same(published: tuple[Sample, ...]) -> None:
    assert np.array_equal(patient_folds(published, 5, seed=1), patient_folds(published, 5, seed=1))
    assert (patient_folds(published, 5, seed=1) != patient_folds(published, 5, seed=2)).mean() > 0.5


# Folds of a small set


def test_a_patient_with_many_films_stays_whole(tmp_path: Path) -> None:
    rows = [film(f"a{n}", "x", patient="big") for n in range(6)] + [film(f"b{n}", "x") for n in range(6)]
    samples = read_manifest(write_manifest(tmp_path, *rows), ("x",))
    folds = patient_folds(samples, 2)
    assert len(set(folds[:6])) == 1
    assert np.bincount(folds).tolist() == [6, 6]


def test_fewer_patients_than_folds_are_refused(tmp_path: Path) -> None:
    samples = read_manifest(write_manifest(tmp_path, film("a", "x"), film("b", "x")), ("x",))
    with pytest.raises(DatasetError, match=r"^2 patients cannot be divided into 3 folds\.$"):
        patient_folds(samples, 3)


def test_a_patient_on_both_sides_is_refused(tmp_path: Path) -> None:
    one, other = read_manifest(
        write_manifest(tmp_path, film("a", "x", patient="p"), film("b", "x", "test", patient="p")), ("x",)
    )
    with pytest.raises(DatasetError, match=r"^1 patients stand in training and in the held-out films"):
        refuse_shared_patients([one], [other])
    refuse_shared_patients([one], [replace(other, patient="q")])


# Faults of a manifest


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([], r"lists no film\."),
        ([film("a", "x"), film("b", "z")], r"has labels this recipe does not know: z\."),
        ([film("a", "x")], r"has no film of the class y\."),
    ],
)
def test_a_manifest_that_does_not_suit_the_recipe_is_refused(tmp_path: Path, rows: list[tuple[str, ...]], fault: str) -> None:
    with pytest.raises(DatasetError, match=rf"^The manifest films\.csv {fault}$"):
        read_manifest(write_manifest(tmp_path, *rows), ("x", "y"))


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, ("a.png", "0", "x"), header=("file", "sha256", "label"))
    with pytest.raises(DatasetError, match=r"^The manifest films\.csv lacks the columns split, patient\.$"):
        read_manifest(path, ("x",))


@pytest.mark.parametrize("changed", [("y", "train", "p"), ("x", "test", "p"), ("x", "train", "q")])
def test_a_film_that_contradicts_itself_is_refused(tmp_path: Path, changed: tuple[str, str, str]) -> None:
    path = write_manifest(tmp_path, film("a", "x", "train", "p"), film("a", *changed), film("b", "y"))
    with pytest.raises(DatasetError, match=r"^The film a\.png stands twice in films\.csv and contradicts itself"):
        read_manifest(path, ("x", "y"))


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_bytes(b"\xff\xfefile,sha256\n\x80")
    with pytest.raises(DatasetError, match=r"^The manifest films\.csv could not be read as a table"):
        read_manifest(tmp_path / "films.csv", ("x",))


def test_a_manifest_that_is_not_there_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DatasetError, match=rf"^The manifest films\.csv was not found in the folder {folder.name};"):
            find_manifest(folder, "films.csv")


# Films


def test_squares_come_in_the_order_of_the_manifest(tiny_samples: tuple[Sample, ...], tiny_recipe: Recipe) -> None:
    squares = load_squares(tiny_samples[:3], tiny_recipe)
    assert (squares.shape, squares.dtype) == ((3, 256, 256), np.uint8)
    assert label_indices(tiny_samples[:4], tiny_recipe).tolist() == [0, 1, 2, 0]
    assert [bool(s[20:80, 20:80].mean() > 150) for s in squares] == [True, False, False]
    assert [bool(s[20:80, 180:240].mean() > 150) for s in squares] == [False, True, False]


@pytest.mark.parametrize("change", [b"other bytes", None])
def test_a_film_that_is_changed_or_gone_is_refused(tmp_path: Path, tiny_recipe: Recipe, change: bytes | None) -> None:
    PillowImage.new("L", (40, 40)).save(tmp_path / "a.png")
    digest = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    sample = Sample(tmp_path / "a.png", digest, "covid", "train", "p")
    assert load_squares([sample], tiny_recipe).max() == 0
    (tmp_path / "a.png").unlink() if change is None else (tmp_path / "a.png").write_bytes(change)
    with pytest.raises(DatasetError, match=r"^The film a\.png is missing or is not the one its manifest describes\.$"):
        load_squares([sample], tiny_recipe)


def test_a_film_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    with pytest.raises(DatasetError, match=r"^The film a\.png could not be read for training \("):
        load_grey(tmp_path / "a.png")


def test_a_colour_film_is_read_as_grey(tmp_path: Path) -> None:
    PillowImage.new("RGB", (3, 2), (255, 0, 0)).save(tmp_path / "a.png")
    assert load_grey(tmp_path / "a.png").tolist() == [[76, 76, 76], [76, 76, 76]]
