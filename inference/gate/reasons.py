"""Why a picture gets no number: each reason by a code for logs and tables and a sentence for the radiologist. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reason:
    """A code of :data:`SENTENCES` and the whole sentence that is shown, figures filled in."""

    code: str
    sentence: str


SENTENCES: dict[str, str] = {
    "too_small": "The picture has {columns} x {rows} pixels; the model needs {least} each way at least.",
    "one_grey": "The picture is one even grey; there is nothing to read.",
    "few_greys": "The picture has {greys} greys only, as a drawing, a mask or a film in a much too narrow window has.",
    "noise": "Neighbouring points of the picture have nothing to do with one another; this is noise, not a film.",
    "inverted": "The film seems to be inverted: bone is dark on it and air bright. Show it with bone bright and ask again.",
    "turned": "The film seems to lie on its side. Turn it upright and ask again.",
    "upside_down": "The film seems to be upside down. Turn it upright and ask again.",
    "cropped": "The picture seems to show less than a whole chest, or to be collimated to a part of it.",
    "photographed": "This seems to be a photograph of a film; the model reads the films themselves only.",
    "lateral": "This seems to be a lateral film; the model reads frontal films only.",
    "ct": "This seems to be a picture of a CT examination; the model reads frontal chest films only.",
    "child": "The patient seems to be a child; the model was made for adults and calls most healthy children ill.",
    "other": "This does not seem to be a frontal chest film.",
    "no_lung": "This slice does not seem to show the lungs; the model reads axial CT slices of the lungs only.",
    "unlike": "This picture is unlike the films the model learned from: it lies farther from them than {percent} % of the "
    "films it was judged on.",
}
"""Every code with its sentence, in the order in which reasons are named."""

FAR = "This film lies farther from the films the model learned from than {percent} % of those it was judged on."
"""The doubt about a film that is far off but not refused; its code is "far"."""


def reason(code: str, **figures: object) -> Reason:
    """Return the reason of a code with its figures filled in."""
    return Reason(code, SENTENCES[code].format(**figures))


@dataclass(frozen=True)
class Judgement:
    """What the gate says of a picture.

    Attributes
    ----------
    refusals
        Reasons to give no number, the plainest first; empty if the picture may be read.
    doubts
        Reasons to show beside the number.
    senses
        How much the picture looks like each sense, summing to 1; empty where it was not asked.
    distance_percentile
        Part of the held-out films that lie nearer than this one, 0 to 1; None where it was not asked.
    """

    refusals: tuple[Reason, ...] = ()
    doubts: tuple[Reason, ...] = ()
    senses: Mapping[str, float] = field(default_factory=dict)
    distance_percentile: float | None = None

    @property
    def refused(self) -> bool:
        """Return whether there is a reason to give no number."""
        return bool(self.refusals)

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of the refusals."""
        return tuple(entry.code for entry in self.refusals)

    def record(self) -> dict[str, object]:
        """Return it for JSON and logs: no picture, no name."""
        return {
            "refusals": list(self.codes),
            "doubts": [entry.code for entry in self.doubts],
            "senses": {name: round(part, 4) for name, part in self.senses.items()},
            "distance_percentile": self.distance_percentile,
        }


def joined(judgements: Iterable[Judgement]) -> Judgement:
    """Return several judgements of one picture as one, each code once, in the order of :data:`SENTENCES`."""
    everything = list(judgements)
    order = list(SENTENCES)
    refusals = {entry.code: entry for judged in reversed(everything) for entry in judged.refusals}
    doubts = {entry.code: entry for judged in everything for entry in judged.doubts}
    senses = next((judged.senses for judged in everything if judged.senses), {})
    percentiles = [judged.distance_percentile for judged in everything if judged.distance_percentile is not None]
    return Judgement(
        refusals=tuple(sorted(refusals.values(), key=lambda entry: order.index(entry.code))),
        doubts=tuple(doubts.values()),
        senses=senses,
        distance_percentile=percentiles[0] if percentiles else None,
    )
