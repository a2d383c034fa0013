"""The shortcut audit of one film, as the viewer's record."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from viewer.imaging.image import Image
from viewer.reading import Audit, AuditLine, ReadingProgress
from viewer.second_reader.libraries import followed

AUDITED_MODALITY = "chest"


def audit_film(
    predictor: Any, finder: Any, image: Image, grey: npt.NDArray[np.uint8]
) -> Generator[ReadingProgress, None, Audit]:
    """Return the audit of a film; progress comes after each of its lines.

    Parameters
    ----------
    finder
        :class:`inference.lungs.segment.LungFinder`, whose card holds the limits.
    grey
        uint8 (rows, columns), the film as the networks see it.
    """
    audit = importlib.import_module("inference.audit")
    lungs = finder.find(grey, image.aspect_ratio)
    limits = audit.limits_of_card(finder.card)
    work = audit.audit_film(predictor, grey, lungs, limits, image.aspect_ratio)
    done, lines = count(1), len(audit.TITLES)
    found = yield from followed(work, lambda line: ReadingProgress(f"Audit: {line.title}", next(done) / lines))
    return Audit(
        sha256=image.sha256,
        frame=image.instance.frame,
        shown=found.shown,
        lines=tuple(AuditLine(line.name, line.title, line.before, line.after) for line in found.lines),
        verdict=found.verdict,
        sentence=found.sentence,
        lungs=lungs.mask if lungs.found else None,
        markers=found.markers,
        milliseconds=sum(lungs.milliseconds.values()) + sum(found.milliseconds.values()),
    )
