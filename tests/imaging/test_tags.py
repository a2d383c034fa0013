"""The header of a file as rows: named, decoded once, searched and written out."""

import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pydicom
import pytest
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from viewer.errors import UnreadableFile, ViewerError
from viewer.imaging.header_text import ExportFailed, as_text, export_header, write_text
from viewer.imaging.tags import Branch, Element, Header, NotDicom, Row, read_header, search

COMPRESSED = "1.2.840.10008.1.2.4.50"
HELLO = b"".join((b"\x08\x00\x16\x00UI\x06\x001.2.3\x00", b"\x10\x00\x20\x00LO\x02\x00ID"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of files without a picture: a maker of the data set, or elements by keyword."""

    def write_file(fill: Callable[[Dataset], object] = id, syntax: str = ExplicitVRLittleEndian, **elements: object) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.3"
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        fill(dataset)
        path = tmp_path / "film.dcm"
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        return path

    return write_file


@pytest.fixture
def raw(tmp_path: Path) -> Callable[[bytes], Path]:
    """Return a writer of bare explicit little endian data sets that begin with two sound elements."""

    def write_bytes(more: bytes) -> Path:
        path = tmp_path / "raw.dcm"
        path.write_bytes(HELLO + more)
        return path

    return write_bytes


def flat(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        yield from flat(row.children)


def element(header: Header, tag: str) -> Element:
    found = next(row for row in flat(header.elements) if row.tag_text == tag)
    assert isinstance(found, Element)
    return found


def exhausted(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def found(header: Header, wanted: str) -> tuple[Branch, ...]:
    return exhausted(search(header.elements, wanted))


def item_of(**elements: object) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


# ----------------------------------------------------------------------------------------------------------- reading


def test_the_file_meta_group_comes_first_and_every_element_is_there(write):
    header = read_header(write(PatientName="Doe^John", Rows=512))
    tags = [row.tag_text for row in header.elements]
    assert tags[:2] == ["(0002,0000)", "(0002,0001)"]
    assert tags[-4:] == ["(0008,0016)", "(0008,0018)", "(0010,0010)", "(0028,0010)"]


def test_a_row_says_tag_name_keyword_vr_number_and_value(write):
    spacing = element(read_header(write(ImagerPixelSpacing=["0.143", "0.143"])), "(0018,1164)")
    assert (spacing.name, spacing.keyword, spacing.vr) == ("Imager Pixel Spacing", "ImagerPixelSpacing", "DS")
    assert (spacing.multiplicity, spacing.length, spacing.value) == (2, 12, "0.143\\0.143")


def test_a_uid_of_the_standard_is_shown_with_its_name(write):
    syntax = element(read_header(write()), "(0002,0010)")
    assert syntax.value == "1.2.840.10008.1.2.1"
    assert syntax.shown == "1.2.840.10008.1.2.1 = Explicit VR Little Endian"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_items_of_a_sequence_stand_under_it(write, syntax):
    path = write(syntax=syntax, ProcedureCodeSequence=[item_of(CodeValue="A"), item_of(CodeValue="B")])
    codes = element(read_header(path), "(0008,1032)")
    assert (codes.vr, codes.value) == ("SQ", "2 items")
    assert [item.name for item in codes.children] == ["Item 1", "Item 2"]
    assert [item.children[0].value for item in codes.children] == ["A", "B"]


def test_values_of_numbers_and_tags_are_written_as_people_write_them(write):
    path = write(ExposureTimeInms=0.1, RecommendedDisplayFrameRateInFloat=0.1, FrameIncrementPointer=0x00181063)
    header = read_header(path)
    assert element(header, "(0008,9459)").value == "0.1"  # FL: 0.10000000149011612 as Python holds it
    assert element(header, "(0028,0009)").value == "(0018,1063)"


def test_private_elements_are_named_where_pydicom_knows_them(write):
    def fill(dataset: Dataset) -> None:
        block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x08, "CS", "IMAGE NUM 4")
        block.add_new(0xFE, "LO", "unknown")

    header = read_header(write(fill))
    known, unknown = element(header, "(0029,1008)"), element(header, "(0029,10FE)")
    assert (known.name, known.creator, known.value) == ("CSA Image Header Type", "SIEMENS CSA HEADER", "IMAGE NUM 4")
    assert (unknown.name, unknown.creator) == ("Private element", "SIEMENS CSA HEADER")
    assert element(header, "(0029,0010)").name == "Private Creator"


def test_texts_of_an_item_follow_the_character_set_around_it(write):
    # Two accented letters side by side are a Chinese one to a guess that does not know the character set.
    path = write(SpecificCharacterSet="ISO_IR 100", ProcedureCodeSequence=[item_of(CodeMeaning="ÄÖ")])
    assert element(read_header(path), "(0008,0104)").value == "ÄÖ"


def test_control_characters_do_not_reach_the_row(write):
    assert element(read_header(write(PatientComments="one\r\ntwo\tthree")), "(0010,4000)").value == "one two three"


def test_a_sequence_too_long_to_be_read_with_the_header_is_there_all_the_same(write):
    frames = [item_of(FrameContentSequence=[item_of(StackID=str(n))]) for n in range(2000)]
    path = write(PerFrameFunctionalGroupsSequence=frames)
    groups = element(read_header(path), "(5200,9230)")
    assert groups.length == 2000 * 36 + 100 * 2 + 1900 * 4
    assert groups.value == "2,000 items"
    assert groups.children[1999].children[0].children[0].children[0].value == "1999"


def test_a_long_sequence_of_a_file_in_an_archive_is_there_too(write, tmp_path):
    path = write(PerFrameFunctionalGroupsSequence=[item_of(PatientComments="x" * 100) for _ in range(1000)])
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        archive.write(path, "film.dcm")
    assert element(read_header(tmp_path / "disc.zip" / "film.dcm"), "(5200,9230)").value == "1,000 items"


def test_sequences_in_sequences_end_somewhere(write):
    inner = item_of(CodeValue="deepest")
    for _ in range(80):
        inner = item_of(ContentSequence=[inner])
    rows = list(flat(read_header(write(ContentSequence=[inner])).elements))
    assert rows[-1].value == "nested too deeply to be shown"


# ---------------------------------------------------------------------------------------------- what is not decoded


def test_pixels_are_named_by_their_length_and_stay_unread(write):
    def fill(dataset: Dataset) -> None:
        dataset.add_new(0x7FE00010, "OW", b"\0" * 123_456)

    pixels = element(read_header(write(fill)), "(7FE0,0010)")
    assert (pixels.value, pixels.multiplicity, pixels.tone) == ("binary, 123,456 bytes", None, "remark")
    assert pixels.dataset.get_item("PixelData", keep_deferred=True).value is None


def test_compressed_pixels_are_named_by_their_length(write):
    def fill(dataset: Dataset) -> None:
        dataset.PixelData = pydicom.encaps.encapsulate([b"\1" * 100_000])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True

    header = read_header(write(fill, syntax=COMPRESSED))
    # An item for the offsets (8 + 4), one for the frame (8 + 100,000).
    assert element(header, "(7FE0,0010)").value == "binary, 100,020 bytes"


def test_a_few_bytes_are_shown_as_digits(write):
    assert element(read_header(write()), "(0002,0001)").value == "binary, 2 bytes: 00 01"


def test_many_numbers_are_counted_in_bytes(write):
    def fill(dataset: Dataset) -> None:
        dataset.add_new(0x00283006, "US", list(range(4096)))

    assert element(read_header(write(fill)), "(0028,3006)").value == "numbers, 8,192 bytes"


def test_bytes_of_unknown_meaning_are_shown_where_they_are_plain_text(raw):
    path = raw(b"\x11\x00\x01\x00UN\x00\x00\x06\x00\x00\x00FLASH " + b"\x11\x00\x02\x00UN\x00\x00\x02\x00\x00\x00\xff\x00")
    header = read_header(path)
    assert element(header, "(0011,0001)").value == "FLASH"
    assert element(header, "(0011,0002)").value == "binary, 2 bytes: ff 00"


def test_a_long_text_is_shortened_in_its_row_and_whole_elsewhere(write):
    comments = element(read_header(write(PatientComments="x" * 300 + "end")), "(0010,4000)")
    assert comments.shown == "x" * 256 + "\u2026 (303 characters)"
    assert comments.value.endswith("xend")


def test_a_broken_element_costs_itself_alone(raw):
    header = read_header(raw(b"\x28\x00\x10\x00US\x01\x00\x07" + b"\x28\x00\x11\x00US\x02\x00\x00\x02"))
    broken, sound = element(header, "(0028,0010)"), element(header, "(0028,0011)")
    assert (broken.value, broken.tone) == ("cannot be read, 1 byte", "broken")
    assert (sound.value, sound.tone) == ("512", "value")


def test_an_element_of_an_unheard_of_vr_cannot_be_read(raw):
    header = read_header(raw(b"\x28\x00\x10\x00ZZ\x02\x00ab" + b"\x28\x00\x11\x00US\x02\x00\x00\x02"))
    assert element(header, "(0028,0010)").value == "cannot be read, 2 bytes"
    assert element(header, "(0028,0011)").value == "512"


def test_every_element_is_decoded_when_it_is_asked_for_and_never_again(write, monkeypatch):
    def note(stored, **_):
        decodings.append(int(stored.tag))
        return stored

    decodings: list[int] = []
    header = read_header(write(PatientID="7", PatientSex="F"))
    monkeypatch.setattr(config, "data_element_callback", note)
    name = element(header, "(0010,0020)")
    assert [name.value, name.shown, name.searched[:11], name.value] == ["7", "7", "(0010,0020)", "7"]
    assert decodings == [0x00100020]


def test_no_record_prints_what_it_holds(write):
    header = read_header(write(PatientName="Doe^John", ContentSequence=[item_of(PatientName="Doe^John")]))
    assert not any("Doe" in repr(record) for record in (header, *flat(header.elements), *found(header, "doe")))


def test_a_broken_element_is_tried_once(raw, monkeypatch):
    def note(stored, **_):
        decodings.append(int(stored.tag))
        return stored

    decodings: list[int] = []
    broken = element(read_header(raw(b"\x28\x00\x10\x00US\x01\x00\x07")), "(0028,0010)")
    monkeypatch.setattr(config, "data_element_callback", note)
    assert broken.value == broken.shown == "cannot be read, 1 byte"
    assert decodings == [0x00280010]


# --------------------------------------------------------------------------------------------- files that have none


def test_a_picture_has_no_header_of_this_kind(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    with pytest.raises(NotDicom, match=r"^film\.png is not a DICOM file: it has no header of this kind\.$"):
        read_header(path)


def test_a_file_that_has_gone_is_named(tmp_path):
    with pytest.raises(UnreadableFile, match=r"^gone\.dcm could not be opened: there is no such file\.$"):
        read_header(tmp_path / "gone.dcm")


def test_of_a_file_cut_short_the_header_is_shown_as_far_as_it_goes(write):
    path = write(PatientName="Doe^John", PatientComments="x" * 1000)
    path.write_bytes(path.read_bytes()[:-900])
    header = read_header(path)
    assert element(header, "(0010,0010)").value == "Doe^John"
    assert element(header, "(0010,4000)").value == "x" * 100


# --------------------------------------------------------------------------------------------------------- searching


@pytest.mark.parametrize("wanted", [
    "0010,0010", "(0010,0010)", "00100010", "(0010, 0010)", "(0010,001", "patientname", "patient name", "Patient's N",
    "PATIENT", "müller", "Muller^Ann", "MÜLLER",
])  # fmt: skip
def test_an_element_is_found_by_tag_name_keyword_or_value(write, wanted):
    header = read_header(write(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Ann", Modality="SR"))
    assert [branch.row.tag_text for branch in found(header, wanted)] == ["(0010,0010)"]


def test_an_element_is_found_by_the_name_of_its_uid_and_by_its_creator(write):
    def fill(dataset: Dataset) -> None:
        dataset.private_block(0x0029, "ACME 1.0", create=True).add_new(0x01, "LO", "x")

    header = read_header(write(fill))
    assert [branch.row.tag_text for branch in found(header, "explicit vr")] == ["(0002,0010)"]
    assert [branch.row.tag_text for branch in found(header, "acme")] == ["(0029,0010)", "(0029,1001)"]


def test_what_is_above_a_match_is_kept_without_what_is_beside_it(write):
    items = [item_of(CodeValue="T-11300", CodeMeaning="Femur"), item_of(CodeValue="T-12710", CodeMeaning="Tibia")]
    (sequence,) = found(read_header(write(AnatomicRegionSequence=items)), "tibia")
    (item,) = sequence.branches
    assert (sequence.row.tag_text, item.row.name) == ("(0008,2218)", "Item 2")
    assert [(branch.row.value, branch.branches) for branch in item.branches] == [("Tibia", None)]


def test_what_is_under_a_match_is_kept_whole(write):
    items = [item_of(CodeValue="T-11300"), item_of(CodeValue="T-12710")]
    (sequence,) = found(read_header(write(AnatomicRegionSequence=items)), "anatomic region")
    assert sequence.branches is None
    assert len(sequence.row.children) == 2


def test_a_search_can_be_left_between_any_two_rows(write):
    header = read_header(write(AnatomicRegionSequence=[item_of(CodeValue="A")], PatientID="7"))
    assert sum(1 for _ in search(header.elements, "nowhere")) == len(list(flat(header.elements)))


# ---------------------------------------------------------------------------------------------------------- exporting


def test_the_text_has_a_row_a_line_with_sequences_indented(write):
    path = write(PatientID="7", Rows=512, AccessionNumber="", AnatomicRegionSequence=[item_of(CodeValue="A")])
    lines = as_text(read_header(path)).splitlines()
    assert lines[0] == "# Header of film.dcm"
    assert [line.rstrip() for line in lines[-6:]] == [
        "(0008,0050) SH (no value)                                        #      0, 0 AccessionNumber",
        "(0008,2218) SQ (1 item)                                          #     18, 0 AnatomicRegionSequence",
        "  (FFFE,E000) na Item 1",
        "    (0008,0100) SH [A]                                           #      2, 1 CodeValue",
        "(0010,0020) LO [7]                                               #      2, 1 PatientID",
        "(0028,0010) US 512                                               #      2, 1 Rows",
    ]


def test_the_text_is_written_as_utf_8_in_place_of_an_older_one(write, tmp_path):
    target = tmp_path / "header.txt"
    target.write_text("older")
    name = exhausted(export_header(write(SpecificCharacterSet="ISO_IR 192", PatientName="山田^太郎"), target))
    assert name == "header.txt"
    assert "(0010,0010) PN [山田^太郎]" in target.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.dcm", "header.txt"]


def test_a_text_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "header.txt").mkdir()
    with pytest.raises(ExportFailed, match=r"^header\.txt could not be written: .*choose another place\.$"):
        write_text("text", tmp_path / "header.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["header.txt"]


# --------------------------------------------------------------------------------------------------------- real files


@pytest.mark.parametrize(("name", "tag", "value"), [
    ("highdicom/data/test_files/sr_document.dcm", "(0040,A040)", "CONTAINER"),
    ("derived/fileset/cd/DICOMDIR", "(0004,1430)", "PATIENT"),
    ("derived/charset/jp_iso2022.dcm", "(0010,0010)", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("derived/charset/zh_58.dcm", "(0010,0010)", "Zhang^XiaoDong=张^小东"),
    ("derived/struct/private_tags.dcm", "(0029,1002)", "binary, 100,000 bytes"),
    ("derived/mf/enhanced_ct.dcm", "(5200,9230)", "12 items"),
    ("derived/ts/1.2.840.10008.1.2.4.100_mpeg2.dcm", "(0002,0010)", "1.2.840.10008.1.2.4.100"),
])  # fmt: skip
def test_files_with_and_without_a_picture_show_their_header(shared_dicom, name, tag, value):
    assert element(read_header(shared_dicom / name), tag).value == value


def test_every_file_shows_its_header_or_says_why_not(shared_dicom):
    refused = []
    for path in sorted(filter(Path.is_file, (shared_dicom / "derived").rglob("*"))):
        try:
            assert as_text(read_header(path)).count("\n") > 1
        except ViewerError:
            refused.append(path.name)
    assert set(refused) == {"EXPECT.csv", "empty.dcm", "only_preamble.dcm", "random.dcm", "text_renamed.dcm"}


def test_a_file_of_the_wrong_byte_order_is_no_reason_to_crash(tmp_path):
    path = tmp_path / "swapped.dcm"
    path.write_bytes(struct.pack(">HH", 8, 5) + b"CS" + struct.pack(">H", 10) + b"ISO_IR 100")
    assert element(read_header(path), "(0008,0005)").value == "ISO_IR 100"
