"""Macros of enhanced multi-frame objects: what a frame says of itself, then what all of them share.

References: DICOM PS3.3 C.7.6.16.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from itertools import islice
from typing import cast

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from viewer.imaging.element_walk import WALK_ERRORS, Span, Walk
from viewer.imaging.header import CONVERSION_ERRORS, items, raw_value

MOST_FRAMES = 2**16

_PER_FRAME = "PerFrameFunctionalGroupsSequence"
_MOST_ELEMENTS = 4096
"""Of the groups of one frame, and of one macro."""


def functional_group(dataset: Dataset, keyword: str, frame: int = 0) -> Dataset | None:
    """Return the first item of a macro sequence for a frame (counted from 0), or None where the file has none."""
    own = _of_frame(dataset, keyword, frame)
    if own is not None:
        return own
    shared = items(dataset, "SharedFunctionalGroupsSequence")[:1]
    return next((found[0] for group in shared if (found := items(group, keyword))), None)


def group_or_top(dataset: Dataset, keyword: str, frame: int = 0) -> Dataset:
    """Return the macro of a frame, or the data set itself, where plain objects keep the same elements."""
    return functional_group(dataset, keyword, frame) or dataset


def _of_frame(dataset: Dataset, keyword: str, frame: int) -> Dataset | None:
    if _PER_FRAME not in dataset:
        return None
    stored: object = dataset.get_item(_PER_FRAME)
    if isinstance(stored, RawDataElement) and isinstance(stored.value, bytes):
        try:
            return _macro(stored, frame, tag_for_keyword(keyword) or 0, dataset._character_set)
        except (*WALK_ERRORS, *CONVERSION_ERRORS):
            return None
    value = raw_value(dataset, _PER_FRAME)
    own = value[frame] if isinstance(value, Sequence) and 0 <= frame < len(value) else Dataset()
    return next(iter(items(own, keyword)), None)


def _macro(stored: RawDataElement, frame: int, tag: int, encoding: str | list[str]) -> Dataset | None:
    """Parse one macro of a frame, found in the bytes of the whole sequence."""
    macros = _macros(stored, frame)
    if tag not in macros:
        return None
    is_implicit, value = macros[tag]
    item = next(_walk(value, is_implicit, stored.is_little_endian).items(len(value)), None)
    if item is None:
        return None
    content = value[item.start : item.end]
    # More elements than the walk may pass are no macro.
    for _ in _walk(content, is_implicit, stored.is_little_endian).elements(len(content)):
        continue
    return pydicom.filereader.read_dataset(
        BytesIO(content), is_implicit, stored.is_little_endian, len(content), parent_encoding=encoding, at_top_level=False
    )


def _walk(content: bytes, is_implicit: bool, is_little: bool) -> Walk:
    return Walk(BytesIO(content), is_implicit, is_little, _MOST_ELEMENTS)


# Each frame is asked for several macros, one after another.
@lru_cache(maxsize=8)
def _macros(stored: RawDataElement, frame: int) -> dict[int, tuple[bool, bytes]]:
    """Return the macros of a frame by their tags: whether they are in implicit VR, and their bytes."""
    spans = _frames(stored)
    if not 0 <= frame < len(spans):
        return {}
    group = cast(bytes, stored.value)[spans[frame].start : spans[frame].end]
    walk = _walk(group, stored.is_implicit_VR, stored.is_little_endian)
    return {macro.tag: (macro.is_implicit, group[macro.start : macro.end]) for macro in walk.elements(len(group))}


# A folder is listed file by file, and a stack is looked at in one: the frames of two files are known at a time.
@lru_cache(maxsize=2)
def _frames(stored: RawDataElement) -> tuple[Span, ...]:
    """Return where the groups of each frame lie; none where they are damaged."""
    value = cast(bytes, stored.value)
    try:
        walk = Walk(BytesIO(value), stored.is_implicit_VR, stored.is_little_endian)
        return tuple(islice(walk.items(len(value)), MOST_FRAMES))
    except WALK_ERRORS:
        return ()
