"""Training, top to bottom: ``fit`` is a generator of epoch reports whose return value is the trained weights.

Every epoch draws from random numbers of its own, seeded by the run's seed and the epoch's number: a run that was killed
and goes on from its checkpoint gives the same weights as an unbroken one, and nothing else that draws between two epochs
changes them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from inference.augment import augment, normalise
from inference.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from inference.errors import TrainingError
from inference.layers import body_never_changes, start_stage, take_body
from inference.networks.registry import Network, build_network
from inference.recipe import Recipe, Stage, Stopping

Weights = dict[str, Tensor]
EVALUATION_BATCH = 32


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch.

    ``loss`` and ``accuracy`` on the augmented training films; ``held_out_loss`` and ``held_out_accuracy`` on the patients
    set aside for stopping, None where there are none; ``seconds_left`` if no early stop comes; ``processor_seconds`` of all
    threads in this epoch.
    """

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds_left: float
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None
    processor_seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class TrainingFilms:
    """The films of one training run.

    ``squares`` uint8 (films, size, size), grey as displayed; ``labels`` int64 (films,) class index, -1 for films that teach
    only that they are not of the positive class; ``patients`` whose each film is, needed only where a recipe sets patients
    aside for stopping; ``strata`` int64 (films,): films of one number share the chance of their group to be drawn, None: the
    labels.
    """

    squares: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    patients: Sequence[str] = ()
    strata: npt.NDArray[np.int64] | None = None


def fit(
    recipe: Recipe,
    films: TrainingFilms,
    seed: int,
    device: str = "cpu",
    start: Weights | None = None,
    checkpoint: Path | None = None,
    made_by: str = "",
) -> Generator[EpochReport, None, Weights]:
    """Train one network of the recipe on these films.

    Parameters
    ----------
    seed
        Fixes initial weights, order and augmentation: the same seed on the same machine gives the same weights.
    start
        Tensors of the network's body to start from (transfer); None for fresh weights.
    checkpoint
        File written after every epoch; if it is there, training goes on from it, after its reports have been given again.
    made_by
        What else must be the same for a checkpoint to be taken up (films, start).

    Returns
    -------
    The (exponentially averaged) weights, of the last epoch or of the best held-out one, rounded to half precision
    (batch-normalisation statistics stay in single), so that what is evaluated is bit for bit what is stored.

    Raises
    ------
    TrainingError
        If the loss stops being a number, or the checkpoint is damaged, of another run, or cannot be written.
    """
    run = _Run(recipe, films, seed, device, start)
    run.identity += made_by
    done = read_checkpoint(checkpoint, run.identity) if checkpoint else None
    if done:
        run.restore(done)
        yield from list(run.history)
    while not run.finished():
        report = run.next_epoch()
        if checkpoint:
            write_checkpoint(checkpoint, run.state())
        yield report
    return round_weights(run.result())


class _Run:
    """What changes while a network is trained, epoch by epoch."""

    def __init__(self, recipe: Recipe, films: TrainingFilms, seed: int, device: str, start: Weights | None) -> None:
        self.recipe, self.seed, self.device = recipe, seed, device
        self.identity = f"{recipe.fingerprint()} {seed}"
        torch.manual_seed(seed)
        self.network = build_network(recipe)
        if start is not None:
            take_body(self.network, start)
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        decay = recipe.optimisation.average_decay
        self.average: Weights | None = _copy(self.network) if decay else None
        self.best: Weights | None = None
        self.best_loss, self.since_best = math.inf, 0
        self.history: list[EpochReport] = []
        self.stage_number = -1
        self.features: Tensor | None = None
        self._divide(films)

    def _divide(self, films: TrainingFilms) -> None:
        aside = set_aside(films, self.recipe.stopping, self.seed)
        pixels, labels = torch.from_numpy(films.squares), torch.from_numpy(films.labels)
        self.pixels, self.truth = pixels[~aside], labels[~aside]
        self.held_out_pixels, self.held_out_truth = pixels[aside], labels[aside]
        how = self.recipe.optimisation
        self.drawn = how.films_per_epoch or len(self.truth)
        strata = films.labels if films.strata is None else films.strata
        self.chance = sampling_weights(torch.from_numpy(strata)[~aside], how.sampling_power)
        self.positive = self.recipe.class_names.index(self.recipe.positive)
        self.steps_per_epoch = math.ceil(self.drawn / how.batch)

    # One epoch

    def finished(self) -> bool:
        """Return whether all epochs are done or the stopping rule has been met."""
        if len(self.history) >= self.recipe.optimisation.all_epochs:
            return True
        rule = self.recipe.stopping
        if rule is None or not self.history:
            return False
        accuracy = self.history[-1].held_out_accuracy or 0.0
        return bool((rule.patience and self.since_best >= rule.patience) or (rule.accuracy and accuracy >= rule.accuracy))

    def next_epoch(self) -> EpochReport:
        """Train one more epoch."""
        epoch = len(self.history) + 1
        if self._stage_of(epoch) != self.stage_number:
            self._enter_stage(self._stage_of(epoch))
        began, worked = time.monotonic(), time.process_time()
        loss, accuracy, rate = self._train_epoch(epoch)
        held_out_loss, held_out_accuracy = self._judge()
        epochs = self.recipe.optimisation.all_epochs
        seconds_left = (time.monotonic() - began) * (epochs - epoch)
        worked = time.process_time() - worked
        report = EpochReport(epoch, epochs, loss, accuracy, rate, seconds_left, held_out_loss, held_out_accuracy, worked)
        self.history.append(report)
        return report

    def _stage_of(self, epoch: int) -> int:
        stages = self.recipe.optimisation.all_stages
        last_epochs = np.cumsum([stage.epochs for stage in stages])
        return int(np.searchsorted(last_epochs, epoch))

    def _enter_stage(self, number: int) -> None:
        stage = self.recipe.optimisation.all_stages[number]
        self.stage_number = number
        self.optimiser, self.schedule = start_stage(self.network, self.recipe.optimisation, stage, self.steps_per_epoch)
        self.features = self._fixed_features(stage)

    def _fixed_features(self, stage: Stage) -> Tensor | None:
        """Return what enters the head, where nothing before it changes from one epoch to the next."""
        if not (stage.frozen_body and self.recipe.augmentation.changes_nothing and body_never_changes(self.network)):
            return None
        self.network.eval()
        return torch.cat([self._features(batch) for batch in self.pixels.split(EVALUATION_BATCH)])

    def _features(self, pixels: Tensor) -> Tensor:
        with torch.no_grad(), mixed_precision(self.device):
            network = cast(Network, self.network)
            return network.target_layer(network.body(self._inputs(pixels, None)))  # type: ignore[no-any-return]

    def _inputs(self, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        films = pixels.unsqueeze(1).float() / 255
        if generator is not None:
            films = augment(films, self.recipe.augmentation, generator)
        inputs = normalise(films, self.recipe.preprocessing)
        return inputs.to(self.device, memory_format=torch.channels_last)

    def _train_epoch(self, epoch: int) -> tuple[float, float, float]:
        how = self.recipe.optimisation
        seed = self.seed * 1_000_003 + epoch
        torch.manual_seed(seed)  # dropout
        generator = torch.Generator().manual_seed(seed)
        self.network.train()
        again = how.sampling_power > 0 or self.drawn > len(self.truth)
        order = torch.multinomial(self.chance, self.drawn, replacement=again, generator=generator)
        losses, right, rate = [], 0, 0.0
        batches = order.split(how.batch)
        if len(batches[-1]) == 1 and len(batches) > 1:
            batches = batches[:-1]  # batch normalisation knows no spread of one film
        for batch in batches:
            rate = float(self.schedule.get_last_lr()[-1])
            loss, correct = self._step(batch, generator)
            losses.append(loss)
            right += correct
        mean_loss = float(np.mean(losses))
        if not math.isfinite(mean_loss):
            raise TrainingError(f"Training stopped: the loss of epoch {epoch} is not a number; lower the learning rate.")
        return mean_loss, right / self.drawn, rate

    def _step(self, batch: Tensor, generator: torch.Generator) -> tuple[float, int]:
        how = self.recipe.optimisation
        target = self.truth[batch].to(self.device)
        with mixed_precision(self.device):
            if self.features is not None:
                logits = cast(Network, self.network).classify(self.features[batch])
            else:
                logits = self.network(self._inputs(self.pixels[batch], generator))
        loss = film_loss(logits.float(), target, self.positive, how.label_smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if how.gradient_clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), how.gradient_clip)
        self.optimiser.step()
        self.schedule.step()
        if self.average is not None:
            _update_average(self.average, self.network, how.average_decay)
        return loss.item(), int(rightly_answered(logits, target, self.positive).sum())

    # The patients set aside

    def _judge(self) -> tuple[float | None, float | None]:
        if not len(self.held_out_truth):
            return None, None
        logits = self._held_out_logits()
        loss = float(film_loss(logits, self.held_out_truth, self.positive))
        accuracy = float(rightly_answered(logits, self.held_out_truth, self.positive).float().mean())
        self.since_best += 1
        if loss < self.best_loss:
            self.best_loss, self.since_best = loss, 0
            self.best = _copy(self.network) if self.average is None else {k: v.clone() for k, v in self.average.items()}
        return loss, accuracy

    def _held_out_logits(self) -> Tensor:
        own = None if self.average is None else _copy(self.network)
        if self.average is not None:
            self.network.load_state_dict(self.average)
        self.network.eval()
        with torch.no_grad():
            batches = self.held_out_pixels.split(EVALUATION_BATCH)
            logits = torch.cat([self.network(self._inputs(batch, None)).float().cpu() for batch in batches])
        if own is not None:
            self.network.load_state_dict(own)
        return logits

    def result(self) -> Weights:
        """Return the weights to keep: the best held-out epoch's where the rule has patience, else the last."""
        rule = self.recipe.stopping
        if rule is not None and rule.patience and self.best is not None:
            return self.best
        return self.average if self.average is not None else _copy(self.network)

    # Checkpoints

    def state(self) -> Checkpoint:
        """Return everything the next epoch needs."""
        return Checkpoint(
            identity=self.identity,
            network=self.network.state_dict(),
            average=self.average,
            best=self.best,
            best_loss=self.best_loss,
            since_best=self.since_best,
            optimiser=self.optimiser.state_dict(),
            schedule=self.schedule.state_dict(),
            history=[asdict(report) for report in self.history],
        )

    def restore(self, done: Checkpoint) -> None:
        """Stand where the checkpoint was written."""
        self.history = [EpochReport(**report) for report in done.history]
        self._enter_stage(self._stage_of(len(self.history)))
        self.network.load_state_dict(done.network)
        self.optimiser.load_state_dict(done.optimiser)
        self.schedule.load_state_dict(done.schedule)
        if self.average is not None and done.average is not None:
            self.average = {name: value.to(self.device) for name, value in done.average.items()}
        self.best, self.best_loss, self.since_best = done.best, done.best_loss, done.since_best


def set_aside(films: TrainingFilms, rule: Stopping | None, seed: int) -> npt.NDArray[np.bool_]:
    """Return which films are set aside for stopping, (films,): whole patients, about the rule's share of every class.

    Raises
    ------
    TrainingError
        If the recipe asks for it and whose films they are is not known, or a class has one patient only.
    """
    aside = np.zeros(len(films.labels), dtype=bool)
    if rule is None:
        return aside
    if len(films.patients) != len(films.labels):
        raise TrainingError("The recipe stops on patients set aside, but whose film is whose is not known.")
    patients = np.asarray(films.patients)
    order = np.random.default_rng(seed).permutation(np.unique(patients))
    for label in np.unique(films.labels):
        inside = films.labels == label
        own = [p for p in order if bool((patients[inside] == p).any())]
        if len(own) < 2:
            raise TrainingError("A class has films of one patient only; none can be set aside for stopping.")
        wanted = max(1, round(rule.share * inside.sum()))
        for patient in own[:-1]:
            if (aside & inside).sum() >= wanted:
                break
            aside |= patients == patient
    return aside


def mixed_precision(device: str) -> AbstractContextManager[object]:
    """Return bf16 autocast (CPU with native instructions only: emulation is many times slower), or nothing."""
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


def film_loss(logits: Tensor, target: Tensor, positive: int, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean loss of logits (films, classes): cross-entropy, or for a target of -1 that of "not positive".

    What is known of such a film is that the probability of the positive class should be 0; the other classes share the rest
    as they will.
    """
    known = target >= 0
    if bool(known.all()):
        return functional.cross_entropy(logits, target, label_smoothing=label_smoothing)
    losses = functional.cross_entropy(logits, target.clamp_min(0), label_smoothing=label_smoothing, reduction="none")
    others = torch.cat([logits[:, :positive], logits[:, positive + 1 :]], dim=1)
    negative = logits.logsumexp(1) - others.logsumexp(1)
    return torch.where(known, losses, negative).mean()


def rightly_answered(logits: Tensor, target: Tensor, positive: int) -> Tensor:
    """Return which films have their class as the answer, or any but the positive one where the target is -1: bool (films,)."""
    answer = logits.argmax(1)
    return torch.where(target >= 0, answer == target, answer != positive)


def sampling_weights(strata: Tensor, power: float) -> Tensor:
    """Return the chance of each film to be drawn, (films,): 1 / size of its class or stratum ** power."""
    numbers = strata - strata.min() if len(strata) else strata
    counts = torch.bincount(numbers).clamp_min(1).double()
    return counts[numbers] ** -power


def _copy(network: nn.Module) -> Weights:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _update_average(average: Weights, network: nn.Module, decay: float) -> None:
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value.detach(), 1 - decay)
        else:
            average[name].copy_(value)
