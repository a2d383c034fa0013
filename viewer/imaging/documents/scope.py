"""Which frames of which pictures something is meant for.

References: DICOM PS3.3 10.3 (image SOP instance reference macro).
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from viewer.imaging.documents.codes import frame_numbers
from viewer.imaging.header import items, text

Frames = tuple[int, ...] | None
"""Frame numbers counted from 1; None for every frame."""

Scope = frozenset[tuple[str, Frames]] | None
"""Pictures by SOP Instance UID with their frames; None for every picture a presentation state names."""

ANYWHERE: Scope = None


def scope_of(item: Dataset) -> Scope:
    """Return what an item with an optional list of referenced pictures is meant for."""
    named = [
        (text(each, "ReferencedSOPInstanceUID"), frame_numbers(each) or None) for each in items(item, "ReferencedImageSequence")
    ]
    return frozenset(named) if named else ANYWHERE


def covers(scope: Scope, sop_instance_uid: str, frame: int) -> bool:
    """Return whether a frame, counted from 1, is among them."""
    if scope is None:
        return True
    return any(uid == sop_instance_uid and (frames is None or frame in frames) for uid, frames in scope)
