"""The gate beside a model of slices, as the window asks it: lungs, plain statistics, and no network that knows chest films."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from inference.card import read_card
from inference.gate.gate import GATE, Gate, Thresholds
from inference.gate.mahalanobis import DepthStatistics, DistanceScale
from viewer.second_reader.fitness import Fitness
from viewer.second_reader.picture_gate import PictureGate


@pytest.fixture
def of_slices(shipped_model, tmp_path):
    """Return the folder of a model whose gate knows its features only."""
    folder = shutil.copytree(shipped_model, tmp_path / "slices")
    limits = Thresholds(-np.inf, np.inf, 3.0, 2.0, tuple(np.linspace(-3, 4, 101)))
    depth = DepthStatistics(np.zeros((2, 4)), np.eye(4))
    gate = Gate((), (), ((depth,),), DistanceScale(np.zeros(1), np.ones(1)), limits)
    gate.save(folder / GATE)
    card = read_card(folder)
    card["files"][GATE] = hashlib.sha256((folder / GATE).read_bytes()).hexdigest()
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


@pytest.fixture
def lung_slice():
    y, x = np.mgrid[0:200, 0:200] / 200
    body = ((x - 0.5) / 0.42) ** 2 + ((y - 0.5) / 0.34) ** 2 < 1
    lungs = sum(((x - centre) / 0.13) ** 2 + ((y - 0.48) / 0.2) ** 2 < 1 for centre in (0.32, 0.68))
    noise = np.random.default_rng(0).normal(0, 4, (200, 200))
    return np.clip(150.0 * body - 120 * lungs + 10 * y + noise + 10, 0, 255).astype(np.uint8)


def judged(grey, picture, folder):
    gate = PictureGate()
    work = gate.judge(grey, picture(grey, "uint8"), folder, "ct")
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value, gate.gate


def test_a_slice_of_the_lungs_passes_a_gate_of_features(of_slices, lung_slice, picture):
    fitness, gate = judged(lung_slice, picture, of_slices)
    assert fitness == Fitness()
    assert gate.senses == ()


@pytest.mark.parametrize(("make", "code"), [(np.zeros_like, "no_lung"), (lambda grey: grey // 100 * 100, "few_greys")])
def test_what_shows_no_lungs_or_is_a_drawing_is_refused(of_slices, lung_slice, picture, make, code):
    fitness, _ = judged(make(lung_slice), picture, of_slices)
    assert [reason.code for reason in fitness.refusals] == [code]
