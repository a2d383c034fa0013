"""render and info, called as the door calls them."""

import json
import sys

import numpy as np
import PIL.Image
import pydicom
import pytest

from viewer import command_line
from viewer.imaging.grayscale import preset_voi, to_display
from viewer.imaging.image import Window
from viewer.imaging.overlays import GRAPHICS_COLOR
from viewer.imaging.reader import read_file

RAMP = np.arange(0, 4096, 16, dtype=np.uint16).reshape(16, 16)


@pytest.fixture
def film(write_dicom):
    return write_dicom("film.dcm", RAMP, WindowCenter=[2048, 500], WindowWidth=[4096, 900], PatientName="Chen^Jing")


def render(film, tmp_path, *options):
    out = tmp_path / "out.png"
    status = command_line.main(["render", str(film), "--out", str(out), *options])
    return status, np.asarray(PIL.Image.open(out)) if out.exists() else None


def test_render_draws_the_first_window_of_the_file(film, tmp_path):
    status, drawn = render(film, tmp_path)
    assert status == 0
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, to_display(read_file(film), Window(2048, 4096)))


@pytest.mark.parametrize("options", [["--window", "-600,1500"], ["--window=-600,1500"], ["--window", "-600, 1500"]])
def test_render_takes_a_window_with_a_negative_centre(film, tmp_path, options):
    _, drawn = render(film, tmp_path, *options)
    assert np.array_equal(drawn, to_display(read_file(film), Window(-600, 1500)))


def test_render_takes_a_voi_by_number_a_preset_by_name_and_inverts(film, tmp_path):
    image = read_file(film)
    assert np.array_equal(render(film, tmp_path, "--voi", "2")[1], to_display(image, Window(500, 900)))
    assert np.array_equal(render(film, tmp_path, "--preset", "lung")[1], to_display(image, preset_voi(image, "lung")))
    assert np.array_equal(render(film, tmp_path, "--invert")[1], 255 - to_display(image))


def test_render_draws_overlays_only_when_asked_and_can_take_the_shutter_away(write_dicom, tmp_path):
    edges = {"ShutterLeftVerticalEdge": 3, "ShutterRightVerticalEdge": 16, "ShutterUpperHorizontalEdge": 1,
             "ShutterLowerHorizontalEdge": 16}  # fmt: skip
    path = write_dicom("marked.dcm", RAMP + 100, ShutterShape="RECTANGULAR", **edges)
    dataset = pydicom.dcmread(path)
    for element, vr, value in ((0x10, "US", 1), (0x11, "US", 1), (0x50, "SS", [5, 5]), (0x3000, "OW", b"\1\0")):
        dataset.add_new((0x6000, element), vr, value)
    dataset.save_as(path)
    image = read_file(path)
    assert np.array_equal(render(path, tmp_path)[1], to_display(image))
    assert np.array_equal(render(path, tmp_path, "--no-shutter")[1], to_display(image, shutter=False))
    drawn = render(path, tmp_path, "--overlays")[1]
    assert drawn[4, 4].tolist() == list(GRAPHICS_COLOR)
    assert np.array_equal(drawn[10:, :, 0], to_display(image)[10:])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--voi", "3"], "film.dcm has no window or VOI LUT 3: it states only 2.\n"),
        (["--frame", "1"], "film.dcm could not be opened: it has no frame 1 (it has 1 frame, counted from 0).\n"),
    ],
)
def test_render_refuses_in_one_sentence_and_leaves_no_file(film, tmp_path, capsys, options, sentence):
    assert render(film, tmp_path, *options) == (1, None)
    assert capsys.readouterr().err == sentence
    assert list(tmp_path.glob("*png*")) == []


@pytest.mark.parametrize(
    "options", [["--window", "40"], ["--window", "40,0"], ["--window", "nan,4"], ["--voi", "0"], ["--frame", "x"],
                ["--voi", "1", "--preset", "lung"], ["--colour"]],
)  # fmt: skip
def test_render_calls_wrong_use_by_status_2(film, tmp_path, options):
    assert render(film, tmp_path, *options) == (2, None)


def test_render_never_writes_over_the_film(film, capsys):
    before = film.read_bytes()
    assert command_line.main(["render", str(film), "--out", str(film)]) == 1
    assert "it is the film itself" in capsys.readouterr().err
    assert film.read_bytes() == before


def test_render_says_when_there_is_no_such_folder(film, tmp_path, capsys):
    assert command_line.main(["render", str(film), "--out", str(tmp_path / "no" / "out.png")]) == 1
    assert capsys.readouterr().err.startswith("out.png could not be written: ")


def test_info_lists_what_opens_and_what_does_not(film, tmp_path, capsys):
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(film.read_bytes()[:-1])
    assert command_line.main(["info", str(film), str(broken), "--json", "-"]) == 1
    content = json.loads(capsys.readouterr().out)
    image = content["patients"][0]["studies"][0]["series"][0]["images"][0]
    assert content["patients"][0]["name"] == "Chen Jing"
    assert (image["rows"], image["columns"], image["photometric_interpretation"]) == (16, 16, "MONOCHROME2")
    assert image["transfer_syntax"]["uid"] == "1.2.840.10008.1.2.1"
    assert [window["center"] for window in image["windows"]] == [2048.0, 500.0]
    assert content["not_opened"][0]["file"] == str(broken)


def test_info_writes_a_file_and_says_nothing_more(film, tmp_path, capsys):
    out = tmp_path / "info.json"
    assert command_line.main(["info", str(film), "--json", str(out)]) == 0
    assert json.loads(out.read_text())["not_opened"] == []
    assert capsys.readouterr() == ("", "")


def test_info_without_json_is_for_people(film, capsys):
    assert command_line.main(["info", str(film)]) == 0
    assert "film.dcm: 16 x 16, MONOCHROME2, Explicit VR Little Endian" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="no file name holds a line break there")
def test_a_line_break_in_a_file_name_makes_no_line_of_the_list(write_dicom, capsys):
    path = write_dicom("a\nnot opened: b", RAMP, PatientName="Chen^Jing")
    assert command_line.main(["info", str(path)]) == 0
    assert "      a not opened: b: 16 x 16, MONOCHROME2" in capsys.readouterr().out
