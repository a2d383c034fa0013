"""Modality values to the greys of the screen: VOI LUT, window, presentation shape, MONOCHROME1.

The modality transformation has already been applied when an :class:`Image` is built; what is left of the grey pipeline
stands here. References: DICOM PS3.3 C.11.2 (VOI LUT), C.11.6 (presentation LUT), C.7.6.3.1.2 (MONOCHROME1),
C.7.5.1.1.2 (pixel padding), C.7.6.11 (display shutter).
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace

import numpy as np

from viewer.errors import WindowError
from viewer.imaging.image import Image, LookupTable, Voi, Window
from viewer.imaging.pixel_layout import by_bands

PIXELS_PER_WIDTH = 250.0
"""Screen pixels that a drag takes to change a window by its own width."""

_SAMPLE = 1024
"""Percentiles are taken on at most about this many rows and columns: more changes no grey level."""

_CT_WINDOWS = (
    ("5", "lung", "Lung", 1500.0, -600.0),
    ("6", "mediastinum", "Mediastinum", 400.0, 40.0),
    ("7", "bone", "Bone", 2000.0, 350.0),
    ("8", "brain", "Brain", 80.0, 40.0),
    ("9", "abdomen", "Abdomen", 320.0, 50.0),
    ("", "liver", "Liver", 150.0, 90.0),
)

# (key, name, title, percentile drawn black, percentile drawn white), counted from the dark end of the picture.
_RADIOGRAPH_PERCENTILES = (
    ("5", "lung", "Lung", 0.5, 75.0),
    ("6", "mediastinum-and-bone", "Mediastinum and bone", 35.0, 99.9),
    ("7", "soft-tissue", "Soft tissue", 10.0, 99.0),
    ("8", "lines-and-tubes", "Lines and tubes", 30.0, 95.0),
)
_ALIASES = {"mediastinum": "mediastinum-and-bone", "bone": "mediastinum-and-bone"}

_ranges: weakref.WeakKeyDictionary[Image, tuple[float, float]] = weakref.WeakKeyDictionary()
_limits: weakref.WeakKeyDictionary[Image, tuple[int, int]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Preset:
    """A named window: the ``key`` that calls it ("" for none), its ``name`` in commands, its ``title`` in menus."""

    key: str
    name: str
    title: str


# ---------------------------------------------------------------------------------------------------------- display


@dataclass(frozen=True, eq=False)
class DisplayTable:
    """One image's way from modality values to display greys, made by :func:`display_table`.

    ``table`` is uint8, one grey for every value an 8- or 16-bit ``dtype`` can hold, or for ``first`` and the values
    after it for a wider one; None where the formula is applied to each pixel.
    """

    voi: Voi
    inverse: bool
    invert: bool
    dtype: np.dtype[np.generic]
    table: np.ndarray | None
    first: int
    presentation: LookupTable | None = None

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return uint8 greys for modality values of any shape (the RGB of a coloured picture, for one)."""
        if self.dtype == np.uint8:
            return np.bitwise_xor(values, np.uint8(255)) if self.invert else values
        if self.table is None or values.dtype != self.dtype:
            return by_bands(values, np.uint8, self._greys)
        if self.dtype.itemsize == 2:
            return np.take(self.table, values.view(np.uint16))
        return np.take(self.table, values - self.first, mode="clip")

    def _greys(self, values: np.ndarray) -> np.ndarray:
        return _greys(values, self.voi, self.inverse, self.invert, self.presentation)


def display_table(image: Image, voi: Voi, invert: bool = False) -> DisplayTable:
    """Make the table that shows an image through a window or VOI LUT.

    Raises
    ------
    WindowError
        If the window's width is below 1 for LINEAR, or not above 0 for the other functions.
    """
    inverse = shown_inverse(image)
    dtype = image.pixels.dtype
    values, first = None, 0
    if image.is_color:
        return DisplayTable(voi, inverse, invert, dtype, None, 0)
    if dtype == np.uint16:
        values = np.arange(65536)
    elif dtype == np.int16:
        # Ordered by the bit pattern, so that the pixels can be used as indices without a copy.
        values = np.arange(65536).astype(np.uint16).view(np.int16)
    elif dtype.kind in "iu":
        first, last = _whole_range(image)
        values = np.arange(first, last + 1) if last - first <= 2**17 else None
    _check(voi)
    presentation = image.presentation_lut
    table = None if values is None else _greys(values, voi, inverse, invert, presentation)
    return DisplayTable(voi, inverse, invert, dtype, table, first, presentation)


def to_display(image: Image, voi: Voi | None = None, invert: bool = False, shutter: bool = True) -> np.ndarray:
    """Return the whole picture as drawn at full size: uint8 (rows, columns), or (rows, columns, 3) RGB.

    Padding and, unless ``shutter`` is False, what the display shutter covers are drawn in one grey whatever the window.
    Overlays are no part of it.
    """
    chosen = voi if voi is not None or image.is_color else default_voi(image)
    greys = display_table(image, chosen or Window(128, 256), invert).apply(image.pixels)
    covers = display_covers(image, shutter)
    if covers and greys is image.pixels:
        greys = greys.copy()
    for covered, grey in covers:
        greys[covered] = grey
    return greys


def display_covers(image: Image, shutter: bool = True) -> tuple[tuple[np.ndarray, int], ...]:
    """Return what is drawn in one grey whatever the window, in order: (bool (rows, columns), grey 0 to 255).

    Padding is drawn black: it is no part of the picture and kept out of its greys (C.7.5.1.1.2). Where it touches no
    edge of the picture it pads nothing, the header is not believed, and the values are drawn as they are.
    """
    padding = image.padding
    covers = []
    if padding is not None and not padding.all():
        edges = (padding[0], padding[-1], padding[:, 0], padding[:, -1])
        covers += [(padding, 0)] if any(edge.any() for edge in edges) else []
    if shutter and image.shutter is not None:
        covers.append((image.shutter.covered, image.shutter.grey))
    return tuple(covers)


def shown_inverse(image: Image) -> bool:
    """Return whether small values are drawn bright: MONOCHROME1, unless the presentation LUT or shape turns it over."""
    if image.presentation_lut is not None:
        entries = image.presentation_lut.entries
        return bool(entries[0] > entries[-1])
    return (image.photometric_interpretation == "MONOCHROME1") != image.presentation_inverse


def apply_voi(values: np.ndarray, voi: Voi) -> np.ndarray:
    """Map modality values to 0..255, float64 and not yet rounded, before any inversion.

    Raises
    ------
    WindowError
        If the window is one the standard forbids.

    References
    ----------
    DICOM PS3.3 C.11.2.1.1 (LUT), C.11.2.1.2 (LINEAR), C.11.2.1.3 (SIGMOID, LINEAR_EXACT).
    """
    _check(voi)
    if isinstance(voi, LookupTable):
        index = np.clip(np.round(np.nan_to_num(values.astype(np.float64))) - voi.first, 0, len(voi.entries) - 1)
        return np.minimum(voi.entries[index.astype(np.intp)] / (2.0**voi.bits - 1) * 255, 255.0)
    x = values.astype(np.float64)
    if voi.function == "SIGMOID":
        # Beyond +-700 the exponential leaves float64; the grey has long been 0 or 255 there.
        return 255 / (1 + np.exp(np.clip(-4 * (x - voi.center) / voi.width, -700, 700)))
    if voi.function == "LINEAR_EXACT":
        return np.clip((x - voi.center) / voi.width + 0.5, 0, 1) * 255
    if voi.width == 1:
        return np.where(x <= voi.center - 0.5, 0.0, 255.0)
    return np.clip((x - (voi.center - 0.5)) / (voi.width - 1) + 0.5, 0, 1) * 255


def _greys(values: np.ndarray, voi: Voi, inverse: bool, invert: bool, presentation: LookupTable | None) -> np.ndarray:
    # MONOCHROME1 is turned over before rounding, the user's inversion after it: a grey and its negative add up to 255.
    grey = apply_voi(values, voi)
    if presentation is not None:
        grey = _presented(grey, presentation)
    elif inverse:
        grey = 255 - grey
    grey = np.floor(grey + 0.5)
    drawn: np.ndarray = np.nan_to_num(grey, copy=False).astype(np.uint8)
    return np.bitwise_xor(drawn, np.uint8(255)) if invert else drawn


def _presented(grey: np.ndarray, table: LookupTable) -> np.ndarray:
    """Map VOI output to P-Values, 0 to 255: its range is scaled to the table's entries (C.11.6.1.1)."""
    last = len(table.entries) - 1
    index = np.floor(np.nan_to_num(grey) / 255 * last + 0.5).astype(np.intp)
    scaled: np.ndarray = np.minimum(table.entries[np.clip(index, 0, last)] / (2.0**table.bits - 1) * 255, 255.0)
    return scaled


def _check(voi: Voi) -> None:
    if isinstance(voi, LookupTable):
        return
    if voi.function == "LINEAR" and not voi.width >= 1:
        raise WindowError(f"A window of width {voi.width:g} cannot be applied: the standard asks for at least 1.")
    if not voi.width > 0:
        raise WindowError(f"A window of width {voi.width:g} cannot be applied: it must be above 0.")


# ---------------------------------------------------------------------------------------------------------- windows


def default_voi(image: Image) -> Voi:
    """Return what a picture is first shown with: its VOI LUT, else its first window, else the automatic one."""
    return image.vois[0] if image.vois else automatic_window(image)


def automatic_window(image: Image) -> Window:
    """Return the window from the 0.5 to the 99.5 percentile of the exposed field, without padding and what is shuttered."""
    return _percentile_window(image, 0.5, 99.5)


def full_range(image: Image) -> Window:
    """Return the window from the smallest to the largest value that is neither padding nor under the shutter."""
    low, high = value_range(image)
    return _window_between(low, high, image)


def value_range(image: Image) -> tuple[float, float]:
    """Return the smallest and the largest finite value, padding and what is shuttered left out; computed once an image."""
    if image not in _ranges:
        left_out = _left_out(image)
        values = image.pixels if left_out is None else image.pixels[~left_out]
        if values.dtype.kind == "f":
            values = values[np.isfinite(values)]
        _ranges[image] = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return _ranges[image]


def _left_out(image: Image) -> np.ndarray | None:
    """Return where pixels say nothing about the picture's greys, bool (rows, columns); None where all of them do."""
    covered = None if image.shutter is None else image.shutter.covered
    if image.padding is None or covered is None:
        mask = image.padding if covered is None else covered
    else:
        mask = image.padding | covered
    return None if mask is None or mask.all() else mask


def _whole_range(image: Image) -> tuple[int, int]:
    """Return the smallest and the largest of all pixels, those that are left out too: each of them may be drawn."""
    if image not in _limits:
        _limits[image] = (int(image.pixels.min()), int(image.pixels.max()))
    return _limits[image]


def _percentile_window(image: Image, low: float, high: float) -> Window:
    if image.is_color:
        return Window(128.0, 256.0)
    field = _exposed_values(image)
    if not field.size:
        return full_range(image)
    first, last = np.percentile(field, (low, high))
    if first == last:
        return full_range(image)
    return _window_between(float(first), float(last), image)


def _window_between(low: float, high: float, image: Image) -> Window:
    """Return the window that draws ``low`` black and ``high`` white."""
    if image.pixels.dtype.kind == "f":
        # LINEAR forbids widths below 1, which rescaled PET values often need.
        return Window((low + high) / 2, (high - low) or 1.0, "LINEAR_EXACT")
    width = max(high - low, 1.0) + 1
    return Window((low + high + 1) / 2, width)


def _exposed_values(image: Image) -> np.ndarray:
    step = max(1, round(max(image.rows, image.columns) / _SAMPLE))
    sample = image.pixels[::step, ::step]
    valid = np.isfinite(sample) if sample.dtype.kind == "f" else np.ones(sample.shape, bool)
    left_out = _left_out(image)
    if left_out is not None:
        valid &= ~left_out[::step, ::step]
    if not valid.any():
        return sample[:0].ravel()
    rows, columns = _inside_collimation(np.where(valid, sample, sample[valid].min()))
    field: np.ndarray = sample[rows, columns][valid[rows, columns]]
    return field


def _inside_collimation(sample: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns that are left when nearly constant borders are cut off.

    A border row or column varies by less than 2 % of the picture's range. Where next to nothing would be left, all is.
    """
    threshold = 0.02 * (float(sample.max()) - float(sample.min()))
    kept = []
    for axis in (1, 0):
        spread = sample.max(axis=axis).astype(np.float64) - sample.min(axis=axis)
        varied = np.flatnonzero(spread > threshold)
        whole = len(spread)
        long_enough = len(varied) > 0 and varied[-1] - varied[0] + 1 >= whole / 4
        kept.append(slice(int(varied[0]), int(varied[-1]) + 1) if long_enough else slice(0, whole))
    return kept[0], kept[1]


# ---------------------------------------------------------------------------------------------------------- presets


def presets(image: Image) -> tuple[Preset, ...]:
    """Return the windows offered for an image, in the order of their keys; none for a coloured one."""
    if image.is_color:
        return ()
    stored = tuple(
        Preset(str(i) if i <= 3 else "", f"stored-{i}", _stored_title(voi, i)) for i, voi in enumerate(image.vois, 1)
    )
    own = _CT_WINDOWS if image.identity.modality == "CT" else _RADIOGRAPH_PERCENTILES
    named = tuple(Preset(key, name, title) for key, name, title, *_ in own)
    return (Preset("0", "automatic", "Automatic"), *stored, Preset("4", "full", "Full range"), *named)


def preset_voi(image: Image, name: str) -> Voi:
    """Return the window or LUT behind a preset's name.

    Raises
    ------
    WindowError
        If the image has no preset of that name.
    """
    if image.identity.modality != "CT":
        name = _ALIASES.get(name, name)
    offered = [preset.name for preset in presets(image)]
    if name not in offered:
        choice = f"it offers {', '.join(offered)}" if offered else "a coloured picture has no windows"
        raise WindowError(f"There is no window called {name} for this picture: {choice}.")
    if name == "automatic":
        return automatic_window(image)
    if name == "full":
        return full_range(image)
    if name.startswith("stored-"):
        return image.vois[int(name.removeprefix("stored-")) - 1]
    return _ct_window(name) if image.identity.modality == "CT" else _radiograph_window(image, name)


def _ct_window(name: str) -> Window:
    _, _, title, width, center = next(entry for entry in _CT_WINDOWS if entry[1] == name)
    return Window(center, width, "LINEAR", title)


def _radiograph_window(image: Image, name: str) -> Window:
    _, _, title, dark, bright = next(entry for entry in _RADIOGRAPH_PERCENTILES if entry[1] == name)
    low, high = (100 - bright, 100 - dark) if shown_inverse(image) else (dark, bright)
    return replace(_percentile_window(image, low, high), explanation=title)


def _stored_title(voi: Voi, number: int) -> str:
    kind = "VOI LUT" if isinstance(voi, LookupTable) else "Window"
    return voi.explanation or f"{kind} {number} of the file"


# --------------------------------------------------------------------------------------------------------- dragging


def window_of(voi: Voi, image: Image) -> Window:
    """Return the window from which a drag starts: a LUT's own input range, else the window itself."""
    if isinstance(voi, LookupTable):
        count = len(voi.entries)
        return Window(voi.first + count / 2, float(max(count, 2)))
    return replace(voi, explanation="")


def drag_window(window: Window, dx: float, dy: float, image: Image, gain_factor: float = 1.0) -> Window:
    """Return the window after a drag: right is wider, down is brighter.

    Parameters
    ----------
    window
        As it was when the button went down.
    dx, dy
        Screen pixels since then, to the right and downwards.
    gain_factor
        1, 0.2 with Shift, 4 with Ctrl. A screen pixel changes the window by width / 250 times this.
    """
    step = window.width / PIXELS_PER_WIDTH * gain_factor
    low, high = value_range(image)
    span = (high - low) or 1.0
    is_float = image.pixels.dtype.kind == "f"
    narrowest = min(1.0, span / 1e4) if is_float else 1.0
    # A stored window may already lie outside these limits: the press itself must change nothing.
    width = float(np.clip(window.width + dx * step, narrowest, max(2 * span, window.width, narrowest)))
    down = dy * step if shown_inverse(image) else -dy * step
    center = float(np.clip(window.center + down, min(low, window.center), max(high, window.center)))
    function = "LINEAR_EXACT" if width < 1 and window.function == "LINEAR" else window.function
    return Window(center, width, function)


def voi_text(voi: Voi) -> str:
    """Return what the corner says: "VOI LUT: NORMAL" or "W 1500  L -600"."""
    if isinstance(voi, LookupTable):
        return f"VOI LUT: {voi.explanation}" if voi.explanation else "VOI LUT"
    suffix = "" if voi.function == "LINEAR" else f"  {voi.function}"
    return f"W {_short(voi.width, voi.width)}  L {_short(voi.center, voi.width)}{suffix}"


def _short(value: float, width: float) -> str:
    """Format a number with as many decimals as its window is wide: none from 10 on, three figures below."""
    if width >= 10 or width == int(width):
        return f"{value:.1f}".removesuffix(".0") if abs(value) < 10 or width < 100 else f"{value:.0f}"
    return f"{value:.3g}"
