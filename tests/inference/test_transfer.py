"""Where training starts: nothing that has seen a patient of the films at hand is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from inference.bundle import Bundle
from inference.dataset import Sample, hash_of_patient, patient_hashes
from inference.errors import TrainingError
from inference.films import Films
from inference.networks.registry import build_network
from inference.recipe import Recipe
from inference.recipes import chest_resnet
from inference.transfer import chest_recipe, from_bundle, from_chest_bundle, starting_weights, without_patients_of

Finish = Callable[..., Any]


def begin(choice: str, recipe: Recipe, samples: tuple[Sample, ...], folder: Path, finish: Finish) -> Any:
    return finish(starting_weights(choice, recipe, Films(samples), folder, folder / "chest"))


def test_fresh_weights_are_no_start(
    tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...], tmp_path: Path, finish: Finish
) -> None:
    assert begin("fresh", tiny_recipe, tiny_samples, tmp_path, finish) is None


def test_an_unknown_start_is_told(
    tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...], tmp_path: Path, finish: Finish
) -> None:
    with pytest.raises(TrainingError, match=r"^There are no weights called 'magic': give fresh, imagenet, chest, a file or"):
        begin("magic", tiny_recipe, tiny_samples, tmp_path, finish)


def test_a_network_of_our_own_has_no_imagenet_weights(
    tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...], tmp_path: Path, finish: Finish
) -> None:
    with pytest.raises(TrainingError, match=r"^There are no ImageNet weights for the network 'darkcovidnet'"):
        begin("imagenet", tiny_recipe, tiny_samples, tmp_path, finish)


def test_a_model_that_has_seen_the_films_is_refused(tiny_bundle: Bundle, tiny_samples: tuple[Sample, ...]) -> None:
    with pytest.raises(TrainingError, match=r"^The model darkcovidnet has seen 24 of these films or their patients"):
        from_bundle(tiny_bundle, tiny_samples)


def test_a_model_that_has_seen_another_film_of_a_patient_is_refused(
    tiny_bundle: Bundle, tiny_samples: tuple[Sample, ...]
) -> None:
    other = [replace(tiny_samples[0], sha256="0" * 64)]
    with pytest.raises(TrainingError, match=r"has seen 1 of these films or their patients"):
        from_bundle(tiny_bundle, other)


def test_a_model_of_other_patients_gives_its_first_network(tiny_bundle: Bundle, tiny_samples: tuple[Sample, ...]) -> None:
    others = [replace(s, sha256=f"{n:064d}", patient=f"stranger-{n}") for n, s in enumerate(tiny_samples)]
    start = from_bundle(tiny_bundle, others)
    stored = load_file(tiny_bundle.folder / "weights.safetensors")
    assert set(start) == set(build_network(tiny_bundle.recipe).state_dict())
    assert torch.equal(start["stem.0.0.weight"], stored["fold-0.stem.0.0.weight"])


def test_the_pool_is_left_without_patients_and_films_of_the_target(tiny_samples: tuple[Sample, ...]) -> None:
    target = [tiny_samples[0], replace(tiny_samples[5], patient="somebody else")]
    kept = without_patients_of(tiny_samples, target)
    assert tiny_samples[0].patient not in {s.patient for s in kept}
    assert tiny_samples[5] not in kept
    assert len(kept) == 21


def test_chest_films_are_learned_with_the_network_and_size_of_the_target() -> None:
    recipe = replace(
        chest_resnet.RECIPE, network="resnet34_fastai", preprocessing=replace(chest_resnet.RECIPE.preprocessing, size=128)
    )
    first = chest_recipe(recipe)
    assert (first.network, first.preprocessing.size) == ("resnet34_fastai", 128)
    assert first.data.manifest == "pool_cxr3.csv"


def test_a_patient_is_named_by_a_hash() -> None:
    assert patient_hashes(["b", "a", "b"]) == sorted([hash_of_patient("a"), hash_of_patient("b")])
    assert "ieee-2" not in hash_of_patient("ieee-2")


def test_chest_starts_from_a_model_of_ours_that_knows_no_patient(
    tiny_bundle: Bundle, tiny_samples: tuple[Sample, ...], tmp_path: Path, finish: Finish
) -> None:
    others = tuple(replace(s, sha256=f"{n:064d}", patient=f"stranger-{n}") for n, s in enumerate(tiny_samples))
    start = finish(
        starting_weights("chest", tiny_bundle.recipe, Films(others), tmp_path, tmp_path, bundles=[tiny_bundle.folder])
    )
    stored = load_file(tiny_bundle.folder / "weights.safetensors")
    assert torch.equal(start["stem.0.0.weight"], stored["fold-0.stem.0.0.weight"])


def test_chest_passes_over_a_model_that_knows_a_patient_or_is_another_network(
    tiny_bundle: Bundle, tiny_samples: tuple[Sample, ...]
) -> None:
    assert from_chest_bundle(tiny_bundle.recipe, tiny_samples, [tiny_bundle.folder]) is None
    stranger = (replace(tiny_samples[0], sha256="0" * 64, patient="stranger"),)
    assert from_chest_bundle(tiny_bundle.recipe, stranger, [tiny_bundle.folder]) is not None
    other = replace(tiny_bundle.recipe, network="resnet18_w32")
    assert from_chest_bundle(other, stranger, [tiny_bundle.folder]) is None
