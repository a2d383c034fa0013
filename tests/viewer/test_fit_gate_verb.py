"""fit-gate, called as the door calls it, where it cannot go on."""

import shutil

import pytest

from viewer import command_line


@pytest.fixture
def films(tmp_path):
    """Return a folder without the films of any model."""
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def test_a_folder_without_the_manifest_is_told_in_one_sentence(shipped_model, films, capsys):
    assert command_line.main(["fit-gate", str(shipped_model), "--data", str(films)]) == 1
    assert capsys.readouterr().err == (
        "The manifest B_125_500_500.csv was not found in the folder empty; give the folder that holds it.\n"
    )


def test_a_model_that_is_not_there_is_named(films, capsys):
    assert command_line.main(["fit-gate", "oracle", "--data", str(films)]) == 1
    assert capsys.readouterr().err == "There is no model called oracle: its card.json was not found.\n"


def test_a_model_cannot_lend_what_it_does_not_have(shipped_model, films, tmp_path, capsys):
    (tmp_path / "lender").mkdir()
    card = (shipped_model / "card.json").read_text(encoding="utf-8").replace('"gate.safetensors":', '"other":')
    (tmp_path / "lender" / "card.json").write_text(card, encoding="utf-8")
    model = shutil.copytree(shipped_model, tmp_path / "model")
    assert command_line.main(["fit-gate", str(model), "--data", str(films), "--senses-of", str(tmp_path / "lender")]) == 1
    assert capsys.readouterr().err == "The model lender has no sense networks to lend.\n"
