"""What a presentation state does, in lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pydicom.dataset import Dataset

from viewer.imaging.documents.codes import class_name, counted_frames, reference, references_of_series
from viewer.imaging.documents.content import MOST_LINES, DocumentContent, Line
from viewer.imaging.documents.presentation_state import (
    DisplayedArea,
    PresentationState,
    read_presentation_state,
    reference_holders,
)
from viewer.imaging.documents.scope import Scope
from viewer.imaging.grayscale import voi_text
from viewer.imaging.header import text, texts
from viewer.imaging.identity import read_identity

_MOST_TEXTS = 1_000


def read_presentation(path: Path, dataset: Dataset, title: str) -> DocumentContent:
    """Return what a presentation state does as lines.

    Raises
    ------
    UnsupportedFile
        If the data set is no presentation state.
    """
    state = read_presentation_state(path, dataset)
    lines = (*_grey_values(state), *_geometry(state, dataset), *_annotations(state), *_pictures(dataset))
    facts = (("Label", state.label), ("Creator", state.creator))
    return DocumentContent(
        kind="presentation state",
        title=title,
        kind_name=class_name(text(dataset, "SOPClassUID")),
        identity=read_identity(dataset),
        date=state.created,
        facts=tuple((label, value) for label, value in facts if value),
        lines=lines,
        notices=state.not_applied,
    )


def _grey_values(state: PresentationState) -> Iterator[Line]:
    yield Line(0, "Grey values", is_heading=True)
    for each in state.vois:
        named = f"{voi_text(each.voi)}  {each.voi.explanation}".rstrip()
        yield Line(1, "Window", f"{named}{_for_whom(each.scope)}")
    if not state.vois:
        yield Line(1, "Window", "not changed")
    yield Line(1, "Polarity", "smallest value white" if state.inverse else "smallest value black")
    slope, intercept = state.rescale or (1.0, 0.0)
    if (slope, intercept) != (1.0, 0.0):
        yield Line(1, "Rescale", f"value × {slope:g} {'+' if intercept >= 0 else '−'} {abs(intercept):g}")


def _geometry(state: PresentationState, dataset: Dataset) -> Iterator[Line]:
    turns = [f"turned {state.rotation}° clockwise"] if state.rotation else []
    turns += ["mirrored left to right"] if state.is_flipped else []
    yield Line(0, "On the screen", is_heading=True)
    yield Line(1, "Orientation", ", then ".join(turns) or "as stored")
    for area in state.areas:
        yield Line(1, "Shown part", _area(area))
    shapes = [shape.lower() for shape in texts(dataset, "ShutterShape") if shape]
    if shapes:
        yield Line(1, "Shutter", ", ".join(shapes))


def _area(area: DisplayedArea) -> str:
    columns = f"columns {area.left + 1:g} to {area.right:g}"
    rows = f"rows {area.top + 1:g} to {area.bottom:g}"
    magnified = f"magnified {area.magnification:g} times" if area.magnification else "magnified"
    how = {"SCALE TO FIT": "scaled to fit", "TRUE SIZE": "in true size", "MAGNIFY": magnified}[area.size_mode]
    return f"{columns}, {rows}, {how}{_for_whom(area.scope)}"


def _annotations(state: PresentationState) -> Iterator[Line]:
    if not state.graphics and not state.texts:
        return
    yield Line(0, "Drawn on the picture", is_heading=True)
    for kind, count in Counter(each.kind for each in state.graphics).items():
        yield Line(1, kind.capitalize(), f"{count:,}")
    for each in islice(state.texts, _MOST_TEXTS):
        yield Line(1, "Text", each.text)


def _pictures(dataset: Dataset) -> Iterator[Line]:
    yield Line(0, "Applies to", is_heading=True)
    found = [
        reference(item)
        for holder in reference_holders(dataset)
        for item in references_of_series(holder, "ReferencedSeriesSequence", "ReferencedImageSequence")
    ]
    named = [each for each in found if each]
    for each in named[: MOST_LINES - _MOST_TEXTS]:
        yield Line(1, references=(each,))
    if not named:
        yield Line(1, value="No picture is named.")


def _for_whom(scope: Scope) -> str:
    """Return for how many pictures something is meant, where it is not for all."""
    if scope is None:
        return ""
    count = len({uid for uid, _ in scope})
    frames = {frame for _, listed in scope if listed for frame in listed}
    pictures = "1 picture" if count == 1 else f"{count:,} pictures"
    return f"  ({pictures}{counted_frames(tuple(sorted(frames)))})"
