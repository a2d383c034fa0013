"""A synthetic chest film: ellipsoids and tubes projected analytically, with widths that are known exactly.

The sample on the start screen and the truth of many tests. Nothing in it comes from a patient, and it says so in the
picture and in the header.

Lengths are in millimetres, x to the right of the film (the patient's left), y downwards, z towards the detector; the
origin is the middle of the film. The beam is parallel. Attenuation follows Beer and Lambert with two materials, soft
tissue and bone; lung counts as a fifth of soft tissue.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from viewer.imaging.phantom_anatomy import (
    HEART_WIDTH_MM,
    OPACITY_RADIUS_MM,
    OPACITY_X_Y,
    THORAX_WIDTH_MM,
    project,
)
from viewer.imaging.phantom_file import dicom_bytes

WIDTH_MM = 347.5
"""Of the film; the spacing follows from the number of columns."""

WINDOW_CENTER, WINDOW_WIDTH = 2050, 2500

SAMPLE_SEED = 1
"""Of the grain of the sample film: one with which the default model's map is not withheld, so that there is one to be seen."""

_PHOTONS = 9000.0
_SCATTER = 0.012
_LARGEST = 4095


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic film and its truth.

    Attributes
    ----------
    pixels
        uint16 (rows, columns), 0 to 4095, MONOCHROME2.
    spacing_mm
        (row, column) at the detector.
    heart_width_mm, thorax_width_mm
        Largest widths of the heart's shadow and of the rib cage from inside, known from the geometry.
    opacity_row_column, opacity_radius
        Centre and radius in pixels of the added opacity, None and 0 without one.
    lungs
        bool (rows, columns), True where the beam passes through aerated lung and not through the heart.
    """

    pixels: np.ndarray
    spacing_mm: tuple[float, float]
    heart_width_mm: float
    thorax_width_mm: float
    lungs: np.ndarray
    opacity_row_column: tuple[float, float] | None = None
    opacity_radius: float = 0.0

    @property
    def cardiothoracic_ratio(self) -> float:
        """Return the width of the heart divided by that of the thorax."""
        return self.heart_width_mm / self.thorax_width_mm


def synthetic_film(seed: int = 0, opacity: bool = False, rows: int = 3000, columns: int = 2500) -> Phantom:
    """Draw the film; the same arguments give the same pixels.

    Parameters
    ----------
    seed
        Of the noise and of the fine vessels; the anatomy is always the same.
    opacity
        Whether a round opacity lies in the right lung, on the left of the film.
    rows, columns
        In proportion 6 to 5 the film shows all that is meant to be on it.
    """
    random = np.random.default_rng(seed)
    spacing = WIDTH_MM / columns
    x, y = _grid(rows, columns, spacing)
    projected = project(x, y, random, opacity)
    attenuation = _enlarged(projected.attenuation, rows, columns)
    pixels = _expose(attenuation, random)
    _stamp(pixels)
    film = Phantom(
        pixels=pixels,
        spacing_mm=(spacing, spacing),
        heart_width_mm=HEART_WIDTH_MM,
        thorax_width_mm=THORAX_WIDTH_MM,
        lungs=_enlarged(projected.lungs.astype(np.float32), rows, columns) > 0.5,
    )
    if not opacity:
        return film
    center = (rows / 2 + OPACITY_X_Y[1] / spacing, columns / 2 + OPACITY_X_Y[0] / spacing)
    return replace(film, opacity_row_column=center, opacity_radius=OPACITY_RADIUS_MM / spacing)


def write_film(path: Path, seed: int = 0, opacity: bool = False, rows: int = 3000, columns: int = 2500) -> Phantom:
    """Draw the film and write it as a DICOM DX image (For Presentation); the same arguments give the same bytes.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    film = synthetic_film(seed, opacity, rows, columns)
    digest = hashlib.sha256(film.pixels.tobytes()).digest()
    path.write_bytes(dicom_bytes(film.pixels, film.spacing_mm, (WINDOW_CENTER, WINDOW_WIDTH), digest))
    return film


def write_sample(path: Path) -> Phantom:
    """Draw and write the film that the start screen offers; OSError as of :func:`write_film`."""
    return write_film(path, SAMPLE_SEED)


def _grid(rows: int, columns: int, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Return x (1, n) and y (m, 1) of a grid with half the film's resolution: the shadows are smooth enough for it."""
    x = (np.arange(0.5, math.ceil(columns / 2)) * 2 - columns / 2) * spacing
    y = (np.arange(0.5, math.ceil(rows / 2)) * 2 - rows / 2) * spacing
    return x.astype(np.float32)[np.newaxis], y.astype(np.float32)[:, np.newaxis]


def _enlarged(half: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return a half-size picture at full size, bilinear: what the focal spot would blur anyway."""
    size = (half.shape[1] * 2, half.shape[0] * 2)
    return np.asarray(PIL.Image.fromarray(half).resize(size, PIL.Image.Resampling.BILINEAR))[:rows, :columns]


def _expose(attenuation: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return detector values: transmitted light and scatter with quantum noise, inverted and compressed."""
    light = np.exp(-attenuation)
    light += _SCATTER
    noise = random.standard_normal(light.shape, dtype=np.float32)
    # The standard deviation of n quanta is sqrt(n).
    noise *= np.sqrt(light / _PHOTONS)
    light += noise
    np.clip(light, 1e-4, None, out=light)
    density = -np.log(light)
    density *= 3800 / -math.log(_SCATTER)
    density += 120
    values: np.ndarray = np.clip(density + 0.5, 0, _LARGEST).astype(np.uint16)
    return values


def _stamp(pixels: np.ndarray) -> None:
    """Burn in the word SYNTHETIC at the bottom and the side marker L at the upper right."""
    rows, columns = pixels.shape
    picture = PIL.Image.new("L", (columns, rows))
    draw = ImageDraw.Draw(picture)
    word, letter = ImageFont.load_default(columns / 28), ImageFont.load_default(columns / 20)
    draw.text((columns * 0.5, rows * 0.965), "SYNTHETIC", 255, font=word, anchor="mm")
    draw.text((columns * 0.925, rows * 0.06), "L", 255, font=letter, anchor="mm")
    mark = np.asarray(picture)
    pixels[mark > 127] = _LARGEST
