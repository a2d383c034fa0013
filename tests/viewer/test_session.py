"""What is open, and what belongs to the film on screen."""

from pathlib import Path

import pytest

from viewer.imaging.image import NotOpened
from viewer.session import Session

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SLICE = {"study_uid": "1", "orientation": AXIAL, "patient_id": "7"}


@pytest.fixture
def session(opened, picture):
    """Return a session with two films, of which the first is on screen."""
    made = Session()
    for name in ("film.dcm", "other.dcm"):
        made.add(opened(name))
    made.choose(opened("film.dcm").instance)
    assert made.take_image(picture([[1, 2], [3, 4]]))
    return made


def names(instances):
    return [instance.path.name for instance in instances]


def test_the_reading_of_the_film_on_screen_is_taken(session, reading):
    own = reading()
    assert session.take_reading(own)
    assert session.reading is own


@pytest.mark.parametrize("another", [{"sha256": "c" * 64}, {"frame": 1}])
def test_the_reading_of_another_film_or_frame_is_refused(session, reading, another):
    assert not session.take_reading(reading(**another))
    assert session.reading is None


def test_a_refused_reading_does_not_push_out_the_right_one(session, reading):
    own = reading()
    session.take_reading(own)
    session.take_reading(reading(sha256="c" * 64))
    assert session.reading is own


def test_choosing_another_frame_lets_picture_and_reading_go(session, reading, instance):
    session.take_reading(reading())
    session.choose(instance("other.dcm"))
    assert session.current == instance("other.dcm")
    assert (session.image, session.reading) == (None, None)


def test_no_reading_is_taken_while_the_chosen_film_is_not_decoded(session, reading, instance):
    session.choose(instance("other.dcm"))
    assert not session.take_reading(reading())


def test_the_picture_of_a_frame_that_is_no_longer_chosen_is_refused(session, picture, instance):
    session.choose(instance("other.dcm"))
    assert not session.take_image(picture([[1, 2], [3, 4]]))
    assert session.image is None


def test_the_picture_of_another_frame_of_the_same_file_is_refused(session, picture):
    assert not session.take_image(picture([[1, 2], [3, 4]], frame=1, frames=2))


def test_nothing_is_taken_before_a_frame_is_chosen(picture, reading):
    session = Session()
    assert not session.take_image(picture([[1]]))
    assert not session.take_reading(reading())
    assert session.siblings() == []
    assert session.neighbouring_series(1) is None


def test_a_frame_is_added_once(session, opened):
    assert not session.add(opened("film.dcm"))
    assert session.add(opened("third.dcm"))
    assert len(session.studies) == 3


def test_slices_are_siblings_in_the_order_of_their_place_not_of_their_number(opened):
    session = Session()
    for number, z in ((1, 30.0), (2, 10.0), (3, 20.0)):
        session.add(opened(f"{number}.dcm", series_uid="s", instance_number=number, position_mm=(0, 0, z), **SLICE))
    session.choose(opened("1.dcm", series_uid="s", instance_number=1, position_mm=(0, 0, 30.0), **SLICE).instance)
    assert names(session.siblings()) == ["2.dcm", "3.dcm", "1.dcm"]


def test_a_slice_that_comes_later_takes_its_place_among_its_siblings(opened):
    session = Session()
    for name, z in (("low", 1.0), ("high", 9.0)):
        session.add(opened(name, series_uid="s", position_mm=(0, 0, z), **SLICE))
    session.choose(opened("low", series_uid="s", position_mm=(0, 0, 1.0), **SLICE).instance)
    assert names(session.siblings()) == ["low", "high"]
    session.add(opened("middle", series_uid="s", position_mm=(0, 0, 5.0), **SLICE))
    session.take_changes()
    assert names(session.siblings()) == ["low", "middle", "high"]


def test_neighbouring_series_follow_the_study_list_and_stop_at_its_ends(opened):
    session = Session()
    for number in (3, 1, 2):
        session.add(opened(f"{number}.dcm", study_uid="1", series_uid=f"s{number}", series_number=number, patient_id="7"))
    session.choose(opened("2.dcm").instance)
    assert session.neighbouring_series(1).path.name == "3.dcm"
    assert session.neighbouring_series(-1).path.name == "1.dcm"
    assert session.neighbouring_series(2) is None
    assert session.neighbouring_series(-2) is None


def test_closing_all_forgets_everything(session, reading):
    session.take_reading(reading())
    session.close_all()
    assert len(session.studies) == 0
    assert (session.current, session.image, session.reading, session.siblings()) == (None, None, None, [])


def test_a_film_that_is_listed_no_longer_leads_to_the_first_series(opened):
    session = Session()
    for number in (1, 2):
        session.add(opened(f"{number}.dcm", study_uid="1", series_uid=f"s{number}", series_number=number, patient_id="7"))
    session.choose(opened("2.dcm", study_uid="1", series_uid="s2").instance)
    session.take_out(NotOpened(Path("2.dcm"), "2.dcm could not be opened: its picture is damaged."))
    assert session.neighbouring_series(1).path.name == "1.dcm"


def test_remarks_are_those_of_the_series_on_screen(opened):
    session = Session()
    for z in (0.0, 1.0, 2.0, 4.0, 5.0):
        session.add(opened(f"{z}.dcm", series_uid="s", position_mm=(0, 0, z), **SLICE))
    assert session.remarks() == ()
    session.choose(session.studies.find("2.0.dcm#0").instance)
    assert session.remarks() == ("1 image seems to be missing: one gap in slices 1 mm apart.",)
