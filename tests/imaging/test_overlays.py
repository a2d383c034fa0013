"""Overlays and display shutters: where a file puts them, what is drawn, and what a broken one costs (nothing)."""

import numpy as np
import pydicom
import pytest

from viewer.imaging.grayscale import automatic_window, full_range, to_display
from viewer.imaging.overlays import GRAPHICS_COLOR, REGION_COLOR, draw_overlays, overlay_picture
from viewer.imaging.reader import read_file
from viewer.imaging.thumbnails import thumbnail_of

FILM = np.full((6, 8), 100, np.uint16)
BITMAP = np.array([[1, 0, 1], [0, 1, 0]], np.uint8)


@pytest.fixture
def write_overlaid(write_dicom):
    """Return a writer of a film with overlays: (group, bits or bytes, other elements of the group by number) each."""

    def write(*overlays, pixels=FILM, **elements):
        path = write_dicom("film.dcm", pixels, **elements)
        dataset = pydicom.dcmread(path)
        for group, bits, others in overlays:
            for element, (vr, value) in {**plane(bits), **others}.items():
                dataset.add_new((group, element), vr, value)
        dataset.save_as(path)
        return path

    return write


def plane(bits):
    """Return the elements of an overlay plane, (frames,) rows, columns of 0 and 1; none for None."""
    if bits is None:
        return {}
    packed = np.packbits(bits, bitorder="little").tobytes()
    return {
        0x10: ("US", bits.shape[-2]), 0x11: ("US", bits.shape[-1]), 0x40: ("CS", "G"), 0x50: ("SS", [1, 1]),
        0x100: ("US", 1), 0x102: ("US", 0), 0x3000: ("OW", packed + b"\0" * (len(packed) % 2)),
    }  # fmt: skip


def drawn_at(image):
    """Return the (row, column) of the picture's pixels that its overlays draw on."""
    return [(row + o.row, column + o.column) for o in image.overlays for row, column in np.argwhere(o.mask).tolist()]


# Origin as stated (row, column from 1), the picture's pixels drawn on (from 0).
ORIGINS = [
    ([1, 1], [(0, 0), (0, 2), (1, 1)]),
    ([3, 5], [(2, 4), (2, 6), (3, 5)]),
    ([0, 0], [(0, 0)]),
    ([6, 7], [(5, 6)]),
    ([0, 8], []),
    ([-40, 1], []),
]


@pytest.mark.parametrize(("origin", "drawn"), ORIGINS)
def test_an_overlay_lies_at_its_origin_cut_to_the_picture(write_overlaid, origin, drawn):
    image = read_file(write_overlaid((0x6000, BITMAP, {0x50: ("SS", origin)})))
    assert drawn_at(image) == drawn
    assert image.warnings == ()


def test_every_group_is_read_with_its_names_and_kind(write_overlaid):
    named = {0x22: ("LO", "made by the scanner"), 0x1500: ("LO", "L MARK"), 0x40: ("CS", "R")}
    image = read_file(write_overlaid((0x6000, BITMAP, {}), (0x6002, BITMAP, named), (0x601E, BITMAP, {})))
    assert [overlay.group for overlay in image.overlays] == [0x6000, 0x6002, 0x601E]
    marked = image.overlays[1]
    assert (marked.is_region, marked.label, marked.description) == (True, "L MARK", "made by the scanner")
    assert np.array_equal(image.pixels, FILM)


# NumberOfFramesInOverlay, ImageFrameOrigin, for each frame of the picture the column drawn on, None for none.
FRAMES = [
    (3, None, [0, 1, 2, None]),
    (3, 1, [0, 1, 2, None]),
    (3, 2, [None, 0, 1, 2]),
    (1, 3, [None, None, 0, None]),
    (None, None, [0, 0, 0, 0]),
]


@pytest.mark.parametrize(("count", "origin", "columns"), FRAMES)
def test_frames_of_an_overlay_belong_to_frames_of_the_picture(write_overlaid, count, origin, columns):
    bits = np.eye(3, dtype=np.uint8)[: count or 1, None, :]
    others = {0x15: ("IS", count)} if count else {}
    others |= {0x51: ("US", origin)} if origin else {}
    path = write_overlaid((0x6000, bits, others), pixels=np.zeros((1, 3), np.uint16), NumberOfFrames=4,
                          PixelData=bytes(24))  # fmt: skip
    found = [read_file(path, frame) for frame in range(4)]
    assert [drawn_at(image)[0][1] if image.overlays else None for image in found] == columns


@pytest.mark.parametrize(("stored", "high", "bit"), [(12, 11, 12), (12, 11, 15), (12, 15, 0), (12, 15, 3)])
def test_an_overlay_in_unused_bits_is_drawn_and_never_shines_through(write_overlaid, stored, high, bit):
    values = np.arange(48).reshape(6, 8)
    cells = (values << (high + 1 - stored)).astype(np.uint16)
    cells[2, 3] |= 1 << bit
    embedded = {0x10: ("US", 6), 0x11: ("US", 8), 0x100: ("US", 16), 0x102: ("US", bit)}
    image = read_file(write_overlaid((0x6000, None, embedded), pixels=cells, BitsStored=stored, HighBit=high))
    assert drawn_at(image) == [(2, 3)]
    assert np.array_equal(image.pixels, values)


def test_words_of_a_big_endian_file_are_turned_round(write_dicom, tmp_path):
    path = write_dicom("film.dcm", FILM.astype(">u2"), "1.2.840.10008.1.2.2")
    dataset = pydicom.dcmread(path)
    for element, (vr, value) in plane(BITMAP).items():
        turned = value[1::-1] if element == 0x3000 else value
        dataset.add_new((0x6000, element), vr, turned)
    dataset.save_as(path)
    assert drawn_at(read_file(path)) == [(0, 0), (0, 2), (1, 1)]


# What is wrong, the elements that make it so, the end of the sentence.
BROKEN = [
    ({0x10: ("US", 400)}, "its bits are cut short"),
    ({0x10: ("US", 65535), 0x11: ("US", 65535)}, "65535 x 65535 pixels are too many"),
    ({0x10: ("US", 0)}, "it does not say how large it is"),
    ({0x3000: ("OW", b""), 0x100: ("US", 16), 0x102: ("US", 5)},
     "it is said to lie in bit 5 of the pixels, which is not free"),
    ({0x3000: ("OW", b"")}, "it has no bits"),
]  # fmt: skip


@pytest.mark.parametrize(("others", "reason"), BROKEN)
def test_a_broken_overlay_is_told_and_leaves_the_picture_alone(write_overlaid, others, reason):
    image = read_file(write_overlaid((0x6000, BITMAP, others), (0x6002, BITMAP, {})))
    assert image.warnings == (f"The overlay 6000 of the file was left out: {reason}.",)
    assert [overlay.group for overlay in image.overlays] == [0x6002]
    assert np.array_equal(image.pixels, FILM)


def test_an_overlay_is_drawn_over_the_greys_only_when_asked_for(write_overlaid):
    image = read_file(write_overlaid((0x6000, BITMAP, {0x50: ("SS", [3, 3])}), WindowCenter=100, WindowWidth=201))
    plain = to_display(image)
    drawn = draw_overlays(plain, image)
    assert np.unique(plain).tolist() == [128]
    assert drawn[2, 2].tolist() == list(GRAPHICS_COLOR)
    assert drawn[5, 7].tolist() == [128, 128, 128]
    assert drawn[1, 2].tolist() == [51, 51, 51]  # the dark rim, 60 %


def test_a_region_keeps_its_inside_visible_under_a_border(write_overlaid):
    image = read_file(write_overlaid((0x6000, np.ones((4, 4), np.uint8), {0x40: ("CS", "R"), 0x50: ("SS", [2, 2])})))
    painted = overlay_picture(image.overlays, (0.0, 0.0, 8.0, 6.0), 6, 8)
    assert painted[1, 1].tolist() == [*REGION_COLOR, 255]
    assert 0 < painted[2, 2, 3] < 255
    assert painted[0, 7, 3] == 0


def test_a_line_one_pixel_wide_outlives_a_small_view(make_image, write_overlaid):
    pixels = np.zeros((400, 400), np.uint16)
    bits = np.zeros((400, 400), np.uint8)
    bits[:, 200] = 1
    image = read_file(write_overlaid((0x6000, bits, {}), pixels=pixels))
    painted = overlay_picture(image.overlays, (0.0, 0.0, 400.0, 400.0), 80, 80)
    assert painted[40, 40].tolist() == [*GRAPHICS_COLOR, 255]


# ---------------------------------------------------------------------------------------------------------- shutters

RECTANGLE = {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 2, "ShutterRightVerticalEdge": 4,
             "ShutterUpperHorizontalEdge": 2, "ShutterLowerHorizontalEdge": 3}  # fmt: skip
CIRCLE = {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [3, 4], "RadiusOfCircularShutter": 2}
POLYGON = {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 1, 4, 4, 1]}

# What the file states, the picture as it is seen (#) and covered (.): rows and columns from 1, edges seen.
SHUTTERS = [
    (RECTANGLE, ["........", ".###....", ".###....", "........", "........", "........"]),
    (CIRCLE, ["...#....", "..###...", ".#####..", "..###...", "...#....", "........"]),
    ({**CIRCLE, "PixelAspectRatio": [2, 1]},
     ["........", "...#....", ".#####..", "...#....", "........", "........"]),
    (POLYGON, ["####....", "###.....", "##......", "#.......", "........", "........"]),
    ({**RECTANGLE, **CIRCLE, "ShutterShape": ["RECTANGULAR", "CIRCULAR"]},
     ["........", "..##....", ".###....", "........", "........", "........"]),
    ({**RECTANGLE, "ShutterLeftVerticalEdge": -3, "ShutterRightVerticalEdge": 99},
     ["........", "########", "########", "........", "........", "........"]),
]  # fmt: skip


def seen(image):
    covered = np.zeros(image.pixels.shape[:2], bool) if image.shutter is None else image.shutter.covered
    return ["".join("." if one else "#" for one in row) for row in covered]


def test_a_frame_of_an_enhanced_object_has_its_own_shutter(write_dicom):
    shutters = []
    for edge in (2, 5):
        own, group = pydicom.Dataset(), pydicom.Dataset()
        own.update({**RECTANGLE, "ShutterRightVerticalEdge": edge})
        group.FrameDisplayShutterSequence = [own]
        shutters.append(group)
    path = write_dicom("film.dcm", FILM, NumberOfFrames=2, PixelData=FILM.tobytes() * 2,
                       PerFrameFunctionalGroupsSequence=shutters)  # fmt: skip
    assert [seen(read_file(path, frame))[1] for frame in (0, 1)] == [".#......", ".####..."]


@pytest.mark.parametrize(("elements", "expected"), SHUTTERS)
def test_a_shutter_leaves_its_shapes_to_be_seen(write_dicom, elements, expected):
    image = read_file(write_dicom("film.dcm", FILM, **elements))
    assert seen(image) == expected
    assert np.array_equal(image.pixels, FILM)


def test_a_bitmap_shutter_covers_what_its_overlay_draws_and_is_no_overlay(write_overlaid):
    bits = np.zeros((6, 8), np.uint8)
    bits[:, 4:] = 1
    path = write_overlaid((0x6002, bits, {}), (0x6004, BITMAP, {}), ShutterShape="BITMAP", ShutterOverlayGroup=0x6002)
    image = read_file(path)
    assert seen(image) == ["####...."] * 6
    assert [overlay.group for overlay in image.overlays] == [0x6004]


# ShutterPresentationValue, the grey under the shutter.
@pytest.mark.parametrize(("value", "grey"), [(None, 0), (0, 0), (32768, 128), (65535, 255)])
def test_what_is_covered_is_drawn_in_the_presentation_value(write_dicom, value, grey):
    path = write_dicom("film.dcm", FILM, ShutterPresentationValue=value, WindowCenter=100, WindowWidth=201, **RECTANGLE)
    image = read_file(path)
    for invert in (False, True):
        assert to_display(image, invert=invert)[0, 0] == grey
    assert to_display(image, shutter=False)[0, 0] == 128
    assert thumbnail_of(image)[0, 0] == grey


def test_windows_look_only_inside_the_shutter(write_dicom):
    pixels = np.full((60, 80), 4000, np.uint16)
    pixels[20:40, 20:60] = np.linspace(100, 200, 800).reshape(20, 40)
    edges = {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 21, "ShutterRightVerticalEdge": 60,
             "ShutterUpperHorizontalEdge": 21, "ShutterLowerHorizontalEdge": 40}  # fmt: skip
    image = read_file(write_dicom("film.dcm", pixels, **edges))
    assert full_range(image).width == 101
    assert automatic_window(image).center == pytest.approx(150, abs=1)


@pytest.mark.parametrize("dtype", ["int32", "uint16"])
def test_values_under_the_shutter_are_drawn_right_when_it_is_taken_away(make_image, write_dicom, dtype):
    pixels = np.full((6, 8), 100_000 if dtype == "int32" else 4000, dtype)
    pixels[1:3, 1:4] = [[10, 20, 30], [40, 50, 60]]
    image = read_file(write_dicom("film.dcm", pixels, WindowCenter=pixels.max() / 2, WindowWidth=pixels.max() * 2, **RECTANGLE))
    assert to_display(image, shutter=False)[0, 0] == 191


def test_a_shutter_covers_colours_too(write_dicom):
    rgb = np.full((6, 8 * 3), 200, np.uint8)
    image = read_file(write_dicom("film.dcm", rgb, Columns=8, SamplesPerPixel=3, PhotometricInterpretation="RGB",
                                  PlanarConfiguration=0, **RECTANGLE))  # fmt: skip
    assert to_display(image)[0, 0].tolist() == [0, 0, 0]
    assert to_display(image)[1, 1].tolist() == [200, 200, 200]
    assert image.pixels[0, 0].tolist() == [200, 200, 200]


BROKEN_SHUTTERS = [
    ({"ShutterShape": "RECTANGULAR"}, "The rectangular display shutter of the file is not complete and was ignored."),
    ({**CIRCLE, "RadiusOfCircularShutter": 0},
     "The circular display shutter of the file is not complete and was ignored."),
    ({**POLYGON, "VerticesOfThePolygonalShutter": [1, 1, 2]},
     "The polygonal display shutter of the file is not complete and was ignored."),
    ({"ShutterShape": "BITMAP"}, "The bitmap display shutter of the file is not complete and was ignored."),
    ({"ShutterShape": "STAR"}, "The star display shutter of the file is not complete and was ignored."),
    ({**CIRCLE, "CenterOfCircularShutter": [900, 900]},
     "The display shutter of the file covers the whole picture and was ignored."),
]  # fmt: skip


@pytest.mark.parametrize(("elements", "warning"), BROKEN_SHUTTERS)
def test_a_broken_shutter_is_told_and_covers_nothing(write_dicom, elements, warning):
    image = read_file(write_dicom("film.dcm", FILM, **elements))
    assert image.shutter is None
    assert image.warnings == (warning,)
