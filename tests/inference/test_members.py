"""Which networks a recipe trains, and that finished ones are taken up again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inference.dataset import Sample
from inference.errors import DatasetError, TrainingError
from inference.files import make_folder, write_bytes
from inference.films import grouped
from inference.members import Member, plan_members, train_members
from inference.recipe import Recipe
from inference.train import Weights

Train = Callable[[Recipe], dict[str, Weights]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "members"


@pytest.fixture
def train(tiny_samples: tuple[Sample, ...], folder: Path, finish: Callable[..., dict[str, Weights]]) -> Train:
    """Train one network on two films, into ``folder``."""

    def work(recipe: Recipe) -> dict[str, Weights]:
        member = plan_members(recipe, tiny_samples)[1]
        small = replace(member, training=member.training[:2])
        return finish(train_members(recipe, tiny_samples, [small], folder))

    return work


def test_the_articles_division_comes_first_and_then_one_a_fold(tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...]) -> None:
    members = plan_members(tiny_recipe, tiny_samples, seed=3)
    assert [(m.name, m.seed) for m in members] == [("protocol-0", 3100), ("fold-0", 3000), ("fold-1", 3001)]
    assert [(len(m.training), len(m.held_out)) for m in members] == [(18, 6), (12, 12), (12, 12)]
    assert {tiny_samples[i].split for i in members[0].held_out} == {"test"}


def test_each_film_is_held_out_by_exactly_one_fold(tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...]) -> None:
    folds: list[Member] = [m for m in plan_members(tiny_recipe, tiny_samples) if m.name.startswith("fold-")]
    assert sorted(i for m in folds for i in m.held_out.tolist()) == list(range(24))


def test_a_patient_of_both_parts_is_refused(tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...]) -> None:
    mixed = [replace(s, patient="patient-0") if n == 9 else s for n, s in enumerate(tiny_samples)]
    with pytest.raises(DatasetError, match=r"^1 patients stand in training and in the held-out films"):
        plan_members(tiny_recipe, mixed)


def test_a_manifest_without_test_films_has_folds_alone(tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...]) -> None:
    members = plan_members(tiny_recipe, [replace(s, split="train") for s in tiny_samples])
    assert [m.name for m in members] == ["fold-0", "fold-1"]


def test_a_finished_member_is_not_trained_again(train: Train, tiny_recipe: Recipe, folder: Path) -> None:
    first = train(tiny_recipe)["fold-0"]
    written = (folder / "fold-0.safetensors").stat().st_mtime_ns
    second = train(tiny_recipe)["fold-0"]
    assert (folder / "fold-0.safetensors").stat().st_mtime_ns == written
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert sorted(path.name for path in folder.iterdir()) == ["fold-0.json", "fold-0.safetensors"]


def test_a_member_of_another_recipe_is_trained_again(train: Train, tiny_recipe: Recipe, folder: Path) -> None:
    train(tiny_recipe)
    written = (folder / "fold-0.safetensors").stat().st_mtime_ns
    train(tiny_recipe.with_epochs(2))
    assert (folder / "fold-0.safetensors").stat().st_mtime_ns != written
    assert [report["epoch"] for report in json.loads((folder / "fold-0.json").read_text())] == [1, 2]


def test_words_about_a_recipe_do_not_change_its_fingerprint_and_numbers_do(tiny_recipe: Recipe) -> None:
    fingerprint = tiny_recipe.fingerprint()
    assert len(fingerprint) == 16
    assert replace(tiny_recipe, title="Other", departures=(), notes={}).fingerprint() == fingerprint
    stronger = replace(tiny_recipe.augmentation, rotation_degrees=2.5)
    assert replace(tiny_recipe, augmentation=stronger).fingerprint() != fingerprint


@pytest.mark.parametrize("damage", [b"", b"x", b"not a file of weights", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{"])
def test_a_damaged_file_of_an_earlier_run_is_told(train: Train, tiny_recipe: Recipe, folder: Path, damage: bytes) -> None:
    folder.mkdir()
    (folder / "fold-0.safetensors").write_bytes(damage)
    with pytest.raises(TrainingError, match=r"^The file fold-0\.safetensors of an earlier run is damaged; remove it\.$"):
        train(tiny_recipe)


def test_a_file_cut_short_is_told(train: Train, tiny_recipe: Recipe, folder: Path) -> None:
    train(tiny_recipe)
    path = folder / "fold-0.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TrainingError, match=r"is damaged; remove it\.$"):
        train(tiny_recipe)


# Files


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    write_bytes(tmp_path / "card.json", b"{}")
    write_bytes(tmp_path / "card.json", b"[]")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("card.json", b"[]")]


def test_a_file_that_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "card.json").mkdir()
    with pytest.raises(TrainingError, match=r"^card\.json could not be written to .*: Is a directory\.$"):
        write_bytes(tmp_path / "card.json", b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"^card\.json could not be written to models: Not a directory\.$"):
        write_bytes(tmp_path / "models" / "card.json", b"{}")
    with pytest.raises(TrainingError, match=r"^The folder models could not be made: File exists\.$"):
        make_folder(tmp_path / "models")


def test_a_copy_of_a_training_film_among_the_held_out_ones_is_refused(
    tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...]
) -> None:
    first = tiny_samples[0]
    copied = [
        replace(s, sha256=first.sha256, path=first.path) if n == 9 else replace(s, patient=f"{s.patient}-{s.split}")
        for n, s in enumerate(tiny_samples)
    ]
    with pytest.raises(DatasetError, match=r"^1 film held out for judging is also among the training films"):
        plan_members(tiny_recipe, grouped(copied))
    leaky = replace(tiny_recipe, data=replace(tiny_recipe.data, as_published=True))
    assert plan_members(leaky, grouped(copied))[0].name == "protocol-0"
