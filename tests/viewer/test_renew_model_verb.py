"""renew-model, called as the door calls it."""

import json
import shutil

import pytest

from inference.card import read_card
from inference.validation import KEYS
from viewer import command_line


@pytest.fixture
def older(shipped_model, tmp_path):
    """Return a copy of the model whose card holds nothing of its validation."""
    folder = shutil.copytree(shipped_model, tmp_path / "older")
    card = {name: entry for name, entry in read_card(folder).items() if name not in KEYS}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def test_a_card_is_renewed_and_its_calibration_and_coverage_are_said(older, capsys):
    assert command_line.main(["renew-model", str(older)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("darkcovidnet: 1,125 films, calibration error 3.0 %, coverage of the sets covid 8")
    assert said.err == ""
    assert read_card(older)["calibration"]["patients"] is None


def test_a_folder_without_the_manifest_is_told_in_one_sentence(older, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert command_line.main(["renew-model", str(older), "--data", str(tmp_path / "empty")]) == 1
    assert capsys.readouterr().err == (
        "The manifest B_125_500_500.csv was not found in the folder empty; give the folder that holds it.\n"
    )


def test_a_model_that_is_not_there_is_named(capsys):
    assert command_line.main(["renew-model", "oracle"]) == 1
    assert capsys.readouterr().err == "There is no model called oracle: its card.json was not found.\n"
