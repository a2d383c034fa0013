"""The controls see what they are said to see and nothing else, and a network has to beat them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from inference import shortcuts
from inference.dataset import Sample, find_manifest, label_indices, patient_folds, read_manifest
from inference.errors import DatasetError
from inference.recipes.darkcovidnet import RECIPE
from inference.shortcuts import (
    CONTROLS,
    beats,
    control_features,
    control_squares,
    held_out_films,
    judge_control,
    judge_controls,
)

TRUTH = np.arange(60) % 3
EVEN, ODD = np.arange(0, 60, 2), np.arange(1, 60, 2)
DIVISIONS = [(EVEN, ODD), (ODD, EVEN)]
SAMPLES = [
    Sample(Path(f"{n}.png"), str(n), "x", "train", f"p{n}", origin=f"a/{n}.PNG", origin_width="900", origin_height="600")
    for n in range(60)
]


@pytest.fixture(autouse=True)
def small_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "TREES", 5)


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 90, (60, 64, 64), dtype=np.uint8)


def lit(top: int, left: int, side: int) -> np.ndarray:
    """Return noisy squares in which a patch is the brighter the higher the class."""
    squares = noise()
    squares[:, top : top + side, left : left + side] += (50 * TRUTH).astype(np.uint8)[:, None, None]
    return squares


def accuracy(kind: str, squares: np.ndarray, samples: list[Sample]) -> float:
    features = control_features(kind, samples, squares)
    assert features is not None
    answers = judge_control(kind, features, TRUTH, EVEN, ODD, 3)
    return float((answers.argmax(axis=1) == TRUTH[ODD]).mean())


# What they see


@pytest.mark.parametrize(("kind", "features"), [("thumbnail", 256), ("frame", 960), ("lungs_blacked_out", 256)])
def test_pictures_become_so_many_numbers_between_nought_and_one(kind: str, features: int) -> None:
    white = np.full((2, 64, 64), 255, dtype=np.uint8)
    found = control_features(kind, SAMPLES[:2], white)
    assert found is not None
    assert (found.shape, found.max()) == ((2, features), 1.0)


def test_a_thumbnail_is_the_mean_of_sixteen_pixels_in_their_order() -> None:
    square = np.arange(64 * 64).reshape(1, 64, 64) % 251
    found = control_features("thumbnail", SAMPLES[:1], square.astype(np.uint8))
    assert found is not None
    assert found[0, 17] == pytest.approx(square[0, 4:8, 4:8].mean() / 255)


@pytest.mark.parametrize(
    ("place", "seen_by"),
    [
        ((24, 24, 16), {"thumbnail"}),
        ((0, 0, 4), {"thumbnail", "frame", "lungs_blacked_out"}),
        ((4, 4, 4), {"thumbnail", "lungs_blacked_out"}),
    ],
)
def test_each_control_sees_its_part_of_the_film_alone(place: tuple[int, int, int], seen_by: set[str]) -> None:
    top, left, side = place
    before, after = noise(), noise()
    after[:, top : top + side, left : left + side] = 255
    pairs = {kind: [control_features(kind, SAMPLES, squares) for squares in (before, after)] for kind in CONTROLS}
    assert {kind for kind, (one, other) in pairs.items() if not np.array_equal(one, other)} == seen_by


def test_half_of_the_area_is_painted_black() -> None:
    found = control_features("lungs_blacked_out", SAMPLES[:1], np.full((1, 64, 64), 255, dtype=np.uint8))
    assert found is not None
    assert 1 - found.mean() == pytest.approx(46**2 / 64**2)
    assert found.reshape(16, 16)[3:13, 3:13].max() == 0


@pytest.mark.parametrize(
    "told_by",
    [
        lambda n: {"origin_width": str(600 + 150 * (n % 3))},
        lambda n: {"origin": f"a/{n}.{('jpg', 'jpeg', 'png')[n % 3]}"},
    ],
)
def test_file_facts_see_size_and_ending_and_no_picture(told_by: Callable[[int], dict[str, str]]) -> None:
    samples = [replace(s, **told_by(n)) for n, s in enumerate(SAMPLES)]
    assert accuracy("file_facts", noise(), samples) == 1.0
    assert accuracy("file_facts", lit(0, 0, 64), SAMPLES) < 0.5


def test_file_facts_are_as_written() -> None:
    samples = [replace(SAMPLES[0], origin_height="900"), replace(SAMPLES[1], origin="a/b.jpg")]
    found = control_features("file_facts", samples, noise()[:2])
    assert found is not None
    assert found.tolist() == [[900, 900, 1, 810_000, 1, 0, 1], [900, 600, 1.5, 540_000, 0, 1, 0]]


@pytest.mark.parametrize("lacking", [{"origin": ""}, {"origin_width": ""}, {"origin_height": "?"}])
def test_films_without_facts_have_no_such_control(lacking: dict[str, str]) -> None:
    samples = [*SAMPLES[:-1], replace(SAMPLES[-1], **lacking)]
    assert control_features("file_facts", samples, noise()) is None
    assert list(judge_controls(samples, TRUTH, DIVISIONS, 3, noise())) == ["thumbnail", "frame", "lungs_blacked_out"]


def test_an_unknown_control_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^There is no control called horoscope\.$"):
        control_features("horoscope", SAMPLES, noise())


def test_squares_are_the_middle_of_the_films(tmp_path: Path) -> None:
    grey = np.full((200, 100), 255, dtype=np.uint8)
    grey[50:150, :50], grey[50:150, 50:] = 30, 90
    PillowImage.fromarray(grey).save(tmp_path / "film.png")
    (square,) = control_squares([replace(SAMPLES[0], path=tmp_path / "film.png")])
    assert (square.shape, square.dtype) == ((64, 64), np.uint8)
    assert (np.unique(square[1:-1, :30]).tolist(), np.unique(square[1:-1, 34:]).tolist()) == ([30], [90])


# How they are judged


@pytest.mark.parametrize("kind", CONTROLS)
def test_the_same_seed_gives_the_same_probabilities(kind: str) -> None:
    features = control_features(kind, SAMPLES, lit(0, 0, 20))
    assert features is not None
    once, again = (judge_control(kind, features, TRUTH, EVEN, ODD, 3, seed=4) for _ in range(2))
    assert np.array_equal(once, again)
    assert once.sum(axis=1) == pytest.approx(np.ones(30))


@pytest.mark.parametrize("kind", ["thumbnail", "frame"])
def test_a_class_without_training_films_gets_nothing(kind: str) -> None:
    features = control_features(kind, SAMPLES, lit(0, 0, 20))
    assert features is not None
    without = EVEN[TRUTH[EVEN] != 1]
    found = judge_control(kind, features, TRUTH, without, ODD, 3)
    assert (found[:, 1] == 0).all() and (found[:, [0, 2]].argmax(axis=1) == TRUTH[ODD] / 2)[TRUTH[ODD] != 1].all()
    alone = judge_control(kind, features, TRUTH, EVEN[TRUTH[EVEN] == 2], ODD, 3)
    assert alone.tolist() == [[0, 0, 1]] * 30
    assert judge_control(kind, features, TRUTH, EVEN, ODD[:0], 3).shape == (0, 3)


def test_divisions_that_cannot_be_are_refused() -> None:
    features = noise().reshape(60, -1) / 255
    with pytest.raises(DatasetError, match=r"^A control needs films to train on"):
        judge_control("thumbnail", features, TRUTH, EVEN[:0], ODD, 3)
    with pytest.raises(DatasetError, match=r"^A film stands in training and in the held-out films"):
        judge_control("thumbnail", features, TRUTH, EVEN, EVEN[:1], 3)


def test_rows_are_the_held_out_films_rising_each_with_the_mean_of_its_answers() -> None:
    squares, held_out = lit(0, 0, 20), np.array([9, 3])
    divisions = [(EVEN, held_out), (ODD[20:], np.array([3]))]
    found = judge_controls(SAMPLES, TRUTH, divisions, 3, squares)["thumbnail"]
    features = control_features("thumbnail", SAMPLES, squares)
    assert features is not None
    first, second = (judge_control("thumbnail", features, TRUTH, *division, 3) for division in divisions)
    assert held_out_films(divisions).tolist() == [3, 9]
    assert found == pytest.approx(np.array([(first[1] + second[0]) / 2, first[0]]))


def test_the_published_films_are_told_apart_by_their_files(shared_data: Path) -> None:
    samples = read_manifest(find_manifest(shared_data, RECIPE.data.manifest), RECIPE.class_names)
    truth, fold = label_indices(samples, RECIPE), patient_folds(samples, 5)
    features = control_features("file_facts", samples, np.empty((0, 64, 64), dtype=np.uint8))
    assert features is not None
    found = judge_control("file_facts", features, truth, np.flatnonzero(fold), np.flatnonzero(fold == 0), 3)
    covid = RECIPE.class_names.index("covid")
    assert ((found.argmax(axis=1) == covid) == (truth[fold == 0] == covid)).all()


# Beside a network


def test_a_network_beats_a_control_only_beyond_its_interval() -> None:
    control = np.arange(400) % 2 == 0
    patients = [str(n) for n in range(400)]
    barely, clearly = control.copy(), control.copy()
    barely[[1, 3, 5, 7, 0, 2]] ^= True
    clearly[1:121:2] = True
    assert beats(barely, control, patients)["difference"] == pytest.approx(2 / 400)
    assert not beats(barely, control, patients)["beats"]
    found = beats(clearly, control, patients)
    assert found["beats"] and [found["low"], found["high"]] == pytest.approx([0.115, 0.185], abs=0.01)


def test_films_of_few_patients_do_not_make_a_gain_certain() -> None:
    gain = np.repeat([True, True, False, False], 50)
    apart = beats(gain, np.zeros(200, dtype=bool), [str(n) for n in range(200)])
    together = beats(gain, np.zeros(200, dtype=bool), [str(n // 50) for n in range(200)])
    assert (apart["beats"], together["beats"]) == (True, False)


def test_the_gain_is_paired_film_by_film() -> None:
    """Both wrong about the same films: their difference has no spread, whatever their accuracies."""
    right = np.arange(100) % 3 == 0
    found = beats(right, right, [str(n) for n in range(100)])
    assert found == {"difference": 0.0, "low": 0.0, "high": 0.0, "beats": False}


def test_too_little_to_compare_is_no_victory() -> None:
    none = {"low": None, "high": None, "beats": False}
    assert beats(np.array([True]), np.array([False]), ["a"]) == {"difference": 1.0} | none
    assert beats(np.array([], dtype=bool), np.array([], dtype=bool), []) == {"difference": None} | none
    with pytest.raises(DatasetError, match=r"^1 answers of a network, 2 of a control and 1 patients do not belong together\.$"):
        beats(np.array([True]), np.array([True, True]), ["a"])
