"""``renew-model``: give the card of a model what newer ones hold, from its own held-out answers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from inference.card import LUNGS
from inference.errors import InferenceError
from viewer.paths import find_model, shipped_models


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser(
        "renew-model",
        help="write calibration, conformal sets, operating points, map scales and evidence into a model's card",
        description="Compute what the held-out answers of a model promise about new films; measure the colour scales of its "
        "maps, how many of them are faithful, what the audit says and what controls that see no disease reach; and write all "
        "into its card, with the hash of its gate. Networks and features stay as they are. Takes some ten minutes of one "
        "processor core with --data, a second without.",
    )
    parser.add_argument("model", help="name or folder of a model")
    parser.add_argument("--data", type=Path, help="folder that holds the manifest the model was judged on, and its films")
    parser.add_argument("--without-scales", action="store_true", help="leave the scales of the maps as they are")
    parser.add_argument("--without-refusals", action="store_true", help="do not count anew what the gate refuses")
    parser.add_argument("--without-maps", action="store_true", help="do not count anew how many maps are faithful")
    parser.add_argument("--without-audit", action="store_true", help="do not audit held-out films anew")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Renew the card; 0 when done, 1 and one sentence on the standard error where that cannot be done."""
    # torch is loaded here: the other verbs share the parser and need none.
    from inference.renewal import renew_bundle

    try:
        work = renew_bundle(
            find_model(arguments.model),
            arguments.data,
            with_scales=not arguments.without_scales,
            with_refusals=not arguments.without_refusals,
            with_maps=not arguments.without_maps,
            lungs=None if arguments.without_audit else shipped_models() / LUNGS,
        )
        card = _finish(work)
    except InferenceError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.write(_line(card))
    return 0


def _finish(work: Any) -> dict[str, Any]:
    while True:
        try:
            progress = next(work)
        except StopIteration as end:
            card: dict[str, Any] = end.value
            return card
        print(f"\r{progress.purpose}: {progress.done} of {progress.total}", end="", file=sys.stderr, flush=True)


def _line(card: dict[str, Any]) -> str:
    own, judged = card["calibration"], card["conformal_sets"]["judged"]
    covered = ", ".join(f"{name} {100 * found['value']:.1f} %" for name, found in judged["coverage"].items())
    error = 100 * own["expected_calibration_error"]
    return f"{card['name']}: {own['films']:,} films, calibration error {error:.1f} %, coverage of the sets {covered}\n"
