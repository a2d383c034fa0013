"""Where a training run stands after an epoch, in one file: written whole or not at all, read without running code."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.errors import TrainingError
from inference.files import write_whole


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything the next epoch needs; ``identity`` names recipe and seed."""

    identity: str
    network: dict[str, Tensor]
    average: dict[str, Tensor] | None
    best: dict[str, Tensor] | None
    best_loss: float
    since_best: int
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    history: list[dict[str, Any]]


def write_checkpoint(path: Path, state: Checkpoint) -> None:
    """Write a checkpoint over the one before.

    Raises
    ------
    TrainingError
        If the disk is full or the folder cannot be written to.
    """
    content = {entry.name: getattr(state, entry.name) for entry in fields(state)}
    write_whole(path, lambda stream: torch.save(content, stream))


def read_checkpoint(path: Path, identity: str) -> Checkpoint | None:
    """Return where the run of this identity stands; None if no epoch was finished, or the file is another run's.

    Raises
    ------
    TrainingError
        If the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = Checkpoint(**content)
    except (OSError, RuntimeError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(f"The checkpoint {path.name} of an earlier run is damaged; remove it.") from error
    return found if found.identity == identity else None
