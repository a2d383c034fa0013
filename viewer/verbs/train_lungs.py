"""``train-lungs``: train the network that finds the lungs, and measure the limits of the audit."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from inference.errors import InferenceError
from viewer.paths import find_model

AUDITED_MODEL = "chest_resnet"


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser(
        "train-lungs",
        help="train the network that finds the lungs, and measure the limits of the audit",
        description="Train the network that finds the lungs on the films with masks and the synthetic film, judge it on "
        "patients it never saw, and measure on held-out films by how much right answers of a model change in the audit. "
        "Takes about ten minutes of one processor core.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds lung_masks.csv and pool_cxr3.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder of the network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default=AUDITED_MODEL, help="name or folder of the model the limits are measured with")
    parser.add_argument("--films", type=int, default=40, metavar="N", help="audited films of each class (40); 0: no limits")
    parser.add_argument("--limits-only", action="store_true", help="train nothing: measure with the network in FOLDER")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and measure; 0 when done, 1 and one sentence on the standard error where that cannot be done."""
    # torch is loaded here: the other verbs share the parser and need none.
    from viewer.verbs.lung_training import measure_audit_limits, train_and_measure

    try:
        if not arguments.limits_only:
            train_and_measure(arguments.data, arguments.out, arguments.seed)
        if arguments.films > 0:
            measure_audit_limits(arguments.data, arguments.out, find_model(arguments.model), arguments.films)
    except InferenceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
