"""Files made to hurt: each is refused in a sentence, before memory is taken for what it merely claims."""

import struct
import tracemalloc
import zlib

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from viewer.errors import UnreadableFile
from viewer.imaging import dataset_reading
from viewer.imaging.grayscale import to_display
from viewer.imaging.opening import open_paths
from viewer.imaging.reader import headers, read_file

GREY = (np.add.outer(np.arange(24), np.arange(20)) * 40).astype(np.uint16)
JPEG = "1.2.840.10008.1.2.4."
IMPLICIT, EXPLICIT, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".1.99"))
MOST_BYTES = 2**27


def reason(path) -> str:
    """Return why a file is refused, having made sure that it took no more memory than its real pixels could need."""
    tracemalloc.start()
    with pytest.raises(UnreadableFile) as refused:
        read_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES
    return str(refused.value).removeprefix(f"{path.name} could not be opened: ").removesuffix(".")


def preamble(syntax: str) -> bytes:
    name = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", len(name)) + name


@pytest.mark.parametrize("syntax", [EXPLICIT, "1.2.840.10008.1.2.5", *(f"{JPEG}{n}" for n in (50, 57, 70, 80, 90, 201))])
def test_a_header_of_absurd_size_is_refused_before_anything_is_decoded(write_dicom, syntax):
    data = GREY.tobytes() if syntax == EXPLICIT else encapsulate([GREY.tobytes()])
    path = write_dicom("bomb.dcm", GREY, syntax, Rows=65535, Columns=65535, PixelData=data)
    assert reason(path) == "a frame of 65535 x 65535 pixels is too large"


@pytest.mark.parametrize("frames", [70_000, 2_147_483_647])
def test_more_frames_than_any_film_are_refused(write_dicom, frames):
    path = write_dicom("film.dcm", np.zeros((1, 70_000), np.uint8), Columns=1, NumberOfFrames=frames)
    assert reason(path) == f"its header states {frames} frames"
    with pytest.raises(UnreadableFile):
        headers(path)


def test_more_frames_than_are_there_are_refused(write_dicom):
    assert "cut short (4800 bytes expected, 960 found)" in reason(write_dicom("film.dcm", GREY, NumberOfFrames=5))


@pytest.mark.parametrize("encode", [imagecodecs.jpegls_encode, imagecodecs.jpegxl_encode, imagecodecs.jpeg2k_encode])
def test_a_small_header_over_a_large_codestream_is_refused(write_dicom, encode):
    large = encode(np.zeros((3000, 2000), np.uint8))
    syntax = {imagecodecs.jpegls_encode: "80", imagecodecs.jpeg2k_encode: "90"}.get(encode, "201")
    path = write_dicom("film.dcm", GREY.astype(np.uint8), f"{JPEG}{syntax}", PixelData=encapsulate([large]))
    if syntax == "201":
        path.write_bytes(path.read_bytes().replace(f"{JPEG}201".encode(), f"{JPEG}110".encode()))
    assert reason(path).startswith("its compressed picture is 2000 x 3000, its header states 20 x 24")


def test_pixels_that_are_cut_short_are_refused(write_dicom):
    path = write_dicom("film.dcm", GREY)
    path.write_bytes(path.read_bytes()[:-100])
    assert reason(path) == "its pixel data is cut short (960 bytes expected, 860 found)"


@pytest.mark.parametrize("descriptor", [[0, 0, 16], [65535, 0, 16], [3, 65535, 255], [1, 0, 0], [65535, 65535, 65535]])
@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence", "PresentationLUTSequence"])
def test_a_table_that_lies_about_itself_does_not_cost_the_picture(write_dicom, lut_item, keyword, descriptor):
    path = write_dicom("film.dcm", GREY, **{keyword: [lut_item(descriptor, [0, 500, 1000])]})
    assert to_display(read_file(path)).shape == (24, 20)


@pytest.fixture
def lut_item():
    def make(descriptor, entries):
        item = Dataset()
        item.LUTDescriptor, item.LUTData = descriptor, entries
        item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
        return item

    return make


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e-320", "nan", "inf", "-inf", "0", "x", ""])
@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept", "WindowWidth", "WindowCenter", "PixelPaddingValue"])
def test_a_number_beyond_reason_does_not_cost_the_picture(write_dicom, keyword, number):
    path = write_dicom("film.dcm", GREY, WindowCenter="400", WindowWidth="800")
    element = {"RescaleSlope": 0x1053, "RescaleIntercept": 0x1052, "WindowWidth": 0x1051, "WindowCenter": 0x1050}
    value = number.encode().ljust(len(number) + len(number) % 2)
    written = struct.pack("<HH2sH", 0x28, element.get(keyword, 0x120), b"DS", len(value)) + value
    pixels = path.read_bytes().index(b"\xe0\x7f\x10\x00OW")
    path.write_bytes(path.read_bytes()[:pixels] + written + path.read_bytes()[pixels:])
    assert to_display(read_file(path)).shape == (24, 20)


def test_a_deflated_bomb_is_refused(write_dicom, monkeypatch):
    monkeypatch.setattr(dataset_reading, "LARGEST_DATASET_BYTES", 2**20)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    path = write_dicom("bomb.dcm", GREY)
    path.write_bytes(preamble(DEFLATED) + packer.compress(bytes(2**28)) + packer.flush())
    assert reason(path) == "its deflated contents would fill more than 1 MiB"


def test_sequences_a_million_deep_are_refused(tmp_path):
    path = tmp_path / "deep.dcm"
    level = bytes.fromhex("08004011") + b"SQ\0\0\xff\xff\xff\xff" + bytes.fromhex("feff00e0ffffffff")
    path.write_bytes(preamble(EXPLICIT) + level * 1_000_000)
    assert reason(path) == "its DICOM header is damaged"


def test_a_header_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_reading, "MOST_READS", 10_000)
    path = tmp_path / "long.dcm"
    path.write_bytes(preamble(IMPLICIT) + b"".join(struct.pack("<HHI", 9, element, 0) for element in range(20_000)))
    assert reason(path) == "its header has more elements than that of any film"


def peak_of(path) -> int:
    """Return the most bytes that reading a file takes at a time."""
    tracemalloc.start()
    headers(path)
    read_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def with_sequence(path, tag: tuple[int, int], value: bytes) -> None:
    """Write a sequence of implicit VR before the pixel data of a file."""
    data = path.read_bytes()
    pixels = data.index(b"\xe0\x7f\x10\x00")
    path.write_bytes(data[:pixels] + struct.pack("<HHI", *tag, len(value)) + value + data[pixels:])


# Half a million items, as many elements in one item, and what pydicom takes for items though it is none.
ENDLESS = {
    "items": bytes.fromhex("feff00e000000000") * 500_000,
    "elements": bytes.fromhex("feff00e000093d00")
    + b"".join(struct.pack("<HHI", 0x11 + 2 * (n >> 16), n & 0xFFFF, 0) for n in range(500_000)),
    "zeros": bytes(4_000_000),
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("tag", [(0x28, 0x3010), (0x5200, 0x9229), (0x5200, 0x9230)], ids=["VOI LUT", "shared", "frames"])
def test_a_sequence_that_would_unfold_without_end_is_passed_over(write_dicom, tag, kind):
    path = write_dicom("long.dcm", GREY, IMPLICIT)
    with_sequence(path, tag, ENDLESS[kind])
    assert peak_of(path) < MOST_BYTES


def test_groups_of_frames_longer_than_any_are_refused(write_dicom, monkeypatch):
    monkeypatch.setattr(dataset_reading, "LARGEST_FRAME_GROUPS_BYTES", 2**20)
    path = write_dicom("long.dcm", GREY, IMPLICIT)
    with_sequence(path, (0x5200, 0x9230), bytes.fromhex("feff00e000000000") * 150_000)
    assert reason(path) == "what it says of its frames is longer than 1 MiB"


def test_a_deflated_bomb_without_its_preamble_is_refused_too(write_dicom, monkeypatch):
    monkeypatch.setattr(dataset_reading, "LARGEST_DATASET_BYTES", 2**20)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    path = write_dicom("bomb.dcm", GREY)
    path.write_bytes(preamble(DEFLATED)[132:] + packer.compress(bytes(2**28)) + packer.flush())
    assert reason(path) == "its deflated contents would fill more than 1 MiB"


def test_a_name_of_four_million_parts_counts_as_none(write_dicom):
    path = write_dicom("film.dcm", GREY, IMPLICIT, PatientName=None)
    name = struct.pack("<HHI", 0x10, 0x10, 2**22) + b"\\" * 2**22
    start = path.read_bytes().index(b"\x28\x00\x02\x00")
    path.write_bytes(path.read_bytes()[:start] + name + path.read_bytes()[start:])
    assert read_file(path).identity.patient_name == ""


def test_a_file_that_shrinks_or_goes_between_two_looks_is_told(write_dicom):
    path = write_dicom("film.dcm", GREY)
    assert len(headers(path)) == 1
    path.write_bytes(path.read_bytes()[:400])
    assert reason(path)
    path.unlink()
    assert reason(path) == "there is no such file"


def test_one_hostile_file_leaves_the_rest_of_the_folder_alone(write_dicom, tmp_path):
    write_dicom("a.dcm", GREY)
    write_dicom("b.dcm", GREY, Rows=65535, Columns=65535)
    write_dicom("c.dcm", GREY)
    found = [result for result in open_paths([tmp_path]) if type(result).__name__ in ("Opened", "NotOpened")]
    assert sorted(type(result).__name__ for result in found) == ["NotOpened", "Opened", "Opened"]


# --------------------------------------------------------------------------------------------------------- pictures


def tiff(*entries: tuple[int, int, int], following: int = 0) -> bytes:
    """Return a TIFF of one page: entries of tag, type and value; then where the next page is said to lie."""
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in sorted(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + fields + struct.pack("<I", following) + bytes(64)


def page(width: int = 4, height: int = 4) -> list[tuple[int, int, int]]:
    return [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 100),
        (278, 4, height),
        (279, 4, 16),
    ]


def test_a_tiff_of_absurd_size_is_refused(tmp_path):
    path = tmp_path / "bomb.tif"
    path.write_bytes(tiff(*page(100_000, 50_000)))
    assert reason(path).startswith("it has too many pixels to be a film")


def test_a_tiff_of_deep_colours_in_separate_planes_is_refused_and_not_drawn_wrong(tmp_path):
    # Three counts of 16 bits, three strips of 32 bytes, at the end of the file.
    entries = [(256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 3, 200), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 3, 206),
               (277, 3, 1, 3), (278, 4, 1, 4), (279, 4, 3, 218), (284, 3, 1, 2)]  # fmt: skip
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + fields + bytes(4)
    tail = struct.pack("<3H3I3I", 16, 16, 16, 230, 262, 294, 32, 32, 32)
    path = tmp_path / "planes.tif"
    path.write_bytes(head.ljust(200, b"\0") + tail + bytes(96))
    assert reason(path) == "its colours lie in separate planes of 16 bits, which this program does not read"


def test_a_tiff_whose_pages_follow_each_other_in_a_circle_ends(tmp_path):
    path = tmp_path / "circle.tif"
    path.write_bytes(tiff(*page(), following=8))
    assert [record.frames for record in headers(path)] == [1]


def test_a_tiff_of_more_pages_than_any_film_is_refused(tmp_path):
    path = tmp_path / "pages.tif"
    one = tiff(*page())[8:]
    starts = [8 + len(one) * n for n in range(5000)]
    tail = len(one) - 64 - 4
    pages = (one[:tail] + struct.pack("<I", start + len(one)) + one[tail + 4 :] for start in starts)
    path.write_bytes(b"II*\0\x08\0\0\0" + b"".join(pages))
    assert reason(path) == "it has more than 4096 pages"


@pytest.mark.parametrize("kind", [b"VP8X", b"VP8L", b"VP8 "])
def test_a_webp_of_absurd_size_is_refused_by_its_header(tmp_path, kind):
    path = tmp_path / "bomb.webp"
    path.write_bytes(b"RIFF\xff\0\0\0WEBP" + kind + b"\x0a\0\0\0" + b"\x2f" + b"\xff" * 40)
    assert reason(path).startswith("it has too many pixels to be a film")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_a_picture_of_more_pixels_than_any_film_is_refused(tmp_path, kind):
    path = tmp_path / "large.picture"
    size = (16_000, 9_000)
    PIL.Image.new("RGB" if kind == "WEBP" else "1", size).save(path, kind, lossless=True, quality=0)
    assert reason(path) == "it has too many pixels to be a film (16000 x 9000)"


# Type and value of the orientation's entry: numbers that are none of the eight, text, a fraction, a list that is not there.
@pytest.mark.parametrize(
    "entry", [(3, 1, 0), (3, 1, 9), (4, 1, 2**32 - 1), (2, 4, 0x7466656C), (5, 1, 4), (3, 2**31, 8), (99, 1, 1)]
)
def test_an_orientation_that_is_none_is_passed_over(tmp_path, entry):
    path = tmp_path / "a.png"
    exif = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 274, *entry) + bytes(8)
    PIL.Image.fromarray(GREY.astype(np.uint8)).save(path, exif=exif)
    assert read_file(path).pixels.shape == (24, 20)


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 90]
)
def test_exif_that_is_damaged_does_not_cost_the_picture(tmp_path, exif):
    path = tmp_path / "a.jpg"
    PIL.Image.fromarray(np.full((24, 20), 77, np.uint8)).save(path, exif=exif, quality=95)
    assert np.abs(to_display(read_file(path)).astype(int) - 77).max() <= 2


def test_a_large_text_in_a_png_is_not_unpacked_without_end(tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.fromarray(GREY.astype(np.uint8)).save(path)
    text = b"zTXtComment\0\0" + zlib.compress(bytes(2**27))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    data = path.read_bytes()
    path.write_bytes(data[:33] + chunk + data[33:])
    assert "damaged" in reason(path)
