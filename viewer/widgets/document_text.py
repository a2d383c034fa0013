"""The lines of a document as one text that can be read, selected and copied; nothing in it is ever markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QMimeData, QUrl, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QTextBrowser

from viewer.imaging.documents.content import Line, Reference
from viewer.widgets import theme

INDENT_PX = 18
DEEPEST_INDENT = 10
_LINE_SEPARATOR = "\u2028"


class DocumentText(QTextBrowser):
    """Headings, concepts with their values, and references that can be followed with the mouse or with Tab and Enter."""

    reference_chosen = Signal(str, int)
    """The SOP Instance UID of what a reference names, and the frame of it, counted from 1."""

    def __init__(self) -> None:
        super().__init__()
        self._references: list[Reference] = []
        self._names: Mapping[str, str] | None = None
        self.setProperty("role", "document")
        self.setFrameShape(QFrame.Shape.NoFrame)
        # A file must not make the program open anything; a chosen reference is only told.
        self.setOpenLinks(False)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setUndoRedoEnabled(False)
        self.document().setDocumentMargin(0)
        self.setAccessibleName("Document")
        self.anchorClicked.connect(self._choose)

    def show_lines(self, lines: Sequence[Line], names: Mapping[str, str] | None = None) -> None:
        """Show lines instead of the last ones.

        Parameters
        ----------
        names
            What the pictures that are open are called, by SOP Instance UID: a reference to one of them can be followed,
            another says that it is not open. None makes every reference one to be followed.
        """
        self._references, self._names = [], names
        self.clear()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        for number, line in enumerate(lines):
            block = _block_format(line, number == 0)
            if number:
                cursor.insertBlock(block)
            else:
                cursor.setBlockFormat(block)
            self._insert(cursor, line)
        cursor.endEditBlock()
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def _insert(self, cursor: QTextCursor, line: Line) -> None:
        if line.is_heading:
            cursor.insertText(_one_block(line.concept), _heading_format())
            _insert_small(cursor, line.value, line.relationship)
            return
        if line.concept:
            # A value of several lines stands below its name, so that its lines begin at one edge.
            gap = _LINE_SEPARATOR if "\n" in line.value else "  " if line.value or line.references else ""
            cursor.insertText(_one_block(line.concept) + gap, _format("text_secondary"))
        cursor.insertText(_one_block(line.value), _format("text"))
        for i, reference in enumerate(line.references):
            separator = ", " if i else "  " if line.value else ""
            cursor.insertText(separator, _format("text"))
            self._insert_reference(cursor, reference)
        _insert_small(cursor, line.relationship)

    def _insert_reference(self, cursor: QTextCursor, reference: Reference) -> None:
        name = reference.label if self._names is None else self._names.get(reference.sop_instance_uid)
        if name is None:
            cursor.insertText(f"{_one_block(reference.label)} (not open)", _format("text"))
            return
        link = _format("accent")
        link.setAnchor(True)
        link.setAnchorHref(f"reference:{len(self._references)}")
        link.setFontUnderline(True)
        self._references.append(reference)
        cursor.insertText(_one_block(name), link)

    def _choose(self, url: QUrl) -> None:
        reference = self._references[int(url.path())]
        self.reference_chosen.emit(reference.sop_instance_uid, reference.frame)

    def createMimeDataFromSelection(self) -> QMimeData:
        # Plain text alone: a report pasted elsewhere takes on the look of where it is pasted.
        copied = QMimeData()
        copied.setText(self.textCursor().selection().toPlainText())
        return copied

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu()
        menu.exec(event.globalPos())
        menu.deleteLater()


def _block_format(line: Line, is_first: bool) -> QTextBlockFormat:
    block = QTextBlockFormat()
    block.setLeftMargin(INDENT_PX * min(line.depth, DEEPEST_INDENT))
    above = (16 if line.depth == 0 else 10) if line.is_heading else 4
    block.setTopMargin(0 if is_first else above)
    block.setLineHeight(118, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    return block


def _one_block(text: str) -> str:
    """Return text whose line ends break the line and not the block."""
    return text.replace("\n", _LINE_SEPARATOR).replace("\u2029", _LINE_SEPARATOR)


def _insert_small(cursor: QTextCursor, *remarks: str) -> None:
    said = ", ".join(remark for remark in remarks if remark)
    if said:
        small = _format("text_secondary")
        small.setFont(theme.small_font())
        small.setForeground(theme.color("neutral"))
        cursor.insertText(f"   {_one_block(said)}", small)


def _format(token: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setFont(theme.body_font())
    made.setForeground(theme.color(token))
    return made


def _heading_format() -> QTextCharFormat:
    made = QTextCharFormat()
    font = theme.body_font()
    font.setPixelSize(theme.BODY_PX + 1)
    font.setWeight(QFont.Weight.DemiBold)
    made.setFont(font)
    made.setForeground(theme.color("text"))
    return made
