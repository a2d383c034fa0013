"""How far a film lies from the films the model was judged on, and which of those are most like it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inference.bundle import Embeddings

NEIGHBOURS = 5


def median_distance(vectors: npt.NDArray[np.float32]) -> float:
    """Return the median Euclidean distance between two of the vectors (n, features)."""
    distances = _between(vectors, vectors)
    return float(np.median(distances[np.triu_indices(len(vectors), 1)]))


def example_distances(query: npt.NDArray[np.float32], embeddings: Embeddings) -> npt.NDArray[np.float64]:
    """Return the distance of a film to every held-out film, in units of the typical one.

    Parameters
    ----------
    query
        float32 (members, features): each held-out film is compared in the features of the member that never saw it.
    """
    distances = np.linalg.norm(embeddings.vectors - query[embeddings.fold], axis=1)
    return np.asarray(distances / embeddings.scale[embeddings.fold], dtype=np.float64)


def neighbour_distance(query: npt.NDArray[np.float32], embeddings: Embeddings) -> float:
    """Return the mean distance to the nearest five held-out films, averaged over the members."""
    distances = example_distances(query, embeddings)
    folds = np.unique(embeddings.fold)
    return float(np.mean([np.sort(distances[embeddings.fold == k])[:NEIGHBOURS].mean() for k in folds]))


def held_out_neighbour_distances(embeddings: Embeddings) -> npt.NDArray[np.float64]:
    """Return the same of every held-out film, against the other films of its own member: all of them if they are fewer.

    The distance of a member's only film is infinite.
    """
    result = np.empty(len(embeddings.vectors))
    for k in np.unique(embeddings.fold):
        inside = embeddings.fold == k
        distances = _between(embeddings.vectors[inside], embeddings.vectors[inside]) / embeddings.scale[k]
        np.fill_diagonal(distances, np.inf)
        nearest = np.sort(distances, axis=1)[:, : min(NEIGHBOURS, max(len(distances) - 1, 1))]
        result[inside] = nearest.mean(axis=1)
    return result


def _between(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return Euclidean distances (len(first), len(second))."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squared, 0)))
