"""How far a film's features lie from those of the training films, by their own spread: Mahalanobis distance. NumPy alone.

Class means and one covariance shared by the classes, shrunk towards a sphere, at each depth (Lee et al. 2018); the distance is
to the nearest class. It notices what softmax confidence does not: children, inverted films, noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.errors import DatasetError

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

SHRINKAGE = 0.01
"""Part of the covariance that is replaced by a sphere of the same trace."""


@dataclass(frozen=True, eq=False)
class DepthStatistics:
    """What is known of one depth of one network.

    ``means`` (classes, features); ``whitening`` (features, features), lower triangular: it turns the shared covariance into
    the unit matrix.
    """

    means: Floats
    whitening: Floats

    def distances(self, vectors: Singles) -> Floats:
        """Return the distance of each film (films, features) to the nearest class mean, 1 where the spread puts a film."""
        apart = vectors[:, None, :].astype(np.float64) - self.means  # (films, classes, features)
        squared = ((apart @ self.whitening.T) ** 2).mean(axis=2)
        return np.asarray(np.sqrt(squared.min(axis=1)))


def fit_statistics(vectors: Singles, truth: Integers) -> DepthStatistics:
    """Return the statistics of training films: float32 (films, features) and int64 (films,).

    Raises
    ------
    DatasetError
        If there are fewer than two films, or all are the same.
    """
    if len(vectors) < 2:
        raise DatasetError("The gate needs features of two films at least to know how far films lie from one another.")
    classes = np.unique(truth)
    means = np.stack([vectors[truth == k].mean(axis=0, dtype=np.float64) for k in classes])
    apart = vectors - means[np.searchsorted(classes, truth)]
    covariance = apart.T @ apart / len(apart)
    sphere = np.trace(covariance) / len(covariance)
    if not sphere > 0:
        raise DatasetError("The features of the films are all the same; the gate cannot tell how far a film lies from them.")
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * sphere * np.eye(len(covariance))
    return DepthStatistics(means, np.linalg.inv(np.linalg.cholesky(shrunk)))


@dataclass(frozen=True, eq=False)
class DistanceScale:
    """The usual distances at each depth, of held-out films: centre and spread of their logarithms, float64 (depths,)."""

    centre: Floats
    spread: Floats

    def scores(self, distances: Sequence[Floats]) -> Floats:
        """Return how unusual films are, in spreads above the centre, the mean over the depths, float64 (films,).

        ``distances`` holds one array (films,) a depth. The depth where a film is strangest says less than all together: of
        healthy children it found half as many, because a depth that is unsure raises the bar for the others.
        """
        logs = np.log(np.maximum(np.stack(list(distances), axis=1), 1e-12))
        return np.asarray(((logs - self.centre) / self.spread).mean(axis=1))


def fit_scale(distances: Sequence[Floats]) -> DistanceScale:
    """Return the scale of held-out films' distances, one array (films,) a depth, by median and quartiles."""
    logs = np.log(np.maximum(np.stack(list(distances), axis=1), 1e-12))
    low, middle, high = np.percentile(logs, [25, 50, 75], axis=0)
    return DistanceScale(middle, np.maximum((high - low) / 1.349, 1e-6))
