"""Train the lung network: first on masks, then also on films without masks, by the answers of the first training.

Most masked films are of one disease; films without masks bring the other hospitals, positions and machines (self-training
as by Xie et al. 2020, "noisy student"). A film's own answer is learned only where it is sure and looks like two lungs.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from inference.errors import TrainingError
from inference.intervals import patient_intervals, weighted_means
from inference.lungs.augmentation import augment_lungs
from inference.lungs.films import LungFilm
from inference.lungs.network import LungNetwork
from inference.lungs.plausible import find_both_lungs
from inference.lungs.segment import lung_map
from inference.train import Weights, mixed_precision, round_weights

SURE = 0.93
"""Mean probability inside the lungs an answer must reach to be learned from."""


@dataclass(frozen=True)
class LungTraining:
    """How the network is trained. A batch holds films with masks, without masks (second part only) and synthetic ones."""

    first_steps: int = 600
    second_steps: int = 500
    masked: int = 15
    masked_later: int = 9
    unmasked_later: int = 6
    synthetic: int = 1
    first_rate: float = 2e-3
    second_rate: float = 1e-3
    weight_decay: float = 1e-2
    average_decay: float = 0.99
    held_out_share: float = 0.25
    largest_unmasked: int = 400
    seed: int = 0


@dataclass(frozen=True)
class LungProgress:
    """Where the training stands: ``part`` "masks", "answers" or "both", steps done of all, mean loss since the last report."""

    part: str
    step: int
    steps: int
    loss: float | None = None


def train_lungs(
    masked: Sequence[LungFilm],
    synthetic: Sequence[LungFilm],
    unmasked: Sequence[LungFilm],
    how: LungTraining,
) -> Generator[LungProgress, None, Weights]:
    """Train and return the weights in half precision; the same films and seed give nearly the same weights.

    Raises
    ------
    TrainingError
        If there is no film with a mask, or the loss is no number any more.
    """
    if not masked:
        raise TrainingError("There is no film with a lung mask to learn from.")
    torch.manual_seed(how.seed)
    network = LungNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    first = [(masked, how.masked), (synthetic, how.synthetic)]
    yield from _learn(network, first, how.first_steps, how.first_rate, how, "masks")
    answered = yield from answer_films(network, unmasked[: how.largest_unmasked])
    if answered and how.second_steps:
        both = [(masked, how.masked_later), (answered, how.unmasked_later), (synthetic, how.synthetic)]
        yield from _learn(network, both, how.second_steps, how.second_rate, how, "both")
    return round_weights(network.state_dict())


def answer_films(network: nn.Module, films: Sequence[LungFilm]) -> Generator[LungProgress, None, list[LungFilm]]:
    """Return the films with the network's own answers as masks: those that are sure and show two lungs."""
    answered = []
    network.eval()
    for number, film in enumerate(films):
        probability = lung_map(network, film.grey)
        found = find_both_lungs(probability, film.placement)
        if found.reason == "" and float(probability[found.kept].mean()) >= SURE:
            answered.append(replace(film, mask=np.rint(probability * 255 * found.kept).astype(np.uint8)))
        if number % 50 == 49:
            yield LungProgress("answers", number + 1, len(films))
    return answered


def _learn(
    network: nn.Module,
    sources: Sequence[tuple[Sequence[LungFilm], int]],
    steps: int,
    rate: float,
    how: LungTraining,
    part: str,
) -> Generator[LungProgress, None, None]:
    """Do one part of the training; the network ends with the moving average of its weights."""
    pools = [(_stack(films), count) for films, count in sources if films and count]
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=how.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 2), pct_start=0.15)
    generator = torch.Generator().manual_seed(how.seed + (part == "both"))
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    losses: list[float] = []
    for step in range(steps):
        network.train()
        losses.append(_step(network, pools, optimiser, generator))
        schedule.step()
        _follow(average, network, min(how.average_decay, (step + 1) / (step + 10)))
        if step % 25 == 24:
            yield LungProgress(part, step + 1, steps, float(np.mean(losses)))
            losses.clear()
    network.load_state_dict(average)


def _step(
    network: nn.Module, pools: Sequence[tuple[tuple[Tensor, Tensor], int]], optimiser: Any, generator: torch.Generator
) -> float:
    films, masks = (torch.cat(parts) for parts in zip(*(_draw(pool, n, generator) for pool, n in pools), strict=True))
    films, masks = augment_lungs(films, masks, generator)
    with mixed_precision("cpu"):
        logits = network(films.contiguous(memory_format=torch.channels_last))
    loss = lung_loss(logits.float(), masks)
    if not bool(torch.isfinite(loss)):
        raise TrainingError("Training the lung network failed: the loss is no number any more.")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def lung_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Return cross-entropy plus one minus the soft Dice of each film, the mean over films (n, 1, side, side)."""
    probability = torch.sigmoid(logits)
    both = (probability * masks).sum(dim=(1, 2, 3))
    dice = (2 * both + 1) / (probability.sum(dim=(1, 2, 3)) + masks.sum(dim=(1, 2, 3)) + 1)
    return functional.binary_cross_entropy_with_logits(logits, masks) + (1 - dice).mean()


def _stack(films: Sequence[LungFilm]) -> tuple[Tensor, Tensor]:
    masks = [film.mask if film.mask is not None else np.zeros_like(film.grey) for film in films]
    return torch.from_numpy(np.stack([film.grey for film in films])), torch.from_numpy(np.stack(masks))


def _draw(pool: tuple[Tensor, Tensor], count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    rows = torch.randint(len(pool[0]), (count,), generator=generator)
    return pool[0][rows, None].float() / 255, pool[1][rows, None].float() / 255


def _follow(average: Weights, network: nn.Module, decay: float) -> None:
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value.detach(), 1 - decay)
        else:
            average[name].copy_(value)


# Judging


def dice(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    """Return twice the common area divided by the sum of both; 1 where both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def judge_lungs(network: nn.Module, films: Sequence[LungFilm]) -> dict[str, Any]:
    """Return Dice on films with masks, and how many are found to show two lungs.

    ``mean``, ``low`` and ``high`` (95 %, patients drawn as a whole), ``median``, ``worst``, ``films``, ``patients``,
    ``found`` (films on which two lungs are found), ``milliseconds`` (of one processor core, median of the films) and
    ``by_view``. A film on which no lungs are found counts with the Dice of its bare map.
    """
    network.eval()
    values, found, spent = [], 0, []
    for film in films:
        began = time.thread_time()
        probability = lung_map(network, film.grey)
        spent.append(1000 * (time.thread_time() - began))
        both = find_both_lungs(probability, film.placement)
        found += both.reason == ""
        kept = both.kept if both.reason == "" else probability >= 0.5
        values.append(dice(kept, (film.mask if film.mask is not None else np.zeros_like(film.grey)) >= 128))
    scores = np.array(values)
    patients = [film.patient for film in films]
    ((low, high),) = patient_intervals(lambda weights: weighted_means(weights, scores)[:, None], patients)
    views = sorted({film.view for film in films if film.view})
    by_view = {v: _mean_of(scores, np.array([f.view == v for f in films])) for v in views}
    summary = {"mean": float(scores.mean()), "low": low, "high": high, "median": float(np.median(scores))}
    counts = {"worst": float(scores.min()), "films": len(films), "patients": len(set(patients)), "found": found}
    return {**summary, **counts, "milliseconds": float(np.median(spent)), "by_view": by_view}


def _mean_of(scores: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]) -> dict[str, float | int]:
    return {"mean": float(scores[chosen].mean()), "films": int(chosen.sum())}
