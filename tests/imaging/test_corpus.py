"""The shared DICOM files: each opens or says why, and what opens looks as the standard says."""

import csv
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array

from viewer.errors import UnreadableFile
from viewer.imaging.grayscale import to_display
from viewer.imaging.image import Image, LookupTable
from viewer.imaging.reader import headers, read_file

# Announced as a picture, but two bytes of pixel data are there.
REFUSED_IMAGES = {"pydicom/HISTORY/tests/test_files/ambiguous_vr@d572ddad.dcm"}


@pytest.fixture(scope="module")
def outcomes(shared_dicom: Path) -> dict[str, Image | str]:
    """Read every file of the manifest: an image, or the sentence that refuses it."""
    with (shared_dicom / "MANIFEST.csv").open(encoding="utf-8") as stream:
        paths = [row["path"] for row in csv.DictReader(stream)]
    found: dict[str, Image | str] = {}
    for path in paths:
        try:
            found[path] = read_file(shared_dicom / path)
        except UnreadableFile as error:
            found[path] = str(error)
    return found


def test_every_file_opens_or_is_refused_in_a_sentence_with_its_name(outcomes):
    refused = {path: text for path, text in outcomes.items() if isinstance(text, str)}
    bad = {p: t for p, t in refused.items() if not (t.startswith(Path(p).name) and t.endswith(".") and len(t) < 300)}
    assert bad == {}
    assert len(outcomes) - len(refused) >= 495


def test_what_the_manifest_calls_an_image_opens(outcomes, shared_dicom):
    with (shared_dicom / "MANIFEST.csv").open(encoding="utf-8") as stream:
        images = [row["path"] for row in csv.DictReader(stream) if row["expect"].startswith("image")]
    assert {path for path in images if isinstance(outcomes[path], str)} == REFUSED_IMAGES


def test_headers_say_what_decoding_finds(outcomes, shared_dicom):
    wrong = []
    for path, image in outcomes.items():
        if isinstance(image, Image):
            first = headers(shared_dicom / path)[0]
            same = (first.rows, first.columns, first.key) == (image.rows, image.columns, image.instance.key)
            wrong += [] if same else [path]
    assert wrong == []


def test_grey_files_look_as_the_independent_rendering(outcomes, shared_dicom, reference):
    compared, wrong = 0, []
    for path, image in outcomes.items():
        # Where pydicom's own stored values are wrong: the top bits dropped; Pillow's JPEG 2000 reading 32768 off.
        if isinstance(image, str) or image.is_color or "highbit15" in path or "TOSHIBA_J2K_SIZ1_PixRep0" in path:
            continue
        expected = independent(shared_dicom / path, image, reference)
        if expected is not None:
            compared += 1
            wrong += [] if np.mean(np.abs(to_display(image) - expected) <= 1) >= 0.999 else [path]
    assert wrong == []
    assert compared >= 225  # as many as pydicom decodes with the pinned packages alone


def independent(path, image, reference):
    """Return the first VOI of a file drawn by the reference, or None where pydicom alone cannot decode it."""
    if not image.vois:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        try:
            stored = pixel_array(dataset, index=0)
            mode = "lut" if isinstance(image.vois[0], LookupTable) else "window"
            return np.floor(np.clip(reference.reference(dataset, stored, mode), 0, 255) + 0.5)
        except (RuntimeError, NotImplementedError, AttributeError, ValueError):
            return None


LOSSLESS = [
    "1.2.840.10008.1.2_implicit", "1.2.840.10008.1.2.2_big_endian", "1.2.840.10008.1.2.1.99_deflated",
    "1.2.840.10008.1.2.5_rle", "1.2.840.10008.1.2.4.57_jpegll_sv", "1.2.840.10008.1.2.4.70_jpegll_sv1",
    "1.2.840.10008.1.2.4.80_jls", "1.2.840.10008.1.2.4.90_j2k", "jls_one_frame_many_fragments_no_bot",
]  # fmt: skip


@pytest.mark.parametrize("name", LOSSLESS)
def test_a_lossless_transfer_syntax_gives_the_pixels_that_went_in(shared_dicom, name):
    folder = shared_dicom / "derived" / "ts"
    plain, packed = read_file(folder / "00_explicit_le.dcm"), read_file(folder / f"{name}.dcm")
    assert np.array_equal(plain.pixels, packed.pixels)
    assert packed.lossy == ""


@pytest.mark.parametrize("syntax", ["4.201_htj2k", "4.202_htj2k_rpcl", "4.110_jxl_lossless"])
def test_sixteen_bits_survive_the_newer_transfer_syntaxes(shared_dicom, syntax):
    folder = shared_dicom / "derived" / "ts"
    plain = read_file(folder / "01_explicit_le_16bit.dcm")
    assert np.array_equal(plain.pixels, read_file(folder / f"1.2.840.10008.1.2.{syntax}.dcm").pixels)


@pytest.mark.parametrize(("name", "lossy"), [("51_jpeg12", "JPEG 2.55:1"), ("53_spectral12", "JPEG 2.62:1")])
def test_a_lossy_film_says_so_and_stays_close(shared_dicom, name, lossy):
    folder = shared_dicom / "derived" / "ts"
    plain, packed = read_file(folder / "00_explicit_le.dcm"), read_file(folder / f"1.2.840.10008.1.2.4.{name}.dcm")
    assert packed.lossy == lossy
    assert np.abs(plain.pixels.astype(int) - packed.pixels).max() <= 13


@pytest.mark.parametrize("name", ["bot", "empty_bot", "bot_two_fragments_each", "eot"])
def test_each_frame_is_found_whatever_the_offset_table(shared_dicom, name):
    folder = shared_dicom / "derived" / "ts"
    for frame in range(6):
        plain = read_file(folder / "mf6_explicit_le.dcm", frame).pixels
        assert np.array_equal(plain, read_file(folder / f"mf6_jls_{name}.dcm", frame).pixels)


@pytest.mark.parametrize("name", ["dx_dirty_high_bits", "dx_highbit15_stored12"])
def test_bits_beyond_those_stored_never_show(shared_dicom, name):
    folder = shared_dicom / "derived" / "voi"
    assert np.array_equal(to_display(read_file(folder / "dx_m2_linear.dcm")), to_display(read_file(folder / f"{name}.dcm")))


def test_a_frame_of_an_enhanced_ct_has_its_own_window(shared_dicom):
    path = shared_dicom / "derived" / "mf" / "enhanced_ct.dcm"
    assert [read_file(path, frame).vois[0].center for frame in (0, 1, 5)] == [40, 50, 90]


@pytest.mark.parametrize(
    ("name", "spacing", "plane", "ratio"),
    [
        ("dx_imager_0.4x0.2", (0.4, 0.2), "detector", 2.0),
        ("dx_calibrated", (0.36, 0.36), "calibrated", 1.0),
        ("dx_zero_spacing", None, None, 1.0),
        ("sc_aspect_2_1", None, None, 2.0),
    ],
)
def test_spacing_says_in_which_plane_it_is(shared_dicom, name, spacing, plane, ratio):
    image = read_file(shared_dicom / "derived" / "geom" / f"{name}.dcm")
    assert (image.spacing_mm, image.spacing_plane, image.aspect_ratio) == (spacing, plane, ratio)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gb18030", "Zhang Wei = 张 伟"),
        ("zh_58", "Zhang XiaoDong = 张 小东"),
        ("gbk_bytes_no_charset", "Chen Jing = 陈 静"),
        ("jp_ir13", "ﾔﾏﾀﾞ ﾀﾛｳ = 山田 太郎 = やまだ たろう"),
        ("ko_149", "Hong Gildong = 洪 吉洞 = 홍 길동"),
        ("ar_127", "قباني لنزار"),
        ("l1_100", "Buc Jérôme"),
    ],
)
def test_names_read_as_they_were_written(shared_dicom, name, expected):
    assert read_file(shared_dicom / "derived" / "charset" / f"{name}.dcm").identity.patient_name == expected


@pytest.mark.parametrize("name", ["rgb_planar1", "rgb16"])
def test_colours_do_not_depend_on_how_they_are_stored(shared_dicom, name):
    folder = shared_dicom / "derived" / "color"
    plain = read_file(folder / "rgb_interleaved.dcm").pixels
    assert plain[20, 20].tolist() == [255, 0, 0]
    assert np.array_equal(plain, read_file(folder / f"{name}.dcm").pixels)
