"""Every network learns: two steps change it, one batch is learnt by heart, and what is stored answers as what was trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.bundle import fill_network
from inference.networks.registry import NETWORKS, build_network
from inference.predict import read_squares
from inference.recipe import Augmentation, FilmClass, Optimisation, Preprocessing, Recipe
from inference.train import TrainingFilms, Weights, fit

SIZES = {"darkcovidnet": 256, "ct_cnn_basic": 32, "ct_cnn": 64, "ct_cnn_simple": 64, "small_cnn": 48}
RATES = {"vgg16": 1e-4, "vgg16_two_sigmoids": 1e-4, "vgg16_without_activations": 1e-4}


@pytest.fixture
def recipe(tiny_recipe: Recipe) -> Callable[[str, int], Recipe]:
    """Return a recipe of a network with two classes and no augmentation."""

    def make(network: str, epochs: int) -> Recipe:
        how = Optimisation(epochs, batch=4, learning_rate=RATES.get(network, 1e-3), weight_decay=0.0)
        return replace(
            tiny_recipe,
            network=network,
            classes=(FilmClass("covid", "COVID-19"), FilmClass("normal", "Normal")),
            preprocessing=Preprocessing(size=SIZES.get(network, 64)),
            augmentation=Augmentation(),
            optimisation=how,
            reading_rotations=(0.0,),
        )

    return make


def films(recipe: Recipe) -> TrainingFilms:
    """Return four noisy films, two of them bright above and two below."""
    size = recipe.preprocessing.size
    squares = np.random.default_rng(3).integers(20, 90, (4, size, size), dtype=np.uint8)
    squares[:2, : size // 2] += 120
    squares[2:, size // 2 :] += 120
    return TrainingFilms(squares, np.array([0, 0, 1, 1]))


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_two_steps_change_every_layer(recipe: Callable[[str, int], Recipe], finish: Callable[..., Weights], name: str) -> None:
    how = recipe(name, 2)
    torch.manual_seed(0)
    before = build_network(how).state_dict()
    after = finish(fit(how, films(how), seed=0))
    weights = [key for key, value in before.items() if value.ndim > 1]
    unchanged = [key for key in weights if torch.equal(before[key].half(), after[key])]
    assert weights
    assert unchanged == []


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_one_batch_is_learnt_by_heart_and_stored_weights_answer_alike(
    recipe: Callable[[str, int], Recipe], finish: Callable[..., Weights], tmp_path: Path, name: str
) -> None:
    how = recipe(name, 12 if name.startswith("vgg") else 40)
    batch = films(how)
    weights = finish(fit(how, batch, seed=0))
    logits = read_squares(fill_network(how, weights), how, batch.squares)
    assert logits.argmax(axis=1).tolist() == [0, 0, 1, 1]
    save_file(weights, tmp_path / "weights.safetensors")
    again = read_squares(fill_network(how, load_file(tmp_path / "weights.safetensors")), how, batch.squares)
    assert np.array_equal(logits, again)
