"""Macros of enhanced multi-frame objects: what a frame says of itself, then what all of them share.

References: DICOM PS3.3 C.7.6.16.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from viewer.imaging.header import items


def functional_group(dataset: Dataset, keyword: str, frame: int = 0) -> Dataset | None:
    """Return the first item of a macro sequence for a frame (counted from 0), or None where the file has none."""
    per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
    shared = items(dataset, "SharedFunctionalGroupsSequence")
    for group in (*per_frame[frame : frame + 1], *shared[:1]):
        found = items(group, keyword)
        if found:
            return found[0]
    return None


def group_or_top(dataset: Dataset, keyword: str, frame: int = 0) -> Dataset:
    """Return the macro of a frame, or the data set itself, where plain objects keep the same elements."""
    return functional_group(dataset, keyword, frame) or dataset
