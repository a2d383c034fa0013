"""Settings: their defaults, ranges, and what the file may say instead."""

import pytest
from PySide6.QtCore import QByteArray

from viewer import settings as options
from viewer.settings import (
    DEVICE,
    FETCH_LIMIT_MB,
    HEAT_MAP_COLORS,
    HEAT_MAP_OPACITY,
    HEAT_MAP_OUTLINE,
    LAST_FOLDER,
    MODEL,
    RECENT,
    Option,
    Settings,
)


@pytest.fixture
def path(tmp_path, qapp):
    return tmp_path / "settings.ini"


def stored(path, text):
    """Return the settings of a file that somebody has written by hand."""
    path.write_text(text, encoding="utf-8")
    return Settings(path)


def again(path, settings):
    settings.sync()
    return Settings(path)


def test_an_empty_file_gives_every_default(path):
    settings = Settings(path)
    every = [option for option in vars(options).values() if isinstance(option, Option)]
    assert len(every) >= 10
    assert [settings.get(option) for option in every] == [option.default for option in every]


def test_no_two_settings_share_a_key():
    keys = [option.key for option in vars(options).values() if isinstance(option, Option)]
    assert len(set(keys)) == len(keys)


def test_what_is_set_survives_in_the_file_with_its_type(path):
    settings = Settings(path)
    values = {MODEL: "own", HEAT_MAP_OPACITY: 0.25, HEAT_MAP_OUTLINE: False, FETCH_LIMIT_MB: 70, LAST_FOLDER: "a, b/é"}
    for option, value in values.items():
        settings.set(option, value)
    read = {option: again(path, settings).get(option) for option in values}
    assert read == values
    assert [type(value) for value in read.values()] == [str, float, bool, int, str]


@pytest.mark.parametrize(("wanted", "held"), [(7.0, 1.0), (-3.0, 0.05), (0.4, 0.4)])
def test_a_number_is_held_to_its_range_when_it_is_set(path, wanted, held):
    settings = Settings(path)
    settings.set(HEAT_MAP_OPACITY, wanted)
    assert again(path, settings).get(HEAT_MAP_OPACITY) == held


@pytest.mark.parametrize(("text", "held"), [("7", 1.0), ("-3", 0.05), ("0.4", 0.4), ("inf", 0.55), ("nan", 0.55), ("x", 0.55)])
def test_a_number_from_the_file_is_held_to_its_range_and_nonsense_is_the_default(path, text, held):
    assert stored(path, f"[heat_map]\nopacity={text}\n").get(HEAT_MAP_OPACITY) == held


@pytest.mark.parametrize("text", ["nan", "many", '""'])
def test_a_whole_number_that_is_nonsense_is_the_default(path, text):
    assert stored(path, f"[examples]\nlimit_mb={text}\n").get(FETCH_LIMIT_MB) == 500


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("False", False), ("perhaps", True)])
def test_a_yes_or_no_is_read_from_the_text_of_the_file(path, text, value):
    assert stored(path, f"[heat_map]\noutline={text}\n").get(HEAT_MAP_OUTLINE) is value


def test_a_colour_map_or_device_that_does_not_exist_is_the_default(path):
    settings = stored(path, "[heat_map]\ncolors=rainbow\n[reading]\ndevice=abacus\n")
    assert settings.get(HEAT_MAP_COLORS) == "inferno"
    assert settings.get(DEVICE) == "auto"


def test_recent_films_come_latest_first_each_once(path):
    settings = Settings(path)
    for name in ("a", "b", "c", "a"):
        settings.add_recent(name)
    assert again(path, settings).get(RECENT) == ["a", "c", "b"]


def test_only_ten_recent_films_are_kept(path):
    settings = Settings(path)
    for number in range(14):
        settings.add_recent(f"/films/{number}")
    assert again(path, settings).get(RECENT) == [f"/films/{number}" for number in range(13, 3, -1)]


def test_one_recent_film_is_still_a_list_when_it_is_read_back(path):
    settings = Settings(path)
    settings.add_recent("/films/a, b.dcm")
    assert again(path, settings).get(RECENT) == ["/films/a, b.dcm"]


def test_the_place_of_the_window_is_kept(path):
    settings = Settings(path)
    settings.set_geometry("window", QByteArray(b"\x01\xd9\x00"))
    assert again(path, settings).geometry("window") == QByteArray(b"\x01\xd9\x00")


def test_a_place_of_the_window_that_is_nonsense_is_none(path):
    assert stored(path, "[geometry]\nwindow=left\n").geometry("window") is None
