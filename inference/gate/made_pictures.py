"""Pictures that are no film at all, drawn by a seeded generator: noise, text, shapes, charts, textures. NumPy and Pillow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFilter

Picture = npt.NDArray[np.uint8]
Draw = Callable[[int, np.random.Generator], Picture]


def noise(size: int, random: np.random.Generator) -> Picture:
    """Return even or normal noise, of pixels or of larger grains."""
    grain = int(random.integers(1, 6))
    cells = -(-size // grain)
    grey = (
        random.random((cells, cells))
        if random.random() < 0.5
        else random.normal(0.5, random.uniform(0.05, 0.3), (cells, cells))
    )
    return _bytes(np.kron(grey, np.ones((grain, grain)))[:size, :size])


def clouds(size: int, random: np.random.Generator) -> Picture:
    """Return smooth random texture with the spectrum of landscapes: power falling as frequency^-1 to -2.5."""
    rows, columns = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    frequency = np.maximum(np.hypot(rows, columns), 1 / size)
    spectrum = random.normal(size=frequency.shape) + 1j * random.normal(size=frequency.shape)
    grey = np.fft.irfft2(spectrum / frequency ** random.uniform(1.0, 2.5), (size, size))
    low, high = np.percentile(grey, [2, 98])
    return _bytes((grey - low) / (high - low))


def text_page(size: int, random: np.random.Generator) -> Picture:
    """Return a page of lines of words, dark on light or light on dark."""
    page = PillowImage.new("L", (4 * size, 4 * size), int(random.integers(200, 256)))
    draw = ImageDraw.Draw(page)
    height = int(random.integers(12, 48))
    margin, top = (int(random.integers(0, size)) for _ in range(2))
    ink = int(random.integers(0, 90))
    while top < 4 * size - height:
        left = margin
        while left < 4 * size - margin and random.random() > 0.04:
            letters = "".join(chr(int(c)) for c in random.integers(97, 123, int(random.integers(2, 11))))
            draw.text((left, top), letters, fill=ink, font_size=height)
            left += int(height * 0.55 * (len(letters) + 1))
        top += int(height * random.uniform(1.1, 1.9))
    small = np.asarray(page.resize((size, size), PillowImage.Resampling.BILINEAR))
    return small if random.random() < 0.75 else 255 - small


def shapes(size: int, random: np.random.Generator) -> Picture:
    """Return boxes, discs and lines on an even ground, sharp or soft: icons, phantoms, screens of programs."""
    page = PillowImage.new("L", (size, size), int(random.integers(0, 256)))
    draw = ImageDraw.Draw(page)
    for _ in range(int(random.integers(1, 25))):
        (left, top), (width, height) = random.integers(-size // 4, size, 2), random.integers(2, size, 2)
        box, grey = (int(left), int(top), int(left + width), int(top + height)), int(random.integers(0, 256))
        kind = int(random.integers(0, 3))
        if kind == 0:
            draw.rectangle(box, fill=grey)
        elif kind == 1:
            draw.ellipse(box, fill=grey)
        else:
            draw.line(box, fill=grey, width=int(random.integers(1, 6)))
    blur = float(random.choice([0, 0, 1, 4]))
    return np.asarray(page.filter(ImageFilter.GaussianBlur(blur)) if blur else page)


def scene(size: int, random: np.random.Generator) -> Picture:
    """Return textured patches in front of one another, lit from one side: what a photograph of things is made of."""
    picture = clouds(size, random).astype(np.float64)
    y, x = np.mgrid[0:size, 0:size] / size
    for _ in range(int(random.integers(2, 12))):
        row, column, tall, wide = random.random(4)
        angle = random.uniform(0, np.pi)
        u = (x - column) * np.cos(angle) + (y - row) * np.sin(angle)
        v = (y - row) * np.cos(angle) - (x - column) * np.sin(angle)
        power = float(random.choice([2, 4, 20]))
        inside = np.abs(u / (0.05 + 0.4 * wide)) ** power + np.abs(v / (0.05 + 0.4 * tall)) ** power < 1
        shade = 128 + (u * np.cos(angle * 3) + v) * random.uniform(-400, 400)
        thing = random.uniform(0.3, 1) * shade + random.uniform(0, 0.5) * clouds(size, random) + random.uniform(-60, 120)
        picture = np.where(inside, thing, picture)
    return _bytes(picture / 255)


def gradient(size: int, random: np.random.Generator) -> Picture:
    """Return one grey running into another, in stripes or checks where the draw has it so."""
    y, x = np.mgrid[0:size, 0:size] / size
    angle = random.uniform(0, 2 * np.pi)
    ramp = x * np.cos(angle) + y * np.sin(angle)
    kind = int(random.integers(0, 4))
    waves = float(random.integers(1, 20))
    if kind == 1:
        ramp = 0.5 + 0.5 * np.sin(2 * np.pi * waves * ramp)
    elif kind == 2:
        ramp = ((np.floor(x * waves) + np.floor(y * waves)) % 2).astype(np.float64)
    elif kind == 3:
        ramp = 1 - 2 * np.hypot(x - random.random(), y - random.random()) * random.uniform(0.5, 2)
    return _bytes(ramp * random.uniform(0.2, 1) + random.uniform(0, 0.3))


def _bytes(grey: npt.NDArray[Any]) -> Picture:
    return np.asarray(np.clip(grey, 0, 1) * 255, dtype=np.float64).astype(np.uint8)


PICTURES: dict[str, Draw] = {
    "noise": noise, "clouds": clouds, "text page": text_page, "shapes": shapes, "scene": scene, "gradient": gradient,
}  # fmt: skip


def made_pictures(count: int, size: int, seed: int) -> Picture:
    """Return as many pictures of all kinds in turn, uint8 (count, size, size); the same for the same seed."""
    random = np.random.default_rng(seed)
    kinds = list(PICTURES.values())
    return np.stack([kinds[n % len(kinds)](size, random) for n in range(count)])
