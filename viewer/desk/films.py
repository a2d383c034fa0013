"""Opening and showing films: from what was dropped to a picture on the canvas."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from viewer.errors import ViewerError
from viewer.imaging.grayscale import preset_voi, presets
from viewer.imaging.image import Image, Instance, NotOpened, Opened, OpenProgress, OpenSummary
from viewer.imaging.phantom import write_film
from viewer.imaging.pyramid import build_pyramid
from viewer.imaging.reader import open_paths, read_image
from viewer.jobs import Job, JobQueue
from viewer.paths import sample_film
from viewer.session import Session
from viewer.settings import CORNER_TEXT, DRAG_DOWN_BRIGHTER, LAST_FOLDER, RECENT, Settings
from viewer.widgets.canvas import Canvas, Tool
from viewer.widgets.corner_contents import corner_texts_of
from viewer.widgets.main_window import TOOL_ACTIONS, MainWindow, data_of
from viewer.widgets.problems_dialog import ProblemsDialog

FILE_FILTER = "Films (*.dcm *.dicom *.dic *.ima *.png *.jpg *.jpeg *.tif *.tiff *.bmp *.webp);;All files (*)"


def decode(instance: Instance) -> Generator[str, None, tuple[Image, tuple[np.ndarray, ...]]]:
    """Read a frame and build its pyramid: the work of showing a film."""
    yield "Opening the film"
    image = read_image(instance)
    yield "Preparing the film"
    return image, build_pyramid(image.pixels)


def open_sample() -> Generator[Any, None, OpenSummary]:
    """Draw the synthetic film if it is not there yet, then open it."""
    path = sample_film()
    if not path.is_file():
        yield OpenProgress(0, 1, "the synthetic film is being drawn")
        write_film(path)
    return (yield from open_paths([path]))


class FilmsDesk(QObject):
    """Opens what is dropped, shows what is chosen, and tells when a film is on screen."""

    film_shown = Signal(object)
    """Image, on the canvas now."""
    film_left = Signal()
    """The film on screen is about to go."""
    crashed = Signal(str)

    def __init__(self, window: MainWindow, session: Session, loading: JobQueue, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._session, self._loading, self._settings = window, session, loading, settings
        self._canvas: Canvas = window.canvas
        self._opening: Job | None = None
        self._showing: Job | None = None
        self._show_first = False
        self._pointed: tuple[int, int] | None = None
        self._problems = ProblemsDialog(window)
        self._problems_seen = 0
        self._connect()
        self._list_recent(settings.get(RECENT))
        self._canvas.drag_down_brighter = settings.get(DRAG_DOWN_BRIGHTER)
        window.action("corner-text").setChecked(settings.get(CORNER_TEXT))
        window.action("problems").setEnabled(False)
        window.set_presets([])
        self._enable_film_actions(False)

    def _connect(self) -> None:
        window, canvas = self._window, self._canvas
        simple = {
            "open": self.choose_files, "open-folder": self.choose_folder, "sample": self.open_sample,
            "close-all": self.close_all, "problems": self._show_problems, "quit": window.close,
            "fit": canvas.fit, "one-to-one": canvas.one_to_one, "reset": self._reset,
            "zoom-in": self._zoom_in, "zoom-out": self._zoom_out,
            "rotate-right": self._rotate_right, "rotate-left": self._rotate_left,
            "flip-horizontal": self._flip_horizontal, "flip-vertical": self._flip_vertical,
            "previous-image": self._previous, "next-image": self._next,
            "first-image": self._first, "last-image": self._last,
            "previous-series": self._previous_series, "next-series": self._next_series,
        }  # fmt: skip
        for name, slot in simple.items():
            window.action(name).triggered.connect(slot)
        window.action("invert").toggled.connect(canvas.set_inverted)
        window.action("corner-text").toggled.connect(self._show_corner_text)
        window.action("full-screen").toggled.connect(self._full_screen)
        for name in TOOL_ACTIONS:
            window.action(name).toggled.connect(self._choose_tool)
        window.paths_dropped.connect(self.open)
        window.preset_chosen.connect(self._choose_preset)
        window.cancel_requested.connect(self._cancel_opening)
        window.start_screen.open_requested.connect(self.choose_files)
        window.start_screen.open_folder_requested.connect(self.choose_folder)
        window.start_screen.sample_requested.connect(self.open_sample)
        window.start_screen.recent_chosen.connect(self._open_recent)
        window.study_list.instance_chosen.connect(self.show_instance)
        canvas.voi_changed.connect(self._refresh_corners)
        canvas.view_changed.connect(self._refresh_corners)
        canvas.pixel_pointed.connect(self._point)
        canvas.step_requested.connect(self._step)
        canvas.context_requested.connect(window.open_context_menu)

    # Opening

    def choose_files(self) -> None:
        """Ask for files and open them."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open films", self._settings.get(LAST_FOLDER), FILE_FILTER)
        if names:
            self.open([Path(name) for name in names])

    def choose_folder(self) -> None:
        """Ask for a folder and open all that is in it."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder", self._settings.get(LAST_FOLDER))
        if name:
            self.open([Path(name)])

    def open_sample(self) -> None:
        """Open the synthetic film."""
        self._start_opening(open_sample())

    def open(self, paths: Sequence[Path]) -> None:
        """Open files and folders; the first film found is shown while the rest is still read."""
        if not paths:
            return
        self._settings.set(LAST_FOLDER, str(paths[0].parent))
        self._list_recent(self._settings.add_recent(str(paths[0])))
        self._start_opening(open_paths(paths))

    def _start_opening(self, work: Generator[Any, None, OpenSummary]) -> None:
        if self._opening is not None:
            # Its end must not be taken for that of the opening that begins now.
            self._opening.cancelled.disconnect(self._opening_ended)
            self._opening.cancel()
        self._show_first = True
        self._problems_seen = len(self._session.not_opened)
        job = self._loading.submit(work, "open films")
        job.progressed.connect(self._take)
        job.finished.connect(self._opened)
        job.failed.connect(self._opening_failed)
        job.crashed.connect(self.crashed)
        job.cancelled.connect(self._opening_ended)
        self._opening = job
        self._window.show_doing("Opening", 0.0, cancellable=True)
        self._loading.start(job)

    def _take(self, found: object) -> None:
        if isinstance(found, OpenProgress):
            self._window.show_doing(f"Opening {found.name}", found.done / max(found.total, 1), cancellable=True)
        elif isinstance(found, NotOpened):
            self._session.not_opened.append(found)
        elif isinstance(found, Opened):
            self._take_opened(found)

    def _take_opened(self, opened: Opened) -> None:
        if self._session.add(opened):
            self._window.study_list.add(opened)
        if self._show_first:
            self._show_first = False
            self.show_instance(opened.instance)

    def _opened(self, summary: OpenSummary) -> None:
        self._opening_ended()
        new = self._session.not_opened[self._problems_seen :]
        if new:
            self._window.action("problems").setEnabled(True)
            self._window.show_doing(_not_opened_sentence(summary.opened, new), None)
            self._problems.show_problems(new)
            self._problems.show()
        if not len(self._session.studies):
            self._window.show_film_page(False)

    def _opening_failed(self, error: ViewerError) -> None:
        self._opening_ended()
        self._session.not_opened.append(NotOpened(Path(), str(error)))
        self._window.show_doing(str(error), None)

    def _opening_ended(self) -> None:
        self._opening = None
        self._window.show_doing("", None)

    def _cancel_opening(self) -> None:
        if self._opening is not None:
            self._opening.cancel()

    def _show_problems(self) -> None:
        self._problems.show_problems(self._session.not_opened)
        self._problems.show()
        self._problems.raise_()

    def _list_recent(self, paths: list[str]) -> None:
        for action in self._window.set_recent(paths):
            action.triggered.connect(self._open_recent_action)

    def _open_recent_action(self) -> None:
        self._open_recent(data_of(self.sender()))

    def _open_recent(self, path: str) -> None:
        self.open([Path(path)])

    def close_all(self) -> None:
        """Close every film and show the start screen."""
        self._cancel_opening()
        self.film_left.emit()
        self._session.close_all()
        self._window.study_list.clear()
        self._canvas.clear()
        self._window.set_presets([])
        self._window.action("problems").setEnabled(False)
        self._enable_film_actions(False)
        self._window.show_film_page(False)

    # Showing

    def show_instance(self, instance: Instance) -> None:
        """Show a frame; the one before it, if it is still being decoded, is dropped."""
        if self._showing is not None:
            self._showing.cancel()
        self.film_left.emit()
        self._session.choose(instance)
        self._window.show_film_page(True)
        self._window.study_list.set_current(instance.key)
        job = self._loading.submit(decode(instance), "decode film")
        job.finished.connect(self._show_decoded)
        job.failed.connect(self._decoding_failed)
        job.crashed.connect(self._decoding_crashed)
        self._showing = job
        self._loading.start(job)

    def _show_decoded(self, decoded: tuple[Image, tuple[np.ndarray, ...]]) -> None:
        image, levels = decoded
        self._showing = None
        if not self._session.take_image(image):
            return
        same_series = _same_series(self._canvas.image, image)
        if not same_series:
            self._window.action("invert").setChecked(False)
        self._canvas.wheel_steps = len(self._session.siblings()) > 1
        self._canvas.show_image(image, levels, keep_view=same_series)
        rows = [] if image.is_color else [(p.key, p.name, p.title) for p in presets(image)]
        self._window.set_presets(rows)
        self._enable_film_actions(True)
        self._refresh_corners()
        self._window.focus_canvas()
        self.film_shown.emit(image)

    def _decoding_failed(self, error: ViewerError) -> None:
        self._showing = None
        self._enable_film_actions(False)
        self._canvas.clear(str(error))
        self._window.show_doing(str(error), None)

    def _decoding_crashed(self, traceback_text: str) -> None:
        self._showing = None
        self._enable_film_actions(False)
        self._canvas.clear("This film could not be shown, by a fault of the program.")
        self.crashed.emit(traceback_text)

    def _enable_film_actions(self, enabled: bool) -> None:
        for name in ("fit", "one-to-one", "invert", "rotate-right", "rotate-left", "flip-horizontal", "flip-vertical",
                     "reset", "zoom-in", "zoom-out", "close-all"):  # fmt: skip
            self._window.action(name).setEnabled(enabled)

    # Corners

    def _point(self, position: tuple[int, int] | None) -> None:
        self._pointed = position
        self._refresh_corners()

    def _refresh_corners(self) -> None:
        image = self._session.image
        if image is None or self._canvas.image is not image:
            return
        siblings = self._session.siblings()
        number = next((i for i, s in enumerate(siblings, 1) if s.key == image.instance.key), 1)
        self._canvas.corner_texts = corner_texts_of(self._canvas, image, self._pointed, number, len(siblings))
        self._canvas.update()

    def _show_corner_text(self, visible: bool) -> None:
        self._settings.set(CORNER_TEXT, visible)
        self._canvas.corner_texts_visible = visible
        self._canvas.update()

    # Gestures

    def _choose_preset(self, name: str) -> None:
        image = self._session.image
        if image is None or image.is_color:
            return
        if name.startswith("key:"):
            name = next((p.name for p in presets(image) if p.key == name[4:]), "")
        if name:
            self._canvas.set_voi(preset_voi(image, name))

    def _choose_tool(self) -> None:
        checked = next(name for name in TOOL_ACTIONS if self._window.action(name).isChecked())
        self._canvas.tool = Tool(checked.removeprefix("tool-"))

    def _reset(self) -> None:
        if self._window.isFullScreen():
            self._window.action("full-screen").setChecked(False)
            return
        self._window.action("invert").setChecked(False)
        self._canvas.reset()

    def _zoom_in(self) -> None:
        self._canvas.zoom_by(1.25)

    def _zoom_out(self) -> None:
        self._canvas.zoom_by(0.8)

    def _rotate_right(self) -> None:
        self._canvas.rotate(90)

    def _rotate_left(self) -> None:
        self._canvas.rotate(-90)

    def _flip_horizontal(self) -> None:
        self._canvas.flip(True)

    def _flip_vertical(self) -> None:
        self._canvas.flip(False)

    def _full_screen(self, full: bool) -> None:
        if full:
            self._window.showFullScreen()
        else:
            self._window.showNormal()

    # From image to image

    def _step(self, steps: int) -> None:
        self._go(lambda at, count: at + steps)

    def _previous(self) -> None:
        self._go(lambda at, count: at - 1)

    def _next(self) -> None:
        self._go(lambda at, count: at + 1)

    def _first(self) -> None:
        self._go(lambda at, count: 0)

    def _last(self) -> None:
        self._go(lambda at, count: count - 1)

    def _go(self, where: Any) -> None:
        siblings = self._session.siblings()
        current = self._session.current
        if current is None or len(siblings) < 2:
            return
        at = next(i for i, s in enumerate(siblings) if s.key == current.key)
        to = min(max(where(at, len(siblings)), 0), len(siblings) - 1)
        if to != at:
            self.show_instance(siblings[to])

    def _previous_series(self) -> None:
        self._go_series(-1)

    def _next_series(self) -> None:
        self._go_series(1)

    def _go_series(self, step: int) -> None:
        found = self._session.neighbouring_series(step)
        if found is not None:
            self.show_instance(found)


def _same_series(last: Image | None, image: Image) -> bool:
    """Return whether window and zoom of the last picture should stay: scrolling through one series of one size."""
    if last is None or last.pixels.shape != image.pixels.shape or not image.instance.is_dicom:
        return False
    return bool(image.identity.series_uid) and last.identity.series_uid == image.identity.series_uid


def _not_opened_sentence(opened: int, problems: Sequence[NotOpened]) -> str:
    if len(problems) == 1 and not opened:
        return problems[0].reason
    files = "1 file was" if len(problems) == 1 else f"{len(problems):,} files were"
    return f"{opened:,} opened; {files} not: File > Files that were not opened."
