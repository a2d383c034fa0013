"""The learning-rate range test finds the steep part of the curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference.dataset import Sample, label_indices, load_squares
from inference.learning_rate import RangeTest, find_learning_rate, steepest
from inference.recipe import Preprocessing, Recipe
from inference.train import TrainingFilms


def test_the_steepest_place_before_the_least_loss_is_suggested() -> None:
    rates = [10.0**n for n in range(-6, 1)]
    assert steepest(rates, [1.0, 0.99, 0.9, 0.4, 0.3, 0.9, 4.0]) == pytest.approx(1e-3)


def test_rates_grow_and_the_test_ends_when_the_loss_runs_away(
    tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...], finish: Callable[..., Any]
) -> None:
    recipe = replace(tiny_recipe, network="resnet18_w32", preprocessing=Preprocessing(size=64))
    films = TrainingFilms(load_squares(tiny_samples, recipe), label_indices(tiny_samples, recipe))
    found: RangeTest = finish(find_learning_rate(recipe, films, smallest=1e-5, largest=1e5, steps=40))
    assert np.all(np.diff(found.rates) > 0)
    assert 3 < len(found.rates) < 40
    assert found.suggestion in found.rates
    assert found.suggestion < 10
