"""Which files are documents, what the study list says of them, and what they say when they are opened.

References: DICOM PS3.4 B.5 (storage SOP classes), PS3.3 A.33 (presentation states), A.35 (reports), A.45 (encapsulated).
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pydicom.dataset import Dataset

from viewer.errors import UnsupportedFile
from viewer.imaging.dataset_reading import quiet
from viewer.imaging.documents import encapsulated_document, presentation_state, structured_report
from viewer.imaging.documents.codes import class_name, evidence, reference, references_of_series
from viewer.imaging.documents.content import DocumentContent
from viewer.imaging.documents.encapsulated_document import CDA, PDF
from viewer.imaging.documents.presentation_lines import read_presentation
from viewer.imaging.header import items, text
from viewer.imaging.identity import read_identity
from viewer.imaging.image import Document, DocumentKind

KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
REPORTS = "1.2.840.10008.5.1.4.1.1.88."
"""What the UIDs of all structured report classes begin with, trial ones and those still to come included."""

MOST_REFERENCES = 10_000


def kind_of(dataset: Dataset) -> DocumentKind | None:
    """Return what kind of document a data set is by its SOP class, or None where it is none."""
    meta = getattr(dataset, "file_meta", None)
    sop_class = text(dataset, "SOPClassUID") or (text(meta, "MediaStorageSOPClassUID") if meta is not None else "")
    if sop_class == PDF:
        return "pdf"
    if sop_class == KEY_OBJECTS:
        return "key objects"
    if sop_class.startswith(REPORTS) or sop_class == CDA:
        return "report"
    return "presentation state" if sop_class.startswith(presentation_state.FAMILY) else None


def document_of(path: Path, dataset: Dataset) -> Document | None:
    """Return the record of a document for the study list, or None for everything else.

    The header is enough: long values, the PDF itself among them, may have been left unread.
    """
    with quiet():
        kind = kind_of(dataset)
        if kind is None:
            return None
        return Document(path, kind, _title(dataset, kind), read_identity(dataset), _refers_to(dataset, kind))


def read_document(path: Path, dataset: Dataset) -> DocumentContent:
    """Return what a document says; what is broken in it is left out or said in a notice.

    The data set must have been read whole, with nothing deferred.

    Raises
    ------
    UnsupportedFile
        If the data set is no document.
    """
    with quiet():
        kind = kind_of(dataset)
        if kind is None:
            raise UnsupportedFile(path, f"it is no document ({class_name(text(dataset, 'SOPClassUID')) or 'unknown'})")
        title = _title(dataset, kind)
        if kind == "pdf":
            return encapsulated_document.read_pdf(path, dataset, title)
        if kind == "presentation state":
            return read_presentation(path, dataset, title)
        if text(dataset, "SOPClassUID") == CDA:
            return encapsulated_document.read_text(path, dataset, title)
        return structured_report.read_report(dataset, kind, title)


def _title(dataset: Dataset, kind: DocumentKind) -> str:
    if kind == "presentation state":
        said = text(dataset, "ContentDescription") or text(dataset, "ContentLabel") or text(dataset, "SeriesDescription")
        return said or "Presentation state"
    if kind == "key objects":
        return structured_report.title_of(dataset) or "Key objects"
    own = encapsulated_document if kind == "pdf" or text(dataset, "SOPClassUID") == CDA else structured_report
    return own.title_of(dataset) or text(dataset, "SeriesDescription") or class_name(text(dataset, "SOPClassUID")) or "Report"


def _refers_to(dataset: Dataset, kind: DocumentKind) -> tuple[str, ...]:
    """Return the SOP Instance UIDs a document speaks of, each once, in the order it names them."""
    if kind in ("report", "key objects"):
        found = [each.sop_instance_uid for each in evidence(dataset)]
        found += [each.sop_instance_uid for each in map(reference, items(dataset, "SourceInstanceSequence")) if each]
        found += structured_report.pictures_of(dataset)
    elif kind == "pdf":
        found = [each.sop_instance_uid for each in map(reference, items(dataset, "SourceInstanceSequence")) if each]
    else:
        found = [
            text(item, "ReferencedSOPInstanceUID")
            for holder in presentation_state.reference_holders(dataset)
            for item in references_of_series(holder, "ReferencedSeriesSequence", "ReferencedImageSequence")
        ]
    return tuple(islice(dict.fromkeys(uid for uid in found if uid), MOST_REFERENCES))
