"""From a film, its window and its reading to the record that is printed. The window and the command line share it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from viewer.imaging.grayscale import default_voi, display_table, voi_text
from viewer.imaging.heatmap import blend, heat_field, legend, overlay_rgba
from viewer.imaging.image import Image, Voi
from viewer.imaging.pyramid import build_pyramid
from viewer.paths import PROGRAM_VERSION
from viewer.policy import Policy
from viewer.reading import HeatMap, Reading
from viewer.reporting.report import Report, ReportText

PRINTED_SIDE_PX = 1200
"""A film is printed about 85 mm wide: this is more than 300 dots an inch."""
TITLE = "Second-reader report"


@dataclass(frozen=True)
class FilmLook:
    """How the film is windowed (None: its own default) and the map coloured on screen."""

    voi: Voi | None
    inverted: bool = False
    class_name: str = ""
    color_map: str = "inferno"
    opacity: float = 0.55


def printed_film(image: Image, look: FilmLook) -> np.ndarray:
    """Return the film through its window, uint8 grey or RGB, halved until it is no larger than print needs."""
    levels = build_pyramid(image.pixels)
    level = next((x for x in levels if max(x.shape[:2]) <= 2 * PRINTED_SIDE_PX), levels[-1])
    return display_table(image, look.voi or default_voi(image), look.inverted).apply(level)


def overlay_film(film: np.ndarray, image: Image, heat_map: HeatMap, look: FilmLook) -> np.ndarray:
    """Return the film, printed or full size, with the map over it: uint8 (rows, columns, 3)."""
    rows, columns = film.shape[:2]
    field = heat_field(heat_map, rows, columns, 0.0, 0.0, float(image.rows), float(image.columns))
    scale, two_sided = (heat_map.full_scale, heat_map.floor), heat_map.is_two_sided
    return blend(film, overlay_rgba(field, *scale, look.color_map, look.opacity, two_sided))


def compose_report(
    image: Image, look: FilmLook, reading: Reading | None, text: ReportText, policy: Policy | None = None
) -> Report:
    """Return the report of a film as it stands on screen now, with what the site's policy wants on it."""
    policy = policy or Policy()
    film = printed_film(image, look)
    name = look.class_name or (reading.predicted if reading else "")
    heat_map = reading.heat_map(name) if reading is not None and reading.status == "read" else None
    shown = heat_map is not None and not heat_map.withheld
    return Report(
        title=TITLE,
        identity=image.identity,
        film_sha256=image.sha256,
        sop_instance_uid=image.identity.sop_instance_uid,
        film_name=image.instance.path.name,
        film=film,
        text=text,
        created=datetime.now().astimezone(),
        program_version=PROGRAM_VERSION,
        aspect_ratio=image.aspect_ratio,
        voi_text=voi_text(look.voi) if look.voi is not None else "",
        overlay_film=overlay_film(film, image, heat_map, look) if heat_map is not None and shown else None,
        heat_map_caption=_caption(reading, heat_map) if reading is not None and heat_map is not None and shown else "",
        color_legend=_legend(heat_map, look.color_map) if heat_map is not None and shown else None,
        heat_map_withheld="" if heat_map is None else heat_map.withheld,
        reading=reading,
        warnings=image.warnings,
        frame=image.instance.frame,
        institution=policy.institution,
        footer=policy.report_footer,
    )


def _legend(heat_map: HeatMap, color_map: str) -> np.ndarray:
    """Return the colours of the scale lying down, least on the left: uint8 (12, 256 or 512, 3)."""
    two_sided = heat_map.is_two_sided
    return np.ascontiguousarray(np.rot90(legend(color_map, 512 if two_sided else 256, 12, two_sided), -1))


def _caption(reading: Reading, heat_map: HeatMap) -> str:
    title = reading.probability(heat_map.class_name).title
    scale = f"a scale of 0 to {heat_map.full_scale:.2g}"
    if heat_map.is_two_sided:
        scale = f"a scale of {heat_map.full_scale:.2g} logits against it (cold) to {heat_map.full_scale:.2g} for it (warm)"
    judged = f" With its hottest tenth deleted: {heat_map.faithfulness.sentence}." if heat_map.faithfulness else ""
    return (
        f"{heat_map.method} of {title}, peak {heat_map.peak:.2g} on {scale}, the same for every film. Where the score comes "
        f"from; not the outline of a lesion.{judged}"
    )
