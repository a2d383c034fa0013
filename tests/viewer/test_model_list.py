"""The models that are installed, from their cards."""

import json

import pytest

from viewer.model_list import InstalledModel, installed_models, model_for
from viewer.paths import find_model, own_models, shipped_models

CARD = {"name": "own", "title": "Own model", "thresholds": {"covid": {"threshold": 0.4, "sensitivity": 0.9}}}


def put(name, text):
    folder = own_models() / name
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(text, encoding="utf-8")
    return folder


def own():
    """Return the models that do not ship."""
    return [model for model in installed_models() if model.folder.is_relative_to(own_models())]


def test_a_model_of_the_user_is_listed_with_title_folder_and_operating_points():
    folder = put("own", json.dumps(CARD))
    (model,) = own()
    assert (model.name, model.title, model.folder, model.thresholds) == ("own", "Own model", folder, {"covid": 0.4})


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "x", "title": "y", "thresholds": {"covid": 3}}', "\xff"])
def test_a_card_that_cannot_be_read_is_passed_over(text):
    put("broken", text)
    put("own", json.dumps(CARD))
    assert [model.name for model in own()] == ["own"]


def test_a_folder_without_a_card_is_no_model():
    (own_models() / "empty").mkdir(parents=True)
    assert own() == []


def test_the_users_own_model_stands_before_the_shipped_one_of_the_same_name(shipped_model):
    folder = put("darkcovidnet", (shipped_model / "card.json").read_text(encoding="utf-8"))
    found = [model.folder for model in installed_models() if model.name == "darkcovidnet"]
    assert found == [folder]
    assert find_model("darkcovidnet") == folder


def test_the_model_that_ships_is_listed():
    if not (shipped_models() / "darkcovidnet" / "card.json").is_file():
        pytest.skip("needs the model darkcovidnet in resources/models")
    model = next(model for model in installed_models() if model.name == "darkcovidnet")
    assert set(model.thresholds) >= {"covid"}
    assert model.folder == shipped_models() / "darkcovidnet"


def test_a_ct_picture_is_read_by_a_model_for_slices_where_there_is_one(tmp_path):
    chest = InstalledModel("chest", "Chest", tmp_path / "chest")
    slices = InstalledModel("ct", "CT", tmp_path / "ct", modality="ct")
    other = InstalledModel("ct2", "CT", tmp_path / "ct2", modality="ct")
    assert model_for("DX", [chest, slices], chest.folder) == chest.folder
    assert model_for("CT", [chest, slices, other], chest.folder) == slices.folder
    assert model_for("CT", [chest, slices, other], other.folder) == other.folder
    assert model_for("CT", [chest], chest.folder) == chest.folder


def test_the_modality_of_a_model_is_the_one_of_its_recipe():
    put("slices", json.dumps(CARD | {"name": "slices", "recipe_record": {"modality": "ct"}}))
    put("own", json.dumps(CARD))
    assert {model.name: model.modality for model in own()} == {"slices": "ct", "own": "chest"}
