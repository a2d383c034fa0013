"""The audit on real films: a network that learned a corner marker is found out by its verdicts.

Both classes come from one collection. COVID-19 films are told from the others without any marker, by their source: a network
that learned marked COVID-19 films answers nearly all of them so with and without the marker, and the audit rightly says that
the marker does not move the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from inference.audit import Audit, audit_film, limits_of_card
from inference.bundle import Bundle, pack_members
from inference.dataset import Sample, load_grey, read_manifest
from inference.lungs.segment import LungFinder
from inference.networks.registry import build_network
from inference.predict import CPU, Predictor
from inference.preprocess import film_to_square, square_crop
from inference.recipe import FilmClass, Preprocessing
from inference.recipes.darkcovidnet import RECIPE

SHIPPED = Path(__file__).resolve().parents[2] / "resources" / "models" / "lungs"
CLASSES = (FilmClass("pneumonia", "Pneumonia"), FilmClass("no_finding", "No finding"))
SIDE = 64
LEARNED, JUDGED = 100, 20
"""Films of each class the network learns from, and others of other patients it is judged on."""

Bytes = npt.NDArray[np.uint8]
Films = dict[str, list[Bytes]]


def with_marker(grey: Bytes) -> Bytes:
    """Return the film with a white letter in the upper right corner of the square that a network sees."""
    rows, columns = grey.shape
    side = min(rows, columns)
    right, top = (columns + side) // 2 - side // 40, (rows - side) // 2 + side // 40
    picture = PillowImage.fromarray(grey)
    ImageDraw.Draw(picture).text((right, top), "R", 255, font=ImageFont.load_default(side // 8), anchor="ra")
    return np.asarray(picture)


def one_of_each_patient(pool: Path, label: str) -> list[Sample]:
    """Return films of a class in a fixed order, of each patient the first."""
    found = [s for s in read_manifest(pool, ("covid", "no_finding", "pneumonia")) if s.label == label]
    return list({s.patient: s for s in sorted(found, key=lambda s: s.sha256)}.values())


@pytest.fixture(scope="module")
def films(shared_data: Path) -> Films:
    pool = shared_data / "cxr" / "pool_cxr3.csv"
    return {c.name: [load_grey(s.path) for s in one_of_each_patient(pool, c.name)[: LEARNED + JUDGED]] for c in CLASSES}


def square(grey: Bytes) -> Bytes:
    return film_to_square(grey, SIDE, square_crop(*grey.shape))


@pytest.fixture(scope="module")
def predictor(films: Films, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Return a small network trained for some seconds on films of which those of pneumonia alone bear the marker."""
    shown = [with_marker(grey) for grey in films["pneumonia"][:LEARNED]] + films["no_finding"][:LEARNED]
    truth = torch.tensor([0] * LEARNED + [1] * LEARNED)
    squares = torch.from_numpy(np.stack([square(grey) for grey in shown]))[:, None].float() / 255
    squares = (squares - squares.mean((1, 2, 3), keepdim=True)) / squares.std((1, 2, 3), keepdim=True)
    recipe = replace(
        RECIPE, network="resnet18_w32", classes=CLASSES, preprocessing=Preprocessing(size=SIDE), reading_rotations=(0.0,)
    )
    torch.manual_seed(0)
    network = build_network(recipe).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for step in range(80):
        rows = torch.arange(step % 5, 2 * LEARNED, 5)
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(squares[rows]), truth[rows]).backward()
        optimiser.step()
    settle(network, squares)
    folder = tmp_path_factory.mktemp("marker-model")
    (folder / "weights.safetensors").write_bytes(pack_members({"one": network.state_dict()}))
    card: dict[str, Any] = {
        "name": "marker",
        "members": ["one"],
        "temperature": 1.0,
        "classes": [asdict(c) for c in CLASSES],
        "preprocessing": {"reading_rotations": [0.0]},
    }
    return Predictor(Bundle(folder, card, recipe, ""), CPU)


def settle(network: torch.nn.Module, squares: torch.Tensor) -> None:
    """Give the network statistics of the films themselves: after a few steps it still has those of its start."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network(squares)


def test_verdicts_flag_nine_of_ten_marked_films_of_a_model_that_uses_the_marker(
    predictor: Predictor, films: Films, finish: Callable[..., Audit]
) -> None:
    finder = LungFinder(SHIPPED)
    limits = limits_of_card(finder.card)
    marked = [with_marker(grey) for own in films.values() for grey in own[LEARNED:]]
    found = [finish(audit_film(predictor, grey, finder.find(grey), limits)) for grey in marked]
    assert len(found) == 40
    assert sum(audit.verdict in ("marker", "outside") for audit in found) >= 36
