"""What the fields of a recipe may hold beyond their type, each limit beside its reason. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from inference.recipe import Augmentation, DataSetting, Optimisation, Preprocessing, Recipe, Stage, Stopping


@dataclass(frozen=True)
class Span:
    """The numbers a field may hold, ends included unless ``above`` or ``below`` says otherwise; never NaN."""

    low: float
    high: float
    above: bool = False
    below: bool = False

    def holds(self, number: float) -> bool:
        """Return whether the number is one of them."""
        inside = self.low <= number <= self.high
        return inside and not (self.above and number == self.low) and not (self.below and number == self.high)

    def __str__(self) -> str:
        if not (self.above or self.below):
            return f"from {self.low} to {self.high}"
        return f"{'above' if self.above else 'at least'} {self.low} and {'below' if self.below else 'at most'} {self.high}"


PART = Span(0, 1)
REMEMBERED = Span(0, 1, below=True)  # at 1 an average never takes up anything new
RATE = Span(0, 10, above=True)  # beyond it, a slip of the decimal point
COUNT = Span(0, 1_000_000)
EPOCHS = Span(1, 100_000)

Limit = Span | tuple[object, ...]

LIMITS: dict[type, dict[str, Limit]] = {
    Preprocessing: {
        "size": Span(32, 1024),  # five halvings must leave a cell; 1024 x 1024 is what public films have
        "channels": (1, 3),  # grey, or grey three times for networks made for colour
        "crop": ("square", "whole"),
        "margin": Span(0, 0.4),  # a fifth of the side must be left
        "values": ("film", "unit", "fixed"),
        "mean": PART,  # of grey values from 0 to 1
        "spread": Span(0, 1000, above=True),  # grey values are divided by it
        "blacked_out": Span(0, 1, below=True),  # at 1 nothing is left to see
    },
    Augmentation: {
        "rotation_degrees": Span(0, 180),  # to either side: all round
        "scale": Span(0, 10, above=True),  # grid coordinates are divided by it
        "shift_fraction": PART,  # at 1 the film has left the picture
        "gamma_log": Span(0, 2),  # exponents from 0.14 to 7.4: beyond it a film is black or white
        "contrast": PART,  # at 1 some films are of one grey
        "brightness": PART,
        "noise": PART,
        "resample_probability": PART,
        "resample_smallest": Span(0.05, 1),  # the smallest size times this must still be a pixel
        "erase_probability": PART,
        "erase_fraction": PART,
        "shear_degrees": Span(0, 60),  # the tangent of 90 is infinite
        "sharpness": Span(0, 4),  # beyond it edges alone are left
        "erase_boxes": Span(1, 20),
    },
    Stage: {
        "epochs": EPOCHS,
        "learning_rate": RATE,
        "first_rate": Span(0, 1, above=True),  # first layers learn no faster than the head; 0 has no geometric line
    },
    Optimisation: {
        "epochs": EPOCHS,
        "batch": Span(2, 4096),  # batch normalisation knows no spread of one film
        "learning_rate": RATE,
        "weight_decay": Span(0, 10),
        "betas": REMEMBERED,
        "warm_up": Span(0, 1, below=True),  # part of the steps; some must be left to come down again
        "label_smoothing": Span(0, 1, below=True),  # at 1 the label says nothing
        "gradient_clip": Span(0, 1_000_000),  # a norm; 0: never clipped
        "average_decay": REMEMBERED,
        "sampling_power": PART,  # beyond 1 rare classes become the common ones
        "sampling_by": ("collection", "view"),
        "optimiser": ("adamw", "adam"),
        "schedule": ("one_cycle", "constant"),
        "films_per_epoch": COUNT,
    },
    Stopping: {
        "share": Span(0, 0.5, above=True),  # more would judge than learn
        "patience": COUNT,
        "accuracy": PART,
    },
    DataSetting: {
        "folds": Span(2, 100),  # with one fold nothing is held out; each is a network to train
        "protocol_members": Span(0, 100),
    },
    Recipe: {
        "reading_rotations": Span(-180, 180),
        "modality": ("chest", "ct"),
        "weights": ("fresh", "imagenet", "chest"),
    },
}
"""What a field may hold beyond its type: a span, or the words or numbers to choose from. For a list, each of its entries."""
