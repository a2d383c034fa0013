"""What the corners say about a film in its present view."""

from __future__ import annotations

from viewer.imaging.geometry import orientation_letters
from viewer.imaging.grayscale import voi_text
from viewer.imaging.image import Image
from viewer.widgets.canvas import Canvas
from viewer.widgets.corner_texts import CornerTexts


def corner_texts_of(
    canvas: Canvas, image: Image, pointed: tuple[int, int] | None, number: int, count: int, notices: tuple[str, ...] = ()
) -> CornerTexts:
    """Return the four corners' lines: identity, study, view, series; the orientation letters, and what is to be noticed."""
    who = image.identity
    view = canvas.geometry_of_view
    return CornerTexts(
        top_left=(
            who.patient_name or ("" if image.instance.is_dicom else image.instance.path.name),
            who.patient_id,
            _joined(who.sex, _labelled("born", who.birth_date), who.age),
        ),
        top_right=(
            who.institution,
            _joined(who.study_date, who.study_time, separator=" "),
            _labelled("Acc.", who.accession_number),
            who.study_description,
        ),
        bottom_left=(
            _value_text(image, pointed),
            f"Zoom {100 * canvas.screen_scale():.0f} %",
            _window_text(canvas, image),
        ),
        bottom_right=(
            _joined(who.modality, who.body_part, who.series_description),
            _joined(who.laterality, who.view_position),
            _joined(_labelled("Series", who.series_number), f"Image {number}/{count}"),
            _spacing_text(image),
        ),
        lossy=image.lossy,
        notices=notices,
        letters=orientation_letters(image, view.rotation, view.mirrored),
    )


def _joined(*parts: str, separator: str = "  ") -> str:
    return separator.join(part for part in parts if part)


def _labelled(label: str, value: object) -> str:
    return f"{label} {value}" if value not in ("", None) else ""


def _window_text(canvas: Canvas, image: Image) -> str:
    text = "Colour" if image.is_color or canvas.voi is None else voi_text(canvas.voi)
    return text + ("  inverted" if canvas.inverted else "")


def _value_text(image: Image, pointed: tuple[int, int] | None) -> str:
    if pointed is None:
        return ""
    row, column = pointed
    value = image.pixels[row, column]
    text = " ".join(f"{v:g}" for v in value) if image.is_color else f"{value:g}"
    return _joined(f"x {column}  y {row}", f"{text} {image.unit}".strip(), separator="   ")


def _spacing_text(image: Image) -> str:
    size = f"{image.columns} x {image.rows}"
    if image.spacing_mm is None:
        return f"{size}, px only"
    where = {"patient": "mm", "detector": "mm at detector", "calibrated": "mm, calibrated"}[image.spacing_plane or "patient"]
    row, column = image.spacing_mm
    spacing = f"{row:.3g}" if abs(row - column) < 1e-6 else f"{row:.3g} x {column:.3g}"
    return f"{size}, {spacing} {where}"
