"""What PyInstaller takes of torch: all it imports as it is found, its libraries, and the sources it reads again as text.

In place of the hook that comes with PyInstaller, which takes every module of torch with its source: 60 MB, and minutes.
"""

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from frozen_parts import TORCH_SOURCES
from packaging.requirements import Requirement
from PyInstaller import compat
from PyInstaller.utils.hooks import PY_DYLIB_PATTERNS, collect_dynamic_libs

FOLDER = Path(find_spec("torch").origin).parent
FOUND_BY_NAME = (
    "_dynamo/polyfills",
    "_native",
    "_refs",
    "_numpy",
    "_inductor/runtime",
    "backends",
    "nn",
    "optim",
    "utils/data",
)


def modules(folder: Path) -> list[str]:
    """Return the name of each module in a folder of torch."""
    files = [file.relative_to(FOLDER.parent).with_suffix("") for file in folder.rglob("*.py")]
    return [".".join(file.parts).removesuffix(".__init__") for file in files if "tests" not in file.parts]


def cuda_libraries() -> list[str]:
    """Return the packages of CUDA's libraries, which PyPI's builds of torch for Linux need as packages of their own."""
    from _pyinstaller_hooks_contrib.utils import nvidia_cuda

    needed = [Requirement(entry) for entry in metadata.distribution("torch").requires or []]
    names = [entry.name for entry in needed if entry.marker is None or entry.marker.evaluate()]
    return list(nvidia_cuda.infer_hiddenimports_from_requirements(names))


warn_on_missing_hiddenimports = False
hiddenimports = [name for folder in FOUND_BY_NAME for name in modules(FOLDER / folder)]
datas = [
    (str(file), str(file.parent.relative_to(FOLDER.parent)))
    for file in FOLDER.rglob("*.py")
    if "test" not in file.relative_to(FOLDER).parts and TORCH_SOURCES.search(file.read_bytes())
]
binaries = collect_dynamic_libs("torch", search_patterns=[*PY_DYLIB_PATTERNS, "*.so.*"])

# torch looks for this program when it is imported, on systems that have it, and does without it afterwards.
if (manager := FOLDER / "bin" / "torch_shm_manager").is_file():
    binaries.append((str(manager), "torch/bin"))

if compat.is_linux:
    hiddenimports += cuda_libraries()
    # torch looks for its libraries beside each other; links to them at the top lead it astray.
    bindepend_symlink_suppression = ["**/torch/lib/*.so*"]
