"""A stored input gives the stored output, for every model that ships."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inference.bundle import Bundle, list_bundles, open_bundle
from inference.errors import BundleError
from inference.predict import CPU, Predictor
from inference.self_test import answer, check, picture

SHIPPED = list_bundles(Path(__file__).resolve().parents[2] / "resources" / "models")


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_model_that_ships_answers_as_its_card_says(folder: Path) -> None:
    bundle = open_bundle(folder)
    check(bundle, Predictor(bundle, CPU))


def test_the_test_picture_is_always_the_same() -> None:
    assert picture()[144, [96, 160, 224]].tolist() == pytest.approx([22, 141, 38], abs=1)


def test_a_new_model_has_its_answer_on_its_card(tiny_bundle: Bundle, tiny_predictor: Predictor) -> None:
    assert tiny_bundle.card["self_test"] == answer(tiny_predictor)


def test_another_answer_is_told(tiny_bundle: Bundle, tiny_predictor: Predictor) -> None:
    other = {name: 1 - p for name, p in tiny_bundle.card["self_test"].items()}
    with pytest.raises(BundleError, match=r"^The model darkcovidnet answers the test picture with .*, where its card says"):
        check(replace(tiny_bundle, card=tiny_bundle.card | {"self_test": other}), tiny_predictor)


def test_a_card_without_an_answer_is_told(tiny_bundle: Bundle, tiny_predictor: Predictor) -> None:
    card = {key: value for key, value in tiny_bundle.card.items() if key != "self_test"}
    with pytest.raises(BundleError, match=r"^The card of the model darkcovidnet holds no answer to the test picture\.$"):
        check(replace(tiny_bundle, card=card), tiny_predictor)
