"""Every encapsulated transfer syntax of the standard, and frames that are not what their header states."""

import struct
import zlib
from dataclasses import replace

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import UID_dictionary

from viewer.errors import UnreadableFile, UnsupportedFile
from viewer.imaging import decoders
from viewer.imaging.decoders import DecodeError, decode
from viewer.imaging.pixel_layout import PixelLayout
from viewer.imaging.reader import read_file

RAMP = (np.add.outer(np.arange(24), np.arange(20)) * 40).astype(np.uint16)
COLOR = np.stack([RAMP >> 3, RAMP >> 4, 255 - (RAMP >> 3)], axis=-1).astype(np.uint8)
LAYOUT = PixelLayout(24, 20, 1, 1, "MONOCHROME2", 16, 16, 15, signed=False)
RGB = replace(LAYOUT, samples=3, photometric_interpretation="RGB", bits_allocated=8, bits_stored=8, high_bit=7)
JPEG = "1.2.840.10008.1.2.4."

# PS3.6 annex A and PS3.5 A.4: UID, whether it may lose something.
SYNTAXES = {
    **{f"{JPEG}{number}": True for number in (50, 51, 52, 53, 54, 55, 56)},
    **{f"{JPEG}{number}": False for number in (57, 58, 65, 66, 70)},
    f"{JPEG}80": False, f"{JPEG}81": True, f"{JPEG}90": False, f"{JPEG}91": True, f"{JPEG}92": False, f"{JPEG}93": True,
    f"{JPEG}110": False, f"{JPEG}111": True, f"{JPEG}112": True, f"{JPEG}201": False, f"{JPEG}202": False, f"{JPEG}203": True,
    "1.2.840.10008.1.2.5": False, "1.2.840.10008.1.2.8.1": False, "1.2.840.10008.1.2.1.98": False,
}  # fmt: skip


def rle(*planes: bytes) -> bytes:
    segments = [imagecodecs.packbits_encode(plane) for plane in planes]
    starts = np.cumsum([64, *(len(segment) for segment in segments)])[:-1]
    return struct.pack("<16I", len(planes), *starts, *[0] * (15 - len(planes))) + b"".join(segments)


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


LOSSLESS = {
    f"{JPEG}57": lambda: imagecodecs.ljpeg_encode(RAMP, bitspersample=16),
    f"{JPEG}70": lambda: imagecodecs.ljpeg_encode(RAMP, bitspersample=16),
    f"{JPEG}80": lambda: imagecodecs.jpegls_encode(RAMP),
    f"{JPEG}90": lambda: imagecodecs.jpeg2k_encode(RAMP, codecformat="j2k", reversible=True),
    f"{JPEG}110": lambda: imagecodecs.jpegxl_encode(RAMP, lossless=True),
    "1.2.840.10008.1.2.5": lambda: rle((RAMP >> 8).astype(np.uint8).tobytes(), RAMP.astype(np.uint8).tobytes()),
    "1.2.840.10008.1.2.8.1": lambda: deflated(RAMP.tobytes()),
    "1.2.840.10008.1.2.1.98": RAMP.tobytes,
}


def test_the_table_holds_every_syntax_and_says_which_may_lose_something():
    assert {uid: uid in decoders.LOSSY for uid in decoders.CODECS} == SYNTAXES


def test_the_table_names_what_pydicom_does_not_know():
    assert {uid for uid in SYNTAXES if uid not in UID_dictionary} == set(decoders.NAMES)


@pytest.mark.parametrize("uid", LOSSLESS)
def test_a_lossless_frame_comes_back_as_it_was(uid):
    decoded = decode(LOSSLESS[uid](), uid, LAYOUT)
    assert np.array_equal(decoded.values, RAMP)
    assert decoded.photometric_interpretation == "MONOCHROME2"


@pytest.mark.parametrize("uid", [f"{JPEG}50", f"{JPEG}81", f"{JPEG}91", f"{JPEG}112"])
def test_a_lossy_frame_comes_back_close(uid):
    small = (RAMP >> 3).astype(np.uint8)
    encoded = {
        "50": lambda: imagecodecs.jpeg8_encode(small, level=95),
        "81": lambda: imagecodecs.jpegls_encode(small, level=2),
        "91": lambda: imagecodecs.jpeg2k_encode(small, codecformat="j2k", level=50),
        "112": lambda: imagecodecs.jpegxl_encode(small, distance=0.5),
    }[uid.rpartition(".")[2]]()
    values = decode(encoded, uid, replace(LAYOUT, bits_allocated=8, bits_stored=8, high_bit=7)).values
    assert np.abs(values.astype(int) - small).max() <= 4


def test_signed_values_keep_their_sign():
    signed = RAMP.astype(np.int16) - 1000
    layout = replace(LAYOUT, signed=True)
    assert np.array_equal(decode(imagecodecs.jpegls_encode(signed.view(np.uint16)), f"{JPEG}80", layout).values, signed)


@pytest.mark.parametrize("number", [80, 90])
def test_the_sign_of_12_bits_is_found_in_a_stream_of_16(number):
    signed = RAMP.astype(np.int16) - 800
    layout = replace(LAYOUT, bits_stored=12, high_bit=11, signed=True)
    cells = signed.view(np.uint16) & 0xFFF
    encoded = imagecodecs.jpegls_encode(cells) if number == 80 else imagecodecs.jpeg2k_encode(cells, reversible=True)
    assert np.array_equal(decode(encoded, f"{JPEG}{number}", layout).values, signed)


@pytest.mark.parametrize("uid", [f"{JPEG}80", f"{JPEG}90", f"{JPEG}110"])
def test_a_colour_frame_comes_back_in_its_order(uid):
    encode = {"80": imagecodecs.jpegls_encode, "90": imagecodecs.jpeg2k_encode, "110": imagecodecs.jpegxl_encode}
    options = {"80": {}, "90": {"codecformat": "j2k", "reversible": True}, "110": {"lossless": True}}
    name = uid.rpartition(".")[2]
    assert np.array_equal(decode(encode[name](COLOR, **options[name]), uid, RGB).values, COLOR)


def test_an_encapsulated_uncompressed_film_opens(write_dicom):
    path = write_dicom("film.dcm", RAMP, "1.2.840.10008.1.2.1.98", PixelData=encapsulate([RAMP.tobytes()]))
    image = read_file(path)
    assert np.array_equal(image.pixels, RAMP)
    assert image.lossy == ""


@pytest.mark.parametrize("uid", [uid for uid in LOSSLESS if uid.startswith(JPEG)])
@pytest.mark.parametrize(("rows", "columns"), [(24, 21), (20, 24), (65535, 65535)])
def test_a_frame_of_another_size_than_the_header_states_is_refused(uid, rows, columns):
    stated = rf"is 20 x 24, its header states {columns} x {rows}"
    if uid.endswith(".110") and (rows, columns) == (20, 24):
        # JPEG XL may say of itself that it lies on its side; then what was decoded is what counts.
        stated = "is not 24 x 20 as its header states"
    with pytest.raises(DecodeError, match=f"its compressed picture {stated}"):
        decode(LOSSLESS[uid](), uid, replace(LAYOUT, rows=rows, columns=columns))


@pytest.mark.parametrize("uid", LOSSLESS)
def test_a_frame_that_is_cut_short_is_refused_in_words(uid):
    encoded = LOSSLESS[uid]()
    with pytest.raises(DecodeError, match=r"damaged|cut short|no frame header"):
        decode(encoded[: len(encoded) // 3], uid, LAYOUT)


@pytest.mark.parametrize("uid", SYNTAXES)
@pytest.mark.parametrize("encoded", [b"", b"\0", b"\xff\xd8", b"\xff\x4f\xff\x51\0", b"\xff\x0a", b"not a picture" * 9])
def test_what_is_no_frame_at_all_is_refused_in_words(uid, encoded):
    with pytest.raises(DecodeError, match=r"^its (compressed picture|pixel data|RLE picture)"):
        decode(encoded, uid, LAYOUT)


def test_an_rle_segment_that_unpacks_without_end_is_refused():
    endless = b"\x81\x00" * 50_000
    with pytest.raises(DecodeError, match="its compressed picture is damaged"):
        decode(struct.pack("<16I", 2, 64, 64 + len(endless), *[0] * 13) + endless * 2, "1.2.840.10008.1.2.5", LAYOUT)


def test_a_jpeg_of_a_thousand_scans_is_refused():
    encoded = imagecodecs.jpeg8_encode((RAMP >> 3).astype(np.uint8))
    progressive = encoded.replace(b"\xff\xc0", b"\xff\xc2") + b"\xff\xda\x00\x02" * 1000
    with pytest.raises(DecodeError, match="more than 500 scans"):
        decode(progressive, f"{JPEG}55", replace(LAYOUT, bits_allocated=8, bits_stored=8, high_bit=7))


def test_boxes_around_a_jpeg_2000_codestream_are_left_aside():
    boxed = imagecodecs.jpeg2k_encode(RAMP, codecformat="jp2", reversible=True)
    assert np.array_equal(decode(boxed, f"{JPEG}90", LAYOUT).values, RAMP)


def test_a_box_that_leads_to_a_larger_codestream_is_not_followed():
    small = imagecodecs.jpeg2k_encode(RAMP, codecformat="j2k", reversible=True)
    large = imagecodecs.jpeg2k_encode(np.zeros((2000, 2000), np.uint16), codecformat="jp2", reversible=True)
    signature, rest = large[:12], large[12:]
    decoy = struct.pack(">I4s", 8 + 60, b"free") + small[:60]
    with pytest.raises(DecodeError, match="its compressed picture is damaged"):
        decode(signature + rest[:20] + decoy + rest[20:], f"{JPEG}90", LAYOUT)


def test_a_jpeg_xl_in_a_container_is_read():
    boxed = imagecodecs.jpegxl_encode(RAMP, lossless=True, usecontainer=True)
    assert boxed[4:8] == b"JXL "
    assert np.array_equal(decode(boxed, f"{JPEG}110", LAYOUT).values, RAMP)


@pytest.mark.parametrize(
    ("uid", "sentence"),
    [
        (f"{JPEG}100", "it is a video (MPEG2 Main Profile / Main Level), which this program does not play"),
        (f"{JPEG}102", "it is a video (MPEG-4 AVC/H.264 High Profile / Level 4.1), which this program does not play"),
        (f"{JPEG}107", "it is a video (HEVC/H.265 Main Profile / Level 5.1), which this program does not play"),
        (f"{JPEG}94", "its pixels lie on a server (JPIP Referenced), and this program opens no address of a file"),
        ("1.2.3.4", "its transfer syntax (1.2.3.4) is not known to this program"),
    ],
)
def test_what_is_not_decoded_is_refused_by_its_name(write_dicom, uid, sentence):
    known = uid if uid in UID_dictionary else f"{JPEG}80"
    path = write_dicom("film.dcm", RAMP, known, PixelData=encapsulate([b"frame!"]))
    path.write_bytes(path.read_bytes().replace(known.encode(), uid.encode().ljust(len(known), b"\0")))
    with pytest.raises(UnsupportedFile) as refused:
        read_file(path)
    assert str(refused.value) == f"film.dcm could not be opened: {sentence}."


@pytest.mark.parametrize(
    ("sop_class", "name"),
    [
        ("1.2.840.10008.5.1.4.1.1.481.5", "RT Plan Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RT Structure Set Storage"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "12-lead ECG Waveform Storage"),
    ],
)
def test_what_holds_no_picture_says_what_it_is(write_dicom, sop_class, name):
    path = write_dicom("plan.dcm", RAMP, SOPClassUID=sop_class, Rows=None, Columns=None)
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(UnreadableFile) as refused:
        read_file(path)
    assert str(refused.value) == f"plan.dcm could not be opened: it holds no picture ({name})."


# ------------------------------------------------------------------------------------------------- no mark at its end

WAVES = (100 + 60 * np.sin(np.arange(300) / 20) + 40 * np.cos(np.arange(200)[:, None] / 13)).astype(np.uint8)
ENDED = {
    f"{JPEG}50": imagecodecs.jpeg8_encode(WAVES, level=90),
    f"{JPEG}70": imagecodecs.jpeg8_encode(WAVES, lossless=True),
    f"{JPEG}80": imagecodecs.jpegls_encode(WAVES),
    f"{JPEG}90": imagecodecs.jpeg2k_encode(WAVES, codecformat="j2k", level=0),
    f"{JPEG}201": imagecodecs.htj2k_encode(WAVES),
}
WAVES_LAYOUT = replace(LAYOUT, rows=200, columns=300, bits_allocated=8, bits_stored=8, high_bit=7)


@pytest.mark.parametrize("syntax", ENDED)
def test_a_whole_picture_without_its_end_marker_opens(syntax):
    encoded = ENDED[syntax]
    assert encoded.endswith(b"\xff\xd9")
    whole = decode(encoded, syntax, WAVES_LAYOUT).values
    assert np.array_equal(decode(encoded[:-2], syntax, WAVES_LAYOUT).values, whole)


@pytest.mark.parametrize("padding", [b"\0" * 501, b"\xff" * 500])
@pytest.mark.parametrize("syntax", [f"{JPEG}50", f"{JPEG}70"])
def test_padding_behind_the_end_marker_is_passed_over(syntax, padding):
    values = decode(ENDED[syntax] + padding, syntax, WAVES_LAYOUT).values
    assert np.array_equal(values, decode(ENDED[syntax], syntax, WAVES_LAYOUT).values)


@pytest.mark.parametrize("lost", [12, 1000])
@pytest.mark.parametrize("syntax", ENDED)
def test_a_picture_that_is_cut_short_is_refused(syntax, lost):
    with pytest.raises(DecodeError, match=r"damaged|cut short"):
        decode(ENDED[syntax][:-lost], syntax, WAVES_LAYOUT)


@pytest.mark.parametrize("lost", [4, 10])
def test_a_jpeg_that_lacks_its_last_corner_alone_is_refused(lost):
    # The byte that makes its length even must not pass for compressed bits, nor one filling for the true end.
    corner = np.ascontiguousarray(np.stack([WAVES, 255 - WAVES, WAVES // 2], axis=-1)[:50, :70])
    encoded = imagecodecs.jpeg8_encode(corner, level=75)[:-lost]
    layout = replace(RGB, rows=50, columns=70)
    with pytest.raises(DecodeError, match="cut short"):
        decode(encoded + bytes(len(encoded) % 2), f"{JPEG}50", layout)


# A basic offset table that is right, none, and three that lead nowhere: PS3.5 A.4.
OFFSET_TABLES = {
    "right": lambda size: [0, 8 + size, 2 * (8 + size)],
    "none": lambda size: [],
    "zeros": lambda size: [0, 0, 0],
    "wrong": lambda size: [0, 10, 20],
    "for one frame": lambda size: [0],
}


@pytest.mark.parametrize("kind", OFFSET_TABLES)
def test_frames_are_found_whatever_the_offset_table_says(write_dicom, kind):
    frames = [np.full((4, 4), value, np.uint8).tobytes() for value in (1, 2, 3)]
    offsets = OFFSET_TABLES[kind](16)
    table = b"\xfe\xff\0\xe0" + struct.pack(f"<I{len(offsets)}I", 4 * len(offsets), *offsets)
    items = b"".join(b"\xfe\xff\0\xe0" + struct.pack("<I", len(frame)) + frame for frame in frames)
    uid = "1.2.840.10008.1.2.1.98"
    path = write_dicom("a.dcm", np.zeros((4, 4), np.uint8), uid, PixelData=table + items, NumberOfFrames=3)
    assert [int(read_file(path, frame).pixels[0, 0]) for frame in range(3)] == [1, 2, 3]


def test_an_extended_offset_table_full_of_zeros_is_not_believed(write_dicom):
    frames = [np.full((4, 4), value, np.uint8).tobytes() for value in (1, 2)]
    path = write_dicom(
        "a.dcm", np.zeros((4, 4), np.uint8), "1.2.840.10008.1.2.1.98", PixelData=encapsulate(frames, has_bot=False),
        NumberOfFrames=2, ExtendedOffsetTable=bytes(16), ExtendedOffsetTableLengths=struct.pack("<2Q", 16, 16),
    )  # fmt: skip
    assert [int(read_file(path, frame).pixels[0, 0]) for frame in (0, 1)] == [1, 2]
