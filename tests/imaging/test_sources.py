"""What is found in what is dropped: folders, archives and what lies between them."""

import base64
import os
import shutil
import zipfile

import numpy as np
import pytest

from viewer.errors import UnreadableFile, UnsupportedFile
from viewer.imaging.archives import forget_archives
from viewer.imaging.image import OpenProgress
from viewer.imaging.reader import headers, read_file
from viewer.imaging.sources import PasswordNeeded, list_sources, open_source, read_source, source_status
from viewer.imaging.zip_members import set_password

RAMP = np.arange(12, dtype=np.uint16).reshape(3, 4)
# "letter.txt", encrypted by Info-ZIP with the password "geheim".
LETTER = base64.b64decode(
    "UEsDBBQACQAIABWFdV2WULgFLAAAANgAAAAKAAAAbGV0dGVyLnR4dMwXajReVNYHQxdf7I4+DI1PCA8C8cmMBOsWhctxUTVGJDMMZnSwQGmla+wN"
    "UEsHCJZQuAUsAAAA2AAAAFBLAQIeAxQACQAIABWFdV2WULgFLAAAANgAAAAKAAAAAAAAAAEAAACkgQAAAABsZXR0ZXIudHh0UEsFBgAAAAABAAEA"
    "OAAAAGQAAAAAAA=="
)


@pytest.fixture(autouse=True)
def no_passwords():
    yield
    forget_archives()


@pytest.fixture
def listed(tmp_path):
    """Return a function that lists paths: files below tmp_path, sentences, and which passwords were asked for.

    Each question is answered by the next of ``answers``.
    """

    def drain(*paths, answers=()):
        asked, waiting, listing = [], list(answers), list_sources(paths)
        while True:
            try:
                found = next(listing)
            except StopIteration as stop:
                files = [path.relative_to(tmp_path).as_posix() for path in stop.value.files]
                return files, [problem.reason for problem in stop.value.not_opened], asked
            if isinstance(found, PasswordNeeded):
                asked.append(found.was_wrong)
                if waiting:
                    set_password(found.path, waiting.pop(0))
            else:
                assert isinstance(found, OpenProgress)

    return drain


@pytest.fixture
def packed(tmp_path):
    """Return a writer of archives: name, then contents by member name."""

    def write(name, contents):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in contents.items():
                archive.writestr(member, content)
        return tmp_path / name

    return write


# ------------------------------------------------------------------------------------------------------------ folders


def test_folders_and_archives_are_listed_as_one_tree(write_dicom, packed, listed, tmp_path):
    for name in ("all/IM10", "all/IM2", "all/S3/x", "all/S1/x"):
        write_dicom(name, RAMP)
    packed("all/S2.zip", {"b/IM11": b"1", "b/IM9": b"1", "a": b"1"})
    files = ["IM2", "IM10", "S1/x", "S2.zip/a", "S2.zip/b/IM9", "S2.zip/b/IM11", "S3/x"]
    assert listed(tmp_path / "all") == ([f"all/{name}" for name in files], [], [])


def test_what_is_dropped_twice_is_listed_once(write_dicom, packed, listed, tmp_path, monkeypatch):
    film, archive = write_dicom("all/a", RAMP), packed("all/b.zip", {"c": b"1"})
    monkeypatch.chdir(tmp_path)
    relative = [tmp_path / "all", film, archive, archive / "c", tmp_path / "all"]
    assert listed(*relative) == (["all/a", "all/b.zip/c"], [], [])


def test_hidden_files_and_lists_of_systems_are_passed_over_inside_archives_too(packed, listed):
    names = ["film", ".DS_Store", "__MACOSX/._film", "x/.hidden/film", "x/Thumbs.db", "desktop.ini"]
    assert listed(packed("a.zip", dict.fromkeys(names, b"1")))[:2] == (["a.zip/film"], [])


def test_a_loop_of_links_is_entered_once(write_dicom, listed, tmp_path):
    write_dicom("all/x/a", RAMP)
    (tmp_path / "all" / "x" / "up").symlink_to(tmp_path / "all", target_is_directory=True)
    (tmp_path / "all" / "itself").symlink_to(tmp_path / "all" / "itself")
    assert listed(tmp_path / "all")[0] == ["all/itself", "all/x/a"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be read by this account")
def test_a_folder_that_may_not_be_listed_is_named(listed, tmp_path):
    (tmp_path / "shut").mkdir(mode=0)
    assert listed(tmp_path)[1] == ["shut could not be opened: this account is not allowed to read it."]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
def test_a_pipe_is_refused_and_never_waited_for(listed, tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    assert listed(tmp_path / "pipe.zip", tmp_path)[0] == ["pipe.zip"]
    with pytest.raises(UnreadableFile, match="it is not an ordinary file"):
        headers(tmp_path / "pipe.zip")


# ------------------------------------------------------------------------------------------------------------ content


def test_content_decides_what_is_an_archive(write_dicom, packed, listed, tmp_path):
    film = write_dicom("film.zip", RAMP)
    archive = packed("archive.dcm", {"a": b"1"})
    assert listed(film, archive)[:2] == (["film.zip", "archive.dcm/a"], [])
    assert headers(film)[0].rows == 3


def test_a_film_whose_preamble_begins_like_an_archive_is_a_film(write_dicom, listed):
    film = write_dicom("film.dcm", RAMP)
    film.write_bytes(b"PK\x03\x04" + film.read_bytes()[4:])
    assert listed(film)[0] == ["film.dcm"]
    assert read_file(film).pixels[0, 3] == 3


def test_an_office_document_is_one_file(packed, listed):
    letter = packed("letter.docx", {"[Content_Types].xml": b"<x/>", "word/media/image1.png": b"1"})
    assert listed(letter)[0] == ["letter.docx"]
    with pytest.raises(UnsupportedFile, match="it is a ZIP archive or an office document"):
        headers(letter)


@pytest.mark.parametrize(
    ("head", "name"), [(b"Rar!\x1a\x07\x01", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"\x1f\x8b\x08", "gzip")]
)
def test_an_archive_of_another_kind_is_named(tmp_path, head, name):
    (tmp_path / "films.dcm").write_bytes(head + bytes(200))
    with pytest.raises(UnsupportedFile, match=f"it is a {name} archive, which is not looked into here: unpack it first"):
        headers(tmp_path / "films.dcm")


def test_a_film_without_preamble_or_with_another_suffix_opens_inside_an_archive(write_dicom, packed, listed):
    film = write_dicom("a.dcm", RAMP).read_bytes()
    archive = packed("a.zip", {"bare": film[132:], "letter.txt": film})
    assert [headers(archive / name)[0].columns for name in ("bare", "letter.txt")] == [4, 4]


# ----------------------------------------------------------------------------------------------------------- archives


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04rubbish", "a.zip could not be opened: it is a damaged ZIP archive, or only a part of one."),
        (b"PK\x05\x06" + bytes(18), "a.zip could not be opened: it is a ZIP archive with nothing in it."),
    ],
)
def test_an_archive_that_gives_nothing_says_so_and_leaves_the_rest_alone(write_dicom, listed, tmp_path, content, sentence):
    write_dicom("b", RAMP)
    (tmp_path / "a.zip").write_bytes(content)
    assert listed(tmp_path) == (["b"], [sentence], [])


def test_an_archive_in_an_archive_is_looked_into_once(packed, listed):
    inner = packed("inner.zip", {"film": b"1"}).read_bytes()
    outer = packed("outer.zip", {"inner.zip": inner, "z": b"1"}).read_bytes()
    third = packed("third.zip", {"outer.zip": outer})
    sentence = "inner.zip could not be opened: it is a ZIP archive two deep in others: unpack it first."
    assert listed(third) == (["third.zip/outer.zip/z"], [sentence], [])


def test_an_encrypted_archive_asks_and_asks_again(listed, tmp_path):
    (tmp_path / "a.zip").write_bytes(LETTER)
    assert listed(tmp_path, answers=["wrong", "geheim"]) == (["a.zip/letter.txt"], [], [False, True])
    assert listed(tmp_path)[2] == []


@pytest.mark.parametrize(
    ("answers", "fault", "asked"),
    [([], "no password was given", [False]), (["wrong"], "the password that was given does not fit", [False, True])],
)
def test_an_archive_whose_password_is_not_given_stays_shut(listed, tmp_path, answers, fault, asked):
    (tmp_path / "a.zip").write_bytes(LETTER)
    assert listed(tmp_path, answers=answers) == ([], [f"a.zip could not be opened: it is encrypted, and {fault}."], asked)


def test_a_password_set_before_the_next_listing_is_used(listed, tmp_path):
    (tmp_path / "a.zip").write_bytes(LETTER)
    listed(tmp_path)
    set_password(tmp_path / "a.zip", "geheim")
    assert listed(tmp_path) == (["a.zip/letter.txt"], [], [])


def test_what_is_not_encrypted_is_listed_without_a_password(listed, tmp_path):
    (tmp_path / "a.zip").write_bytes(LETTER)
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("film", b"1")
    assert listed(tmp_path)[0] == ["a.zip/film"]


# --------------------------------------------------------------------------------------------------------- one source


@pytest.mark.parametrize("read", [read_source, open_source, source_status])
@pytest.mark.parametrize("name", ["gone", "film/gone", "gone.zip/film"])
def test_what_is_not_there_is_said_by_every_door(write_dicom, tmp_path, read, name):
    write_dicom("film", RAMP)
    with pytest.raises(UnreadableFile, match="there is no such file"):
        read(tmp_path / name)


@pytest.mark.parametrize(("name", "reason"), [("a.zip/empty", r"it is empty \(0 bytes\)"), ("folder", "it is a folder")])
def test_what_is_no_film_by_its_size_or_kind_is_refused(packed, tmp_path, name, reason):
    packed("a.zip", {"empty": b""})
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnreadableFile, match=reason):
        source_status(tmp_path / name)


def test_every_film_of_a_disc_in_an_archive_is_the_film_of_the_disc(shared_dicom, listed, tmp_path):
    disc = shared_dicom / "derived" / "fileset" / "cd"
    shutil.make_archive(str(tmp_path / "cd"), "zip", disc)
    files, problems, _ = listed(tmp_path / "cd.zip")
    films = [name for name in files if not name.endswith("PR000000")]
    assert (len(files), len(films), problems) == (18, 17, [])
    for name in films:
        assert read_file(tmp_path / name).sha256 == read_file(disc / name.removeprefix("cd.zip/")).sha256
