"""Copies of a film are found under another name, file and crop; films that only look alike are not."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

from inference.dataset import Sample, read_manifest
from inference.duplicates import (
    BLOCK,
    CANDIDATE,
    duplicate_pairs,
    near_duplicates,
    patient_groups,
    refuse_duplicates,
    thumbnails,
)
from inference.errors import DatasetError

Picture = PillowImage.Image
Change = Callable[[Picture], Picture]


def texture(seed: int) -> npt.NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, 1, (40, 35)).astype(np.float32)
    return np.asarray(PillowImage.fromarray(noise).resize((280, 320), PillowImage.Resampling.BICUBIC))


def chest(seed: int, shared: float = 0.0) -> Picture:
    """Return a film like every other from afar, two dark lungs, with a texture of its own but for the ``shared`` part."""
    rows, columns = np.mgrid[-1:1:320j, -1:1:280j]
    lungs = np.exp(-(((np.abs(columns) - 0.45) / 0.3) ** 4) - (rows / 0.7) ** 4)
    grey = 190 - 140 * lungs + 12 * (np.sqrt(1 - shared) * texture(seed) + np.sqrt(shared) * texture(99))
    return PillowImage.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    return lambda film: film.crop(
        (
            round(film.width * left),
            round(film.height * top),
            round(film.width * (1 - right)),
            round(film.height * (1 - bottom)),
        )
    )


def mapped(grey: Callable[[int], float]) -> Change:
    return lambda film: film.point([round(min(255.0, max(0.0, grey(value)))) for value in range(256)])


def labelled(film: Picture) -> Picture:
    film = film.copy()
    film.paste(255, (round(film.width * 0.05), round(film.height * 0.05), round(film.width * 0.2), round(film.height * 0.12)))
    return film


CHANGES: dict[str, Change] = {
    "3 % off the top": cropped(0, 0.03, 0, 0),
    "3 % off the left": cropped(0.03, 0, 0, 0),
    "3 % off each side": cropped(0.03, 0.03, 0.03, 0.03),
    "3 % of the length and width": cropped(0.015, 0.015, 0.015, 0.015),
    "a white label": labelled,
    "brighter": mapped(lambda v: v * 1.2),
    "less contrast": mapped(lambda v: 40 + 0.7 * v),
    "gamma": mapped(lambda v: 255 * (v / 255) ** 1.5),
    "half the size": lambda film: film.resize((film.width // 2, film.height // 2)),
    "stretched": lambda film: film.resize((film.width, film.height * 11 // 10)),
}


def save(film: Picture, path: Path, **options: int) -> Sample:
    film.save(path, **options)
    return Sample(path, hashlib.sha256(path.read_bytes()).hexdigest(), "x", "train", path.stem)


def save_all(folder: Path, *films: Picture) -> list[Sample]:
    return [save(film, folder / f"{number}.png") for number, film in enumerate(films)]


def named(patient: str, sha256: str, origin: str = "") -> Sample:
    return Sample(Path(f"{patient}.png"), sha256, "x", "", patient, origin_sha256=origin)


def without_look(count: int) -> npt.NDArray[np.float32]:
    return np.zeros((count, 48 * 48), dtype=np.float32)


# Thumbnails


def test_a_thumbnail_has_mean_0_and_norm_1_and_a_film_of_one_grey_is_0(tmp_path: Path) -> None:
    thumbs = thumbnails(save_all(tmp_path, chest(1), PillowImage.new("L", (60, 50), 90)))
    assert (thumbs.shape, thumbs.dtype) == ((2, 48 * 48), np.float32)
    assert abs(float(thumbs[0].mean())) < 1e-6
    assert np.linalg.norm(thumbs, axis=1) == pytest.approx([1, 0])


def test_near_duplicates_are_found_within_and_across_blocks() -> None:
    thumbs = np.random.default_rng(0).normal(size=(BLOCK + 90, 48 * 48)).astype(np.float32)
    thumbs[BLOCK + 20] = thumbs[3]
    thumbs[BLOCK + 5] = thumbs[BLOCK + 4]
    thumbs[7] = -thumbs[6]
    thumbs /= np.linalg.norm(thumbs, axis=1, keepdims=True)
    assert near_duplicates(thumbs) == [(3, BLOCK + 20), (BLOCK + 4, BLOCK + 5)]


def test_the_threshold_is_the_normalised_cross_correlation(tmp_path: Path) -> None:
    thumbs = thumbnails(save_all(tmp_path, chest(1), chest(2)))
    likeness = float(np.corrcoef(thumbs)[0, 1])
    assert near_duplicates(thumbs, likeness - 0.001) == [(0, 1)]
    assert near_duplicates(thumbs, likeness + 0.001) == []


# Copies by look


def test_films_that_look_alike_from_afar_are_no_copies(tmp_path: Path) -> None:
    samples = save_all(tmp_path, *(chest(seed) for seed in range(6)))
    assert len(near_duplicates(thumbnails(samples), CANDIDATE)) == 15
    assert duplicate_pairs(samples) == []


def test_films_that_share_most_of_their_detail_are_no_copies(tmp_path: Path) -> None:
    """Ribs lie much alike in everybody."""
    samples = save_all(tmp_path, *(chest(seed, shared=0.65) for seed in range(4)))
    assert duplicate_pairs(samples) == []


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_copy_is_found_among_films_that_look_alike(tmp_path: Path, change: Change) -> None:
    samples = save_all(tmp_path, chest(1), chest(2), change(chest(1)), chest(3))
    assert duplicate_pairs(samples) == [(0, 2)]


def test_a_copy_under_a_caption_is_found(tmp_path: Path) -> None:
    """Its thumbnail is less like it than those of other films."""
    captioned = chest(1)
    captioned.paste(0, (0, captioned.height * 24 // 25, captioned.width // 2, captioned.height))
    samples = save_all(tmp_path, chest(1), chest(2), captioned)
    assert near_duplicates(thumbnails(samples)) == [(0, 1)]
    assert duplicate_pairs(samples) == [(0, 2)]


def test_a_copy_of_poor_quality_is_found(tmp_path: Path) -> None:
    samples = [*save_all(tmp_path, chest(1), chest(2)), save(chest(2), tmp_path / "copy.jpg", quality=30)]
    assert duplicate_pairs(samples) == [(1, 2)]


def test_thumbnails_at_hand_are_not_made_again(tmp_path: Path) -> None:
    samples = save_all(tmp_path, chest(1), chest(1).resize((140, 160)))
    assert duplicate_pairs(samples, thumbnails(samples)) == [(0, 1)]
    assert duplicate_pairs(samples, without_look(2)) == []


def test_a_film_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"^The film broken\.png could not be read"):
        duplicate_pairs([Sample(tmp_path / "broken.png", "a", "x", "", "p")])


# Copies by hash, and groups


def test_one_file_or_one_original_file_makes_a_pair() -> None:
    samples = [named("a", "1"), named("b", "2", "9"), named("c", "1"), named("d", "4", "9"), named("e", "9"), named("f", "5")]
    assert duplicate_pairs(samples, without_look(6)) == [(0, 2), (1, 3), (1, 4), (3, 4)]


def test_groups_join_patients_in_chains_under_the_smallest_name() -> None:
    samples = [named(patient, str(n)) for n, patient in enumerate("dbcadeb")]
    assert patient_groups(samples, []) == tuple("dbcadeb")
    assert patient_groups(samples, [(0, 1), (6, 2)]) == tuple("bbbabeb")
    assert patient_groups(samples, [(0, 1), (6, 2), (5, 3), (3, 2)]) == tuple("aaaaaaa")


# Divisions


def test_a_copy_on_both_sides_is_refused_by_name(tmp_path: Path) -> None:
    first, other, copy = save_all(tmp_path, chest(1), chest(2), chest(1).resize((200, 220)))
    text = (
        r"^1 film held out for judging is also among the training films, as the same file or a copy \(training and held "
        r"out: 0\.png and 2\.png\); keep each film on one side\.$"
    )
    with pytest.raises(DatasetError, match=text):
        refuse_duplicates([first, other], [copy])
    refuse_duplicates([first, copy], [other])


def test_three_of_many_copies_are_named() -> None:
    training, held_out = [[named(f"{side}{n}", str(n)) for n in range(5)] for side in "th"]
    known = list(zip(held_out, training, strict=True))
    with pytest.raises(DatasetError, match=r"^5 films held .* are .*: t0\.png and h0\.png; .*; t2\.png and h2\.png; \.\.\.\)"):
        refuse_duplicates(training, held_out, known)


def test_known_pairs_count_across_sides_only() -> None:
    a, b, c, d = (named(name, name) for name in "abcd")
    refuse_duplicates([a, b], [c], known=[(a, b), (c, d)])
    with pytest.raises(DatasetError, match=r"a\.png and c\.png"):
        refuse_duplicates([a, b], [c], known=[(c, a)])


# Real films


def read_all(folder: Path, name: str) -> tuple[Sample, ...]:
    path = next(folder.rglob(name))
    with path.open(newline="", encoding="utf-8") as stream:
        labels = sorted({row["label"] for row in csv.DictReader(stream)})
    return read_manifest(path, labels)


def counts(samples: Sequence[Sample]) -> tuple[int, int, int]:
    pairs = [(samples[i], samples[j]) for i, j in duplicate_pairs(samples)]
    apart = [(a, b) for a, b in pairs if a.patient != b.patient]
    return len(apart), sum(a.split != b.split for a, b in apart), sum(a.label != b.label for a, b in apart)


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [("D_188.csv", (2, 0, 0)), ("E_142v142.csv", (6, 3, 0)), ("C_official425_118_203.csv", (2, 2, 2))],
)
def test_copies_under_two_patients_in_public_films(shared_data: Path, manifest: str, expected: tuple[int, ...]) -> None:
    """Pairs of two patients; of them across parts; of them across classes. All were looked at."""
    assert counts(read_all(shared_data, manifest)) == expected


def test_changed_copies_of_public_films_are_found(shared_data: Path, tmp_path: Path) -> None:
    films = read_all(shared_data, "pool_cxr3.csv")[::150]
    copies = []
    for number, sample in enumerate(films):
        with PillowImage.open(sample.path) as film:
            for name, change in CHANGES.items():
                copies.append(
                    replace(save(change(film), tmp_path / f"{number}-{name}.jpg", quality=60), patient=sample.patient)
                )
    samples = (*films, *copies)
    found = {(i, j) for i, j in duplicate_pairs(samples) if i < len(films) <= j}
    assert found == {(k // len(CHANGES), len(films) + k) for k in range(len(copies))}
