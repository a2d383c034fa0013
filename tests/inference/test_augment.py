"""Random changes of training films: small, within 0 to 1, and never a heart on the right."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from inference.augment import augment, blunt, erase, move, regrade, resharpen, turned_views
from inference.recipe import Augmentation
from inference.recipes.darkcovidnet import RECIPE

STRONG = Augmentation(30, (0.5, 1.5), 0.3, 1.0, 0.8, 0.5, 0.5, 1.0, 0.25, 1.0, 0.6, True)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def one_sided() -> Tensor:
    """Return 40 films that are bright on the left and dark on the right."""
    films = torch.full((40, 1, 32, 32), 0.2)
    films[..., :16] = 0.8
    return films


def left_minus_right(films: Tensor) -> Tensor:
    return films[..., :16].mean(dim=(1, 2, 3)) - films[..., 16:].mean(dim=(1, 2, 3))


@pytest.mark.parametrize("how", [RECIPE.augmentation, STRONG, Augmentation()])
def test_shape_and_range_are_kept(how: Augmentation, generator: torch.Generator) -> None:
    films = torch.rand(16, 1, 48, 48, generator=generator)
    changed = augment(films, how, generator)
    assert (changed.shape, changed.dtype) == (films.shape, torch.float32)
    assert 0 <= float(changed.min()) < float(changed.max()) <= 1


def test_without_spans_a_film_stays_as_it_is(generator: torch.Generator) -> None:
    films = torch.rand(4, 1, 32, 32, generator=generator)
    assert torch.allclose(augment(films, Augmentation(), generator), films, atol=1e-3)


def test_the_recipe_never_mirrors_a_film(one_sided: Tensor, generator: torch.Generator) -> None:
    assert bool((left_minus_right(augment(one_sided, RECIPE.augmentation, generator)) > 0.3).all())


def test_flips_mirror_about_half_the_films_where_a_recipe_asks_for_them(one_sided: Tensor, generator: torch.Generator) -> None:
    mirrored = left_minus_right(augment(one_sided, Augmentation(horizontal_flip=True), generator)) < -0.5
    assert 10 <= int(mirrored.sum()) <= 30


def test_what_comes_into_view_is_black(generator: torch.Generator) -> None:
    moved = move(torch.ones(8, 1, 32, 32), Augmentation(scale=(0.5, 0.5)), generator)
    assert moved[:, 0, 0, 0].tolist() == [0] * 8
    assert moved[:, 0, 16, 16].tolist() == [1] * 8


def test_a_film_is_shifted_by_no_more_than_its_fraction(generator: torch.Generator) -> None:
    films = torch.zeros(50, 1, 100, 100)
    films[:, :, 40:60, 40:60] = 1
    moved = move(films, Augmentation(shift_fraction=0.1), generator)
    pixel = torch.arange(100) + 0.5
    rows = (moved[:, 0].sum(2) * pixel).sum(1) / moved[:, 0].sum((1, 2)) - 50
    assert 8 < float(rows.abs().max()) <= 10.01


def test_contrast_turns_about_middle_grey_and_brightness_adds(generator: torch.Generator) -> None:
    grey = regrade(torch.full((50, 1, 8, 8), 0.5), Augmentation(contrast=0.5), generator)
    assert torch.allclose(grey, torch.tensor(0.5))
    lighter = regrade(torch.full((50, 1, 8, 8), 0.5), Augmentation(brightness=0.1), generator)
    assert 0.08 < float((lighter - 0.5).abs().max()) <= 0.1001


def test_blunting_takes_away_fine_detail_from_the_chosen_films_alone(generator: torch.Generator) -> None:
    films = torch.rand(30, 1, 64, 64, generator=generator)
    how = Augmentation(resample_probability=0.5, resample_smallest=0.25)
    changed = blunt(films, how, generator)
    untouched = (changed == films).flatten(1).all(dim=1)
    assert 5 <= int(untouched.sum()) <= 25
    assert float(changed[~untouched].std()) < float(films.std())


def test_erased_boxes_are_middle_grey(generator: torch.Generator) -> None:
    changed = erase(torch.zeros(20, 1, 64, 64), Augmentation(erase_probability=1, erase_fraction=0.5), generator)
    assert set(changed.unique().tolist()) == {0.0, 0.5}
    assert 0 < float((changed == 0.5).float().mean()) < 0.25


def test_views_are_turned_by_their_angles_and_by_nought_not_at_all() -> None:
    """A spot right of the middle moves up when the film is turned against the clock, down when with it."""
    film = torch.zeros(1, 1, 101, 101)
    film[0, 0, 49:52, 89:92] = 1
    still, one_way, other_way, *mirrored = turned_views(film, (0.0, 10.0, -10.0), mirrored=True)
    assert torch.allclose(still, film[0], atol=1e-5)
    rows = [float((view[0].sum(1) * torch.arange(101)).sum() / view.sum()) for view in (one_way, other_way)]
    assert rows == pytest.approx([50 - 40 * 0.17365, 50 + 40 * 0.17365], abs=0.2)
    assert all(torch.equal(view.flip(-1), other) for view, other in zip((still, one_way, other_way), mirrored, strict=True))


def test_fine_detail_is_added_to_some_films_and_taken_from_others(generator: torch.Generator) -> None:
    films = torch.rand(40, 1, 32, 32, generator=generator) * 0.2 + 0.4
    change = resharpen(films, Augmentation(sharpness=1.0), generator).std(dim=(1, 2, 3)) / films.std(dim=(1, 2, 3))
    assert float(change.min()) < 0.5
    assert float(change.max()) > 1.5


def test_no_film_is_turned_into_its_own_negative_detail(generator: torch.Generator) -> None:
    films = torch.full((64, 1, 32, 32), 0.5)
    films[..., 16, 16] = 0.9
    changed = resharpen(films, Augmentation(sharpness=4.0), generator)
    assert bool((changed[..., 16, 16] >= changed[..., 0, 0] - 1e-6).all())


def test_erased_boxes_are_of_many_greys_where_the_recipe_says_so(generator: torch.Generator) -> None:
    films = torch.full((50, 1, 32, 32), 0.2)
    many = erase(films.clone(), Augmentation(erase_probability=1.0, erase_fraction=0.5, erase_any_grey=True), generator)
    one = erase(films.clone(), Augmentation(erase_probability=1.0, erase_fraction=0.5), generator)
    assert len(many.unique()) > 30
    assert one.unique().tolist() == pytest.approx([0.2, 0.5])


def test_more_boxes_erase_more(generator: torch.Generator) -> None:
    how = Augmentation(erase_probability=1.0, erase_fraction=0.3)
    painted = [float((erase(torch.zeros(200, 1, 32, 32), how_many, generator) > 0).float().mean())
               for how_many in (how, replace(how, erase_boxes=3))]  # fmt: skip
    assert 2 < painted[1] / painted[0] < 3.2
