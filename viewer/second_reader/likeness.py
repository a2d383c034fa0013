"""How often the model was right on the held-out films that are most like the present one."""

from __future__ import annotations

from collections.abc import Sequence

from inference.evaluate import Proportion
from viewer.reading import ConfusionExample, Share

NEAREST = 50


def nearest_right(examples: Sequence[ConfusionExample], most: int = NEAREST) -> Share | None:
    """Count the right answers among the first ``most`` films, or among all where they are fewer; None for no film.

    Parameters
    ----------
    examples
        Held-out films, nearest first: each answered by the network that never saw its patient.
    """
    near = examples[:most]
    if not near:
        return None
    right = Proportion(sum(film.truth == film.answer for film in near), len(near))
    return Share(right.count, right.total, *right.interval)


def likeness_sentence(share: Share) -> str:
    """Return "Of the 50 held-out films most like this one it was right in 41 (69 to 91 %)."."""
    films = "1 held-out film" if share.total == 1 else f"{share.total:,} held-out films"
    interval = f"{100 * share.low:.0f} to {100 * share.high:.0f} %"
    return f"Of the {films} most like this one it was right in {share.count:,} ({interval})."
