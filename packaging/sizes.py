"""Print what each part of a folder weighs: of the frozen program, or of the environment it is made from.

    python packaging/sizes.py dist/hilum [AT_LEAST_MB]

A part is what lies at the top of the folder of libraries; a library's own ``NAME.libs`` counts as part of it.
"""

import os
import sys
from collections import Counter
from pathlib import Path

MB = 10**6


def part_of(path: Path, top: Path) -> str:
    """Return what a file belongs to."""
    names = path.relative_to(top).parts
    if names[0] == "_internal" and len(names) > 1:
        names = names[1:]
    first = names[0].removesuffix(".libs").split("-")[0] if len(names) > 1 else names[0]
    first = {"opencv_python_headless": "cv2", "pypdfium2_raw": "pypdfium2", "PIL": "pillow"}.get(first, first)
    if first == "resources" and len(names) > 2:
        return f"resources/{names[1]}"
    return first if len(names) > 1 or path.stat().st_size >= MB else "single files under 1 MB"


def weigh(top: Path) -> Counter[str]:
    """Return bytes by part; a symbolic link weighs nothing."""
    weights: Counter[str] = Counter()
    for folder, _, files in os.walk(top):
        for path in (Path(folder, name) for name in files):
            if not path.is_symlink():
                weights[part_of(path, top)] += path.stat().st_size
    return weights


def main(folder: str, at_least: str = "1") -> None:
    weights = weigh(Path(folder))
    small = 0
    for name, size in weights.most_common():
        if size >= float(at_least) * MB:
            print(f"{size / MB:8.1f} MB  {name}")
        else:
            small += size
    print(f"{small / MB:8.1f} MB  all that is smaller\n{weights.total() / MB:8.1f} MB  {folder}")


main(*sys.argv[1:])
