"""The second reading: started when a film is shown, dropped when it goes, and its heat map over the film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from viewer.errors import ViewerError
from viewer.imaging.image import Image
from viewer.jobs import Job, JobQueue
from viewer.model_list import InstalledModel, model_faults, model_for
from viewer.policy import SET_BY_SITE
from viewer.reading import Reading, ReadingProgress
from viewer.second_reader.prevalence import predictive_values
from viewer.second_reader.reader import SecondReader
from viewer.session import Session
from viewer.settings import HEAT_MAP_CELLS, HEAT_MAP_COLORS, HEAT_MAP_OPACITY, HEAT_MAP_OUTLINE, MODEL, Settings
from viewer.widgets.heat_map_layer import HeatMapLook
from viewer.widgets.main_window import MainWindow


class ReadingDesk(QObject):
    """Runs the second reader on the reading queue and shows what it says, and only of the film on screen."""

    reading_changed = Signal(object)
    """Reading, of the film on screen; partial ones too."""
    crashed = Signal(str)

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        queue: JobQueue,
        settings: Settings,
        reader: SecondReader,
        models: Sequence[InstalledModel],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._queue, self._settings = window, session, queue, settings
        self._reader = reader
        self._models = {model.name: model for model in models}
        self._job: Job | None = None
        self._held = False
        self._pinned = False
        self._override = ""
        self._methods: dict[str, str] = {}
        self._choose_known_model(models)
        self._connect()
        panel = window.panel
        panel.heat_map.set_appearance(
            settings.get(HEAT_MAP_OPACITY),
            settings.get(HEAT_MAP_COLORS),
            settings.get(HEAT_MAP_OUTLINE),
            settings.get(HEAT_MAP_CELLS),
        )
        panel.override_allowed = settings.policy.override_allowed
        if settings.is_locked(MODEL):
            panel.lock_model(SET_BY_SITE)
        self._look()

    @property
    def model_folder(self) -> Path | None:
        """Return the folder of the chosen model, of one for CT where the film is CT; None where there is no model at all."""
        model, image = self._models.get(self._settings.get(MODEL)), self._session.image
        if model is None or image is None:
            return model.folder if model else None
        return model_for(image.identity.modality, list(self._models.values()), model.folder)

    def refresh_models(self, models: Sequence[InstalledModel], renewed: str = "") -> None:
        """Offer these models from now on; if the one in use is ``renewed``, the film on screen is read with it again."""
        self._models = {model.name: model for model in models}
        self._choose_known_model(models)
        if renewed == self._settings.get(MODEL):
            self.read_again()

    def warm_up(self) -> None:
        """Load the network library and the model before the first film comes."""
        if self.model_folder is None:
            return
        job = self._queue.submit(self._reader.warm_up(self.model_folder), "warm up")
        job.crashed.connect(self.crashed)
        self._queue.start(job)

    def read(self, image: Image, override: str = "") -> None:
        """Read a film, in spite of a refusal if a reason for that is given; the reading of the last one is cancelled."""
        self.stop()
        self._override = override
        folder = self.model_folder
        if folder is None:
            self._window.panel.show_failure(self._why_no_model())
            return
        self._window.panel.show_waiting("Waiting for the second reader", None)
        method = self._methods.get(self._settings.get(MODEL), "")
        job = self._queue.submit(self._reader.read(image, folder, override, method), "read film")
        job.progressed.connect(self._progress)
        job.finished.connect(self._finished)
        job.failed.connect(self._failed)
        job.crashed.connect(self._crashed)
        self._job = job
        self._queue.start(job)

    def _why_no_model(self) -> str:
        """Return why there is no model: none at all, or not the one that the site has set, or what is wrong with that."""
        if not self._settings.is_locked(MODEL):
            return "No model is installed, so the second reader cannot answer."
        name = self._settings.get(MODEL)
        faults = model_faults(self._settings.policy)
        return " ".join((f"The model {name}, set by your site, is not here, so the second reader cannot answer.", *faults))

    def read_again(self) -> None:
        """Read the film on screen once more, anew."""
        if self._session.image is not None:
            self.read(self._session.image)

    def override(self, reason: str) -> None:
        """Read the film on screen in spite of its refusal."""
        if self._session.image is not None and self._settings.policy.override_allowed:
            self.read(self._session.image, reason)

    def stop(self) -> None:
        """Drop the reading in progress and take the last one off the screen."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._window.canvas.set_heat_map(None, "")
        self._window.canvas.set_model_frame(None)
        self._window.panel.show_idle()

    def _connect(self) -> None:
        window, panel = self._window, self._window.panel
        panel.model_chosen.connect(self._choose_model)
        panel.heat_map_class_chosen.connect(self._choose_class)
        panel.heat_map_opacity_changed.connect(self._set_opacity)
        panel.heat_map_color_map_chosen.connect(self._set_colors)
        panel.heat_map_outline_toggled.connect(self._set_outline)
        panel.heat_map_cells_toggled.connect(self._set_cells)
        panel.heat_map_method_chosen.connect(self._choose_method)
        panel.override_requested.connect(self.override)
        panel.frame_toggled.connect(self._frame)
        panel.prevalence_changed.connect(self._say_predictive_values)
        panel.heat_map_pinned.connect(window.action("pin-heat-map").setChecked)
        window.action("pin-heat-map").toggled.connect(self._pin)
        window.action("read-again").triggered.connect(self.read_again)
        window.heat_map_held.connect(self._hold)

    def _choose_known_model(self, models: Sequence[InstalledModel]) -> None:
        if models and self._settings.get(MODEL) not in self._models:
            self._settings.set(MODEL, models[0].name)
        self._window.panel.set_models([(m.name, m.title) for m in models], self._settings.get(MODEL))
        if self._settings.get(MODEL) not in self._models:
            self._window.panel.show_no_model()
        self._mark_operating_points()

    def _choose_model(self, name: str) -> None:
        self._settings.set(MODEL, name)
        self._mark_operating_points()
        self.read_again()

    def _mark_operating_points(self) -> None:
        model = self._models.get(self._settings.get(MODEL))
        self._window.panel.thresholds = dict(model.thresholds) if model else {}

    # The answer

    def _progress(self, found: object) -> None:
        if isinstance(found, ReadingProgress):
            self._window.panel.show_progress(found.text, found.fraction)
        elif isinstance(found, Reading):
            self._show(found)

    def _finished(self, reading: Reading) -> None:
        self._job = None
        self._show(reading)

    def _show(self, reading: Reading) -> None:
        if not self._session.take_reading(reading):
            return
        panel = self._window.panel
        panel.set_current_model(reading.model.name)
        panel.heat_map.set_methods(reading.map_methods, self._methods.get(reading.model.name, ""))
        panel.show_reading(reading)
        self._say_predictive_values()
        self._lay_heat_map()
        self._frame()
        self.reading_changed.emit(reading)

    def _say_predictive_values(self) -> None:
        """Say what a call means at the prevalence of the slider; it is stored nowhere."""
        decision = self._window.panel.decision
        point = decision.point()
        values = None
        if point is not None and point.sensitivity.total and point.specificity.total:
            values = predictive_values(point, decision.prevalence())
        decision.show_predictive_values(values)

    def _frame(self) -> None:
        """Draw the frame of what the model saw, or take it away, as its box says."""
        reading = self._session.reading
        seen = reading.model_input if reading is not None else None
        wanted = seen is not None and self._window.panel.model_input.frame_box.isChecked()
        self._window.canvas.set_model_frame(seen.bounds_row_column if seen is not None and wanted else None)

    def _failed(self, error: ViewerError) -> None:
        self._job = None
        self._window.panel.show_failure(str(error))

    def _crashed(self, traceback_text: str) -> None:
        self._job = None
        self._window.panel.show_failure("The second reader stopped with an error of the program; the film is not read.")
        self.crashed.emit(traceback_text)

    # The heat map

    def _lay_heat_map(self) -> None:
        reading, name = self._session.reading, self._window.panel.heat_map_class()
        heat_map = reading.heat_map(name) if reading is not None else None
        title = reading.probability(name).title if reading is not None and heat_map is not None else ""
        self._window.canvas.set_heat_map(heat_map, title)

    def _choose_class(self, name: str) -> None:
        self._lay_heat_map()

    def _choose_method(self, name: str) -> None:
        self._methods[self._settings.get(MODEL)] = name
        if self._session.image is not None:
            self.read(self._session.image, self._override)

    def _look(self) -> None:
        look = HeatMapLook(
            self._settings.get(HEAT_MAP_OPACITY),
            self._settings.get(HEAT_MAP_COLORS),
            self._settings.get(HEAT_MAP_OUTLINE),
            self._settings.get(HEAT_MAP_CELLS),
        )
        self._window.canvas.set_heat_map_look(look)

    def _set_opacity(self, opacity: float) -> None:
        self._settings.set(HEAT_MAP_OPACITY, opacity)
        self._look()

    def _set_colors(self, name: str) -> None:
        self._settings.set(HEAT_MAP_COLORS, name)
        self._look()

    def _set_outline(self, outlined: bool) -> None:
        self._settings.set(HEAT_MAP_OUTLINE, outlined)
        self._look()

    def _set_cells(self, drawn: bool) -> None:
        self._settings.set(HEAT_MAP_CELLS, drawn)
        self._look()

    def _pin(self, pinned: bool) -> None:
        self._pinned = pinned
        self._window.panel.heat_map.set_pinned(pinned)
        self._show_or_hide()

    def _hold(self, held: bool) -> None:
        self._held = held
        self._show_or_hide()

    def _show_or_hide(self) -> None:
        visible = self._pinned or self._held
        self._window.canvas.set_heat_map_visible(visible)
        self._window.panel.set_heat_visible(visible)
