"""The lungs on a film: the square, the pieces, the training on films that are drawn here, the network that ships."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from inference.bundle import list_bundles
from inference.errors import BundleError, DatasetError, TrainingError
from inference.lungs.augmentation import augment_lungs
from inference.lungs.films import (
    LungFilm,
    Placement,
    digest_of,
    divide,
    place,
    put_on_square,
    read_masked_films,
    read_synthetic_films,
    read_unmasked_films,
)
from inference.lungs.folder import add_to_card, lung_card, make_lung_folder, write_lung_folder
from inference.lungs.network import LungNetwork
from inference.lungs.plausible import NOTHING, ONE_PIECE, STACKED, UNEQUAL, UNSURE, find_both_lungs
from inference.lungs.segment import LungFinder, fill_lung_network, lung_map, read_lung_card
from inference.lungs.train import LungTraining, dice, judge_lungs, lung_loss, train_lungs
from inference.train import round_weights

SHIPPED = Path(__file__).resolve().parents[2] / "resources" / "models" / "lungs"
WHOLE = Placement(0, 0, 128, 128)
SHORT = LungTraining(first_steps=45, second_steps=4, masked=4, masked_later=2, unmasked_later=1, first_rate=5e-3)


def ellipse(shape, row, column, tall, wide):
    """Return bool, True inside an ellipse whose centre and half axes are parts of the picture's sides."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return ((y / shape[0] - row) / tall) ** 2 + ((x / shape[1] - column) / wide) ** 2 < 1


def drawn_chest(seed, shape=(150, 130)):
    """Return a grey film with two dark ellipses on a light body, and where they are."""
    random = np.random.default_rng(seed)
    jitter = random.uniform(-0.04, 0.04, 4)
    lungs = ellipse(shape, 0.48 + jitter[0], 0.29 + jitter[1], 0.32, 0.15)
    lungs |= ellipse(shape, 0.48 + jitter[0], 0.71 + jitter[2], 0.30, 0.15)
    grey = random.normal(150, 12, shape) - 85 * lungs
    return grey.clip(0, 255).astype(np.uint8), lungs


def drawn_film(seed):
    grey, lungs = drawn_chest(seed)
    where = place(*grey.shape)
    mask = put_on_square(lungs.astype(np.uint8) * 255, where)
    return LungFilm(f"{seed}.png", put_on_square(grey, where), mask, where, f"patient-{seed // 2}", f"{seed:064d}", "PA")


def write_world(folder, films=6):
    """Write drawn films and masks with the three manifests; the last two films have no mask."""
    pool, masks = [], []
    for number in range(films):
        grey, lungs = drawn_chest(number)
        PillowImage.fromarray(grey).save(folder / f"film-{number}.png")
        PillowImage.fromarray(lungs.astype(np.uint8) * 255).save(folder / f"mask-{number}.png")
        pool.append([f"film-{number}.png", f"patient-{number // 2}", "PA"])
        masks.append([f"film-{number}.png", f"mask-{number}.png"])
    for name, head, rows in (
        ("pool_cxr3.csv", ["file", "patient", "view"], pool),
        ("lung_masks.csv", ["file", "mask"], masks[:-2]),
        ("extra_tb.csv", ["file", "patient"], [["film-5.png", "somebody"]]),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([head, *rows])


@pytest.fixture(scope="module")
def trained(finish):
    """Return weights that have seen ten drawn films for a few seconds."""
    films = [drawn_film(n) for n in range(10)]
    return finish(train_lungs(films, films[:1], films[8:], SHORT))


@pytest.fixture(scope="module")
def own_folder(trained, tmp_path_factory):
    films = tuple(drawn_film(n) for n in range(20, 24))
    folder = tmp_path_factory.mktemp("lungs")
    write_lung_folder(folder, trained, lung_card(trained, films[:2], films[2:], (), SHORT))
    return folder


@pytest.fixture
def two_lungs():
    """Return a map of two clear lungs on a film that fills the square."""
    shape = (128, 128)
    return (0.98 * (ellipse(shape, 0.5, 0.3, 0.3, 0.14) | ellipse(shape, 0.5, 0.7, 0.3, 0.14))).astype(np.float32)


# The network and its square


def test_the_network_answers_every_pixel_and_has_less_than_a_million_numbers():
    network = LungNetwork().eval()
    assert network(torch.zeros(2, 1, 64, 96)).shape == (2, 1, 64, 96)
    assert sum(p.numel() for p in network.parameters()) == 617_220


def test_a_film_keeps_its_proportions_on_the_square():
    assert place(3000, 2400) == Placement(0, 13, 128, 102)
    assert place(100, 400) == Placement(48, 0, 32, 128)


def test_a_pixel_that_is_higher_than_wide_makes_the_film_higher():
    assert place(100, 200, aspect_ratio=2.0) == Placement(0, 0, 128, 128)


def test_beside_the_film_the_square_is_black():
    square = put_on_square(np.full((100, 50), 200, np.uint8), place(100, 50))
    assert square[:, 32:96].min() == 200
    assert square[:, :32].max() == square[:, 96:].max() == 0


# The films it learns from


def test_films_and_masks_are_joined_with_whose_they_are(tmp_path):
    write_world(tmp_path)
    films = read_masked_films(tmp_path)
    assert [(f.name, f.patient, f.view) for f in films[1:3]] == [
        ("film-1.png", "patient-0", "PA"),
        ("film-2.png", "patient-1", "PA"),
    ]
    assert films[0].mask.max() == 255
    assert len({f.digest for f in films}) == 4


def test_films_without_masks_are_of_other_patients(tmp_path):
    write_world(tmp_path)
    found = read_unmasked_films(tmp_path, read_masked_films(tmp_path))
    assert [(f.name, f.patient, f.mask) for f in found] == [
        ("film-4.png", "patient-2", None),
        ("film-5.png", "patient-2", None),
        ("film-5.png", "somebody", None),
    ]


def test_a_film_whose_patient_is_unknown_is_refused(tmp_path):
    write_world(tmp_path)
    (tmp_path / "pool_cxr3.csv").write_text("file,patient\nfilm-0.png,a\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"film-1\.png, whose patient pool_cxr3\.csv does not say"):
        read_masked_films(tmp_path)


def test_a_mask_of_another_size_is_refused(tmp_path):
    write_world(tmp_path)
    PillowImage.new("L", (10, 10)).save(tmp_path / "mask-2.png")
    with pytest.raises(DatasetError, match=r"mask-2\.png is \(10, 10\) and its film \(150, 130\)"):
        read_masked_films(tmp_path)


def test_a_table_without_its_columns_is_refused(tmp_path):
    write_world(tmp_path)
    (tmp_path / "lung_masks.csv").write_text("film\na\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="lacks the columns file, mask"):
        read_masked_films(tmp_path)


def test_patients_stand_on_one_side_only():
    films = [drawn_film(n) for n in range(12)]
    training, held_out = divide(films, 0.25)
    assert len(held_out) == 4
    assert not {f.patient for f in training} & {f.patient for f in held_out}
    assert len(training) + len(held_out) == 12


def test_one_patient_cannot_be_divided():
    with pytest.raises(DatasetError, match="one patient"):
        divide([drawn_film(0), drawn_film(1)], 0.25)


def test_the_digest_of_films_does_not_know_their_order_but_each_of_them():
    films = [drawn_film(n) for n in range(3)]
    assert digest_of(films) == digest_of(films[::-1]) != digest_of(films[:2])


# Random changes


def test_film_and_mask_are_changed_alike():
    film = drawn_film(3)
    mask = torch.from_numpy(film.mask)[None, None].float() / 255
    films, masks = augment_lungs((1 - mask).repeat(8, 1, 1, 1), mask.repeat(8, 1, 1, 1), torch.Generator().manual_seed(0))
    inside, outside = films[masks > 0.99].mean(), films[(masks < 0.01) & (films > films.min() + 0.1)].mean()
    assert not torch.allclose(masks[0], masks[1])
    assert float(inside) < float(outside) - 0.5


def test_a_changed_film_is_standardised():
    film = torch.from_numpy(drawn_film(3).grey)[None, None].float() / 255
    changed, _ = augment_lungs(film, film, torch.Generator().manual_seed(1))
    assert float(changed.mean()) == pytest.approx(0, abs=1e-4)
    assert float(changed.std()) == pytest.approx(1, abs=1e-2)


# What looks like two lungs


def test_two_pieces_side_by_side_are_lungs(two_lungs):
    found = find_both_lungs(two_lungs, WHOLE)
    assert found.reason == ""
    assert found.area_share == pytest.approx(2 * np.pi * 0.3 * 0.14, rel=0.02)


def test_an_empty_map_has_no_lungs():
    assert find_both_lungs(np.zeros((128, 128), np.float32), WHOLE).reason == NOTHING


def test_one_lung_alone_is_not_enough(two_lungs):
    two_lungs[:, :64] = 0
    assert find_both_lungs(two_lungs, WHOLE).reason == ONE_PIECE


def test_a_crumb_beside_a_lung_is_no_second_lung(two_lungs):
    two_lungs[:58, :64] = 0
    two_lungs[68:, :64] = 0
    assert find_both_lungs(two_lungs, WHOLE).reason == UNEQUAL


def test_pieces_above_each_other_are_no_lungs(two_lungs):
    assert find_both_lungs(two_lungs.T.copy(), WHOLE).reason == STACKED


def test_a_map_without_conviction_is_no_finding(two_lungs):
    assert find_both_lungs(two_lungs * 0.7, WHOLE).reason == UNSURE


def test_what_fills_the_film_is_not_two_lungs():
    found = find_both_lungs(np.ones((128, 128), np.float32), WHOLE)
    assert found.reason == "what looks like lung fills 100% of this film, which two lungs do not"


def test_crumbs_are_left_out_and_holes_are_filled(two_lungs):
    two_lungs[2:5, 2:5] = 1
    two_lungs[60:64, 36:40] = 0
    kept = find_both_lungs(two_lungs, WHOLE).kept
    assert not kept[3, 3]
    assert kept[62, 38]


def test_a_third_piece_is_kept_between_the_lungs_and_left_out_beside_them(two_lungs):
    two_lungs[40:66, 60:69] = 0.98
    two_lungs[108:126, 112:126] = 0.98
    found = find_both_lungs(two_lungs, WHOLE)
    assert found.reason == ""
    assert (found.kept[50, 64], found.kept[120, 120]) == (True, False)


# Training and judging


def test_dice_is_twice_the_common_area_over_both():
    first, second = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 1], bool)
    assert dice(first, second) == pytest.approx(0.4)
    assert dice(first & False, second & False) == 1.0


def test_the_loss_falls_to_nothing_with_the_right_answer():
    mask = (torch.arange(64).view(1, 1, 8, 8) % 2).float()
    assert float(lung_loss(40 * mask - 20, mask)) == pytest.approx(0, abs=1e-4)
    assert float(lung_loss(20 - 40 * mask, mask)) > 10


def test_it_learns_lungs_that_are_drawn(trained):
    found = judge_lungs(fill_lung_network(trained), [drawn_film(n) for n in range(30, 36)])
    assert found["mean"] > 0.85
    assert (found["films"], found["patients"]) == (6, 3)
    assert found["low"] <= found["mean"] <= found["high"]


def test_weights_are_in_half_precision_and_small(trained):
    assert trained["head.weight"].dtype == torch.float16
    assert sum(t.nbytes for t in trained.values()) < 4_000_000


def test_nothing_to_learn_from_is_said(finish):
    with pytest.raises(TrainingError, match="no film with a lung mask"):
        finish(train_lungs([], [], [], SHORT))


def test_a_folder_is_made_from_a_folder_of_films(tmp_path, finish):
    write_world(tmp_path)
    how = replace(SHORT, first_steps=1, second_steps=1, held_out_share=0.5)
    card = finish(make_lung_folder(tmp_path, tmp_path / "none", tmp_path / "out", how))
    assert card["films"]["training"]["films"] == card["films"]["held_out"]["films"] == 2
    assert card["metrics"]["dice_synthetic"] is None
    assert read_lung_card(tmp_path / "out") == json.loads(json.dumps(card))


# Finding them on a film


def test_lungs_are_found_at_the_film_s_own_size(own_folder):
    grey, lungs = drawn_chest(40, (450, 390))
    found = LungFinder(own_folder).find(grey)
    assert found.found, found.reason
    assert found.probability.shape == (450, 390)
    assert dice(found.mask, lungs) > 0.85


def test_where_no_lungs_are_the_map_is_empty_and_a_reason_is_given(own_folder):
    found = LungFinder(own_folder).find(np.full((200, 160), 90, np.uint8))
    assert (found.found, found.mask.any()) == (False, False)
    assert found.reason


def test_the_mirror_image_has_the_mirrored_lungs(own_folder):
    grey = drawn_film(41).grey
    network = LungFinder(own_folder)._network
    assert lung_map(network, grey[:, ::-1].copy()) == pytest.approx(lung_map(network, grey)[:, ::-1], abs=1e-4)


def test_weights_of_another_training_are_refused(own_folder, tmp_path):
    folder = Path(shutil.copytree(own_folder, tmp_path / "lungs"))
    content = bytearray((folder / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(bytes(content))
    with pytest.raises(BundleError, match="not the one its card describes"):
        LungFinder(folder)


def test_a_folder_without_a_network_is_refused(tmp_path):
    with pytest.raises(BundleError, match="could not be read"):
        LungFinder(tmp_path)


def test_weights_that_do_not_fit_are_refused(trained):
    with pytest.raises(BundleError, match="do not fit"):
        fill_lung_network(round_weights({"head.weight": trained["head.weight"]}))


def test_more_can_be_put_on_the_card(own_folder, tmp_path):
    folder = Path(shutil.copytree(own_folder, tmp_path / "lungs"))
    add_to_card(folder, "audit", {"limits": {}})
    assert read_lung_card(folder)["audit"] == {"limits": {}}


def test_the_lung_network_is_no_model_that_can_be_chosen(own_folder, tmp_path):
    shutil.copytree(own_folder, tmp_path / "lungs")
    assert list_bundles(tmp_path) == []


# The network that ships


@pytest.fixture(scope="module")
def shipped():
    return LungFinder(SHIPPED)


def test_what_ships_is_small_and_says_how_good_it_is(shipped):
    assert (SHIPPED / "weights.safetensors").stat().st_size < 4_000_000
    held_out = shipped.card["metrics"]["dice_held_out"]
    assert held_out["mean"] >= 0.94
    assert held_out["low"] < held_out["mean"] < held_out["high"]


def test_noise_and_a_page_of_text_have_no_lungs(shipped):
    page = np.full((400, 300), 250, np.uint8)
    page[20:380:12, 30:270] = 20
    noise = np.random.default_rng(0).integers(0, 255, (400, 300), dtype=np.uint8)
    assert [shipped.find(picture).found for picture in (page, noise)] == [False, False]


def test_what_ships_finds_the_lungs_of_masked_films(shipped, shared_data):
    films = divide(read_masked_films(shared_data), 0.25)[1][:5]
    answers = [shipped.find(film.grey) for film in films]
    assert all(answer.found for answer in answers)
    assert np.mean([dice(a.mask, f.mask >= 128) for a, f in zip(answers, films, strict=True)]) > 0.92


def test_synthetic_films_are_read_with_their_masks(tmp_path):
    grey, lungs = drawn_chest(0)
    PillowImage.fromarray(grey).save(tmp_path / "a.png")
    PillowImage.fromarray(lungs.astype(np.uint8) * 255).save(tmp_path / "a-lungs.png")
    (film,) = read_synthetic_films(tmp_path)
    assert (film.name, film.patient, int(film.mask.max())) == ("a.png", "synthetic", 255)
