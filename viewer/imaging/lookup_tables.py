"""Look-up tables of a file: modality, VOI and palette.

References: DICOM PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5 and C.7.6.3.1.6, C.7.9.2.
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from viewer.imaging.header import CONVERSION_ERRORS, numbers, raw_value, text
from viewer.imaging.image import LookupTable
from viewer.imaging.pixel_layout import by_bands

_COLORS = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def read_table(item: Dataset, signed: bool, big_endian: bool) -> LookupTable | None:
    """Read a LUT item, or return None where it holds no usable table.

    Parameters
    ----------
    signed
        Whether the values that go into the table can be negative: the first value mapped is then a signed number even
        where it was written as an unsigned one.
    """
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        return None
    count, first, bits = (int(value) for value in descriptor)
    entries = _entries(raw_value(item, "LUTData"), count % 65536 or 65536, big_endian)
    if entries is None:
        return None
    first = first - 65536 if signed and first > 32767 else first
    return LookupTable(entries, first, bits if 1 <= bits <= 16 else 16, text(item, "LUTExplanation"))


def _entries(data: object, count: int, big_endian: bool) -> np.ndarray | None:
    """Return at most ``count`` entries as uint16, from words or from bytes, however the file wrote them."""
    if isinstance(data, bytes):
        entries = _words(data, big_endian) if len(data) >= 2 * count else _bytes(data, big_endian)
    else:
        try:
            entries = np.atleast_1d(np.asarray(data, np.int64)).astype(np.uint16)
        except CONVERSION_ERRORS:
            return None
        if len(entries) < count <= 2 * len(entries):
            # 8-bit entries, two to a word.
            entries = np.frombuffer(entries.astype("<u2").tobytes(), np.uint8)
    return entries[:count].astype(np.uint16) if entries.size else None


def _words(data: bytes, big_endian: bool) -> np.ndarray:
    return np.frombuffer(data[: len(data) // 2 * 2], ">u2" if big_endian else "<u2")


def _bytes(data: bytes, big_endian: bool) -> np.ndarray:
    """Return entries of 8 bits; they lie two to a word, which big endian turns round (PS3.5 7.3)."""
    return np.frombuffer(_words(data, True).astype("<u2").tobytes() if big_endian else data, np.uint8)


def apply_modality_table(stored: np.ndarray, item: Dataset, signed: bool, big_endian: bool) -> np.ndarray | None:
    """Map stored values through a Modality LUT item; uint16, or None where the item holds no table."""
    table = read_table(item, signed, big_endian)
    if table is None:
        return None
    return _look_up(stored, table.entries, table.first + 65536 if not signed and table.first < 0 else table.first)


def apply_palette(stored: np.ndarray, dataset: Dataset, big_endian: bool) -> np.ndarray:
    """Map palette indices to RGB, uint8 (rows, columns, 3).

    Raises
    ------
    ValueError
        If the palette is missing or broken.
    """
    tables = [_palette(dataset, color, big_endian) for color in _COLORS]
    # Many files say 16 bits and fill the low byte alone.
    wide = max(table.bits for table in tables) > 8 and max(int(table.entries.max()) for table in tables) > 255
    return np.stack([_look_up_color(stored, table, 8 if wide else 0) for table in tables], axis=-1)


def _palette(dataset: Dataset, color: str, big_endian: bool) -> LookupTable:
    descriptor = numbers(dataset, f"{color}PaletteColorLookupTableDescriptor")
    if len(descriptor) != 3:
        raise ValueError(f"no descriptor of the {color} palette")
    count, first, bits = (int(value) for value in descriptor)
    count = count % 65536 or 65536
    segmented = raw_value(dataset, f"Segmented{color}PaletteColorLookupTableData")
    if isinstance(segmented, bytes):
        return LookupTable(_segments(segmented, count, bits, big_endian), first, bits)
    entries = _entries(raw_value(dataset, f"{color}PaletteColorLookupTableData"), count, big_endian)
    if entries is None:
        raise ValueError(f"no entries of the {color} palette")
    return LookupTable(entries, first, bits)


def _look_up_color(stored: np.ndarray, table: LookupTable, shift: int) -> np.ndarray:
    first = table.first + 65536 if stored.dtype.kind == "u" and table.first < 0 else table.first
    return _look_up(stored, (table.entries >> shift).astype(np.uint8), first)


def _look_up(stored: np.ndarray, entries: np.ndarray, first: int) -> np.ndarray:
    """Return the entries of values: the first one is that of ``first`` and of all below, the last that of all above."""
    last = len(entries) - 1
    return by_bands(stored, entries.dtype, lambda band: entries[np.clip(band.astype(np.int64) - first, 0, last)])


def _segments(data: bytes, count: int, bits: int, big_endian: bool) -> np.ndarray:
    """Unfold a segmented palette to at most ``count`` entries, uint16 (C.7.9.2).

    Segments are words of 8 or 16 bits: discrete (0, n, n entries), linear (1, n, end; from the entry before), indirect
    (2, n, byte offset in 32 bits; the n segments from there once more).

    Raises
    ------
    ValueError
        If a segment is of no known kind, begins nowhere, or is cut short.
    """
    words = _bytes(data, big_endian) if bits <= 8 else _words(data, big_endian)
    entries = np.zeros(0, np.uint16)
    position = 0
    # A last odd byte is padding.
    while len(entries) < count and position + 3 <= len(words):
        kind, length = int(words[position]), int(words[position + 1])
        if kind == _INDIRECT:
            entries = _referred(words, position, entries, count)
            position += 2 + 4 // words.itemsize
        else:
            entries, position = _unfolded(words, position, kind, length, entries)
    if not entries.size:
        raise ValueError("the segmented palette is empty")
    return entries[:count]


def _unfolded(words: np.ndarray, at: int, kind: int, length: int, entries: np.ndarray) -> tuple[np.ndarray, int]:
    """Add a discrete or linear segment to the entries; return them and where the next segment begins."""
    end = at + 2 + (length if kind == _DISCRETE else 1)
    if kind not in (_DISCRETE, _LINEAR) or end > len(words):
        raise ValueError("the segmented palette is broken")
    if kind == _DISCRETE:
        return np.concatenate([entries, words[at + 2 : end].astype(np.uint16)]), end
    if not entries.size:
        raise ValueError("the segmented palette begins with a line from nowhere")
    first, last = float(entries[-1]), float(words[at + 2])
    line = first + (last - first) * np.arange(1, length + 1) / max(length, 1)
    return np.concatenate([entries, np.floor(line + 0.5).astype(np.uint16)]), end


def _referred(words: np.ndarray, at: int, entries: np.ndarray, count: int) -> np.ndarray:
    """Add the segments that an indirect one refers to; those are never indirect themselves."""
    several = [int(word) for word in words[at + 2 : at + 2 + 4 // words.itemsize]]
    bits = 8 * words.itemsize
    position = sum(word << bits * i for i, word in enumerate(several)) // words.itemsize
    for _ in range(int(words[at + 1])):
        if len(entries) >= count:
            break
        if position + 2 >= len(words):
            raise ValueError("the segmented palette refers to nothing")
        entries, position = _unfolded(words, position, int(words[position]), int(words[position + 1]), entries)
    return entries
