"""PNG, JPEG, TIFF and the like: greys, orientation, alpha, colour, damage."""

import hashlib
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from viewer.errors import UnreadableFile
from viewer.imaging.grayscale import to_display
from viewer.imaging.image import Opened
from viewer.imaging.opening import open_paths
from viewer.imaging.reader import headers, read_file

GREY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


def save(path, pixels, **options):
    PIL.Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp"])
def test_an_eight_bit_picture_is_shown_as_it_is(tmp_path, name):
    image = read_file(save(tmp_path / name, GREY, lossless=True))
    assert np.array_equal(to_display(image), GREY)
    assert not image.instance.is_dicom
    assert image.warnings[0].startswith("Not a DICOM file: no patient, no spacing")


def test_the_hash_is_that_of_the_whole_file(tmp_path):
    path = save(tmp_path / "a.png", GREY)
    image = read_file(path)
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert image.identity.sop_instance_uid == ""


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_stay_sixteen(tmp_path, name):
    pixels = GREY.astype(np.uint16) * 257
    image = read_file(save(tmp_path / name, pixels))
    assert image.pixels.dtype == np.uint16
    assert np.array_equal(image.pixels, pixels)


def test_a_big_endian_tiff_is_read_in_its_own_order(tmp_path):
    words = np.array([[1, 256, 65535]], ">u2")
    path = tmp_path / "a.tif"
    PIL.Image.frombytes("I;16B", (3, 1), words.tobytes()).save(path)
    assert read_file(path).pixels.tolist() == [[1, 256, 65535]]


def test_float_and_32_bit_tiffs_keep_their_values(tmp_path):
    floats = save(tmp_path / "f.tif", np.array([[0.25, -3.5]], np.float32))
    wide = save(tmp_path / "i.tif", np.array([[-70000, 70000]], np.int32))
    assert read_file(floats).pixels.tolist() == [[0.25, -3.5]]
    assert read_file(wide).pixels.tolist() == [[-70000, 70000]]


def test_a_tiff_of_32_bits_without_sign_stays_bright(tmp_path):
    path = save(tmp_path / "a.tif", np.array([[1, -1]], np.int32))
    signed, unsigned = (struct.pack("<HHIH", 339, 3, 1, kind) for kind in (2, 1))
    path.write_bytes(path.read_bytes().replace(signed, unsigned))
    assert read_file(path).pixels.tolist() == [[1, 2**32]]


def test_a_tiff_of_8_bits_with_sign_keeps_it(tmp_path):
    path = save(tmp_path / "a.tif", np.array([[1, 255, 128]], np.uint8), tiffinfo={339: 2})
    assert read_file(path).pixels.tolist() == [[1, -1, -128]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white_is_drawn_that_way(tmp_path, dtype):
    pixels = np.array([[0, 1000 % 256, 255]], dtype)
    path = save(tmp_path / "a.tif", pixels)
    black_is_zero, white_is_zero = (struct.pack("<HHIH", 262, 3, 1, value) for value in (1, 0))
    assert black_is_zero in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(black_is_zero, white_is_zero))
    display = to_display(read_file(path))
    assert (display[0, 0], display[0, 2]) == (255, 0)


@pytest.mark.parametrize(("orientation", "corner"), [(1, 0), (2, 50), (3, 230), (4, 180), (5, 0), (6, 180), (7, 230), (8, 50)])
def test_the_exif_orientation_is_applied(tmp_path, orientation, corner):
    exif = PIL.Image.Exif()
    exif[274] = orientation
    path = save(tmp_path / "a.png", GREY, exif=exif)
    image = read_file(path)
    assert image.pixels[0, 0] == corner
    assert image.pixels.shape == (headers(path)[0].rows, headers(path)[0].columns)


def test_grey_saved_as_colour_becomes_grey_and_colour_stays(tmp_path):
    grey = save(tmp_path / "g.png", np.stack([GREY] * 3, axis=-1))
    color = save(tmp_path / "c.png", np.stack([GREY, GREY, GREY + 1], axis=-1))
    assert read_file(grey).pixels.ndim == 2
    assert read_file(color).is_color


def test_alpha_is_laid_over_black(tmp_path):
    pixels = np.array([[[200, 200, 200, 255], [200, 200, 200, 51]]], np.uint8)
    assert read_file(save(tmp_path / "a.png", pixels)).pixels.tolist() == [[200, 40]]


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "LA", "YCbCr"])
def test_other_modes_of_pictures_open(tmp_path, mode):
    path = tmp_path / "a.tif"
    PIL.Image.fromarray(GREY).convert("RGB").convert(mode).save(path)
    assert read_file(path).pixels.shape[:2] == (4, 6)


def test_the_pages_of_a_tiff_are_frames(tmp_path):
    path = tmp_path / "a.tif"
    PIL.Image.fromarray(GREY).save(path, save_all=True, append_images=[PIL.Image.fromarray(GREY + 5)])
    assert len(headers(path)) == 2
    assert read_file(path, 1).pixels[0, 0] == 5


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_picture_that_is_cut_short_is_refused(tmp_path, name):
    random = np.random.default_rng(0).integers(0, 255, (200, 200)).astype(np.uint8)
    path = save(tmp_path / name, random)
    path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(UnreadableFile, match="damaged or cut short"):
        read_file(path)


def test_a_picture_of_absurd_size_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.png"
    PIL.Image.new("1", (30000, 30000)).save(path)
    with pytest.raises(UnreadableFile, match="too many pixels"):
        read_file(path)


def test_what_counts_is_the_content_and_not_the_name(tmp_path):
    path = save(tmp_path / "film.dcm", GREY, format="PNG")
    results = [result for result in open_paths([path]) if isinstance(result, Opened)]
    assert [(found.instance.is_dicom, found.instance.photometric_interpretation) for found in results] == [(False, "PNG L")]


def test_a_jpeg_says_that_it_has_lost_something(shared_data):
    film = min((shared_data / "cxr" / "films").iterdir())
    assert read_file(film).lossy == "JPEG, ratio not stated"


RED, GREEN, BLUE, WHITE = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp"])
def test_colours_come_out_as_they_went_in(tmp_path, name):
    colors = np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8)
    image = read_file(save(tmp_path / name, colors, lossless=True))
    assert image.pixels.tolist() == [[RED, GREEN], [BLUE, WHITE]]
    assert (image.photometric_interpretation, image.lossy) == ("RGB", "")


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_every_one_of_sixteen_bits_counts(tmp_path, name):
    image = read_file(save(tmp_path / name, np.array([[0, 1, 255, 256, 4095, 65535]], np.uint16)))
    assert image.pixels.tolist() == [[0, 1, 255, 256, 4095, 65535]]
    assert image.instance.bits_stored == 16


CMYK = [((0, 255, 255, 0), RED), ((255, 0, 255, 0), GREEN), ((0, 0, 255, 0), [255, 255, 0]), ((0, 255, 0, 128), [127, 0, 127])]


@pytest.mark.parametrize(("ink", "color"), CMYK)
@pytest.mark.parametrize("name", ["a.tif", "a.jpg"])
def test_printing_inks_become_light(tmp_path, name, ink, color):
    path = tmp_path / name
    PIL.Image.new("CMYK", (16, 16), ink).save(path, **({"quality": 100} if name == "a.jpg" else {}))
    pixels = read_file(path).pixels
    assert np.abs(pixels[8, 8].astype(int) - color).max() <= (3 if name == "a.jpg" else 0)


# EXIF 2.32, 4.6.4: where the first row and the first column of what is stored belong.
UPRIGHT = {
    1: [[1, 2, 3], [4, 5, 6]], 2: [[3, 2, 1], [6, 5, 4]], 3: [[6, 5, 4], [3, 2, 1]], 4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]], 6: [[4, 1], [5, 2], [6, 3]], 7: [[6, 3], [5, 2], [4, 1]], 8: [[3, 6], [2, 5], [1, 4]],
}  # fmt: skip


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_a_picture_is_turned_as_its_exif_says(tmp_path, orientation, name):
    exif = PIL.Image.Exif()
    exif[274] = orientation
    path = save(tmp_path / name, np.array([[1, 2, 3], [4, 5, 6]], np.uint8), exif=exif, lossless=True)
    assert read_file(path).pixels.tolist() == UPRIGHT[orientation]


def test_a_transparent_colour_of_a_palette_is_black(tmp_path):
    path = tmp_path / "a.png"
    picture = PIL.Image.frombytes("P", (3, 1), bytes([0, 1, 2]))
    picture.putpalette([200, 200, 200, 100, 100, 100, 50, 50, 50])
    picture.save(path, transparency=1)
    assert read_file(path).pixels.tolist() == [[200, 0, 50]]


def test_grey_with_alpha_is_laid_over_black(tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.frombytes("LA", (3, 1), bytes([200, 255, 200, 0, 100, 128])).save(path)
    assert read_file(path).pixels.tolist() == [[200, 0, 50]]


def test_one_bit_is_black_and_white(tmp_path):
    path = tmp_path / "a.tif"
    PIL.Image.frombytes("1", (3, 1), bytes([0b01000000])).save(path, compression="group4")
    assert read_file(path).pixels.tolist() == [[0, 255, 0]]


def test_a_photograph_of_a_film_opens_upright_and_is_marked_as_not_dicom(tmp_path):
    path = tmp_path / "IMG_0042.jpg"
    exif = PIL.Image.Exif()
    exif[271], exif[272], exif[274] = "Maker", "Telephone", 6
    save(path, np.full((24, 32, 3), (30, 60, 90), np.uint8), exif=exif, quality=95)
    opened = [result for result in open_paths([path]) if isinstance(result, Opened)]
    image = read_file(path)
    assert [(found.instance.is_dicom, found.instance.rows, found.instance.columns) for found in opened] == [(False, 32, 24)]
    assert np.abs(image.pixels[16, 12].astype(int) - (30, 60, 90)).max() <= 3
    assert image.warnings == ("Not a DICOM file: no patient, no spacing, grey values as the picture's maker left them.",)
    assert (image.spacing_mm, image.lossy) == (None, "JPEG, ratio not stated")


def test_a_jpeg_that_is_whole_but_for_its_end_marker_opens(tmp_path):
    path = save(tmp_path / "a.jpg", np.arange(6400, dtype=np.uint16).reshape(80, 80).astype(np.uint8))
    whole = read_file(path).pixels
    path.write_bytes(path.read_bytes()[:-2])
    assert np.array_equal(read_file(path).pixels, whole)


TURNED_EXIF = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", 274, 3, 1, 6, 0, 0)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("place", ["before the pixels", "behind them"])
def test_the_orientation_of_a_png_is_found_wherever_it_stands(tmp_path, place):
    path = save(tmp_path / "a.png", GREY)
    data = path.read_bytes()
    at = 33 if place == "before the pixels" else len(data) - 12
    path.write_bytes(data[:at] + chunk(b"eXIf", TURNED_EXIF) + data[at:])
    assert (headers(path)[0].rows, headers(path)[0].columns) == (6, 4)
    assert np.array_equal(read_file(path).pixels, np.rot90(GREY, -1))


def test_a_png_is_listed_without_being_unpacked(tmp_path):
    path = save(tmp_path / "a.png", GREY)
    data = path.read_bytes()
    start = data.index(b"IDAT") + 4
    path.write_bytes(data[:start] + b"rubbish" + data[start + 7 :])
    assert headers(path)[0].rows == 4
    with pytest.raises(UnreadableFile):
        read_file(path)
