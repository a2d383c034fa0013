"""One frame of a parsed DICOM file to an :class:`Image`, and its frames to :class:`Instance` records.

Order of the grey pipeline: stored values, modality transformation (here); VOI, presentation shape and MONOCHROME1 (in
:mod:`viewer.imaging.grayscale`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from pydicom.encaps import get_frame
from pydicom.pixels.processing import convert_color_space

from viewer.errors import UnreadableFile
from viewer.imaging import decoders
from viewer.imaging.dataset_reading import PARSING_ERRORS, quiet
from viewer.imaging.dicom_file import GREY, MOST_FRAMES, DicomFile, pixel_data, transfer_syntax_name
from viewer.imaging.functional_groups import group_or_top
from viewer.imaging.header import integer, number, numbers, raw_value, text, texts
from viewer.imaging.identity import read_identity
from viewer.imaging.image import Image, Instance, Overlay, Shutter, SpacingPlane, Voi
from viewer.imaging.lookup_tables import apply_palette
from viewer.imaging.modality import modality_values, padding_mask, presentation_table, unit_of, vois_of
from viewer.imaging.overlays import read_overlays
from viewer.imaging.pixel_layout import by_bands, native_frame, pixel_cells
from viewer.imaging.shutter import read_shutter, shutter_group
from viewer.imaging.spacing import spacing_of

_ASSUMED_POLARITY = "An ACR-NEMA file does not say whether small values are black; they are shown black."
_FOR_PROCESSING = "This picture is not meant for viewing (For Processing): its contrast is raw."
_NO_SIGN = "The file does not say whether its values are signed; they were read as unsigned."
_METHODS = {
    "ISO_10918_1": "JPEG",
    "ISO_14495_1": "JPEG-LS",
    "ISO_15444_1": "JPEG 2000",
    "ISO_15444_15": "HTJ2K",
    "ISO_18181_1": "JPEG XL",
}
_ALWAYS_LOSSY = ("JPEG",)


def instances_of(file: DicomFile) -> tuple[Instance, ...]:
    """Return one record for each frame."""
    with quiet():
        common = _instance(file)
        return tuple(_of_frame(file, common, frame) for frame in range(file.layout.frames))


def image_of(file: DicomFile, frame: int, sha256: str) -> Image:
    """Decode one frame, counted from 0, and no other.

    Raises
    ------
    UnreadableFile
        If the file has no such frame, or the frame cannot be decoded.
    """
    if not 0 <= frame < file.layout.frames:
        count = "1 frame" if file.layout.frames == 1 else f"{file.layout.frames} frames"
        raise UnreadableFile(file.path, f"it has no frame {frame} (it has {count}, counted from 0)")
    with quiet():
        instance = _of_frame(file, _instance(file), frame)
        return _image(file, instance, _decode(file, frame), sha256)


def _instance(file: DicomFile) -> Instance:
    """Return what all frames of a file have in common."""
    dataset, layout = file.dataset, file.layout
    return Instance(
        path=file.path,
        frame=0,
        frames=layout.frames,
        rows=layout.rows,
        columns=layout.columns,
        identity=read_identity(dataset),
        is_dicom=True,
        photometric_interpretation=layout.photometric_interpretation,
        transfer_syntax_uid=file.transfer_syntax_uid,
        transfer_syntax_name=transfer_syntax_name(file.transfer_syntax_uid),
        bits_stored=layout.bits_stored,
        echo=text(dataset, "EchoNumbers") or text(dataset, "EchoTime"),
        acquisition=integer(dataset, "AcquisitionNumber"),
        concatenation=integer(dataset, "InConcatenationNumber") or 0,
        concatenation_uid=text(dataset, "ConcatenationUID"),
        concatenation_parts=integer(dataset, "InConcatenationTotalNumber") or 0,
    )


def _of_frame(file: DicomFile, common: Instance, frame: int) -> Instance:
    dataset = file.dataset
    position = numbers(group_or_top(dataset, "PlanePositionSequence", frame), "ImagePositionPatient")
    orientation = numbers(group_or_top(dataset, "PlaneOrientationSequence", frame), "ImageOrientationPatient")
    return replace(
        common,
        frame=frame,
        position_mm=(position[0], position[1], position[2]) if len(position) == 3 else None,
        orientation=orientation if len(orientation) == 6 else None,
        echo=text(group_or_top(dataset, "MREchoSequence", frame), "EffectiveEchoTime") or common.echo,
    )


# --------------------------------------------------------------------------------------------------------- decoding


def _decode(file: DicomFile, frame: int) -> decoders.Decoded:
    """Return a frame's stored values, and the colour space they are in after decoding."""
    if file.is_native:
        values = native_frame(pixel_data(file), file.layout, frame)
        return decoders.Decoded(values, file.layout.photometric_interpretation)
    try:
        return decoders.decode(_encoded_frame(file, frame), file.transfer_syntax_uid, file.layout)
    except decoders.DecodeError as error:
        name = transfer_syntax_name(file.transfer_syntax_uid)
        raise UnreadableFile(file.path, f"{error} ({name})") from error


_ITEM_TAG = b"\xfe\xff\x00\xe0"
_NO_OFFSETS = _ITEM_TAG + bytes(4)


def _encoded_frame(file: DicomFile, frame: int) -> bytes:
    """Join the fragments of one frame."""
    data, frames = pixel_data(file), file.layout.frames
    if data[:4] != _ITEM_TAG and frames == 1:
        # Not encapsulated although its transfer syntax asks for it; a codec finds its own way in.
        return data
    try:
        first = 8 + int.from_bytes(data[4:8], "little")
        if not _lead_to_frames(data[8:first], "<u4", data, first, frames):
            # Their fragments can be counted, and the ends of pictures looked for.
            data, first = _NO_OFFSETS + data[first:], len(_NO_OFFSETS)
        return get_frame(data, frame, extended_offsets=_extended_offsets(file, data, first), number_of_frames=frames)
    except PARSING_ERRORS as error:
        raise UnreadableFile(file.path, f"its compressed frame {frame} could not be found") from error


def _extended_offsets(file: DicomFile, data: bytes, first: int) -> tuple[bytes, bytes] | None:
    """Return where frames begin and how long they are, as the file writes both; None where that is not to be believed."""
    offsets, lengths = (raw_value(file.dataset, f"ExtendedOffsetTable{added}") for added in ("", "Lengths"))
    if not isinstance(offsets, bytes) or not isinstance(lengths, bytes) or len(lengths) < len(offsets):
        return None
    return (offsets, lengths) if _lead_to_frames(offsets, "<u8", data, first, file.layout.frames) else None


def _lead_to_frames(table: bytes, dtype: str, data: bytes, first: int, frames: int) -> bool:
    """Return whether a table of offsets (PS3.5 A.4) has one for each frame, ascending, each to the beginning of an item.

    Some writers leave it full of zeros: every frame would be the first one.
    """
    size = np.dtype(dtype).itemsize
    offsets = np.frombuffer(table[: min(len(table) // size, MOST_FRAMES + 1) * size], dtype).tolist()
    if not frames <= len(offsets) <= MOST_FRAMES or offsets[0] != 0 or not all(a < b for a, b in itertools.pairwise(offsets)):
        return False
    return all(data[first + offset : first + offset + 4] == _ITEM_TAG for offset in offsets)


# ----------------------------------------------------------------------------------------------------------- images


@dataclass(frozen=True, eq=False)
class FrameFacts:
    """What a header says of one frame beyond its identity; fields as those of :class:`Image`."""

    vois: tuple[Voi, ...]
    presentation_inverse: bool
    spacing_mm: tuple[float, float] | None
    spacing_plane: SpacingPlane | None
    aspect_ratio: float
    unit: str
    lossy: str
    warnings: tuple[str, ...]


def facts_of(file: DicomFile, frame: int) -> FrameFacts:
    """Collect what the header says of a frame, without decoding it."""
    with quiet():
        dataset = file.dataset
        is_grey = file.layout.photometric_interpretation in GREY
        vois, voi_warnings = vois_of(dataset, file.layout, frame) if is_grey else ((), ())
        spacing = spacing_of(dataset, frame)
        return FrameFacts(
            vois=vois,
            presentation_inverse=is_grey and _is_turned(file),
            spacing_mm=spacing.spacing_mm,
            spacing_plane=spacing.plane,
            aspect_ratio=spacing.aspect_ratio,
            unit=unit_of(dataset, frame) if is_grey else "",
            lossy=_lossy_text(file),
            warnings=(*_warnings(file), *voi_warnings),
        )


def _is_turned(file: DicomFile) -> bool:
    # Shape and photometric interpretation say the same thing twice; where they differ, the shape is the later word.
    is_monochrome1 = file.layout.photometric_interpretation == "MONOCHROME1"
    return text(file.dataset, "PresentationLUTShape").upper() == ("IDENTITY" if is_monochrome1 else "INVERSE")


def _image(file: DicomFile, instance: Instance, decoded: decoders.Decoded, sha256: str) -> Image:
    facts = facts_of(file, instance.frame)
    photometric, padding, presentation = "RGB", None, None
    mended: tuple[str, ...] = ()
    overlays, shutter, left_out = _laid_over(file, instance.frame, facts.aspect_ratio)
    if file.layout.photometric_interpretation in GREY:
        photometric = file.layout.photometric_interpretation
        pixels, mended = modality_values(decoded.values, file.dataset, file.layout, instance.frame)
        presentation, unusable = presentation_table(file.dataset, file.layout.big_endian)
        mended += unusable
        padding = padding_mask(decoded.values, file.dataset, file.layout)
    else:
        pixels = np.ascontiguousarray(_rgb(file, decoded))
    return Image(
        instance=instance,
        pixels=pixels,
        sha256=sha256,
        photometric_interpretation=photometric,
        vois=facts.vois,
        presentation_inverse=facts.presentation_inverse,
        spacing_mm=facts.spacing_mm,
        spacing_plane=facts.spacing_plane,
        aspect_ratio=facts.aspect_ratio,
        unit=facts.unit,
        padding=padding,
        lossy=facts.lossy,
        warnings=(*facts.warnings, *mended, *left_out),
        overlays=overlays,
        shutter=shutter,
        presentation_lut=presentation,
    )


def _laid_over(file: DicomFile, frame: int, aspect_ratio: float) -> tuple[tuple[Overlay, ...], Shutter | None, tuple[str, ...]]:
    """Return overlays, shutter, and sentences about those that are broken; none of them costs the picture."""
    dataset, layout = file.dataset, file.layout
    has_cells = file.is_native and layout.bits_allocated in (8, 16, 32, 64)
    cells = (lambda: pixel_cells(pixel_data(file), layout, frame)) if has_cells else None
    overlays, broken = read_overlays(dataset, layout, frame, cells)
    shutter, ignored = read_shutter(dataset, layout.rows, layout.columns, frame, aspect_ratio, overlays)
    drawn = tuple(overlay for overlay in overlays if overlay.group != shutter_group(dataset))
    return drawn, shutter, (*broken, *ignored)


def _rgb(file: DicomFile, decoded: decoders.Decoded) -> np.ndarray:
    """Return a decoded colour frame as uint8 RGB."""
    if decoded.photometric_interpretation == "PALETTE COLOR":
        try:
            return apply_palette(decoded.values, file.dataset, file.layout.big_endian)
        except ValueError as error:
            raise UnreadableFile(file.path, "its colour palette is missing or damaged") from error
    values = decoded.values
    if values.dtype != np.uint8:
        values = by_bands(values, np.uint8, lambda band: _eight_bits(band, file.layout.bits_stored))
    if decoded.photometric_interpretation in ("YBR_FULL", "YBR_FULL_422"):
        return by_bands(values, np.uint8, lambda band: convert_color_space(band, "YBR_FULL", "RGB"))
    if decoded.photometric_interpretation in ("YBR_PARTIAL_420", "YBR_PARTIAL_422"):
        raise UnreadableFile(file.path, f"its colour space {decoded.photometric_interpretation} is retired")
    return values


def _eight_bits(values: np.ndarray, bits_stored: int) -> np.ndarray:
    largest = float((1 << bits_stored) - 1)
    scaled = np.clip(values.astype(np.float64) / largest, 0, 1) * 255
    return np.floor(scaled + 0.5).astype(np.uint8)


def _lossy_text(file: DicomFile) -> str:
    """Return what to print in red: method and ratio of a lossy compression, the last of several."""
    dataset = file.dataset
    by_syntax = decoders.LOSSY.get(file.transfer_syntax_uid, "")
    stated = text(dataset, "LossyImageCompression")
    if stated != "01" and (not by_syntax or (stated == "00" and by_syntax not in _ALWAYS_LOSSY)):
        return ""
    methods = texts(dataset, "LossyImageCompressionMethod")
    method = _METHODS.get(methods[-1], methods[-1]) if methods else by_syntax or "lossy"
    ratio = (numbers(dataset, "LossyImageCompressionRatio") or (0.0,))[-1]
    return f"{method} {ratio:.3g}:1" if ratio > 0 else f"{method}, ratio not stated"


def _warnings(file: DicomFile) -> tuple[str, ...]:
    is_raw = text(file.dataset, "PresentationIntentType").upper() == "FOR PROCESSING"
    sign_is_missing = file.layout.number == "integer" and number(file.dataset, "PixelRepresentation") is None
    polarity_is_missing = not text(file.dataset, "PhotometricInterpretation")
    said = ((is_raw, _FOR_PROCESSING), (sign_is_missing, _NO_SIGN), (polarity_is_missing, _ASSUMED_POLARITY))
    return tuple(sentence for applies, sentence in said if applies)
