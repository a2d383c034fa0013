"""What the network sees of a film: the largest centred square, standardised."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inference.augment import standardise_batch
from inference.preprocess import SquareCrop, film_to_square, input_crop, square_crop
from inference.recipe import Preprocessing


@pytest.mark.parametrize(
    ("rows", "columns", "aspect_ratio", "crop"),
    [
        (100, 100, 1.0, SquareCrop(0, 0, 100, 100)),
        (300, 200, 1.0, SquareCrop(50, 0, 200, 200)),
        (200, 301, 1.0, SquareCrop(0, 50.5, 200, 200)),
        (100, 100, 2.0, SquareCrop(25, 0, 50, 100)),
        (100, 300, 2.0, SquareCrop(0, 50, 100, 200)),
        (100, 100, 0.5, SquareCrop(0, 25, 100, 50)),
    ],
)
def test_the_crop_is_square_on_the_patient_and_in_the_middle(
    rows: int, columns: int, aspect_ratio: float, crop: SquareCrop
) -> None:
    assert square_crop(rows, columns, aspect_ratio) == crop


def test_a_square_film_of_the_right_size_is_left_as_it_is() -> None:
    film = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    assert np.array_equal(film_to_square(film, 64, square_crop(64, 64)), film)


def test_the_middle_of_a_wide_film_is_taken() -> None:
    film = np.zeros((32, 96), np.uint8)
    film[:, 32:64] = 200
    assert np.array_equal(film_to_square(film, 32, square_crop(32, 96)), np.full((32, 32), 200))


def test_a_large_film_is_averaged_not_sampled() -> None:
    film = np.indices((512, 512)).sum(axis=0) % 2 * np.uint8(200)
    square = film_to_square(film.astype(np.uint8), 64, square_crop(512, 512))
    assert (int(square.min()), int(square.max())) == (100, 100)


def standardised(*films: np.ndarray) -> np.ndarray:
    return standardise_batch(torch.from_numpy(np.stack(films))[:, None].float() / 255)[:, 0].numpy()


def test_each_film_is_standardised_by_itself() -> None:
    rng = np.random.default_rng(1)
    dark, bright = (rng.integers(low, low + 80, (64, 64), dtype=np.uint8) for low in (10, 160))
    for values in standardised(dark, bright):
        assert (values.dtype, values.shape) == (np.float32, (64, 64))
        assert float(values.mean()) == pytest.approx(0, abs=1e-4)
        assert float(values.std()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("grey", [0, 77, 255])
def test_a_film_of_one_grey_becomes_noughts(grey: int) -> None:
    assert np.abs(standardised(np.full((32, 32), grey, np.uint8))).max() < 1e-3


@pytest.mark.parametrize(
    ("crop", "seen"), [("square", SquareCrop(70, 10, 160, 80)), ("whole", SquareCrop(30, 10, 240, 80))], ids=["square", "whole"]
)
def test_a_margin_is_cut_off_each_edge_of_the_crop(crop: str, seen: SquareCrop) -> None:
    found = input_crop(Preprocessing(size=32, crop=crop, margin=0.1), 300, 100, 0.5 if crop == "square" else 1.0)
    assert (found.top, found.left, found.height, found.width) == pytest.approx((seen.top, seen.left, seen.height, seen.width))
