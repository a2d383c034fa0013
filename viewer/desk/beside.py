"""The held-out film that stands beside the film on screen."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut

from viewer.desk.examples import ExamplesDesk
from viewer.desk.held_out import HeldOutLoader
from viewer.errors import ViewerError
from viewer.imaging.picture_cache import DecodedPicture
from viewer.jobs import JobQueue
from viewer.reading import ConfusionExample
from viewer.second_reader.reader import ExamplePicture
from viewer.session import Session
from viewer.widgets.main_window import MainWindow

NOT_HERE = "The picture of this example is not on this machine; link or fetch the example films (Reader menu)."


class BesideDesk(QObject):
    """Opens an example beside the film, keeps its window that of the film, and takes it away with the film."""

    crashed = Signal(str)

    def __init__(self, window: MainWindow, session: Session, loading: JobQueue, examples: ExamplesDesk) -> None:
        super().__init__(window)
        self._window, self._session, self._examples = window, session, examples
        self._beside = window.beside
        self._example: ConfusionExample | None = None
        self._is_held = False
        self._loader = HeldOutLoader(loading, self)
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), window, self.close)
        self._escape.setEnabled(False)
        self._connect()

    @property
    def example(self) -> ConfusionExample | None:
        """Return the example that stands beside the film."""
        return self._example

    def open(self, example: ConfusionExample) -> None:
        """Show an example beside the film."""
        if example.path is None:
            self._window.show_doing(NOT_HERE, None)
            return
        reading = self._session.reading
        if reading is None or self._window.canvas.image is None:
            return
        self._example = example
        self._beside.show_waiting(example, {p.name: p.title for p in reading.probabilities})
        self._window.show_beside(True)
        # Escape takes the film away, and means again what it did once that is done.
        self._window.action("reset").setShortcuts([])
        self._escape.setEnabled(True)
        self._loader.load(example.path)
        self._look()
        self._examples.want(example)

    def close(self) -> None:
        """Take the example away."""
        if self._example is None:
            return
        self._example = None
        self._loader.drop()
        self._escape.setEnabled(False)
        self._window.restore_shortcuts("reset")
        self._window.show_beside(False)
        self._beside.canvas.clear()

    def _connect(self) -> None:
        window, panel = self._window, self._window.panel
        panel.beside_wanted.connect(self.open)
        self._examples.enlarged.beside_requested.connect(self._open_enlarged)
        self._examples.picture_made.connect(self._lay_heat_map)
        panel.model_chosen.connect(self.close)
        self._beside.closed.connect(self.close)
        self._loader.loaded.connect(self._show)
        self._loader.failed.connect(self._fail)
        self._loader.crashed.connect(self._crash)
        window.canvas.voi_changed.connect(self._take_window)
        window.heat_map_held.connect(self._hold)
        window.action("pin-heat-map").toggled.connect(self._look)
        panel.heat_map_opacity_changed.connect(self._look)
        panel.heat_map_color_map_chosen.connect(self._look)
        panel.heat_map_outline_toggled.connect(self._look)
        panel.heat_map_cells_toggled.connect(self._look)

    def _open_enlarged(self, example: ConfusionExample) -> None:
        self._examples.enlarged.hide()
        self.open(example)
        self._window.activateWindow()

    def _show(self, picture: DecodedPicture) -> None:
        if self._example is None:
            return
        self._beside.show_film(picture)
        self._take_window()
        made = self._examples.picture_of(self._example)
        if made is not None:
            self._lay_heat_map(made)

    def _lay_heat_map(self, made: ExamplePicture) -> None:
        example, reading = self._example, self._session.reading
        if example is None or reading is None or made.sha256 != example.sha256 or self._beside.canvas.image is None:
            return
        if made.heat_map is not None:
            self._beside.set_heat_map(made.heat_map, reading.probability(made.heat_map.class_name).title)

    def _take_window(self) -> None:
        canvas = self._window.canvas
        self._beside.take_window(canvas.image, canvas.voi, canvas.inverted)

    def _fail(self, error: ViewerError) -> None:
        self._beside.show_failure(str(error))

    def _crash(self, traceback_text: str) -> None:
        self.close()
        self.crashed.emit(traceback_text)

    def _hold(self, held: bool) -> None:
        self._is_held = held
        self._look()

    def _look(self) -> None:
        """Draw its map as the film's own is drawn, and while that one is wanted."""
        self._beside.canvas.set_heat_map_look(self._window.canvas.heat_map_look)
        self._beside.canvas.set_heat_map_visible(self._is_held or self._window.action("pin-heat-map").isChecked())
