"""Decoded pictures under a budget."""

from pathlib import Path

import numpy as np
import psutil
import pytest

from viewer.imaging.image import Identity, Image, Instance
from viewer.imaging.picture_cache import MEGABYTE, DecodedPicture, PictureCache, memory_budget
from viewer.imaging.pyramid import build_pyramid

SIDE_BYTES = 100 * 100 * 2


def picture(name, padded=False):
    instance = Instance(Path(name), 0, 1, 100, 100, Identity(), True)
    pixels = np.zeros((100, 100), np.uint16)
    padding = np.zeros((100, 100), bool) if padded else None
    return DecodedPicture(Image(instance, pixels, "0", "MONOCHROME2", padding=padding), build_pyramid(pixels))


def kept(cache):
    return {name for name in "abcdef" if f"{name}#0" in cache}


@pytest.fixture
def three():
    """Return a cache with room for three pictures, a the oldest."""
    cache = PictureCache(3 * SIDE_BYTES)
    for name in "abc":
        cache.put(picture(name))
    return cache


def test_the_picture_that_was_wanted_longest_ago_goes_first(three):
    assert three.find("a#0") is not None
    three.put(picture("d"))
    assert kept(three) == {"a", "c", "d"}


def test_what_is_on_screen_never_goes(three):
    three.show("a#0")
    for name in "def":
        three.put(picture(name))
    assert kept(three) == {"a", "e", "f"}


def test_a_picture_larger_than_the_budget_stays_while_it_is_seen():
    cache = PictureCache(10)
    cache.show("a#0")
    cache.put(picture("a"))
    assert kept(cache) == {"a"}
    cache.show("b#0")
    assert kept(cache) == set()


def test_a_picture_put_twice_is_counted_once(three):
    three.put(picture("a"))
    assert (len(three), three.size_bytes) == (3, 3 * SIDE_BYTES)


def test_padding_and_smaller_copies_are_counted():
    pixels = np.zeros((1024, 1024), np.uint16)
    large = DecodedPicture(picture("a").image, build_pyramid(pixels))
    assert large.size_bytes == 2 * (1024**2 + 512**2 + 256**2)
    assert picture("a", padded=True).size_bytes == SIDE_BYTES + 10_000


def test_letting_go_gives_the_memory_back(three):
    three.drop("b#0")
    three.drop("nothing")
    assert three.size_bytes == 2 * SIDE_BYTES
    three.clear()
    assert (three.size_bytes, kept(three)) == (0, set())


def test_room_is_counted_in_pictures(three):
    assert three.room_for(picture("a")) == 3


def test_the_budget_is_what_is_preferred_or_half_of_what_is_free():
    assert memory_budget(300) == 300 * MEGABYTE
    free = psutil.virtual_memory().available
    assert 0.3 * free < memory_budget(0) < 0.7 * free
