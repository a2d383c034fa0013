"""Write what a build says of itself: resources/licences.txt (all licences) and resources/build.json (commit).

    python packaging/licences.py [--without NAME...] [--also NAME...] [--into FOLDER] [--commit TEXT]

Run it in the environment the build is made from, before PyInstaller collects ``resources``. ``--without`` names what the
build leaves out; ``--also`` what leaves a part of itself in it (PyInstaller: its bootloader). Both files are left out of
git, since a checkout says the same by itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from inference.generators import finished
from viewer import build, licences
from viewer.paths import resources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--also", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--into", type=Path, default=resources(), metavar="FOLDER")
    parser.add_argument("--commit", default=build.described_by_git() or build.NOT_STATED)
    asked = parser.parse_args()
    parts = finished(licences.collected(asked.without, asked.also))
    asked.into.mkdir(parents=True, exist_ok=True)
    text = licences.as_text(parts)
    (asked.into / licences.licences_file().name).write_text(text, encoding="utf-8", newline="\n")
    facts = json.dumps({"commit": asked.commit}, indent=1) + "\n"
    (asked.into / build.build_file().name).write_text(facts, encoding="utf-8", newline="\n")
    print(f"{len(parts)} licences, {len(text) // 1024:,} KB; commit {asked.commit}")


if __name__ == "__main__":
    main()
