"""Who and what a DICOM file shows, as text ready to be drawn.

References: DICOM PS3.5 6.2 (VRs, PN component groups), PS3.3 C.7.1 to C.7.3.
"""

from __future__ import annotations

import datetime
import re

from pydicom.dataset import Dataset

from viewer.imaging.header import integer, text, texts
from viewer.imaging.image import Identity

_AGE_UNITS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_GROUP_SEPARATOR = " = "


def read_identity(dataset: Dataset, modality: str = "") -> Identity:
    """Collect the identity of a picture from its header; an empty string where the file does not say."""
    birth, study = iso_date(text(dataset, "PatientBirthDate")), _study_date(dataset)
    age, years = _age(text(dataset, "PatientAge"), birth, study)
    orientation = texts(dataset, "PatientOrientation")
    return Identity(
        patient_name=person_name(text(dataset, "PatientName")),
        patient_id=text(dataset, "PatientID"),
        sex=text(dataset, "PatientSex"),
        birth_date=birth,
        age=age,
        age_years=years,
        institution=text(dataset, "InstitutionName"),
        study_date=study,
        study_time=iso_time(text(dataset, "StudyTime") or text(dataset, "AcquisitionTime")),
        accession_number=text(dataset, "AccessionNumber"),
        study_description=text(dataset, "StudyDescription"),
        series_description=text(dataset, "SeriesDescription"),
        modality=modality or text(dataset, "Modality"),
        body_part=text(dataset, "BodyPartExamined"),
        laterality=text(dataset, "ImageLaterality") or text(dataset, "Laterality"),
        view_position=text(dataset, "ViewPosition"),
        study_uid=text(dataset, "StudyInstanceUID"),
        series_uid=text(dataset, "SeriesInstanceUID"),
        sop_class_uid=text(dataset, "SOPClassUID"),
        sop_instance_uid=text(dataset, "SOPInstanceUID"),
        series_number=integer(dataset, "SeriesNumber"),
        instance_number=integer(dataset, "InstanceNumber"),
        patient_orientation=(orientation[0], orientation[1]) if len(orientation) == 2 else ("", ""),
    )


def person_name(value: str) -> str:
    """Turn ``Family^Given=...`` into ``Family Given = ...``, every component group the file gives."""
    groups = (" ".join(part.strip() for part in group.split("^") if part.strip()) for group in value.split("="))
    return _GROUP_SEPARATOR.join(group for group in groups if group)


def iso_date(value: str) -> str:
    """Turn ``20200310`` (or the retired ``2020.03.10``) into ``2020-03-10``; anything else stays as it is."""
    match = re.fullmatch(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})", value)
    return "-".join(match.groups()) if match else value


def iso_time(value: str) -> str:
    """Turn ``140559.123`` into ``14:05:59``, ``1405`` into ``14:05``; anything else stays as it is."""
    match = re.fullmatch(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.\d*)?", value)
    return ":".join(part for part in match.groups() if part) if match else value


def _study_date(dataset: Dataset) -> str:
    keywords = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
    return next((iso_date(value) for value in (text(dataset, keyword) for keyword in keywords) if value), "")


def _age(stated: str, birth: str, study: str) -> tuple[str, float | None]:
    """Return the age at the study as text and in years: as stated, else from the two dates."""
    match = re.fullmatch(r"0*(\d+)\s*([DWMY])", stated.upper())
    if match:
        count, unit = int(match[1]), match[2]
        return f"{count} {unit.lower()}", count * _AGE_UNITS[unit]
    try:
        days = (datetime.date.fromisoformat(study) - datetime.date.fromisoformat(birth)).days
    except ValueError:
        return "", None
    if days < 0:
        return "", None
    years = days / 365.25
    return (f"{int(years)} y" if years >= 2 else f"{int(years * 12)} m"), years
