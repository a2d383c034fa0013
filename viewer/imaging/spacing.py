"""Distance between pixel centres, and in which plane it was measured.

References: DICOM PS3.3 10.7.1.1 (PixelSpacing), 10.7.1.3 (calibration), C.7.6.3.1.7 (PixelAspectRatio).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from viewer.imaging.functional_groups import group_or_top
from viewer.imaging.header import numbers, text
from viewer.imaging.image import SpacingPlane

_CROSS_SECTIONAL = {"CT", "MR", "PT", "NM"}


@dataclass(frozen=True)
class Spacing:
    """(row, column) in mm and its plane, both None where the file does not say; height of a pixel over its width."""

    spacing_mm: tuple[float, float] | None
    plane: SpacingPlane | None
    aspect_ratio: float


def spacing_of(dataset: Dataset, frame: int = 0) -> Spacing:
    """Read the spacing a picture is measured with.

    Cross-sections are measured in the patient. A projection's PixelSpacing counts as calibrated where the file says so
    or where it differs from ImagerPixelSpacing; otherwise the spacing is the detector's.
    """
    pixel = _pair(group_or_top(dataset, "PixelMeasuresSequence", frame), "PixelSpacing")
    imager = _pair(dataset, "ImagerPixelSpacing") or _pair(dataset, "NominalScannedPixelSpacing")
    chosen, plane = _choose(dataset, pixel, imager, frame)
    return Spacing(chosen, plane, _aspect_ratio(dataset, chosen))


def _choose(
    dataset: Dataset, pixel: tuple[float, float] | None, imager: tuple[float, float] | None, frame: int
) -> tuple[tuple[float, float] | None, SpacingPlane | None]:
    oriented = numbers(group_or_top(dataset, "PlaneOrientationSequence", frame), "ImageOrientationPatient")
    if pixel and (text(dataset, "Modality") in _CROSS_SECTIONAL or (len(oriented) == 6 and not imager)):
        return pixel, "patient"
    if pixel and (text(dataset, "PixelSpacingCalibrationType") or (imager and not _equal(pixel, imager))):
        return pixel, "calibrated"
    if imager or pixel:
        return imager or pixel, "detector"
    return None, None


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    found = numbers(dataset, keyword)
    return (found[0], found[1]) if len(found) == 2 and min(found) > 0 else None


def _equal(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(abs(x - y) <= 1e-4 * y for x, y in zip(a, b, strict=True))


def _aspect_ratio(dataset: Dataset, spacing: tuple[float, float] | None) -> float:
    pair = spacing or _pair(dataset, "PixelAspectRatio")
    return pair[0] / pair[1] if pair else 1.0
