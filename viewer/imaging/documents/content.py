"""What a document says, as records that can be shown without further decisions."""

from __future__ import annotations

from dataclasses import dataclass, field

from viewer.imaging.image import DocumentKind, Identity

MOST_LINES = 10_000
"""Lines that are shown of one document; the rest is left out and said to be."""


@dataclass(frozen=True)
class Reference:
    """A picture or another object that a document names; ``label`` says what it is ("CT Image, frame 2").

    ``frame`` is the first it means, counted from 1.
    """

    sop_instance_uid: str
    label: str
    frame: int = 1


@dataclass(frozen=True)
class Line:
    """One line of a document: a heading, or a concept with its value ("Diameter", "12.5 mm").

    ``depth`` counts from 0; ``relationship`` is empty where a line is simply contained in the one above it, else how it
    belongs there ("inferred from"). Values may hold line ends.
    """

    depth: int
    concept: str = ""
    value: str = ""
    relationship: str = ""
    is_heading: bool = False
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class DocumentContent:
    """A document ready to be shown: its head, then lines, or the pages of a PDF."""

    kind: DocumentKind
    title: str
    kind_name: str
    """What the standard calls it: "Comprehensive SR", "Encapsulated PDF"."""
    identity: Identity
    date: str = ""
    """``2019-03-17 17:33:15``, as far as the file states it."""
    status: str = ""
    """Completion and verification of a report; empty for what has none."""
    is_verified: bool = True
    """False where a report is partial, preliminary or not verified: its status then deserves attention."""
    facts: tuple[tuple[str, str], ...] = ()
    """What else stands in the head, as label and value: author, verifier, template."""
    lines: tuple[Line, ...] = ()
    notices: tuple[str, ...] = ()
    """Whole sentences about what is left out or not applied."""
    pdf: bytes = field(default=b"", repr=False)
    page_sizes_pt: tuple[tuple[float, float], ...] = ()
    """(width, height) of each PDF page in points of 1/72 inch, as it is seen."""
