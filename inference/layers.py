"""Which layers learn in a stage of training, at which rate and under which schedule; and the body taken from elsewhere."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from inference.errors import TrainingError
from inference.networks.registry import Network
from inference.recipe import Optimisation, Stage

_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)


def start_stage(
    network: nn.Module, how: Optimisation, stage: Stage, steps_per_epoch: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Freeze and free the network's layers for a stage; return its optimiser and its schedule, stepped every batch."""
    freeze(network, stage.frozen_body)
    groups = parameter_groups(network, how, stage)
    kind = torch.optim.AdamW if how.optimiser == "adamw" else torch.optim.Adam
    optimiser = kind(groups, lr=stage.learning_rate, betas=how.betas)
    rates = [float(group["lr"]) for group in groups]  # type: ignore[arg-type]
    steps = steps_per_epoch * stage.epochs
    if how.schedule == "constant":
        return optimiser, torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0, total_iters=0)
    warm_up = how.warm_up if how.warm_up * steps > 1 else 0.0  # a warm-up of one step divides by zero in the schedule
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps, pct_start=warm_up)


def freeze(network: nn.Module, frozen_body: bool) -> None:
    """Let everything learn, or the head and the body's batch normalisation alone (as fastai's ``train_bn`` does)."""
    network.requires_grad_(not frozen_body)
    for module in network.modules():
        if isinstance(module, _NORMALISATIONS):
            module.requires_grad_(True)
    for module in cast(Network, network).layer_groups[-1]:
        module.requires_grad_(True)


def body_never_changes(network: nn.Module) -> bool:
    """Return whether a frozen body gives a film the same features every time: no normalisation, no dropout before the head."""
    head = {id(module) for part in cast(Network, network).layer_groups[-1] for module in part.modules()}
    moving = (*_NORMALISATIONS, nn.Dropout)
    return not any(isinstance(module, moving) and id(module) not in head for module in network.modules())


def parameter_groups(network: nn.Module, how: Optimisation, stage: Stage) -> list[dict[str, object]]:
    """Return the optimiser's groups: the layers' rates on a geometric line, weight decay on weights of several axes only.

    Under "adam" only the head's weights decay (Keras puts its L2 there).
    """
    layers = cast(Network, network).layer_groups
    groups: list[dict[str, object]] = []
    for number, group in enumerate(layers):
        last = number == len(layers) - 1
        rate = stage.learning_rate * stage.first_rate ** (1 - number / max(len(layers) - 1, 1))
        decay = how.weight_decay if how.optimiser == "adamw" or last else 0.0
        learning = [p for module in group for p in module.parameters() if p.requires_grad]
        for parameters, own_decay in (
            ([p for p in learning if p.ndim > 1], decay),
            ([p for p in learning if p.ndim <= 1], 0.0),
        ):
            if parameters:
                groups.append({"params": parameters, "lr": rate, "weight_decay": own_decay})
    return groups


def body_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of everything before the head, by name."""
    head = {id(t) for part in cast(Network, network).layer_groups[-1] for t in (*part.parameters(), *part.buffers())}
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {name: tensor for name, tensor in tensors.items() if id(tensor) not in head}


def take_body(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy the body from tensors of the same architecture; the head stays as it is.

    Raises
    ------
    TrainingError
        If a tensor of the body is missing or has another shape.
    """
    with torch.no_grad():
        for name, own in body_tensors(network).items():
            given = tensors.get(name)
            if given is None or given.shape != own.shape:
                raise TrainingError(f"The weights to start from do not fit this network: {name} is missing or another size.")
            own.copy_(given)
