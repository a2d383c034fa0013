"""The value of one content item of a structured report, as a line of text.

References: DICOM PS3.3 C.17.3.2.1 (value types), C.18 (content macros).
"""

from __future__ import annotations

from collections.abc import Callable

from pydicom.dataset import Dataset
from pydicom.uid import UID

from viewer.imaging.documents.codes import code_text, coded, moment, unit
from viewer.imaging.header import items, numbers, paragraphs, text, texts
from viewer.imaging.identity import iso_date, iso_time, person_name

_MOST_POINTS = 6


def value_of(item: Dataset, kind: str) -> str:
    """Return what a content item of a value type says; "" for containers and for pure references."""
    read = _READERS.get(kind)
    if read is None:
        return f"A value of the type {kind[:16]}, which is not shown." if kind else ""
    return read(item)


def _measured(item: Dataset) -> str:
    """Return the number of a NUM item with its unit, or why it has none."""
    for measured in items(item, "MeasuredValueSequence"):
        written = ", ".join(texts(measured, "NumericValue"))
        unit_items = items(measured, "MeasurementUnitsCodeSequence")
        if written:
            return f"{written} {unit(unit_items[0]) if unit_items else ''}".rstrip()
    return coded(item, "NumericValueQualifierCodeSequence") or "no value stated"


def _codes(item: Dataset) -> str:
    return ", ".join(said for said in map(code_text, items(item, "ConceptCodeSequence")) if said)


def _region(item: Dataset) -> str:
    """Return a 2D region: its shape and its points, in pixels from the top left corner of the picture."""
    return _shape(item, 2, "")


def _region_3d(item: Dataset) -> str:
    return _shape(item, 3, " mm")


def _shape(item: Dataset, dimensions: int, suffix: str) -> str:
    kind, data = text(item, "GraphicType").lower(), numbers(item, "GraphicData")
    count = len(data) // dimensions
    points = [data[i * dimensions : (i + 1) * dimensions] for i in range(min(count, _MOST_POINTS))]
    written = " ".join(f"({', '.join(f'{value:.6g}' for value in point)})" for point in points)
    more = f" … {count} points in all" if count > _MOST_POINTS else ""
    return f"{kind or 'shape'} {written}{suffix if points else ''}{more}".rstrip()


def _times(item: Dataset) -> str:
    """Return a range in time: its kind and its positions, whichever of the three ways they are given in."""
    kind = text(item, "TemporalRangeType").lower()
    samples = text(item, "ReferencedSamplePositions")
    offsets = text(item, "ReferencedTimeOffsets")
    moments = ", ".join(moment(value) for value in texts(item, "ReferencedDateTime"))
    where = f"samples {samples}" if samples else f"{offsets} s" if offsets else moments
    return f"{kind} {where}".strip()


def _uid(item: Dataset) -> str:
    value = text(item, "UID")
    name = UID(value).name if value else ""
    return value if name in ("", value) else f"{name} ({value})"


_READERS: dict[str, Callable[[Dataset], str]] = {
    "TEXT": lambda item: paragraphs(item, "TextValue"),
    "NUM": _measured,
    "CODE": _codes,
    "PNAME": lambda item: person_name(text(item, "PersonName")),
    "DATE": lambda item: iso_date(text(item, "Date")),
    "TIME": lambda item: iso_time(text(item, "Time")),
    "DATETIME": lambda item: moment(text(item, "DateTime")),
    "UIDREF": _uid,
    "SCOORD": _region,
    "SCOORD3D": _region_3d,
    "TCOORD": _times,
    "CONTAINER": lambda _: "",
    "IMAGE": lambda _: "",
    "COMPOSITE": lambda _: "",
    "WAVEFORM": lambda _: "",
}
