"""What the frozen program is made of, held to the source: no build is needed to see that something would be missing."""

import ast
import importlib.util
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import main

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
CODEC_FUNCTIONS = re.compile(r'(?:_call\(|codecs\.)"?(\w+_decode)')


def load(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


parts = load(PACKAGING / "frozen_parts.py")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for file in [ROOT / "main.py", *ROOT.glob("viewer/**/*.py"), *ROOT.glob("inference/**/*.py")]:
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def texts(tree: ast.Module) -> dict[str, str]:
    """Return the constants of a module that hold one text, or several in one line."""
    found = {}
    for node in tree.body:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            found |= {
                name.id: value.value
                for name, value in zip(names, values, strict=False)
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant)
            }
    return found


def imported_by_name() -> Iterator[tuple[str, str]]:
    """Yield where, and the name, of each module that is asked for by import_module or import_calmly; "" if not a text."""
    for file, tree in trees():
        known = texts(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            asked = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if asked not in ("import_module", "import_calmly", "find_spec"):
                continue
            (name,) = call.args
            where = f"{file.relative_to(ROOT).as_posix()}:{call.lineno}"
            yield where, name.value if isinstance(name, ast.Constant) else known.get(getattr(name, "id", ""), "")


def test_every_module_that_is_asked_for_by_name_goes_in() -> None:
    asked = [(where, name) for where, name in imported_by_name() if "libraries.py" not in where]
    held = {*parts.HIDDEN_IMPORTS, *parts.own_modules(ROOT)}
    imported = {
        alias.name for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert [entry for entry in asked if entry[1] not in held | imported | {"torchvision"}] == []
    assert len(asked) > 20


def test_every_codec_whose_function_is_called_goes_in() -> None:
    sources = [(ROOT / "viewer/imaging" / name).read_text(encoding="utf-8") for name in ("decoders.py", "decoder_worker.py")]
    wanted = {match for source in sources for match in CODEC_FUNCTIONS.findall(source)}
    homes = {"packbits_decode": "imagecodecs._imcd"}
    modules = {homes.get(name, f"imagecodecs._{name.removesuffix('_decode')}") for name in wanted}
    assert len(modules) == 5
    assert modules <= set(parts.HIDDEN_IMPORTS)


def test_nothing_that_is_left_out_is_imported_by_our_own_source() -> None:
    ours = set()
    for _, tree in trees():
        for node in ast.walk(tree):
            ours |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            ours |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
    assert [name for name in sorted(ours) for out in parts.EXCLUDED if name == out or name.startswith(f"{out}.")] == []


@pytest.mark.parametrize(
    "name",
    [
        "torch/lib/libtorch_cpu.so",
        "torch/_dynamo/config.py",
        "torch/bin/torch_shm_manager",
        "PySide6/QtWidgets.abi3.so",
        "PySide6/Qt/lib/libQt6Widgets.so.6",
        "libQt6Core.so.6",
        "PySide6/Qt6Core.dll",
        "PySide6/Qt/lib/QtGui.framework/Versions/A/QtGui",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/plugins/platforms/qwindows.dll",
        "PySide6\\plugins\\styles\\qmodernwindowsstyle.dll",
        "PySide6/Qt/plugins/wayland-graphics-integration-client/libqt-plugin-wayland-egl.so",
        "resources/self_test/streams.npz",
        "resources/models/chest_resnet/weights.safetensors",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf",
        "pydicom/data/palettes/hotiron.dcm",
        "imagecodecs/_jpegls.abi3.so",
    ],
)
def test_what_the_program_needs_is_kept(name: str) -> None:
    assert parts.is_kept(name)


@pytest.mark.parametrize(
    "name",
    [
        "torch/include/ATen/ATen.h",
        "torch/bin/protoc-3.13.0.0",
        "torch/lib/libtorchbind_test.so",
        "torch/lib/libdnnl.a",
        "torchvision/_C.so",
        "torchvision.libs/libjpeg.so",
        "PySide6/Qt/lib/libQt6Quick.so.6",
        "libQt6Pdf.so.6",
        "PySide6/Qt6Qml.dll",
        "PySide6/Qt/lib/QtQml.framework/Resources/Info.plist",
        "PySide6/Qt/plugins/platforms/libqminimal.so",
        "PySide6/Qt/plugins/imageformats/libqpdf.so",
        "PySide6/Qt/translations/qtbase_de.qm",
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        "sklearn/tests/data.csv",
        "resources/screenshot.png",
    ],
)
def test_what_the_program_never_touches_is_left_out(name: str) -> None:
    assert not parts.is_kept(name)


def test_a_library_goes_in_only_if_something_that_goes_in_loads_it() -> None:
    needed = {"/s/qxcb": ["libxcb.so", "libc.so"], "/s/libxcb.so": ["libXau.so"], "/s/libgtk.so": ["libcairo.so"]}
    libraries = [(name, f"/s/{name}", "BINARY") for name in ("libxcb.so", "libXau.so", "libgtk.so", "libcairo.so")]
    plugin, python = ("PySide6/qxcb", "/s/qxcb", "BINARY"), ("libpython3.so", "/s/libpython3.so", "BINARY")
    found = [plugin, python, *libraries, ("libQt6Pdf.so", "PySide6/libQt6Pdf.so", "SYMLINK")]
    kept = parts.without_orphans(found, lambda file: needed.get(file, []))
    assert [entry[0] for entry in kept] == ["PySide6/qxcb", "libpython3.so", "libxcb.so", "libXau.so"]


def test_a_link_to_what_is_left_out_does_not_go_in() -> None:
    links = [("libQt6Core.so.6", "PySide6/libQt6Core.so.6", "SYMLINK"), ("libz.so", "torchvision.libs/libz.so", "SYMLINK")]
    plain = ("torch/lib/libc10.so", "/s/libc10.so", "BINARY")
    assert parts.without_dead_links([*links, plain], {"PySide6/libQt6Core.so.6"}) == [links[0], plain]


@pytest.mark.parametrize(
    ("name", "is_needed"), [("functional.py", True), ("nn/modules/rnn.py", True), ("_jit_internal.py", True), ("hub.py", False)]
)
def test_of_torch_the_sources_go_in_that_it_reads_again(name: str, is_needed: bool) -> None:
    torch = importlib.util.find_spec("torch")
    assert parts.is_needed_source(f"torch/{name}", Path(torch.origin).parent / name) == is_needed


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    runpy.run_path(str(PACKAGING / "hooks" / "stand_ins.py"))
    return sys.modules["cv2"]


def test_the_stand_in_of_opencv_enlarges_a_map_as_opencv_does(stand_in: object) -> None:
    cells = np.arange(12, dtype=np.float32).reshape(3, 4)
    enlarged = stand_in.resize(cells, (8, 6))
    assert enlarged.shape == (6, 8)
    assert enlarged.dtype == np.float32
    assert (enlarged[0, 0], enlarged[-1, -1]) == (0.0, 11.0)
    np.testing.assert_allclose(enlarged[1, 1:3], [1.25, 1.75])


def test_the_stand_in_of_opencv_says_what_it_has_not(stand_in: object) -> None:
    with pytest.raises(AttributeError, match=r"not part of this program, so cv2\.applyColorMap is missing"):
        stand_in.applyColorMap  # noqa: B018


def test_the_manual_page_tells_every_verb_and_the_package_offers_itself_for_dicom() -> None:
    page = (PACKAGING / "linux" / "hilum.1").read_text(encoding="utf-8")
    told = set(re.findall(r"^\.(?:BI?) ([a-z-]+)", page.partition(".SH VERBS")[2], re.MULTILINE))
    assert told == {*main.VIEWER_VERBS, *main.INFERENCE_VERBS}
    entry = (PACKAGING / "linux" / "hilum.desktop").read_text(encoding="utf-8")
    assert "Exec=hilum %F\n" in entry
    assert "MimeType=application/dicom;" in entry
