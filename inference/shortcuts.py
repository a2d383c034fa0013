"""What too little can answer: controls that cannot see disease, judged on the same divisions as the network beside them.

Where a thumbnail, the frame of the picture or facts of the file give nearly the network's figures, those figures say more of
where the films come from than of lungs (Maguolo and Nanni 2021; DeGrave et al. 2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from inference.dataset import Sample, load_grey
from inference.errors import DatasetError
from inference.evaluate import judge
from inference.intervals import Booleans, Floats, Integers, patient_intervals, weighted_means
from inference.preprocess import film_to_square, square_crop

CONTROLS = ("thumbnail", "frame", "lungs_blacked_out", "file_facts")
Division = tuple[Integers, Integers]
"""Indices of the training films and of the held-out films."""

SIDE = 64
THUMBNAIL = 16
FRAME = round(0.06 * SIDE)
"""Pixels on each side: 4, that is 6 % of the picture."""
MARGIN = 9
"""Pixels left on each side of the box: 46 x 46 of 64 x 64, 71 % each way, the first even number to cover half of the area."""
TREES = 300
STRENGTH = 0.03
"""C of the logistic regressions. From 0.01 to 0.1 accuracy is within some 2 points of its best on six public sets of 146
to 1344 films; 0.03 is the best or next to it on most, so the control is as strong as it can be made."""


def control_squares(samples: Sequence[Sample]) -> npt.NDArray[np.uint8]:
    """Return the centred squares of films, uint8 (films, 64, 64); DatasetError for a film that cannot be read."""
    squares = np.empty((len(samples), SIDE, SIDE), dtype=np.uint8)
    for index, sample in enumerate(samples):
        grey = load_grey(sample.path)
        squares[index] = film_to_square(grey, SIDE, square_crop(*grey.shape))
    return squares


def control_features(kind: str, samples: Sequence[Sample], squares: npt.NDArray[np.uint8]) -> Floats | None:
    """Return what a control sees, float64 (films, features); None for file facts where a film has none.

    thumbnail
        The film at 16 x 16, where no infiltrate can be told from another.
    frame
        The outer 6 % of the film, where no lung lies.
    lungs_blacked_out
        The thumbnail of a film whose central 71 % x 71 % are painted black, half of its area and the half where the lungs
        lie. A box and no lung mask: masks exist for 152 films only, all of one class, so that a film painted by its mask would
        give its class away, and the outline of a mask is itself a picture of the lungs.
    file_facts
        Width, height, their ratio, the number of pixels, whether it is square, and the ending of the original file's name.

    Parameters
    ----------
    squares
        uint8 (films, 64, 64) as of :func:`control_squares`; file facts do not look at them.
    """
    if kind == "thumbnail":
        return _thumbnails(squares)
    if kind == "frame":
        return _frames(squares)
    if kind == "lungs_blacked_out":
        return _thumbnails(_black_out(squares))
    if kind == "file_facts":
        return _file_facts(samples)
    raise ValueError(f"There is no control called {kind}.")


def judge_control(
    kind: str, features: Floats, truth: Integers, training: Integers, held_out: Integers, classes: int, seed: int = 0
) -> Floats:
    """Fit a control on the training films and return its probabilities for the held-out ones, (held-out films, classes).

    Thumbnails are standardised by the training films and given to a logistic regression, the frame and file facts to a forest
    of 300 trees. A class that no training film has gets probability 0. The same seed gives the same answers.

    Raises
    ------
    DatasetError
        If there is no film to train on, or a film stands on both sides.
    """
    if not len(training):
        raise DatasetError("A control needs films to train on; the division leaves none.")
    if len(np.intersect1d(training, held_out)):
        raise DatasetError("A film stands in training and in the held-out films of one division.")
    probabilities = np.zeros((len(held_out), classes))
    seen = np.unique(truth[training])
    if len(seen) == 1:
        probabilities[:, seen] = 1.0
    elif len(held_out):
        model = _model(kind, seed).fit(features[training], truth[training])
        probabilities[:, model.classes_] = model.predict_proba(features[held_out])
    return probabilities


def held_out_films(divisions: Sequence[Division]) -> Integers:
    """Return the indices of the films that any division holds out, rising: the rows of :func:`judge_controls`."""
    return np.unique(np.concatenate([held_out for _, held_out in divisions]))


def judge_controls(
    samples: Sequence[Sample],
    truth: Integers,
    divisions: Sequence[Division],
    classes: int,
    squares: npt.NDArray[np.uint8],
) -> dict[str, Floats]:
    """Return each control's probabilities for the films of :func:`held_out_films`, (held-out films, classes).

    A film that several divisions hold out gets the mean of its answers. File facts are left out where films have none, as a
    user's own have not.
    """
    answers = {}
    for kind in CONTROLS:
        features = control_features(kind, samples, squares)
        if features is not None:
            answers[kind] = _out_of_fold(kind, features, truth, divisions, classes)
    return answers


def compare_controls(
    names: Sequence[str],
    positive: str,
    truth: Integers,
    probabilities: Floats,
    answers: Mapping[str, Floats],
    patients: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Return for each control its accuracy, its area under the curve, and what the network is ahead by, for the card.

    Parameters
    ----------
    names, positive
        Classes in the order of the columns, and the one the area is about.
    truth, probabilities, patients
        Of the network's held-out films: int64 (films,), float64 (films, classes), and whose each film is.
    answers
        Each control's probabilities for the same films, as of :func:`judge_controls`.
    """
    own = probabilities.argmax(axis=1)
    found = {}
    for name, answer in answers.items():
        judged = judge(names, positive, truth, answer, patients)
        right = answer.argmax(axis=1) == truth
        ahead = beats(own == truth, right, patients)
        found[name] = {"accuracy": judged["accuracy"], "auc": judged["auc"], "network_minus_control": ahead}
    return found


def beats(network_right: Booleans, control_right: Booleans, patients: Sequence[str]) -> dict[str, float | bool | None]:
    """Return by how much the network's accuracy exceeds a control's on the same films, and whether that is beyond chance.

    ``low`` and ``high`` bound the 95 % percentile interval of the difference, patients drawn as a whole, each film's two
    answers together; None with fewer than two patients. ``beats`` is true only where ``low`` is above 0. The networks are
    those that were trained: how much another training would differ is not in the interval.

    Raises
    ------
    DatasetError
        If the three are not of one length.
    """
    if not len(network_right) == len(control_right) == len(patients):
        raise DatasetError(
            f"{len(network_right)} answers of a network, {len(control_right)} of a control and {len(patients)} patients "
            "do not belong together."
        )
    gain = network_right.astype(np.float64) - control_right
    ((low, high),) = patient_intervals(lambda weights: weighted_means(weights, gain)[:, None], patients)
    difference = float(gain.mean()) if len(gain) else None
    return {"difference": difference, "low": low, "high": high, "beats": low is not None and low > 0}


def _thumbnails(squares: npt.NDArray[np.uint8]) -> Floats:
    """Return the means of blocks of pixels, 0 to 1, (films, 256)."""
    block = SIDE // THUMBNAIL
    blocks = squares.reshape(len(squares), THUMBNAIL, block, THUMBNAIL, block)
    return np.asarray(blocks.mean(axis=(2, 4)).reshape(len(squares), THUMBNAIL**2) / 255)


def _frames(squares: npt.NDArray[np.uint8]) -> Floats:
    outside = np.ones((SIDE, SIDE), dtype=bool)
    outside[FRAME:-FRAME, FRAME:-FRAME] = False
    return np.asarray(squares[:, outside] / 255)


def _black_out(squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    painted = squares.copy()
    painted[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = 0
    return painted


def _file_facts(samples: Sequence[Sample]) -> Floats | None:
    """Return size and shape of the original files, then one column an ending, (films, 5 + endings)."""
    if not all(s.origin and s.origin_width.isdecimal() and s.origin_height.isdecimal() for s in samples):
        return None
    width = np.array([float(s.origin_width) for s in samples])
    height = np.array([float(s.origin_height) for s in samples])
    ending = np.array([PurePosixPath(s.origin).suffix.lower() for s in samples])
    ratio = np.divide(width, height, out=np.zeros_like(width), where=height > 0)
    endings = (ending[:, None] == np.unique(ending)).astype(np.float64)
    return np.column_stack([width, height, ratio, width * height, width == height, endings])


def _model(kind: str, seed: int) -> Any:
    if kind in ("frame", "file_facts"):
        return RandomForestClassifier(TREES, random_state=seed, n_jobs=1)
    return make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=5000))


def _out_of_fold(kind: str, features: Floats, truth: Integers, divisions: Sequence[Division], classes: int) -> Floats:
    total = np.zeros((len(truth), classes))
    times = np.zeros((len(truth), 1))
    for training, held_out in divisions:
        total[held_out] += judge_control(kind, features, truth, training, held_out, classes)
        times[held_out] += 1
    rows = held_out_films(divisions)
    return np.asarray(total[rows] / times[rows])
