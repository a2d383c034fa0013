"""The picture as the rest of the program knows it.

An :class:`Instance` is one frame of one file, known by its header; an :class:`Image` is the same with its pixels
decoded. Both are frozen; an Image that could be built is valid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

VoiFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
SpacingPlane = Literal["patient", "detector", "calibrated"]

RESEARCH_NOTICE = "Research and education only. Not a medical device; not for diagnosis, triage or treatment decisions."


@dataclass(frozen=True)
class Window:
    """A VOI window in modality units (HU for CT). References: DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3."""

    center: float
    width: float
    function: VoiFunction = "LINEAR"
    explanation: str = ""


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A VOI LUT: ``entries`` (n,) uint16, ``first`` the value mapped to entry 0, ``bits`` of an entry (8 to 16)."""

    entries: np.ndarray
    first: int
    bits: int
    explanation: str = ""


Voi = Window | LookupTable


@dataclass(frozen=True, eq=False)
class Overlay:
    """A bitmap that a file lays over its picture, cut to the picture. References: DICOM PS3.3 C.9.2 and C.9.3.

    ``mask`` is bool (rows, columns), True where something is drawn; its first pixel lies on the picture's pixel
    (``row``, ``column``), counted from 0. ``is_region`` tells a region of interest from graphics.
    """

    mask: np.ndarray
    row: int = 0
    column: int = 0
    is_region: bool = False
    group: int = 0x6000
    label: str = ""
    description: str = ""


@dataclass(frozen=True, eq=False)
class Shutter:
    """What a file asks not to show: ``covered`` bool (rows, columns), drawn in ``grey`` (0 to 255).

    References: DICOM PS3.3 C.7.6.11 and C.7.6.15.
    """

    covered: np.ndarray
    grey: int = 0


@dataclass(frozen=True)
class Identity:
    """Who and what a picture shows, as text ready to be drawn; an empty string where the file does not say.

    ``patient_name`` holds every component group the file gives, ``Family^Given`` turned to ``Family Given``, groups
    joined by `` = ``. Dates are ISO (``2020-03-10``), times ``14:05:59``, ``age`` is at the study (``055Y`` as ``55 y``).
    """

    patient_name: str = ""
    patient_id: str = ""
    sex: str = ""
    birth_date: str = ""
    age: str = ""
    institution: str = ""
    study_date: str = ""
    study_time: str = ""
    accession_number: str = ""
    study_description: str = ""
    series_description: str = ""
    modality: str = ""
    body_part: str = ""
    laterality: str = ""
    view_position: str = ""
    study_uid: str = ""
    series_uid: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    series_number: int | None = None
    instance_number: int | None = None
    patient_orientation: tuple[str, str] = ("", "")
    """Row direction then column direction, in the letters of PS3.3 C.7.6.1.1.1: ("L", "F") on a frontal film."""
    age_years: float | None = None


@dataclass(frozen=True)
class Instance:
    """One frame of one file, known by its header alone (hashable; ``key`` names it within a session)."""

    path: Path
    frame: int
    frames: int
    rows: int
    columns: int
    identity: Identity
    is_dicom: bool
    photometric_interpretation: str = ""
    transfer_syntax_uid: str = ""
    transfer_syntax_name: str = ""
    bits_stored: int = 8
    position_mm: tuple[float, float, float] | None = None
    orientation: tuple[float, ...] | None = None
    echo: str = ""
    """Echo number or echo time, as text; empty where the file does not say."""
    acquisition: int | None = None
    concatenation: int = 0
    """Which part of a concatenation a file is, counted from 1; 0 where it is whole."""
    concatenation_uid: str = ""
    concatenation_parts: int = 0
    """Of how many parts the concatenation is said to be; 0 where the file does not say."""

    @property
    def key(self) -> str:
        """Return what tells this frame from every other one in a session."""
        return f"{self.path}#{self.frame}"


@dataclass(frozen=True, eq=False)
class Image:
    """A decoded picture.

    ``pixels`` is (rows, columns) in modality units after modality LUT or rescale, int16/uint16/int32 where these are
    whole numbers and float32 otherwise; or (rows, columns, 3) uint8 RGB when ``is_color``. Polarity is the stored one:
    for MONOCHROME1 the display inverts. The array is read-only.
    """

    instance: Instance
    pixels: np.ndarray
    sha256: str
    """Of the whole file, hexadecimal."""
    photometric_interpretation: str
    """MONOCHROME1, MONOCHROME2 or RGB (palette and YBR pictures arrive converted)."""
    vois: tuple[Voi, ...] = ()
    """What the file states, in the order it should be offered: VOI LUTs first, then windows."""
    presentation_inverse: bool = False
    """PresentationLUTShape INVERSE on a MONOCHROME2 picture (or IDENTITY on MONOCHROME1): turn the greys over once more."""
    spacing_mm: tuple[float, float] | None = None
    """(row, column) distance between pixel centres, or None: then nothing is measured in millimetres."""
    spacing_plane: SpacingPlane | None = None
    aspect_ratio: float = 1.0
    """Height of a pixel divided by its width, for drawing."""
    unit: str = ""
    """Of a pixel value: "HU", "" when the file does not say."""
    padding: np.ndarray | None = None
    """bool (rows, columns), True where pixels are padding; None where there is none. Read-only."""
    lossy: str = ""
    """What to print in red: "JPEG 12:1", "lossy, ratio not stated"; empty when lossless."""
    warnings: tuple[str, ...] = ()
    """Whole sentences about what had to be mended or ignored in the file."""
    overlays: tuple[Overlay, ...] = ()
    """Drawn over the greys by whoever asks for them; never part of ``pixels``."""
    shutter: Shutter | None = None
    """Display alone: ``pixels`` under it are those of the file, and stay readable."""
    presentation_lut: LookupTable | None = None
    """From VOI output to P-Values (0 black), in the place of any inversion; its input is scaled to its entries."""

    def __post_init__(self) -> None:
        if self.pixels.ndim not in (2, 3) or self.pixels.size == 0:
            raise ValueError(f"pixels must be (rows, columns) or (rows, columns, 3), got {self.pixels.shape}")
        self.pixels.setflags(write=False)

    @property
    def is_color(self) -> bool:
        """Return whether pixels are RGB, which no window changes."""
        return self.pixels.ndim == 3

    @property
    def rows(self) -> int:
        """Return the height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def columns(self) -> int:
        """Return the width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def identity(self) -> Identity:
        """Return who and what the picture shows."""
        return self.instance.identity


@dataclass(frozen=True)
class NotOpened:
    """A file that was dropped and is not shown, with the whole sentence that says why."""

    path: Path
    reason: str


@dataclass(frozen=True, eq=False)
class Opened:
    """A frame that can be shown: its header record, and a thumbnail once one has been made.

    ``thumbnail`` is uint8 (h, w) or (h, w, 3), at most 128 px a side.
    """

    instance: Instance
    thumbnail: np.ndarray | None = None


DocumentKind = Literal["report", "pdf", "presentation state", "key objects"]


@dataclass(frozen=True)
class Document:
    """A file of a study that holds no picture of its own but can be shown: a structured report, an encapsulated PDF ...

    ``title`` is what the list shows; ``refers_to`` the SOP Instance UIDs of the pictures it speaks of.
    """

    path: Path
    kind: DocumentKind
    title: str
    identity: Identity
    refers_to: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return what tells this document from everything else in a session."""
        return str(self.path)


@dataclass(frozen=True)
class OpenProgress:
    """How far the opening of files has come: files done, files in all, the name being read."""

    done: int
    total: int
    name: str = ""


@dataclass(frozen=True)
class OpenSummary:
    """What a finished opening found."""

    opened: int
    not_opened: tuple[NotOpened, ...] = field(default=())
