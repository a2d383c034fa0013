"""From the film on screen to the record that is printed."""

import numpy as np
import pytest

from viewer.imaging.color_maps import COLOR_MAPS
from viewer.imaging.grayscale import to_display
from viewer.imaging.image import LookupTable, Window
from viewer.imaging.pyramid import halve
from viewer.reading import ClassProbability, RefusalReason
from viewer.reporting.compose import FilmLook, compose_report
from viewer.reporting.report import ReportText

RAMP = (np.arange(240 * 320).reshape(240, 320) * 3) % 4096
LOOK = FilmLook(Window(2000, 1000))
TEXT = ReportText("Cough", "Clear", "Normal")
CLASSES = (ClassProbability("covid", "COVID-19", 0.7), ClassProbability("normal", "No finding", 0.3))


@pytest.fixture
def film(picture):
    return picture(RAMP, name="/films/chest 1.dcm", sop_instance_uid="1.2.3", warnings=("The ratio was mended.",))


@pytest.fixture
def read(reading, one_hot_cell):
    """Return a maker of readings with a map of each class; fields of the covid map, then of the Reading."""

    def make(covid=(), **fields):
        hot = one_hot_cell((12, 16), (6, 7), 20, **dict(covid))
        cold = one_hot_cell((12, 16), (2, 3), 20, class_name="normal")
        return reading(**{"probabilities": CLASSES, "predicted": "covid", "heat_maps": (hot, cold), **fields})

    return make


def test_the_film_is_printed_as_it_is_windowed(film):
    report = compose_report(film, LOOK, None, TEXT)
    assert np.array_equal(report.film, to_display(film, Window(2000, 1000)))
    assert report.voi_text == "W 1000  L 2000"


def test_the_film_is_printed_inverted_when_it_is_seen_inverted(film):
    report = compose_report(film, FilmLook(Window(2000, 1000), inverted=True), None, TEXT)
    assert np.array_equal(report.film, to_display(film, Window(2000, 1000), invert=True))


def test_a_voi_lut_is_printed_and_named(film):
    lut = LookupTable(np.arange(256, dtype=np.uint16), 0, 8, "NORMAL")
    report = compose_report(film, FilmLook(lut), None, TEXT)
    assert np.array_equal(report.film, to_display(film, lut))
    assert report.voi_text == "VOI LUT: NORMAL"


@pytest.mark.parametrize("inverted", [False, True])
def test_colours_are_printed_as_they_are_seen(picture, inverted):
    colors = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    report = compose_report(picture(colors, "uint8"), FilmLook(None, inverted), None, TEXT)
    assert np.array_equal(report.film, colors ^ (255 * inverted))


def test_a_large_film_is_halved_before_it_is_windowed(picture):
    pixels = np.random.default_rng(0).integers(0, 4096, (2600, 1300), np.uint16)
    report = compose_report(picture(pixels), LOOK, None, TEXT)
    assert report.film.shape == (1300, 650)
    assert np.array_equal(report.film, to_display(picture(halve(pixels)), Window(2000, 1000)))


def test_the_report_names_the_film_it_is_about(film):
    report = compose_report(film, LOOK, None, TEXT)
    assert (report.film_name, report.film_sha256, report.sop_instance_uid, report.frame) == (
        "chest 1.dcm", "a" * 64, "1.2.3", 0,
    )  # fmt: skip
    assert (report.text, report.warnings) == (TEXT, ("The ratio was mended.",))
    assert report.created.tzinfo is not None


def test_without_a_reading_there_is_no_map(film):
    report = compose_report(film, LOOK, None, TEXT)
    assert (report.overlay_film, report.color_legend, report.heat_map_caption) == (None, None, "")


def test_the_map_of_the_answer_lies_over_the_film_where_it_is_hot_and_nowhere_else(film, read):
    report = compose_report(film, LOOK, read(), TEXT)
    changed = np.argwhere((report.overlay_film != report.film[..., np.newaxis]).any(axis=2))
    assert changed.min(axis=0).tolist() >= [110, 130]
    assert changed.max(axis=0).tolist() <= [149, 169]
    assert changed.mean(axis=0) == pytest.approx((129.5, 149.5), abs=2)


def test_the_class_chosen_on_screen_is_the_one_that_is_printed(film, read):
    report = compose_report(film, FilmLook(Window(2000, 1000), class_name="normal"), read(), TEXT)
    changed = np.argwhere((report.overlay_film != report.film[..., np.newaxis]).any(axis=2))
    assert changed.mean(axis=0) == pytest.approx((49.5, 69.5), abs=2)
    assert report.heat_map_caption.startswith("Grad-CAM of No finding, peak 1 on a scale of 0 to 1, the same for every film.")


def test_a_map_below_the_floor_is_not_printed(film, read):
    report = compose_report(film, LOOK, read({"peak": 0.04}), TEXT)
    assert (report.overlay_film, report.color_legend, report.heat_map_caption) == (None, None, "")


def test_the_legend_runs_from_nothing_on_the_left_to_full_scale_on_the_right(film, read):
    report = compose_report(film, FilmLook(Window(2000, 1000), color_map="viridis"), read(), TEXT)
    assert report.color_legend.shape == (12, 256, 3)
    assert np.array_equal(report.color_legend[0], COLOR_MAPS["viridis"])


def test_a_refused_reading_prints_no_map(film, read):
    report = compose_report(
        film, LOOK, read(status="refused", refusals=(RefusalReason("lateral", "This is a lateral film."),)), TEXT
    )
    assert report.overlay_film is None
    assert report.reading.reason == "This is a lateral film."


@pytest.mark.parametrize("another", [{"sha256": "c" * 64}, {"frame": 1}])
def test_the_reading_of_another_film_or_frame_is_never_printed(film, read, another):
    with pytest.raises(ValueError, match="the reading belongs to another film"):
        compose_report(film, LOOK, read(**another), TEXT)
