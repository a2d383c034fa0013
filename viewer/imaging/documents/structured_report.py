"""A structured report or a key object document: its content tree as lines, its status and who stands behind it.

References: DICOM PS3.3 C.17 (SR document modules), PS3.16 (templates), PS3.3 C.17.6 (key object document).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pydicom.dataset import Dataset

from viewer.imaging.documents.codes import class_name, coded, date_and_time, moment, reference
from viewer.imaging.documents.content import MOST_LINES, DocumentContent, Line, Reference
from viewer.imaging.documents.content_item import value_of
from viewer.imaging.header import items, numbers, text
from viewer.imaging.identity import person_name, read_identity
from viewer.imaging.image import DocumentKind

DEEPEST = 32
"""Levels of the content tree that are followed; templates of the standard use about ten."""

_RELATIONSHIPS = {
    "CONTAINS": "",
    "HAS PROPERTIES": "property",
    "HAS OBS CONTEXT": "observation context",
    "HAS ACQ CONTEXT": "acquisition context",
    "HAS CONCEPT MOD": "modifier",
    "INFERRED FROM": "inferred from",
    "SELECTED FROM": "selected from",
}
_TEMPLATES = {
    "1500": "Measurement Report",
    "2000": "Basic Diagnostic Imaging Report",
    "2010": "Key Object Selection",
    "4000": "Mammography CAD Document",
    "4100": "Chest CAD Document",
    "5000": "OB-GYN Ultrasound Procedure Report",
    "5200": "Echocardiography Procedure Report",
    "10001": "Projection X-Ray Radiation Dose",
    "10011": "CT Radiation Dose",
    "10021": "Radiopharmaceutical Radiation Dose",
    "10030": "Patient Radiation Dose",
}


def title_of(dataset: Dataset) -> str:
    """Return the concept of the root container, which is the document's title; "" where it has none."""
    return coded(dataset, "ConceptNameCodeSequence")


def pictures_of(dataset: Dataset) -> list[str]:
    """Return the SOP Instance UIDs that the content tree names, as far as it is shown."""
    lines = islice(_below(dataset, dataset, 0), MOST_LINES)
    return [each.sop_instance_uid for line in lines for each in line.references]


def read_report(dataset: Dataset, kind: DocumentKind, title: str) -> DocumentContent:
    """Return a report or a key object document as lines.

    Trees deeper than ``DEEPEST`` levels or longer than ``MOST_LINES`` are cut, and a notice says so. References from one
    content item to another are named and not followed, so a circle of them cannot trap the reader.
    """
    lines = tuple(islice(_below(dataset, dataset, 0), MOST_LINES + 1))
    status, is_verified = _status(dataset, kind)
    return DocumentContent(
        kind=kind,
        title=title,
        kind_name=class_name(text(dataset, "SOPClassUID")),
        identity=read_identity(dataset),
        date=date_and_time(dataset, ("ContentDate", "ContentTime"), ("InstanceCreationDate", "InstanceCreationTime")),
        status=status,
        is_verified=is_verified,
        facts=_facts(dataset),
        lines=lines[:MOST_LINES],
        notices=_notices(lines),
    )


def _notices(lines: tuple[Line, ...]) -> tuple[str, ...]:
    if not lines:
        return ("The document has no content.",)
    if len(lines) > MOST_LINES:
        return (f"Only the first {MOST_LINES:,} lines of the document are shown.",)
    return ()


# ------------------------------------------------------------------------------------------------------------ lines


def _below(item: Dataset, root: Dataset, depth: int) -> Iterator[Line]:
    """Yield the lines of everything under a content item."""
    children = items(item, "ContentSequence")
    if children and depth >= DEEPEST:
        yield Line(depth, value="Deeper levels are not shown.")
        return
    for child in children:
        yield _line(child, root, depth)
        yield from _below(child, root, depth + 1)


def _line(item: Dataset, root: Dataset, depth: int) -> Line:
    relationship = text(item, "RelationshipType")
    shown = _RELATIONSHIPS.get(relationship, relationship.lower())
    path = numbers(item, "ReferencedContentItemIdentifier")
    if path:
        return Line(depth, "See", _named(root, path), shown)
    kind = text(item, "ValueType")
    concept = coded(item, "ConceptNameCodeSequence")
    if kind == "CONTAINER":
        return Line(depth, concept or "Section", _template(item), shown, is_heading=True)
    references, value = tuple(_references(item)), value_of(item, kind)
    return Line(depth, concept, value if value or references else "not stated", shown, references=references)


def _references(item: Dataset) -> Iterator[Reference]:
    """Yield the objects a content item names, each followed by the presentation state it is to be shown with."""
    for named in items(item, "ReferencedSOPSequence"):
        for each in (named, *items(named, "ReferencedSOPSequence")):
            made = reference(each)
            if made:
                yield made


def _named(root: Dataset, path: tuple[float, ...]) -> str:
    """Return the concept of the content item at a path of positions counted from 1, the root being the first.

    References: DICOM PS3.3 C.17.3.2.4 (by-reference relationships), C.17.3.2.5 (content item identifier).
    """
    written = ".".join(f"{position:.0f}" for position in path[:DEEPEST])
    item = root
    for position in path[1:DEEPEST]:
        children = items(item, "ContentSequence")
        if not 1 <= position <= len(children):
            return f"item {written} of this document, which is not there"
        item = children[int(position) - 1]
    concept, value = coded(item, "ConceptNameCodeSequence"), value_of(item, text(item, "ValueType"))
    named = ": ".join(part for part in (concept, value) if part)
    return f"{named or 'item'} (item {written} of this document)"


def _template(item: Dataset) -> str:
    """Return the template a container keeps to: "TID 1500 Measurement Report"."""
    stated = items(item, "ContentTemplateSequence")
    # Some writers put the letters into the identifier.
    number = text(stated[0], "TemplateIdentifier").removeprefix("TID").strip() if stated else ""
    resource = text(stated[0], "MappingResource") if stated else ""
    if not number:
        return ""
    known = _TEMPLATES.get(number, "") if resource in ("DCMR", "") else f"of {resource}"
    return f"TID {number} {known}".strip()


# ------------------------------------------------------------------------------------------------------------- head


def _status(dataset: Dataset, kind: DocumentKind) -> tuple[str, bool]:
    if kind == "key objects":
        return "", True
    completion, verification = text(dataset, "CompletionFlag"), text(dataset, "VerificationFlag")
    preliminary = text(dataset, "PreliminaryFlag")
    verified = {"VERIFIED": "verified", "UNVERIFIED": "not verified"}.get(verification, "verification not stated")
    said = [completion.lower() or "completion not stated", verified]
    if preliminary == "PRELIMINARY":
        said.append("preliminary")
    is_verified = completion == "COMPLETE" and verification == "VERIFIED" and preliminary != "PRELIMINARY"
    return ", ".join(said).capitalize(), is_verified


def _facts(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    stated = (
        *(("Author", _observer(item)) for item in items(dataset, "AuthorObserverSequence")),
        *(("Verified by", _verifier(item)) for item in items(dataset, "VerifyingObserverSequence")),
        ("About the status", text(dataset, "CompletionFlagDescription")),
        ("Template", _template(dataset)),
    )
    return tuple((label, value) for label, value in stated if value)


def _observer(item: Dataset) -> str:
    who = person_name(text(item, "PersonName")) or " ".join(
        part for part in (text(item, "Manufacturer"), text(item, "ManufacturerModelName"), text(item, "StationName")) if part
    )
    return ", ".join(part for part in (who, text(item, "InstitutionName")) if part)


def _verifier(item: Dataset) -> str:
    who = person_name(text(item, "VerifyingObserverName"))
    where, when = text(item, "VerifyingOrganization"), moment(text(item, "VerificationDateTime"))
    return ", ".join(part for part in (who, where, when) if part)
