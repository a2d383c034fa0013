"""The program without its window: reads the arguments and hands them to a verb.

Exit status: 0 all done, 1 some films failed, 2 wrong use.
"""

from __future__ import annotations

import argparse
import re
import sys

from viewer.errors import ViewerError
from viewer.verbs import analyse, fit_gate, info, policy, render, renew_model, self_test, train_lungs

# Options whose value may begin with a minus sign, which argparse would take for another option.
_SIGNED_OPTIONS = ("--window",)


def main(argv: list[str]) -> int:
    """Run the verb the arguments begin with and return the exit status."""
    try:
        arguments = build_parser().parse_args(join_signed_values(argv))
    except SystemExit as stop:
        # argparse has printed its help or its complaint already.
        return int(stop.code or 0)
    try:
        status: int = arguments.run(arguments)
    except ViewerError as error:
        print(error, file=sys.stderr)
        return 1
    return status


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="hilum",
        description="Hilum without its window.",
        epilog="Research and education only. Not a medical device; not for diagnosis, triage or treatment decisions.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in (analyse, render, info, renew_model, fit_gate, train_lungs, self_test, policy):
        verb.add_parser(verbs)
    return parser


def join_signed_values(argv: list[str]) -> list[str]:
    """Turn ``--window -600,1500`` into ``--window=-600,1500``."""
    joined: list[str] = []
    for argument in argv:
        if joined and joined[-1] in _SIGNED_OPTIONS and re.match(r"-[\d.]", argument):
            joined[-1] = f"{joined[-1]}={argument}"
        else:
            joined.append(argument)
    return joined
