"""Where files are offered to be saved: never in the folder the program happens to be started in."""

import ast
from pathlib import Path

from PySide6.QtCore import QStandardPaths

from viewer.widgets.places import in_documents

VIEWER = Path(__file__).resolve().parents[2] / "viewer"


def test_a_name_becomes_a_path_in_the_folder_of_documents():
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    assert Path(in_documents("report.pdf")).is_absolute()
    assert Path(in_documents("report.pdf")) == Path(documents, "report.pdf")


def test_every_file_that_is_saved_is_offered_there():
    calls = [
        node
        for file in VIEWER.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "getSaveFileName"
    ]
    assert len(calls) == 5
    assert {ast.unparse(call.args[2]).partition("(")[0] for call in calls} == {"in_documents"}
