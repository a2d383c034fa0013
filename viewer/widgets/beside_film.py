"""A held-out film beside the film on screen: its own place and zoom, the same window, and whose answer it got."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from viewer.imaging.image import Image, Voi
from viewer.imaging.picture_cache import DecodedPicture
from viewer.imaging.window_matching import matched_voi
from viewer.reading import ConfusionExample, HeatMap
from viewer.widgets.canvas import Canvas, Tool
from viewer.widgets.controls import ElidedLabel, PlainLabel, SectionLabel, button
from viewer.widgets.probability_bars import number

OPENING = "The held-out film is being opened."
MAP_COMING = "Its own heat map is being made."
CLOSE_TIP = "Take the held-out film away (Esc)"


class BesideFilm(QWidget):
    """The film under a caption that says that it is another patient's; the left button moves it, the window is the other's."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.canvas = Canvas()
        self.canvas.setAccessibleName("Held-out film")
        self.canvas.tool = Tool.PAN
        self.canvas.setMinimumSize(180, 120)
        self._verdict = PlainLabel()
        self._about = ElidedLabel(small=True)
        self._map = ElidedLabel(small=True)
        self.close_button = button("", "close", "quiet")
        self._lay_out()
        self.close_button.clicked.connect(self.closed)

    def show_waiting(self, example: ConfusionExample, titles: Mapping[str, str]) -> None:
        """Say which film comes: class names to titles, in the order of its probabilities."""
        names = list(titles)
        chance = example.probabilities[names.index(example.answer)] if example.answer in names else None
        is_right = example.truth == example.answer
        verdict = "right" if is_right else "wrong"
        truth, answer = titles.get(example.truth, example.truth), titles.get(example.answer, example.answer)
        self._verdict.setText(f"Truth {truth}; the model said {answer} ({number(chance)}), {verdict}")
        self._verdict.setProperty("tone", "" if is_right else "refused")
        self._verdict.style().polish(self._verdict)
        stated = ("Another patient", example.source, example.view, example.age, example.sex)
        self._about.setText(", ".join(filter(None, stated)))
        self._map.setText(MAP_COMING)
        self.canvas.clear(OPENING)

    def show_film(self, picture: DecodedPicture) -> None:
        """Show the film."""
        self.canvas.show_image(picture.image, picture.levels)

    def show_failure(self, sentence: str) -> None:
        """Say why there is no film."""
        self.canvas.clear(sentence)

    def take_window(self, film: Image | None, voi: Voi | None, inverted: bool) -> None:
        """Show the film as the other one is shown, where both are grey."""
        own = self.canvas.image
        if own is None or film is None or voi is None or own.is_color or film.is_color:
            return
        self.canvas.set_voi(matched_voi(voi, film, own))
        self.canvas.set_inverted(inverted)

    def set_heat_map(self, heat_map: HeatMap, title: str) -> None:
        """Lay the film's own map over it, or say why there is none to see; ``title`` names its class."""
        self.canvas.set_heat_map(None if heat_map.withheld else heat_map, title)
        self._map.setText(heat_map.withheld or "M shows its own heat map.")

    def _lay_out(self) -> None:
        self.close_button.setToolTip(CLOSE_TIP)
        self.close_button.setAccessibleName(CLOSE_TIP)
        self.close_button.setFixedWidth(36)
        words = QFrame()
        words.setProperty("surface", "panel")
        rows = QGridLayout(words)
        rows.setContentsMargins(12, 6, 4, 8)
        rows.setHorizontalSpacing(8)
        rows.setVerticalSpacing(2)
        rows.addWidget(SectionLabel("Held-out film"), 0, 0)
        rows.addWidget(self.close_button, 0, 1, 2, 1, Qt.AlignmentFlag.AlignTop)
        rows.addWidget(self._verdict, 1, 0)
        rows.addWidget(self._about, 2, 0, 1, 2)
        rows.addWidget(self._map, 3, 0, 1, 2)
        rows.setColumnStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(words)
        column.addWidget(self.canvas, 1)
