"""Coded concepts, moments, names and references of a document, as text ready to be drawn.

References: DICOM PS3.3 8.8 (code sequences), PS3.5 6.2 (DA, TM, DT), PS3.3 10.8 (SOP instance reference macro).
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset
from pydicom.uid import UID

from viewer.imaging.documents.content import Reference
from viewer.imaging.header import items, numbers, text
from viewer.imaging.identity import iso_date, iso_time

_UID = re.compile(r"\d+(\.\d+)+")
_MOMENT = re.compile(r"(\d{8})(\d{2,6})?(?:\.\d*)?([+-]\d{4})?")
_MOST_FRAMES = 12


def coded(dataset: Dataset, keyword: str) -> str:
    """Return the meaning of a coded entry, or its code where the meaning is missing; "" where there is none."""
    return next((said for said in map(code_text, items(dataset, keyword)) if said), "")


def code_text(item: Dataset) -> str:
    """Return the meaning of one code item, else ``value (scheme)``."""
    meaning = text(item, "CodeMeaning")
    value = code_value(item)
    scheme = text(item, "CodingSchemeDesignator")
    return meaning or (f"{value} ({scheme})" if value and scheme else value)


def code_value(item: Dataset) -> str:
    """Return the code itself, whichever of its three elements holds it."""
    keywords = ("CodeValue", "LongCodeValue", "URNCodeValue")
    return next((value for value in (text(item, keyword) for keyword in keywords) if value), "")


def unit(item: Dataset) -> str:
    """Return a unit of measurement as it is printed behind a number: "mm", "%", "" for a pure number.

    UCUM codes are what is printed in every language, but for those in braces, which are remarks.
    """
    value = code_value(item)
    if value == "1":
        return ""
    is_ucum = text(item, "CodingSchemeDesignator") in ("UCUM", "")
    return value if value and is_ucum and "{" not in value else code_text(item)


def moment(value: str) -> str:
    """Turn a DT value, ``20200310140559.12+0100``, into ``2020-03-10 14:05:59 +0100``; anything else stays as it is."""
    match = _MOMENT.fullmatch(value)
    if not match:
        return value
    return " ".join(part for part in (iso_date(match[1]), iso_time(match[2] or ""), match[3]) if part)


def date_and_time(dataset: Dataset, *pairs: tuple[str, str]) -> str:
    """Return the first stated of several pairs of a date and a time element."""
    for date_keyword, time_keyword in pairs:
        date = iso_date(text(dataset, date_keyword))
        if date:
            return f"{date} {iso_time(text(dataset, time_keyword))}".strip()
    return ""


def class_name(uid: str) -> str:
    """Return the standard's name of a SOP class without its tail: "Comprehensive SR"; "" for an unknown one."""
    name = UID(uid).name if uid else ""
    return "" if name == uid else re.sub(r" Storage( - .*)?$", "", name)


def reference(item: Dataset) -> Reference | None:
    """Return what an item with a Referenced SOP Instance UID names, or None where it names nothing."""
    uid = text(item, "ReferencedSOPInstanceUID")
    if not _UID.fullmatch(uid):
        return None
    kind = class_name(text(item, "ReferencedSOPClassUID")) or "Object"
    frames = frame_numbers(item)
    return Reference(uid, f"{kind}{counted_frames(frames)}", frames[0] if frames else 1)


def counted_frames(frames: tuple[int, ...]) -> str:
    """Return ", frame 2" or ", frames 1, 3 and 20 more", to be put behind a name; "" for none."""
    if not frames:
        return ""
    listed = ", ".join(str(frame) for frame in frames[:_MOST_FRAMES])
    more = f" and {len(frames) - _MOST_FRAMES} more" if len(frames) > _MOST_FRAMES else ""
    return f", frame{'s' if len(frames) > 1 else ''} {listed}{more}"


def frame_numbers(item: Dataset) -> tuple[int, ...]:
    """Return the frames an item refers to, counted from 1; none where it means them all."""
    return tuple(int(frame) for frame in numbers(item, "ReferencedFrameNumber"))


def references_of_series(dataset: Dataset, sequence: str, instances: str) -> tuple[Dataset, ...]:
    """Return the reference items under series items: ``sequence`` of series, each with ``instances``."""
    return tuple(item for series in items(dataset, sequence) for item in items(series, instances))


def evidence(dataset: Dataset) -> tuple[Reference, ...]:
    """Return the objects a report or a key object document was made from.

    References: DICOM PS3.3 C.17.2.3 (hierarchical SOP instance reference macro).
    """
    studies = items(dataset, "CurrentRequestedProcedureEvidenceSequence") + items(dataset, "PertinentOtherEvidenceSequence")
    found = [
        item for study in studies for item in references_of_series(study, "ReferencedSeriesSequence", "ReferencedSOPSequence")
    ]
    return tuple(made for made in map(reference, found) if made)
