"""A small world for inference: 24 films of 12 patients, and a model trained and judged on them in earnest."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image as PillowImage
from torch import nn

from inference.assemble import assemble
from inference.augment import standardise_batch
from inference.bundle import Bundle, fill_network, open_bundle
from inference.card import CARD, read_card
from inference.dataset import Sample, load_squares, read_manifest
from inference.gate.gate import GATE
from inference.members import plan_members, train_members
from inference.networks.resnet import ResNet, pooled_head
from inference.predict import CPU, Predictor
from inference.recipe import Recipe
from inference.recipes.chest_resnet import RECIPE as CHEST_RESNET
from inference.recipes.darkcovidnet import RECIPE
from inference.train import Weights, round_weights

Result = TypeVar("Result")

CORNERS = {"covid": (0, 0), "no_finding": (0, 60), "pneumonia": (70, 30)}
MISTAKEN = (7, 14, 21)
"""Films bright in the corner of the next class, so that a model that has learnt the corners is wrong about them."""


def exhaust(work: Generator[Any, None, Result]) -> Result:
    """Run a generator to its end and return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def write_films(folder: Path) -> Path:
    """Write 24 noisy films, bright in a corner that tells the class, and their manifest."""
    random = np.random.default_rng(7)
    rows = []
    for number in range(24):
        label = tuple(CORNERS)[number % 3]
        top, left = CORNERS[tuple(CORNERS)[(number + (number in MISTAKEN)) % 3]]
        grey = random.integers(20, 90, (130, 110), dtype=np.uint8)
        grey[top : top + 50, left : left + 50] += 120
        path = folder / f"film-{number}.png"
        PillowImage.fromarray(grey).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        split = "test" if number % 12 >= 9 else "train"
        rows.append([path.name, digest, label, split, f"patient-{number % 12}", "PA", "55", "F", "ieee:Italy"])
    manifest = folder / "B_125_500_500.csv"
    with manifest.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["file", "sha256", "label", "split", "patient", "view", "age", "sex", "source"])
        table.writerows(rows)
    return manifest


def settled(recipe: Recipe, weights: Weights, squares: npt.NDArray[np.uint8]) -> Weights:
    """Return the weights with statistics of the films themselves: after one epoch they still stand near their start,
    and every film would get the same answer.
    """
    network = fill_network(recipe, weights).train()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network(standardise_batch(torch.from_numpy(squares)[:, None].float() / 255))
    return round_weights(network.state_dict())


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Keep torch to one thread: the films are too small for more."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def finish() -> Callable[[Generator[Any, None, Result]], Result]:
    return exhaust


@pytest.fixture(scope="session")
def tiny_recipe() -> Recipe:
    """Return the three-class recipe with two folds, one network of the article's division, and one epoch."""
    return replace(
        RECIPE,
        optimisation=replace(RECIPE.optimisation, epochs=1, batch=8, average_decay=0.5),
        data=replace(RECIPE.data, folds=2, protocol_members=1),
    )


@pytest.fixture(scope="session")
def tiny_manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="session")
def tiny_samples(tiny_recipe: Recipe, tiny_manifest: Path) -> tuple[Sample, ...]:
    return read_manifest(tiny_manifest, tiny_recipe.class_names)


@pytest.fixture(scope="session")
def tiny_folder(
    tmp_path_factory: pytest.TempPathFactory, tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...], tiny_manifest: Path
) -> Path:
    """Return the folder of a bundle trained and assembled as ``hilum train`` does it, then settled; only to be read."""
    folder = tmp_path_factory.mktemp("models") / "darkcovidnet"
    members = plan_members(tiny_recipe, tiny_samples)
    trained = exhaust(train_members(tiny_recipe, tiny_samples, members, folder / "members"))
    squares = load_squares(tiny_samples, tiny_recipe)
    weights = {name: settled(tiny_recipe, own, squares) for name, own in trained.items()}
    exhaust(assemble(tiny_recipe, tiny_samples, members, weights, tiny_manifest, folder, CPU))
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tiny_folder: Path) -> Bundle:
    return open_bundle(tiny_folder)


@pytest.fixture(scope="session")
def tiny_predictor(tiny_bundle: Bundle) -> Predictor:
    return Predictor(tiny_bundle, CPU)


@pytest.fixture
def folder_copy(tiny_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the bundle that a test may damage."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "darkcovidnet"))


@pytest.fixture(scope="session")
def gateless_bundle(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return the bundle as it was before models had gates."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path_factory.mktemp("gateless") / "darkcovidnet"))
    (folder / GATE).unlink()
    card = read_card(folder)
    del card["gate"], card["files"][GATE]
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    return open_bundle(folder)


def lively_network(seed: int) -> nn.Module:
    """Return a small residual network that nobody trained, its normalisations and its head as different as after training."""
    torch.manual_seed(seed)
    network = ResNet(pooled_head(64, 3, dropout=0.2), (2, 2, 2, 2), 8, 1)
    nn.init.normal_(network.head[-1].weight)  # type: ignore[index, arg-type]
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values, centre in ((layer.weight, 1), (layer.bias, 0), (layer.running_mean, 0), (layer.running_var, 1.5)):
                nn.init.uniform_(values, centre - 0.3, centre + 0.3)  # type: ignore[arg-type]
    return network.eval().requires_grad_(False)


class TwoResidualNetworks(Bundle):
    """A bundle of two lively networks, which stands nowhere on the disk."""

    def build_members(self) -> tuple[nn.Module, ...]:
        return lively_network(0), lively_network(1)


@pytest.fixture(scope="session")
def pooled_predictor() -> Predictor:
    """Return a predictor of films of 96 x 96, with two members whose head is one linear layer, and two turned views."""
    recipe = replace(CHEST_RESNET, preprocessing=replace(CHEST_RESNET.preprocessing, size=96))
    card: dict[str, Any] = {"temperature": 1.2, "preprocessing": {"reading_rotations": [-6.0, 4.0]}}
    return Predictor(TwoResidualNetworks(Path(), card, recipe, ""), CPU)
