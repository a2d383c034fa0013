"""Overlays of a file (groups 6000 to 60FE): read from its header or from unused bits of its pixels, and painted.

References: DICOM PS3.3 C.9.2 (overlay plane), C.9.3 (multi-frame overlay), PS3.5 8.1.2 (encoding).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image as PillowImage
from pydicom.dataset import Dataset

from viewer.imaging.header import integer, numbers, raw_value, text
from viewer.imaging.image import Image, Overlay
from viewer.imaging.pixel_layout import PixelLayout, unpacked_bits

LARGEST_OVERLAY_BITS = 2**27
GRAPHICS_COLOR = (255, 208, 84)
REGION_COLOR = (96, 220, 224)
REGION_OPACITY = 0.15
RIM_OPACITY = 0.6
"""Of the dark rim round lines, without which they are lost on white bone."""
LARGEST_GAIN = 8.0

# Elements of group 60xx.
_FRAMES, _ROWS, _COLUMNS, _DESCRIPTION, _TYPE, _ORIGIN = 0x0015, 0x0010, 0x0011, 0x0022, 0x0040, 0x0050
_FRAME_ORIGIN, _BITS_ALLOCATED, _BIT_POSITION, _LABEL, _DATA = 0x0051, 0x0100, 0x0102, 0x1500, 0x3000


class _BrokenOverlay(Exception):
    """An overlay that cannot be drawn; ``str()`` is the end of a sentence."""


def read_overlays(
    dataset: Dataset, layout: PixelLayout, frame: int = 0, cells: Callable[[], np.ndarray] | None = None
) -> tuple[tuple[Overlay, ...], tuple[str, ...]]:
    """Return the overlays of a frame that have something to draw, and a sentence for each that is broken.

    Parameters
    ----------
    cells
        Gives the frame's pixel cells, (n,) and not masked, for overlays in unused bits; None for a compressed file,
        whose codec has dropped those bits.
    """
    found: list[Overlay] = []
    warnings: list[str] = []
    for group in overlay_groups(dataset):
        try:
            overlay = _read_overlay(dataset, group, layout, frame, cells)
        except _BrokenOverlay as error:
            warnings.append(f"The overlay {group:04X} of the file was left out: {error}.")
            continue
        found += [overlay] if overlay is not None else []
    return tuple(found), tuple(warnings)


def overlay_groups(dataset: Dataset) -> tuple[int, ...]:
    """Return the groups in which a file says something of an overlay; odd ones are private."""
    groups = {tag.group for tag in dataset.keys() if 0x6000 <= tag.group <= 0x60FF and tag.group % 2 == 0}  # noqa: SIM118
    return tuple(sorted(group for group in groups if _is_overlay(dataset, group)))


def _is_overlay(dataset: Dataset, group: int) -> bool:
    return any(raw_value(dataset, group << 16 | element) is not None for element in (_ROWS, _DATA))


def _read_overlay(
    dataset: Dataset, group: int, layout: PixelLayout, frame: int, cells: Callable[[], np.ndarray] | None
) -> Overlay | None:
    own_frame = _frame_of_overlay(dataset, group, frame)
    if own_frame is None:
        return None
    bitmap = _bitmap(dataset, group, layout, own_frame, cells)
    row, column = _origin(dataset, group)
    cut = bitmap[max(-row, 0) : max(layout.rows - row, 0), max(-column, 0) : max(layout.columns - column, 0)]
    if not cut.any():
        return None
    mask = np.ascontiguousarray(cut)
    mask.setflags(write=False)
    return Overlay(
        mask=mask,
        row=max(row, 0),
        column=max(column, 0),
        is_region=text(dataset, group << 16 | _TYPE).upper() == "R",
        group=group,
        label=text(dataset, group << 16 | _LABEL),
        description=text(dataset, group << 16 | _DESCRIPTION),
    )


def _frame_of_overlay(dataset: Dataset, group: int, frame: int) -> int | None:
    """Return the overlay's frame for a frame of the picture, counted from 0, or None where it has none.

    An overlay that states no number of frames lies over every frame.
    """
    frames = integer(dataset, group << 16 | _FRAMES)
    if frames is None:
        return 0
    first = (integer(dataset, group << 16 | _FRAME_ORIGIN) or 1) - 1
    return frame - first if 0 <= frame - first < frames else None


def _bitmap(
    dataset: Dataset, group: int, layout: PixelLayout, own_frame: int, cells: Callable[[], np.ndarray] | None
) -> np.ndarray:
    data = raw_value(dataset, group << 16 | _DATA)
    if data is None:
        return _embedded_bitmap(dataset, group, layout, cells)
    if not isinstance(data, bytes):
        raise _BrokenOverlay("its bits are damaged")
    rows, columns = integer(dataset, group << 16 | _ROWS) or 0, integer(dataset, group << 16 | _COLUMNS) or 0
    count = rows * columns
    if rows < 1 or columns < 1:
        raise _BrokenOverlay("it does not say how large it is")
    if count > LARGEST_OVERLAY_BITS:
        raise _BrokenOverlay(f"{columns} x {rows} pixels are too many")
    if len(data) * 8 < (own_frame + 1) * count:
        raise _BrokenOverlay("its bits are cut short")
    if layout.big_endian and dataset[group << 16 | _DATA].VR == "OW":
        data = np.frombuffer(data[: len(data) // 2 * 2], np.uint16).byteswap().tobytes()
    return unpacked_bits(data, own_frame * count, count).reshape(rows, columns).astype(bool)


def _embedded_bitmap(dataset: Dataset, group: int, layout: PixelLayout, cells: Callable[[], np.ndarray] | None) -> np.ndarray:
    """Take the plane from a bit of each pixel cell that the pixel value does not use (retired, but old files have it)."""
    allocated = integer(dataset, group << 16 | _BITS_ALLOCATED) or 1
    position = integer(dataset, group << 16 | _BIT_POSITION)
    if allocated == 1 or position is None:
        raise _BrokenOverlay("it has no bits")
    lowest = layout.high_bit + 1 - layout.bits_stored
    if allocated != layout.bits_allocated or not 0 <= position < allocated or lowest <= position <= layout.high_bit:
        raise _BrokenOverlay(f"it is said to lie in bit {position} of the pixels, which is not free")
    if cells is None or layout.samples != 1 or layout.number != "integer":
        raise _BrokenOverlay("it is said to lie in the pixels, which are compressed or coloured")
    return (cells() >> position & 1).astype(bool).reshape(layout.rows, layout.columns)


def _origin(dataset: Dataset, group: int) -> tuple[int, int]:
    """Return the picture's (row, column), counted from 0, under the overlay's first pixel."""
    stated = numbers(dataset, group << 16 | _ORIGIN)
    if len(stated) != 2:
        return 0, 0
    # Signed numbers, which some files write as unsigned ones.
    row, column = (int(value) - 65536 if value > 32767 else int(value) for value in stated)
    return row - 1, column - 1


# --------------------------------------------------------------------------------------------------------- painting


def overlay_picture(
    overlays: Sequence[Overlay], area: tuple[float, float, float, float], rows: int, columns: int
) -> np.ndarray:
    """Return overlays in colour over part of a picture: RGBA uint8 (rows, columns, 4), premultiplied.

    Parameters
    ----------
    area
        (left, top, right, bottom) in picture pixels, continuous: pixel i covers [i, i + 1).
    rows, columns
        Size of the result. Where it is smaller than the area, a line one pixel wide is still drawn.
    """
    painted = np.zeros((rows, columns, 4), np.float32)
    regions = [overlay for overlay in overlays if overlay.is_region]
    graphics = [overlay for overlay in overlays if not overlay.is_region]
    if regions:
        plane = _plane(regions, area)
        _lay(painted, REGION_COLOR, REGION_OPACITY * _resampled(plane, area, rows, columns, 1.0))
        _lay_lines(painted, REGION_COLOR, _lines(_border(plane), area, rows, columns))
    if graphics:
        _lay_lines(painted, GRAPHICS_COLOR, _lines(_plane(graphics, area), area, rows, columns))
    return np.asarray(np.rint(painted), np.uint8)


def draw_overlays(display: np.ndarray, image: Image) -> np.ndarray:
    """Return a picture as drawn at full size, uint8 grey or RGB, with its overlays over it: uint8 RGB.

    A picture without overlays comes back as it is.
    """
    if not image.overlays:
        return display
    area = (0.0, 0.0, float(image.columns), float(image.rows))
    painted = overlay_picture(image.overlays, area, image.rows, image.columns)
    rgb = display if display.ndim == 3 else np.repeat(display[..., None], 3, axis=2)
    kept = 255 - painted[..., 3:].astype(np.uint16)
    return np.asarray((rgb * kept + 127) // 255 + painted[..., :3], np.uint8)


def _plane(overlays: Sequence[Overlay], area: tuple[float, float, float, float]) -> np.ndarray:
    """Return the union of overlays over the whole pixels of an area, bool."""
    left, top, right, bottom = _whole_pixels(area)
    plane = np.zeros((bottom - top, right - left), bool)
    for overlay in overlays:
        rows, columns = overlay.mask.shape
        r0, r1 = max(overlay.row, top), min(overlay.row + rows, bottom)
        c0, c1 = max(overlay.column, left), min(overlay.column + columns, right)
        if r0 < r1 and c0 < c1:
            part = overlay.mask[r0 - overlay.row : r1 - overlay.row, c0 - overlay.column : c1 - overlay.column]
            plane[r0 - top : r1 - top, c0 - left : c1 - left] |= part
    return plane


def _whole_pixels(area: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    left, top, right, bottom = area
    return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)


def _border(plane: np.ndarray) -> np.ndarray:
    """Return the pixels of a region that touch its outside; the edge of the plane is no outside."""
    inner = plane.copy()
    inner[1:] &= plane[:-1]
    inner[:-1] &= plane[1:]
    inner[:, 1:] &= plane[:, :-1]
    inner[:, :-1] &= plane[:, 1:]
    border: np.ndarray = plane & ~inner
    return border


def _lines(plane: np.ndarray, area: tuple[float, float, float, float], rows: int, columns: int) -> np.ndarray:
    left, top, right, bottom = area
    shrunk = max((bottom - top) / rows, (right - left) / columns, 1.0)
    return _resampled(plane, area, rows, columns, min(shrunk, LARGEST_GAIN))


def _resampled(plane: np.ndarray, area: tuple[float, float, float, float], rows: int, columns: int, gain: float) -> np.ndarray:
    """Return how much of each pixel of the result a plane fills, times ``gain``: float32 (rows, columns), 0 to 1."""
    left, top, _, _ = _whole_pixels(area)
    box = (area[0] - left, area[1] - top, area[2] - left, area[3] - top)
    source = PillowImage.fromarray(plane.view(np.uint8) * np.uint8(255))
    # The gap lets Pillow halve first: several times faster on a whole film, and the same picture.
    filled = np.asarray(source.resize((columns, rows), PillowImage.Resampling.BOX, box=box, reducing_gap=1.0), np.float32)
    opacity: np.ndarray = np.minimum(filled * np.float32(gain / 255), np.float32(1))
    return opacity


def _lay_lines(painted: np.ndarray, color: tuple[int, int, int], opacity: np.ndarray) -> None:
    rim = np.zeros_like(opacity)
    for rows, columns in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        np.maximum(rim, _moved(opacity, rows, columns), out=rim)
    _lay(painted, (0, 0, 0), RIM_OPACITY * rim)
    _lay(painted, color, opacity)


def _moved(plane: np.ndarray, rows: int, columns: int) -> np.ndarray:
    moved = np.zeros_like(plane)
    height, width = plane.shape
    to = slice(max(rows, 0), height + min(rows, 0)), slice(max(columns, 0), width + min(columns, 0))
    of = slice(max(-rows, 0), height + min(-rows, 0)), slice(max(-columns, 0), width + min(-columns, 0))
    moved[to] = plane[of]
    return moved


def _lay(painted: np.ndarray, color: tuple[int, int, int], opacity: np.ndarray) -> None:
    """Lay a colour over what is painted (premultiplied RGBA 0 to 255), in place."""
    # An overlay leaves most of a film free: only what it touches is computed.
    touched = np.nonzero(opacity)
    share = opacity[touched][:, None]
    painted[touched] = painted[touched] * (1 - share) + np.array([*color, 255], np.float32) * share
