"""PNG, JPEG, TIFF and the like: greys, orientation, alpha, colour, damage."""

import hashlib
import struct

import numpy as np
import PIL.Image
import pytest

from viewer.errors import UnreadableFile
from viewer.imaging.grayscale import to_display
from viewer.imaging.reader import headers, open_paths, read_file

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
    results = [result for result in open_paths([path]) if hasattr(result, "thumbnail")]
    assert results[0].thumbnail.shape == (4, 6)


def test_a_jpeg_says_that_it_has_lost_something(shared_data):
    film = min((shared_data / "cxr" / "films").iterdir())
    assert read_file(film).lossy == "JPEG, ratio not stated"
