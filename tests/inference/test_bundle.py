"""One folder is one model, and a folder that is not what its card says is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference.bundle import Bundle, build_members, list_bundles, open_bundle, pack_members, read_tensors
from inference.dataset import Sample, load_grey
from inference.errors import BundleError, RecipeError
from inference.evaluate import Proportion, confusion_counts
from inference.members import plan_members
from inference.predict import Predictor
from inference.recipe import Recipe

SHIPPED = Path(__file__).parents[2] / "resources" / "models"
NPY = BytesIO()
np.save(NPY, np.zeros(3))


def edit_card(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    change(card)
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


def refuse_constant(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


# What a bundle holds


def test_a_bundle_that_was_just_made_opens(tiny_bundle: Bundle) -> None:
    assert (tiny_bundle.name, tiny_bundle.recipe.name) == ("darkcovidnet", "darkcovidnet")
    assert tiny_bundle.class_names == ("covid", "no_finding", "pneumonia")
    assert tiny_bundle.class_titles == ("COVID-19", "No finding", "Pneumonia")
    assert len(tiny_bundle.build_members()) == 2
    assert len(tiny_bundle.build_protocol_members()) == 1


def test_members_are_ready_to_read(tiny_bundle: Bundle) -> None:
    (member, _) = tiny_bundle.build_members()
    assert not member.training
    assert {(p.dtype, p.requires_grad) for p in member.parameters()} == {(torch.float32, False)}


def test_the_card_counts_films_and_patients_and_names_none(tiny_bundle: Bundle) -> None:
    told = tiny_bundle.card["training_data"]
    assert (told["films"], told["patients"], told["minors"]) == (24, 12, 0)
    assert told["by_class"] == {"covid": 8, "no_finding": 8, "pneumonia": 8}
    assert (told["by_source"], told["by_view"]) == ({"ieee": 24}, {"PA": 24})
    assert "patient-" not in json.dumps(tiny_bundle.card)


def test_the_card_is_json_without_numbers_that_are_none(tiny_folder: Path) -> None:
    json.loads((tiny_folder / "card.json").read_text(encoding="utf-8"), parse_constant=refuse_constant)


def test_every_example_has_its_features(tiny_bundle: Bundle, tiny_samples: tuple[Sample, ...]) -> None:
    rows, embeddings = tiny_bundle.examples(), tiny_bundle.embeddings()
    assert [row.sha256 for row in rows] == [s.sha256 for s in tiny_samples]
    assert embeddings.vectors.shape == (24, 256)
    assert embeddings.fold.tolist() == [int(row.fold) for row in rows]
    assert embeddings.scale.shape == (2,)


def test_the_card_counts_what_the_examples_show(tiny_bundle: Bundle) -> None:
    rows, names = tiny_bundle.examples(), tiny_bundle.class_names
    truth, answer = (np.array([names.index(getattr(row, which)) for row in rows]) for which in ("truth", "answer"))
    probabilities = np.array([row.probabilities for row in rows])
    assert np.allclose(probabilities.sum(axis=1), 1, atol=3e-6)
    assert probabilities.argmax(axis=1).tolist() == answer.tolist()
    assert tiny_bundle.card["confusion_matrix"]["counts"] == confusion_counts(truth, answer, 3).tolist()
    accuracy = Proportion(int((truth == answer).sum()), 24)
    assert tiny_bundle.card["metrics"]["cross_validation"]["accuracy"] == accuracy.record()
    assert tiny_bundle.card["metrics"]["protocol"]["films"] == 6


def test_no_film_is_answered_by_a_member_that_was_trained_on_it(
    tiny_bundle: Bundle, tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...]
) -> None:
    members = {member.name: member for member in plan_members(tiny_recipe, tiny_samples)}
    for number, row in enumerate(tiny_bundle.examples()):
        member = members[tiny_bundle.card["members"][int(row.fold)]]
        assert number in member.held_out
        assert number not in member.training


def test_an_example_is_read_again_by_the_member_that_never_saw_it(
    tiny_bundle: Bundle, tiny_predictor: Predictor, tiny_samples: tuple[Sample, ...]
) -> None:
    for row, sample in zip(tiny_bundle.examples()[:8], tiny_samples[:8], strict=True):
        again = tiny_predictor.predict(load_grey(sample.path), members=[int(row.fold)])
        assert again.probabilities == pytest.approx(row.probabilities, abs=1e-4)


def test_nine_of_ten_held_out_films_reach_the_threshold_of_their_class(tiny_bundle: Bundle) -> None:
    for number, name in enumerate(tiny_bundle.class_names):
        scores = [row.probabilities[number] for row in tiny_bundle.examples() if row.truth == name]
        threshold = tiny_bundle.card["thresholds"][name]["threshold"]
        assert sum(score >= threshold - 1e-6 for score in scores) == 8


def test_the_colour_scale_begins_at_a_tenth(tiny_bundle: Bundle) -> None:
    scale = tiny_bundle.card["heatmap"]
    assert set(scale["full_scale"]) == set(tiny_bundle.class_names)
    assert min(scale["full_scale"].values()) > 0
    assert scale["floor"] == pytest.approx({name: value / 10 for name, value in scale["full_scale"].items()})


def test_own_models_come_before_shipped_ones_of_the_same_name(tmp_path: Path) -> None:
    for folder in ("own/a", "shipped/a", "shipped/b", "shipped/no_model"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("own/a", "shipped/a", "shipped/b"):
        (tmp_path / folder / "card.json").write_text("{}")
    found = list_bundles(tmp_path / "own", tmp_path / "shipped", tmp_path / "nowhere")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["own/a", "shipped/b"]


def test_the_models_that_ship_weigh_less_than_60_megabytes() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) < 60e6


# What is refused


@pytest.mark.parametrize("name", ["weights.safetensors", "protocol.safetensors", "examples.csv", "embeddings.npz"])
def test_a_file_changed_by_one_bit_is_refused(folder_copy: Path, name: str) -> None:
    content = bytearray((folder_copy / name).read_bytes())
    content[-40] ^= 1
    (folder_copy / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"^The file {name} of the model darkcovidnet is not the one its card describes"):
        open_bundle(folder_copy)


@pytest.mark.parametrize("name", ["weights.safetensors", "examples.csv"])
def test_a_missing_file_is_refused(folder_copy: Path, name: str) -> None:
    (folder_copy / name).unlink()
    with pytest.raises(BundleError, match=rf"^The model darkcovidnet lacks its file {name}; install the model again\.$"):
        open_bundle(folder_copy)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "members/fold-0.json", "", ".."])
def test_a_card_that_names_a_file_outside_its_folder_is_refused(folder_copy: Path, name: str) -> None:
    (folder_copy.parent / "outside.txt").write_bytes(b"")
    edit_card(folder_copy, lambda card: card["files"].update({name: "0" * 64}))
    with pytest.raises(BundleError, match=r"^The model darkcovidnet lacks its file "):
        open_bundle(folder_copy)


@pytest.mark.parametrize("name", ["weights.safetensors", "protocol.safetensors", "examples.csv", "embeddings.npz"])
def test_a_card_that_leaves_a_file_unchecked_is_refused(folder_copy: Path, name: str) -> None:
    edit_card(folder_copy, lambda card: card["files"].pop(name))
    with pytest.raises(BundleError, match=rf"^The card of the model darkcovidnet does not name {name}; install"):
        open_bundle(folder_copy)


@pytest.mark.parametrize("key", ["files", "temperature", "heatmap", "neighbours", "thresholds"])
def test_a_card_that_lacks_a_key_is_refused(folder_copy: Path, key: str) -> None:
    edit_card(folder_copy, lambda card: card.pop(key))
    with pytest.raises(BundleError, match=rf"^The card of the model darkcovidnet lacks {key}; install the model again\.$"):
        open_bundle(folder_copy)


def test_a_card_of_another_format_is_refused(folder_copy: Path) -> None:
    edit_card(folder_copy, lambda card: card.update(format=2))
    with pytest.raises(BundleError, match=r"^The model darkcovidnet has format 2; this program reads format 1\.$"):
        open_bundle(folder_copy)


def test_classes_that_are_not_the_recipes_are_refused(folder_copy: Path) -> None:
    edit_card(folder_copy, lambda card: card["classes"].reverse())
    with pytest.raises(BundleError, match=r"^The classes of the model darkcovidnet are not those of its recipe"):
        open_bundle(folder_copy)


def test_a_recipe_that_is_not_known_is_refused(folder_copy: Path) -> None:
    edit_card(folder_copy, lambda card: (card.pop("recipe_record"), card.update(recipe="resnet")))
    with pytest.raises(RecipeError, match=r"^There is no recipe called 'resnet'; there are: chest_resnet, ct_cnn"):
        open_bundle(folder_copy)


def test_a_recipe_of_the_users_own_stands_on_the_card(folder_copy: Path) -> None:
    edit_card(folder_copy, lambda card: (card.update(recipe="mine"), card["recipe_record"].update(name="mine")))
    assert open_bundle(folder_copy).recipe.name == "mine"


def test_a_recipe_on_the_card_that_contradicts_itself_is_refused(folder_copy: Path) -> None:
    edit_card(folder_copy, lambda card: card["recipe_record"].update(positive="nobody"))
    with pytest.raises(RecipeError, match="card of the model darkcovidnet"):
        open_bundle(folder_copy)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[1]", b'"card"', b"null"])
def test_a_card_that_is_no_card_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"^The card of the model .* (could not be read|lacks format, name, .*); install"):
        open_bundle(tmp_path)


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"^There is no model called nothing: its card\.json was not found\.$"):
        open_bundle(tmp_path / "nothing")


# Weights


def test_members_are_packed_and_unpacked_bit_for_bit(tiny_folder: Path) -> None:
    tensors = read_tensors(tiny_folder / "weights.safetensors")
    members: dict[str, dict[str, torch.Tensor]] = {"fold-0": {}, "fold-1": {}}
    for name, value in tensors.items():
        members[name[:6]][name[7:]] = value
    assert pack_members(members) == (tiny_folder / "weights.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda tensors: tensors.pop("fold-1.head.bias"), r'Missing key.*"head\.bias"'),
        (lambda tensors: tensors.update({"fold-1.extra": torch.zeros(1)}), r'Unexpected key.*"extra"'),
        (lambda tensors: tensors.update({"fold-1.head.bias": torch.zeros(4)}), r"size mismatch for head\.bias"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    tiny_folder: Path, tiny_recipe: Recipe, change: Callable[[dict[str, Any]], Any], fault: str
) -> None:
    tensors = read_tensors(tiny_folder / "weights.safetensors")
    change(tensors)
    with pytest.raises(BundleError, match=rf"(?s)^The weights do not fit the network of the recipe darkcovidnet: .*{fault}"):
        build_members(tiny_recipe, tensors, ["fold-0", "fold-1"])


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(BundleError, match=r"^The weights weights\.safetensors could not be read: the file is damaged\.$"):
        read_tensors(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"\x80\x04pickle", NPY.getvalue()])
def test_damaged_features_are_told(folder_copy: Path, content: bytes) -> None:
    bundle = open_bundle(folder_copy)
    (folder_copy / "embeddings.npz").write_bytes(content)
    with pytest.raises(BundleError, match=r"^The features of the model darkcovidnet could not be read: "):
        bundle.embeddings()
