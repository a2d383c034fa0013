"""Random changes of films and their lung masks together: what other hospitals, positions and diseases do to a film.

Never inverted: an inverted film is refused before anything is read from it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from inference.augment import erase, regrade, standardise_batch
from inference.recipe import Augmentation

TURN_DEGREES, SHEAR, STRETCH_LOG, SHIFT = 14.0, 0.08, 0.22, 0.12
BEND = 0.05
"""Part of the square's side by which points of a coarse grid are moved: chests of other builds."""
GREYS = Augmentation(gamma_log=0.6, contrast=0.45, brightness=0.2, noise=0.06, erase_probability=0.3, erase_fraction=0.3)


def augment_lungs(films: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return films and masks changed alike, float (n, 1, side, side), values 0 to 1; films standardised, masks 0 to 1."""
    films = _opacify(films, generator)
    moved = _move(torch.cat([films, masks], dim=1), generator)
    films, masks = moved[:, :1], moved[:, 1:]
    films = _mark(_collimate(_blur(_shade(films, generator), generator), generator), generator)
    return standardise_batch(erase(regrade(films, GREYS, generator), GREYS, generator)), masks


def _draw(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + torch.rand(count, generator=generator) * (high - low)


def _move(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, shear, stretch, shift, bend, and mirror every other one left to right; black comes into view."""
    count, _, rows, columns = pictures.shape
    turn = torch.deg2rad(_draw(count, -TURN_DEGREES, TURN_DEGREES, generator))
    size = torch.exp(_draw(count, -0.3, 0.22, generator))  # the film is enlarged by up to 1.35 and shrunk to 0.8
    across, down = (size * torch.exp(_draw(count, -STRETCH_LOG / 2, STRETCH_LOG / 2, generator)) for _ in range(2))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    shear = _draw(count, -SHEAR, SHEAR, generator)
    shift = [_draw(count, -2 * SHIFT, 2 * SHIFT, generator) for _ in range(2)]
    first = torch.stack([torch.cos(turn) * across * mirror, -torch.sin(turn) * down + shear, shift[0]], 1)
    second = torch.stack([torch.sin(turn) * across * mirror, torch.cos(turn) * down, shift[1]], 1)
    grid = functional.affine_grid(torch.stack([first, second], 1), list(pictures.shape), align_corners=False)
    bends = (torch.rand(count, 2, 5, 5, generator=generator) * 2 - 1) * BEND * 2
    smooth = functional.interpolate(bends, (rows, columns), mode="bicubic", align_corners=True)
    return functional.grid_sample(pictures, grid + smooth.permute(0, 2, 3, 1), align_corners=False)


def _shade(films: Tensor, generator: torch.Generator) -> Tensor:
    """Lighten and darken wide areas: grids, heel effect, scatter, another exposure of either side."""
    coarse = (torch.rand(len(films), 1, 3, 3, generator=generator) * 2 - 1) * 0.18
    smooth = functional.interpolate(coarse, films.shape[-2:], mode="bicubic", align_corners=True)
    chosen = (torch.rand(len(films), generator=generator) < 0.5).view(-1, 1, 1, 1)
    return (films + smooth * chosen * (films > 0)).clamp(0, 1)


def _opacify(films: Tensor, generator: torch.Generator) -> Tensor:
    """Lay up to three soft white clouds over half of the films, as consolidations and effusions do; masks stay."""
    side = films.shape[-1]
    axis = torch.linspace(-1, 1, side)
    y, x = axis[:, None], axis[None, :]
    cloudy = films.clone()
    for index in torch.nonzero(torch.rand(len(films), generator=generator) < 0.5).flatten().tolist():
        for _ in range(int(torch.randint(1, 4, (1,), generator=generator))):
            cx, cy, rx, ry, strength = _draw(5, 0, 1, generator).tolist()
            away = ((x - (cx * 1.4 - 0.7)) / (0.08 + 0.3 * rx)) ** 2 + ((y - (cy * 1.4 - 0.7)) / (0.08 + 0.3 * ry)) ** 2
            cloud = torch.exp(-away) * strength * 0.75
            cloudy[index, 0] += (0.8 - cloudy[index, 0]).clamp_min(0) * cloud
    return cloudy


def _blur(films: Tensor, generator: torch.Generator) -> Tensor:
    """Take half of the batches down to a lower resolution and up again."""
    if float(torch.rand(1, generator=generator)) < 0.5:
        return films
    side = films.shape[-1]
    smaller = int(torch.randint(side // 3, side, (1,), generator=generator))
    down = functional.interpolate(films, smaller, mode="bilinear", antialias=True, align_corners=False)
    return functional.interpolate(down, side, mode="bilinear", align_corners=False)


def _collimate(films: Tensor, generator: torch.Generator) -> Tensor:
    """Put a black or white border on one or more sides of a fifth of the films."""
    framed, side = films.clone(), films.shape[-1]
    for index in torch.nonzero(torch.rand(len(films), generator=generator) < 0.2).flatten().tolist():
        widths = [int(w) for w in (_draw(4, -0.06, 0.08, generator).clamp_min(0) * side)]
        grey = 0.0 if float(torch.rand(1, generator=generator)) < 0.8 else 1.0
        top, bottom, left, right = widths
        framed[index, :, :top], framed[index, :, side - bottom :] = grey, grey
        framed[index, :, :, :left], framed[index, :, :, side - right :] = grey, grey
    return framed


def _mark(films: Tensor, generator: torch.Generator) -> Tensor:
    """Put bright bars, letters' strokes and wires on a third of the films."""
    marked, side = films.clone(), films.shape[-1]
    for index in torch.nonzero(torch.rand(len(films), generator=generator) < 0.35).flatten().tolist():
        for _ in range(int(torch.randint(1, 6, (1,), generator=generator))):
            top, left, tall, wide, grey = _draw(5, 0, 1, generator).tolist()
            height, width = math.ceil(tall * 0.09 * side), math.ceil(wide * 0.09 * side)
            row, column = int(top * side), int(left * side)
            marked[index, :, row : row + height, column : column + width] = 0.7 + 0.3 * grey
    return marked
