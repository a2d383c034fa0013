"""The report on paper, read back with poppler."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.errors import ReportError
from viewer.imaging.image import RESEARCH_NOTICE, Identity
from viewer.reading import ClassProbability, ConfusionMatrix, Reading, RefusalReason
from viewer.reporting.matrix import answer_sentence
from viewer.reporting.pdf import write_pdf
from viewer.reporting.report import Report, ReportText

pytestmark = [
    pytest.mark.usefixtures("qapp"),
    pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed"),
]

MakeReport = Callable[..., Report]


def poppler(tool: str, *arguments: str | Path) -> str:
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, check=True, timeout=60).stdout.decode()


@pytest.fixture
def printed(make_report: MakeReport, tmp_path: Path) -> Callable[..., str]:
    """Return a function that prints a report with changes and reads its text back, NFKC, pages by form feeds."""

    def print_and_read(**changes: Any) -> str:
        write_pdf(make_report(**changes), tmp_path / "report.pdf")
        return unicodedata.normalize("NFKC", poppler("pdftotext", "-layout", tmp_path / "report.pdf", "-"))

    return print_and_read


def words(text: str) -> str:
    return " ".join(text.split())


PARTS = (
    *("Phantom Adam", "P-0042", "1965-02-11, 55 y at the study", "Hospital of the Tests", "A-77", "Chest PA"),
    *("2020-03-10, 14:05:59", "Thorax, standing", "DX CHEST PA", "Written 2025-11-20 11:15 UTC+0000"),
    *("Cough for three days.", "Clear lungs.", "No acute finding.", "W 2000 L 1000", "phantom.dcm"),
    *("ab" * 32, "cd" * 32, "1.2.826.0.1.3680043.8.498.1", "Chest, three classes (darkcovidnet)", "Hilum 0.1.0"),
    *("COVID-19, Grad-CAM, full scale 4.0, peak 3.1", "This film is an AP film; the model saw few of these."),
)


def test_a_whole_report_holds_every_part(printed: Callable[..., str]) -> None:
    text = words(printed())
    assert [part for part in PARTS if part not in text] == []


def test_probabilities_stand_beside_their_classes_with_intervals(printed: Callable[..., str]) -> None:
    text = printed()
    assert re.search(r"COVID-19 +0\.71 \(0\.62–0\.79\)", text)
    assert re.search(r"Pneumonia +0\.22 \(0\.15–0\.33\)", text)
    assert re.search(r"No finding +0\.07 \(0\.02–0\.11\)", text)


def test_the_matrix_and_its_sentence_are_printed(printed: Callable[..., str]) -> None:
    text = printed()
    assert re.search(r"COVID-19 +52 +40 +33\n", text)
    assert "Of 61 films it called COVID-19, 52 were." in text
    assert "1,125 films, each read by a network that never saw its patient." in text


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (((1, 0), (0, 4)), "Of 1 film it called COVID-19, 1 was."),
        (((0, 3), (2, 4)), "Of 2 films it called COVID-19, 0 were."),
        (((0, 3), (0, 4)), "It called no held-out film COVID-19."),
        (((1200, 3), (34, 4)), "Of 1,234 films it called COVID-19, 1,200 were."),
    ],
)
def test_the_sentence_counts_the_column_of_the_answer(counts: tuple[tuple[int, ...], ...], sentence: str) -> None:
    assert answer_sentence(ConfusionMatrix(("covid", "other"), ("COVID-19", "Other"), counts), "covid") == sentence


def test_the_column_of_the_answer_is_shaded(make_report: MakeReport, tmp_path: Path) -> None:
    write_pdf(make_report(), tmp_path / "report.pdf")
    poppler("pdftoppm", "-r", "60", "-f", "1", "-l", "1", tmp_path / "report.pdf", tmp_path / "page")
    (page,) = tmp_path.glob("page*.ppm")
    data = page.read_bytes()
    assert data.count(bytes((0xE4, 0xEE, 0xF4))) > 500


@pytest.mark.parametrize(
    "name",
    [
        "Wang XiaoDong = 王小东 = 王小東",
        "Щукин Лев",
        "Παπάς Νίκος",
        "Yamada Tarou = 山田 = やまだ",
        "김철수",
        "Nguyễn Thị",
    ],
)
def test_a_name_in_its_own_letters_is_read_back(printed: Callable[..., str], identity: Identity, name: str) -> None:
    assert unicodedata.normalize("NFKC", name) in words(printed(identity=replace(identity, patient_name=name)))


@pytest.mark.parametrize("name", ["قباني نزار", "כהן דוד"])
def test_a_name_written_to_the_left_keeps_all_its_letters(printed: Callable[..., str], identity: Identity, name: str) -> None:
    # On one page alone, the name stands there once; the order read back is poppler's affair.
    text = printed(identity=replace(identity, patient_name=name), reading=None, overlay_film=None)
    letters = Counter(letter for letter in text if unicodedata.bidirectional(letter) in ("R", "AL"))
    assert letters == Counter(name.replace(" ", ""))


def test_a_name_with_markup_is_printed_as_it_is(printed: Callable[..., str], identity: Identity) -> None:
    name = '<img src="file:///etc/passwd"><b>Bold</b> &amp; {x}'
    text = words(printed(identity=replace(identity, patient_name=name), text=ReportText("<h1>", "<script>", "mass < 3 cm")))
    assert name in text
    assert [part for part in ("<h1>", "<script>", "mass < 3 cm") if part not in text] == []
    assert "root:" not in text


def test_a_very_long_word_is_wrapped_and_whole(printed: Callable[..., str], identity: Identity) -> None:
    text = printed(identity=replace(identity, patient_name="W" * 300, institution="i" * 400))
    assert "".join(text.split("\f")[0]).count("W") >= 300
    assert text.count("i") >= 400


def test_a_long_impression_flows_over_pages_and_loses_nothing(printed: Callable[..., str]) -> None:
    numbered = " ".join(f"word{number}" for number in range(2600))
    pages = printed(text=ReportText("", "", f"firstword {numbered} lastword")).split("\f")[:-1]
    text = " ".join(pages)
    assert len(pages) >= 4
    assert "firstword" in text and "lastword" in text
    assert [int(number) for number in re.findall(r"word(\d+)", text)] == list(range(2600))


def test_each_page_bears_the_notice_its_number_and_the_patient(printed: Callable[..., str]) -> None:
    pages = printed(text=ReportText(findings="a line\n" * 200)).split("\f")[:-1]
    assert len(pages) >= 4
    for number, page in enumerate(pages, start=1):
        assert RESEARCH_NOTICE in words(page)
        assert f"Page {number} of {len(pages)}" in page
        assert "Phantom Adam" in page and "P-0042" in page


def test_a_refused_reading_prints_its_reason_and_no_number(printed: Callable[..., str], reading: Reading) -> None:
    model = replace(reading.model, metrics=())
    refused = replace(
        reading,
        status="refused",
        refusals=(RefusalReason("lateral", "This is a lateral film."),),
        probabilities=(),
        matrix=None,
        model=model,
    )
    text = printed(reading=refused, overlay_film=None)
    assert "This is a lateral film." in text
    assert "The second reader gave no answer for this film." in text
    assert not re.search(r"\b0\.\d\d\b|%", text)


def test_a_film_nobody_read_says_so(printed: Callable[..., str]) -> None:
    text = printed(reading=None, overlay_film=None)
    assert "Not read by the second reader." in text
    assert "Weights SHA-256" not in text


def test_a_reading_without_intervals_prints_its_numbers_alone(printed: Callable[..., str], reading: Reading) -> None:
    alone = replace(reading, probabilities=(ClassProbability("covid", "COVID-19", 0.71),), matrix=None)
    text = printed(reading=alone)
    assert re.search(r"COVID-19 +0\.71\n", text)
    assert "smallest and largest" not in text


def test_every_font_is_embedded(make_report: MakeReport, identity: Identity, tmp_path: Path) -> None:
    write_pdf(make_report(identity=replace(identity, patient_name="王 김 Щ قب Adam")), tmp_path / "report.pdf")
    rows = poppler("pdffonts", tmp_path / "report.pdf").splitlines()[2:]
    assert len(rows) >= 5
    assert all(re.search(r"Identity-H +yes (yes|no ) yes", row) for row in rows), rows


def test_it_calls_itself_an_archive_file_and_names_no_patient(make_report: MakeReport, tmp_path: Path) -> None:
    write_pdf(make_report(), tmp_path / "report.pdf")
    data = (tmp_path / "report.pdf").read_bytes()
    assert b'pdfaid:part="1" pdfaid:conformance="B"' in data
    assert b"/GTS_PDFA1" in data and b"/DestOutputProfile" in data
    info = poppler("pdfinfo", tmp_path / "report.pdf")
    assert re.search(r"Title: +Hilum second-reader report\n", info)
    assert re.search(r"Author: +Hilum\n", info)
    assert re.search(r"Page size: +59\d.* \(A4\)", info)


def test_films_are_printed_sharp_enough_and_no_larger_than_needed(make_report: MakeReport, tmp_path: Path) -> None:
    large = np.zeros((3000, 2500), dtype=np.uint8)
    write_pdf(make_report(film=large, overlay_film=np.stack([large] * 3, axis=-1)), tmp_path / "report.pdf")
    rows = [line.split() for line in poppler("pdfimages", "-list", tmp_path / "report.pdf").splitlines()[2:]]
    films = [row for row in rows if int(row[4]) > 100]
    assert len(films) == 2
    assert all(abs(int(row[12]) - 220) <= 2 and abs(int(row[13]) - 220) <= 2 for row in films)


def test_the_height_of_a_pixel_decides_the_shape_of_the_film(make_report: MakeReport, tmp_path: Path) -> None:
    square = np.zeros((300, 300), dtype=np.uint8)
    write_pdf(make_report(film=square, overlay_film=None, aspect_ratio=0.5), tmp_path / "report.pdf")
    rows = [line.split() for line in poppler("pdfimages", "-list", tmp_path / "report.pdf").splitlines()[2:]]
    horizontal, vertical = int(rows[0][12]), int(rows[0][13])
    assert abs(vertical / horizontal - 2) < 0.03


def test_a_folder_that_cannot_be_written_leaves_a_sentence_and_no_file(make_report: MakeReport, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"^The report could not be saved as report.pdf: .*\.$"):
        write_pdf(make_report(), tmp_path / "missing" / "report.pdf")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ReportError, match=r"could not be saved as report.pdf: Not a directory;"):
        write_pdf(make_report(), tmp_path / "file" / "report.pdf")
    (tmp_path / "taken.pdf").mkdir()
    with pytest.raises(ReportError, match=r"taken.pdf"):
        write_pdf(make_report(), tmp_path / "taken.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken.pdf"]


def test_an_earlier_report_is_replaced_whole(make_report: MakeReport, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"earlier" * 100_000)
    write_pdf(make_report(), path)
    assert path.read_bytes().startswith(b"%PDF-1.4")
    assert path.read_bytes().rstrip().endswith(b"%%EOF")


def test_a_reading_of_another_film_is_never_printed(make_report: MakeReport, reading: Reading) -> None:
    with pytest.raises(ValueError, match="another film"):
        make_report(reading=replace(reading, sha256="00" * 32))
    with pytest.raises(ValueError, match="another film"):
        make_report(reading=replace(reading, frame=1))


def test_a_heat_map_needs_a_finished_reading(make_report: MakeReport, reading: Reading) -> None:
    with pytest.raises(ValueError, match="heat map without"):
        make_report(reading=None)
    with pytest.raises(ValueError, match="heat map without"):
        make_report(reading=replace(reading, status="refused"))


def test_words_can_be_searched_because_no_letters_are_joined(make_report: MakeReport, tmp_path: Path) -> None:
    write_pdf(make_report(text=ReportText(findings="fluffy findings, diffuse")), tmp_path / "report.pdf")
    assert "fluffy findings, diffuse" in poppler("pdftotext", tmp_path / "report.pdf", "-")
