"""Films inside ZIP archives: read where they lie, and archives that lie about themselves."""

import os
import shutil
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from viewer.errors import UnreadableFile
from viewer.imaging import archives, zip_directory
from viewer.imaging.archives import open_archive
from viewer.imaging.reader import headers, read_file
from viewer.imaging.sources import open_source, read_source, source_status

RAMP = np.arange(12, dtype=np.uint16).reshape(3, 4)
GIBIBYTE = 2**30


@pytest.fixture
def packed(tmp_path):
    """Return a writer of archives: name, then contents by member name; ``lies`` changes its list before it is closed."""

    def write(name, contents, lies=lambda infos: None, compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for member, content in contents:
                archive.writestr(member, content)
            lies(archive.filelist)
        return path

    return write


def noisy_film(write_dicom, seed=1):
    """Return a film of 200 by 200 pixels that does not shrink."""
    pixels = np.random.default_rng(seed).integers(0, 4096, (200, 200), dtype=np.uint16)
    return write_dicom(f"noise{seed}.dcm", pixels)


# ------------------------------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_film_in_an_archive_is_the_film_on_disk(write_dicom, packed, compression):
    film = noisy_film(write_dicom)
    path = packed("study.zip", [("CT/film.dcm", film.read_bytes())], compression=compression) / "CT" / "film.dcm"
    inside, outside = read_file(path), read_file(film)
    assert (inside.sha256, inside.instance.path) == (outside.sha256, path)
    assert np.array_equal(inside.pixels, outside.pixels)
    assert [record.key for record in headers(path)] == [f"{path}#0"]


def test_nothing_is_written_when_an_archive_is_read(write_dicom, packed, tmp_path, monkeypatch):
    path = packed("study.zip", [("film.dcm", noisy_film(write_dicom).read_bytes())])
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    read_file(path / "film.dcm")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_header_is_read_without_unpacking_the_pixels(write_dicom, packed):
    path = packed("study.zip", [("film.dcm", noisy_film(write_dicom).read_bytes())])
    content = bytearray(path.read_bytes())
    content[60_000] ^= 0xFF
    path.write_bytes(content)
    assert headers(path / "film.dcm")[0].rows == 200
    with pytest.raises(UnreadableFile, match=r"^film\.dcm could not be opened: it is damaged inside its ZIP archive\.$"):
        read_file(path / "film.dcm")


def test_a_member_can_be_sought_in_like_a_file(packed):
    path = packed("a.zip", [("digits", b"0123456789" * 5000)])
    with open_source(path / "digits") as stream:
        assert (stream.read(3), stream.seek(49_998), stream.read(), stream.read(1)) == (b"012", 49_998, b"89", b"")
        assert (stream.seek(-4, os.SEEK_END), stream.read(2), stream.tell()) == (49_996, b"67", 49_998)


def test_an_archive_that_changes_is_read_again(packed):
    path = packed("a.zip", [("a", b"before")])
    assert read_source(path / "a") == b"before"
    packed("a.zip", [("a", b"and after")])
    assert (read_source(path / "a"), source_status(path / "a")[0]) == (b"and after", 9)


def test_the_list_of_members_is_read_once_for_many(packed, monkeypatch):
    path = packed("a.zip", [(f"{n}", b"x%d" % n) for n in range(50)])
    read, lists = archives.members_of, []
    monkeypatch.setattr(archives, "members_of", lambda *given: lists.append(given) or read(*given))
    assert [read_source(path / f"{n}") for n in range(50)] == [b"x%d" % n for n in range(50)]
    assert len(lists) == 1


def test_two_threads_read_different_members_at_once(packed):
    contents = [(f"{n}", bytes([n]) * 10_000) for n in range(20)]
    paths = [packed(f"{name}.zip", contents) for name in "abcdef"]
    wanted = [(path / name, content) for name, content in contents for path in paths]
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda one: read_source(one[0]) == one[1], wanted))


def test_an_archive_may_be_taken_away_once_it_was_read(packed):
    path = packed("a.zip", [("a", b"1")])
    read_source(path / "a")
    path.unlink()
    with pytest.raises(UnreadableFile, match=r"^a could not be opened: there is no such file\.$"):
        read_source(path / "a")


def test_a_member_that_is_not_there_is_named_with_its_archive(packed):
    with pytest.raises(UnreadableFile, match=r"^b could not be opened: there is no such file in a\.zip\.$"):
        read_source(packed("a.zip", [("a", b"1")]) / "b")


def test_an_archive_inside_an_archive_is_read_too_but_no_deeper(packed):
    inner = packed("inner.zip", [("film", b"deep")])
    outer = packed("outer.zip", [("x/inner.zip", inner.read_bytes())])
    third = packed("third.zip", [("outer.zip", outer.read_bytes())])
    assert read_source(outer / "x" / "inner.zip" / "film") == b"deep"
    with pytest.raises(UnreadableFile, match="two deep in others: unpack it first"):
        open_archive(third / "outer.zip" / "x" / "inner.zip")


# -------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        ("CT/IM1", "CT/IM1"),
        ("CT\\IM1", "CT/IM1"),
        ("./CT//IM1", "CT/IM1"),
        ("../../secret.dcm", "secret.dcm"),
        ("a/../../secret.dcm", "secret.dcm"),
        ("/etc/passwd", "passwd"),
        ("C:\\films\\a.dcm", "a.dcm"),
        ("C:a.dcm", "C_a.dcm"),
        ("\\\\server\\share\\a.dcm", "a.dcm"),
        ("CT/.. /a.dcm", "CT/_/a.dcm"),
        ("CT/nul", "CT/_nul"),
        ("..", "unnamed"),
        ("a\x07b", "a_b"),
    ],
)
def test_a_name_never_leads_out_of_its_archive(packed, stated, shown):
    path = packed("a.zip", [("x", b"1")], lambda infos: setattr(infos[0], "filename", stated))
    assert list(open_archive(path).members) == [shown]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_all_there(packed):
    path = packed("a.zip", [("a.dcm", b"1"), ("a.dcm", b"2"), ("../a.dcm", b"3")])
    assert [read_source(path / name) for name in ("a.dcm", "a (2).dcm", "a (3).dcm")] == [b"1", b"2", b"3"]


def test_members_come_in_the_order_people_count(packed):
    path = packed("a.zip", [(name, b"1") for name in ("S10/IM1", "S2/IM10", "S2/IM9", "S2.txt", "a")])
    assert list(open_archive(path).members) == ["a", "S2/IM9", "S2/IM10", "S2.txt", "S10/IM1"]


# ------------------------------------------------------------------------------------------------------------- refused


def state(index=0, **stated):
    """Return a lie: what the list of an archive is to state of one of its members."""

    def lie(infos):
        for name, value in stated.items():
            setattr(infos[index], name, value)

    return lie


def overlap(infos):
    infos[1].header_offset = infos[0].header_offset


def fill_the_disk(infos):
    for info in infos:
        info.file_size, info.compress_size = 40 * GIBIBYTE, 40 * GIBIBYTE


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (state(file_size=2 * GIBIBYTE), "unpacked it would be more than 200 times as large"),
        (fill_the_disk, "unpacked it would fill more than 64 GiB"),
        (overlap, "it is a damaged ZIP archive: its files overlap"),
        (state(compress_size=500), "it is a damaged ZIP archive: its files overlap"),
        (state(1, header_offset=5000), "it is a damaged ZIP archive: its files overlap"),
    ],
)
def test_an_archive_that_states_what_none_holds_is_refused(packed, lie, reason):
    with pytest.raises(UnreadableFile, match=reason):
        open_archive(packed("bomb.zip", [("a", b"1" * 100), ("b", b"2" * 100)], lie))


def test_an_archive_of_too_many_members_is_refused(packed, monkeypatch):
    monkeypatch.setattr(zip_directory, "MOST_MEMBERS", 3)
    with pytest.raises(UnreadableFile, match="it states 4 files, and more than 3 are not opened at once"):
        open_archive(packed("bomb.zip", [(name, b"1") for name in "abcd"]))


def test_a_list_of_members_that_is_absurdly_long_is_not_read(packed, monkeypatch):
    path = packed("a.zip", [(name, b"1") for name in "abcd"])
    monkeypatch.setattr(zip_directory, "_LONGEST_DIRECTORY_BYTES", 150)
    with pytest.raises(UnreadableFile, match="a damaged ZIP archive, or only a part of one"):
        open_archive(path)


def test_no_more_is_unpacked_than_a_member_states(packed):
    path = packed("a.zip", [("a", b"1" * 50_000_000)], state(file_size=1000))
    open_archive(path)
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="it is damaged inside its ZIP archive"):
        read_source(path / "a")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10_000_000


@pytest.mark.parametrize("stated", [{"file_size": 101}, {"CRC": 1}])
def test_a_member_that_is_not_what_was_packed_is_refused(packed, stated):
    with pytest.raises(UnreadableFile, match="it is damaged inside its ZIP archive"):
        read_source(packed("a.zip", [("a", b"1" * 100)], state(**stated)) / "a")


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"file_size": 5 * GIBIBYTE, "compress_size": GIBIBYTE // 16}, "it is larger than 4 GiB"),
        ({"compress_type": 9}, r"it is compressed in a way this program does not read \(Deflate64\)"),
        ({"compress_type": 99, "flag_bits": 1}, "it is encrypted in a way this program does not know"),
        ({"external_attr": 0o120777 << 16}, "links inside ZIP archives are not followed"),
    ],
)
def test_a_member_that_cannot_be_read_says_why(packed, stated, reason):
    path = packed("a.zip", [("a", b"1" * 100)], state(**stated))
    if "file_size" in stated:
        stretch(path, GIBIBYTE // 16)
    with pytest.raises(UnreadableFile, match=reason):
        read_source(path / "a")


def stretch(path, size):
    """Put a hole before the list of members, so that a stated size fits into the archive."""
    content = path.read_bytes()
    at, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    with path.open("wb") as stream:
        stream.write(content[:at])
        stream.seek(at + size)
        stream.write(content[at : end + 16] + (at + size).to_bytes(4, "little") + content[end + 20 :])


@pytest.mark.parametrize("length", [10, 60, 150])
def test_a_part_of_an_archive_is_refused_as_one(packed, length):
    path = packed("a.zip", [("a", b"1" * 100), ("b", b"1")])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UnreadableFile, match=r"^a\.zip could not be opened: it is a damaged ZIP archive, or only a part"):
        open_archive(path)


def test_a_copy_of_an_archive_is_another_archive(packed, tmp_path):
    path = packed("a.zip", [("a", b"1")])
    shutil.copy(path, tmp_path / "b.zip")
    assert read_source(tmp_path / "b.zip" / "a") == read_source(path / "a")
