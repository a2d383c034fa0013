"""Stages, stopping and resuming: what learns when, when it ends, and that a broken run loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from inference.bundle import fill_network
from inference.dataset import Sample, label_indices, load_squares
from inference.errors import TrainingError
from inference.layers import body_tensors, parameter_groups, take_body
from inference.networks.registry import build_network
from inference.predict import read_squares
from inference.recipe import Augmentation, Optimisation, Preprocessing, Recipe, Stage, Stopping
from inference.train import TrainingFilms, Weights, fit, set_aside

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small(tiny_recipe: Recipe) -> Recipe:
    """Return a recipe of a residual network that trains in a second."""
    how = Optimisation(epochs=4, batch=4, learning_rate=1e-3, weight_decay=0.01)
    return replace(
        tiny_recipe, network="resnet18_w32", preprocessing=Preprocessing(size=64), optimisation=how, reading_rotations=(0.0,)
    )


@pytest.fixture(scope="module")
def films(small: Recipe, tiny_samples: tuple[Sample, ...]) -> TrainingFilms:
    patients = [s.patient for s in tiny_samples]
    return TrainingFilms(load_squares(tiny_samples, small), label_indices(tiny_samples, small), patients)


def optimised(recipe: Recipe, **numbers: Any) -> Recipe:
    return replace(recipe, optimisation=replace(recipe.optimisation, **numbers))


# Stages


def test_a_frozen_body_keeps_its_convolutions_and_learns_its_normalisation(
    small: Recipe, films: TrainingFilms, finish: Callable[..., Weights]
) -> None:
    how = optimised(small, stages=(Stage(1, 1e-3, frozen_body=True),))
    torch.manual_seed(0)
    before, after = build_network(how).state_dict(), finish(fit(how, films, seed=0))
    assert torch.equal(before["layer2.0.conv1.weight"].half(), after["layer2.0.conv1.weight"])
    assert not torch.equal(before["layer2.0.bn1.weight"].half(), after["layer2.0.bn1.weight"])
    assert not torch.equal(before["layer2.0.bn1.running_mean"], after["layer2.0.bn1.running_mean"])
    assert not torch.equal(before["head.3.weight"].half(), after["head.3.weight"])


def test_the_next_stage_lets_everything_learn(small: Recipe, films: TrainingFilms, finish: Callable[..., Weights]) -> None:
    how = optimised(small, stages=(Stage(1, 1e-3, frozen_body=True), Stage(1, 1e-3)))
    torch.manual_seed(0)
    before, after = build_network(how).state_dict(), finish(fit(how, films, seed=0))
    assert not torch.equal(before["conv1.weight"].half(), after["conv1.weight"])


def test_layers_near_the_film_learn_more_slowly(small: Recipe) -> None:
    groups = parameter_groups(build_network(small), small.optimisation, Stage(1, 1e-4, first_rate=0.01))
    assert sorted({round(float(g["lr"]), 9) for g in groups}) == pytest.approx([1e-6, 1e-5, 1e-4])  # type: ignore[arg-type]


def test_under_adam_only_the_head_decays(small: Recipe) -> None:
    how = replace(small.optimisation, optimiser="adam")
    decays = [g["weight_decay"] for g in parameter_groups(build_network(small), how, Stage(1, 1e-3))]
    assert decays == [0.0, 0.0, 0.0, 0.0, 0.01, 0.0]


def test_features_kept_of_a_frozen_body_train_the_same_head(
    small: Recipe, films: TrainingFilms, finish: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = (Stage(1, 1e-3, frozen_body=True),)
    how = optimised(replace(small, network="ct_cnn_basic", classes=small.classes[:2]), stages=frozen, optimiser="adam")
    how = replace(how, preprocessing=Preprocessing(size=32), augmentation=Augmentation())
    two = films.labels < 2
    squares = np.ascontiguousarray(films.squares[two][:, ::2, ::2])
    kept = finish(fit(how, TrainingFilms(squares, films.labels[two]), seed=0))
    monkeypatch.setattr("inference.train.body_never_changes", lambda network: False)
    plain = finish(fit(how, TrainingFilms(squares, films.labels[two]), seed=0))
    assert all(torch.allclose(kept[name].float(), plain[name].float(), atol=2e-3) for name in kept)


# Stopping


def test_whole_patients_of_every_class_are_set_aside(films: TrainingFilms) -> None:
    aside = set_aside(films, Stopping(share=0.25), seed=0)
    patients = np.array(films.patients)
    assert set(patients[aside]).isdisjoint(patients[~aside])
    assert {int(n) for n in np.unique(films.labels[aside])} == {0, 1, 2}
    assert 6 <= aside.sum() <= 12


def test_without_a_rule_nothing_is_set_aside(films: TrainingFilms) -> None:
    assert not set_aside(films, None, seed=0).any()


def test_a_class_of_one_patient_cannot_be_set_aside(films: TrainingFilms) -> None:
    one = TrainingFilms(films.squares, films.labels, ["same"] * len(films.labels))
    with pytest.raises(TrainingError, match=r"^A class has films of one patient only; none can be set aside for stopping\.$"):
        set_aside(one, Stopping(share=0.2), seed=0)


def test_patience_ends_training_and_keeps_the_best_epoch(
    small: Recipe, films: TrainingFilms, finish: Callable[..., Weights]
) -> None:
    how = replace(optimised(small, epochs=30, learning_rate=0.05), stopping=Stopping(share=0.25, patience=2))
    reports = list(fit(how, films, seed=1))
    losses = [float(r.held_out_loss or 0) for r in reports]
    assert len(reports) < 30
    best = int(np.argmin(losses)) + 1
    assert len(reports) == best + 2
    kept = finish(fit(how, films, seed=1))
    aside = set_aside(films, how.stopping, seed=1)
    logits = torch.from_numpy(read_squares(fill_network(how, kept), how, films.squares[aside]))
    loss = float(cross_entropy(logits, torch.from_numpy(films.labels[aside])))
    assert loss == pytest.approx(min(losses), abs=0.05)
    assert abs(loss - losses[-1]) > 0.1


def test_training_ends_when_the_films_set_aside_are_right_often_enough(small: Recipe, films: TrainingFilms) -> None:
    how = replace(optimised(small, epochs=30), stopping=Stopping(share=0.25, accuracy=0.01))
    reports = list(fit(how, films, seed=0))
    reached = [r.held_out_accuracy is not None and r.held_out_accuracy >= 0.01 for r in reports]
    assert reached == [False] * (len(reports) - 1) + [True]


# Starting


def test_a_body_is_taken_and_the_head_stays(small: Recipe) -> None:
    giver, taker = build_network(small), build_network(small)
    head = taker.state_dict()["head.3.weight"].clone()
    take_body(taker, {name: tensor.detach() for name, tensor in body_tensors(giver).items()})
    assert torch.equal(taker.state_dict()["conv1.weight"], giver.state_dict()["conv1.weight"])
    assert torch.equal(taker.state_dict()["head.3.weight"], head)


def test_weights_of_another_network_are_refused(small: Recipe) -> None:
    with pytest.raises(TrainingError, match=r"^The weights to start from do not fit this network: conv1\.weight is missing"):
        take_body(build_network(small), {})


# Going on


def test_a_run_broken_between_epochs_goes_on_to_the_same_weights(
    small: Recipe, films: TrainingFilms, finish: Callable[..., Weights], tmp_path: Path
) -> None:
    how = optimised(small, average_decay=0.9, stages=(Stage(2, 1e-3, frozen_body=True), Stage(3, 1e-3)))
    how = replace(how, stopping=Stopping(share=0.25, patience=4))
    unbroken = finish(fit(how, films, seed=2))
    for epochs in range(1, 5):
        training = fit(how, films, seed=2, checkpoint=tmp_path / "run.checkpoint")
        seen = [next(training).epoch for _ in range(epochs)]
        training.close()
        torch.rand(7)  # what others draw between two epochs changes nothing
    assert seen == [1, 2, 3, 4]
    resumed = finish(fit(how, films, seed=2, checkpoint=tmp_path / "run.checkpoint"))
    assert all(torch.equal(resumed[name], unbroken[name]) for name in unbroken)


def test_a_checkpoint_of_another_run_is_not_taken_up(small: Recipe, films: TrainingFilms, tmp_path: Path) -> None:
    next(fit(small, films, seed=2, checkpoint=tmp_path / "run.checkpoint"))
    other = optimised(small, learning_rate=2e-3)
    reports = list(fit(other, films, seed=2, checkpoint=tmp_path / "run.checkpoint"))
    assert [r.loss for r in reports] == [r.loss for r in fit(other, films, seed=2)]


def test_a_damaged_checkpoint_is_told(small: Recipe, films: TrainingFilms, tmp_path: Path) -> None:
    (tmp_path / "run.checkpoint").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(TrainingError, match=r"^The checkpoint run\.checkpoint of an earlier run is damaged; remove it\.$"):
        list(fit(small, films, seed=2, checkpoint=tmp_path / "run.checkpoint"))


RECIPE_FILE = """\
name = "corners"
title = "Corners"
article = ""
network = "resnet18_w32"
positive = "covid"
classes = [{ name = "covid", title = "A" }, { name = "no_finding", title = "B" }, { name = "pneumonia", title = "C" }]
preprocessing = { size = 64 }
augmentation = { rotation_degrees = 5.0, noise = 0.05 }
optimisation = { epochs = 12, batch = 4, learning_rate = 1e-3, weight_decay = 0.01, average_decay = 0.9 }
data = { manifest = "B_125_500_500.csv", folds = 2, protocol_members = 0 }
"""


def command(out: Path, tiny_manifest: Path, *more: str) -> list[str]:
    recipe = out.parent / "corners.toml"
    recipe.write_text(RECIPE_FILE, encoding="utf-8")
    where = ["--data", str(tiny_manifest.parent), "--out", str(out), "--device", "cpu", "--threads", "1"]
    return [sys.executable, str(ROOT / "main.py"), "train", str(recipe), *where, *more]


def test_a_training_killed_in_the_middle_is_resumed_to_the_same_weights(tmp_path: Path, tiny_manifest: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(command(whole, tiny_manifest), check=True, capture_output=True)
    child = subprocess.Popen(command(broken, tiny_manifest), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((broken / "members").glob("*.checkpoint")):
        assert child.poll() is None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (broken / "card.json").exists()
    again = subprocess.run(command(broken, tiny_manifest), capture_output=True, text=True, check=False)
    assert (again.returncode, "add --resume to go on with it" in again.stderr) == (1, True)
    subprocess.run(command(broken, tiny_manifest, "--resume"), check=True, capture_output=True)
    assert (broken / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    assert (broken / "run" / "report.html").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit on a file's size")
def test_a_disk_that_is_full_is_told_and_the_last_checkpoint_stays(small: Recipe, films: TrainingFilms, tmp_path: Path) -> None:
    import resource

    path = tmp_path / "run.checkpoint"
    training = fit(small, films, seed=2, checkpoint=path)
    next(training)
    whole, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(TrainingError, match=r"^run\.checkpoint could not be written to .*: "):
            next(training)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == ["run.checkpoint"]
