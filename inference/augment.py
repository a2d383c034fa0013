"""Random changes of training films, on whole batches of tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from inference.recipe import Augmentation, Preprocessing

_BLUR = 5
"""Pixels a side of the square whose mean takes a film's fine detail away."""


def _spread(count: int, span: float, generator: torch.Generator) -> Tensor:
    """Return ``count`` numbers drawn evenly from -span to span."""
    return (torch.rand(count, generator=generator) * 2 - 1) * span


def move(films: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Rotate, scale and shift each film (n, 1, size, size); what comes into view is black."""
    count = len(films)
    angle = torch.deg2rad(_spread(count, how.rotation_degrees, generator))
    low, high = how.scale
    zoom = low + torch.rand(count, generator=generator) * (high - low)
    shift = torch.stack([_spread(count, 2 * how.shift_fraction, generator) for _ in range(2)], dim=1)
    cosine, sine = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    rows = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
    if how.shear_degrees:
        rows[:, :, 1] += rows[:, :, 0] * torch.tan(torch.deg2rad(_spread(count, how.shear_degrees, generator)))[:, None]
    if how.horizontal_flip:
        rows[:, :, 0] *= torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)[:, None]
    matrix = torch.cat([rows, shift[:, :, None]], dim=2)  # (n, 2, 3)
    grid = functional.affine_grid(matrix, list(films.shape), align_corners=False)
    return functional.grid_sample(films, grid, align_corners=False)


def turned_views(film: Tensor, degrees: Sequence[float], mirrored: bool = False) -> Tensor:
    """Return one film (1, 1, size, size) turned by each of the angles: (views, 1, size, size); black comes into view.

    An angle of 0 leaves the film as it is. With ``mirrored``, all of these views follow once more, mirrored left to right.
    """
    angle = torch.deg2rad(torch.tensor(degrees, dtype=film.dtype, device=film.device))
    cosine, sine, none = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle)
    matrix = torch.stack([torch.stack([cosine, -sine, none], 1), torch.stack([sine, cosine, none], 1)], 1)  # (views, 2, 3)
    views = film.expand(len(degrees), -1, -1, -1)
    grid = functional.affine_grid(matrix, list(views.shape), align_corners=False)
    turned = functional.grid_sample(views, grid, align_corners=False)
    return torch.cat([turned, turned.flip(-1)]) if mirrored else turned


def regrade(films: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Change grey curve, contrast, brightness and noise of each film (values 0 to 1)."""
    count = len(films)
    shape = (count, 1, 1, 1)
    gamma = torch.exp(_spread(count, how.gamma_log, generator)).view(shape)
    contrast = 1 + _spread(count, how.contrast, generator).view(shape)
    brightness = _spread(count, how.brightness, generator).view(shape)
    films = (films.clamp(1e-4, 1) ** gamma - 0.5) * contrast + 0.5 + brightness
    amount = torch.rand(count, generator=generator).view(shape) * how.noise
    return (films + torch.randn(films.shape, generator=generator) * amount).clamp(0, 1)


def blunt(films: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Take a random part of the batch down to a lower resolution and up again."""
    chosen = torch.rand(len(films), generator=generator) < how.resample_probability
    if not bool(chosen.any()):
        return films
    size = films.shape[-1]
    smallest = int(how.resample_smallest * size)
    smaller = int(torch.randint(smallest, size + 1, (1,), generator=generator))
    down = functional.interpolate(films[chosen], smaller, mode="bilinear", antialias=True, align_corners=False)
    films = films.clone()
    films[chosen] = functional.interpolate(down, size, mode="bilinear", align_corners=False)
    return films


def resharpen(films: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Add to each film a part of its fine detail, or take it away: what a blur of some pixels removes (values 0 to 1)."""
    if not how.sharpness:
        return films
    amount = _spread(len(films), how.sharpness, generator).clamp_min(-1).view(-1, 1, 1, 1)
    blurred = functional.avg_pool2d(films, _BLUR, 1, _BLUR // 2, count_include_pad=False)
    return (films + amount * (films - blurred)).clamp(0, 1)


def erase(films: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Paint over random boxes in a random part of the batch, corners included."""
    size = films.shape[-1]
    for _ in range(how.erase_boxes):
        for index in torch.nonzero(torch.rand(len(films), generator=generator) < how.erase_probability).flatten():
            height, width = (int(size * how.erase_fraction * f) + 1 for f in torch.rand(2, generator=generator))
            top, left = (int(f * size) for f in torch.rand(2, generator=generator))
            top, left = top - height // 2, left - width // 2
            grey = float(torch.rand(1, generator=generator)) if how.erase_any_grey else 0.5
            films[index, :, max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = grey
    return films


def augment(films: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Return randomly changed films: float (n, 1, size, size) with values 0 to 1, the same shape and range."""
    if how.changes_nothing:
        return films
    moved = resharpen(blunt(move(films, how, generator), how, generator), how, generator)
    return erase(regrade(moved, how, generator), how, generator)


def standardise_batch(films: Tensor) -> Tensor:
    """Return each film with mean 0 and standard deviation 1; a film of one grey becomes zeros."""
    mean = films.mean(dim=(1, 2, 3), keepdim=True)
    spread = films.std(dim=(1, 2, 3), keepdim=True, correction=0).clamp_min(1e-3)
    return (films - mean) / spread


def normalise(films: Tensor, how: Preprocessing) -> Tensor:
    """Return films (n, 1, size, size) of 0 black to 1 white as the network takes them: (n, channels, size, size)."""
    if how.blacked_out:
        margin = round(films.shape[-1] * (1 - how.blacked_out) / 2)
        films = films.clone()
        films[:, :, margin:-margin, margin:-margin] = 0
    if how.values == "film":
        films = standardise_batch(films)
    elif how.values == "fixed":
        films = (films - how.mean) / how.spread
    return films.expand(-1, how.channels, -1, -1)
