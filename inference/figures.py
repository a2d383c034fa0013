"""The figures of a training run, drawn with matplotlib's objects alone: no window, no figure that outlives its function.

Each is 6.4 x 4.2 inches. The same numbers give the same bytes, whatever ``matplotlibrc`` the machine has. Colours: Okabe and
Ito, *Color Universal Design* (2008), told apart by colour-blind readers; lines differ by dashes as well.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter
from matplotlib.typing import RcKeyType
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

from inference.evaluate import Floats, Integers, Proportion, area_record, area_under_curve, expected_calibration_error
from inference.files import write_bytes

Histories = Mapping[str, Sequence[Mapping[str, Any]]]
"""Of each member, its epochs in order: records of ``EpochReport``."""

DOTS_PER_INCH = 150
PALETTE = "Blues"
BINS = 10
"""Bins of confidence in the reliability figure."""
STYLE: dict[RcKeyType, Any] = {
    "figure.figsize": (6.4, 4.2),
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],  # Verdana is as wide, for an SVG where the first is not
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlepad": 8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "legend.fontsize": 9,
    "legend.edgecolor": "#dddddd",
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",  # text stays text: it can be searched and read aloud
    "text.parse_math": False,  # a class title may hold dollar signs
}
BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
COLOURS = (BLUE, RED, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BARS: dict[str, Any] = {"fmt": "o-", "markersize": 4, "color": BLUE, "capsize": 2, "linewidth": 1}
DASHES = ("-", (0, (6, 1.5)), (0, (6, 1.5, 1.5, 1.5)))


@contextmanager
def _style() -> Iterator[None]:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's own matplotlibrc may ask for LaTeX, say
        matplotlib.rcParams.update(STYLE)
        yield


def png_bytes(figure: Figure) -> bytes:
    """Return a figure as PNG of 960 x 630 pixels."""
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def svg_bytes(figure: Figure) -> bytes:
    """Return a figure as SVG with its text as text, without date and without the name of a program."""
    buffer = io.BytesIO()
    nameless = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with _style(), matplotlib.rc_context({"svg.hashsalt": "hilum"}):
        figure.savefig(buffer, format="svg", metadata=nameless)
    return buffer.getvalue()


def save_figure(figure: Figure, path_stem: Path) -> tuple[Path, Path]:
    """Write ``path_stem`` with .png (150 dots per inch) and .svg behind its name, each whole or not at all; return both.

    Raises
    ------
    TrainingError
        If the disk is full or the folder cannot be written to.
    """
    png, svg = (path_stem.with_name(path_stem.name + suffix) for suffix in (".png", ".svg"))
    write_bytes(png, png_bytes(figure))
    write_bytes(svg, svg_bytes(figure))
    return png, svg


# Over the epochs


@_style()
def loss_figure(histories: Histories) -> Figure:
    """Draw training and held-out loss over the epochs, a thin line a member; dots mark the lowest held-out loss."""
    return _course(histories, "loss", "Loss")


@_style()
def accuracy_figure(histories: Histories) -> Figure:
    """Draw training and held-out accuracy over the epochs; dots mark the epochs of the lowest held-out loss."""
    figure = _course(histories, "accuracy", "Accuracy")
    figure.axes[0].yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    return figure


@_style()
def learning_rate_figure(histories: Histories) -> Figure:
    """Draw the learning rate at the end of each epoch, a line a member (they often lie on one another)."""
    figure, axes = _epoch_axes(histories, "Learning rate")
    _lines(axes, [run for run in histories.values() if run], "learning_rate", "", BLUE)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    return figure


def _course(histories: Histories, quantity: str, title: str) -> Figure:
    figure, axes = _epoch_axes(histories, title)
    runs = [run for run in histories.values() if run]
    judged = [within for run in runs if (within := [epoch for epoch in run if _is_judged(epoch)])]
    _lines(axes, runs, quantity, "training films, as augmented", BLUE)
    _lines(axes, judged, f"held_out_{quantity}", "patients set aside for stopping", RED)
    best = [min(run, key=lambda epoch: float(epoch["held_out_loss"])) for run in judged]
    if best:
        heights = [epoch[f"held_out_{quantity}"] for epoch in best]
        label = "epoch of their lowest loss"
        axes.plot([epoch["epoch"] for epoch in best], heights, "o", color=RED, markersize=5, label=label)
    if runs:
        axes.legend()
    return figure


def _is_judged(epoch: Mapping[str, Any]) -> bool:
    loss, accuracy = epoch.get("held_out_loss"), epoch.get("held_out_accuracy")
    return loss is not None and accuracy is not None and math.isfinite(loss)


def _epoch_axes(histories: Histories, title: str) -> tuple[Figure, Axes]:
    figure = Figure(layout="constrained")
    axes = figure.add_subplot(xlabel="Epoch", ylabel=title, title=f"{title} over the epochs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    last = max((epoch["epoch"] for run in histories.values() for epoch in run), default=1)
    axes.set_xlim(0.5, last + 0.5)
    return figure, axes


def _lines(axes: Axes, runs: Sequence[Sequence[Mapping[str, Any]]], quantity: str, label: str, colour: str) -> None:
    """Draw a line a run, a dot where a run has one epoch; the first line alone has the label."""
    counted = f"{label} ({len(runs)} networks)" if len(runs) > 1 else label
    for number, run in enumerate(runs):
        axes.plot(
            [epoch["epoch"] for epoch in run],
            [epoch[quantity] for epoch in run],
            color=colour,
            linewidth=1,
            marker="." if len(run) == 1 else "",
            label="_" if number else counted,
        )


@_style()
def find_learning_rate_figure(rates: Sequence[float], losses: Sequence[float], suggestion: float | None) -> Figure:
    """Draw the loss of a trial run whose learning rate grew step by step, and the rate it suggests.

    Losses far above the first one, where the trial run falls apart, lie outside the figure.
    """
    figure = Figure(layout="constrained")
    axes = figure.add_subplot(xlabel="Learning rate", ylabel="Loss", title="Loss while the learning rate grows", xscale="log")
    axes.plot(rates, losses, color=BLUE)
    finite = [loss for loss in losses if math.isfinite(loss)]
    if finite:
        low = min(finite)
        room = max(finite[0] - low, 1e-3)
        axes.set_ylim(low - 0.1 * room, min(max(finite) + 0.1 * room, finite[0] + room))
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    if suggestion is not None:
        axes.axvline(suggestion, color=RED, linestyle="--", label=f"suggested: {suggestion:.2g}")
        axes.legend()
    return figure


# Of the held-out films


@_style()
def confusion_matrix_figure(counts: Integers, titles: Sequence[str]) -> Figure:
    """Draw counts (classes, classes), rows the truth, columns the answer, shaded by the part of the row."""
    size, films = len(titles), counts.sum(axis=1)
    parts = counts / np.maximum(films, 1)[:, None]
    figure = Figure(layout="constrained")
    axes = figure.add_subplot(title=f"Confusion matrix, {films.sum():,} films held out")
    axes.pcolormesh(parts, cmap=PALETTE, vmin=0, vmax=1, edgecolors="white", linewidth=2)
    axes.set(xlabel="Answer", ylabel="Truth", aspect="equal", xlim=(0, size), ylim=(size, 0))
    small = 9 if size <= 4 else 7
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if size > 4 else {}
    width = 16 if size <= 4 else 24
    axes.set_xticks(np.arange(size) + 0.5, [_short(title, width) for title in titles], fontsize=small, **turned)
    rows = [f"{_short(title, width)}\n({_films(n)})" for title, n in zip(titles, films, strict=True)]
    axes.set_yticks(np.arange(size) + 0.5, rows if size <= 8 else [_short(t, width) for t in titles], fontsize=small)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    _write_cells(axes, counts, parts, size)
    return figure


def _films(number: int) -> str:
    return "1 film" if number == 1 else f"{number:,} films"


def _write_cells(axes: Axes, counts: Integers, parts: Floats, size: int) -> None:
    """Write a count in each cell and, where there is room, the part of its row below it."""
    large = {1: 18, 2: 18, 3: 15, 4: 12}.get(size, max(4, 50 // size))
    for (row, column), count in np.ndenumerate(counts):
        look: dict[str, Any] = {"ha": "center", "va": "center", "color": _ink(float(parts[row, column]))}
        axes.text(column + 0.5, row + (0.43 if size <= 8 else 0.5), f"{count:,}", fontsize=large, **look)
        if size <= 8:
            part = f"{100 * parts[row, column]:.0f} %"
            axes.text(column + 0.5, row + 0.71, part, fontsize=max(4.5, large / 2), **look)


def _ink(part: float) -> str:
    """Return black or white, whichever stands out more (WCAG 2.2, relative luminance) from the palette at ``part``."""
    channels = np.array(matplotlib.colormaps[PALETTE](part)[:3])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "white" if linear @ (0.2126, 0.7152, 0.0722) < 0.179 else "black"


@_style()
def roc_figure(titles: Sequence[str], truth: Integers, probabilities: Floats, patients: Sequence[str]) -> Figure:
    """Draw a curve a class against all others, with its area and the interval of patients resampled as a whole."""
    figure, axes = _square("1 - specificity", "Sensitivity", "ROC, each class against the others")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="chance")
    for number, title in enumerate(titles):
        positive, score = truth == number, probabilities[:, number]
        area = area_under_curve(positive, score)
        if math.isnan(area):
            axes.plot([], [], " ", label=f"{_short(title)}\n{_why_no_curve(positive)}")
            continue
        label = f"{_short(title)}\nAUC {area:.3f}{_interval(area_record(positive, score, patients))}"
        false_positive, true_positive, _ = roc_curve(positive, score)
        axes.plot(false_positive, true_positive, label=label, **_look(number))
    _list_curves(figure, axes)
    return figure


@_style()
def precision_recall_figure(titles: Sequence[str], truth: Integers, probabilities: Floats) -> Figure:
    """Draw precision over sensitivity, a curve a class; dotted: the part of films of the class, which chance would reach."""
    figure, axes = _square("Sensitivity (recall)", "Precision", "Precision, each class against the others")
    for number, title in enumerate(titles):
        positive, score = truth == number, probabilities[:, number]
        if not positive.any():
            axes.plot([], [], " ", label=f"{_short(title)}\n{_why_no_curve(positive)}")
            continue
        share, mean = positive.mean(), average_precision_score(positive, score)
        precision, recall, _ = precision_recall_curve(positive, score)
        label = f"{_short(title)}\nAP {mean:.3f}, prevalence {share:.3f}"
        axes.step(recall, precision, where="post", label=label, **_look(number))
        axes.axhline(share, color=COLOURS[number % len(COLOURS)], linestyle=":", linewidth=1)
    axes.plot([], [], color=GREY, linestyle=":", linewidth=1, label="prevalence\nAP: average precision")
    _list_curves(figure, axes)
    return figure


def _square(x_label: str, y_label: str, title: str) -> tuple[Figure, Axes]:
    """Return axes of equal length on the left; a layout engine would cut their labels beside a legend outside."""
    figure = Figure()
    axes = figure.add_axes((0.1, 0.125, 0.525, 0.8), xlabel=x_label, ylabel=y_label, title=title)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    return figure, axes


def _list_curves(figure: Figure, axes: Axes) -> None:
    """List the curves on the right, in letters small enough for all of them."""
    lines = sum(str(label).count("\n") + 1.6 for label in axes.get_legend_handles_labels()[1])
    size = min(9.0, 200 / lines)
    figure.legend(loc="upper left", bbox_to_anchor=(0.64, 0.95), frameon=False, fontsize=size, labelspacing=0.8)


def _interval(found: Mapping[str, object]) -> str:
    return f" ({found['low']:.3f} to {found['high']:.3f})" if found["low"] is not None else ""


def _why_no_curve(positive: npt.NDArray[np.bool_]) -> str:
    return "no curve: no other films" if positive.any() else "no curve: no such films"


def _look(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number % len(DASHES)]}


def _short(title: str, width: int = 24) -> str:
    """Return a title in at most two lines of 24 letters, or three of 16."""
    printable = "".join(letter if letter.isprintable() else " " for letter in title)  # XML knows no control characters
    return textwrap.fill(printable if len(printable) <= 44 else printable[:43] + "…", width)


@_style()
def reliability_figure(truth: Integers, probabilities: Floats) -> Figure:
    """Draw the part that is right over ten bins of confidence, with Wilson intervals, and below it the films in each bin."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    films = np.bincount(which, minlength=BINS)
    figure = Figure(layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="as right as it says")
    filled = np.flatnonzero(films)
    said = [confidence[which == b].mean() for b in filled]
    found = [Proportion(int(right[which == b].sum()), int(films[b])) for b in filled]
    rates = np.array([proportion.value for proportion in found])
    bounds = np.array([proportion.interval for proportion in found]).reshape(-1, 2)
    reach = np.abs(bounds.T - rates)
    upper.errorbar(
        said, rates, yerr=reach, fmt="o-", markersize=4, color=BLUE, capsize=2, linewidth=1, label="found (95 % interval)"
    )
    error = expected_calibration_error(truth, probabilities)
    upper.set(ylabel="Part that is right", ylim=(-0.02, 1.02), title=f"Reliability: expected calibration error {error:.3f}")
    upper.legend(loc="upper left")
    lower.bar(np.arange(BINS) / BINS, films, width=1 / BINS, align="edge", color="#9ecae1", edgecolor="white")
    for b in filled:
        lower.text((b + 0.5) / BINS, films[b], f"{films[b]:,}", ha="center", va="bottom", fontsize=8)
    lower.set(xlabel="Confidence: the highest probability", ylabel="Films", xlim=(0, 1), ylim=(0, 1.35 * max(films.max(), 1)))
    lower.yaxis.set_major_locator(MaxNLocator(nbins=2, integer=True))
    lower.grid(visible=False)
    return figure
