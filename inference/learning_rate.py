"""The learning-rate range test (Smith, WACV 2017): which rate a network learns fastest at, before a long run."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from inference.augment import augment, normalise
from inference.layers import start_stage, take_body
from inference.networks.registry import build_network
from inference.recipe import Recipe
from inference.train import TrainingFilms, Weights, mixed_precision

SMOOTHING = 0.9
"""Share of the past in the running mean of the loss: the mean of about ten steps."""
DIVERGED = 4.0
"""The test ends when the loss is this many times its least, as fastai's does."""


@dataclass(frozen=True)
class RangeTest:
    """Rates tried, the smoothed loss at each, and the rate where the loss fell fastest."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float


def find_learning_rate(
    recipe: Recipe,
    films: TrainingFilms,
    seed: int = 0,
    device: str = "cpu",
    start: Weights | None = None,
    smallest: float = 1e-6,
    largest: float = 1.0,
    steps: int = 100,
) -> Generator[float, None, RangeTest]:
    """Train with a rate that grows from ``smallest`` to ``largest``, in the recipe's first stage; yield the part done.

    The network is thrown away.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = build_network(recipe)
    if start is not None:
        take_body(network, start)
    network.to(device).train()
    how = replace(recipe.optimisation, schedule="constant")
    optimiser, _ = start_stage(network, how, how.all_stages[0], steps)
    shares = [float(group["lr"]) / how.all_stages[0].learning_rate for group in optimiser.param_groups]
    pixels, truth = torch.from_numpy(films.squares), torch.from_numpy(films.labels)
    rates: list[float] = []
    losses: list[float] = []
    running = 0.0
    for step in range(steps):
        rate = smallest * (largest / smallest) ** (step / max(steps - 1, 1))
        for group, share in zip(optimiser.param_groups, shares, strict=True):
            group["lr"] = rate * share
        batch = torch.randint(len(truth), (min(how.batch, len(truth)),), generator=generator)
        inputs = augment(pixels[batch].unsqueeze(1).float() / 255, recipe.augmentation, generator)
        with mixed_precision(device):
            logits = network(normalise(inputs, recipe.preprocessing).to(device))
        loss = functional.cross_entropy(logits.float(), truth[batch].to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        running = SMOOTHING * running + (1 - SMOOTHING) * loss.item()
        smoothed = running / (1 - SMOOTHING ** (step + 1))
        if not math.isfinite(smoothed) or (losses and smoothed > DIVERGED * min(losses)):
            break
        rates.append(rate)
        losses.append(smoothed)
        yield (step + 1) / steps
    return RangeTest(tuple(rates), tuple(losses), steepest(rates, losses))


def steepest(rates: list[float], losses: list[float]) -> float:
    """Return the rate at which the smoothed loss falls fastest over the logarithm of the rate, before its least value."""
    end = int(np.argmin(losses)) + 1
    if end < 3:
        return rates[0]
    slope = np.gradient(np.array(losses[:end]), np.log(np.array(rates[:end])))
    return rates[int(np.argmin(slope))]
