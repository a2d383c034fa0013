"""Showing films: from a row of the study list to a picture on the canvas, and from one picture to the next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QPointF, QRectF, Signal

from viewer.desk.opening import OpeningDesk
from viewer.desk.pictures import PictureLoader
from viewer.errors import ViewerError
from viewer.imaging.documents.presentation_state import PresentationState, applied
from viewer.imaging.grayscale import preset_voi, presets
from viewer.imaging.image import Document, Image, Instance
from viewer.imaging.picture_cache import DecodedPicture, PictureCache, memory_budget
from viewer.jobs import JobQueue
from viewer.session import Session
from viewer.settings import CORNER_TEXT, DRAG_DOWN_BRIGHTER, MEMORY_MB, Settings
from viewer.widgets.canvas import Canvas, Tool
from viewer.widgets.corner_contents import corner_texts_of
from viewer.widgets.main_window import TOOL_ACTIONS, MainWindow

FILM_ACTIONS = (
    "fit", "one-to-one", "invert", "rotate-right", "rotate-left", "flip-horizontal", "flip-vertical", "reset", "zoom-in",
    "zoom-out",
)  # fmt: skip
"""What can be done with a film that is on screen."""
STEP_ACTIONS = ("previous-image", "next-image", "first-image", "last-image", "previous-series", "next-series")
"""What leads from a film to another; a document in its place has these keys for itself."""

MOST_NOTICES = 4
"""More of them would cover the film."""


class FilmsDesk(QObject):
    """Shows what is chosen, and tells when a film is on screen."""

    film_shown = Signal(object)
    """Image, on the canvas now."""
    film_chosen = Signal()
    """A film is about to be shown."""
    film_left = Signal()
    """The film on screen is about to go."""
    emptied = Signal()
    """Nothing is open any more."""
    crashed = Signal(str)

    document_chosen = Signal(object)
    """Document that is to be shown in the film's place."""

    def __init__(
        self, window: MainWindow, session: Session, loading: JobQueue, settings: Settings, background: JobQueue | None = None
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._loading, self._settings = window, session, loading, settings
        self._canvas: Canvas = window.canvas
        self._direction = 1
        self._state: PresentationState | None = None
        self._is_in_state = False
        self._goal: Instance | None = None
        self._pictures = PictureLoader(loading, background or loading, self)
        self.opening = OpeningDesk(window, session, loading, background or loading, settings)
        self._connect()
        self.take_settings()
        window.action("corner-text").setChecked(settings.get(CORNER_TEXT))
        window.set_presets([])
        self._enable_film_actions(False)
        self._enable_steps(False, is_open=False)

    @property
    def cache(self) -> PictureCache:
        """Return the decoded pictures that are kept in memory."""
        return self._pictures.cache

    def _connect(self) -> None:
        window, canvas = self._window, self._canvas
        simple = {
            "close-all": self.close_all, "quit": window.close,
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
        for name, show in (("overlays", canvas.set_overlays_visible), ("shutter", canvas.set_shutter_visible)):
            window.action(name).setChecked(True)
            window.action(name).toggled.connect(show)
        window.action("full-screen").toggled.connect(self._full_screen)
        for name in TOOL_ACTIONS:
            window.action(name).toggled.connect(self._choose_tool)
        window.preset_chosen.connect(self._choose_preset)
        self.opening.first_found.connect(self._show_found)
        self.opening.emptied.connect(self._show_start)
        self.opening.listed.connect(self._take_list)
        self.opening.crashed.connect(self.crashed)
        self._pictures.loaded.connect(self._show_decoded)
        self._pictures.failed.connect(self._decoding_failed)
        self._pictures.crashed.connect(self._decoding_crashed)
        self._pictures.prefetch_crashed.connect(self.crashed)
        window.study_list.document_chosen.connect(self.document_chosen)
        window.study_list.instance_chosen.connect(self.show_instance)
        canvas.voi_changed.connect(self._refresh_corners)
        canvas.view_changed.connect(self._refresh_corners)
        canvas.pixel_pointed.connect(self._refresh_corners)
        canvas.step_requested.connect(self._step)
        canvas.context_requested.connect(window.open_context_menu)

    def take_settings(self) -> None:
        """Do as the preferences say from now on."""
        self._canvas.drag_down_brighter = self._settings.get(DRAG_DOWN_BRIGHTER)
        self.cache.resize(memory_budget(self._settings.get(MEMORY_MB), self.cache.size_bytes))

    def open(self, paths: Sequence[Path]) -> None:
        """Open files and folders; the first film found is shown while the rest is still listed."""
        self.opening.open(paths)

    def open_sample(self) -> None:
        """Open the synthetic film."""
        self.opening.open_sample()

    def close_all(self) -> None:
        """Close every film and show the start screen."""
        self.opening.close_all()
        self._leave()
        self._pictures.close()
        self._session.close_all()
        self._show_start()

    def _show_found(self, found: Instance | Document) -> None:
        if isinstance(found, Document):
            self.document_chosen.emit(found)
        else:
            self.show_instance(found)

    def _show_start(self) -> None:
        self._take_film_off()
        self._enable_steps(False, is_open=False)
        self._window.show_film_page(False)
        self.emptied.emit()

    def _take_film_off(self, message: str = "") -> None:
        """Leave the canvas empty but for a sentence, and offer nothing that needs a film."""
        self._canvas.clear(message)
        self._window.set_presets([])
        self._enable_film_actions(False)

    def _take_list(self) -> None:
        """Scroll through what has been listed by now."""
        self._canvas.wheel_steps = len(self._session.siblings()) > 1
        self._refresh_corners()
        if not self._pictures.is_busy:
            self._decode_ahead()

    # Showing

    def give_place(self) -> None:
        """Let go of the film: a document is shown in its place."""
        self._leave()
        self._session.show_document()
        self._take_film_off()
        self._enable_steps(False)

    def _leave(self) -> None:
        self._goal = None
        self._pictures.drop()
        self.film_left.emit()

    def show_instance(self, instance: Instance, state: PresentationState | None = None) -> None:
        """Show a frame, in a presentation state if one is given; one that is still being decoded is dropped."""
        self._leave()
        self.film_chosen.emit()
        self._state = state
        self._session.choose(instance)
        self._window.show_film_page(True)
        self._window.study_list.set_current(instance.key)
        self._enable_steps(True)
        self._pictures.load(instance)

    def _show_decoded(self, picture: DecodedPicture) -> None:
        image, levels, state = picture.image, picture.levels, self._state
        if state is not None:
            image = applied(image, state)
        if not self._session.take_image(image):
            return
        self.cache.show(image.instance.key)
        keeps_view = state is None and not self._is_in_state and _same_series(self._canvas.image, image)
        if not keeps_view:
            self._window.action("invert").setChecked(False)
        self._canvas.wheel_steps = len(self._session.siblings()) > 1
        self._canvas.show_image(image, levels, keep_view=keeps_view)
        self._present(image, state)
        rows = [] if image.is_color else [(p.key, p.name, p.title) for p in presets(image)]
        self._window.set_presets(rows)
        self._enable_film_actions(True)
        self._refresh_corners()
        self._window.focus_canvas()
        self.film_shown.emit(picture.image)
        if not self._go_on():
            self._decode_ahead()

    def _present(self, image: Image, state: PresentationState | None) -> None:
        """Turn the picture and draw on it as a presentation state asks."""
        uid, frame = image.identity.sop_instance_uid, image.instance.frame + 1
        self._is_in_state = state is not None and state.applies_to(uid, frame)
        if state is None or not self._is_in_state:
            return
        self._canvas.rotate(state.rotation)
        if state.is_flipped:
            self._canvas.flip(True)
        area = state.area_for(uid, frame)
        shown = None if area is None else QRectF(QPointF(area.left, area.top), QPointF(area.right, area.bottom))
        self._canvas.set_presentation(state.drawn_on(uid, frame), shown)

    def _decode_ahead(self) -> None:
        siblings = self._session.siblings()
        at = next((n for n, s in enumerate(siblings) if self._session.current and s.key == self._session.current.key), -1)
        if at >= 0 and len(siblings) > 1:
            self._pictures.decode_ahead(siblings, at, self._direction)

    def _decoding_failed(self, error: ViewerError) -> None:
        self._take_film_off(str(error))
        if not self.opening.is_busy:
            self._window.show_doing(str(error), None)
        self._go_on()

    def _decoding_crashed(self, traceback_text: str) -> None:
        self._take_film_off("This film could not be shown, by a fault of the program.")
        self.crashed.emit(traceback_text)

    def _enable_film_actions(self, enabled: bool) -> None:
        image = self._canvas.image
        for name in FILM_ACTIONS:
            self._window.action(name).setEnabled(enabled)
        # It also leads out of the full screen.
        self._window.action("reset").setEnabled(enabled or self._window.isFullScreen())
        self._window.action("overlays").setEnabled(image is not None and bool(image.overlays))
        self._window.action("shutter").setEnabled(image is not None and image.shutter is not None)

    def _enable_steps(self, enabled: bool, is_open: bool = True) -> None:
        for name in STEP_ACTIONS:
            self._window.action(name).setEnabled(enabled)
        self._window.action("close-all").setEnabled(is_open)

    # Corners

    def _refresh_corners(self) -> None:
        image = self._session.image
        if image is None or self._canvas.image is not image:
            return
        siblings = self._session.siblings()
        number = next((i for i, s in enumerate(siblings, 1) if s.key == image.instance.key), 1)
        said = (*image.warnings, *self._session.remarks())
        if self._state is not None and self._is_in_state:
            said = (f"Presentation state: {self._state.label or 'without a name'}", *said)
        said = said[:MOST_NOTICES]
        count, pointed = max(len(siblings), 1), self._canvas.pointed()
        self._canvas.corner_texts = corner_texts_of(self._canvas, image, pointed, number, count, said)
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
        if self._canvas.image is not None:
            self._present(self._canvas.image, self._state)

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
        self._window.action("reset").setEnabled(full or self._canvas.image is not None)
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
        current = self._goal or self._session.current
        if current is None:
            return
        at = next((i for i, s in enumerate(siblings) if s.key == current.key), None)
        if at is None:
            # The film could not be shown, and is listed no longer.
            self._go_series(1)
            return
        to = min(max(where(at, len(siblings)), 0), len(siblings) - 1)
        if to == at:
            return
        self._direction = 1 if to > at else -1
        if self._pictures.is_busy and siblings[to].key not in self.cache:
            # A key held down outruns the decoder: what it decodes is shown, and then the way goes on from there.
            self._goal = siblings[to]
        else:
            self.show_instance(siblings[to])

    def _go_on(self) -> bool:
        """Go to where the keys have led meanwhile; return whether there was such a place."""
        goal = self._goal
        if goal is not None:
            self.show_instance(goal)
        return goal is not None

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
