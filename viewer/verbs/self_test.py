"""``--self-test``: try what is installed, and print what came of it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from typing import Any

from viewer.build import commit
from viewer.paths import PROGRAM_VERSION
from viewer.self_test.rows import HEADING, Row, all_passed, line_of, record_of, verdict
from viewer.verbs.output import write_text


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser(
        "self-test",
        prog="hilum --self-test",
        help="try what is installed and print a table",
        description="Decode a film of every transfer syntax, ask every model what it answered when it was made, draw a heat "
        "map, write a report and read it back, look at fonts and folders. Needs no network and no screen. "
        "Exit status 0 only if every check passes.",
    )
    parser.add_argument("--json", metavar="OUT", help="write the rows as JSON; - is standard output, in place of the table")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the self-test; 0 if all passed, else 1."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # Qt is loaded here: the other verbs share the parser and need none.
    from PySide6.QtGui import QGuiApplication

    from viewer.self_test.all_checks import self_test

    application = QGuiApplication.instance() or QGuiApplication([])
    prints = arguments.json != "-"
    _say(HEADING, prints)
    rows: list[Row] = []
    for found in self_test(arguments.device):
        if isinstance(found, Row):
            rows.append(found)
            _say(line_of(found), prints)
    _say(verdict(rows), prints)
    if arguments.json:
        facts = {"program": f"hilum {PROGRAM_VERSION}", "commit": commit(), "system": platform.platform()}
        write_text(arguments.json, json.dumps(record_of(rows, **facts), indent=1, ensure_ascii=False) + "\n")
    del application
    return 0 if all_passed(rows) else 1


def _say(line: str, is_wanted: bool) -> None:
    """Print a line at once, whatever letters the terminal has; a window program of Windows has no terminal at all."""
    if is_wanted and sys.stdout is not None:
        encoding = sys.stdout.encoding or "utf-8"
        print(line.encode(encoding, "replace").decode(encoding), flush=True)
