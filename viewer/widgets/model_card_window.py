"""The model card in a window: its text as it was made, with the films of this machine beside the mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QImage, QImageReader, QTextDocument
from PySide6.QtWidgets import QDialog, QHBoxLayout, QTextBrowser, QVBoxLayout, QWidget

from viewer.widgets import theme
from viewer.widgets.controls import SmallPrint, button

FILM_WIDTH = 120
"""Points; as wide as the card leaves room for a film."""


class CardBrowser(QTextBrowser):
    """Text with headings and tables that fetches nothing: an address it was not told is a picture it does not have."""

    def __init__(self) -> None:
        super().__init__()
        self._films: dict[str, Path] = {}
        self.setOpenLinks(False)
        self.setAccessibleName("Model card")
        self.document().setDefaultStyleSheet(_style_sheet())

    def show_card(self, html: str, films: Mapping[str, Path]) -> None:
        """Show a card; ``films`` are the pictures it may draw, by address."""
        self._films = dict(films)
        self.setHtml(html)

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        path = self._films.get(QUrl(name).toString())
        if kind != QTextDocument.ResourceType.ImageResource.value or path is None:
            return None
        return _shrunk(path)


class ModelCardWindow(QDialog):
    """What is known of one model, beside the main window; it can be saved as a page."""

    save_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Model facts")
        self.browser = CardBrowser()
        self.save_button = button("Save as a page...", "download")
        self.close_button = button("Close", role="primary")
        self._said = SmallPrint()
        buttons = QHBoxLayout()
        buttons.addWidget(self.save_button)
        buttons.addWidget(self._said, 1)
        buttons.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * theme.GRID, 2 * theme.GRID, 2 * theme.GRID, 2 * theme.GRID)
        column.setSpacing(12)
        column.addWidget(self.browser, 1)
        column.addLayout(buttons)
        self.save_button.clicked.connect(self.save_requested)
        self.close_button.clicked.connect(self.accept)
        self.save_button.setEnabled(False)

    def show_card(self, html: str, films: Mapping[str, Path]) -> None:
        """Show a card made by our own template, from its beginning."""
        self.browser.show_card(html, films)
        self.save_button.setEnabled(True)
        self.say("")

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence in the place of a card."""
        self.browser.setPlainText(sentence)
        self.save_button.setEnabled(False)
        self.say("")

    def say(self, sentence: str) -> None:
        """Say what was done, beside the buttons."""
        self._said.setText(sentence)

    def sizeHint(self) -> QSize:
        return QSize(900, 720)


def _shrunk(path: Path) -> QImage | None:
    """Return a film at the width the card has for it; None for a file that is no picture Qt knows."""
    reader = QImageReader(str(path))
    size = reader.size()
    if not size.isValid():
        return None
    reader.setScaledSize(size.scaled(FILM_WIDTH, 4 * FILM_WIDTH, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    return None if image.isNull() else image


def _style_sheet() -> str:
    """Return what a text document understands of style, in the theme's colours."""
    colors = theme.DARK
    return f"""
        h1 {{ font-size: 20px; font-weight: 600; margin-bottom: 2px; }}
        h2 {{ font-size: 16px; font-weight: 600; margin-top: 26px; margin-bottom: 6px; }}
        h3 {{ font-size: 13px; font-weight: 600; margin-top: 14px; margin-bottom: 4px; }}
        p {{ margin-top: 4px; margin-bottom: 6px; }}
        li {{ margin-bottom: 4px; }}
        th {{ color: {colors.text_secondary}; font-weight: 400; text-align: left; padding: 3px 14px 3px 0; }}
        td {{ padding: 3px 14px 3px 0; }}
        .purpose {{ color: {colors.warning}; font-weight: 600; }}
        .warning {{ color: {colors.warning}; }}
        .note {{ color: {colors.text_secondary}; font-size: 12px; }}
        .muted {{ color: {colors.text_secondary}; font-style: italic; }}
    """
