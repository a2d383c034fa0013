"""The verbs: train, evaluate, models, examples; what they print, and how they end."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from inference.bundle import Bundle, open_bundle
from inference.card import read_card
from inference.command_line import Places, ProgressBar, main
from inference.dataset import Sample
from inference.recipe import DataSetting, Preprocessing, Recipe
from inference.recipe_file import read_recipe, write_recipe
from inference.recipes import RECIPES
from inference.reproduction.experiments import Experiment
from inference.reproduction.page import BEGIN, END

Said = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def places(tiny_folder: Path, tmp_path: Path) -> Places:
    return Places(shipped=tiny_folder.parent, own=tmp_path / "own", examples=tmp_path / "examples")


# Models


def test_the_models_are_listed_with_what_they_are_worth(places: Places, capsys: Said, tiny_bundle: Bundle) -> None:
    assert main(["models"], places) == 0
    (line,) = capsys.readouterr().out.splitlines()
    count = tiny_bundle.card["metrics"]["cross_validation"]["accuracy"]["count"]
    assert line.startswith(f"darkcovidnet     1.0.0    Chest X-ray, three classes: held-out accuracy {count}/24 = ")


def test_the_models_are_listed_as_json(places: Places, capsys: Said) -> None:
    assert main(["models", "--json", "-"], places) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": "darkcovidnet", "title": "Chest X-ray, three classes", "version": "1.0.0", "recipe": "darkcovidnet"}
    ]


def test_one_card_is_printed_by_name_or_folder(places: Places, capsys: Said, tiny_folder: Path) -> None:
    assert main(["models", "darkcovidnet"], places) == 0
    by_name = capsys.readouterr().out
    assert main(["models", str(tiny_folder)], places) == 0
    assert by_name == capsys.readouterr().out
    assert json.loads(by_name) == json.loads((tiny_folder / "card.json").read_text(encoding="utf-8"))


def test_no_model_is_said_in_a_sentence(tmp_path: Path, capsys: Said) -> None:
    assert main(["models"], Places(tmp_path, tmp_path, tmp_path)) == 0
    assert capsys.readouterr().out == "No model is installed.\n"


def test_an_unknown_model_ends_with_one_sentence(places: Places, capsys: Said) -> None:
    assert main(["models", "unheard"], places) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "There is no model called unheard: its card.json was not found.\n")


def test_a_file_that_cannot_be_written_ends_with_one_sentence(places: Places, capsys: Said, tmp_path: Path) -> None:
    assert main(["models", "--json", str(tmp_path)], places) == 1
    assert capsys.readouterr().err == f"{tmp_path.name} could not be written: Is a directory.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["train", "darkcovidnet"],
        ["train", "darkcovidnet", "--data", "a", "--out", "b", "--epochs", "0"],
        ["train", "darkcovidnet", "--data", "a", "--out", "b", "--seed", "-1"],
        ["evaluate", "--data", "a", "--device", "tpu"],
        ["examples"],
    ],
)
def test_wrong_use_ends_with_2(places: Places, capsys: Said, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, places)
    assert ended.value.code == 2
    assert "usage: hilum" in capsys.readouterr().err


# Training and judging


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_recipe: Recipe, tiny_manifest: Path) -> tuple[int, Path, str, str]:
    """Train the small recipe by the verb; return the exit status, the bundle, and what was printed."""
    folder = tmp_path_factory.mktemp("trained") / "darkcovidnet"
    said, told = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "darkcovidnet", tiny_recipe.with_epochs(9))
        patch.setattr(sys, "stdout", said)
        patch.setattr(sys, "stderr", told)
        where = ["--data", str(tiny_manifest.parent), "--out", str(folder)]
        status = main(
            ["train", "darkcovidnet", *where, "--epochs", "1", "--device", "cpu", "--threads", "1"],
            Places(folder.parent, folder.parent, folder.parent),
        )
    return status, folder, said.getvalue(), told.getvalue()


def test_training_ends_in_a_model_that_opens(trained: tuple[int, Path, str, str], tiny_bundle: Bundle) -> None:
    status, folder, said, _ = trained
    assert status == 0
    assert said.splitlines()[-1] == f"The model darkcovidnet was written to {folder}."
    assert open_bundle(folder).card["recipe_fingerprint"] == tiny_bundle.card["recipe_fingerprint"]
    assert len(list((folder / "members").glob("*.safetensors"))) == 3


def test_training_prints_both_divisions(trained: tuple[int, Path, str, str]) -> None:
    said = trained[2]
    assert "Cross-validation grouped by patient, every film held out once\n  films 24, patients 12\n" in said
    assert "The article's own division (trained on its training films, judged on its test films)\n  films 6" in said
    assert "Published: 80.04 % (accuracy on 317 test films, as the article states it)" in said


def test_progress_is_told_in_plain_lines_where_there_is_no_terminal(trained: tuple[int, Path, str, str]) -> None:
    lines = trained[3].splitlines()
    assert "\r" not in trained[3]
    assert lines[0].startswith(" 33 % ")
    assert any(line.startswith("100 % 0:00 left fold-1 (3/3) epoch 1/1 loss ") for line in lines)
    assert "100 % 0:00 left reading held-out films 6/6" in lines
    assert lines[-1] == "100 % 0:00 left reading films for the scales of the heat maps 24/24"


def test_a_second_judgement_gives_the_same_numbers(
    places: Places, capsys: Said, tiny_manifest: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    out = tmp_path / "metrics.json"
    arguments = ["evaluate", "darkcovidnet", "--data", str(tiny_manifest.parent), "--device", "cpu", "--json", str(out)]
    assert main(arguments, places) == 0
    assert "Cross-validation grouped by patient" in capsys.readouterr().out
    again, card = json.loads(out.read_text(encoding="utf-8")), tiny_bundle.card["metrics"]
    assert again["protocol"] == card["protocol"]
    shared = again["cross_validation"].keys() & card["cross_validation"].keys()
    assert len(shared) == 18
    assert {key: again["cross_validation"][key] for key in shared} == {key: card["cross_validation"][key] for key in shared}
    assert again["cross_validation"]["best_temperature"] == pytest.approx(tiny_bundle.card["temperature"])


def test_films_the_model_was_not_judged_on_are_refused(
    places: Places, capsys: Said, tiny_manifest: Path, tmp_path: Path
) -> None:
    text = tiny_manifest.read_text(encoding="utf-8")
    first = text.splitlines()[1].split(",")[1]
    (tmp_path / tiny_manifest.name).write_text(text.replace(first, "0" * 64), encoding="utf-8")
    assert main(["evaluate", "darkcovidnet", "--data", str(tmp_path), "--device", "cpu"], places) == 1
    assert capsys.readouterr().err == (
        "1 films of the manifest are not among the model's held-out films; it cannot be judged.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "resnet", "--data", "x", "--out", "y"], "There is no recipe called 'resnet'; there are: "),
        (["train", "darkcovidnet", "--data", "x", "--out", "y"], "The manifest B_125_500_500.csv was not found in"),
        (["evaluate", "darkcovidnet", "--data", "x"], "The manifest B_125_500_500.csv was not found in the folder x; give"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(places: Places, capsys: Said, arguments: list[str], sentence: str) -> None:
    assert main(arguments, places) == 1
    err = capsys.readouterr().err
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_a_file_in_the_place_of_the_new_model_is_told(
    places: Places, capsys: Said, tiny_manifest: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_bytes(b"")
    where = ["--data", str(tiny_manifest.parent), "--out", str(tmp_path / "taken")]
    assert main(["train", "darkcovidnet", *where, "--device", "cpu"], places) == 1
    assert capsys.readouterr().err == "The folder taken could not be made: File exists.\n"


# Examples


def test_a_folder_of_films_is_linked_to_the_model(places: Places, capsys: Said, tiny_manifest: Path) -> None:
    assert main(["examples", "install", str(tiny_manifest.parent), "--model", "darkcovidnet"], places) == 0
    assert capsys.readouterr().out == "24 of 24 held-out films have their picture; 0 have none.\n"
    assert (places.examples / "darkcovidnet" / "links.json").is_file()


def test_films_without_an_address_are_counted_as_missing(places: Places, capsys: Said) -> None:
    assert main(["examples", "fetch", "--model", "darkcovidnet"], places) == 0
    assert capsys.readouterr().out == (
        "0 pictures are on this machine.\n0 of 24 held-out films have their picture; 24 have none.\n"
    )


# The bar


def test_on_a_terminal_one_line_is_drawn_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    result = ProgressBar().follow((n for n in (1, 4)), lambda n: (n / 4, f"step {n}"))
    drawn = terminal.getvalue()
    assert result is None
    assert drawn.startswith("\r[#######---------------------]  25 % 0:00 left")
    assert drawn.count("\r") == 2
    assert drawn.endswith("\n")


def test_without_any_stream_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)

    def work() -> Generator[int, None, str]:
        yield 1
        return "done"

    assert ProgressBar().follow(work(), lambda n: (n, "all")) == "done"


# Recipes, learning rates, reports


def test_recipes_are_listed_and_written_as_files(places: Places, capsys: Said, tmp_path: Path) -> None:
    assert main(["recipes"], places) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(RECIPES)
    assert main(["recipes", "small_cnn", "--toml", str(tmp_path / "mine.toml")], places) == 0
    assert read_recipe(tmp_path / "mine.toml") == RECIPES["small_cnn"]
    assert main(["recipes", "small_cnn"], places) == 0
    assert capsys.readouterr().out == (tmp_path / "mine.toml").read_text(encoding="utf-8")


def test_a_judgement_leaves_a_report_with_figures(places: Places, tiny_manifest: Path, tmp_path: Path) -> None:
    where = ["--data", str(tiny_manifest.parent), "--report", str(tmp_path / "report")]
    assert main(["evaluate", "darkcovidnet", *where, "--device", "cpu"], places) == 0
    written = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"report.html", "roc.png", "roc.svg", "precision-recall.svg", "reliability.png", "confusion-matrix.svg"} <= written


def test_hospitals_left_out_are_written_on_the_card(
    places: Places, capsys: Said, tiny_folder: Path, tiny_manifest: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(tiny_folder, tmp_path / "model")
    where = ["--data", str(tiny_manifest.parent), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main(["judge-hospitals", str(model), *where, "--folds", "2"], places) == 1
    assert "cannot be divided" in capsys.readouterr().err  # all films are of Italy
    text = re.sub(r"(patient-[4-9].*)ieee:Italy", r"\1ieee:Spain", tiny_manifest.read_text(encoding="utf-8"))
    (elsewhere := tmp_path / "films").mkdir()
    for film in tiny_manifest.parent.glob("*.png"):
        shutil.copy(film, elsewhere)
    (elsewhere / tiny_manifest.name).write_text(text, encoding="utf-8")
    where[1] = str(elsewhere)
    assert main(["judge-hospitals", str(model), *where, "--folds", "2"], places) == 0
    (entry, *_) = read_card(model)["outside"]
    assert (entry["films"], entry["positive"]) == (24, 8)
    assert f"area {entry['auc']['value']:.3f}" in capsys.readouterr().out


def test_a_learning_rate_is_found_and_drawn(places: Places, capsys: Said, tiny_manifest: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPES["chest_resnet"], preprocessing=Preprocessing(size=64))
    write_recipe(recipe, tmp_path / "small.toml")
    where = ["--data", str(tiny_manifest), "--out", str(tmp_path / "rates"), "--steps", "12", "--device", "cpu"]
    assert main(["find-lr", str(tmp_path / "small.toml"), *where], places) == 0
    assert "is where the loss falls fastest" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "rates").iterdir()} == {"find-lr.png", "find-lr.svg"}


def test_class_folders_are_trained_with_their_own_classes(
    places: Places, capsys: Said, tiny_samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    for sample in tiny_samples[:12]:
        folder = tmp_path / "films" / ("scar" if sample.label == "covid" else "no scar") / sample.patient
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample.path, folder)
    write_recipe(
        replace(RECIPES["chest_resnet"], preprocessing=Preprocessing(size=64), data=DataSetting("", folds=2)),
        tmp_path / "small.toml",
    )
    where = ["--data", str(tmp_path / "films"), "--out", str(tmp_path / "scars"), "--name", "scars", "--epochs", "1"]
    assert main(["train", str(tmp_path / "small.toml"), *where, "--device", "cpu"], places) == 0
    assert open_bundle(tmp_path / "scars").class_names == ("no_scar", "scar")
    assert (tmp_path / "scars" / "run" / "report.html").is_file()
    assert capsys.readouterr().out.splitlines()[-1].startswith("The model scars was written to")


def test_the_reproduction_writes_its_page_and_takes_up_finished_runs(
    places: Places, capsys: Said, tiny_manifest: Path, tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(tiny_recipe, network="resnet18_w32", preprocessing=Preprocessing(size=64))
    experiment = Experiment("B", "corrected", "five folds by patient", "corrected", small, folds=True)
    monkeypatch.setattr("inference.reproduction.experiments.EXPERIMENTS", (experiment,))
    monkeypatch.setattr("inference.reproduction.page.EXPERIMENTS", (experiment,))
    (tmp_path / "README.md").write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    where = ["--data", str(tiny_manifest.parent), "--out", str(tmp_path / "runs"), "--page", str(tmp_path / "PAGE.md")]
    again = ["reproduce", "B", *where, "--readme", str(tmp_path / "README.md"), "--seeds", "1", "--device", "cpu"]
    assert main(again, places) == 0
    assert "B/corrected, seed 0" in capsys.readouterr().err
    assert "(one seed)" in (tmp_path / "PAGE.md").read_text(encoding="utf-8")
    assert "**B** 17 convolutions" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert main(again, places) == 0
    assert capsys.readouterr().err == ""
