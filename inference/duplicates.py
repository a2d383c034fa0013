"""Copies of one film under two names: found by hash and by look, and kept on one side of every division.

By look, in two steps. Films whose 48 x 48 thumbnails correlate (normalised cross-correlation, NCC, at least ``CANDIDATE``)
are candidates; a candidate is confirmed by its detail: what is left of 64 x 64 pixels when coarse shades are taken away,
compared in the film's middle over shifts up to 5 pixels and zooms of 0.94 to 1.06 along each axis (at least ``SAME_FILM``).

Measured on 2,018 public chest films (2,033,785 pairs of films of different patients) and 746 CT slices; the 70 pairs nearest
the thresholds were looked at. Thumbnails: 1,668 pairs reach 0.90, 21 reach 0.95, 14 reach 0.97, 10 reach 0.98 and 8 reach
0.99. The highest NCC of two different films is 0.959; the copies by eye have 0.968 to 1, but for two crops at 0.89, which
look like thousands of other pairs there: hence the second step. Detail: copies 0.89 to 1; other films at most 0.76, or 0.81
where they are, by eye or by their names, two films of one person. In CT the copies have 0.95 and 0.98; one slice in two very
different windows reaches 0.74 and is missed.

Of 300 films changed on purpose all are found again after JPEG at quality 30, half the size, brightness, contrast, gamma 0.7
and 1.5, a narrower window, 10 % stretch, or a crop of 3 % at one side or of the length and width; 99 % after 3 % off two
sides or a burned-in white label, 96 % after 3 % off each side. After a turn of 2 degrees 89 %, after 5 % off each side
5 %, with a frame of 5 % next to none. Mirrored and inverted copies are not looked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, groupby

import numpy as np
import numpy.typing as npt

from inference.dataset import Sample, load_grey
from inference.errors import DatasetError
from inference.preprocess import SquareCrop, film_to_square

Floats = npt.NDArray[np.float32]
Pair = tuple[int, int]

THUMBNAIL = 48
NEAR = 0.965
"""NCC from which two thumbnails alone speak for one film."""
CANDIDATE = 0.85
"""NCC from which the detail is compared."""
DETAIL = 64
HOPELESS = 0.45
"""Agreement of the detail under shifts alone below which no zoom is tried."""
SAME_FILM = 0.83
"""Agreement of the detail from which a candidate is a copy."""
COARSE = 2.0
"""Standard deviation in pixels of the shades that are taken away."""
FAINT = 4.0
"""Grey levels below which detail counts for less: noise of an empty part."""
MARGIN = 8
"""Pixels left out along each edge: what a crop takes away."""
SHIFTS = np.arange(-5, 6)
ZOOMS = (0.94, 0.97, 1.0, 1.03, 1.06)
BLOCK = 512
"""Films compared at once; bounds the memory."""
NAMED = 3
"""Pairs named in an error."""


def thumbnails(samples: Sequence[Sample]) -> Floats:
    """Return standardised thumbnails, float32 (films, 48 * 48): mean 0, norm 1, so that a dot product is the NCC.

    The whole film is squeezed into the square. A film of one grey has the thumbnail 0 and is like no other.

    Raises
    ------
    DatasetError
        If a film is missing or broken, by name.
    """
    small = np.empty((len(samples), THUMBNAIL * THUMBNAIL), dtype=np.float32)
    for row, sample in zip(small, samples, strict=True):
        row[:] = _square(sample, THUMBNAIL).ravel()
    small -= small.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(small, axis=1, keepdims=True)
    small /= np.where(norm > 1e-3, norm, np.inf)
    return small


def near_duplicates(thumbs: Floats, threshold: float = NEAR) -> list[Pair]:
    """Return the pairs (i, j), i < j, of thumbnails with an NCC of at least ``threshold``, in order."""
    pairs: list[Pair] = []
    for start in range(0, len(thumbs), BLOCK):
        alike = np.triu(thumbs[start : start + BLOCK] @ thumbs[start:].T >= threshold, 1)
        pairs += [(start + int(i), start + int(j)) for i, j in np.argwhere(alike)]
    return pairs


def duplicate_pairs(samples: Sequence[Sample], thumbs: Floats | None = None) -> list[Pair]:
    """Return the pairs (i, j), i < j, of films that are one: same file, same original file, or copies by their look.

    ``thumbs`` are the films' :func:`thumbnails` where they are at hand already.

    Raises
    ------
    DatasetError
        If a film is missing or broken, by name.
    """
    candidates = near_duplicates(thumbnails(samples) if thumbs is None else thumbs, CANDIDATE)
    by_hash = _same_files(samples)
    return sorted(by_hash | set(_confirmed(samples, [pair for pair in candidates if pair not in by_hash])))


def copies_across(films: Sequence[Sample], others: Sequence[Sample]) -> list[Pair]:
    """Return the pairs (i, j) in which ``films[i]`` and ``others[j]`` are one film, by hash or by look.

    Raises
    ------
    DatasetError
        If a film is missing or broken, by name.
    """
    both, first = (*films, *others), len(films)
    across = {pair for pair in _same_files(both) if pair[0] < first <= pair[1]}
    alike = thumbnails(films) @ thumbnails(others).T >= CANDIDATE
    candidates = [(int(i), first + int(j)) for i, j in np.argwhere(alike)]
    across |= set(_confirmed(both, [pair for pair in candidates if pair not in across]))
    return sorted((i, j - first) for i, j in across)


def patient_groups(samples: Sequence[Sample], pairs: Iterable[Pair]) -> tuple[str, ...]:
    """Return the group of each film: films of one patient and films of one pair are in one group, and so on in chains.

    A group bears the smallest of its patients' names.
    """
    parent = {sample.patient: sample.patient for sample in samples}
    for i, j in pairs:
        first, second = sorted((_root(parent, samples[i].patient), _root(parent, samples[j].patient)))
        parent[second] = first
    return tuple(_root(parent, sample.patient) for sample in samples)


def refuse_duplicates(
    training: Sequence[Sample], held_out: Sequence[Sample], known: Iterable[tuple[Sample, Sample]] | None = None
) -> None:
    """Raise DatasetError if one film stands on both sides of a division, as the same file or as a copy.

    ``known`` are pairs of one film that were found before, in any set that holds these films; without them they are looked
    for here.
    """
    if known is None:
        both = (*training, *held_out)
        known = [(both[i], both[j]) for i, j in duplicate_pairs(both)]
    learned, judged = set(training), set(held_out)
    ordered = [pair for a, b in known for pair in ((a, b), (b, a))]
    across = sorted({(a.path.name, b.path.name) for a, b in ordered if a in learned and b in judged})
    if across:
        named = "; ".join(f"{a} and {b}" for a, b in across[:NAMED]) + ("; ..." if across[NAMED:] else "")
        count = len({b for _, b in across})
        raise DatasetError(
            f"{count} {'film' if count == 1 else 'films'} held out for judging {'is' if count == 1 else 'are'} also among the "
            f"training films, as the same file or a copy (training and held out: {named}); keep each film on one side."
        )


def _root(parent: dict[str, str], patient: str) -> str:
    while parent[patient] != patient:
        parent[patient] = patient = parent[parent[patient]]
    return patient


def _same_files(samples: Sequence[Sample]) -> set[Pair]:
    films: dict[str, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        for digest in {sample.sha256, sample.origin_sha256} - {""}:
            films[digest].append(index)
    return {pair for same in films.values() for pair in combinations(same, 2)}


# The look of the detail


def _square(sample: Sample, size: int) -> npt.NDArray[np.uint8]:
    grey = load_grey(sample.path)
    return film_to_square(grey, size, SquareCrop(0.0, 0.0, float(grey.shape[0]), float(grey.shape[1])))


def _confirmed(samples: Sequence[Sample], candidates: Sequence[Pair]) -> list[Pair]:
    details = {index: _detail(_square(samples[index], DETAIL)) for index in {k for pair in candidates for k in pair}}
    confirmed: list[Pair] = []
    for i, own in groupby(candidates, key=lambda pair: pair[0]):
        searched = _Searched(details[i])
        confirmed += [(i, j) for j in _hopeful(searched, details, [j for _, j in own]) if searched.shows(details[j])]
    return confirmed


def _hopeful(searched: _Searched, details: dict[int, Floats], partners: Sequence[int]) -> Iterator[int]:
    for start in range(0, len(partners), BLOCK):
        block = partners[start : start + BLOCK]
        agreements = searched.agreement(np.stack([details[j] for j in block]))
        yield from (j for j, agreement in zip(block, agreements, strict=True) if agreement >= HOPELESS)


def _detail(square: npt.NDArray[np.uint8]) -> Floats:
    """Return what is finer than ``COARSE``, at an even contrast over the film: (64, 64)."""
    fine = square - _BLUR @ square @ _BLUR.T
    contrast = np.sqrt(_BLUR @ fine**2 @ _BLUR.T + FAINT**2)
    return (fine / contrast).astype(np.float32)


def _blur_matrix() -> npt.NDArray[np.float64]:
    apart = np.arange(DETAIL)[:, None] - np.arange(DETAIL)
    weights = np.exp(-0.5 * (apart / COARSE) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _zoom_matrices() -> Floats:
    """Return matrices (zooms, 64, 64) that stretch a column about its middle, linearly interpolated."""
    middle = (DETAIL - 1) / 2
    taken = (np.arange(DETAIL) - middle) / np.array(ZOOMS)[:, None] + middle
    matrices: Floats = np.clip(1 - np.abs(taken[..., None] - np.arange(DETAIL)), 0, None).astype(np.float32)
    return matrices


def _zoomed(detail: Floats) -> Floats:
    """Return the detail under each pair of zooms, down and across: (zooms * zooms, 64, 64)."""
    across = detail @ _ZOOM_MATRICES.transpose(0, 2, 1)
    zoomed: Floats = (_ZOOM_MATRICES[:, None] @ across[None]).reshape(-1, DETAIL, DETAIL)
    return zoomed


_BLUR = _blur_matrix()
_ZOOM_MATRICES = _zoom_matrices()
_MIDDLE = np.zeros((DETAIL, DETAIL), dtype=np.float32)
_MIDDLE[MARGIN:-MARGIN, MARGIN:-MARGIN] = 1.0
_PIXELS = float(_MIDDLE.sum())


class _Searched:
    """A film's detail in which the middle of others is looked for."""

    def __init__(self, detail: Floats) -> None:
        self._detail = detail
        total, squares = _slid(detail, _MIDDLE[None]), _slid(detail**2, _MIDDLE[None])
        self._norm = np.sqrt(np.clip(squares - total**2 / _PIXELS, 1e-3, None))

    def agreement(self, others: Floats) -> Floats:
        """Return the highest NCC over all shifts for each of ``others`` (films, 64, 64)."""
        middle = others * _MIDDLE
        middle -= middle.sum(axis=(1, 2), keepdims=True) / _PIXELS * _MIDDLE
        norm = np.linalg.norm(middle, axis=(1, 2)).clip(1e-3)
        found: Floats = (_slid(self._detail, middle) / self._norm).max(axis=(1, 2)) / norm
        return found

    def shows(self, other: Floats) -> bool:
        """Return whether ``other`` (64, 64) under one of the zooms is this film."""
        return bool(self.agreement(_zoomed(other)).max() >= SAME_FILM)


def _slid(detail: Floats, patterns: Floats) -> Floats:
    """Return the correlation of the detail with each of (patterns, 64, 64) at all shifts: (patterns, 11, 11)."""
    spectra = np.fft.rfft2(detail) * np.fft.rfft2(patterns).conj()
    correlation = np.fft.irfft2(spectra, s=detail.shape).astype(np.float32)
    return correlation[:, SHIFTS[:, None], SHIFTS]
