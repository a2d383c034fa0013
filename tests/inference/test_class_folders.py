"""Folders named after classes: what is a class, a film and a patient, and what is refused in a sentence."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from inference.class_folders import ClassFolders, read_class_folders, refuse_thin_classes
from inference.dataset import Sample
from inference.errors import DatasetError


def place(folder: Path, *names: str) -> Path:
    """Write films of different greys under these names, and text where the name is no picture's."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in (".txt", ".csv", ""):
            path.write_text("no film")
        else:
            digest = hashlib.sha256(name.encode()).digest()
            PillowImage.frombytes("L", (8, 4), digest).save(path, "TIFF" if path.suffix == ".TIF" else None)
    return folder


def read(folder: Path, *names: str) -> ClassFolders:
    return read_class_folders(place(folder, *names))


def whose(found: ClassFolders, folder: Path) -> dict[str, tuple[str, str]]:
    return {s.path.relative_to(folder).as_posix(): (s.label, s.patient) for s in found.samples}


def samples(**patients: str) -> list[Sample]:
    return [Sample(Path("x.png"), "0", label, "", p) for label, own in patients.items() for p in own]


# What is read


def test_each_folder_is_a_class_and_each_film_in_it_a_patient(tmp_path: Path) -> None:
    found = read(tmp_path, "normal/a.png", "normal/b.jpg", "covid/a.bmp", "covid/b.webp", "covid/c.TIF")
    assert found.classes == ("covid", "normal")
    assert whose(found, tmp_path)["normal/b.jpg"] == ("normal", "normal/b.jpg")
    assert len({s.patient for s in found.samples}) == len(found.samples) == 5
    assert found.notes[0].startswith("The patients could not be told apart: each film counts as a patient of its own")


def test_the_hash_is_that_of_the_file_and_the_part_is_empty(tmp_path: Path) -> None:
    for sample in read(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png").samples:
        assert (sample.sha256, sample.split) == (hashlib.sha256(sample.path.read_bytes()).hexdigest(), "")


def test_a_folder_in_a_class_is_a_patient_the_same_in_each_class(tmp_path: Path) -> None:
    found = read(tmp_path, "a/p1/1.png", "a/p1/day 2/ap/1.png", "a/p2/1.png", "b/p1/3.png", "b/p3/1.png")
    assert [s.patient for s in found.samples] == ["p1", "p1", "p2", "p1", "p3"]
    assert found.notes == ()


def test_films_with_and_without_a_patient_may_lie_side_by_side(tmp_path: Path) -> None:
    found = read(tmp_path, "a/p1/1.png", "a/1.png", "b/p1/2.png", "b/p2/1.png")
    assert {s.patient for s in found.samples} == {"p1", "a/1.png", "p2"}
    assert found.notes[0].startswith("The patients of 1 of 4 films could not be told apart")


def test_other_and_hidden_files_are_left_out_and_the_others_told(tmp_path: Path) -> None:
    films = ("a/1.png", "a/2.png", "b/1.png", "b/2.png")
    found = read(tmp_path, *films, "a/.thumb.png", ".git/1.png", "__MACOSX/1.png", "b/list.csv", "b/p/notes.txt", "b/README")
    assert len(found.samples) == 4
    assert found.skipped == ("3 files were left out, being no PNG, JPEG, TIFF, BMP or WebP (.csv, .txt, without ending).",)


def test_an_exact_copy_in_its_class_is_taken_once(tmp_path: Path) -> None:
    place(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    (tmp_path / "a/1 (copy).png").write_bytes((tmp_path / "a/1.png").read_bytes())
    found = read_class_folders(tmp_path)
    assert len(found.samples) == 4
    assert found.skipped == ("1 file was left out: exact copies of others in the same class.",)


def test_class_names_can_name_files_and_titles_stay_as_they_were(tmp_path: Path) -> None:
    found = read(tmp_path, *(f"{name}/{n}.png" for name in ("Épanchement (viral)", "COVID-19", "no finding") for n in "12"))
    assert found.classes == ("COVID-19", "Epanchement_viral", "no_finding")
    assert found.titles == ("COVID-19", "Épanchement (viral)", "no finding")
    assert {s.label for s in found.samples} == set(found.classes)


def test_links_that_go_round_are_not_followed(tmp_path: Path) -> None:
    folder = place(tmp_path / "films", "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    (folder / "a" / "round").symlink_to(folder)
    (folder / "whole").symlink_to(folder)
    (folder / "above").symlink_to(tmp_path)
    assert len(read_class_folders(folder).samples) == 4


def test_a_class_may_be_a_link_to_a_folder_elsewhere(tmp_path: Path) -> None:
    place(tmp_path, "films/a/1.png", "films/a/2.png", "elsewhere/1.png", "elsewhere/2.png")
    (tmp_path / "films/b").symlink_to(tmp_path / "elsewhere")
    found = read_class_folders(tmp_path / "films")
    assert [s.patient for s in found.samples] == ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]


# What is refused

REFUSALS = {
    "one class": (("a/1.png", "a/2.png", ".b/1.png"), "The folder films has 1 class folders; it must have one for each of two"),
    "an empty class": (
        ("a/1.png", "a/2.png", "b/list.txt"),
        "The folder b holds no film: no PNG, JPEG, TIFF, BMP or WebP file",
    ),
    "one patient": (
        ("a/1.png", "a/2.png", "b/p/1.png", "b/p/2.png"),
        "The class b has films of one patient only; it cannot be both learned and judged.",
    ),
    "names that collide": (
        ("viral (1)/1.png", "Viral 1/1.png"),
        "The folders Viral 1 and viral (1) would both be the class viral_1; rename one of them.",
    ),
    "no usable name": (("a/1.png", "肺炎/1.png"), "The folder name 肺炎 cannot be the name of a class; rename it with"),
    "a name of Windows": (("a/1.png", "con/1.png"), "The folder name con cannot be the name of a class"),
    "parts": (
        ("train/a/1.png", "train/b/1.png", "Test/a/2.png", "Test/b/2.png"),
        "The folders Test and train in films are parts of a division, not classes; choose a folder whose folders are classes.",
    ),
    "kinds of files": (
        ("a/images/1.png", "a/masks/1.png", "b/images/1.png", "b/masks/1.png"),
        "Each class folder holds the same 2 folders (images, masks), which can be no patients; put the films into",
    ),
}


@pytest.mark.parametrize(("names", "text"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_learned_from_is_refused(tmp_path: Path, names: tuple[str, ...], text: str) -> None:
    with pytest.raises(DatasetError, match=f"^{re.escape(text)}"):
        read(tmp_path / "films", *names)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    place(tmp_path, "a.png")
    for name in ("a.png", "nowhere"):
        with pytest.raises(DatasetError, match=rf"^{name} is not a folder; choose the folder that holds one folder of films"):
            read_class_folders(tmp_path / name)


def test_a_film_in_two_classes_is_refused(tmp_path: Path) -> None:
    place(tmp_path, "a/1.png", "a/2.png", "b/1.png")
    (tmp_path / "b/3.png").write_bytes((tmp_path / "a/2.png").read_bytes())
    with pytest.raises(DatasetError, match=r"^The film 3\.png of the class b is also in the class a, as 2\.png;"):
        read_class_folders(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"BM" + bytes(60), None])
def test_a_film_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    place(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    broken = (tmp_path / "a/1.png").read_bytes()[:-30] if content is None else content
    (tmp_path / "b/broken.png").write_bytes(broken)
    with pytest.raises(DatasetError, match=r"^The film broken\.png could not be read for training \("):
        read_class_folders(tmp_path)


def test_a_picture_too_large_to_be_a_film_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(DatasetError, match=r"^The film 1\.png could not be read for training \(DecompressionBombError\)\.$"):
        read(tmp_path, "a/1.png", "b/1.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the owner of the machine may open every folder")
def test_a_closed_folder_is_named(tmp_path: Path) -> None:
    place(tmp_path, "a/1.png", "a/closed/2.png", "b/1.png")
    (tmp_path / "a/closed").chmod(0)
    try:
        with pytest.raises(DatasetError, match=r"^The folder closed could not be opened: Permission denied\.$"):
            read_class_folders(tmp_path)
    finally:
        (tmp_path / "a/closed").chmod(0o700)


# Thin classes


@pytest.mark.parametrize(
    ("patients", "folds", "text"),
    [
        ({"a": "pqr"}, 2, "The class b has no film."),
        ({"a": "pqr", "b": "ss"}, 2, "The class b has films of one patient only; it cannot be both learned and judged."),
        ({"a": "pqrst", "b": "uvw"}, 5, "The class b has films of 3 patients, which cannot be divided into 5 folds; ask for 3"),
        ({"a": "pqrst", "b": "uv"}, 3, "The class b has films of 2 patients, which cannot be divided into 3 folds; ask for 2"),
    ],
)
def test_a_thin_class_is_refused(patients: dict[str, str], folds: int, text: str) -> None:
    with pytest.raises(DatasetError, match=f"^{re.escape(text)}"):
        refuse_thin_classes(samples(**patients), ("a", "b"), folds)


def test_as_many_patients_as_folds_are_enough() -> None:
    refuse_thin_classes(samples(a="pqrst", b="uvw"), ("a", "b"), 3)


def test_copies_under_two_patients_count_as_one() -> None:
    with pytest.raises(DatasetError, match=r"^The class b has films of one patient only"):
        refuse_thin_classes(samples(a="pq", b="uv"), ("a", "b"), 2, groups=("p", "q", "u", "u"))
