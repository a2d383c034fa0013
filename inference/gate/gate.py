"""A fitted gate: one file beside a model, and the judgement of a picture by it.

The file is safetensors: the sense networks and each depth's means and whitening in half precision; thresholds as JSON in its
header. Nothing in it can run code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from inference.card import read_card
from inference.errors import BundleError
from inference.evaluate import softmax
from inference.files import write_bytes
from inference.gate.features import Vectors
from inference.gate.mahalanobis import DepthStatistics, DistanceScale
from inference.gate.picture_checks import check_picture
from inference.gate.reasons import FAR, Judgement, Reason, joined, reason
from inference.gate.sense import FRONTAL, SENSES, SenseNetwork, sense_logits, sense_square
from inference.train import round_weights

FORMAT = 1
GATE = "gate.safetensors"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Thresholds:
    """Where the gate refuses and where it doubts, from held-out films of adults.

    Attributes
    ----------
    least_frontal
        Least log odds of the sense "frontal"; below it the picture is refused.
    most_child
        Largest log odds of the sense "child".
    farthest
        Largest distance score; beyond it the picture is refused.
    doubtful
        Distance score of the 95th percentile: a doubt is shown beside the number.
    quantiles
        Distance scores of the held-out films at 0, 1 ... 100 %.
    """

    least_frontal: float
    most_child: float
    farthest: float
    doubtful: float
    quantiles: tuple[float, ...]

    def percentile(self, score: float) -> float:
        """Return the part of the held-out films that lie nearer, 0 to 1."""
        return float(np.interp(score, self.quantiles, np.linspace(0, 1, len(self.quantiles))))


@dataclass(frozen=True, eq=False)
class Gate:
    """What must be true of a picture before a model's number is shown.

    Attributes
    ----------
    senses
        The sense networks; none where the gate knows the model's features only.
    left_out
        For each of them the folds whose films it never saw: a film of such a fold is judged by it alone. Empty for one that
        another model's gate has lent: it judges the films of every fold.
    statistics
        For each member of the model, the statistics of each depth.
    scale, thresholds
        From held-out films.
    """

    senses: tuple[SenseNetwork, ...]
    left_out: tuple[tuple[int, ...], ...]
    statistics: tuple[tuple[DepthStatistics, ...], ...]
    scale: DistanceScale
    thresholds: Thresholds

    @property
    def lent(self) -> bool:
        """Return whether the sense networks are another gate's."""
        return bool(self.senses) and not any(self.left_out)

    def judge_picture(self, grey: npt.NDArray[np.uint8], aspect_ratio: float = 1.0, fold: int | None = None) -> Judgement:
        """Return what the picture alone says, without the model's networks; some ten milliseconds.

        A gate without sense networks makes the plain checks alone.

        Parameters
        ----------
        grey
            uint8 (rows, columns) as displayed: 0 black, 255 white, bone white.
        aspect_ratio
            Height of a pixel divided by its width.
        fold
            Of a film that the model learned from: it is judged by the network that never saw it.
        """
        plain = check_picture(grey, aspect_ratio)
        if plain.refused or not self.senses:
            return plain
        judges = zip(self.senses, self.left_out, strict=True)
        chosen = [network for network, folds in judges if fold is None or not folds or fold in folds]
        logits = sense_logits(chosen, sense_square(grey, aspect_ratio)[None]).mean(axis=0)[0]
        parts = dict(zip(SENSES, softmax(logits).tolist(), strict=True))
        found = self._sense_reason(logits)
        return Judgement(refusals=(found,) if found else (), senses=parts)

    def _sense_reason(self, logits: Floats) -> Reason | None:
        odds = log_odds(logits)
        frontal, child = SENSES.index(FRONTAL), SENSES.index("child")
        if film_odds(logits) < self.thresholds.least_frontal:
            others = [k for k in range(len(SENSES)) if k not in (frontal, child)]
            return reason(SENSES[max(others, key=lambda k: logits[k])])
        return reason("child") if odds[child] > self.thresholds.most_child else None

    def judge_features(self, vectors: Sequence[Vectors], members: Sequence[int]) -> Judgement:
        """Return what the model's own features say.

        Parameters
        ----------
        vectors, members
            For each member that read the film, its features by depth (as of :func:`~inference.gate.features.film_vectors`)
            and its index.

        Raises
        ------
        BundleError
            If the features are not those of the model the gate was made for.
        """
        score = float(np.mean([self.distance_scores(k, own)[0] for k, own in zip(members, vectors, strict=True)]))
        percentile = self.thresholds.percentile(score)
        shown = min(int(100 * percentile), 99)
        if score > self.thresholds.farthest:
            return Judgement(refusals=(reason("unlike", percent=shown),), distance_percentile=percentile)
        far = score > self.thresholds.doubtful
        doubts = (Reason("far", FAR.format(percent=shown)),) if far else ()
        return Judgement(doubts=doubts, distance_percentile=percentile)

    def distance_scores(self, member: int, vectors: Vectors) -> Floats:
        """Return how unusual films (films, features) are to one member, in spreads of held-out films, float64 (films,)."""
        own = self.statistics[member] if 0 <= member < len(self.statistics) else ()
        sizes = [np.atleast_2d(depth).shape[1] for depth in vectors]
        if sizes != [len(depth.whitening) for depth in own]:
            raise BundleError("The gate was made for another model: the features do not fit it. Install the model again.")
        return self.scale.scores([s.distances(np.atleast_2d(v)) for s, v in zip(own, vectors, strict=True)])

    def judge(
        self,
        grey: npt.NDArray[np.uint8],
        aspect_ratio: float,
        vectors: Sequence[Vectors],
        members: Sequence[int],
        fold: int | None = None,
    ) -> Judgement:
        """Return both judgements as one; see :meth:`judge_picture` and :meth:`judge_features`."""
        return joined((self.judge_picture(grey, aspect_ratio, fold), self.judge_features(vectors, members)))

    def save(self, path: Path) -> None:
        """Write the gate's file; TrainingError if the disk refuses."""
        write_bytes(path, self.pack())

    def pack(self) -> bytes:
        """Return the gate as the bytes of a safetensors file."""
        tensors: dict[str, Tensor] = {}
        for number, network in enumerate(self.senses):
            tensors |= {f"sense.{number}.{key}": value for key, value in round_weights(network.state_dict()).items()}
        for member, depths in enumerate(self.statistics):
            for depth, own in enumerate(depths):
                tensors |= _packed(own, f"depth.{member}.{depth}")
        facts = {"format": FORMAT, "left_out": self.left_out, "centre": self.scale.centre.tolist(),
                 "spread": self.scale.spread.tolist(), "thresholds": vars(self.thresholds), "senses": SENSES,
                 "depths": [len(depths) for depths in self.statistics]}  # fmt: skip
        return bytes(save(tensors, {"gate": json.dumps(facts)}))

    @classmethod
    def load(cls, path: Path) -> Gate:
        """Read a gate's file.

        Raises
        ------
        BundleError
            If it is missing, damaged, of another format or contradicts itself.
        """
        try:
            return unpack(path.read_bytes())
        except OSError as error:
            raise BundleError(f"The gate {path.name} of the model could not be read; install the model again.") from error


def gate_of_bundle(folder: Path) -> Gate | None:
    """Return the gate beside a model, or None where its card names none.

    Raises
    ------
    BundleError
        If the card cannot be read, or the gate is missing, damaged, or another than the card describes.
    """
    expected = read_card(folder)["files"].get(GATE)
    if expected is None:
        return None
    try:
        content = (folder / GATE).read_bytes()
    except OSError as error:
        raise BundleError(f"The model {folder.name} lacks its file {GATE}; install the model again.") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise BundleError(f"The file {GATE} of the model {folder.name} is not the one its card describes; install it again.")
    return unpack(content)


def unpack(content: bytes) -> Gate:
    """Return the gate that :meth:`Gate.pack` wrote; BundleError for anything else."""
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        facts = json.loads(header["__metadata__"]["gate"])
        if facts["format"] != FORMAT or tuple(facts["senses"]) != SENSES:
            raise BundleError(f"The model's gate has format {facts['format']}; this program reads format {FORMAT}.")
        return _gate(facts, load(content))
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError, SafetensorError) as error:
        raise BundleError(f"The model's gate is damaged ({error.__class__.__name__}); install the model again.") from error


def _gate(facts: dict[str, Any], tensors: dict[str, Tensor]) -> Gate:
    left_out = tuple(tuple(map(int, folds)) for folds in facts["left_out"])
    stored = facts["thresholds"]
    thresholds = Thresholds(**{**stored, "quantiles": tuple(map(float, stored["quantiles"]))})
    scale = DistanceScale(np.array(facts["centre"], dtype=np.float64), np.array(facts["spread"], dtype=np.float64))
    statistics = tuple(
        tuple(_unpacked(tensors, f"depth.{member}.{depth}") for depth in range(int(depths)))
        for member, depths in enumerate(facts["depths"])
    )
    return Gate(tuple(_network(tensors, n) for n in range(len(left_out))), left_out, statistics, scale, thresholds)


def _network(tensors: dict[str, Tensor], number: int) -> SenseNetwork:
    start = f"sense.{number}."
    own = {key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)}
    network = SenseNetwork()
    network.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in own.items()})
    return network.eval().requires_grad_(False)


def _packed(own: DepthStatistics, name: str) -> dict[str, Tensor]:
    """Return statistics as tensors: half of the whitening is zeros, and its size is kept apart lest halves overflow."""
    size = float(np.abs(own.whitening).max())
    rows, columns = np.tril_indices(len(own.whitening))
    return {
        f"{name}.means": torch.from_numpy(own.means).float(),
        f"{name}.whitening": torch.from_numpy(own.whitening[rows, columns] / size).half(),
        f"{name}.size": torch.tensor([size], dtype=torch.float32),
    }


def _unpacked(tensors: dict[str, Tensor], name: str) -> DepthStatistics:
    means = tensors[f"{name}.means"].double().numpy()
    whitening = np.zeros((means.shape[1], means.shape[1]))
    packed = tensors[f"{name}.whitening"].double().numpy() * float(tensors[f"{name}.size"][0])
    whitening[np.tril_indices(len(whitening))] = packed
    return DepthStatistics(means, whitening)


def log_odds(logits: Floats) -> Floats:
    """Return the log odds of each sense against all others, of the shape of ``logits`` (..., senses)."""
    parts = np.clip(softmax(logits), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(parts / (1 - parts)))


def film_odds(logits: Floats) -> Floats:
    """Return the log odds of an upright frontal film, of adult or child, against the other senses; (...) of (..., senses)."""
    parts = softmax(logits)
    film = parts[..., SENSES.index(FRONTAL)] + parts[..., SENSES.index("child")]
    kept = np.clip(film, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept / (1 - kept)))
