"""Files and folders as they are dropped: whole ones, broken ones, odd ones."""

import os
import random
import shutil
import tracemalloc

import numpy as np
import pydicom
import pytest

from viewer.errors import UnreadableFile, UnsupportedFile
from viewer.imaging.grayscale import to_display
from viewer.imaging.image import LookupTable, NotOpened, Opened, OpenProgress, Window
from viewer.imaging.opening import open_paths
from viewer.imaging.reader import headers, read_file, read_image
from viewer.imaging.tags import read_header

RAMP = np.arange(12, dtype=np.uint16).reshape(3, 4)


def drain(paths):
    """Return what an opening yields, without progress, and its summary."""
    found, opening = [], open_paths(paths)
    while True:
        try:
            result = next(opening)
        except StopIteration as stop:
            return found, stop.value
        found += [] if isinstance(result, OpenProgress) else [result]


def test_of_200_files_of_which_3_are_broken_197_open(write_dicom, tmp_path):
    for i in range(200):
        write_dicom(f"folder/{i % 7}/film{i}.dcm", RAMP)
    for i in (3, 70, 199):
        broken = tmp_path / "folder" / str(i % 7) / f"film{i}.dcm"
        broken.write_bytes(broken.read_bytes()[:-10])
    found, summary = drain([tmp_path / "folder"])
    refused = [result for result in found if isinstance(result, NotOpened)]
    assert (summary.opened, len(summary.not_opened)) == (197, 3)
    assert {one.path.name for one in refused} == {"film3.dcm", "film70.dcm", "film199.dcm"}
    assert "cut short (24 bytes expected, 14 found)" in refused[0].reason


def test_files_come_in_the_order_people_count(write_dicom, tmp_path):
    for i in (10, 2, 1):
        write_dicom(f"films/IM{i}", RAMP)
    found, _ = drain([tmp_path / "films"])
    assert [result.instance.path.name for result in found] == ["IM1", "IM2", "IM10"]


def test_a_film_that_is_there_twice_is_shown_once(write_dicom, tmp_path):
    film = write_dicom("films/a.dcm", RAMP)
    shutil.copy(film, tmp_path / "films" / "b.dcm")
    found, _ = drain([tmp_path / "films"])
    assert isinstance(found[0], Opened)
    assert found[1].reason == "b.dcm is a copy of a.dcm (same SOP Instance UID) and is shown once."


def test_hidden_files_are_passed_over_and_a_loop_of_links_ends(write_dicom, tmp_path):
    write_dicom("films/a.dcm", RAMP)
    write_dicom("films/.hidden", RAMP)
    (tmp_path / "films" / "loop").symlink_to(tmp_path / "films", target_is_directory=True)
    found, _ = drain([tmp_path / "films"])
    assert [result.instance.path.name for result in found] == ["a.dcm"]


def test_a_file_that_is_named_and_not_there_is_reported(tmp_path):
    _, summary = drain([tmp_path / "gone.dcm"])
    assert summary.not_opened[0].reason == "gone.dcm could not be opened: there is no such file."


def test_every_frame_of_a_file_is_opened(write_dicom, tmp_path):
    path = write_dicom("cine.dcm", RAMP, NumberOfFrames=3, PixelData=np.stack([RAMP, RAMP + 1, RAMP + 2]).tobytes())
    found, _ = drain([path])
    assert [result.instance.frame for result in found] == [0, 1, 2]
    assert read_image(found[2].instance).pixels[0, 0] == 2


def test_a_multiframe_file_that_changes_is_read_again(write_dicom):
    two = np.stack([RAMP, RAMP])
    path = write_dicom("cine.dcm", RAMP, NumberOfFrames=2, PixelData=two.tobytes())
    before = read_file(path, 1)
    write_dicom("cine.dcm", RAMP, NumberOfFrames=2, PixelData=(two + 5).tobytes(), ImageComments="longer than before")
    after = read_file(path, 1)
    assert (before.pixels[0, 0], after.pixels[0, 0]) == (0, 5)
    assert before.sha256 != after.sha256


def test_a_frame_that_is_not_there_is_refused(write_dicom):
    with pytest.raises(UnreadableFile, match=r"it has no frame 1 \(it has 1 frame, counted from 0\)"):
        read_file(write_dicom("a.dcm", RAMP), 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "it is empty"), (b"Dear colleague,\n" * 20, "neither a DICOM file nor"), (b"\0" * 128 + b"DICM", "no picture")],
)
def test_what_is_no_picture_says_so(tmp_path, content, reason):
    path = tmp_path / "letter.dcm"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=reason):
        read_file(path)


def test_a_folder_is_no_film(tmp_path):
    with pytest.raises(UnreadableFile, match="it is a folder"):
        read_file(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be read by this account")
def test_a_file_without_permission_says_so(write_dicom):
    path = write_dicom("a.dcm", RAMP)
    path.chmod(0)
    with pytest.raises(UnreadableFile, match="not allowed"):
        read_file(path)


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"Rows": 0}, "4 x 0 pixels"),
        ({"PhotometricInterpretation": "HSV"}, "HSV"),
        ({"PhotometricInterpretation": None}, "black and white are unknown"),
        ({"BitsStored": 20}, "20 bits in 16"),
        ({"NumberOfFrames": 1_000_000_000}, "1000000000 frames"),
        ({"SamplesPerPixel": 3}, "3 samples"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "BitsAllocated": 1, "BitsStored": 1}, "1-bit integer"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "BitsAllocated": 12, "BitsStored": 12}, "12-bit integer"),
    ],
)
def test_a_header_that_cannot_be_is_refused_by_header_and_by_file(write_dicom, elements, reason):
    path = write_dicom("a.dcm", RAMP, **elements)
    for read in (read_file, headers):
        with pytest.raises(UnreadableFile, match=reason):
            read(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("4.102_mpeg4", "it is a video"),
        ("4.94_jpip", "its pixels lie on a server"),
    ],
)
def test_what_is_never_decoded_is_refused_by_name(shared_dicom, name, reason):
    with pytest.raises(UnsupportedFile, match=reason):
        read_file(shared_dicom / "derived" / "ts" / f"1.2.840.10008.1.2.{name}.dcm")


def test_colours_of_floating_numbers_are_refused(write_dicom):
    elements = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "BitsAllocated": 32, "BitsStored": 32}
    path = write_dicom("a.dcm", RAMP, FloatPixelData=bytes(12 * RAMP.size), **elements)
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(UnreadableFile, match="32-bit float"):
        read_file(path)


def test_a_transfer_syntax_nobody_knows_is_named(write_dicom):
    path = write_dicom("a.dcm", RAMP)
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"))
    with pytest.raises(UnsupportedFile, match=r"transfer syntax \(1\.2\.840\.10008\.9\.9\.9\) is not known"):
        read_file(path)


def test_no_damage_to_a_file_lets_a_foreign_error_out(write_dicom):
    path = write_dicom("a.dcm", RAMP, WindowCenter=5, WindowWidth=10, PatientName="A^B", PixelSpacing=[1, 1])
    whole, dice = path.read_bytes(), random.Random(1)
    opened = 0
    for _ in range(400):
        broken = bytearray(whole[: dice.randrange(132, len(whole) + 1)])
        for _ in range(dice.randrange(1, 6)):
            broken[dice.randrange(132, len(broken)) if len(broken) > 132 else 131] = dice.randrange(256)
        path.write_bytes(broken)
        try:
            to_display(read_file(path))
            opened += 1
        except UnreadableFile as error:
            assert str(error).startswith("a.dcm could not be opened: ")
    assert 0 < opened < 400


# ------------------------------------------------------------------------------------------------- values and windows


def test_signed_values_are_sign_extended_and_rescaled(write_dicom):
    stored = np.array([[0x0FFF, 0xF7FF, 0x0800]], np.uint16)
    path = write_dicom("a.dcm", stored, BitsStored=12, HighBit=11, PixelRepresentation=1, RescaleSlope=2,
                       RescaleIntercept=-1024, Modality="CT")  # fmt: skip
    image = read_file(path)
    assert image.pixels.tolist() == [[-1026, 3070, -5120]]
    assert (image.unit, image.pixels.dtype) == ("HU", np.int16)


def test_a_negative_slope_turns_values_over(write_dicom):
    image = read_file(write_dicom("a.dcm", RAMP, RescaleSlope=-1, RescaleIntercept=100))
    assert image.pixels[0].tolist() == [100, 99, 98, 97]


def test_padding_is_found_in_stored_values_before_rescaling(write_dicom):
    path = write_dicom("a.dcm", RAMP, PixelPaddingValue=2, PixelPaddingRangeLimit=4, RescaleIntercept=-1000,
                       RescaleSlope=1)  # fmt: skip
    assert np.argwhere(read_file(path).padding).tolist() == [[0, 2], [0, 3], [1, 0]]


def test_windows_keep_their_names_and_forbidden_ones_are_left_out(write_dicom):
    image = read_file(write_dicom("a.dcm", RAMP, WindowCenter=[5, 6, 7], WindowWidth=[10, 0, 30],
                                  WindowCenterWidthExplanation=["SOFT", "BAD", "HARD"]))  # fmt: skip
    assert image.vois == (Window(5, 10, "LINEAR", "SOFT"), Window(7, 30, "LINEAR", "HARD"))
    assert image.warnings == ("A window of width 0 was ignored: the standard forbids it.",)


def test_a_voi_lut_of_8_bit_entries_is_not_wrapped(shared_dicom):
    folder = shared_dicom / "derived" / "voi"
    eight, twelve = (read_file(folder / f"dx_voilut_{name}.dcm") for name in ("8bit_entries", "1000_entries"))
    assert isinstance(eight.vois[0], LookupTable)
    assert (len(eight.vois[0].entries), eight.vois[0].first, eight.vois[0].bits) == (1000, 900, 8)
    assert np.abs(to_display(eight).astype(int) - to_display(twelve)).max() <= 1


@pytest.mark.parametrize(
    ("photometric", "shape", "turned"),
    [("MONOCHROME1", "INVERSE", False), ("MONOCHROME1", "IDENTITY", True), ("MONOCHROME2", "INVERSE", True)],
)
def test_the_presentation_shape_has_the_last_word(write_dicom, photometric, shape, turned):
    path = write_dicom("a.dcm", RAMP, PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    assert read_file(path).presentation_inverse is turned


@pytest.mark.parametrize(
    ("stated", "age", "years"),
    [({"PatientAge": "055Y"}, "55 y", 55.0), ({"PatientAge": "006M"}, "6 m", 0.5),
     ({"PatientBirthDate": "19600615", "StudyDate": "20200614"}, "59 y", 59.998), ({}, "", None)],
)  # fmt: skip
def test_age_is_stated_or_follows_from_the_dates(write_dicom, stated, age, years):
    identity = read_file(write_dicom("a.dcm", RAMP, **stated)).identity
    assert (identity.age, identity.age_years) == (age, pytest.approx(years, abs=0.01) if years else None)


def test_control_characters_never_reach_the_screen(write_dicom):
    path = write_dicom("a.dcm", RAMP, PatientID="12\x0734", StudyDate="20200310", StudyTime="140559.5")
    identity = read_file(path).identity
    assert (identity.patient_id, identity.study_date, identity.study_time) == ("12 34", "2020-03-10", "14:05:59")


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"])
@pytest.mark.parametrize("lost", [128, 132], ids=["preamble", "preamble and magic word"])
def test_a_file_without_its_preamble_opens_everywhere(write_dicom, syntax, lost):
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    path = write_dicom("film", pixels, syntax, PatientID="77", PerFrameFunctionalGroupsSequence=[])
    path.write_bytes(path.read_bytes()[lost:])
    assert headers(path)[0].identity.patient_id == "77"
    assert headers(path)[0].transfer_syntax_uid == syntax
    assert np.array_equal(read_file(path).pixels, pixels)
    assert "(0010,0020)" in [element.tag_text for element in read_header(path).elements]


def test_a_film_of_120_million_pixels_opens_in_two_gibibytes(write_dicom):
    pixels = np.zeros((10_000, 12_000), np.uint16)
    path = write_dicom("leg.dcm", pixels, BitsStored=12, HighBit=11, RescaleSlope="0.5", RescaleIntercept="-1")
    del pixels
    tracemalloc.start()
    greys = to_display(read_file(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert greys.shape == (10_000, 12_000)
    assert peak < 2**31
