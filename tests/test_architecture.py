"""The rules of the house that no import contract can see, each tried once on a house that breaks it.

A check takes the root of a source tree and returns one line per offence, ``file:line what``.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

COMMAND_LINES = ("main.py", "viewer/command_line.py", "viewer/verbs/", "inference/command_line.py")
THREAD_MODULES = {"threading", "_thread", "concurrent"}
THREAD_CLASSES = {"QThread", "QThreadPool", "QRunnable"}
HEAVY = {"torch", "torchvision", "matplotlib", "sklearn", "cv2", "scipy", "pytorch_grad_cam"}
LOWER_CASE_OVERRIDES = {"data", "event", "flags", "paint", "parent"}
LONGEST_FILE = 600

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(root: Path, *allowed: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield name and syntax tree of every file of the program but those whose name begins as one allowed."""
    files = [root / "main.py", *sorted(root.glob("viewer/**/*.py")), *sorted(root.glob("inference/**/*.py"))]
    for file in filter(Path.is_file, files):
        name = file.relative_to(root).as_posix()
        if not name.startswith(allowed):
            yield name, ast.parse(file.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> set[str]:
    """Return every name an import statement mentions: the module's first part and what is taken from it."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").split(".")[0], *(alias.name for alias in node.names)}
    return set()


def threads_outside_jobs(root: Path) -> list[str]:
    """Find threads named anywhere but in viewer/jobs.py."""
    offences = []
    for name, tree in sources(root, "viewer/jobs.py"):
        for node in ast.walk(tree):
            words = imported(node) & (THREAD_MODULES | THREAD_CLASSES)
            words |= {getattr(node, "id", ""), getattr(node, "attr", "")} & THREAD_CLASSES
            offences += [f"{name}:{node.lineno} {word}" for word in sorted(words)]
    return offences


def broad_excepts(root: Path) -> list[str]:
    """Find handlers that swallow a fault of our own, outside the job boundary, the exception hook and the self-test.

    One that tidies up and raises again swallows nothing.
    """
    return [
        f"{name}:{node.lineno} except"
        for name, tree in sources(root, "viewer/jobs.py", "viewer/app.py", "viewer/self_test/rows.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and is_broad(node.type) and not raises_again(node)
    ]


def is_broad(caught: ast.expr | None) -> bool:
    """Return whether what is caught is everything: nothing named, Exception, BaseException, or a tuple with them."""
    if isinstance(caught, ast.Tuple):
        return any(is_broad(element) for element in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException"))


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Return whether the handler ends by raising what it caught."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def prints(root: Path) -> list[str]:
    """Find print() outside the command lines."""
    return [
        f"{name}:{node.lineno} print"
        for name, tree in sources(root, *COMMAND_LINES)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def imports_inside_functions(root: Path) -> list[str]:
    """Find imports inside functions, but for torch's own in the second reader and what the command lines defer."""
    offences = set()
    for name, tree in sources(root, "viewer/second_reader/", *COMMAND_LINES):
        functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
        inner = [node for function in functions for node in ast.walk(function)]
        offences |= {f"{name}:{node.lineno} import" for node in inner if isinstance(node, ast.Import | ast.ImportFrom)}
    return sorted(offences)


def undocumented_widget_methods(root: Path) -> list[str]:
    """Find public methods of widgets without a docstring; Qt's own, overridden under Qt's own names, need none."""
    offences = []
    for name, tree in sources(root):
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        methods = [node for parent in classes for node in parent.body if isinstance(node, Function)]
        ours = [method for method in methods if method.name.islower() and method.name not in LOWER_CASE_OVERRIDES]
        bare = [method for method in ours if not method.name.startswith("_") and not ast.get_docstring(method)]
        if name.startswith("viewer/widgets/"):
            offences += [f"{name}:{method.lineno} {method.name}" for method in bare]
    return offences


def package_files_in_the_way(root: Path) -> list[str]:
    """Find __init__.py where it would hide a package of the same name: the PyPI one called packaging, for one."""
    found = [*root.glob("tests/**/__init__.py"), *root.glob("packaging/**/__init__.py")]
    return [f"{file.relative_to(root).as_posix()}:1 __init__.py" for file in sorted(found)]


def long_files(root: Path) -> list[str]:
    """Find files that nobody reads to the end any more."""
    folders = ("viewer", "inference", "tests", "packaging")
    files = [*root.glob("*.py"), *(file for folder in folders for file in sorted(root.glob(f"{folder}/**/*.py")))]
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    return [f"{file.relative_to(root).as_posix()}:{n} lines" for file, n in lengths.items() if n > LONGEST_FILE]


def loaded_by(module: str, watched: set[str]) -> list[str]:
    """Return which of the watched packages are in memory once a fresh interpreter has imported the module."""
    program = f"import sys, {module}; print(*sorted({watched!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


Check = Callable[[Path], list[str]]
CHECKS: list[Check] = [
    threads_outside_jobs,
    broad_excepts,
    prints,
    imports_inside_functions,
    undocumented_widget_methods,
    package_files_in_the_way,
    long_files,
]

UNDOCUMENTED = "class A:\n    def show_reading(self): ...\n"

# check, file of the bad house, its text, what the check says of it
BREACHES: list[tuple[Check, str, str, list[str]]] = [
    (threads_outside_jobs, "viewer/session.py", "import threading\n", ["viewer/session.py:1 threading"]),
    (threads_outside_jobs, "inference/train.py", "import concurrent.futures\n", ["inference/train.py:1 concurrent"]),
    (threads_outside_jobs, "viewer/app.py", "from PySide6.QtCore import QThread\n", ["viewer/app.py:1 QThread"]),
    (threads_outside_jobs, "viewer/app.py", "pool = QtCore.QThreadPool\n", ["viewer/app.py:1 QThreadPool"]),
    (threads_outside_jobs, "viewer/jobs.py", "import threading\n", []),
    (broad_excepts, "viewer/reading.py", "try: ...\nexcept: ...\n", ["viewer/reading.py:2 except"]),
    (broad_excepts, "main.py", "try: ...\nexcept Exception: ...\n", ["main.py:2 except"]),
    (broad_excepts, "inference/a.py", "try: ...\nexcept (OSError, Exception): ...\n", ["inference/a.py:2 except"]),
    (broad_excepts, "viewer/reading.py", "try: ...\nexcept OSError: ...\n", []),
    (broad_excepts, "viewer/reading.py", "try: ...\nexcept BaseException:\n    raise\n", []),
    (broad_excepts, "viewer/jobs.py", "try: ...\nexcept Exception: ...\n", []),
    (broad_excepts, "viewer/self_test/rows.py", "try: ...\nexcept Exception: ...\n", []),
    (prints, "inference/train.py", "print(1)\n", ["inference/train.py:1 print"]),
    (prints, "viewer/verbs/info.py", "print(1)\n", []),
    (imports_inside_functions, "viewer/app.py", "def f():\n    import os\n", ["viewer/app.py:2 import"]),
    (imports_inside_functions, "viewer/second_reader/reader.py", "def f():\n    import torch\n", []),
    (undocumented_widget_methods, "viewer/widgets/a.py", UNDOCUMENTED, ["viewer/widgets/a.py:2 show_reading"]),
    (undocumented_widget_methods, "viewer/widgets/a.py", UNDOCUMENTED.replace("show_reading", "paintEvent"), []),
    (package_files_in_the_way, "packaging/__init__.py", "", ["packaging/__init__.py:1 __init__.py"]),
    (package_files_in_the_way, "tests/viewer/__init__.py", "", ["tests/viewer/__init__.py:1 __init__.py"]),
    (long_files, "tests/test_long.py", "\n" * 601, ["tests/test_long.py:601 lines"]),
    (long_files, "tests/test_long.py", "\n" * 600, []),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_keeps_its_rules(check: Check):
    assert check(ROOT) == []


@pytest.mark.parametrize(("check", "name", "text", "offences"), BREACHES)
def test_each_check_bites(check: Check, name: str, text: str, offences: list[str], tmp_path: Path):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    assert check(tmp_path) == offences


def test_each_check_has_been_seen_to_bite():
    assert {check for check, _, _, offences in BREACHES if offences} == set(CHECKS)


def test_the_window_needs_nothing_heavy():
    assert loaded_by("viewer.app", HEAVY) == []


def test_the_door_needs_neither_qt_nor_numpy():
    assert loaded_by("main", {"PySide6", "numpy", "pydicom", *HEAVY}) == []


def test_what_a_module_loads_is_seen():
    assert loaded_by("viewer.reading", {"numpy", "torch"}) == ["numpy"]
