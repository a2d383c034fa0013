"""What the shortcut audit says of a model's held-out films, counted for its card."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict
from typing import Any

from inference.audit import VERDICTS, Audit, AuditLimits, audit_film, limits_of_card
from inference.card import WEIGHTS
from inference.dataset import load_grey
from inference.evaluate import Proportion
from inference.generators import finished
from inference.held_out import HeldOutFilms
from inference.lungs.segment import LungFinder
from inference.map_scales import ReadCount
from inference.predict import Predictor

AUDITED_MODALITY = "chest"
FILMS = 150
UNFLAGGED = ("stays", "no_lungs")
"""Verdicts that find nothing against the answer."""
NO_LUNGS = "no lungs were found"


def measure_audit(
    predictor: Predictor, finder: LungFinder, held_out: HeldOutFilms, films: int = FILMS, seed: int = 0
) -> Generator[ReadCount, None, dict[str, Any]]:
    """Return how many held-out films get each verdict of the audit, by the lung network's limits, for the card.

    Each film is read by the one member that never saw its patient; right and wrong answers are counted apart.

    Raises
    ------
    DatasetError
        If a film cannot be read.
    BundleError
        If the lung network's card holds no limits.
    """
    limits, chosen = limits_of_card(finder.card), held_out.choose(films, seed)
    audits: list[tuple[bool, Audit]] = []
    for done, row in enumerate(chosen, 1):
        grey = load_grey(held_out.samples[row].path)
        work = audit_film(predictor, grey, finder.find(grey), limits, members=(int(held_out.fold[row]),))
        audit = finished(work)
        audits.append((audit.shown == predictor.bundle.class_names[held_out.truth[row]], audit))
        yield ReadCount(done, len(chosen), "films audited")
    return audit_record(audits, limits, finder.card, seed)


def audit_record(
    audits: Sequence[tuple[bool, Audit]], limits: AuditLimits, lung_card: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return the card's entry from the audits, each with whether the answer was right."""
    found = {
        side: [a.verdict for right, a in audits if right is wanted] for side, wanted in (("right", True), ("wrong", False))
    }
    return {
        "films": len(audits),
        "seed": seed,
        "limits": asdict(limits),
        "limits_of": dict(lung_card["audit"].get("model", {})),
        "lungs_sha256": lung_card["files"][WEIGHTS],
        "lungs_found": Proportion(sum(audit.lungs_found for _, audit in audits), len(audits)).record(),
        "flagged": {side: _share(verdicts, set(VERDICTS) - set(UNFLAGGED)) for side, verdicts in found.items()},
        "verdicts": [
            {"verdict": code, "sentence": sentence.format(reason=NO_LUNGS)}
            | {side: _share(verdicts, {code}) for side, verdicts in found.items()}
            for code, sentence in VERDICTS.items()
        ],
    }


def _share(verdicts: Sequence[str], wanted: set[str]) -> dict[str, Any]:
    return Proportion(sum(verdict in wanted for verdict in verdicts), len(verdicts)).record()
