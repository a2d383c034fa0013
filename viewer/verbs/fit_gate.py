"""``fit-gate``: fit what a model refuses anew, from the films it was judged on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from inference.errors import InferenceError
from viewer.paths import find_model, shipped_models


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser(
        "fit-gate",
        help="fit anew which pictures a model refuses",
        description="Fit the gate of a model and write it beside the model. A model of chest films gets small networks that "
        "tell upright frontal films of adults from other pictures, trained on those that lie under --data; without such "
        "pictures it borrows those of a model that ships. Every model gets the usual distances of its own features. Takes "
        "some ten minutes of one processor core, a few without training.",
    )
    parser.add_argument("model", help="name or folder of a model")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the films the model was judged on")
    parser.add_argument("--seed", type=int, default=0, help="of the training of the small networks")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--features-only", action="store_true", help="judge by distances alone, without small networks")
    chosen.add_argument("--senses-of", metavar="MODEL", help="train none: borrow the small networks of this model")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fit the gate; 0 when done, 1 and one sentence on the standard error where that cannot be done."""
    # torch is loaded here: the other verbs share the parser and need none.
    from inference.gate_renewal import renew_gate

    try:
        folder = find_model(arguments.model)
        trains = not (arguments.features_only or arguments.senses_of)
        fitted = _finish(renew_gate(folder, arguments.data, trains, _lender(arguments, folder), arguments.seed))
    except InferenceError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.write(f"{fitted}\n")
    return 0


def _lender(arguments: argparse.Namespace, folder: Path) -> Any:
    """Return the gate that lends its small networks where none are trained, or None."""
    from inference.bundle import list_bundles
    from inference.gate_renewal import other_lender, senses_of

    if arguments.features_only:
        return None
    if arguments.senses_of:
        return senses_of(find_model(arguments.senses_of))
    return other_lender(folder, list_bundles(shipped_models()))


def _finish(work: Any) -> Any:
    while True:
        try:
            progress = next(work)
        except StopIteration as end:
            print(file=sys.stderr)
            return end.value
        print(f"\r{progress.work}: {progress.done} of {progress.total}", end="", file=sys.stderr, flush=True)
