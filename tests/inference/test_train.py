"""Training: the same seed gives the same weights, and an easy task is learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from inference.dataset import Sample, label_indices, load_squares
from inference.errors import TrainingError
from inference.layers import parameter_groups
from inference.networks.darkcovidnet import DarkCovidNet
from inference.recipe import Optimisation, Recipe, Stage
from inference.train import (
    EpochReport,
    TrainingFilms,
    Weights,
    film_loss,
    fit,
    rightly_answered,
    round_weights,
    sampling_weights,
)


@pytest.fixture(scope="module")
def few(tiny_samples: tuple[Sample, ...], tiny_recipe: Recipe) -> TrainingFilms:
    return TrainingFilms(load_squares(tiny_samples[:6], tiny_recipe), label_indices(tiny_samples[:6], tiny_recipe))


@pytest.fixture(scope="module")
def trained(tiny_recipe: Recipe, few: TrainingFilms, finish: Callable[..., Weights]) -> Weights:
    return finish(fit(tiny_recipe, few, seed=5))


def optimised(recipe: Recipe, **numbers: Any) -> Recipe:
    return replace(recipe, optimisation=replace(recipe.optimisation, **numbers))


def test_the_same_seed_gives_the_same_weights(
    tiny_recipe: Recipe, few: TrainingFilms, trained: Weights, finish: Callable[..., Weights]
) -> None:
    again = finish(fit(tiny_recipe, few, seed=5))
    assert all(torch.equal(trained[name], again[name]) for name in trained)


def test_another_seed_gives_other_weights(
    tiny_recipe: Recipe, few: TrainingFilms, trained: Weights, finish: Callable[..., Weights]
) -> None:
    other = finish(fit(tiny_recipe, few, seed=6))
    assert not torch.equal(trained["head.weight"], other["head.weight"])


def test_weights_are_kept_in_half_precision_and_statistics_in_single(trained: Weights) -> None:
    network = DarkCovidNet(3)
    assert set(trained) == set(network.state_dict())
    parameters = {name for name, _ in network.named_parameters()}
    assert {trained[name].dtype for name in parameters} == {torch.float16}
    assert {trained[name].dtype for name in set(trained) - parameters} == {torch.float32, torch.int64}


def test_large_statistics_survive_the_rounding() -> None:
    rounded = round_weights({"a.running_var": torch.tensor([1e6]), "a.weight": torch.tensor([0.1])})
    assert rounded["a.running_var"].item() == 1e6
    assert rounded["a.weight"].item() == 0.0999755859375


def test_the_loss_falls_on_an_easy_task(tiny_recipe: Recipe, few: TrainingFilms) -> None:
    reports = list(fit(optimised(tiny_recipe, epochs=8, batch=6, label_smoothing=0.0), few, seed=0))
    assert [(r.epoch, r.epochs) for r in reports] == [(n, 8) for n in range(1, 9)]
    assert reports[-1].loss < 0.5 * reports[0].loss
    assert reports[-1].accuracy > 0.8
    assert reports[-1].seconds_left == 0


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_so_few_steps_that_none_is_left_to_warm_up_are_no_fault(tiny_recipe: Recipe, few: TrainingFilms, epochs: int) -> None:
    two = TrainingFilms(few.squares[:2], few.labels[:2])
    assert len(list(fit(optimised(tiny_recipe, epochs=epochs), two, seed=0))) == epochs


def test_a_loss_that_is_no_number_stops_training(tiny_recipe: Recipe, few: TrainingFilms) -> None:
    with pytest.raises(TrainingError, match=r"^Training stopped: the loss of epoch \d is not a number; lower"):
        list(fit(optimised(tiny_recipe, epochs=4, learning_rate=1e30), few, seed=0))


def test_closing_the_training_ends_it(tiny_recipe: Recipe, few: TrainingFilms) -> None:
    training = fit(optimised(tiny_recipe, epochs=100), few, seed=0)
    assert isinstance(next(training), EpochReport)
    training.close()
    assert list(training) == []


def test_only_convolutions_and_the_linear_layer_decay() -> None:
    groups = parameter_groups(DarkCovidNet(3), Optimisation(1, 2, 0.1, weight_decay=0.01), Stage(1, 0.1))
    counted = [(len(group["params"]), group["weight_decay"]) for group in groups]  # type: ignore[arg-type]
    assert counted == [(16, 0.01), (32, 0.0), (2, 0.01), (3, 0.0)]


@pytest.mark.parametrize(("power", "rare"), [(0.0, 0.2), (0.5, 1 / 3), (1.0, 0.5)])
def test_rarer_classes_are_drawn_more_often(power: float, rare: float) -> None:
    chance = sampling_weights(torch.tensor([0, 1, 1, 1, 1]), power)
    assert float(chance[0] / chance.sum()) == pytest.approx(rare)


LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 3.0, 1.0]])


def test_a_film_that_is_not_positive_is_judged_by_the_positive_class_alone() -> None:
    probabilities = LOGITS.softmax(1)
    loss = film_loss(LOGITS, torch.tensor([-1, 1]), positive=0)
    assert loss.item() == pytest.approx((-torch.log(1 - probabilities[0, 0]) - torch.log(probabilities[1, 1])).item() / 2)


def test_how_the_other_classes_share_such_a_film_does_not_matter() -> None:
    one, other = torch.tensor([[0.0, 1.0, -30.0]]), torch.tensor([[0.0, -30.0, 1.0]])
    known_not = torch.tensor([-1])
    assert film_loss(one, known_not, positive=0).item() == pytest.approx(film_loss(other, known_not, positive=0).item())


def test_such_a_film_is_rightly_answered_by_any_class_but_the_positive_one() -> None:
    assert rightly_answered(LOGITS, torch.tensor([-1, -1]), positive=0).tolist() == [False, True]
    assert rightly_answered(LOGITS, torch.tensor([0, 2]), positive=0).tolist() == [True, False]


def test_films_of_a_rare_stratum_are_drawn_as_often_as_others() -> None:
    chance = sampling_weights(torch.tensor([-1, 3, 3, 3]), 1.0)
    assert (chance / chance.sum()).tolist() == pytest.approx([0.5, 1 / 6, 1 / 6, 1 / 6])


def test_a_network_learns_from_films_that_are_not_positive(
    tiny_recipe: Recipe, few: TrainingFilms, finish: Callable[..., Weights], trained: Weights
) -> None:
    labels = few.labels.copy()
    labels[labels == 2] = -1
    other = finish(fit(tiny_recipe, TrainingFilms(few.squares, labels, strata=labels % 2), seed=5))
    assert not torch.equal(trained["head.weight"], other["head.weight"])
