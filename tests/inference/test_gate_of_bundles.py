"""The gate a bundle carries: made with the model, fitted anew beside it, lent its sense networks; what it judges then."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from inference.assemble import assemble
from inference.bundle import Bundle, open_bundle
from inference.card import CARD, read_card
from inference.dataset import Sample
from inference.errors import BundleError, TrainingError
from inference.external.reading import read_outside
from inference.gate.bundled import find_lender, gate_of
from inference.gate.gate import GATE, Gate, Thresholds, gate_of_bundle
from inference.gate.lung_slice import check_slice
from inference.gate.sense import SenseNetwork
from inference.gate_renewal import other_lender, renew_gate, sense_groups, senses_of
from inference.members import plan_members
from inference.networks.registry import build_network
from inference.predict import CPU, Predictor
from inference.recipe import Recipe
from inference.renewal import films_of, renew_bundle
from inference.train import round_weights
from main import main

Finish = Callable[[Any], Any]


@pytest.fixture(scope="session")
def lender(tiny_folder: Path) -> Gate:
    """Return a gate with two sense networks of its own, which let everything through."""
    torch.manual_seed(5)
    bare = gate_of_bundle(tiny_folder)
    assert bare is not None
    networks = tuple(SenseNetwork().eval().requires_grad_(False) for _ in range(2))
    return replace(bare, senses=networks, left_out=((0,), (1,)))


def give(folder: Path, made: Gate, **changed: Any) -> Path:
    """Put a gate beside a model, and on its card."""
    made.save(folder / GATE)
    card = read_card(folder) | changed
    (folder / CARD).write_text(json.dumps(card | gate_of(Bundle(folder, card, open_recipe(folder), ""))), encoding="utf-8")
    return folder


def open_recipe(folder: Path) -> Recipe:
    return open_bundle(folder, unchecked=(GATE,)).recipe


def as_ct(folder: Path) -> Path:
    """Make a model one of CT slices."""
    card = read_card(folder)
    card["recipe_record"]["modality"] = "ct"
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    return folder


# Made with the model


@pytest.fixture(scope="session")
def small_recipe(tiny_recipe: Recipe) -> Recipe:
    how = replace(tiny_recipe.preprocessing, size=32)
    return replace(tiny_recipe, network="resnet18_w32", preprocessing=how, data=replace(tiny_recipe.data, protocol_members=0))


@pytest.fixture
def assembled(small_recipe: Recipe, tiny_samples: tuple[Sample, ...], tmp_path: Path, finish: Finish) -> Callable[..., Path]:
    """Return a maker of bundles of small networks that nobody trained."""
    torch.manual_seed(2)

    def make(samples: tuple[Sample, ...] = tiny_samples, lender: Gate | None = None) -> Path:
        members = plan_members(small_recipe, samples)
        weights = {member.name: round_weights(build_network(small_recipe).state_dict()) for member in members}
        finish(assemble(small_recipe, samples, members, weights, None, tmp_path / "made", CPU, lender))
        return tmp_path / "made"

    return make


def test_a_new_model_has_a_gate_of_its_features_named_on_its_card(tiny_folder: Path) -> None:
    gate, card = gate_of_bundle(tiny_folder), open_bundle(tiny_folder).card
    assert gate is not None
    assert (gate.senses, len(gate.statistics), len(gate.statistics[0])) == ((), 2, 1)
    digest = hashlib.sha256((tiny_folder / GATE).read_bytes()).hexdigest()
    assert card["gate"] == {"file": GATE, "sha256": digest}
    assert card["files"][GATE] == digest


def test_a_new_model_borrows_the_senses_it_is_given(assembled: Callable[..., Path], lender: Gate) -> None:
    gate = gate_of_bundle(assembled(lender=lender))
    assert gate is not None
    assert gate.lent
    assert [len(depths) for depths in gate.statistics] == [3, 3]
    assert gate.judge_picture(np.tile(np.arange(100, dtype=np.uint8), (100, 1))).senses


def test_films_of_children_alone_give_no_gate_and_the_one_of_an_earlier_run_goes(
    assembled: Callable[..., Path], tiny_samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / GATE).write_bytes(b"of another run")
    folder = assembled(tuple(replace(sample, age="6") for sample in tiny_samples))
    assert gate_of_bundle(folder) is None
    assert "gate" not in open_bundle(folder).card
    assert not (folder / GATE).exists()


def test_a_gate_judges_a_held_out_film_as_it_was_fitted(tiny_folder: Path, tiny_predictor: Predictor) -> None:
    gate, rows = gate_of_bundle(tiny_folder), tiny_predictor.bundle.examples()
    assert gate is not None
    grey = np.random.default_rng(3).integers(20, 90, (130, 110), dtype=np.uint8)
    vectors = tiny_predictor.predict(grey, members=[0]).vectors
    assert gate.distance_scores(0, vectors[0]).shape == (1,)
    assert max(gate.thresholds.quantiles) == gate.thresholds.farthest  # of 24 films none is too far
    assert len(rows) == 24


# Lending


def test_the_first_model_with_networks_of_its_own_lends_them(
    tiny_folder: Path, folder_copy: Path, lender: Gate, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    borrower = Path(shutil.copytree(folder_copy, tmp_path / "borrower"))
    give(borrower, replace(lender, left_out=((), ())))
    give(folder_copy, lender)
    found = find_lender(tiny_recipe, [tiny_folder, borrower, folder_copy])
    assert found is not None
    assert found.left_out == ((0,), (1,))
    assert find_lender(tiny_recipe, [tiny_folder, borrower]) is None
    assert find_lender(replace(tiny_recipe, modality="ct"), [folder_copy]) is None


def test_a_model_does_not_borrow_from_itself(folder_copy: Path, tiny_folder: Path, lender: Gate) -> None:
    give(folder_copy, lender)
    assert other_lender(folder_copy, [folder_copy, tiny_folder]) is None
    assert other_lender(tiny_folder, [folder_copy, tiny_folder]) is not None


def test_a_model_without_sense_networks_lends_none(tiny_folder: Path, folder_copy: Path, lender: Gate) -> None:
    with pytest.raises(BundleError, match="The model darkcovidnet has no sense networks to lend"):
        senses_of(tiny_folder)
    assert len(senses_of(give(folder_copy, lender)).senses) == 2


# Fitted anew


def test_two_folds_share_a_network_where_there_are_more_than_two() -> None:
    assert sense_groups(5) == ((0, 1), (2, 3), (4,))
    assert sense_groups(3) == ((0, 1), (2,))
    assert sense_groups(2) == ((0,), (1,))


def test_a_gate_is_fitted_anew_and_what_was_said_of_the_old_one_goes(
    folder_copy: Path, tiny_manifest: Path, lender: Gate, finish: Finish
) -> None:
    give(folder_copy, lender, gate={"refused": {"noise": {"count": 1, "total": 1}}, "note": "old"})
    fitted = finish(renew_gate(folder_copy, tiny_manifest.parent))
    card, gate = open_bundle(folder_copy).card, gate_of_bundle(folder_copy)
    assert gate is not None
    assert (gate.senses, gate.thresholds) == ((), fitted.gate.thresholds)
    assert card["gate"] == {"file": GATE, "sha256": card["files"][GATE]}
    assert fitted.refused.total == 24
    assert str(fitted).startswith("darkcovidnet: features only; ")


def test_a_gate_fitted_anew_is_the_one_made_with_the_model(
    folder_copy: Path, tiny_manifest: Path, tiny_folder: Path, finish: Finish
) -> None:
    old = gate_of_bundle(tiny_folder)
    new = finish(renew_gate(folder_copy, tiny_manifest.parent)).gate
    assert old is not None
    assert new.scale.centre.shape == old.scale.centre.shape == (1,)
    assert new.thresholds.least_frontal == old.thresholds.least_frontal == -np.inf


def test_a_break_between_gate_and_card_is_said_and_mended(
    folder_copy: Path, tiny_manifest: Path, lender: Gate, finish: Finish
) -> None:
    lender.save(folder_copy / GATE)
    with pytest.raises(BundleError, match=r"gate\.safetensors of the model darkcovidnet is not the one its card describes"):
        open_bundle(folder_copy)
    finish(renew_gate(folder_copy, tiny_manifest.parent))
    assert open_bundle(folder_copy).name == "darkcovidnet"


def test_senses_are_borrowed_where_no_pictures_lie_beside_the_films(
    folder_copy: Path, tiny_manifest: Path, lender: Gate, finish: Finish
) -> None:
    fitted = finish(renew_gate(folder_copy, tiny_manifest.parent, lender=lender))
    assert fitted.gate.lent
    assert "2 sense networks of another model" in str(fitted)


def test_a_model_of_slices_gets_no_senses(folder_copy: Path, films_beside: Path, lender: Gate, finish: Finish) -> None:
    fitted = finish(renew_gate(as_ct(folder_copy), films_beside, lender=lender))
    assert fitted.gate.senses == ()


@pytest.fixture
def films_beside(tiny_manifest: Path, tmp_path: Path) -> Path:
    """Return a folder of the model's films with a table of pictures it must refuse beside theirs."""
    folder = Path(shutil.copytree(tiny_manifest.parent, tmp_path / "films"))
    with tiny_manifest.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for number, row in enumerate(rows):
        row["label"] = ("lateral", "ct_picture")[number % 2]
    with (folder / "gate_other.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


def test_networks_are_trained_where_there_are_pictures_to_be_refused(
    folder_copy: Path, films_beside: Path, finish: Finish
) -> None:
    fitted = finish(renew_gate(folder_copy, films_beside, steps=1))
    assert fitted.gate.left_out == ((0,), (1,))
    assert np.isfinite(fitted.gate.thresholds.least_frontal)
    assert "2 sense networks of its own" in str(fitted)


def test_a_model_of_one_network_has_no_held_out_film(folder_copy: Path, tiny_manifest: Path, finish: Finish) -> None:
    card = read_card(folder_copy)
    (folder_copy / CARD).write_text(json.dumps(card | {"members": card["members"][:1]}), encoding="utf-8")
    with pytest.raises(TrainingError, match="has one network only"):
        finish(renew_gate(folder_copy, tiny_manifest.parent))


def test_films_of_class_folders_are_found_by_their_content(tiny_bundle: Bundle, tiny_samples: Any, tmp_path: Path) -> None:
    for sample in tiny_samples:
        (tmp_path / sample.label).mkdir(exist_ok=True)
        shutil.copy(sample.path, tmp_path / sample.label / f"renamed-{sample.path.name}")
    card = tiny_bundle.card | {"training_data": tiny_bundle.card["training_data"] | {"manifest": ""}}
    found = films_of(replace(tiny_bundle, card=card), tiny_bundle.examples(), tmp_path)
    assert [sample.sha256 for sample in found] == [row.sha256 for row in tiny_bundle.examples()]


def test_refusals_of_a_model_of_slices_are_not_counted_among_chest_films(
    folder_copy: Path, tiny_manifest: Path, finish: Finish
) -> None:
    card = finish(renew_bundle(as_ct(folder_copy), tiny_manifest.parent, with_scales=False, with_maps=False))
    assert set(card["gate"]) == {"file", "sha256"}


# The verb


def test_the_verb_fits_a_gate_and_says_how_many_films_it_refuses(
    folder_copy: Path, tiny_manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit-gate", str(folder_copy), "--data", str(tiny_manifest.parent)]
    assert main([*words, "--features-only"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("darkcovidnet: features only; ")
    assert said.out.endswith("of the held-out films of adults are refused\n")
    assert "measuring how far films lie from one another: 48 of 48\n" in said.err
    assert main([*words, "--senses-of", str(folder_copy)]) == 1
    assert capsys.readouterr().err == "The model darkcovidnet has no sense networks to lend.\n"


def test_the_verb_does_not_both_borrow_and_go_without(folder_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit-gate", str(folder_copy), "--data", "films", "--features-only", "--senses-of", "chest_resnet"]) == 2
    assert "not allowed with" in capsys.readouterr().err


# CT slices: does it show the lungs, is it a picture at all, and is it near enough


@pytest.fixture
def read_slice(tiny_bundle: Bundle, tiny_folder: Path, tmp_path: Path, finish: Finish) -> Callable[..., tuple[str, ...]]:
    """Return what refuses a slice that a model of slices reads, by its code."""
    gate = gate_of_bundle(tiny_folder)
    assert gate is not None
    predictor = Predictor(replace(tiny_bundle, recipe=replace(tiny_bundle.recipe, modality="ct")), CPU)

    def read(grey: np.ndarray, **changed: float) -> tuple[str, ...]:
        path = tmp_path / "slice.png"
        PillowImage.fromarray(grey).save(path)
        sample = Sample(path, hashlib.sha256(path.read_bytes()).hexdigest(), "covid", "", "p")
        limits: Thresholds = replace(gate.thresholds, **({"farthest": 1e9} | changed))
        (found,) = finish(read_outside(predictor, replace(gate, thresholds=limits), [sample]))
        return found.refusals

    return read


def lung_slice() -> np.ndarray:
    y, x = np.mgrid[0:200, 0:200] / 200
    body = ((x - 0.5) / 0.42) ** 2 + ((y - 0.5) / 0.34) ** 2 < 1
    lungs = sum(((x - c) / 0.13) ** 2 + ((y - 0.48) / 0.2) ** 2 < 1 for c in (0.32, 0.68))
    grey = 150.0 * body - 120 * lungs + 10 * y + np.random.default_rng(0).normal(0, 4, (200, 200))
    return np.clip(grey + 10, 0, 255).astype(np.uint8)


def test_a_slice_is_judged_by_its_lungs_by_plain_statistics_and_by_its_distance(
    read_slice: Callable[..., tuple[str, ...]],
) -> None:
    shown = lung_slice()
    assert not check_slice(shown).refused
    assert read_slice(shown) == ()
    assert read_slice(shown, farthest=-1e9) == ("unlike",)
    assert read_slice(np.full((200, 200), 9, dtype=np.uint8)) == ("one_grey",)
    belly = np.where(shown < 60, shown, 150).astype(np.uint8)
    belly[60:140, 30:170] = 140 + shown[60:140, 30:170] // 20
    assert read_slice(belly) == ("no_lung",)
