"""Copies of films that are no longer an upright frontal chest film: their labels come for free. Batches of tensors.

A film is float (n, 1, rows, columns), 0 black to 1 white. Every copy is also varied as films of other hospitals vary (field,
grey curve, sharpness, borders, markers), so that what tells the copies apart is their sense and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional

SIDE = 80
"""Pixels a side of the picture the sense networks see: a film's outline and ribs, no infiltrate."""


def _even(count: int, low: float, high: float, generator: Generator) -> Tensor:
    return low + torch.rand(count, generator=generator) * (high - low)


def place(films: Tensor, degrees: Tensor, zoom: Tensor, shift: Tensor, stretch: Tensor, fill: Tensor) -> Tensor:
    """Return films turned, enlarged, shifted (halves of the side) and stretched, resampled to SIDE; ``fill`` comes into view.

    All but ``films`` are (n,), ``shift`` (n, 2).
    """
    angle = torch.deg2rad(degrees)
    cosine, sine = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    rows = torch.stack([torch.stack([cosine * stretch, -sine], 1), torch.stack([sine * stretch, cosine], 1)], 1)
    matrix = torch.cat([rows, shift[:, :, None]], 2)
    grid = functional.affine_grid(matrix, [len(films), 1, SIDE, SIDE], align_corners=False)
    level = fill.view(-1, 1, 1, 1)
    return functional.grid_sample(films - level, grid, align_corners=False) + level


def shrink(films: Tensor) -> Tensor:
    """Return films resampled to SIDE, antialiased."""
    return functional.interpolate(films, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)


def varied(films: Tensor, generator: Generator, degrees: Tensor | float = 12.0) -> Tensor:
    """Return films as another hospital might have made them, turned by up to so many degrees, (n, 1, SIDE, SIDE)."""
    count = len(films)
    zoom = _even(count, 0.78, 1.18, generator)
    fill = torch.where(torch.rand(count, generator=generator) < 0.8, 0.0, _even(count, 0.0, 1.0, generator))
    shift = torch.stack([_even(count, -0.12, 0.12, generator) for _ in range(2)], 1)
    angle = _even(count, -1, 1, generator) * degrees
    blunted = functional.avg_pool2d(films, 2, stride=1)  # as a film that is read is resampled: without aliasing
    return place(blunted, angle, zoom, shift, _even(count, 0.86, 1.16, generator), fill)


def inverted(films: Tensor, generator: Generator) -> Tensor:
    """Return films with bone black, one in five of them turned as well."""
    turned = films.clone()
    chosen = torch.rand(len(films), generator=generator) < 0.2
    turned[chosen] = _quarter_turns(films[chosen], generator)
    return 1 - varied(turned, generator)


def _quarter_turns(films: Tensor, generator: Generator) -> Tensor:
    times = torch.randint(1, 4, (len(films),), generator=generator)
    turned = [torch.rot90(film, int(k), (1, 2)) for film, k in zip(films, times, strict=True)]
    return torch.stack(turned) if turned else films


def turned(films: Tensor, generator: Generator) -> Tensor:
    """Return films lying on their side: by 90 degrees either way, one in four by another angle from 40 to 140."""
    right = torch.where(torch.rand(len(films), generator=generator) < 0.5, 1, 3)
    lying = torch.stack([torch.rot90(film, int(k), (1, 2)) for film, k in zip(films, right, strict=True)])
    far = torch.rand(len(films), generator=generator) < 0.25
    return varied(lying, generator, torch.where(far, 50.0, 8.0))


def upside_down(films: Tensor, generator: Generator) -> Tensor:
    """Return films with the feet up: half turned by 180 degrees, half mirrored top to bottom."""
    half = torch.rand(len(films), generator=generator) < 0.5
    down = films.flip(2)
    down[half] = films[half].flip((2, 3))
    return varied(down, generator)


def cropped(films: Tensor, generator: Generator) -> Tensor:
    """Return parts of films: windows of 30 to 55 % of the side, or films collimated to as much with black around it."""
    count = len(films)
    zoom = 1 / _even(count, 0.30, 0.55, generator)
    room = 1 - 1 / zoom
    shift = torch.stack([_even(count, -1, 1, generator) * room for _ in range(2)], 1)
    nothing = torch.zeros(count)
    part = place(films, _even(count, -10, 10, generator), zoom, shift, torch.ones(count), nothing)
    shut = torch.rand(count, generator=generator) < 0.3
    for index in torch.nonzero(shut).flatten():
        part[index] = _collimated(films[index : index + 1], generator)[0]
    return part


def _collimated(film: Tensor, generator: Generator) -> Tensor:
    small = shrink(film)
    height, width = (int(SIDE * float(f)) for f in _even(2, 0.25, 0.5, generator))
    top, left = (int(float(torch.rand(1, generator=generator)) * (SIDE - n)) for n in (height, width))
    shut = torch.zeros_like(small)
    shut[:, :, top : top + height, left : left + width] = small[:, :, top : top + height, left : left + width]
    return shut


def clouds(count: int, generator: Generator, cells: int = 6) -> Tensor:
    """Return smooth random pictures (count, 1, SIDE, SIDE) of 0 to 1: walls, desks, skies."""
    coarse = torch.rand(count, 1, cells, cells, generator=generator)
    return functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic", align_corners=False).clamp(0, 1)


def photographed(films: Tensor, generator: Generator) -> Tensor:
    """Return films as photographed from a light box or a screen: in perspective, with what lies around it, glare, stripes."""
    count = len(films)
    grid = _perspective(count, generator)
    seen = functional.grid_sample(films, grid, align_corners=False)
    inside = (grid.abs().amax(dim=3) <= 1).float()[:, None]
    dark = torch.rand(count, 1, 1, 1, generator=generator) < 0.3
    around = clouds(count, generator, 4) * 0.5 + _even(count, 0.0, 0.5, generator).view(-1, 1, 1, 1)
    around = torch.where(dark, around * 0.25, around)
    scene = seen * 0.8 * inside + around * (1 - inside)
    return (scene + _glare(count, generator) + _stripes(count, generator) * inside).clamp(0, 1)


def _perspective(count: int, generator: Generator) -> Tensor:
    """Return sampling grids (count, SIDE, SIDE, 2) that show a film from aside, as 40 to 75 % of the picture."""
    line = torch.linspace(-1, 1, SIDE)
    y, x = torch.meshgrid(line, line, indexing="ij")
    angle = torch.deg2rad(_even(count, -20, 20, generator)).view(-1, 1, 1)
    size = _even(count, 0.55, 0.88, generator).view(-1, 1, 1)
    lean = _even(2 * count, -0.25, 0.25, generator).view(2, -1, 1, 1)
    move = _even(2 * count, -0.2, 0.2, generator).view(2, -1, 1, 1)
    x, y = x - move[0], y - move[1]
    depth = (1 + lean[0] * x + lean[1] * y) * size
    return torch.stack([(torch.cos(angle) * x - torch.sin(angle) * y) / depth,
                        (torch.sin(angle) * x + torch.cos(angle) * y) / depth], 3)  # fmt: skip


def _glare(count: int, generator: Generator) -> Tensor:
    line = torch.linspace(-1, 1, SIDE)
    y, x = torch.meshgrid(line, line, indexing="ij")
    at = _even(2 * count, -0.8, 0.8, generator).view(2, -1, 1, 1, 1)
    width = _even(count, 0.05, 0.4, generator).view(-1, 1, 1, 1)
    bright = (_even(count, -0.5, 0.8, generator)).clamp_min(0).view(-1, 1, 1, 1)
    return bright * torch.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / width**2)


def _stripes(count: int, generator: Generator) -> Tensor:
    line = torch.linspace(0, 2 * math.pi, SIDE)
    y, x = torch.meshgrid(line, line, indexing="ij")
    wave = _even(2 * count, -14, 14, generator).view(2, -1, 1, 1, 1)
    strength = _even(count, -0.08, 0.1, generator).clamp_min(0).view(-1, 1, 1, 1)
    return strength * torch.sin(wave[0] * x + wave[1] * y)


def shuffled(films: Tensor, generator: Generator) -> Tensor:
    """Return films cut into 3 x 3 to 5 x 5 pieces that are put together at random: a film's texture, no chest."""
    small = shrink(films)
    for index in range(len(small)):
        pieces = int(torch.randint(3, 6, (1,), generator=generator))
        step = SIDE // pieces
        cut = [(r * step, c * step) for r in range(pieces) for c in range(pieces)]
        order = torch.randperm(len(cut), generator=generator)
        before = small[index].clone()
        for (r, c), k in zip(cut, order, strict=True):
            top, left = cut[int(k)]
            small[index, :, r : r + step, c : c + step] = before[:, top : top + step, left : left + step]
    return small


def regraded(films: Tensor, generator: Generator) -> Tensor:
    """Return pictures with grey curve, contrast, sharpness and noise varied, a box or two painted over; 0 to 1."""
    count = len(films)
    gamma = torch.exp(_even(count, -0.6, 0.6, generator)).view(-1, 1, 1, 1)
    films = films.clamp(1e-4, 1) ** gamma
    soft = functional.avg_pool2d(functional.pad(films, (1, 1, 1, 1), mode="replicate"), 3, 1)
    sharper = _even(count, -1.0, 1.5, generator).view(-1, 1, 1, 1)
    films = films + (films - soft) * sharper
    contrast = _even(count, 0.6, 1.5, generator).view(-1, 1, 1, 1)
    films = (films - 0.5) * contrast + 0.5 + _even(count, -0.15, 0.15, generator).view(-1, 1, 1, 1)
    amount = _even(count, -0.03, 0.03, generator).clamp_min(0).view(-1, 1, 1, 1)
    films = (films + torch.randn(films.shape, generator=generator) * amount).clamp(0, 1)
    return _marked(films, generator)


def _marked(films: Tensor, generator: Generator) -> Tensor:
    """Paint boxes (markers, captions) and, on one film in six, a frame of one grey."""
    for index in range(len(films)):
        for _ in range(int(torch.randint(0, 3, (1,), generator=generator))):
            height, width = (2 + int(SIDE * 0.18 * float(f)) for f in torch.rand(2, generator=generator))
            top, left = (int(SIDE * float(f)) for f in torch.rand(2, generator=generator))
            level = float(torch.rand(1, generator=generator))
            films[index, :, top : top + height, left : left + width] = level
        if float(torch.rand(1, generator=generator)) < 0.17:
            _frame(films[index], int(torch.randint(1, 7, (1,), generator=generator)), generator)
    return films


def _frame(film: Tensor, width: int, generator: Generator) -> None:
    level = round(float(torch.rand(1, generator=generator)))
    sides = torch.rand(4, generator=generator) < 0.6
    if sides[0]:
        film[:, :width] = level
    if sides[1]:
        film[:, -width:] = level
    if sides[2]:
        film[:, :, :width] = level
    if sides[3]:
        film[:, :, -width:] = level


COPIES: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "frontal": varied,
    "inverted": inverted,
    "turned": turned,
    "upside_down": upside_down,
    "cropped": cropped,
    "photographed": photographed,
}
"""The copies made of films of adults: class of the sense network to what makes it."""
