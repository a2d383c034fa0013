"""Distances to the films the model was judged on."""

from __future__ import annotations

import numpy as np
import pytest

from inference.bundle import Bundle, Embeddings
from inference.dataset import Sample, load_grey
from inference.predict import Predictor
from inference.trust import example_distances, held_out_neighbour_distances, median_distance, neighbour_distance


@pytest.fixture
def embeddings() -> Embeddings:
    """Return three films of member 0 on a line and two of member 1 elsewhere."""
    vectors = np.array([[0, 0], [3, 4], [6, 8], [100, 0], [100, 2]], np.float32)
    return Embeddings(vectors, np.array([0, 0, 0, 1, 1]), np.array([5, 2], np.float32))


def test_the_median_distance_is_that_of_all_pairs() -> None:
    assert median_distance(np.array([[0, 0], [3, 4], [6, 8]], np.float32)) == pytest.approx(5)
    assert median_distance(np.array([[0], [1], [3], [7]], np.float32)) == pytest.approx(3.5)


def test_each_example_is_compared_in_the_features_of_its_own_member(embeddings: Embeddings) -> None:
    query = np.array([[0, 0], [100, 4]], np.float32)
    assert example_distances(query, embeddings).tolist() == [0, 1, 2, 2, 1]
    exchanged = example_distances(query[::-1], embeddings)
    assert exchanged[3:].tolist() == pytest.approx([50, 50.01], abs=0.01)


def test_the_neighbour_distance_is_averaged_over_the_members(embeddings: Embeddings) -> None:
    query = np.array([[0, 0], [100, 4]], np.float32)
    assert neighbour_distance(query, embeddings) == pytest.approx((1 + 1.5) / 2)


def test_only_the_nearest_five_count() -> None:
    vectors = np.array([[1], [2], [3], [4], [5], [1000]], np.float32)
    one = Embeddings(vectors, np.zeros(6, np.int64), np.ones(1, np.float32))
    assert neighbour_distance(np.zeros((1, 1), np.float32), one) == 3


def test_a_held_out_film_is_no_neighbour_of_its_own() -> None:
    vectors = np.array([[0], [1], [2], [3], [4], [5], [100]], np.float32)
    one = Embeddings(vectors, np.zeros(7, np.int64), np.array([2], np.float32))
    found = held_out_neighbour_distances(one)
    assert found[0] == pytest.approx((1 + 2 + 3 + 4 + 5) / 5 / 2)
    assert found[6] == pytest.approx((95 + 96 + 97 + 98 + 99) / 5 / 2)


def test_an_example_is_most_like_itself(
    tiny_bundle: Bundle, tiny_predictor: Predictor, tiny_samples: tuple[Sample, ...]
) -> None:
    embeddings = tiny_bundle.embeddings()
    for number in (0, 7, 23):
        found = tiny_predictor.predict(load_grey(tiny_samples[number].path))
        own = embeddings.fold == embeddings.fold[number]
        distances = np.where(own, example_distances(found.embeddings, embeddings), np.inf)
        assert int(distances.argmin()) == number
        assert distances[number] < 0.02


def test_the_card_orders_its_distances(tiny_bundle: Bundle) -> None:
    limits = tiny_bundle.card["neighbours"]
    assert 0 < limits["q50"] <= limits["q95"] <= limits["q99"]
    found = held_out_neighbour_distances(tiny_bundle.embeddings())
    assert limits["q50"] == pytest.approx(float(np.median(found)))
