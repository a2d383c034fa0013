"""Every action of the window: its words, keys and icon, in one table that menus, toolbar and the F1 sheet share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActionSpec:
    """One action; ``keys`` in Qt's portable form, the first shown in menus."""

    name: str
    section: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False
    menu: str = ""
    toolbar: bool = False


PRESET_KEYS = tuple("012345678")

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open", "Files", "Open...", ("Ctrl+O",), "open", menu="File", toolbar=True),
    ActionSpec("open-folder", "Files", "Open folder...", ("Ctrl+Shift+O",), "open-folder", menu="File", toolbar=True),
    ActionSpec("sample", "Files", "Open the sample film", (), "sample", menu="File"),
    ActionSpec("close-all", "Files", "Close all films", ("Ctrl+W",), "close", menu="File"),
    ActionSpec("problems", "Files", "Files that were not opened...", (), "warning", menu="File"),
    ActionSpec("export", "Report", "Export PDF report...", ("Ctrl+P",), "pdf", menu="File", toolbar=True),
    ActionSpec("preferences", "Files", "Preferences...", ("Ctrl+,",), menu="File"),
    ActionSpec("quit", "Files", "Quit", ("Ctrl+Q",), menu="File"),
    ActionSpec("tool-window", "Tools", "Window / level", ("W",), "window-level", True, "View", True),
    ActionSpec("tool-pan", "Tools", "Pan", ("T",), "pan", True, "View", True),
    ActionSpec("tool-zoom", "Tools", "Zoom", ("Z",), "zoom", True, "View", True),
    ActionSpec("zoom-in", "View", "Zoom in", ("+", "="), menu="View"),
    ActionSpec("zoom-out", "View", "Zoom out", ("-",), menu="View"),
    ActionSpec("fit", "View", "Fit to window", ("F",), "fit", menu="View", toolbar=True),
    ActionSpec(
        "one-to-one", "View", "One film pixel to one screen pixel", ("Ctrl+1",), "one-to-one", menu="View", toolbar=True
    ),
    ActionSpec("invert", "View", "Invert greys", ("I",), "invert", True, "View", True),
    ActionSpec("rotate-right", "View", "Rotate clockwise", ("R",), "rotate", menu="View", toolbar=True),
    ActionSpec("rotate-left", "View", "Rotate anticlockwise", ("Shift+R",), menu="View"),
    ActionSpec("flip-horizontal", "View", "Flip left to right", ("H",), "flip-horizontal", menu="View", toolbar=True),
    ActionSpec("flip-vertical", "View", "Flip top to bottom", ("V",), "flip-vertical", menu="View", toolbar=True),
    ActionSpec("reset", "View", "Reset the view", ("Esc",), "reset", menu="View", toolbar=True),
    ActionSpec("corner-text", "View", "Corner text", ("O",), "", True, "View"),
    ActionSpec("overlays", "View", "Overlays of the file", ("Shift+O",), "", True, "View"),
    ActionSpec("shutter", "View", "Display shutter of the file", ("Shift+S",), "", True, "View"),
    ActionSpec("full-screen", "View", "Full screen", ("F11",), "full-screen", True, "View"),
    ActionSpec("tags", "View", "Header of this file...", ("Ctrl+I",), "info", menu="View"),
    ActionSpec("previous-image", "Images", "Previous image", ("Up",), menu="View"),
    ActionSpec("next-image", "Images", "Next image", ("Down",), menu="View"),
    ActionSpec("first-image", "Images", "First image", ("Home",)),
    ActionSpec("last-image", "Images", "Last image", ("End",)),
    ActionSpec("previous-series", "Images", "Previous series", ("PgUp",)),
    ActionSpec("next-series", "Images", "Next series", ("PgDown",)),
    ActionSpec("pin-heat-map", "Second reader", "Show the heat map", ("Shift+M",), "heat-map", True, "Reader", True),
    ActionSpec("read-again", "Second reader", "Read this film again", (), menu="Reader"),
    ActionSpec("install-examples", "Second reader", "Link a folder of example films...", (), "examples", menu="Reader"),
    ActionSpec("fetch-examples", "Second reader", "Fetch the example films...", (), menu="Reader"),
    ActionSpec("quiz", "Second reader", "Quiz on held-out films...", (), "quiz", menu="Reader"),
    ActionSpec("train", "Second reader", "Train a model...", ("Ctrl+T",), "train", menu="Tools"),
    ActionSpec("model-facts", "Help", "Model facts", (), "model", menu="Help"),
    ActionSpec("shortcuts", "Help", "Keyboard and mouse", ("F1",), "info", menu="Help"),
    ActionSpec("self-test", "Help", "Self-test", (), "check", menu="Help"),
    ActionSpec("about", "Help", "About Hilum", (), "hilum", menu="Help"),
)

GESTURES: tuple[tuple[str, str, str], ...] = (
    ("Second reader", "M (held)", "Heat map while the key is held"),
    ("Second reader", "Arrows, Enter", "Go over the matrix and the examples; choose a cell, enlarge a film"),
    ("Second reader", "B", "Open the chosen example beside the film (Esc takes it away)"),
    ("Windows", "0", "Automatic window"),
    ("Windows", "1 2 3", "Windows and VOI LUTs stored in the file"),
    ("Windows", "4", "Full range"),
    ("Windows", "5 6 7 8", "Lung; mediastinum and bone; soft tissue; lines and tubes"),
    ("Mouse", "Left drag", "Window / level: right is wider, down is brighter (Shift finer, Ctrl coarser)"),
    ("Mouse", "Middle drag, Space + left", "Pan"),
    ("Mouse", "Right drag", "Zoom at the cursor"),
    ("Mouse", "Right click", "Menu"),
    ("Mouse", "Wheel", "Next or previous image; zoom when there is one"),
    ("Mouse", "Ctrl + wheel", "Zoom at the cursor"),
    ("Mouse", "Double click", "Fit to window"),
)


def shortcut_rows() -> list[tuple[str, str, str]]:
    """Return (section, keys, text) for the F1 sheet: every action that has a key, then the gestures."""
    rows = [(a.section, " or ".join(a.keys), a.text.rstrip(".")) for a in ACTIONS if a.keys]
    return [*rows, *GESTURES]
