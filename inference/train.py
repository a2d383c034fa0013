"""Training, top to bottom: ``fit`` is a generator of epoch reports whose return value is the trained weights."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from inference.augment import augment, standardise_batch
from inference.errors import TrainingError
from inference.networks.registry import build_network
from inference.recipe import Recipe

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch: mean loss and accuracy on the augmented training films, and the time left in seconds."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds_left: float


def fit(
    recipe: Recipe, squares: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], seed: int, device: str = "cpu"
) -> Generator[EpochReport, None, Weights]:
    """Train one network of the recipe; nothing held out is seen, and the last averaged weights are the result.

    Parameters
    ----------
    squares
        uint8 (films, size, size), grey as displayed.
    labels
        Class index of each film.
    seed
        Fixes initial weights, order and augmentation: the same seed on the same machine gives the same weights.

    Returns
    -------
    The exponentially averaged weights, rounded to half precision (batch-normalisation statistics stay in single), so that
    what is evaluated is bit for bit what is stored.

    Raises
    ------
    TrainingError
        If the loss stops being a number.
    """
    how = recipe.optimisation
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = build_network(recipe).to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.AdamW(_parameter_groups(network, how.weight_decay), lr=how.learning_rate, betas=how.betas)
    steps = math.ceil(len(labels) / how.batch) * how.epochs
    warm_up = how.warm_up if how.warm_up * steps > 1 else 0.0  # a warm-up of one step divides by zero in the schedule
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.learning_rate, total_steps=steps, pct_start=warm_up)
    films, truth = torch.from_numpy(squares), torch.from_numpy(labels)
    chance = _sampling_weights(truth, how.sampling_power)
    began = time.monotonic()
    for epoch in range(1, how.epochs + 1):
        network.train()
        order = torch.multinomial(chance, len(labels), replacement=how.sampling_power > 0, generator=generator)
        losses, right = [], 0
        for batch in order.split(how.batch):
            inputs = augment(films[batch].unsqueeze(1).float() / 255, recipe.augmentation, generator)
            inputs = standardise_batch(inputs).to(device, memory_format=torch.channels_last)
            with mixed_precision(device):
                logits = network(inputs)
            target = truth[batch].to(device)
            loss = functional.cross_entropy(logits.float(), target, label_smoothing=how.label_smoothing)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), how.gradient_clip or math.inf)
            optimiser.step()
            schedule.step()
            _update_average(average, network, how.average_decay)
            losses.append(loss.item())
            right += int((logits.argmax(1) == target).sum())
        mean_loss = float(np.mean(losses))
        if not math.isfinite(mean_loss):
            raise TrainingError(f"Training stopped: the loss of epoch {epoch} is not a number; lower the learning rate.")
        left = (time.monotonic() - began) / epoch * (how.epochs - epoch)
        yield EpochReport(epoch, how.epochs, mean_loss, right / len(labels), float(schedule.get_last_lr()[0]), left)
    return round_weights(average)


def mixed_precision(device: str) -> AbstractContextManager[object]:
    """Return bf16 (CPU with native instructions only: emulation is many times slower) or fp16 autocast, or nothing."""
    if device.startswith("cuda"):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    if torch.cpu._is_avx512_bf16_supported():
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return nullcontext()


def round_weights(weights: Weights) -> Weights:
    """Return weights in half precision; statistics of batch normalisation, whose range is wider, in single."""
    return {
        name: value.detach().cpu().clone() if _is_statistic(name) else value.detach().cpu().half().contiguous()
        for name, value in weights.items()
    }


def _is_statistic(name: str) -> bool:
    return name.endswith(("running_mean", "running_var", "num_batches_tracked"))


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Return groups for the optimiser: decay on convolution and linear weights only."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    free = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def _sampling_weights(truth: Tensor, power: float) -> Tensor:
    counts = torch.bincount(truth).clamp_min(1).double()
    return counts[truth] ** -power


def _update_average(average: Weights, network: nn.Module, decay: float) -> None:
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value.detach(), 1 - decay)
        else:
            average[name].copy_(value)
