"""How a file stores its pixels, and native (uncompressed) frames to stored values.

References: DICOM PS3.3 C.7.6.3 (Image Pixel), PS3.5 section 8 (encoding).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

_BAND_ROWS = 256


@dataclass(frozen=True)
class PixelLayout:
    """The Image Pixel module of one file, checked: sizes above 0, bits and signs as the standard allows them."""

    rows: int
    columns: int
    frames: int
    samples: int
    photometric_interpretation: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: bool = False
    """Whether all of one sample comes before the next (PlanarConfiguration 1)."""
    big_endian: bool = False
    swapped_bytes: bool = False
    """8-bit samples written as big-endian 16-bit words: each pair of bytes is turned round."""
    whole_groups: bool = False
    """Whether rows of an odd number of columns, in YBR_FULL_422, end with a group of four bytes for the last pixel alone."""
    number: str = "integer"
    """"integer", "float" (FloatPixelData) or "double" (DoubleFloatPixelData)."""

    def as_planar(self) -> PixelLayout:
        """Return the little-endian, sample-after-sample layout that RLE frames unpack to; they never share chroma."""
        photometric = "YBR_FULL" if self.is_422 else self.photometric_interpretation
        return replace(self, planar=True, big_endian=False, swapped_bytes=False, photometric_interpretation=photometric)

    @property
    def is_422(self) -> bool:
        """Return whether native frames share chroma between two pixels (YBR_FULL_422)."""
        return self.photometric_interpretation in ("YBR_FULL_422", "YBR_PARTIAL_422")


def bits_of_frame(layout: PixelLayout) -> int:
    """Return how many bits a native frame takes; 1-bit frames are not padded to whole bytes."""
    samples = 2 if layout.is_422 else layout.samples
    columns = layout.columns + layout.columns % 2 if layout.whole_groups else layout.columns
    return layout.rows * columns * samples * layout.bits_allocated


def bytes_of_frame(layout: PixelLayout, frames: int = 1) -> int:
    """Return how many bytes a number of native frames take, a last odd byte not padded."""
    return -(-bits_of_frame(layout) * frames // 8)


def native_frame(raw: bytes, layout: PixelLayout, frame: int = 0) -> np.ndarray:
    """Return one native frame as stored values, (rows, columns) or (rows, columns, 3).

    ``raw`` holds at least ``bytes_of_frame(layout, frame + 1)`` bytes.
    """
    if layout.bits_allocated == 1:
        count = layout.rows * layout.columns
        return unpacked_bits(raw, frame * count, count).reshape(layout.rows, layout.columns)
    if layout.bits_allocated == 12:
        return as_stored(_twelve_bit_frame(raw, layout, frame), layout)
    values = pixel_cells(raw, layout, frame)
    if layout.number != "integer":
        return values.reshape(layout.rows, layout.columns)
    return as_stored(_in_shape(values, layout), layout)


def pixel_cells(raw: bytes, layout: PixelLayout, frame: int = 0) -> np.ndarray:
    """Return one native frame as it lies in the file, of 8 bits a cell or more: (n,), nothing shifted or cut off."""
    size = bytes_of_frame(layout)
    if layout.swapped_bytes:
        raw = np.frombuffer(raw[: len(raw) // 2 * 2], np.uint16).byteswap().tobytes()
    piece = raw[frame * size : (frame + 1) * size]
    values = np.frombuffer(piece, _dtype(layout))
    return values.astype(values.dtype.newbyteorder("="))


def unpacked_bits(raw: bytes, first: int, count: int) -> np.ndarray:
    """Return bits packed eight to a byte, the lowest first, as uint8 0 or 1 (PS3.5 8.1.1, 8.1.2)."""
    piece = np.frombuffer(raw, np.uint8, count=-(-(first % 8 + count) // 8), offset=first // 8)
    return np.unpackbits(piece, bitorder="little")[first % 8 :][:count]


def _dtype(layout: PixelLayout) -> np.dtype[np.generic]:
    kind = "u" if layout.number == "integer" else "f"
    return np.dtype(f"{'>' if layout.big_endian else '<'}{kind}{layout.bits_allocated // 8}")


def _twelve_bit_frame(raw: bytes, layout: PixelLayout, frame: int) -> np.ndarray:
    """Unpack two pixels from three bytes, the way of ACR-NEMA; frames of an odd number of pixels share a byte."""
    count = layout.rows * layout.columns
    first = frame * count // 2 * 3
    piece = np.frombuffer(raw, np.uint8)[first : first + (count // 2 + 2) * 3].astype(np.uint16)
    a, b, c = np.pad(piece, (0, -len(piece) % 3)).reshape(-1, 3).T
    pixels = np.stack([a | (b & 0x0F) << 8, b >> 4 | c << 4], axis=-1).ravel()
    return pixels[frame * count % 2 :][:count].reshape(layout.rows, layout.columns)


def _in_shape(values: np.ndarray, layout: PixelLayout) -> np.ndarray:
    shape = (layout.rows, layout.columns)
    if layout.samples == 1:
        return values.reshape(shape)
    if layout.is_422:
        return _spread_chroma(values, layout)
    if layout.planar:
        return np.ascontiguousarray(np.moveaxis(values.reshape(3, *shape), 0, -1))
    return values.reshape(*shape, 3)


def _spread_chroma(values: np.ndarray, layout: PixelLayout) -> np.ndarray:
    """Turn Y1 Y2 Cb Cr into Y1 Cb Cr, Y2 Cb Cr (PS3.3 C.7.6.3.1.2); (rows, columns, 3)."""
    # The standard knows no odd number of columns here; where pixels go on from row to row, the last may lack its chroma.
    quads = np.pad(values, (0, -len(values) % 4), mode="edge").reshape(-1, 4)
    pixels: np.ndarray = quads[:, (0, 2, 3, 1, 2, 3)].reshape(-1, 3)
    if layout.whole_groups:
        return np.ascontiguousarray(pixels.reshape(layout.rows, -1, 3)[:, : layout.columns])
    return pixels[: layout.rows * layout.columns].reshape(layout.rows, layout.columns, 3)


def as_stored(values: np.ndarray, layout: PixelLayout, bits: int = 0, mask: bool = True) -> np.ndarray:
    """Return what the samples mean: shifted down to bit 0, junk above them cut off, the sign extended.

    Parameters
    ----------
    values
        Integers of any sign, as they came out of a container or a codec.
    bits
        Significant bits where a codec states its own; 0 for BitsStored.
    mask
        False for unsigned values of a lossy codec, whose overshoot beyond BitsStored is no junk.

    References
    ----------
    DICOM PS3.5 8.1.1; the shift is for the retired HighBit above BitsStored - 1.
    """
    significant = bits or layout.bits_stored
    size = values.dtype.itemsize * 8
    unsigned: np.ndarray = values.view(f"u{values.dtype.itemsize}")
    # A codec that keeps BitsStored bits has already shifted.
    if layout.high_bit >= layout.bits_stored and size > layout.high_bit:
        unsigned = unsigned >> (layout.high_bit + 1 - layout.bits_stored)
    if layout.signed:
        left = size - min(significant, size)
        extended: np.ndarray = (unsigned << left).view(f"i{values.dtype.itemsize}") >> left
        return extended
    if mask and significant < size:
        unsigned = unsigned & unsigned.dtype.type((1 << significant) - 1)
    return unsigned


def by_bands(values: np.ndarray, dtype: np.dtype[np.generic] | type, convert: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Convert a picture to one of the same shape some rows at a time: in float64 the whole of it could fill the memory."""
    converted = np.empty(values.shape, dtype)
    for top in range(0, len(values), _BAND_ROWS):
        converted[top : top + _BAND_ROWS] = convert(values[top : top + _BAND_ROWS])
    return converted
