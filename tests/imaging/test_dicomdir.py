"""DICOMDIR, the list of a disc: what it names, what is gone, and what it must not reach."""

import shutil
import struct
import tracemalloc
import zipfile

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from viewer.imaging.sources import list_sources

RAMP = np.arange(12, dtype=np.uint16).reshape(3, 4)
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"


def listed(root, *paths):
    """Return the files of a listing as seen from ``root``, and its sentences."""
    listing = list_sources(paths)
    while True:
        try:
            next(listing)
        except StopIteration as stop:
            files = [path.relative_to(root).as_posix() for path in stop.value.files]
            return files, [problem.reason for problem in stop.value.not_opened]


@pytest.fixture
def write_list(tmp_path):
    """Return a writer of DICOMDIR files: the names it gives, each as its parts; elements for every record."""

    def write(names, path="disc/DICOMDIR", **elements):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = MEDIA_STORAGE_DIRECTORY
        dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.DirectoryRecordSequence = []
        for name in names:
            record = Dataset()
            record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", name
            for keyword, value in elements.items():
                setattr(record, keyword, value)
            dataset.DirectoryRecordSequence.append(record)
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        pydicom.dcmwrite(tmp_path / path, dataset, enforce_file_format=True)
        return tmp_path / path

    return write


@pytest.fixture
def disc(write_dicom, tmp_path):
    """Return a folder of three films, two of them below it."""
    for name in ("S1/IM1", "S1/IM2", "IM3"):
        write_dicom(f"disc/{name}", RAMP)
    return tmp_path / "disc"


# ---------------------------------------------------------------------------------------------------- what it names


def test_a_list_that_is_dropped_gives_what_it_names_in_its_order(disc, write_list):
    assert listed(disc, write_list([["S1", "IM2"], ["IM3"]])) == (["S1/IM2", "IM3"], [])


def test_a_folder_with_a_list_gives_everything_in_it(disc, write_list):
    write_list([["S1", "IM2"], ["IM3"]])
    assert listed(disc, disc) == (["IM3", "S1/IM1", "S1/IM2"], [])


def test_a_file_that_is_gone_is_told_once_whatever_was_dropped(disc, write_list):
    path = write_list([["S1", "IM2"], ["S1", "IM9"], ["S1", "IM9"]])
    sentence = "IM9 could not be opened: DICOMDIR lists S1/IM9, but there is no such file."
    assert listed(disc, path) == (["S1/IM2"], [sentence])
    assert listed(disc, disc) == (["IM3", "S1/IM1", "S1/IM2"], [sentence])
    assert listed(disc, path, disc) == (["S1/IM2", "IM3", "S1/IM1"], [sentence])


def test_a_list_without_its_disc_says_one_thing(write_list):
    path = write_list([["IM1"], ["IM2"], ["IM3"]])
    sentence = "it lists 3 files, and none of them is here; open the whole disc or folder instead"
    assert listed(path.parent, path) == ([], [f"DICOMDIR could not be opened: {sentence}."])


def test_a_list_in_an_archive_is_read_there(disc, write_list, tmp_path):
    write_list([["S1", "IM1"], ["s1", "im7"]])
    shutil.make_archive(str(tmp_path / "disc"), "zip", disc)
    archive = tmp_path / "disc.zip"
    sentence = "im7 could not be opened: DICOMDIR lists s1/im7, but there is no such file."
    assert listed(archive, archive) == (["IM3", "S1/IM1", "S1/IM2"], [sentence])
    assert listed(archive, archive / "DICOMDIR") == (["S1/IM1"], [sentence])


def test_a_record_that_is_no_longer_in_use_names_nothing(disc, write_list):
    path = write_list([["S1", "IM2"]], RecordInUseFlag=0)
    assert listed(disc, path) == ([], ["DICOMDIR could not be opened: it is a list of files, and names none."])


# -------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("stated", [["s1", "im2"], ["S1/IM2"], [".", "S1", "IM2"], ["S1", "IM2.;1"], ["S1", "IM2."]])
def test_names_are_compared_as_discs_write_them(disc, write_list, stated):
    assert listed(disc, write_list([stated])) == (["S1/IM2"], [])


def test_files_are_found_where_the_disc_was_copied_with_its_versions(write_dicom, write_list, tmp_path):
    write_dicom("disc/s1/im000001.;1", RAMP)
    path = write_list([["S1", "IM000001"]], path="disc/DICOMDIR.;1")
    assert listed(tmp_path, path) == listed(tmp_path, path.parent) == (["disc/s1/im000001.;1"], [])


@pytest.mark.parametrize(
    "stated",
    [["..", "secret"], ["S1", "..", "..", "secret"], ["../secret"], ["", "secret"], ["", "", "server", "secret"],
     ["/etc/secret"], ["C:", "secret"], ["C:/secret"]],
)  # fmt: skip
def test_a_name_that_leads_out_of_the_disc_is_not_followed(write_dicom, disc, write_list, stated):
    write_dicom("secret", RAMP)
    sentence = "DICOMDIR names it in a place outside of its own folder, and such a name is not followed"
    for dropped in (write_list([stated, ["IM3"]]), disc):
        files, sentences = listed(disc, dropped)
        assert "IM3" in files
        assert sentences == [f"secret could not be opened: {sentence}."]


def test_a_folder_is_not_a_file_of_the_disc(disc, write_list):
    files, sentences = listed(disc, write_list([["S1"], ["IM3"]]))
    assert (files, sentences) == (["IM3"], ["S1 could not be opened: DICOMDIR lists S1, but there is no such file."])


# ------------------------------------------------------------------------------------------------------------ content


def test_a_film_that_is_called_dicomdir_is_a_film(write_dicom, tmp_path):
    write_dicom("disc/DICOMDIR", RAMP)
    assert listed(tmp_path, tmp_path / "disc") == (["disc/DICOMDIR"], [])


def test_a_list_by_another_name_is_known_by_its_content(disc, write_list):
    assert listed(disc, write_list([["IM3"]], path="disc/list.dcm")) == (["IM3"], [])


@pytest.mark.parametrize("container", ["list", "folder"])
def test_a_list_that_is_cut_short_says_so_and_leaves_the_films_alone(disc, write_list, container):
    path = write_list([["IM3"], ["S1", "IM1"]])
    path.write_bytes(path.read_bytes()[:-10])
    files, sentences = listed(disc, path if container == "list" else disc)
    assert files == ([] if container == "list" else ["IM3", "S1/IM1", "S1/IM2"])
    assert sentences == [
        "DICOMDIR could not be opened: it is a list of files and cut short; the files themselves open with their folder."
    ]


# --------------------------------------------------------------------------------------------------------- real discs


@pytest.mark.parametrize("container", ["list", "folder", "archive"])
def test_a_real_disc_names_what_is_missing(shared_dicom, container, tmp_path):
    whole, disc = (shared_dicom / "derived" / "fileset" / name for name in ("cd", "cd_missing"))
    gone = {p.relative_to(whole) for p in whole.rglob("*")} - {p.relative_to(disc) for p in disc.rglob("*")}
    names = sorted(path.as_posix() for path in gone if (whole / path).is_file())
    if container == "archive":
        shutil.make_archive(str(tmp_path / "disc"), "zip", disc)
        disc = tmp_path / "disc.zip"
    files, sentences = listed(disc, disc / "DICOMDIR" if container == "list" else disc)
    assert len(files) == 12
    assert sorted(sentence.split(" lists ")[1].split(",")[0] for sentence in sentences) == names


def test_a_list_that_was_made_to_climb_out_reaches_nothing(shared_dicom):
    folder = shared_dicom / "derived" / "fileset" / "traversal"
    for dropped in (folder, folder / "DICOMDIR"):
        files, sentences = listed(folder, dropped)
        assert (files, len(sentences)) == ([], 1)
        assert sentences[0].startswith("passwd could not be opened: DICOMDIR names it in a place outside")


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset",
                                  "DICOMDIR-nopatient", "DICOMDIR-reordered"])  # fmt: skip
def test_lists_of_every_writing_name_the_same_files(shared_dicom, name):
    folder = shared_dicom / "pydicom-fileset" / "dicomdirtests"
    path = folder / name
    if not path.is_file():
        pytest.skip(f"needs {name} among the shared files")
    files, sentences = listed(folder, path)
    assert (len(files), files[0], sentences) == (31, "77654033/CR1/6154", [])


def test_a_disc_in_an_archive_below_a_folder_is_found(shared_dicom, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for path in (shared_dicom / "derived" / "fileset" / "cd").rglob("*"):
            archive.write(path, f"patient/disc/{path.relative_to(shared_dicom / 'derived' / 'fileset' / 'cd')}")
    files, sentences = listed(tmp_path, tmp_path)
    assert (len(files), sentences) == (18, [])


@pytest.mark.parametrize("content", [bytes.fromhex("feff00e000000000"), bytes(8)], ids=["items", "zeros"])
def test_a_list_of_endless_records_costs_no_memory(disc, write_list, content):
    path = write_list([["IM3"]])
    data = path.read_bytes()
    start = data.index(b"\x04\x00\x20\x12SQ")
    path.write_bytes(data[:start] + b"\x04\x00\x20\x12SQ\0\0" + struct.pack("<I", 2**18) + content * 2**15)
    tracemalloc.start()
    sentences = listed(disc, path)[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sentences == ["DICOMDIR could not be opened: it is a list of files, and names none."]
    assert peak < 2**22
