"""analyse, called as the door calls it."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import PIL.Image
import pydicom
import pytest

from viewer import command_line
from viewer.imaging.grayscale import to_display
from viewer.paths import own_models
from viewer.reading import Faithfulness
from viewer.verbs.analyse import write_heat_map

FIELDS = [
    "file", "sha256", "status", "reason", "refusals", "override", "model", "device", "distance_percentile",
    "probabilities", "intervals", "interval_meaning", "predicted", "conformal", "operating_points", "nearest_right",
    "heatmap_peak", "heatmap", "model_input", "audit", "milliseconds", "warnings",
]  # fmt: skip
CT = "DICOM-Swift/Tests/DicomCoreTests/Fixtures/DecoderParity/ct_explicit_vr_le_rescale.dcm"
REFUSAL = "This is a CT picture; the model reads frontal chest radiographs (CR, DX) only."


@pytest.fixture
def analyse(shipped_model, capsys, qapp):
    """Return a caller of the verb: its exit status, standard output and standard error."""

    def call(*arguments, model=shipped_model):
        status = command_line.main(["analyse", *map(str, arguments), "--model", str(model), "--device", "cpu"])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def answers(analyse):
    """Return a caller of the verb with JSON on the standard output: its exit status and the list."""

    def call(*arguments, **more):
        status, out, _ = analyse(*arguments, "--json", "-", **more)
        return status, json.loads(out)

    return call


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague,\n" * 20, encoding="utf-8")
    return path


@pytest.fixture
def two_films(synthetic_path, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("b.dcm", "a.dcm"):
        shutil.copy(synthetic_path, folder / name)
    return folder


# ------------------------------------------------------------------------------------------------------------- JSON


def test_a_film_is_answered_with_every_field_of_the_contract(answers, synthetic_path, synthetic):
    status, (answer,) = answers(synthetic_path)
    assert (status, list(answer)) == (0, FIELDS)
    assert (answer["file"], answer["sha256"]) == (str(synthetic_path), synthetic.sha256)
    assert (answer["status"], answer["reason"], answer["device"]) == ("read", "", "cpu")
    assert set(answer["milliseconds"]) == {"open", "gate", "preprocess", "forward", "heatmap"}
    assert all(value > 0 for value in answer["milliseconds"].values())


def test_the_probabilities_add_up_to_one_and_the_largest_is_the_answer(answers, synthetic_path):
    _, (answer,) = answers(synthetic_path)
    chances = answer["probabilities"]
    assert list(chances) == ["covid", "no_finding", "pneumonia"]
    assert sum(chances.values()) == pytest.approx(1, abs=1e-6)
    assert answer["predicted"] == max(chances, key=chances.get)
    assert answer["heatmap_peak"] > 0


def test_the_model_is_named_with_version_and_hash(answers, synthetic_path, shipped_model):
    card = json.loads((shipped_model / "card.json").read_text(encoding="utf-8"))
    _, (answer,) = answers(synthetic_path)
    assert answer["model"] == {
        "name": "darkcovidnet", "version": card["version"], "weights_sha256": card["files"]["weights.safetensors"],
    }  # fmt: skip


def test_a_ct_is_refused_and_that_is_no_failure(answers, shared_dicom):
    status, (answer,) = answers(shared_dicom / CT)
    assert (status, answer["status"]) == (0, "refused")
    assert answer["reason"].startswith(REFUSAL)
    assert answer["refusals"][0] == {"code": "modality", "sentence": REFUSAL}
    assert (answer["probabilities"], answer["predicted"], answer["heatmap_peak"]) == ({}, None, None)
    assert list(answer) == FIELDS


def test_a_text_file_is_unreadable_and_the_others_are_still_read(answers, synthetic_path, text_file):
    status, found = answers(text_file, synthetic_path)
    assert (status, [answer["status"] for answer in found]) == (1, ["unreadable", "read"])
    assert found[0]["reason"] == (
        "letter.txt could not be opened: it is neither a DICOM file nor a PNG, JPEG, TIFF, WebP or BMP picture."
    )
    assert list(found[0]) == FIELDS
    assert len(found[0]["sha256"]) == 64


def test_a_file_that_is_not_there_is_unreadable(answers, tmp_path):
    status, (answer,) = answers(tmp_path / "gone.dcm")
    assert (status, answer["status"], answer["sha256"]) == (1, "unreadable", "")
    assert answer["reason"] == "gone.dcm could not be opened: there is no such file."


def test_the_films_of_a_folder_are_read_in_the_order_of_their_names(answers, two_films):
    (two_films / ".hidden").write_text("not a film", encoding="utf-8")
    status, found = answers(two_films)
    assert (status, [answer["file"] for answer in found]) == (0, [str(two_films / "a.dcm"), str(two_films / "b.dcm")])


def test_a_folder_without_films_is_said_to_hold_none(analyse, tmp_path):
    assert analyse(tmp_path) == (1, "", "There is no film to read in what was named.\n")


def test_the_answers_are_written_to_a_file_and_a_line_a_film_is_said(analyse, synthetic_path, tmp_path):
    status, out, err = analyse(synthetic_path, "--json", tmp_path / "answers.json")
    (answer,) = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    assert (status, err, answer["status"]) == (0, "", "read")
    assert out.startswith(f"synthetic.dcm: {answer['predicted']} (covid {answer['probabilities']['covid']:.3f}, ")
    assert out.count("\n") == 1


def test_answers_that_cannot_be_written_fail_in_one_sentence(analyse, synthetic_path, tmp_path):
    status, _, err = analyse(synthetic_path, "--json", tmp_path / "no folder" / "answers.json")
    assert (status, err) == (1, "answers.json could not be written: No such file or directory.\n")


# ------------------------------------------------------------------------------------------------------------ model


def test_a_model_is_found_by_its_name(answers, synthetic_path, shipped_model):
    shutil.copytree(shipped_model, own_models() / "mine")
    status, (answer,) = answers(synthetic_path, model="mine")
    assert (status, answer["model"]["name"]) == (0, "darkcovidnet")


def test_an_unknown_model_fails_in_one_sentence(analyse, synthetic_path):
    assert analyse(synthetic_path, model="oracle") == (
        1, "", "There is no model called oracle: its card.json was not found.\n",
    )  # fmt: skip


@pytest.mark.parametrize("wrong", [[], ["film.dcm", "--device", "abacus"], ["film.dcm", "--colour"]])
def test_wrong_use_is_answered_with_two(capsys, wrong):
    assert command_line.main(["analyse", *wrong]) == 2
    assert "usage: hilum" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- heat map and report


@pytest.fixture
def with_scale(shipped_model, tmp_path):
    """Return a maker of copies of the model whose heat maps are drawn on another scale."""

    def make(floor, full_scale):
        folder = tmp_path / "model"
        shutil.copytree(shipped_model, folder)
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        names = [entry["name"] for entry in card["classes"]]
        for scale in (card["heatmap"], *card.get("heatmaps", {}).values()):
            scale |= {"floor": dict.fromkeys(names, floor), "full_scale": dict.fromkeys(names, full_scale)}
        (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def written(synthetic, reading, one_hot_cell, tmp_path):
    """Return a maker of the picture of a film with a map of 5 x 5 cells, of which the middle one is hot."""

    def make(**fields):
        shape = {"first_cell_row_column": (100, 50), "bounds_row_column": (50, 0, 550, 500)}
        found = reading(predicted="covid", heat_maps=(one_hot_cell((5, 5), (2, 2), 100, **shape | fields),))
        write_heat_map(tmp_path / "map.png", synthetic, found)
        return np.asarray(PIL.Image.open(tmp_path / "map.png")).astype(int)

    return make


def test_the_heat_map_lies_over_the_film_at_full_size_and_only_where_the_network_looked(written, synthetic):
    picture = written()
    changed = np.ptp(picture, axis=2) > 0
    assert changed.shape == (600, 500)
    assert changed[250:350, 200:300].mean() > 0.9
    outside = np.r_[0:50, 550:600]
    assert np.array_equal(picture[outside], np.repeat(to_display(synthetic)[outside, :, np.newaxis], 3, axis=2))


@pytest.mark.parametrize(
    "fields", [{"peak": 0.01}, {"faithfulness": Faithfulness(0.1, 0.0, 0.1, "hot +0.10", "The map is withheld.")}]
)
def test_a_heat_map_that_is_withheld_leaves_the_film_as_it_is(written, synthetic, fields):
    assert np.array_equal(written(**fields), np.repeat(to_display(synthetic)[..., np.newaxis], 3, axis=2))


def test_a_heat_map_below_the_floor_is_said_to_be_withheld(answers, with_scale, synthetic_path):
    _, (answer,) = answers(synthetic_path, model=with_scale(1e6, 1e7))
    assert answer["heatmap"]["withheld"] == "The map is withheld: nothing in it rises above the floor of the model's scale."
    assert [said for said in answer["warnings"] if "map" in said] == [answer["heatmap"]["withheld"]]


def test_several_films_get_a_heat_map_each_with_the_name_of_the_film(analyse, two_films, tmp_path):
    assert analyse(two_films, "--heatmap", tmp_path / "map.png")[0] == 0
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["map-a.png", "map-b.png"]


def test_films_of_the_same_name_do_not_overwrite_each_others_heat_map(analyse, two_films, tmp_path):
    (two_films / "ward").mkdir()
    (two_films / "b.dcm").rename(two_films / "ward" / "a.dcm")
    assert analyse(two_films, "--heatmap", tmp_path / "map.png")[0] == 0
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["map-a-2.png", "map-a.png"]


def test_a_refused_film_has_no_heat_map_and_that_is_said(answers, shared_dicom, tmp_path):
    status, (answer,) = answers(shared_dicom / CT, "--heatmap", tmp_path / "map.png")
    assert (status, answer["status"]) == (1, "refused")
    assert f"map.png was not written: {answer['reason']}" in answer["warnings"]
    assert list(tmp_path.glob("*.png*")) == []


def test_a_heat_map_that_cannot_be_written_fails_in_one_sentence_and_leaves_nothing(analyse, synthetic_path, tmp_path):
    status, _, err = analyse(synthetic_path, "--heatmap", tmp_path / "no folder" / "map.png")
    assert (status, err) == (1, "map.png could not be written: No such file or directory.\n")
    assert list(tmp_path.iterdir()) == []


def printed(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True).stdout


needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs poppler's pdftotext")


@needs_poppler
def test_the_report_is_a_pdf_with_the_film_the_answer_and_the_notice(answers, synthetic_path, synthetic, tmp_path):
    status, (answer,) = answers(synthetic_path, "--report", tmp_path / "report.pdf")
    text = " ".join(printed(tmp_path / "report.pdf").split())
    assert status == 0
    assert synthetic.identity.patient_id in text
    assert answer["model"]["weights_sha256"][:16] in text.replace(" ", "")
    assert "Research and education only." in text


@needs_poppler
def test_the_report_of_a_refused_film_says_why(analyse, shared_dicom, tmp_path):
    assert analyse(shared_dicom / CT, "--report", tmp_path / "report.pdf")[0] == 0
    assert REFUSAL in " ".join(printed(tmp_path / "report.pdf").split())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only here is a file name any bytes")
def test_a_film_whose_name_is_no_text_is_answered_about(analyse, tmp_path):
    film = tmp_path / os.fsdecode(b"film-\xff.dcm")
    film.write_bytes(b"nothing")
    status, out, err = analyse(film, "--json", "-")
    assert (status, err) == (1, "")
    assert json.loads(out)[0]["file"].endswith("film-?.dcm")


# ----------------------------------------------------------------------------------- override, method, audit, lungs


def test_a_refused_film_is_read_with_a_reason_that_stands_in_the_answer(answers, picture_of_an_ankle):
    status, (answer,) = answers(picture_of_an_ankle, "--override", "for teaching")
    assert (status, answer["status"], answer["override"]) == (0, "read", "for teaching")
    assert [entry["code"] for entry in answer["refusals"]] == ["body_part"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_without_a_reason_it_stays_refused(answers, picture_of_an_ankle):
    _, (answer,) = answers(picture_of_an_ankle, "--override", " ")
    assert (answer["status"], answer["override"], answer["probabilities"]) == ("refused", None, {})


@pytest.fixture
def picture_of_an_ankle(synthetic_path, tmp_path):
    """Return the synthetic film under a header that says ankle."""
    header = pydicom.dcmread(synthetic_path)
    header.BodyPartExamined = "ANKLE"
    header.save_as(tmp_path / "ankle.dcm")
    return tmp_path / "ankle.dcm"


def test_the_map_is_made_by_the_method_that_is_asked_for(answers, synthetic_path):
    _, (answer,) = answers(synthetic_path, "--method", "HiResCAM")
    assert (answer["heatmap"]["method"], answer["heatmap"]["faithfulness"]) == ("HiResCAM", None)


def test_the_audit_and_the_lungs_are_written(answers, synthetic_path, tmp_path):
    status, (answer,) = answers(synthetic_path, "--audit", "--lung-mask", tmp_path / "lungs.png")
    mask = np.asarray(PIL.Image.open(tmp_path / "lungs.png"))
    assert (status, mask.shape, set(np.unique(mask))) == (0, (600, 500), {0, 255})
    assert 0.1 < (mask == 255).mean() < 0.5
    assert len(answer["audit"]["lines"]) == 6
    assert answer["audit"]["verdict"] in {"marker", "outside", "border", "mirrored", "compressed", "stays"}


def test_the_lungs_of_a_refused_film_are_written_too_and_black_where_there_are_none(answers, shared_dicom, tmp_path):
    status, (answer,) = answers(shared_dicom / CT, "--audit", "--lung-mask", tmp_path / "lungs.png")
    assert (status, answer["status"], answer["audit"]) == (0, "refused", None)
    assert not np.asarray(PIL.Image.open(tmp_path / "lungs.png")).any()
    assert answer["warnings"][-1].startswith("No lungs were found: ")
