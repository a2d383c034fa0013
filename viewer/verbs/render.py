"""The verb ``render``: a film to a PNG of full size, exactly as the window draws it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from viewer.errors import ViewerError, WindowError
from viewer.imaging.grayscale import preset_voi, to_display
from viewer.imaging.image import Image, Voi, Window
from viewer.imaging.overlays import draw_overlays
from viewer.imaging.reader import read_file
from viewer.verbs.output import png, write_atomically


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its options."""
    parser = verbs.add_parser(
        "render",
        help="write a film as a picture, as the window draws it",
        description="Write a film as an 8-bit grey or RGB PNG of full size. Without options it is drawn with the first "
        "VOI LUT of the file, else its first window, else an automatic one, under the display shutter of the file and "
        "without its overlays.",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="a DICOM file or a PNG, JPEG, TIFF, WebP or BMP picture")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.png", help="the picture to write")
    parser.add_argument("--frame", type=_WholeNumber(0), default=0, metavar="N", help="frame, counted from 0 (default 0)")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--window", type=_window, metavar="CENTRE,WIDTH", help="for example --window -600,1500")
    way.add_argument("--voi", type=_WholeNumber(1), metavar="N", help="VOI LUT or window of the file, counted from 1")
    way.add_argument("--preset", metavar="NAME", help="automatic, full, lung, mediastinum, bone, stored-1 ...")
    parser.add_argument("--invert", action="store_true", help="turn black and white over")
    parser.add_argument("--overlays", action="store_true", help="draw the overlays of the file too; a film with some is RGB")
    parser.add_argument("--no-shutter", action="store_true", help="show what the display shutter of the file covers")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the picture; 1 and one sentence on the standard error where that cannot be done."""
    try:
        image = read_file(arguments.path, arguments.frame)
        display = to_display(image, _chosen_voi(image, arguments), arguments.invert, not arguments.no_shutter)
        display = draw_overlays(display, image) if arguments.overlays else display
        if arguments.out.exists() and arguments.out.samefile(arguments.path):
            raise WindowError(f"{arguments.out.name} was not written: it is the film itself.")
        write_atomically(arguments.out, png(display))
    except ViewerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _chosen_voi(image: Image, arguments: argparse.Namespace) -> Voi | None:
    """Return what the options ask for, or None for the file's own choice."""
    asked = arguments.window or arguments.voi or arguments.preset
    if image.is_color and asked:
        raise WindowError(f"{image.instance.path.name} is a coloured picture, which no window changes.")
    if arguments.voi and arguments.voi > len(image.vois):
        count = len(image.vois)
        stated = "none" if count == 0 else "only 1" if count == 1 else f"only {count}"
        raise WindowError(f"{image.instance.path.name} has no window or VOI LUT {arguments.voi}: it states {stated}.")
    if arguments.voi:
        stated_voi: Voi = image.vois[arguments.voi - 1]
        return stated_voi
    if arguments.preset:
        return preset_voi(image, arguments.preset)
    window: Window | None = arguments.window
    return window


class _WholeNumber:
    """A whole number from a smallest one on."""

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest

    def __call__(self, value: str) -> int:
        if not value.isdecimal() or int(value) < self.smallest:
            raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from {self.smallest} on")
        return int(value)


def _window(value: str) -> Window:
    parts = value.split(",")
    try:
        center, width = (float(part) for part in parts)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{value!r} is not CENTRE,WIDTH, such as 40,400") from error
    if not (1 <= width < float("inf")) or not abs(center) < float("inf"):
        raise argparse.ArgumentTypeError(f"{value!r}: the width must be at least 1")
    return Window(center, width)
