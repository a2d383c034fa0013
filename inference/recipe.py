"""A recipe: everything that makes one trained system, as one frozen record. No torch here.

Each number's reason stands beside it in the recipe's own file (``inference/recipes/``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace


@dataclass(frozen=True)
class FilmClass:
    """A class: ``name`` as in manifests and JSON, ``title`` as a radiologist reads it."""

    name: str
    title: str


@dataclass(frozen=True)
class Preprocessing:
    """How a film becomes the network's input: square centre crop, resize to ``size``, per-image standardisation."""

    size: int
    channels: int = 1


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training film; every span is symmetric unless two numbers are given."""

    rotation_degrees: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift_fraction: float = 0.0
    gamma_log: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    noise: float = 0.0
    resample_probability: float = 0.0
    resample_smallest: float = 1.0
    erase_probability: float = 0.0
    erase_fraction: float = 0.0
    horizontal_flip: bool = False


@dataclass(frozen=True)
class Optimisation:
    """AdamW over a one-cycle schedule, with an exponential moving average of the weights for evaluation."""

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    betas: tuple[float, float] = (0.9, 0.999)
    warm_up: float = 0.25
    label_smoothing: float = 0.0
    gradient_clip: float = 0.0
    average_decay: float = 0.0
    sampling_power: float = 0.0
    """0: films as they come; 0.5: drawn with probability 1/sqrt(class size); 1: classes drawn equally often."""


@dataclass(frozen=True)
class DataSetting:
    """Which manifest, and how it is divided."""

    manifest: str
    folds: int
    protocol_members: int = 1
    """Networks (seeds) averaged for the article's own train/test division."""


@dataclass(frozen=True)
class Recipe:
    """One system: network, input, augmentation, optimisation, data, claims and departures."""

    name: str
    title: str
    article: str
    network: str
    classes: tuple[FilmClass, ...]
    positive: str
    preprocessing: Preprocessing
    augmentation: Augmentation
    optimisation: Optimisation
    data: DataSetting
    reading_rotations: tuple[float, ...] = (0.0,)
    """Degrees by which a film is turned, one view each, when it is read: the answer is the mean over the views. It does not
    change the weights."""
    claims: tuple[tuple[str, str], ...] = ()
    departures: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes in the order of the network's outputs."""
        return tuple(c.name for c in self.classes)

    @property
    def class_titles(self) -> tuple[str, ...]:
        """Return the titles of the classes in the order of the network's outputs."""
        return tuple(c.title for c in self.classes)

    def with_epochs(self, epochs: int) -> Recipe:
        """Return the same recipe trained for another number of epochs."""
        return replace(self, optimisation=replace(self.optimisation, epochs=epochs))

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that change with any number that changes the trained weights."""
        words = {"title", "claims", "departures", "notes", "article", "reading_rotations", "data"}
        trained_by = {k: v for k, v in asdict(self).items() if k not in words}
        return hashlib.sha256(json.dumps(trained_by, sort_keys=True).encode()).hexdigest()[:16]
