"""The tables of PS3.3 C.7.6.3, C.11.1, C.11.2 and C.11.6, restated here as data: what a file states, and what comes of it."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from viewer.errors import UnreadableFile
from viewer.imaging.grayscale import automatic_window, full_range, to_display
from viewer.imaging.image import LookupTable, Window
from viewer.imaging.reader import read_file

XA = "1.2.840.10008.5.1.4.1.1.12.1"


def lut(descriptor, data, vr="US", **elements):
    """Return an item of a LUT sequence; data are words, or bytes for two entries to a word."""
    item = Dataset()
    item.add_new("LUTDescriptor", vr, list(descriptor))
    item.add_new("LUTData", "OW", data if isinstance(data, bytes) else np.array(data, "<u2").tobytes())
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


# ------------------------------------------------------------------------------ C.7.6.3, table C.7-11: cells of pixels

# BitsAllocated, BitsStored, HighBit, PixelRepresentation, the cell as it lies in the file, the value it means.
CELLS = [
    (8, 8, 7, 0, 0xFF, 255),
    (8, 8, 7, 1, 0xFF, -1),
    (8, 7, 6, 0, 0xFF, 127),
    (8, 7, 6, 1, 0xC0, -64),
    (16, 16, 15, 0, 0xFFFF, 65535),
    (16, 16, 15, 1, 0x8000, -32768),
    (16, 12, 11, 0, 0xFABC, 0xABC),
    (16, 12, 11, 1, 0x0800, -2048),
    (16, 12, 11, 1, 0xF7FF, 2047),
    (16, 12, 15, 0, 0xABCF, 0xABC),
    (16, 12, 15, 1, 0x800F, -2048),
    (16, 10, 9, 0, 0xFFFF, 1023),
    (16, 10, 11, 0, 0xF003, 0),
    (16, 10, 11, 0, 0x0FFF, 1023),
    (16, 8, 7, 1, 0x0080, -128),
    (32, 32, 31, 0, 0x0000FFFF, 65535),
    (32, 32, 31, 1, 0x80000000, -(2**31)),
    (32, 24, 23, 0, 0xFF000007, 7),
    (32, 24, 23, 1, 0x00800000, -(2**23)),
]


@pytest.mark.parametrize(("allocated", "stored", "high", "signed", "cell", "value"), CELLS)
def test_a_cell_means_what_bits_stored_high_bit_and_sign_say(write_dicom, allocated, stored, high, signed, cell, value):
    cells = np.array([[cell, cell]], f"u{allocated // 8}")
    path = write_dicom("a.dcm", cells, BitsAllocated=allocated, BitsStored=stored, HighBit=high, PixelRepresentation=signed)
    assert read_file(path).pixels.tolist() == [[value, value]]


def test_one_bit_cells_lie_lowest_bit_first_and_frames_share_a_byte(write_dicom):
    bits = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "Rows": 1, "Columns": 5, "NumberOfFrames": 2}
    path = write_dicom("a.dcm", np.zeros((1, 2), np.uint8), PixelData=bytes([0b011_10101, 0b01]), **bits)
    assert read_file(path, 0).pixels.tolist() == [[1, 0, 1, 0, 1]]
    assert read_file(path, 1).pixels.tolist() == [[1, 1, 0, 1, 0]]


# PhotometricInterpretation, PlanarConfiguration, the bytes of two pixels beside each other, what they look like.
COLORS = [
    ("RGB", 0, [255, 0, 10, 20, 30, 40], [[255, 0, 10], [20, 30, 40]]),
    ("RGB", 1, [255, 20, 0, 30, 10, 40], [[255, 0, 10], [20, 30, 40]]),
    ("YBR_FULL", 0, [76, 85, 255, 150, 44, 21], [[254, 0, 0], [0, 255, 1]]),
    ("YBR_FULL", 1, [76, 150, 85, 44, 255, 21], [[254, 0, 0], [0, 255, 1]]),
    ("YBR_FULL_422", 0, [100, 200, 128, 128], [[100, 100, 100], [200, 200, 200]]),
    ("YBR_FULL_422", 0, [76, 29, 85, 255], [[254, 0, 0], [207, 0, 0]]),
]


@pytest.mark.parametrize(("photometric", "planar", "data", "colors"), COLORS)
def test_colours_are_turned_to_rgb(write_dicom, photometric, planar, data, colors):
    path = write_dicom("a.dcm", np.zeros((1, 2), np.uint8), PhotometricInterpretation=photometric, SamplesPerPixel=3,
                       PlanarConfiguration=planar, PixelData=bytes(data))  # fmt: skip
    assert np.abs(read_file(path).pixels.astype(int) - np.array([colors])).max() <= 1


# Two rows of three pixels in YBR_FULL_422: each row with a group for its last pixel, or going on from row to row.
ODD_ROWS = [
    ([10, 20, 128, 128, 30, 99, 128, 128, 40, 50, 128, 128, 60, 99, 128, 128], [[10, 20, 30], [40, 50, 60]]),
    ([10, 20, 128, 128, 30, 40, 128, 128, 50, 60, 128, 128], [[10, 20, 30], [40, 50, 60]]),
]


@pytest.mark.parametrize(("data", "luminance"), ODD_ROWS)
def test_an_odd_number_of_columns_may_share_colours_too(write_dicom, data, luminance):
    path = write_dicom("a.dcm", np.zeros((2, 3), np.uint8), PhotometricInterpretation="YBR_FULL_422", SamplesPerPixel=3,
                       PlanarConfiguration=0, PixelData=bytes(data))  # fmt: skip
    assert read_file(path).pixels[..., 0].tolist() == luminance


def test_an_odd_number_of_pixels_that_share_colours_opens(write_dicom):
    path = write_dicom("a.dcm", np.zeros((1, 3), np.uint8), PhotometricInterpretation="YBR_FULL_422", SamplesPerPixel=3,
                       PlanarConfiguration=0, PixelData=bytes([10, 20, 128, 128, 30, 128]))  # fmt: skip
    assert read_file(path).pixels[0, :2].tolist() == [[10, 10, 10], [20, 20, 20]]


def test_small_values_are_white_in_monochrome1_and_black_in_monochrome2(write_dicom):
    for photometric, greys in (("MONOCHROME1", [255, 128, 0]), ("MONOCHROME2", [0, 128, 255])):
        path = write_dicom("a.dcm", np.array([[0, 50, 100]], np.uint16), PhotometricInterpretation=photometric)
        image = read_file(path)
        assert image.photometric_interpretation == photometric
        assert to_display(image, Window(50.5, 101)).tolist() == [greys]


# PixelRepresentation, BitsStored, PixelPaddingValue and its VR, PixelPaddingRangeLimit, the stored values that are padding.
PADDING = [
    (0, 12, 0, "US", None, [0]),
    (0, 12, 0, "US", 10, [0, 5, 10]),
    (0, 12, 4095, "US", 4000, [4000, 4095]),
    (1, 16, -2000, "SS", None, [-2000]),
    (1, 16, -2000, "SS", -1990, [-2000, -1990]),
    (1, 16, 63536, "US", None, [-2000]),
    (1, 12, 2096, "US", None, [-2000]),
    (0, 16, -1, "SS", None, [65535]),
]


@pytest.mark.parametrize(("signed", "stored", "value", "vr", "limit", "padding"), PADDING)
def test_padding_is_a_stored_value_or_a_range_of_them(write_dicom, signed, stored, value, vr, limit, padding):
    values = sorted({*padding, *([5, 11, 300] if signed == 0 else [-1500, 0, 40])})
    path = write_dicom("a.dcm", np.array([values], "i2" if signed else "u2"), BitsStored=stored, HighBit=stored - 1)
    dataset = {"PixelPaddingValue": value} | ({} if limit is None else {"PixelPaddingRangeLimit": limit})
    rewrite(path, [(keyword, vr, number) for keyword, number in dataset.items()])
    mask = read_file(path).padding
    assert [one for one, is_padding in zip(values, mask[0], strict=True) if is_padding] == padding


def rewrite(path, elements):
    """Add elements to a file under a VR of the test's own choice."""
    dataset = pydicom.dcmread(path)
    for keyword, vr, value in elements:
        dataset.add_new(keyword, vr, value)
    dataset.save_as(path)


PADDED = np.array([[4095, 4095, 100, 200, 300, 400]], np.uint16)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_drawn_black_and_left_out_of_windows(write_dicom, photometric):
    image = read_file(write_dicom("a.dcm", PADDED, PixelPaddingValue=4095, PhotometricInterpretation=photometric))
    assert full_range(image) == Window(250.5, 301)
    assert automatic_window(image).center == pytest.approx(250.5, abs=1)
    for invert in (False, True):
        assert to_display(image, invert=invert)[0, :2].tolist() == [0, 0]


def test_a_padding_value_that_touches_no_edge_is_drawn_as_any_other(write_dicom):
    pixels = np.full((5, 5), 100, np.uint16)
    pixels[2, 2] = 4000
    image = read_file(write_dicom("a.dcm", pixels, PixelPaddingValue=4000, WindowCenter=2000, WindowWidth=4000))
    assert to_display(image)[2, 2] == 255


def test_float_pixels_have_a_padding_of_their_own(write_dicom):
    path = write_dicom("a.dcm", np.zeros((1, 3), np.uint16))
    dataset = pydicom.dcmread(path)
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    dataset.FloatPixelData = np.array([-1e30, 0.25, 0.5], np.float32).tobytes()
    dataset.BitsAllocated, dataset.FloatPixelPaddingValue = 32, -1e30
    dataset.save_as(path)
    image = read_file(path)
    assert image.padding.tolist() == [[True, False, False]]
    assert to_display(image, full_range(image)).tolist() == [[0, 0, 255]]


# ----------------------------------------------------------------------- C.7.6.3.1.5, .6 and C.7.9.2: palettes of colour

# Descriptor (entries, first value mapped, bits), data of red (green and blue are black), stored values, red seen.
PALETTES = [
    ((4, 0, 8), bytes([0, 10, 20, 30]), [0, 1, 2, 3], [0, 10, 20, 30]),
    ((4, 0, 16), [0, 0x0A00, 0x1400, 0xFF00], [0, 1, 2, 3], [0, 10, 20, 255]),
    ((4, 0, 16), [0, 10, 20, 255], [0, 1, 2, 3], [0, 10, 20, 255]),
    ((3, 100, 8), bytes([7, 8, 9, 0]), [0, 99, 101, 255], [7, 7, 8, 9]),
    ((0, 0, 16), list(range(65536)), [0, 1, 128, 255], [0, 0, 0, 0]),
]


def color_file(write_dicom, descriptor, data, stored, prefix=""):
    raw = data if isinstance(data, bytes) else np.array(data, "<u2").tobytes()
    black = bytes(len(raw)) if not prefix else bytes([0, 1, 0, 1, 255, 0]) if descriptor[2] == 8 else BLACK
    elements = {}
    for color, own in (("Red", raw), ("Green", black), ("Blue", black)):
        elements[f"{color}PaletteColorLookupTableDescriptor"] = list(descriptor)
        elements[f"{prefix}{color}PaletteColorLookupTableData"] = own
    return write_dicom("a.dcm", np.array([stored], np.uint8), PhotometricInterpretation="PALETTE COLOR", **elements)


BLACK = np.array([0, 1, 0, 1, 255, 0], "<u2").tobytes()


@pytest.mark.parametrize(("descriptor", "data", "stored", "red"), PALETTES)
def test_a_palette_maps_by_its_descriptor(write_dicom, descriptor, data, stored, red):
    pixels = read_file(color_file(write_dicom, descriptor, data, stored)).pixels
    assert pixels[0, :, 0].tolist() == red
    assert pixels[..., 1:].max() == 0


def test_palette_entries_of_8_bits_lie_in_big_endian_words(write_dicom):
    elements = {"PhotometricInterpretation": "PALETTE COLOR"}
    for color in ("Red", "Green", "Blue"):
        elements[f"{color}PaletteColorLookupTableDescriptor"] = [4, 0, 8]
        elements[f"{color}PaletteColorLookupTableData"] = bytes([10, 0, 30, 20])
    path = write_dicom("a.dcm", np.array([[0, 1, 2, 3]], np.uint16).byteswap(), ExplicitVRBigEndian, **elements)
    assert read_file(path).pixels[0, :, 0].tolist() == [0, 10, 20, 30]


# Segments: discrete (0, n, entries), linear (1, n, end), indirect (2, n, byte offset, low word first).
SEGMENTED = [
    ((6, 0, 8), bytes([0, 2, 5, 9, 1, 4, 49]), [5, 9, 19, 29, 39, 49]),
    ((6, 0, 16), [0, 2, 0, 0x0100, 1, 4, 0x2100], [0, 1, 9, 17, 25, 33]),
    ((6, 0, 16), [0, 1, 0x1000, 1, 2, 0x3000, 2, 1, 6, 0, 0, 1, 0x4000], [16, 32, 48, 48, 48, 64]),
    ((6, 0, 8), bytes([0, 3, 1, 2, 3, 2, 1, 0, 0, 0, 0]), [1, 2, 3, 1, 2, 3]),
]


@pytest.mark.parametrize(("descriptor", "data", "red"), SEGMENTED)
def test_a_segmented_palette_is_unfolded(write_dicom, descriptor, data, red):
    path = color_file(write_dicom, descriptor, data, [0, 1, 2, 3, 4, 5], "Segmented")
    assert read_file(path).pixels[0, :, 0].tolist() == red


@pytest.mark.parametrize("data", [[7, 1, 0], [1, 4, 100], [0, 9, 1, 2], [0, 1, 5, 2, 1, 999, 0], [2, 65535, 0, 0]])
def test_a_broken_segmented_palette_is_refused_in_a_sentence(write_dicom, data):
    path = color_file(write_dicom, (256, 0, 16), data, [0, 1], "Segmented")
    with pytest.raises(UnreadableFile, match="its colour palette is missing or damaged"):
        read_file(path)


def test_a_segmented_palette_cannot_fill_the_memory(write_dicom):
    bomb = [0, 1, 0, 1, 65535, 9] + [2, 65535, 6, 0] * 5000
    pixels = read_file(color_file(write_dicom, (0, 0, 16), bomb, [0, 1], "Segmented")).pixels
    assert pixels.shape == (1, 2, 3)


# ------------------------------------------------------------------------------------ C.11.1, table C.11-1: modality LUT

# Stored values, what the file states, modality values, unit.
SIGNED = np.array([[-5, 0, 1, 2, 9]], np.int16)
PLAIN = np.array([[0, 1, 2, 3, 900]], np.uint16)
MODALITY = [
    (PLAIN, {}, [0, 1, 2, 3, 900], ""),
    (PLAIN, {"RescaleIntercept": -1024, "RescaleSlope": 1}, [-1024, -1023, -1022, -1021, -124], ""),
    (PLAIN, {"RescaleIntercept": 0, "RescaleSlope": 2}, [0, 2, 4, 6, 1800], ""),
    (PLAIN, {"RescaleIntercept": 4095, "RescaleSlope": -1}, [4095, 4094, 4093, 4092, 3195], ""),
    (PLAIN, {"RescaleIntercept": "0.5", "RescaleSlope": "0.25"}, [0.5, 0.75, 1, 1.25, 225.5], ""),
    (PLAIN, {"RescaleIntercept": 0, "RescaleSlope": 1, "RescaleType": "OD"}, [0, 1, 2, 3, 900], "OD"),
    (PLAIN, {"RescaleIntercept": 0, "RescaleSlope": 1, "RescaleType": "US"}, [0, 1, 2, 3, 900], ""),
    (PLAIN, {"RescaleIntercept": 0, "RescaleSlope": 1, "Modality": "CT"}, [0, 1, 2, 3, 900], "HU"),
    (SIGNED, {"RescaleIntercept": 10, "RescaleSlope": 3}, [-5, 10, 13, 16, 37], ""),
    (PLAIN, {"ModalityLUTSequence": [lut((3, 1, 16), [70, 80, 90])]}, [70, 70, 80, 90, 90], ""),
    (PLAIN, {"ModalityLUTSequence": [lut((4, 0, 8), bytes([7, 8, 9, 255]))]}, [7, 8, 9, 255, 255], ""),
    (PLAIN, {"ModalityLUTSequence": [lut((0, 0, 16), range(65536))]}, [0, 1, 2, 3, 900], ""),
    (SIGNED, {"ModalityLUTSequence": [lut((3, -1, 16), [70, 80, 90], "SS")]}, [70, 80, 90, 90, 90], ""),
    (SIGNED, {"ModalityLUTSequence": [lut((3, 65535, 16), [70, 80, 90])]}, [70, 80, 90, 90, 90], ""),
    (PLAIN, {"ModalityLUTSequence": [lut((2, 0, 16), [5, 6], ModalityLUTType="OD")], "RescaleSlope": 9}, [5, 6, 6, 6, 6],
     "OD"),
]  # fmt: skip


@pytest.mark.parametrize(("stored", "elements", "values", "unit"), MODALITY)
def test_stored_values_become_modality_values(write_dicom, stored, elements, values, unit):
    image = read_file(write_dicom("a.dcm", stored, **elements))
    assert image.pixels[0].tolist() == values
    assert image.unit == unit


@pytest.mark.parametrize(("relationship", "values"), [("LOG", [0, 1, 2, 3, 900]), ("DISP", [0, 1, 2, 3, 900]),
                                                      ("LIN", [5, 6, 6, 6, 6])])  # fmt: skip
def test_the_modality_lut_of_an_angiogram_is_not_for_display(write_dicom, relationship, values):
    path = write_dicom("a.dcm", PLAIN, SOPClassUID=XA, Modality="XA", PixelIntensityRelationship=relationship,
                       ModalityLUTSequence=[lut((2, 0, 16), [5, 6])])  # fmt: skip
    assert read_file(path).pixels[0].tolist() == values


# ----------------------------------------------------------------------------------------- C.11.2, table C.11-2: VOI LUT

# VOILUTFunction, WindowCenter, WindowWidth, modality values, greys: the notes of C.11.2.1.2.1 and C.11.2.1.3.2, in numbers.
WINDOWS = [
    ("LINEAR", 2048, 4096, [-1, 0, 1024, 2047, 2048, 4095, 4096], [0, 0, 64, 127, 128, 255, 255]),
    ("LINEAR", 2048, 1, [2047, 2048], [0, 255]),
    ("LINEAR", 0, 100, [-51, -50, -49, 0, 48, 49, 50], [0, 0, 3, 129, 252, 255, 255]),
    ("LINEAR", 0, 1, [-1, 0, 1], [0, 255, 255]),
    ("LINEAR_EXACT", 2048, 4096, [0, 1024, 2048, 4096, 4097], [0, 64, 128, 255, 255]),
    ("LINEAR_EXACT", 2048, 1, [2047, 2048, 2049], [0, 128, 255]),
    ("LINEAR_EXACT", 0, 100, [-51, -50, -49, 0, 49, 50], [0, 0, 3, 128, 252, 255]),
    ("LINEAR_EXACT", 0, 1, [-1, 0, 1], [0, 128, 255]),
    ("LINEAR_EXACT", 0, 0.5, [-1, 0, 1], [0, 128, 255]),
    ("SIGMOID", 2048, 4096, [0, 1024, 2048, 4095], [30, 69, 128, 225]),
    ("SIGMOID", 0, 100, [-1000, -50, 0, 50, 1000], [0, 30, 128, 225, 255]),
    (None, 0, 100, [-50, 0, 49], [0, 129, 255]),
]


@pytest.mark.parametrize(("function", "center", "width", "values", "greys"), WINDOWS)
def test_a_window_maps_by_its_function(write_dicom, function, center, width, values, greys):
    path = write_dicom("a.dcm", np.array([values], np.int16), WindowCenter=center, WindowWidth=width, VOILUTFunction=function)
    assert to_display(read_file(path)).tolist() == [greys]


def test_several_windows_keep_their_order_and_explanations(write_dicom):
    path = write_dicom("a.dcm", PLAIN, WindowCenter=[40, -600], WindowWidth=[400, 1500],
                       WindowCenterWidthExplanation=["SOFT", "LUNG"])  # fmt: skip
    assert read_file(path).vois == (Window(40, 400, "LINEAR", "SOFT"), Window(-600, 1500, "LINEAR", "LUNG"))


# PixelRepresentation, rescale, descriptor as written, its VR, the modality value of its first entry (C.11.2.1.1).
FIRST_MAPPED = [
    (0, None, (3, 10, 16), "US", 10),
    (0, None, (3, 64512, 16), "US", 64512),
    (1, None, (3, -1024, 16), "SS", -1024),
    (1, None, (3, 64512, 16), "US", -1024),
    (0, -1024, (3, 64512, 16), "US", -1024),
    (0, 0, (3, 64512, 16), "US", 64512),
    (1, 32768, (3, 64512, 16), "US", 64512),
]


@pytest.mark.parametrize(("signed", "intercept", "descriptor", "vr", "first"), FIRST_MAPPED)
def test_the_first_value_of_a_voi_lut_is_signed_as_its_input_is(write_dicom, signed, intercept, descriptor, vr, first):
    rescale = {} if intercept is None else {"RescaleIntercept": intercept, "RescaleSlope": 1}
    stored = np.array([[0, 1]], "i2" if signed else "u2")
    path = write_dicom("a.dcm", stored, VOILUTSequence=[lut(descriptor, [1, 2, 3], vr)], **rescale)
    assert read_file(path).vois[0].first == first


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_the_first_value_of_a_voi_lut_behind_a_modality_lut_is_unsigned(write_dicom, syntax):
    # Without a VR in the file, pydicom reads it signed as the stored values are; C.11.2.1.1 makes it unsigned.
    elements = {"ModalityLUTSequence": [lut((2, 0, 16), [40000, 40001])], "VOILUTSequence": [lut((2, 40000, 8), [7, 9])]}
    path = write_dicom("a.dcm", np.array([[-1, 0, 1]], np.int16), syntax, **elements)
    assert to_display(read_file(path)).tolist() == [[7, 7, 9]]


# Descriptor, entries, greys of the modality values 0, 1, 2, 3 and 900.
VOI_LUTS = [
    ((4, 0, 8), bytes([0, 51, 102, 255]), [0, 51, 102, 255, 255]),
    ((4, 0, 16), [0, 13107, 26214, 65535], [0, 51, 102, 255, 255]),
    ((4, 0, 12), [0, 819, 1638, 4095], [0, 51, 102, 255, 255]),
    ((4, 0, 8), [0, 51, 102, 255], [0, 51, 102, 255, 255]),
    ((2, 2, 8), bytes([20, 200]), [20, 20, 20, 200, 200]),
    ((4, 0, 8), bytes([255, 102, 51, 0]), [255, 102, 51, 0, 0]),
]


@pytest.mark.parametrize(("descriptor", "entries", "greys"), VOI_LUTS)
def test_a_voi_lut_maps_by_its_descriptor(write_dicom, descriptor, entries, greys):
    item = lut(descriptor, entries, LUTExplanation="NORMAL")
    image = read_file(write_dicom("a.dcm", PLAIN, VOILUTSequence=[item], WindowCenter=5, WindowWidth=10))
    assert isinstance(image.vois[0], LookupTable)
    assert [voi.explanation for voi in image.vois] == ["NORMAL", ""]
    assert to_display(image)[0].tolist() == greys


# ----------------------------------------------------------------------------------- C.11.6: presentation LUT and shape

# PhotometricInterpretation, PresentationLUTShape, greys of 0, 50 and 100 in a window from 0 to 100.
SHAPES = [
    ("MONOCHROME2", None, [0, 128, 255]),
    ("MONOCHROME2", "IDENTITY", [0, 128, 255]),
    ("MONOCHROME2", "INVERSE", [255, 128, 0]),
    ("MONOCHROME1", None, [255, 128, 0]),
    ("MONOCHROME1", "INVERSE", [255, 128, 0]),
    ("MONOCHROME1", "IDENTITY", [0, 128, 255]),
]


@pytest.mark.parametrize(("photometric", "shape", "greys"), SHAPES)
def test_the_presentation_shape_says_which_end_is_black(write_dicom, photometric, shape, greys):
    path = write_dicom("a.dcm", np.array([[0, 50, 100]], np.uint16), PhotometricInterpretation=photometric,
                       PresentationLUTShape=shape, WindowCenter=50.5, WindowWidth=101)  # fmt: skip
    assert to_display(read_file(path)).tolist() == [greys]


# PhotometricInterpretation, descriptor, entries, greys of 0, 25, 50, 75 and 100 in a window from 0 to 100.
PRESENTATIONS = [
    ("MONOCHROME2", (5, 0, 8), [0, 10, 20, 30, 255], [0, 10, 20, 30, 255]),
    ("MONOCHROME2", (5, 0, 16), [0, 2570, 5140, 7710, 65535], [0, 10, 20, 30, 255]),
    ("MONOCHROME2", (3, 0, 12), [4095, 819, 0], [255, 51, 51, 0, 0]),
    ("MONOCHROME1", (5, 0, 8), [0, 10, 20, 30, 255], [0, 10, 20, 30, 255]),
]


@pytest.mark.parametrize(("photometric", "descriptor", "entries", "greys"), PRESENTATIONS)
def test_a_presentation_lut_takes_the_voi_output_to_p_values(write_dicom, photometric, descriptor, entries, greys):
    path = write_dicom("a.dcm", np.array([[0, 25, 50, 75, 100]], np.uint16), PhotometricInterpretation=photometric,
                       PresentationLUTSequence=[lut(descriptor, entries)], WindowCenter=50.5, WindowWidth=101)  # fmt: skip
    image = read_file(path)
    assert to_display(image).tolist() == [greys]
    assert to_display(image, invert=True).tolist() == [[255 - grey for grey in greys]]


def test_a_presentation_lut_without_a_table_is_told_and_ignored(write_dicom):
    image = read_file(write_dicom("a.dcm", PLAIN, PresentationLUTSequence=[Dataset()]))
    assert image.warnings == ("The presentation LUT of the file holds no table and was ignored.",)


# ------------------------------------------------------------------------- C.7.6.3.1.7 and 10.7: the shape of a pixel

# What the file states, (row, column) distance, its plane, height over width of a drawn pixel.
PIXEL_SHAPES = [
    ({}, None, None, 1.0),
    ({"PixelAspectRatio": [2, 1]}, None, None, 2.0),
    ({"PixelAspectRatio": [3, 4]}, None, None, 0.75),
    ({"PixelAspectRatio": [0, 1]}, None, None, 1.0),
    ({"PixelSpacing": [0.4, 0.2]}, (0.4, 0.2), "detector", 2.0),
    ({"ImagerPixelSpacing": [0.4, 0.2]}, (0.4, 0.2), "detector", 2.0),
    ({"NominalScannedPixelSpacing": [0.4, 0.2]}, (0.4, 0.2), "detector", 2.0),
    ({"PixelSpacing": [0.3, 0.3], "ImagerPixelSpacing": [0.4, 0.4]}, (0.3, 0.3), "calibrated", 1.0),
    ({"PixelSpacing": [0.8, 0.5], "Modality": "CT"}, (0.8, 0.5), "patient", 1.6),
    ({"PixelSpacing": [0.2, 0.2], "PixelAspectRatio": [2, 1]}, (0.2, 0.2), "detector", 1.0),
    ({"PixelSpacing": [0, 0], "PixelAspectRatio": [2, 1]}, None, None, 2.0),
]


@pytest.mark.parametrize(("elements", "spacing", "plane", "ratio"), PIXEL_SHAPES)
def test_pixels_are_drawn_in_their_true_shape(write_dicom, elements, spacing, plane, ratio):
    image = read_file(write_dicom("a.dcm", PLAIN, **elements))
    assert (image.spacing_mm, image.spacing_plane) == (spacing, plane)
    assert image.aspect_ratio == pytest.approx(ratio)
