"""The window of one film on another: what one of two films side by side is to be shown with."""

from __future__ import annotations

from viewer.imaging.grayscale import shown_inverse, value_range, window_of
from viewer.imaging.image import Image, Voi, Window


def matched_voi(voi: Voi, film: Image, other: Image) -> Voi:
    """Return the window that shows ``other`` as ``voi`` shows ``film``; both are grey.

    Where values mean the same in both (Hounsfield units; ordinary pictures of one depth) it is the same window. Elsewhere
    its edges keep their place between the smallest and the largest value, counted from the dark end of each picture; of a
    VOI LUT its input range.
    """
    window = window_of(voi, film)
    if _mean_the_same(film, other):
        return window
    low, high = value_range(film)
    place = (window.center - low) / ((high - low) or 1.0)
    part = window.width / ((high - low) or 1.0)
    if shown_inverse(film) != shown_inverse(other):
        place = 1 - place
    low, high = value_range(other)
    span = (high - low) or 1.0
    is_float = other.pixels.dtype.kind == "f"
    function = "LINEAR_EXACT" if is_float and window.function == "LINEAR" else window.function
    return Window(low + place * span, max(part * span, span / 1e4 if is_float else 1.0), function)


def _mean_the_same(film: Image, other: Image) -> bool:
    if film.unit and film.unit == other.unit:
        return True
    are_pictures = not film.instance.is_dicom and not other.instance.is_dicom
    return are_pictures and film.pixels.dtype == other.pixels.dtype
