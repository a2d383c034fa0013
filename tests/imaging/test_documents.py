"""What the study list says of documents, and what reports and key objects say."""

import csv
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

from viewer.errors import UnsupportedFile
from viewer.imaging.documents import structured_report
from viewer.imaging.documents.content import Line
from viewer.imaging.documents.listing import document_of, read_document

PATH = Path("document.dcm")
CT = "1.2.840.10008.5.1.4.1.1.2"
BASIC_TEXT = "1.2.840.10008.5.1.4.1.1.88.11"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"

# SOP class, kind in the list; None where the reader goes on to refuse. PS3.6 table A-1.
CLASSES = [
    ("1.2.840.10008.5.1.4.1.1.88.11", "report"),  # Basic Text SR
    ("1.2.840.10008.5.1.4.1.1.88.22", "report"),  # Enhanced SR
    ("1.2.840.10008.5.1.4.1.1.88.33", "report"),  # Comprehensive SR
    ("1.2.840.10008.5.1.4.1.1.88.34", "report"),  # Comprehensive 3D SR
    ("1.2.840.10008.5.1.4.1.1.88.35", "report"),  # Extensible SR
    ("1.2.840.10008.5.1.4.1.1.88.40", "report"),  # Procedure Log
    ("1.2.840.10008.5.1.4.1.1.88.50", "report"),  # Mammography CAD SR
    ("1.2.840.10008.5.1.4.1.1.88.59", "key objects"),
    ("1.2.840.10008.5.1.4.1.1.88.65", "report"),  # Chest CAD SR
    ("1.2.840.10008.5.1.4.1.1.88.67", "report"),  # X-Ray Radiation Dose SR
    ("1.2.840.10008.5.1.4.1.1.88.76", "report"),  # Enhanced X-Ray Radiation Dose SR
    ("1.2.840.10008.5.1.4.1.1.104.1", "pdf"),
    ("1.2.840.10008.5.1.4.1.1.104.2", "report"),  # Encapsulated CDA
    ("1.2.840.10008.5.1.4.1.1.104.3", None),  # Encapsulated STL
    ("1.2.840.10008.5.1.4.1.1.11.1", "presentation state"),  # Grayscale
    ("1.2.840.10008.5.1.4.1.1.11.4", "presentation state"),  # Blending
    ("1.2.840.10008.5.1.4.1.1.481.5", None),  # RT Plan
    ("1.2.840.10008.5.1.4.1.1.9.1.1", None),  # 12-lead ECG
    ("1.2.840.10008.5.1.4.39.1", None),  # Color Palette
    (CT, None),
    ("", None),
]


def code(meaning: str, value: str = "1", scheme: str = "99TEST") -> Dataset:
    return elements(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def elements(**stated: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in stated.items():
        setattr(dataset, keyword, value)
    return dataset


def item(kind: str, concept: str = "Concept", **stated: Any) -> Dataset:
    own = {"RelationshipType": "CONTAINS", "ValueType": kind, "ConceptNameCodeSequence": [code(concept)]}
    return elements(**{**own, **stated})


def report(*content: Dataset, sop_class: str = BASIC_TEXT, **stated: Any) -> Dataset:
    own = {
        "SOPClassUID": sop_class, "SOPInstanceUID": "1.2.3", "PatientName": "Doe^Jane", "ValueType": "CONTAINER",
        "ConceptNameCodeSequence": [code("Chest report")], "ContentSequence": list(content),
    }  # fmt: skip
    return elements(**{**own, **stated})


def image_reference(uid: str, frames: int | list[int] | None = None) -> Dataset:
    named = elements(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=uid)
    if frames is not None:
        named.ReferencedFrameNumber = frames
    return named


def evidence(*uids: str) -> list[Dataset]:
    series = elements(ReferencedSOPSequence=[image_reference(uid) for uid in uids])
    return [elements(StudyInstanceUID="1.2", ReferencedSeriesSequence=[series])]


def only_line(dataset: Dataset) -> Line:
    (line,) = read_document(PATH, dataset).lines
    return line


# ------------------------------------------------------------------------------------------------------------ listing


@pytest.mark.parametrize(("sop_class", "kind"), CLASSES)
def test_documents_are_known_by_their_sop_class(sop_class: str, kind: str | None):
    found = document_of(PATH, elements(SOPClassUID=sop_class))
    assert (found.kind if found else None) == kind


def test_a_document_without_a_sop_class_is_known_by_its_meta_header():
    dataset = Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.UID(PDF)
    found = document_of(PATH, dataset)
    assert found is not None
    assert (found.kind, found.title) == ("pdf", "Report")


def test_the_list_shows_a_report_by_its_root_concept_and_its_patient():
    found = document_of(PATH, report())
    assert found is not None
    assert (found.title, found.identity.patient_name, found.identity.sop_instance_uid) == ("Chest report", "Doe Jane", "1.2.3")


def test_a_document_refers_to_each_picture_once_evidence_first():
    named = item("IMAGE", ReferencedSOPSequence=[image_reference("1.2.9")])
    again = item("IMAGE", ReferencedSOPSequence=[image_reference("1.2.7")])
    found = document_of(PATH, report(named, again, CurrentRequestedProcedureEvidenceSequence=evidence("1.2.7", "1.2.8")))
    assert found is not None
    assert found.refers_to == ("1.2.7", "1.2.8", "1.2.9")


def test_what_is_no_document_is_refused_in_a_sentence():
    with pytest.raises(UnsupportedFile, match=r"^document.dcm could not be opened: it is no document \(RT Plan\).$"):
        read_document(PATH, elements(SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5"))


def test_a_header_whose_long_values_were_left_unread_is_enough_for_the_list(tmp_path: Path):
    dataset = elements(SOPClassUID=PDF, SOPInstanceUID="1.2.3", DocumentTitle="Letter", EncapsulatedDocument=b"%PDF" * 1000)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pydicom.dcmwrite(tmp_path / "letter.dcm", dataset, enforce_file_format=True)
    with (tmp_path / "letter.dcm").open("rb") as stream:
        header: FileDataset = pydicom.dcmread(stream, defer_size=100)
    found = document_of(PATH, header)
    assert found is not None
    assert found.title == "Letter"


# -------------------------------------------------------------------------------------------------------------- head


def test_a_verified_report_names_who_verified_it():
    verifier = elements(
        VerifyingObserverName="Ray^Anna", VerifyingOrganization="Clinic", VerificationDateTime="20240102030405.6+0100"
    )
    said = read_document(
        PATH, report(CompletionFlag="COMPLETE", VerificationFlag="VERIFIED", VerifyingObserverSequence=[verifier])
    )
    assert (said.status, said.is_verified) == ("Complete, verified", True)
    assert said.facts == (("Verified by", "Ray Anna, Clinic, 2024-01-02 03:04:05 +0100"),)


@pytest.mark.parametrize(
    ("completion", "verification", "preliminary", "status"),
    [
        ("PARTIAL", "VERIFIED", "FINAL", "Partial, verified"),
        ("COMPLETE", "UNVERIFIED", "FINAL", "Complete, not verified"),
        ("COMPLETE", "VERIFIED", "PRELIMINARY", "Complete, verified, preliminary"),
        ("", "", "", "Completion not stated, verification not stated"),
    ],
)
def test_a_report_that_is_not_final_says_so(completion: str, verification: str, preliminary: str, status: str):
    said = read_document(PATH, report(CompletionFlag=completion, VerificationFlag=verification, PreliminaryFlag=preliminary))
    assert (said.status, said.is_verified) == (status, False)


def test_the_head_names_author_date_and_template():
    template = elements(MappingResource="DCMR", TemplateIdentifier="2000")
    author = elements(ObserverType="PSN", PersonName="Ray^Anna", InstitutionName="Clinic")
    said = read_document(
        PATH,
        report(
            ContentDate="20240102",
            ContentTime="030405.678",
            ContentTemplateSequence=[template],
            AuthorObserverSequence=[author],
        ),
    )
    assert said.date == "2024-01-02 03:04:05"
    assert said.facts == (("Author", "Ray Anna, Clinic"), ("Template", "TID 2000 Basic Diagnostic Imaging Report"))


# -------------------------------------------------------------------------------------------------------------- lines

MM = [code("millimeter", "mm", "UCUM")]

# Value type, its elements, what the line says.
VALUES: list[tuple[str, dict[str, Any], str]] = [
    ("TEXT", {"TextValue": "First.\r\n  Second.\r\n\r\n\r\n\r\nThird.\t!"}, "First.\nSecond.\n\nThird.    !"),
    ("TEXT", {"TextValue": "<b>bold</b> & all"}, "<b>bold</b> & all"),
    ("TEXT", {}, "not stated"),
    ("NUM", {"MeasuredValueSequence": [elements(NumericValue="12.50", MeasurementUnitsCodeSequence=MM)]}, "12.50 mm"),
    (
        "NUM",
        {"MeasuredValueSequence": [elements(NumericValue="3", MeasurementUnitsCodeSequence=[code("no units", "1", "UCUM")])]},
        "3",
    ),
    (
        "NUM",
        {"MeasuredValueSequence": [elements(NumericValue="7", MeasurementUnitsCodeSequence=[code("beats", "{b}", "UCUM")])]},
        "7 beats",
    ),
    ("NUM", {"MeasuredValueSequence": [], "NumericValueQualifierCodeSequence": [code("Not a number")]}, "Not a number"),
    ("NUM", {}, "no value stated"),
    ("CODE", {"ConceptCodeSequence": [code("Left lung")]}, "Left lung"),
    ("CODE", {"ConceptCodeSequence": [code("", "T-28000", "SRT")]}, "T-28000 (SRT)"),
    ("PNAME", {"PersonName": "Ray^Anna"}, "Ray Anna"),
    ("DATE", {"Date": "20240102"}, "2024-01-02"),
    ("TIME", {"Time": "0304"}, "03:04"),
    ("DATETIME", {"DateTime": "20240102030405"}, "2024-01-02 03:04:05"),
    ("UIDREF", {"UID": "2.25.1"}, "2.25.1"),
    ("UIDREF", {"UID": "1.2.840.10008.1.2"}, "Implicit VR Little Endian (1.2.840.10008.1.2)"),
    ("SCOORD", {"GraphicType": "POLYLINE", "GraphicData": [1.5, 2, 3, 4]}, "polyline (1.5, 2) (3, 4)"),
    (
        "SCOORD",
        {"GraphicType": "MULTIPOINT", "GraphicData": list(range(16))},
        "multipoint (0, 1) (2, 3) (4, 5) (6, 7) (8, 9) (10, 11) … 8 points in all",
    ),
    ("SCOORD3D", {"GraphicType": "POINT", "GraphicData": [1, 2, -3.25]}, "point (1, 2, -3.25) mm"),
    ("TCOORD", {"TemporalRangeType": "SEGMENT", "ReferencedTimeOffsets": [1.5, 2]}, "segment 1.5, 2.0 s"),
    ("TABLE", {}, "A value of the type TABLE, which is not shown."),
    ("IMAGE", {"ReferencedSOPSequence": [image_reference("0")]}, "not stated"),
]


@pytest.mark.parametrize(("kind", "stated", "value"), VALUES)
def test_every_value_type_is_a_readable_line(kind: str, stated: dict[str, Any], value: str):
    assert only_line(report(item(kind, "Concept", **stated))) == Line(0, "Concept", value)


@pytest.mark.parametrize(("frames", "label"), [(None, "CT Image"), (3, "CT Image, frame 3"), ([1, 4], "CT Image, frames 1, 4")])
def test_a_picture_is_a_reference_with_its_frames(frames: Any, label: str):
    line = only_line(report(item("IMAGE", "Source", ReferencedSOPSequence=[image_reference("1.2.9", frames)])))
    assert (line.concept, line.value) == ("Source", "")
    assert [(each.sop_instance_uid, each.label) for each in line.references] == [("1.2.9", label)]


def test_containers_are_headings_and_their_content_lies_below_them():
    finding = item("TEXT", "Finding", TextValue="Clear.", RelationshipType="CONTAINS")
    source = item("CODE", "Certainty", ConceptCodeSequence=[code("High")], RelationshipType="HAS PROPERTIES")
    finding.ContentSequence = [source]
    section = item("CONTAINER", "Lungs", ContentSequence=[finding])
    assert read_document(PATH, report(section)).lines == (
        Line(0, "Lungs", is_heading=True),
        Line(1, "Finding", "Clear."),
        Line(2, "Certainty", "High", "property"),
    )


def test_a_reference_to_another_item_is_named_and_not_followed():
    first = item("TEXT", "Finding", TextValue="Nodule.")
    pointing = elements(RelationshipType="INFERRED FROM", ReferencedContentItemIdentifier=[1, 1])
    first.ContentSequence = [pointing]
    lines = read_document(PATH, report(first)).lines
    assert lines[1] == Line(1, "See", "Finding: Nodule. (item 1.1 of this document)", "inferred from")


def test_a_reference_to_an_item_that_is_not_there_says_so():
    pointing = elements(RelationshipType="INFERRED FROM", ReferencedContentItemIdentifier=[1, 7])
    assert only_line(report(pointing)).value == "item 1.7 of this document, which is not there"


def test_a_tree_that_is_too_deep_is_cut_and_says_so():
    nested = item("TEXT", TextValue="innermost")
    for _ in range(60):
        nested = item("CONTAINER", ContentSequence=[nested])
    lines = read_document(PATH, report(nested)).lines
    assert len(lines) == structured_report.DEEPEST + 1
    assert lines[-1] == Line(32, value="Deeper levels are not shown.")


def test_a_report_that_is_too_long_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(structured_report, "MOST_LINES", 5)
    said = read_document(PATH, report(*(item("TEXT", TextValue=str(i)) for i in range(9))))
    assert [line.value for line in said.lines] == ["0", "1", "2", "3", "4"]
    assert said.notices == ("Only the first 5 lines of the document are shown.",)


def test_a_report_without_content_says_so():
    assert read_document(PATH, report()).notices == ("The document has no content.",)


def test_a_content_sequence_that_is_cut_short_is_said_to_be_none():
    dataset = report()
    dataset[0x0040A730] = RawDataElement(Tag(0x0040A730), "SQ", 3, b"\xfe\xff\x00", 0, False, True)
    assert read_document(PATH, dataset).notices == ("The document has no content.",)


def test_key_objects_list_the_pictures_that_were_chosen():
    chosen = item("IMAGE", "", ReferencedSOPSequence=[image_reference("1.2.9")])
    dataset = report(chosen, sop_class=KEY_OBJECTS, ConceptNameCodeSequence=[code("For Teaching")])
    said = read_document(PATH, dataset)
    assert (said.kind, said.title, said.kind_name) == ("key objects", "For Teaching", "Key Object Selection Document")
    assert (said.status, said.is_verified) == ("", True)
    assert said.lines[0].references[0].sop_instance_uid == "1.2.9"
    assert said.lines[0].references[0].frame == 1


# --------------------------------------------------------------------------------------------------------- real files


def test_every_shared_document_is_listed_and_read(shared_dicom: Path):
    with (shared_dicom / "MANIFEST.csv").open(newline="", encoding="utf-8") as manifest:
        paths = [shared_dicom / row["path"] for row in csv.DictReader(manifest) if row["modality"] in ("SR", "PR", "DOC")]
    assert len(paths) >= 12
    for path in paths:
        dataset = pydicom.dcmread(path)
        found, said = document_of(path, dataset), read_document(path, dataset)
        assert found is not None
        assert (found.kind, found.title) == (said.kind, said.title)
        assert said.lines or said.page_sizes_pt or said.notices


def test_a_shared_measurement_report_reads_as_it_was_written(shared_dicom: Path):
    path = shared_dicom / "highdicom/data/test_files/sr_document.dcm"
    said = read_document(path, pydicom.dcmread(path))
    assert Line(2, "Area of defined region", "1.7 cm2") in said.lines
    assert Line(2, "Finding Site", "Cervico-thoracic spine", "modifier") in said.lines
