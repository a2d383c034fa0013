"""What goes into the frozen program and what stays out: read by hilum.spec, and by the test that holds it to the source.

Nothing here imports PyInstaller, so that the test needs no build.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

PROGRAM = "hilum"
OWN_PACKAGES = ("viewer", "inference")

HIDDEN_IMPORTS = (
    # Named as text in our own sources.
    "imagecodecs",
    "pypdfium2",
    "torch",
    # imagecodecs loads each codec when a function of it is first called. These are the ones whose functions are.
    "imagecodecs.imagecodecs",
    "imagecodecs._imcd",
    "imagecodecs._jpeg2k",
    "imagecodecs._jpeg8",
    "imagecodecs._jpegls",
    "imagecodecs._jpegxl",
    "imagecodecs._shared",
    "imagecodecs._shared_cython",
    # matplotlib finds the one that draws by the kind of file it writes.
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
)
"""Modules that no import statement names."""

EXCLUDED = (
    # Stood in for by hooks/stand_ins.py: grad-cam imports it and calls one function of it, whose result Hilum discards.
    "cv2",
    # Windows and toolkits of others; figures are drawn into files.
    "IPython",
    "gi",
    "tkinter",
    "wx",
    "PyQt5",
    "PyQt6",
    "PySide2",
    "PySide6.QtDBus",
    "PySide6.QtDesigner",
    "PySide6.QtOpenGL",
    "PySide6.QtOpenGLWidgets",
    "PySide6.QtPrintSupport",
    "PySide6.QtQml",
    "PySide6.QtQuick",
    "PySide6.QtSql",
    "PySide6.QtTest",
    "PySide6.QtXml",
    # What is for those who develop and test a library.
    "matplotlib.testing",
    "matplotlib.tests",
    "networkx",
    "pytest",
    "setuptools",
    "pip",
    "_pytest",
    "pygments",
    "rich",
    "scipy.conftest",
    "scipy.io",
    "sklearn.conftest",
    "sklearn.datasets",
    "sympy.testing",
    "tensorboard",
    # torch itself imports four others of this folder.
    "torch.testing._internal.common_device_type",
    "torch.testing._internal.common_distributed",
    "torch.testing._internal.common_methods_invocations",
    "torch.testing._internal.common_nn",
    "torch.testing._internal.common_quantization",
    "torch.testing._internal.common_utils",
    "torch.testing._internal.opinfo",
    "torch.utils.benchmark",
    "torch.utils.tensorboard",
    "triton",
)
"""Modules that are left out, with what only they import. torch imports sympy, and parts of torch.distributed, itself."""

QT_PLUGINS = {
    "platforms": ("xcb", "wayland", "offscreen", "windows", "cocoa"),
    "platforminputcontexts": ("composeplatforminputcontextplugin", "ibusplatforminputcontextplugin"),
    "platformthemes": ("xdgdesktopportal",),
    "iconengines": ("svgicon",),
    "imageformats": ("jpeg", "svg", "ico"),
    "styles": ("modernwindowsstyle", "windowsvistastyle", "macstyle"),
    "wayland-decoration-client": ("adwaita", "bradient"),
    "wayland-graphics-integration-client": ("qt-plugin-wayland-egl",),
    "wayland-shell-integration": ("xdg-shell",),
    "xcbglintegrations": ("xcb-egl-integration", "xcb-glx-integration"),
}
"""The plugins of Qt that go in, by folder; their files may begin with "lib" or "q"."""

QT_LIBRARIES = (
    *("Core", "Gui", "Network", "Svg", "Widgets"),
    # What the plugins above are linked to.
    *("DBus", "OpenGL", "WaylandClient", "WaylandEglClientHwIntegration", "WlShellIntegration", "XcbQpa"),
)
"""The libraries of Qt that go in."""

TORCH_SOURCES = re.compile(rb"install_config_module\(|\b_overload(_method)?\b|jit\.script\(|@torch\.jit\.script")
"""What a source file of torch holds if torch, or a network compiled by it, reads it again as text."""

_LEFT_OUT = re.compile(
    r"""
    (^|/)(tests?|sample_data|include)/.*\.(?!pyc?$)              # suites, examples, headers
    | (^|/)tests?/
    | \.(a|lib|h|hpp|cuh|cmake|pyi|pxd|pyx|exp)$
    | ^torch/(share|include|test|utils/benchmark|_inductor/codegen/(cuda|xpu|rocm))/
    | ^torch/bin/(?!torch_shm_manager)                           # torch does not start without this one
    | ^torch/lib/(lib)?(aoti_custom_ops|backend_with_compiler|jitbackend_test|torchbind_test)
    | ^torchgen/
    | ^torchvision/(_C|image)[^/]*$ | ^torchvision\.libs/      # see inference/torchvision_operators.py
    | ^matplotlib/mpl-data/(sample_data|images|plot_directive)/
    | ^matplotlib/mpl-data/fonts/(afm|pdfcorefonts)/
    | ^PySide6/(Qt/)?(translations|qml|metatypes|libexec|resources)/
    | ^PIL/_avif | ^pillow\.libs/libavif                          # no picture that is opened, see picture_decoding.py
    | ^PySide6/opengl32sw\.dll$
    | ^pydicom/data/(test_files|charset_files)/
    | ^resources/screenshot\.png$
    | ^sklearn/datasets/(data|descr|images)/
    | (^|/)[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|WHEEL|direct_url\.json)$
    """,
    re.VERBOSE,
)

_QT_PLUGIN = re.compile(r"^PySide6/(?:Qt/)?plugins/(?P<folder>[^/]+)/(?P<name>[^/.]+)")
_QT_LIBRARY = re.compile(r"(^|/)(lib)?Qt6?(?P<name>[A-Z][A-Za-z]+)(\.so[.0-9]*$|\.dll$|\.framework(/|$)|$)")
_PARSED_AGAIN = ("torch/", "torchvision/", "functorch/")


def own_modules(root: Path) -> Iterator[str]:
    """Yield the name of every module of our own: some are only imported by name, once the window is up."""
    for package in OWN_PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_kept(name: str) -> bool:
    """Return whether a file that PyInstaller found goes in; ``name`` is its path within the program's folder."""
    path = PurePosixPath(name.replace("\\", "/")).as_posix()
    if _LEFT_OUT.search(path):
        return False
    if plugin := _QT_PLUGIN.match(path):
        kept = QT_PLUGINS.get(plugin["folder"], ())
        return plugin["name"] in {f"{prefix}{name}" for prefix in ("", "q", "lib", "libq") for name in kept}
    if library := _QT_LIBRARY.search(path):
        return library["name"] in QT_LIBRARIES
    return True


def without_orphans(
    binaries: Sequence[tuple[str, str, str]], needs: Callable[[str], Iterable[str]]
) -> list[tuple[str, str, str]]:
    """Return what PyInstaller found without the libraries that nothing loads any more, now that others are left out.

    Parameters
    ----------
    binaries
        Name within the program's folder, the file (of a link: the name it leads to), and kind of each.
    needs
        Returns the names of the libraries that a file is linked to.
    """
    libraries = {name: entry for entry in binaries if "/" not in (name := entry[0]) and entry[2] != "EXTENSION"}
    kept = {entry[0]: entry for entry in binaries if entry[0] not in libraries}
    waiting = [entry for entry in kept.values() if entry[2] != "SYMLINK"]
    waiting += [libraries[name] for name in libraries if name.startswith("libpython")]
    kept |= {entry[0]: entry for entry in waiting}
    while waiting:
        for name in needs(waiting.pop()[1]):
            if name in libraries and name not in kept:
                kept[name] = libraries[name]
                if libraries[name][2] != "SYMLINK":
                    waiting.append(libraries[name])
    return [entry for entry in binaries if entry[0] in kept]


def without_dead_links(entries: Sequence[tuple[str, str, str]], kept: Collection[str]) -> list[tuple[str, str, str]]:
    """Return entries without the links that lead to what is not kept; all such links lie at the top."""
    return [entry for entry in entries if entry[2] != "SYMLINK" or entry[1] in kept]


def is_needed_source(name: str, file: Path) -> bool:
    """Return whether a file goes in that may be the source of a module: as text only where torch reads it again."""
    path = name.replace("\\", "/")
    if not path.startswith(_PARSED_AGAIN) or not path.endswith(".py"):
        return True
    return bool(TORCH_SOURCES.search(file.read_bytes()))
