"""Whether a map shows where the answer comes from: hot against random regions, and weights that learned nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from inference.contribution_map import contribution_maps, contributions
from inference.faithfulness import (
    Faithfulness,
    RegionsRead,
    blur,
    hottest,
    judge_map,
    random_regions,
    randomised,
    rank_correlation,
    read_again,
)
from inference.fine_contributions import fine_contributions
from inference.networks.cells import CellGrid
from inference.placement import film_field
from inference.predict import Predictor

Finish = Callable[[Any], Any]
FILM = np.random.default_rng(5).integers(0, 255, (96, 96), dtype=np.uint8)


# The verdict


def test_the_verdict_is_a_sentence_of_two_numbers_and_their_spread() -> None:
    found = Faithfulness(0, -0.41, (-0.01, -0.11))
    assert str(found) == "hot -0.41, random -0.06 +/- 0.07"
    assert (found.random_mean, found.random_spread) == pytest.approx((-0.06, 0.0707), abs=1e-4)


@pytest.mark.parametrize(
    ("hot", "random", "passes"),
    [(-0.41, -0.06, True), (-0.05, -0.06, False), (-0.06, -0.06, False), (0.02, 0.05, False), (-0.01, 0.05, True)],
)
def test_a_map_passes_if_the_hot_region_speaks_for_the_class_and_more_than_random_ones(
    hot: float, random: float, passes: bool
) -> None:
    assert Faithfulness(0, hot, (random,) * 20).passes is passes


def test_what_stands_in_the_place_of_a_map_says_why() -> None:
    assert Faithfulness(0, -0.02, (-0.06,) * 20).withheld == (
        "The map is withheld: deleting its hottest tenth changes the answer no more than deleting random tenths "
        "(hot -0.02, random -0.06 +/- 0.00), so it does not show where the answer comes from."
    )


# The regions


def test_the_hottest_tenth_is_a_tenth_whatever_the_map() -> None:
    field = np.zeros((50, 40))
    field[10:20, 5:25] = np.arange(200).reshape(10, 20) + 1
    assert np.array_equal(hottest(field), field > 0)
    assert hottest(np.zeros((50, 40))).sum() == 200


def test_random_regions_have_the_area_and_the_outline_of_the_hot_one() -> None:
    region = np.zeros((60, 60), np.bool_)
    region[5:15, 20:56] = True
    found = random_regions(region, 20, np.random.default_rng(0))
    assert {int(r.sum()) for r in found} == {360}
    assert {_outline(r) for r in found} == {_outline(region)} == {92}
    assert len({r.tobytes() for r in found}) == 20


def _outline(region: np.ndarray) -> int:
    return sum(int((region != np.roll(region, 1, axis)).sum()) for axis in (0, 1))


def test_the_same_seed_draws_the_same_regions() -> None:
    region = np.arange(400).reshape(20, 20) < 40
    drawn = [random_regions(region, 5, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_the_blurred_film_has_no_detail_and_the_same_brightness() -> None:
    blurred = blur(FILM)
    assert blurred.std() < 5 < FILM.std()
    assert blurred.mean() == pytest.approx(FILM.mean(), abs=2)


def test_a_map_is_hottest_on_the_film_where_its_cell_lies() -> None:
    cells = np.zeros((3, 3))
    cells[1, 2] = 1
    field = film_field(cells, CellGrid(0.5, 32), 96)
    assert np.unravel_index(field.argmax(), field.shape) == (32, 64)
    assert field[32, 48] == pytest.approx(0.5)
    assert field[32, 95] == 1  # level beyond the outer cells


# The judgement


class Looks(nn.Module):
    """A network whose first logit is the contrast of the film at its top left, and whose second is nought."""

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        seen = views[:, 0, :48, :48].std(dim=(1, 2))
        return torch.stack([seen, torch.zeros_like(seen), torch.zeros_like(seen)], dim=1)


@pytest.fixture
def looking(pooled_predictor: Predictor) -> Predictor:
    """Return a predictor that answers by the top left of a film alone."""
    predictor = Predictor(pooled_predictor.bundle, pooled_predictor.device)
    predictor._members = (Looks(), Looks())
    return predictor


@pytest.mark.parametrize(("row", "column", "passes"), [(0, 0, True), (2, 2, False), (2, 0, False)])
def test_the_map_that_points_at_what_the_network_looks_at_passes(
    looking: Predictor, pooled_predictor: Predictor, finish: Finish, row: int, column: int, passes: bool
) -> None:
    cells = np.zeros((3, 3))
    cells[row, column] = 1.0
    prediction = pooled_predictor.predict(FILM)
    own = looking.run(lambda: read_again(looking, [prediction.square], (0, 1)))[0]
    prediction.probabilities[:] = own
    found = finish(judge_map(looking, prediction, 0, cells, CellGrid(16, 32)))
    assert found.passes is passes
    assert len(found.random) == 20


def test_reading_again_is_reading(pooled_predictor: Predictor) -> None:
    prediction = pooled_predictor.predict(FILM)
    again = pooled_predictor.run(lambda: read_again(pooled_predictor, [prediction.square] * 2, prediction.members))
    assert again[0] == pytest.approx(prediction.probabilities.tolist(), abs=1e-6)
    assert again[1] == pytest.approx(again[0].tolist(), abs=1e-6)


def test_the_judgement_is_the_same_every_time_and_costs_21_readings(pooled_predictor: Predictor, finish: Finish) -> None:
    prediction = pooled_predictor.predict(FILM)
    (found,) = contribution_maps(pooled_predictor, prediction, [1])
    steps = list(judge_map(pooled_predictor, prediction, 1, found.cells, found.grid))
    assert steps == [RegionsRead(7), RegionsRead(14), RegionsRead(21)]
    first, again = (finish(judge_map(pooled_predictor, prediction, 1, found.cells, found.grid)) for _ in range(2))
    other = finish(judge_map(pooled_predictor, prediction, 1, found.cells, found.grid, seed=1))
    assert first == again
    assert (first.hot == other.hot, first.random == other.random) == (True, False)


def test_a_judgement_that_is_cancelled_leaves_the_predictor_free(pooled_predictor: Predictor) -> None:
    prediction = pooled_predictor.predict(FILM)
    (found,) = contribution_maps(pooled_predictor, prediction, [1])
    work = judge_map(pooled_predictor, prediction, 1, found.cells, found.grid)
    next(work)
    work.close()
    assert pooled_predictor.predict(FILM).logits.tolist() == prediction.logits.tolist()


# Weights that have learned nothing


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([1, 2, 3], [10, 20, 90], 1), ([1, 2, 3], [3, 2, 1], -1), ([1, 1, 2], [1, 2, 3], 0.866), ([1, 2, 3], [5, 5, 5], 0)],
)
def test_the_rank_correlation_is_spearmans(first: list[int], second: list[int], expected: float) -> None:
    assert rank_correlation(np.array(first, float), np.array(second, float)) == pytest.approx(expected, abs=1e-3)


def test_a_randomised_network_is_another_and_its_original_stays(pooled_predictor: Predictor) -> None:
    network = pooled_predictor.members[0]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first, again, other = (randomised(network, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])
    assert not torch.equal(first["conv1.weight"], before["conv1.weight"])


def test_randomised_weights_make_another_map(pooled_predictor: Predictor) -> None:
    """Over films and seeds: nine or 144 cells of one film may be alike by chance."""
    coarse, fine = [], []
    random = np.random.default_rng(3)
    network: Any = pooled_predictor.members[0]
    for seed in range(8):
        views = pooled_predictor.views(random.integers(0, 255, (96, 96), dtype=np.uint8))
        changed: Any = randomised(network, seed)
        own = [contributions(n.head[-1], n.target_layer(n.body(views)))[0] for n in (network, changed)]
        coarse.append(rank_correlation(own[0], own[1]))
        fine.append(rank_correlation(*(fine_contributions(n, views, [0])[0] for n in (network, changed))))
    assert abs(np.mean(coarse)) < 0.3
    assert abs(np.mean(fine)) < 0.3
