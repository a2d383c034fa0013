"""PDFs and clinical documents inside DICOM files: their pages, their text, and what is said where there is none."""

import io
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from pydicom.dataset import Dataset

from viewer.errors import UnreadableFile
from viewer.imaging.documents import pdf_drawing
from viewer.imaging.documents.content import DocumentContent, Line
from viewer.imaging.documents.listing import read_document
from viewer.imaging.documents.pdf_pages import drawing, render_page

PATH = Path("document.dcm")
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
CDA = "1.2.840.10008.5.1.4.1.1.104.2"


@pytest.fixture(scope="module")
def two_pages() -> bytes:
    """Return a PDF of two pages, 200 by 100 and 50 by 300 points, a red square of 20 points at the first one's corner."""
    document = pypdfium2.PdfDocument.new()
    page = document.new_page(200, 100)
    pdfium = pypdfium2.raw
    square = pdfium.FPDFPageObj_CreateNewRect(0, 80, 20, 20)
    pdfium.FPDFPageObj_SetFillColor(square, 255, 0, 0, 255)
    pdfium.FPDFPath_SetDrawMode(square, pdfium.FPDF_FILLMODE_WINDING, False)
    page.insert_obj(pypdfium2.PdfObject(square, pdf=document))
    page.gen_content()
    document.new_page(50, 300)
    written = io.BytesIO()
    document.save(written)
    document.close()
    return written.getvalue()


def encapsulated(data: bytes, sop_class: str = PDF, **stated: Any) -> DocumentContent:
    dataset = Dataset()
    own = {"SOPClassUID": sop_class, "DocumentTitle": "Letter", "EncapsulatedDocument": data}
    for keyword, value in {**own, **stated}.items():
        setattr(dataset, keyword, value)
    return read_document(PATH, dataset)


def test_a_pdf_is_its_bytes_and_the_sizes_of_its_pages(two_pages: bytes):
    said = encapsulated(two_pages)
    assert (said.kind, said.title, said.kind_name) == ("pdf", "Letter", "Encapsulated PDF")
    assert said.page_sizes_pt == ((200.0, 100.0), (50.0, 300.0))
    assert (said.pdf, said.notices) == (two_pages, ())


def test_the_byte_that_pads_a_pdf_is_left_out(two_pages: bytes):
    assert encapsulated(two_pages + b"\0", EncapsulatedDocumentLength=len(two_pages)).pdf == two_pages


def test_a_page_is_drawn_at_the_scale_that_is_asked_for(two_pages: bytes):
    drawn = render_page(two_pages, 0, 2.0)
    assert (drawn.shape, drawn.dtype.str) == ((200, 400, 3), "|u1")
    assert drawn[10, 10].tolist() == [255, 0, 0]
    assert drawn[10, 60].tolist() == [255, 255, 255]
    assert drawn[60, 10].tolist() == [255, 255, 255]


def test_drawing_is_long_work_that_returns_the_page(two_pages: bytes):
    work = drawing(two_pages, 1, 1.0)
    assert next(work) == "Drawing page 2"
    with pytest.raises(StopIteration) as end:
        next(work)
    assert end.value.value.shape == (300, 50, 3)


def test_no_zoom_draws_a_page_larger_than_memory_allows():
    assert pdf_drawing.allowed_scale((100.0, 100.0), 3.0) == 3.0
    scale = pdf_drawing.allowed_scale((14400.0, 14400.0), 100.0)
    assert 14400 * 14400 * scale**2 <= 2**25
    assert pdf_drawing.allowed_scale((14400.0, 1.0), 100.0) * 14400 == 2**15


def test_a_page_that_is_not_there_is_a_sentence(two_pages: bytes):
    with pytest.raises(UnreadableFile, match=r"^Page 8 could not be opened: its PDF is damaged.$"):
        render_page(two_pages, 7, 1.0)


@pytest.mark.parametrize("cut", [20, 200])
def test_a_damaged_pdf_says_so_and_can_still_be_saved(two_pages: bytes, cut: int):
    said = encapsulated(two_pages[:cut])
    assert said.notices == ("document.dcm could not be opened: its PDF is damaged.",)
    assert (said.page_sizes_pt, said.pdf) == ((), two_pages[:cut])


# An empty document encrypted with RC4 and a user password that nobody knows: O and U are arbitrary.
ENCRYPTED = b"""%%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
4 0 obj<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>endobj
trailer<</Root 1 0 R/Encrypt 4 0 R/ID[<00><00>]/Size 5>>
%%%%EOF
""" % (b"11" * 32, b"22" * 32)


def test_an_encrypted_pdf_asks_for_its_password_and_can_still_be_saved():
    said = encapsulated(ENCRYPTED)
    assert said.notices == ("document.dcm could not be opened: its PDF is encrypted and asks for a password.",)
    assert said.pdf == ENCRYPTED


@pytest.mark.parametrize("data", [b"MZ\x90\0", b"<html>"])
def test_what_is_no_pdf_is_not_kept(data: bytes):
    said = encapsulated(data)
    assert said.notices == ("document.dcm could not be opened: what it holds in the place of its PDF is none.",)
    assert said.pdf == b""


def test_a_pdf_object_without_a_document_says_so():
    dataset = Dataset()
    dataset.SOPClassUID = PDF
    said = read_document(PATH, dataset)
    assert said.notices == ("document.dcm could not be opened: there is no document in it.",)


# ---------------------------------------------------------------------------------------------------------------- CDA

LETTER = b"""<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Letter</title>
<component><structuredBody><component><section><title>Findings</title>
<text><paragraph>The <content>lungs</content> are clear.</paragraph><table><tr><td>CTR</td><td>0.48</td></tr></table></text>
</section></component></structuredBody></component></ClinicalDocument>"""


def test_a_clinical_document_is_its_titles_and_its_narrative():
    said = encapsulated(LETTER, CDA)
    assert (said.kind, said.notices) == ("report", ())
    assert said.lines == (
        Line(0, "Letter", is_heading=True),
        Line(0, "Findings", is_heading=True),
        Line(1, value="The lungs are clear."),
        Line(1, value="CTR   0.48"),
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', "its text defines abbreviations of its own (a DTD), which are not safe"),
        (b"<a><b></a>", "its text is not well-formed XML"),
        (b" " * (2**20 + 2), "its document is larger than 1 MiB"),
    ],
)
def test_a_clinical_document_that_cannot_be_read_says_why(data: bytes, reason: str):
    said = encapsulated(data, CDA)
    assert said.lines == ()
    assert said.notices[0].startswith(f"document.dcm could not be opened: {reason}")
