"""Stored values to modality values, and the VOI transformations a file offers for them.

References: DICOM PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.16.2.9 and .10 (the same per frame),
C.11.6 (presentation LUT), C.8.7.1.1.2 (angiography), C.7.5.1.1.2 and C.7.6.24 (pixel padding).
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast, get_args

import numpy as np
from pydicom.dataset import Dataset

from viewer.imaging.functional_groups import group_or_top
from viewer.imaging.header import items, number, numbers, text, texts
from viewer.imaging.image import LookupTable, Voi, VoiFunction, Window
from viewer.imaging.lookup_tables import apply_modality_table, read_table
from viewer.imaging.pixel_layout import PixelLayout, by_bands

_TRANSFORMATION = "PixelValueTransformationSequence"
_ANGIOGRAPHY = "1.2.840.10008.5.1.4.1.1.12."
_PADDING = {"integer": "PixelPadding", "float": "FloatPixelPadding", "double": "DoubleFloatPixelPadding"}


def modality_values(
    stored: np.ndarray, dataset: Dataset, layout: PixelLayout, frame: int = 0
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Apply the modality LUT or the rescale of a frame.

    Returns
    -------
    int16, uint16 or int32 where all values are whole and fit, else float32; and sentences about what was mended.
    """
    warnings = []
    for item in _modality_tables(dataset)[:1]:
        mapped = apply_modality_table(stored, item, layout.signed, layout.big_endian)
        if mapped is not None:
            return mapped, ()
        warnings.append("The modality LUT of the file holds no table and was ignored.")
    group = group_or_top(dataset, _TRANSFORMATION, frame)
    slope, intercept = number(group, "RescaleSlope"), number(group, "RescaleIntercept")
    if slope == 0:
        warnings.append("The file states a rescale slope of 0, which was taken for 1.")
    return _rescale(stored, slope or 1.0, intercept or 0.0), tuple(warnings)


def _modality_tables(dataset: Dataset) -> tuple[Dataset, ...]:
    """Return the items of the modality LUT, none where it is not meant for display.

    That of an angiogram stored as LOG or DISP leads back to the intensity of the beam (C.8.7.1.1.2, PS3.4 N.2.1.2).
    """
    is_angiogram = text(dataset, "SOPClassUID").startswith(_ANGIOGRAPHY) or text(dataset, "Modality") in ("XA", "XRF")
    if is_angiogram and text(dataset, "PixelIntensityRelationship").upper() in ("LOG", "DISP"):
        return ()
    return items(dataset, "ModalityLUTSequence")


def _rescale(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    if stored.dtype.kind == "f":
        return _scaled(stored, slope, intercept)
    if not (slope.is_integer() and intercept.is_integer()):
        return _scaled(stored, slope, intercept)
    ends = [int(stored.min()) * int(slope) + int(intercept), int(stored.max()) * int(slope) + int(intercept)]
    dtype = _whole_dtype(min(ends), max(ends), stored.dtype)
    if slope == 1 and intercept == 0:
        return stored.astype(dtype, copy=False)
    if dtype.kind == "f":
        return _scaled(stored, slope, intercept)
    wide = np.int64 if stored.dtype.itemsize > 2 else np.int32
    return by_bands(stored, dtype, lambda band: band.astype(wide) * int(slope) + int(intercept))


def _scaled(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    return by_bands(stored, np.float32, lambda band: (band * slope + intercept).astype(np.float32))


def _whole_dtype(low: int, high: int, stored: np.dtype[np.generic]) -> np.dtype[np.generic]:
    for name in ("u2", "i2", "i4") if stored.kind == "u" else ("i2", "u2", "i4"):
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max:
            return np.dtype(name)
    return np.dtype(np.float32)


def unit_of(dataset: Dataset, frame: int = 0) -> str:
    """Return the unit of a modality value: "HU" for CT, what the file states otherwise, "" where it does not."""
    modality = text(dataset, "Modality")
    lut = _modality_tables(dataset)
    stated = text(lut[0], "ModalityLUTType") if lut else text(group_or_top(dataset, _TRANSFORMATION, frame), "RescaleType")
    if stated in ("US", "UNSPECIFIED", ""):
        stated = text(dataset, "Units") if modality == "PT" else ""
    if modality == "CT" and stated in ("", "HU"):
        return "HU"
    return stated


def padding_mask(stored: np.ndarray, dataset: Dataset, layout: PixelLayout) -> np.ndarray | None:
    """Return where stored values are padding, bool (rows, columns), or None where nothing is."""
    name = _PADDING[layout.number]
    value, limit = number(dataset, f"{name}Value"), number(dataset, f"{name}RangeLimit")
    if value is None or layout.samples != 1:
        return None
    both = (value, value if limit is None else limit)
    ends = sorted(_as_sample(int(end), layout) if layout.number == "integer" else end for end in both)
    mask = (stored >= ends[0]) & (stored <= ends[1])
    mask.setflags(write=False)
    return mask if mask.any() else None


def _as_sample(value: int, layout: PixelLayout) -> int:
    """Read a number written as US where SS was due, the other way round, or without its sign extended."""
    span = 1 << layout.bits_allocated
    if not layout.signed:
        return value + span if value < 0 else value
    if value >= span // 2:
        return value - span
    return value - (1 << layout.bits_stored) if value >= 1 << (layout.bits_stored - 1) else value


# -------------------------------------------------------------------------------------------------------------- VOI


def vois_of(dataset: Dataset, layout: PixelLayout, frame: int = 0) -> tuple[tuple[Voi, ...], tuple[str, ...]]:
    """Return what a frame offers, VOI LUTs before windows, and sentences about what was ignored."""
    group = group_or_top(dataset, "FrameVOILUTSequence", frame)
    luts, lut_warnings = _luts(group, dataset, layout, frame)
    windows, window_warnings = _windows(group)
    return (*luts, *windows), (*lut_warnings, *window_warnings)


def _luts(group: Dataset, dataset: Dataset, layout: PixelLayout, frame: int) -> tuple[list[LookupTable], list[str]]:
    signed = _modality_values_are_signed(dataset, layout, frame)
    stated = items(group, "VOILUTSequence") or items(dataset, "VOILUTSequence")
    found = [read_table(item, signed, layout.big_endian) for item in stated]
    luts = [_unsigned(table) if layout.signed and not signed else table for table in found if table is not None]
    ignored = len(found) - len(luts)
    return luts, [f"{ignored} VOI LUT without a table was ignored."] if ignored else []


def _unsigned(table: LookupTable) -> LookupTable:
    """Return a table whose first value is unsigned, but was read as signed like the stored values (US or SS)."""
    return replace(table, first=table.first % 65536)


def _modality_values_are_signed(dataset: Dataset, layout: PixelLayout, frame: int) -> bool:
    """Return whether a VOI LUT's first value is a signed number (C.11.2.1.1).

    It is unsigned after a modality LUT, signed where the rescale can lead below 0, else as the stored values are.
    """
    if _modality_tables(dataset):
        return False
    group = group_or_top(dataset, _TRANSFORMATION, frame)
    slope, intercept = number(group, "RescaleSlope"), number(group, "RescaleIntercept")
    if slope is None and intercept is None:
        return layout.signed
    smallest = -(1 << (layout.bits_stored - 1)) if layout.signed else 0
    ends = [(slope or 1.0) * end + (intercept or 0.0) for end in (smallest, smallest + (1 << layout.bits_stored) - 1)]
    return min(ends) < 0


def presentation_table(dataset: Dataset, big_endian: bool) -> tuple[LookupTable | None, tuple[str, ...]]:
    """Return the presentation LUT of a file, None where it has none, and a sentence where it is broken."""
    stated = items(dataset, "PresentationLUTSequence")[:1]
    tables = [table for item in stated if (table := read_table(item, False, big_endian)) is not None]
    if stated and not tables:
        return None, ("The presentation LUT of the file holds no table and was ignored.",)
    return (tables[0] if tables else None), ()


def _windows(group: Dataset) -> tuple[list[Window], list[str]]:
    stated = text(group, "VOILUTFunction").upper() or "LINEAR"
    function = cast(VoiFunction, stated if stated in get_args(VoiFunction) else "LINEAR")
    centers, widths = numbers(group, "WindowCenter"), numbers(group, "WindowWidth")
    names = texts(group, "WindowCenterWidthExplanation")
    windows, warnings = [], []
    if function != stated:
        warnings.append(f"The VOI LUT function {stated[:40]} is not known; LINEAR was used.")
    for i, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if width < 1 if function == "LINEAR" else width <= 0:
            warnings.append(f"A window of width {width:g} was ignored: the standard forbids it.")
        else:
            windows.append(Window(center, width, function, names[i] if i < len(names) else ""))
    return windows, warnings
