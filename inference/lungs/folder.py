"""The lung network's folder: trained, judged on patients it never saw, and written with a card that says so."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save
from torch import nn

from inference.card import CARD, WEIGHTS
from inference.files import make_folder, write_bytes
from inference.lungs.films import (
    MASKS,
    UNMASKED,
    LungFilm,
    digest_of,
    divide,
    read_masked_films,
    read_synthetic_films,
    read_unmasked_films,
)
from inference.lungs.network import SIDE, WIDTHS
from inference.lungs.segment import FORMAT, fill_lung_network, read_lung_card
from inference.lungs.train import LungProgress, LungTraining, judge_lungs, train_lungs
from inference.train import Weights

TITLE = "Lungs on frontal chest films"
TRUTH = "The masks judged against were made by a published network and not drawn by hand: weak as truth."


def make_lung_folder(
    data: Path, synthetic: Path, folder: Path, how: LungTraining
) -> Generator[LungProgress, None, dict[str, Any]]:
    """Train the lung network on a folder of films and write ``weights.safetensors`` and ``card.json``; return the card.

    Parameters
    ----------
    data
        Holds ``lung_masks.csv``, ``pool_cxr3.csv`` and ``extra_tb.csv``, or a folder that does.
    synthetic
        Holds synthetic films and their masks, ``NAME.png`` and ``NAME-lungs.png``; may be empty.

    Raises
    ------
    InferenceError
        One sentence: a missing manifest or film, a full disk.
    """
    make_folder(folder)
    began = time.process_time()
    masked, drawn = read_masked_films(data), read_synthetic_films(synthetic)
    training, held_out = divide(masked, how.held_out_share, how.seed)
    unmasked = read_unmasked_films(data, masked)
    order = np.random.default_rng(how.seed).permutation(len(unmasked))
    weights = yield from train_lungs(training, drawn, [unmasked[i] for i in order], how)
    card = lung_card(weights, training, held_out, drawn, how)
    card["training"]["cpu_seconds"] = round(time.process_time() - began)
    write_lung_folder(folder, weights, card)
    return card


def lung_card(
    weights: Weights,
    training: tuple[LungFilm, ...],
    held_out: tuple[LungFilm, ...],
    drawn: tuple[LungFilm, ...],
    how: LungTraining,
) -> dict[str, Any]:
    """Return the card of a trained network: what it is, what it learned from, how it does on the held-out films."""
    network = fill_lung_network(weights)
    parameters = sum(p.numel() for p in network.parameters())
    films = {"masks": MASKS, "without_masks": list(UNMASKED), "truth": TRUTH, "synthetic": len(drawn)}
    sides = {"training": _side(training), "held_out": _side(held_out), "synthetic_sha256": digest_of(drawn)}
    metrics = {"dice_held_out": judge_lungs(network, held_out), "dice_synthetic": _judge_if_any(network, drawn)}
    return {
        "format": FORMAT,
        "kind": "lungs",
        "name": "lungs",
        "title": TITLE,
        "network": {"kind": "U-Net", "side": SIDE, "widths": list(WIDTHS), "parameters": parameters},
        "training": {**asdict(how)},
        "films": {**films, **sides},
        "metrics": metrics,
        "files": {},
    }


def write_lung_folder(folder: Path, weights: Weights, card: dict[str, Any]) -> None:
    """Write the weights, then the card with their hash; TrainingError if the disk refuses."""
    content = bytes(save({name: tensor.contiguous() for name, tensor in weights.items()}))
    write_bytes(folder / WEIGHTS, content)
    card["files"] = {WEIGHTS: hashlib.sha256(content).hexdigest()}
    _write_card(folder, card)


def add_to_card(folder: Path, key: str, content: dict[str, Any]) -> None:
    """Put one more entry on the card, as the limits of the audit; BundleError if the folder is none of ours."""
    _write_card(folder, {**read_lung_card(folder), key: content})


def _write_card(folder: Path, card: dict[str, Any]) -> None:
    write_bytes(folder / CARD, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def _side(films: tuple[LungFilm, ...]) -> dict[str, Any]:
    return {"films": len(films), "patients": len({f.patient for f in films}), "sha256": digest_of(films)}


def _judge_if_any(network: nn.Module, films: tuple[LungFilm, ...]) -> dict[str, Any] | None:
    return judge_lungs(network, films) if films else None
