"""Presentation states: what is read of them, which frames they are for, and the greys they give a picture."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from viewer.errors import UnsupportedFile
from viewer.imaging.documents.content import DocumentContent
from viewer.imaging.documents.graphics import Graphic, GraphicText
from viewer.imaging.documents.listing import document_of, read_document
from viewer.imaging.documents.presentation_state import (
    DisplayedArea,
    PresentationState,
    applied,
    read_presentation_state,
)
from viewer.imaging.grayscale import default_voi, display_table
from viewer.imaging.image import Image, LookupTable, Window
from viewer.imaging.reader import read_file

PATH = Path("state.dcm")
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
BLENDING = "1.2.840.10008.5.1.4.1.1.11.4"
UID = "1.2.9"


def elements(**stated: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in stated.items():
        setattr(dataset, keyword, value)
    return dataset


def picture(uid: str = UID, frames: Any = None) -> Dataset:
    named = elements(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID=uid)
    if frames is not None:
        named.ReferencedFrameNumber = frames
    return named


def dataset_of(*pictures: Dataset, **stated: Any) -> Dataset:
    series = elements(SeriesInstanceUID="1.2.1", ReferencedImageSequence=list(pictures or (picture(),)))
    own = {"SOPClassUID": GSPS, "ContentLabel": "BONE", "ReferencedSeriesSequence": [series]}
    return elements(**{**own, **stated})


def state_of(*pictures: Dataset, **stated: Any) -> PresentationState:
    return read_presentation_state(PATH, dataset_of(*pictures, **stated))


def window(center: float, width: float, *pictures: Dataset, **stated: Any) -> Dataset:
    item = elements(WindowCenter=center, WindowWidth=width, **stated)
    if pictures:
        item.ReferencedImageSequence = list(pictures)
    return item


@pytest.fixture
def film(make_image: Callable[..., Image]) -> Callable[..., Image]:
    """Return a maker of one row of four pixels, 0 to 300, with the UID a state names; then any field of Image."""
    return lambda **fields: make_image([[0, 100, 200, 300]], sop_instance_uid=UID, **fields)


def greys(image: Image) -> list[int]:
    return display_table(image, default_voi(image), False).apply(image.pixels).ravel().tolist()


# ------------------------------------------------------------------------------------------------------------- scope


def test_a_state_names_its_pictures_and_their_frames():
    state = state_of(picture("1.2.9"), picture("1.2.8", [2, 3]))
    assert state.references == {("1.2.9", None), ("1.2.8", (2, 3))}
    assert [state.applies_to("1.2.8", frame) for frame in (1, 2, 3, 4)] == [False, True, True, False]
    assert state.applies_to("1.2.9", 77)
    assert not state.applies_to("1.2.7", 1)


def test_a_blended_state_names_the_pictures_of_both_sets_and_says_that_it_is_not_done():
    series = [elements(ReferencedImageSequence=[picture(uid)]) for uid in ("1.2.8", "1.2.9")]
    sets = [elements(ReferencedSeriesSequence=[each]) for each in series]
    state = state_of(SOPClassUID=BLENDING, ReferencedSeriesSequence=[], BlendingSequence=sets)
    assert state.references == {("1.2.8", None), ("1.2.9", None)}
    assert state.not_applied == ("This kind of presentation state blends or reconstructs pictures, which is not done.",)


def test_each_frame_gets_its_own_window():
    windows = [window(40, 400, picture(UID, 1)), window(-600, 1500, picture(UID, [2, 3]))]
    state = state_of(SoftcopyVOILUTSequence=windows)
    assert [state.voi_for(UID, frame) for frame in (1, 3, 4)] == [Window(40, 400), Window(-600, 1500), None]


def test_what_is_no_presentation_state_is_refused():
    with pytest.raises(UnsupportedFile, match="it is no presentation state"):
        read_presentation_state(PATH, elements(SOPClassUID="1.2.840.10008.5.1.4.1.1.2"))


# ------------------------------------------------------------------------------------------------------------- greys


def test_the_window_of_a_state_comes_first_and_bears_its_label(film: Callable[..., Image]):
    own = Window(1000, 2000)
    shown = applied(film(vois=(own,)), state_of(SoftcopyVOILUTSequence=[window(150.5, 201)]))
    assert shown.vois == (Window(150.5, 201, "LINEAR", "BONE"), own)
    assert greys(shown) == [0, 64, 191, 255]


def test_the_function_of_a_window_is_kept(film: Callable[..., Image]):
    shown = applied(film(), state_of(SoftcopyVOILUTSequence=[window(150, 200, VOILUTFunction="SIGMOID")]))
    assert shown.vois == (Window(150, 200, "SIGMOID", "BONE"),)


def test_a_table_of_a_state_is_applied(film: Callable[..., Image]):
    table = elements(LUTDescriptor=[4, 99, 8], LUTData=bytes([10, 0, 20, 0, 30, 0, 40, 0]))
    table["LUTDescriptor"].VR = "US"
    shown = applied(film(), state_of(SoftcopyVOILUTSequence=[elements(VOILUTSequence=[table])]))
    voi = shown.vois[0]
    assert isinstance(voi, LookupTable)
    assert (voi.first, voi.explanation) == (99, "BONE")
    assert greys(shown) == [10, 20, 40, 40]


# Photometric interpretation of the picture, shape of the state, greys of 0 and 300 (PS3.4 N.2.1.4: the former is overridden).
POLARITIES = [
    ("MONOCHROME2", "IDENTITY", [0, 255]),
    ("MONOCHROME2", "INVERSE", [255, 0]),
    ("MONOCHROME1", "IDENTITY", [0, 255]),
    ("MONOCHROME1", "INVERSE", [255, 0]),
]


@pytest.mark.parametrize(("photometric", "shape", "ends"), POLARITIES)
def test_the_polarity_is_the_states_alone(film: Callable[..., Image], photometric: str, shape: str, ends: list[int]):
    state = state_of(SoftcopyVOILUTSequence=[window(150, 200)], PresentationLUTShape=shape)
    shown = greys(applied(film(photometric_interpretation=photometric, presentation_inverse=True), state))
    assert [shown[0], shown[3]] == ends


def test_a_presentation_table_takes_the_place_of_the_inversion(film: Callable[..., Image]):
    table = elements(LUTDescriptor=[2, 0, 8], LUTData=bytes([200, 0, 100, 0]))
    table["LUTDescriptor"].VR = "US"
    state = state_of(SoftcopyVOILUTSequence=[window(150, 200)], PresentationLUTSequence=[table])
    shown = greys(applied(film(photometric_interpretation="MONOCHROME1"), state))
    assert [shown[0], shown[3]] == [200, 100]


def test_a_state_without_a_window_leaves_the_pictures_own(film: Callable[..., Image]):
    own = Window(1000, 2000)
    assert applied(film(vois=(own,)), state_of()).vois == (own,)


def test_a_picture_that_is_not_named_is_not_touched(film: Callable[..., Image]):
    image = film()
    assert applied(image, state_of(picture("1.2.8"), SoftcopyVOILUTSequence=[window(150, 200)])) is image


@pytest.mark.parametrize(
    ("own", "state", "expected"),
    [
        ((1.0, -1024.0), (None, None), Window(40, 400, "LINEAR", "BONE")),
        ((2.0, -1024.0), (2.0, -1024.0), Window(1064, 400, "LINEAR", "BONE")),
        ((2.0, 0.0), (1.0, 0.0), Window(2128, 800, "LINEAR", "BONE")),
        (None, (1.0, 0.0), Window(1064, 400, "LINEAR", "BONE")),
    ],
)
def test_a_window_for_other_units_is_converted(
    film: Callable[..., Image], own: Any, state: tuple[float | None, float | None], expected: Window
):
    stated = {"RescaleSlope": state[0], "RescaleIntercept": state[1]} if state[0] is not None else {}
    shown = applied(film(), state_of(SoftcopyVOILUTSequence=[window(1064, 400)], **stated), own)
    assert shown.vois == (expected,)


def test_the_shutter_is_the_states_alone(make_image: Callable[..., Image]):
    image = make_image(np.zeros((6, 8)), sop_instance_uid=UID)
    edges = {
        "ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 3, "ShutterRightVerticalEdge": 6,
        "ShutterUpperHorizontalEdge": 2, "ShutterLowerHorizontalEdge": 5, "ShutterPresentationValue": 65535,
    }  # fmt: skip
    shown = applied(image, state_of(**edges))
    assert shown.shutter is not None
    assert shown.shutter.grey == 255
    assert not shown.shutter.covered[1:5, 2:6].any()
    assert shown.shutter.covered.sum() == 48 - 16
    assert applied(shown, state_of()).shutter is None


def test_a_shutter_that_cannot_be_read_counts_as_none():
    stream = io.BytesIO()
    written = dataset_of(ShutterShape="CIRCULAR")
    pydicom.dcmwrite(stream, written, implicit_vr=False, little_endian=True)
    damaged = stream.getvalue().replace(b"\x18\x00\x00\x16CS", b"\x18\x00\x00\x16XX")
    assert state_of(ShutterShape="CIRCULAR").shutter is not None
    assert read_presentation_state(PATH, pydicom.dcmread(io.BytesIO(damaged), force=True)).shutter is None


def test_what_a_state_asks_for_and_is_not_done_is_said(film: Callable[..., Image]):
    state = state_of(ModalityLUTSequence=[elements()], MaskSubtractionSequence=[elements()])
    assert applied(film(warnings=("Old.",)), state).warnings == (
        "Old.",
        "The presentation state's own modality table is not applied.",
        "The subtraction the presentation state asks for is not done.",
    )


# ---------------------------------------------------------------------------------------------------------- geometry


@pytest.mark.parametrize(("stated", "degrees"), [(0, 0), (90, 90), (180, 180), (270, 270), (-90, 270), (45, 0), (None, 0)])
def test_turns_are_quarter_turns(stated: int | None, degrees: int):
    assert state_of(**({} if stated is None else {"ImageRotation": stated})).rotation == degrees


def test_the_flip_is_read():
    assert state_of(ImageHorizontalFlip="Y").is_flipped
    assert not state_of(ImageHorizontalFlip="N").is_flipped


def test_a_displayed_area_is_in_continuous_pixels_whichever_corner_comes_first():
    turned = elements(
        DisplayedAreaTopLeftHandCorner=[300, 81],
        DisplayedAreaBottomRightHandCorner=[101, 260],
        PresentationSizeMode="MAGNIFY",
        PresentationPixelMagnificationRatio=2.5,
    )
    state = state_of(DisplayedAreaSelectionSequence=[turned])
    assert state.area_for(UID, 1) == DisplayedArea(100, 80, 300, 260, "MAGNIFY", 2.5)


# ---------------------------------------------------------------------------------------------------------- graphics


def shape(kind: str, *data: float, **stated: Any) -> Dataset:
    own = {"GraphicAnnotationUnits": "PIXEL", "GraphicType": kind, "GraphicData": list(data), "GraphicFilled": "N"}
    return elements(**{**own, **stated})


def annotation(*shapes: Dataset, texts: tuple[Dataset, ...] = (), layer: str = "L", **stated: Any) -> Dataset:
    return elements(GraphicLayer=layer, GraphicObjectSequence=list(shapes), TextObjectSequence=list(texts), **stated)


def test_graphics_are_read_with_units_layer_and_filling():
    drawn = annotation(shape("CIRCLE", 10, 20, 13, 20, GraphicFilled="Y", GraphicAnnotationUnits="DISPLAY"))
    layer = elements(GraphicLayer="L", GraphicLayerOrder=4, GraphicLayerRecommendedDisplayGrayscaleValue=65535)
    (graphic,) = state_of(GraphicAnnotationSequence=[drawn], GraphicLayerSequence=[layer]).graphics
    assert graphic == Graphic("CIRCLE", ((10, 20), (13, 20)), "DISPLAY", True, "L", 4, (255, 255, 255))


@pytest.mark.parametrize(
    ("kind", "data"),
    [("CIRCLE", (1, 2)), ("ELLIPSE", (1, 2, 3, 4, 5, 6)), ("POLYLINE", (1, 2)), ("POINT", (1,)), ("RULER", (1, 2, 3, 4))],
)
def test_a_graphic_without_its_points_or_of_an_unknown_kind_is_left_out(kind: str, data: tuple[float, ...]):
    assert state_of(GraphicAnnotationSequence=[annotation(shape(kind, *data))]).graphics == ()


def test_texts_are_read_with_box_and_anchor():
    text = elements(
        UnformattedTextValue="nodule?\r\n12 mm", BoundingBoxAnnotationUnits="DISPLAY", AnchorPointAnnotationUnits="PIXEL",
        BoundingBoxTopLeftHandCorner=[0, 0.5], BoundingBoxBottomRightHandCorner=[0.25, 1],
        BoundingBoxTextHorizontalJustification="RIGHT", AnchorPoint=[7, 8], AnchorPointVisibility="Y",
    )  # fmt: skip
    (read,) = state_of(GraphicAnnotationSequence=[annotation(texts=(text,))]).texts
    assert read == GraphicText("nodule?\n12 mm", ((0, 0.5), (0.25, 1)), "DISPLAY", "RIGHT", (7, 8), "PIXEL", True, "L")


def test_lower_layers_are_drawn_first_and_other_pictures_drawings_not_at_all():
    layers = [elements(GraphicLayer=name, GraphicLayerOrder=order) for name, order in (("TOP", 2), ("LOW", 1))]
    drawn = [
        annotation(shape("POINT", 1, 1), layer="TOP"),
        annotation(shape("POINT", 2, 2), layer="LOW", ReferencedImageSequence=[picture(UID)]),
        annotation(shape("POINT", 3, 3), layer="LOW", ReferencedImageSequence=[picture("1.2.8")]),
    ]
    state = state_of(GraphicAnnotationSequence=drawn, GraphicLayerSequence=layers)
    assert [each.points for each in state.drawn_on(UID, 1) if isinstance(each, Graphic)] == [((2, 2),), ((1, 1),)]


# CIELab in PCS-Values: L* 100 is 65535, a* and b* 0 are 32896 (PS3.3 C.10.7.1.1); the greys of sRGB at L* 0, 50, 100.
@pytest.mark.parametrize(
    ("lab", "color"),
    [([65535, 32896, 32896], (255, 255, 255)), ([0, 32896, 32896], (0, 0, 0)), ([32768, 32896, 32896], (119, 119, 119))],
)
def test_colours_are_turned_from_cielab_into_srgb(lab: list[int], color: tuple[int, int, int]):
    styled = shape("POINT", 1, 1, LineStyleSequence=[elements(PatternOnColorCIELabValue=lab)])
    (graphic,) = state_of(GraphicAnnotationSequence=[annotation(styled)]).graphics
    assert graphic.color is not None
    assert all(abs(found - wanted) <= 1 for found, wanted in zip(graphic.color, color, strict=True))


def test_a_red_of_cielab_is_red():
    # L* 54.29, a* 80.81, b* 69.89: pure red of sRGB under D50.
    lab = [round(54.29 / 100 * 65535), round((80.81 + 128) / 255 * 65535), round((69.89 + 128) / 255 * 65535)]
    styled = shape("POINT", 1, 1, LineStyleSequence=[elements(PatternOnColorCIELabValue=lab)])
    (graphic,) = state_of(GraphicAnnotationSequence=[annotation(styled)]).graphics
    red, green, blue = graphic.color or (0, 0, 0)
    assert (red >= 252, green <= 8, blue <= 8) == (True, True, True)


# ------------------------------------------------------------------------------------------------------------- words


def test_a_state_is_said_in_words():
    said: DocumentContent = read_document(
        PATH,
        dataset_of(
            picture(UID, 2), ContentDescription="As seen", SoftcopyVOILUTSequence=[window(40, 400, picture(UID, 2))],
            PresentationLUTShape="INVERSE", ImageRotation=90, ImageHorizontalFlip="Y",
            GraphicAnnotationSequence=[annotation(shape("POINT", 1, 1))],
        ),
    )  # fmt: skip
    words = [(line.concept, line.value) for line in said.lines if not line.is_heading]
    assert (said.title, said.facts) == ("As seen", (("Label", "BONE"),))
    assert words == [
        ("Window", "W 400  L 40  (1 picture, frame 2)"),
        ("Polarity", "smallest value white"),
        ("Orientation", "turned 90° clockwise, then mirrored left to right"),
        ("Point", "1"),
        ("", ""),
    ]
    assert (said.lines[-1].references[0].label, said.lines[-1].references[0].frame) == ("CT Image, frame 2", 2)


def test_the_list_shows_a_state_by_its_description_and_its_pictures():
    found = document_of(PATH, dataset_of(picture("1.2.8"), picture("1.2.9"), ContentDescription="As seen"))
    assert found is not None
    assert (found.kind, found.title, found.refers_to) == ("presentation state", "As seen", ("1.2.8", "1.2.9"))


# --------------------------------------------------------------------------------------------------------- real files


def test_the_shared_states_are_applied_to_their_picture(shared_dicom: Path):
    folder = shared_dicom / "derived" / "gsps"
    image = read_file(folder / "image.dcm")
    path = folder / "pr_inverse_rot90_flip.dcm"
    state = read_presentation_state(path, pydicom.dcmread(path))
    shown = applied(image, state)
    assert shown.vois[0] == Window(1648, 900, "LINEAR", "PR1")
    assert (state.rotation, state.is_flipped, state.inverse, shown.presentation_inverse) == (90, True, True, True)
    assert len(state.drawn_on(image.identity.sop_instance_uid, 1)) == 3
    upright = replace(shown, presentation_inverse=False)
    total = display_table(upright, upright.vois[0], False).apply(image.pixels).astype(int)
    assert np.abs(total + display_table(shown, shown.vois[0], False).apply(image.pixels) - 255).max() <= 1
