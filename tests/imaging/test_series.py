"""Frames grouped and sorted."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from viewer.imaging.image import Document, Identity, Instance, Opened
from viewer.imaging.opening import open_paths
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


SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
IDS = {"patient_id": "P", "study_uid": "1", "series_uid": "1.1"}


def stack(places, prefix="s", echo="", acquisition=None, orientation=AXIAL, first=1):
    """Return axial slices at these places in mm."""
    made = []
    for number, place in enumerate(places, first):
        position = (0.0, 0.0, float(place)) if orientation is AXIAL else (float(place), 0.0, 0.0)
        record = Instance(
            Path("/films") / f"{prefix}{number}", 0, 1, 4, 4, Identity(**IDS, instance_number=number), True,
            position_mm=position, orientation=orientation, echo=echo, acquisition=acquisition,
        )  # fmt: skip
        made.append(Opened(record))
    return made


def counts(*frames):
    (patient,) = add_all(*frames).patients()
    return [len(series.opened) for series in patient.studies[0].series]


def remarks(*places):
    (patient,) = add_all(*stack(places)).patients()
    return patient.studies[0].series[0].remarks


def test_a_localizer_in_the_series_of_axial_slices_is_a_series_of_its_own():
    assert counts(*stack([0, 5, 10]), *stack([0], "localizer", orientation=SAGITTAL, first=4)) == [3, 1]


def test_planes_that_are_nearly_parallel_stay_together():
    tilted = tuple(cosine + 0.004 for cosine in AXIAL)
    assert counts(*stack([0, 5]), *stack([10, 15], "t", orientation=tilted, first=3)) == [4]


def test_planes_that_are_all_turned_one_by_one_stay_together():
    turned = [(math.cos(a), math.sin(a), 0.0, 0.0, 0.0, -1.0) for a in (0.0, 0.3, 0.6, 0.9, 1.2)]
    frames = [stack([0], f"t{n}", orientation=plane, first=n)[0] for n, plane in enumerate(turned, 1)]
    assert counts(*frames) == [5]


def test_echoes_at_the_same_places_are_two_series():
    assert counts(*stack([0, 5, 10], "a", echo="1"), *stack([0, 5, 10], "b", echo="2", first=4)) == [3, 3]


def test_echo_times_that_differ_from_slice_to_slice_do_not_divide_a_series():
    assert counts(*stack([0, 5], "a", echo="1"), *stack([10, 15], "b", echo="2", first=3)) == [4]


def test_two_acquisitions_of_the_same_places_are_two_series():
    assert counts(*stack([0, 5, 10], "a", acquisition=1), *stack([0, 5, 10], "b", acquisition=2, first=4)) == [3, 3]


def test_a_scanner_that_counts_each_slice_as_an_acquisition_makes_one_series():
    frames = [stack([5 * n], f"a{n}", acquisition=n, first=n)[0] for n in range(1, 7)]
    assert counts(*frames) == [6]


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ((0, 5, 10, 15, 20), ()),
        ((0, 5, 15, 20, 25), ("1 image seems to be missing: one gap in slices 5 mm apart.",)),
        ((0, 5, 20, 25, 40, 45, 50, 55, 60, 65), ("4 images seem to be missing: 2 gaps in slices 5 mm apart.",)),
        ((0, 5, 5, 10, 15), ("One image lies where another one does.",)),
        ((0, 1, 3, 7, 15, 31), ()),
        ((0, 10, 30), ()),
        ((0, 0.7, 1.4, 2.1, 2.8, 3.51), ()),
    ],
)
def test_gaps_and_doubles_of_a_stack_are_told(places, said):
    assert remarks(*places) == said


def test_parts_of_a_concatenation_are_one_series_in_their_order():
    parts = [
        Opened(Instance(Path(f"/films/{name}"), frame, 2, 4, 4, Identity(**IDS, instance_number=7), True, concatenation=part))
        for name, part in (("b", 1), ("a", 2))
        for frame in (1, 0)
    ]
    assert [o.instance.key for o in add_all(*parts).series_of("/films/a#0").opened] == [
        "/films/b#0", "/films/b#1", "/films/a#0", "/films/a#1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("there", "stated", "said"),
    [
        ((1, 2, 3), 3, ()),
        ((3, 1), 4, ("2 parts of 4 of a concatenation are missing.",)),
        ((1, 3), 0, ("1 part of 3 of a concatenation is missing.",)),
        ((0, 0), 0, ()),
    ],
)
def test_missing_parts_of_a_concatenation_are_told(there, stated, said):
    parts = [
        Opened(Instance(Path(f"/films/{n}"), 0, 1, 4, 4, Identity(**IDS, instance_number=7), True, concatenation=part,
                        concatenation_uid="1.7", concatenation_parts=stated))
        for n, part in enumerate(there)
    ]  # fmt: skip
    assert add_all(*parts).series_of("/films/0#0").remarks == said


def test_planes_of_one_height_and_two_widths_are_two_series():
    narrow = [Opened(replace(one.instance, columns=2)) for one in stack([0, 5], "n", first=3)]
    assert counts(*stack([0, 5]), *narrow) == [2, 2]


def test_a_document_stands_in_the_study_it_belongs_to():
    studies = add_all(frame("a", **IDS))
    report = Document(Path("/films/sr"), "report", "CT report", Identity(patient_id="P", study_uid="1", series_uid="1.9"))
    studies.add_document(report)
    (study,) = studies.patients()[0].studies
    assert (study.documents, names(studies)) == ((report,), [[["a"]]])


def test_only_what_has_changed_is_told_again():
    studies = add_all(frame("a", **IDS), frame("b", patient_id="P", study_uid="1", series_uid="1.2"))
    assert len(studies.take_changes()) == 2
    studies.remove("/films/a#0")
    ((gone),) = studies.take_changes()
    assert (gone.path[2], gone.series) == ("1.1", ())


def test_a_real_series_with_gaps_and_echoes_is_flagged_and_divided(shared_dicom):
    studies = Studies()
    for found in open_paths([shared_dicom / "derived" / "ct"]):
        if isinstance(found, Opened):
            studies.add(found)
    remarked = [s for p in studies.patients() for y in p.studies for s in y.series if s.remarks]
    assert all(len(series.opened) >= 4 for series in remarked)


def test_a_frame_that_is_replaced_keeps_its_patients_place():
    first = frame("a.dcm", patient_id="1", study_uid="1", series_uid="1")
    studies = add_all(first, frame("b.dcm", patient_id="2", study_uid="2", series_uid="2"))
    studies.add(Opened(first.instance, np.ones((4, 4), np.uint8)))
    assert names(studies) == [[["a.dcm"]], [["b.dcm"]]]


def test_a_series_keeps_its_order_between_two_listings():
    studies = add_all(frame("b.dcm", 2, series_uid="1"))
    studies.take_changes()
    studies.add(frame("a.dcm", 1, series_uid="1"))
    assert len(studies.series_of("/films/b.dcm#0").opened) == 1
    assert [o.instance.path.name for o in studies.series_of("/films/a.dcm#0").opened] == ["a.dcm", "b.dcm"]
    studies.take_changes()
    assert len(studies.series_of("/films/b.dcm#0").opened) == 2


def test_a_frame_of_a_picture_is_found_by_its_number():
    identity = Identity(series_uid="1", sop_instance_uid="1.2")
    studies = add_all(*(Opened(Instance(Path("/films/cine.dcm"), n, 3, 4, 4, identity, True)) for n in range(3)))
    assert [studies.find_picture("1.2", number).instance.frame for number in (1, 3, 9)] == [0, 2, 0]
    assert studies.find_picture("1.3") is None
