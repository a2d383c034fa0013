"""The report as a record: everything its page shows, and nothing that is looked up later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from viewer.imaging.image import Identity
from viewer.reading import Reading


@dataclass(frozen=True)
class ReportText:
    """What the radiologist typed, as plain text; lines are separated by a newline."""

    indication: str = ""
    findings: str = ""
    impression: str = ""

    @property
    def is_empty(self) -> bool:
        """Return whether nothing but white space was typed."""
        return not (self.indication + self.findings + self.impression).strip()


@dataclass(frozen=True, eq=False)
class Report:
    """One film, what the second reader said of it, and what the radiologist said of both.

    Attributes
    ----------
    film
        uint8 (rows, columns) grey or (rows, columns, 3) RGB, as windowed on screen, polarity included.
    aspect_ratio
        Height of a film pixel divided by its width.
    voi_text
        How the film is windowed, as in the corner of the screen ("W 2000  L 1000").
    overlay_film
        uint8 (rows, columns, 3) RGB: the film with the heat map over it; None where there is no map.
    color_legend
        uint8 (h, w, 3): the colours of the map, least on the left and full scale on the right.
    heat_map_withheld
        Why there is no map, where one was made and may not be shown.
    created
        With its time zone.

    Raises
    ------
    ValueError
        If the reading belongs to another film, if there is a heat map without a finished reading, or if ``created``
        has no time zone: none of these may ever be printed.
    """

    title: str
    identity: Identity
    film_sha256: str
    sop_instance_uid: str
    film_name: str
    """The name of the film's file, without its folder."""
    film: np.ndarray
    text: ReportText
    created: datetime
    program_version: str
    aspect_ratio: float = 1.0
    voi_text: str = ""
    overlay_film: np.ndarray | None = None
    heat_map_caption: str = ""
    color_legend: np.ndarray | None = None
    heat_map_withheld: str = ""
    reading: Reading | None = None
    warnings: tuple[str, ...] = ()
    """Whole sentences about the film; the reading brings its own."""
    frame: int = 0
    institution: str = ""
    """Of the site, in one line; "" prints none."""
    footer: str = ""
    """What the site wants below each page, in one line."""

    def __post_init__(self) -> None:
        _require_picture("film", self.film)
        if self.overlay_film is not None:
            _require_picture("overlay_film", self.overlay_film)
            if self.reading is None or self.reading.status != "read":
                raise ValueError("a heat map without a finished reading")
        if self.reading is not None and (self.reading.sha256, self.reading.frame) != (self.film_sha256, self.frame):
            raise ValueError("the reading belongs to another film")
        if self.created.tzinfo is None:
            raise ValueError("created has no time zone")

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """Return the sentences about the film, then those of the reading, each once."""
        return tuple(dict.fromkeys(self.warnings + (self.reading.warnings if self.reading else ())))


def _require_picture(name: str, pixels: np.ndarray) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.size == 0:
        raise ValueError(f"{name} must be uint8 (rows, columns[, 3]), got {pixels.dtype} {pixels.shape}")
