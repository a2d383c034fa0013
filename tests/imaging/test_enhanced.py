"""Enhanced multi-frame objects: each frame has its own place, window and spacing, however long the list of them is."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from viewer.imaging.functional_groups import functional_group
from viewer.imaging.image import Window
from viewer.imaging.reader import headers, read_file

EXPLICIT, IMPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2", ".1.99"))
COUNT = 200


def item(**elements) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def groups_of(frame: int) -> Dataset:
    return item(
        FrameContentSequence=[item(FrameComments="x" * 600)],
        PlanePositionSequence=[item(ImagePositionPatient=[0.0, 0.0, 2.5 * frame])],
        PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.25 + frame])],
        FrameVOILUTSequence=[item(WindowCenter=40 + frame, WindowWidth=400, WindowCenterWidthExplanation="Lunge, groß")],
        PixelValueTransformationSequence=[item(RescaleIntercept=-frame, RescaleSlope=1, RescaleType="HU")],
    )


def without_lengths(dataset: Dataset) -> None:
    """Have all sequences and their items end with marks instead of stating lengths."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for inner in element.value:
                inner.is_undefined_length_sequence_item = True
                without_lengths(inner)


@pytest.fixture
def write_enhanced(write_dicom):
    """Return a writer of a CT of 200 frames, whose list of frames is longer than what is read with a header."""

    def write(syntax: str = EXPLICIT, has_lengths: bool = True, frames: int = COUNT):
        path = write_dicom(
            "ct.dcm", np.arange(6 * COUNT, dtype=np.uint16).reshape(-1, 3), syntax, Modality="CT", Rows=2,
            NumberOfFrames=COUNT, SpecificCharacterSet="ISO_IR 100",
            SharedFunctionalGroupsSequence=[item(PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])])],
            PerFrameFunctionalGroupsSequence=[groups_of(frame) for frame in range(frames)],
        )  # fmt: skip
        if not has_lengths:
            dataset = pydicom.dcmread(path)
            without_lengths(dataset)
            dataset.save_as(path)
        return path

    return write


@pytest.mark.parametrize("has_lengths", [True, False], ids=["lengths", "marks"])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, DEFLATED])
def test_every_frame_has_its_own_place_window_spacing_and_rescale(write_enhanced, syntax, has_lengths):
    path = write_enhanced(syntax, has_lengths)
    records = headers(path)
    assert [record.position_mm for record in records] == [(0.0, 0.0, 2.5 * frame) for frame in range(COUNT)]
    assert {record.orientation for record in records} == {(1, 0, 0, 0, 1, 0)}
    image = read_file(path, 199)
    assert image.vois == (Window(239, 400, "LINEAR", "Lunge, groß"),)
    assert (image.spacing_mm, image.unit) == ((0.5, 199.25), "HU")
    assert image.pixels.tolist() == [[1194 - 199, 1195 - 199, 1196 - 199], [1197 - 199, 1198 - 199, 1199 - 199]]


def test_frames_of_a_big_endian_file_have_their_places_too(write_enhanced):
    records = headers(write_enhanced(BIG))
    assert [record.position_mm for record in records][:3] == [(0.0, 0.0, 0.0), (0.0, 0.0, 2.5), (0.0, 0.0, 5.0)]


def test_frames_the_list_does_not_reach_have_no_place(write_enhanced):
    places = [record.position_mm for record in headers(write_enhanced(frames=150))]
    assert places[149] == (0.0, 0.0, 372.5)
    assert set(places[150:]) == {None}


def test_pixels_behind_a_list_of_frames_of_unknown_vr_are_found(write_enhanced):
    path = write_enhanced()
    path.write_bytes(path.read_bytes().replace(b"\x00\x52\x30\x92SQ", b"\x00\x52\x30\x92UN"))
    assert len(headers(path)) == COUNT
    assert read_file(path, 1).pixels.shape == (2, 3)


def test_a_damaged_list_of_frames_does_not_cost_the_pictures(write_enhanced):
    path = write_enhanced()
    data = path.read_bytes()
    first = data.index(b"\x00\x52\x30\x92SQ") + 12
    path.write_bytes(data[:first] + b"\xff" * 8 + data[first + 8 :])
    assert {record.position_mm for record in headers(path)} == {None}
    assert read_file(path, 1).pixels.tolist() == [[6, 7, 8], [9, 10, 11]]


def test_groups_of_a_data_set_made_in_memory_are_found():
    dataset = item(PerFrameFunctionalGroupsSequence=[groups_of(0), groups_of(1)])
    found = functional_group(dataset, "PlanePositionSequence", 1)
    assert found is not None
    assert found.ImagePositionPatient == [0, 0, 2.5]
    assert functional_group(dataset, "PlanePositionSequence", 2) is None
