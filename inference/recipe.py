"""A recipe: everything that makes one trained system, as one frozen record. No torch here.

Each number's reason stands beside it in the recipe's own file (``inference/recipes/``). A user's own recipe is a TOML file
with the same fields (:mod:`inference.recipe_file`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace


@dataclass(frozen=True)
class FilmClass:
    """A class: ``name`` as in manifests and JSON, ``title`` as a radiologist reads it."""

    name: str
    title: str


@dataclass(frozen=True)
class Preprocessing:
    """How a film becomes the network's input: crop, resize to ``size`` x ``size``, grey values to numbers."""

    size: int
    channels: int = 1
    """1, or 3 equal ones."""
    crop: str = "square"
    """"square": the largest centred square. "whole": the whole film, its shape lost."""
    margin: float = 0.0
    """Part of the crop's side cut off at each edge, where letters, borders and collimators lie."""
    values: str = "film"
    """"film": by the film's own mean and spread. "unit": 0 black to 1 white. "fixed": (0 to 1 - ``mean``) / ``spread``."""
    mean: float = 0.0
    spread: float = 1.0
    blacked_out: float = 0.0
    """Part of each side painted black about the centre, where the lungs lie: a control that sees no lung."""


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
    shear_degrees: float = 0.0
    sharpness: float = 0.0
    """Part of a film's fine detail that is added or taken away, up to this much."""
    erase_boxes: int = 1
    """Boxes that may be erased, each with ``erase_probability``."""
    erase_any_grey: bool = False
    """Erase with a grey drawn anew for each box, as black borders and white letters are; else with middle grey."""

    @property
    def changes_nothing(self) -> bool:
        """Return whether a training film stays as it is."""
        return self == Augmentation()


@dataclass(frozen=True)
class Stage:
    """A part of a training run: some epochs with some layers at some rate, under a schedule of its own."""

    epochs: int
    learning_rate: float
    frozen_body: bool = False
    """Train the head and the body's batch normalisation only, as fastai does."""
    first_rate: float = 1.0
    """The first layer group's rate as a part of the head's; groups between lie on a geometric line."""


@dataclass(frozen=True)
class Optimisation:
    """Adam or AdamW over a schedule, with an exponential moving average of the weights for evaluation."""

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
    sampling_by: tuple[str, ...] = ()
    """What sizes are counted by beside the class: "collection" (the source up to its first colon), "view" (AP, PA, other)."""
    optimiser: str = "adamw"
    """"adamw": decoupled weight decay, on weights of more than one axis. "adam": L2 in the gradient, head weights only."""
    schedule: str = "one_cycle"
    """"one_cycle" (warm-up and cosine) or "constant"."""
    films_per_epoch: int = 0
    """Films drawn in an epoch; 0: as many as there are."""
    stages: tuple[Stage, ...] = ()
    """Empty: one stage of ``epochs`` at ``learning_rate``."""

    @property
    def all_stages(self) -> tuple[Stage, ...]:
        """Return the stages in order, at least one."""
        return self.stages or (Stage(self.epochs, self.learning_rate),)

    @property
    def all_epochs(self) -> int:
        """Return the number of epochs of all stages together."""
        return sum(stage.epochs for stage in self.all_stages)


@dataclass(frozen=True)
class Stopping:
    """When to stop early: judged on patients set aside from the training films, never on training or test films."""

    share: float
    """Part of the training patients set aside."""
    patience: int = 0
    """Epochs without a better held-out loss before stopping; the best epoch's weights are kept. 0: never."""
    accuracy: float = 0.0
    """Stop as soon as the held-out accuracy reaches this; 0: never."""


@dataclass(frozen=True)
class DataSetting:
    """Which manifest, and how it is divided."""

    manifest: str
    folds: int
    protocol_members: int = 1
    """Networks (seeds) averaged for the article's own train/test division; 0: none is trained."""
    training_parts: tuple[str, ...] = ("train",)
    """Values of the manifest's column ``split`` to learn from under the article's division."""
    tested_part: str = "test"
    """Value of ``split`` the article's division is judged on."""
    as_published: bool = False
    """The article's division keeps its leaks (patients and duplicates on both sides): for comparison with its number only."""
    by_image: bool = False
    """Divide at random by image, another time for each seed, in parts as large as the manifest's: as the article did."""
    leaves_out: tuple[str, ...] = ()
    """Labels of the manifest whose films are not used."""
    leaves_out_films: tuple[str, ...] = ()
    """SHA-256 of films that are not used."""
    folded_parts: tuple[str, ...] = ()
    """Values of ``split`` that are judged by folds; the films of the others are only learned from. Empty: all are judged."""
    extra_training: tuple[str, ...] = ()
    """Further manifests whose films are only ever learned from (patients of a held-out part left out)."""
    not_positive: tuple[str, ...] = ()
    """As ``extra_training``, of films that may show anything but the positive class: each teaches that alone."""


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
    reading_mirrored: bool = False
    """Whether each of these views is read once more, mirrored left to right: for pictures whose side nothing tells."""
    modality: str = "chest"
    """"chest": chest films. "ct": axial slices of the lungs."""
    weights: str = "fresh"
    """Where training starts: "fresh", "imagenet" (torchvision), "chest" (films of patients that are not in the data)."""
    stopping: Stopping | None = None
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
        """Return the same recipe trained for another number of epochs, shared out among its stages (at least one each)."""
        how = self.optimisation
        stages = tuple(replace(s, epochs=max(1, round(s.epochs * epochs / how.all_epochs))) for s in how.stages)
        return replace(self, optimisation=replace(how, epochs=epochs, stages=stages))

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that change with any number that changes the trained weights."""
        words = {"title", "claims", "departures", "notes", "article", "reading_rotations", "reading_mirrored", "data"}
        trained_by = {k: v for k, v in record(self).items() if k not in words}
        return hashlib.sha256(json.dumps(trained_by, sort_keys=True).encode()).hexdigest()[:16]


def record(thing: object) -> dict[str, object]:
    """Return a record of this module as plain values for JSON or TOML, without the fields that have their default.

    A field added later, at its default, changes neither a stored recipe nor its fingerprint.
    """
    found: dict[str, object] = {}
    for entry in fields(thing):  # type: ignore[arg-type]
        value = getattr(thing, entry.name)
        usual = entry.default_factory() if entry.default_factory is not MISSING else entry.default
        if usual is MISSING or value != usual:
            found[entry.name] = _plain(value)
    return found


def _plain(value: object) -> object:
    if is_dataclass(value):
        return record(value)
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value


def flat(name: str, value: object) -> Iterable[tuple[str, str]]:
    """Yield a nested record as names with dots and plain values."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from flat(f"{name}.{key}" if name else str(key), entry)
    elif isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        for place, entry in enumerate(value, 1):
            yield from flat(f"{name}.{place}", entry)
    elif isinstance(value, list):
        yield name, ", ".join(str(entry) for entry in value) or "none"
    elif isinstance(value, bool):
        yield name, "yes" if value else "no"
    else:
        yield name, str(value)
