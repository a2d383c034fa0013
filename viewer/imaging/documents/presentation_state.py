"""A softcopy presentation state: how somebody wanted pictures to be shown, and what they drew on them.

:func:`read_presentation_state` reads one, :func:`applied` gives a picture its greys. The turn, the displayed area, the
shutter and the graphics are for whoever draws the picture. References: DICOM PS3.3 A.33, C.10.4 to C.10.7, C.11.6,
C.11.8; PS3.4 N.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset

from viewer.errors import UnsupportedFile
from viewer.imaging.documents.codes import date_and_time, frame_numbers, references_of_series
from viewer.imaging.documents.graphics import Graphic, GraphicText, read_graphics
from viewer.imaging.documents.scope import ANYWHERE, Frames, Scope, covers, scope_of
from viewer.imaging.header import integer, items, number, numbers, raw_value, text
from viewer.imaging.identity import person_name
from viewer.imaging.image import Image, LookupTable, Voi
from viewer.imaging.lookup_tables import read_table
from viewer.imaging.modality import vois_of
from viewer.imaging.pixel_layout import PixelLayout
from viewer.imaging.shutter import read_shutter

SizeMode = Literal["SCALE TO FIT", "TRUE SIZE", "MAGNIFY"]

FAMILY = "1.2.840.10008.5.1.4.1.1.11."
"""What the UIDs of all presentation state classes begin with."""

_APPLIED = {f"{FAMILY}{number}" for number in (1, 2, 3, 5, 12)}
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_SHUTTER_KEYWORDS = (
    "ShutterShape", "ShutterLeftVerticalEdge", "ShutterRightVerticalEdge", "ShutterUpperHorizontalEdge",
    "ShutterLowerHorizontalEdge", "CenterOfCircularShutter", "RadiusOfCircularShutter", "VerticesOfThePolygonalShutter",
    "ShutterPresentationValue",
)  # fmt: skip


@dataclass(frozen=True)
class DisplayedArea:
    """The part of a picture to be shown: film pixels, continuous, right and bottom excluded. References: PS3.3 C.10.4."""

    left: float
    top: float
    right: float
    bottom: float
    size_mode: SizeMode = "SCALE TO FIT"
    magnification: float | None = None
    """Screen pixels to a film pixel, for MAGNIFY."""
    scope: Scope = ANYWHERE


@dataclass(frozen=True)
class SoftcopyVoi:
    """A window or LUT and the frames it is meant for."""

    voi: Voi
    scope: Scope = ANYWHERE


@dataclass(frozen=True)
class PresentationState:
    """How pictures are to be shown. ``references`` names them: (SOP Instance UID, frames from 1, or None for all)."""

    label: str
    description: str
    creator: str
    created: str
    references: frozenset[tuple[str, Frames]]
    vois: tuple[SoftcopyVoi, ...] = ()
    inverse: bool = False
    """Whether the smallest value is drawn white, whatever photometric interpretation a picture has."""
    rotation: int = 0
    """Clockwise degrees, a multiple of 90; comes before the flip."""
    is_flipped: bool = False
    """Whether the turned picture is mirrored left to right."""
    areas: tuple[DisplayedArea, ...] = ()
    shutter: Dataset | None = field(default=None, repr=False, compare=False)
    """The elements of its display shutter, which become a mask once a picture's size is known."""
    presentation_lut: LookupTable | None = None
    """From VOI output to P-Values, in the place of ``inverse``."""
    graphics: tuple[Graphic, ...] = ()
    texts: tuple[GraphicText, ...] = ()
    rescale: tuple[float, float] | None = None
    """(slope, intercept) that its windows count on; None where the state has none, which means stored values."""
    not_applied: tuple[str, ...] = ()
    """Whole sentences about what it asks for and this program does not do."""

    def applies_to(self, sop_instance_uid: str, frame: int) -> bool:
        """Return whether the state speaks of a frame, counted from 1."""
        return covers(self.references, sop_instance_uid, frame)

    def voi_for(self, sop_instance_uid: str, frame: int) -> Voi | None:
        """Return the window or LUT for a frame, counted from 1."""
        return next((each.voi for each in self.vois if covers(each.scope, sop_instance_uid, frame)), None)

    def area_for(self, sop_instance_uid: str, frame: int) -> DisplayedArea | None:
        """Return the part of a frame, counted from 1, that is to be shown."""
        return next((each for each in self.areas if covers(each.scope, sop_instance_uid, frame)), None)

    def drawn_on(self, sop_instance_uid: str, frame: int) -> tuple[Graphic | GraphicText, ...]:
        """Return the graphics and texts for a frame, counted from 1, the lowest layer first."""
        drawn: tuple[Graphic | GraphicText, ...] = (*self.graphics, *self.texts)
        found = (each for each in drawn if covers(each.scope, sop_instance_uid, frame))
        return tuple(sorted(found, key=lambda each: each.layer_order))


def applied(image: Image, state: PresentationState, image_rescale: tuple[float, float] | None = None) -> Image:
    """Return a picture with the greys a presentation state asks for; the same picture where it is not meant.

    The state's window comes first in ``vois``, named by the state's label. A state without one leaves the picture's own:
    the standard would then show bare values (C.11.8), which no reader of a CT wants. Photometric Interpretation is
    overridden (PS3.4 N.2.1.4), so the polarity is the state's alone; so is the shutter, and there is none where the
    state has none.

    Parameters
    ----------
    image_rescale
        (slope, intercept) that ``image.pixels`` were made with, where the caller knows it: a state with another rescale
        then has its window converted. None takes the two for equal.
    """
    uid, frame = image.identity.sop_instance_uid, image.instance.frame + 1
    if not state.applies_to(uid, frame):
        return image
    stated = state.shutter or Dataset()
    shutter, said = read_shutter(stated, image.rows, image.columns, aspect_ratio=image.aspect_ratio)
    shown = replace(image, shutter=shutter, warnings=(*image.warnings, *state.not_applied, *said))
    if image.is_color:
        return shown
    voi = state.voi_for(uid, frame)
    return replace(
        shown,
        vois=image.vois if voi is None else (_named(_converted(voi, state, image_rescale), state), *image.vois),
        presentation_inverse=(image.photometric_interpretation == "MONOCHROME1") != state.inverse,
        presentation_lut=state.presentation_lut,
    )


def _named(voi: Voi, state: PresentationState) -> Voi:
    return replace(voi, explanation=state.label or voi.explanation or "Presentation state")


def _converted(voi: Voi, state: PresentationState, image_rescale: tuple[float, float] | None) -> Voi:
    """Return a window in the picture's units: what the state calls C is the value x with the same stored value."""
    if image_rescale is None or isinstance(voi, LookupTable):
        return voi
    slope, intercept = image_rescale
    own_slope, own_intercept = state.rescale or (1.0, 0.0)
    ratio = slope / own_slope if own_slope else 0.0
    if (slope, intercept) == (own_slope, own_intercept) or ratio <= 0:
        return voi
    return replace(voi, center=(voi.center - own_intercept) * ratio + intercept, width=voi.width * ratio)


# ---------------------------------------------------------------------------------------------------------- reading


def read_presentation_state(path: Path, dataset: Dataset) -> PresentationState:
    """Read a presentation state; what is missing or broken in it is left out.

    Raises
    ------
    UnsupportedFile
        If the data set is no presentation state.
    """
    sop_class = text(dataset, "SOPClassUID")
    if not sop_class.startswith(FAMILY):
        raise UnsupportedFile(path, "it is no presentation state")
    graphics, texts = read_graphics(dataset)
    rotation = integer(dataset, "ImageRotation") or 0
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    return PresentationState(
        label=text(dataset, "ContentLabel"),
        description=text(dataset, "ContentDescription"),
        creator=person_name(text(dataset, "ContentCreatorName")),
        created=date_and_time(dataset, ("PresentationCreationDate", "PresentationCreationTime")),
        references=_references(dataset),
        vois=tuple(_vois(dataset)),
        inverse=text(dataset, "PresentationLUTShape").upper() == "INVERSE",
        rotation=rotation % 360 if rotation % 90 == 0 else 0,
        is_flipped=text(dataset, "ImageHorizontalFlip").upper() == "Y",
        areas=tuple(_areas(dataset)),
        shutter=_shutter(dataset),
        presentation_lut=_presentation_lut(dataset),
        graphics=graphics,
        texts=texts,
        rescale=None if slope is None and intercept is None else (slope or 1.0, intercept or 0.0),
        not_applied=_not_applied(dataset, sop_class),
    )


def reference_holders(dataset: Dataset) -> tuple[Dataset, ...]:
    """Return the parts of a presentation state that list the pictures it is for: one, or one for each blended set."""
    return (dataset, *items(dataset, "BlendingSequence"), *items(dataset, "AdvancedBlendingSequence"))


def _references(dataset: Dataset) -> frozenset[tuple[str, Frames]]:
    found = [
        item
        for holder in reference_holders(dataset)
        for item in references_of_series(holder, "ReferencedSeriesSequence", "ReferencedImageSequence")
    ]
    stated = ((text(item, "ReferencedSOPInstanceUID"), frame_numbers(item) or None) for item in found)
    return frozenset((uid, frames) for uid, frames in stated if uid)


def _vois(dataset: Dataset) -> Iterable[SoftcopyVoi]:
    # Values below 0 reach the table only where the state's own rescale makes them.
    signed = (number(dataset, "RescaleIntercept") or 0) < 0
    layout = PixelLayout(
        rows=1, columns=1, frames=1, samples=1, photometric_interpretation="MONOCHROME2", bits_allocated=16,
        bits_stored=16, high_bit=15, signed=signed, planar=False, big_endian=_is_big_endian(dataset),
    )  # fmt: skip
    for item in items(dataset, "SoftcopyVOILUTSequence"):
        vois, _ = vois_of(item, layout)
        if vois:
            yield SoftcopyVoi(vois[0], scope_of(item))


def _areas(dataset: Dataset) -> Iterable[DisplayedArea]:
    for item in items(dataset, "DisplayedAreaSelectionSequence"):
        first = numbers(item, "DisplayedAreaTopLeftHandCorner")
        last = numbers(item, "DisplayedAreaBottomRightHandCorner")
        if len(first) != 2 or len(last) != 2:
            continue
        # The corners are those seen after the turn: in the stored picture either may be the smaller one.
        (left, right), (top, bottom) = sorted((first[0], last[0])), sorted((first[1], last[1]))
        mode = text(item, "PresentationSizeMode").upper()
        known: SizeMode = "TRUE SIZE" if mode == "TRUE SIZE" else "MAGNIFY" if mode == "MAGNIFY" else "SCALE TO FIT"
        ratio = number(item, "PresentationPixelMagnificationRatio")
        yield DisplayedArea(left - 1, top - 1, right, bottom, known, ratio if ratio and ratio > 0 else None, scope_of(item))


def _shutter(dataset: Dataset) -> Dataset | None:
    kept = Dataset()
    for keyword in _SHUTTER_KEYWORDS:
        # What cannot be converted counts as absent.
        if raw_value(dataset, keyword) is not None:
            kept[keyword] = dataset[keyword]
    return kept if "ShutterShape" in kept else None


def _presentation_lut(dataset: Dataset) -> LookupTable | None:
    tables = (read_table(item, False, _is_big_endian(dataset)) for item in items(dataset, "PresentationLUTSequence"))
    return next((table for table in tables if table), None)


def _is_big_endian(dataset: Dataset) -> bool:
    meta = getattr(dataset, "file_meta", None)
    return meta is not None and text(meta, "TransferSyntaxUID") == _BIG_ENDIAN


def _not_applied(dataset: Dataset, sop_class: str) -> tuple[str, ...]:
    said = (
        (sop_class not in _APPLIED, "This kind of presentation state blends or reconstructs pictures, which is not done."),
        (bool(items(dataset, "ModalityLUTSequence")), "The presentation state's own modality table is not applied."),
        (bool(items(dataset, "MaskSubtractionSequence")), "The subtraction the presentation state asks for is not done."),
        ("RedPaletteColorLookupTableData" in dataset, "The presentation state's false colours are not applied."),
        (
            any(each.units == "MATRIX" for each in read_graphics(dataset)[0]),
            "Graphics of the presentation state that are placed on a matrix of tiles are not drawn.",
        ),
    )
    return tuple(sentence for applies, sentence in said if applies)
