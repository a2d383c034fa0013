"""train-lungs, as the command line calls it; the training itself is tested in tests/inference/test_lungs.py."""

import argparse

import numpy as np
import pytest

from inference.lungs.films import read_synthetic_films
from viewer.verbs import train_lungs
from viewer.verbs.lung_training import draw_synthetic_films


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    train_lungs.add_parser(parser.add_subparsers())
    return parser


def test_synthetic_films_are_drawn_with_their_lungs(tmp_path):
    draw_synthetic_films(tmp_path, count=2)
    first, second = read_synthetic_films(tmp_path)
    assert (first.placement.height, first.placement.width) == (128, 107)
    lungs = first.mask > 127
    assert 0.2 < lungs.mean() < 0.5
    assert not lungs[70:90, 60:68].any()
    assert first.grey[lungs].mean() < first.grey[70:90, 60:68].mean() - 50
    assert not np.array_equal(first.grey, second.grey)


def test_a_folder_without_masks_is_said_in_one_sentence(parser, tmp_path, capsys):
    options = parser.parse_args(["train-lungs", "--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert options.run(options) == 1
    assert capsys.readouterr().err.startswith("The manifest lung_masks.csv was not found in the folder")


def test_limits_are_not_measured_with_a_network_that_is_not_there(parser, tmp_path, shipped_model, capsys):
    arguments = ["--data", str(tmp_path), "--out", str(tmp_path), "--model", str(shipped_model), "--limits-only"]
    options = parser.parse_args(["train-lungs", *arguments])
    assert options.run(options) == 1
    assert "The lung network in" in capsys.readouterr().err
