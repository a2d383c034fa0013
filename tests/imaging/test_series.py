"""Frames grouped and sorted."""

from pathlib import Path

import numpy as np

from viewer.imaging.image import Identity, Instance, Opened
from viewer.imaging.reader import open_paths
from viewer.imaging.series import Studies

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def frame(name, position=None, is_dicom=True, **identity):
    orientation = AXIAL if position is not None else None
    place = (0.0, 0.0, float(position)) if position is not None else None
    record = Instance(
        Path("/films") / name, 0, 1, 4, 4, Identity(**identity), is_dicom, position_mm=place, orientation=orientation
    )
    return Opened(record, np.zeros((4, 4), np.uint8))


def names(studies):
    return [
        [[opened.instance.path.name for opened in series.opened] for series in study.series]
        for patient in studies.patients()
        for study in patient.studies
    ]


def add_all(*frames):
    studies = Studies()
    for one in frames:
        studies.add(one)
    return studies


def test_cross_sections_are_sorted_in_space_and_not_by_number():
    ids = {"patient_id": "P", "study_uid": "1", "series_uid": "1.1"}
    studies = add_all(
        frame("b", 30, instance_number=1, **ids), frame("a", 10, instance_number=3, **ids),
        frame("c", 20, instance_number=2, **ids),
    )  # fmt: skip
    assert names(studies) == [[["a", "c", "b"]]]


def test_films_are_sorted_by_number_then_by_name_as_people_count():
    ids = {"patient_id": "P", "study_uid": "1", "series_uid": "1.1"}
    studies = add_all(
        frame("im10", **ids), frame("im9", **ids), frame("z", instance_number=2, **ids),
        frame("y", instance_number=1, **ids),
    )  # fmt: skip
    assert names(studies) == [[["y", "z", "im9", "im10"]]]


def test_the_latest_study_of_a_patient_comes_first():
    studies = add_all(
        frame("old", patient_id="P", study_uid="1", series_uid="1.1", study_date="2019-01-01"),
        frame("new", patient_id="P", study_uid="2", series_uid="2.1", study_date="2020-01-01"),
    )
    assert names(studies) == [[["new"]], [["old"]]]


def test_two_patients_with_one_id_are_two_patients():
    studies = add_all(
        frame("a", patient_id="1", patient_name="Ada", study_uid="1", series_uid="1.1"),
        frame("b", patient_id="1", patient_name="Bea", study_uid="2", series_uid="2.1"),
    )
    assert [patient.name for patient in studies.patients()] == ["Ada", "Bea"]


def test_pictures_stand_under_the_name_of_their_folder():
    studies = add_all(frame("a.png", is_dicom=False), frame("b.png", is_dicom=False))
    assert studies.patients()[0].name == "films"
    assert names(studies) == [[["a.png"], ["b.png"]]]


def test_a_real_study_of_three_series_comes_out_in_order(shared_dicom):
    studies, copies = Studies(), 0
    for found in open_paths([shared_dicom / "derived" / "ct" / "CT-P4"]):
        if isinstance(found, Opened):
            studies.add(found)
        copies += "is a copy of" in getattr(found, "reason", "")
    (patient,) = studies.patients()
    places = [opened.instance.position_mm[2] for opened in patient.studies[0].series[0].opened]
    assert len(patient.studies[0].series) == 3
    assert places == sorted(places)
    assert copies == 1
