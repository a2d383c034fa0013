"""The composition root: what is built, in which order, when the window opens.

The order is the user's: Qt and the window first, then the films named on the command line, then, on the reading thread,
torch and the model. Nothing before the first ``show()`` imports torch, torchvision, matplotlib, sklearn or cv2. Logging
goes to a file that carries no names, paths or pixels; an exception nobody foresaw goes to the log and to the crash dialog.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from types import TracebackType

from PySide6.QtCore import QObject, QSize, Qt, QTimer
from PySide6.QtWidgets import QApplication

from viewer.desk.about import AboutDesk
from viewer.desk.audit import AuditDesk
from viewer.desk.beside import BesideDesk
from viewer.desk.callers import CallersDesk
from viewer.desk.documents import DocumentsDesk
from viewer.desk.examples import ExamplesDesk
from viewer.desk.films import FilmsDesk
from viewer.desk.model_facts import ModelFactsDesk
from viewer.desk.quiz import QuizDesk
from viewer.desk.reading import ReadingDesk
from viewer.desk.report import ReportDesk
from viewer.desk.self_test import SelfTestDesk
from viewer.desk.tags import TagsDesk
from viewer.desk.training import TrainingDesk
from viewer.garbage import collect_by_hand, collect_what_is_due
from viewer.imaging.image import Image
from viewer.jobs import JobQueue
from viewer.model_list import installed_models, model_faults
from viewer.one_window import Claim, WindowServer
from viewer.paths import PROGRAM_VERSION, log_file
from viewer.policy import Policy
from viewer.reporting.fonts import register
from viewer.second_reader.reader import SecondReader
from viewer.session import Session
from viewer.settings import DEVICE, Settings
from viewer.widgets import theme
from viewer.widgets.actions import shortcut_rows
from viewer.widgets.crash_dialog import CrashDialog
from viewer.widgets.main_window import MainWindow
from viewer.widgets.preferences import Preferences
from viewer.widgets.shortcuts_sheet import ShortcutsSheet
from viewer.window_request import WindowRequest

log = logging.getLogger(__name__)

WARM_UP_AFTER_MS = 400
"""After this the model is loaded for the first film; a film that is named loads it itself, once it is on screen."""

SWEEP_AFTER_MS = 3_000
COLLECT_EVERY_MS = 500
JOB_GRACE_MS = 10_000
EPOCH_GRACE_MS = 2_000
"""An epoch may take minutes and cannot be broken off; what it builds on lies on the disk, so nobody waits for it."""


class Program(QObject):
    """The whole program: window, session, queues and desks."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or Settings()
        self.session = Session()
        self.window = MainWindow()
        self.loading = JobQueue(2, self)
        self.background = JobQueue(1, self)
        self.reading = JobQueue(1, self)
        self.training = JobQueue(1, self)
        self.second_reader = SecondReader(self.settings.get(DEVICE))
        models = installed_models()
        self.films = FilmsDesk(self.window, self.session, self.loading, self.settings, self.background)
        self.documents = DocumentsDesk(self.window, self.session, self.loading)
        self.readings = ReadingDesk(self.window, self.session, self.reading, self.settings, self.second_reader, models)
        self.examples = ExamplesDesk(
            self.window, self.session, self.reading, self.loading, self.settings, self.readings, self.second_reader
        )
        self.audits = AuditDesk(self.window, self.session, self.reading, self.readings, self.second_reader)
        self.beside = BesideDesk(self.window, self.session, self.loading, self.examples)
        self.facts = ModelFactsDesk(self.window, self.loading, self.readings)
        self.quiz = QuizDesk(self.window, self.loading, self.readings)
        self.report = ReportDesk(self.window, self.session, self.loading, self.settings)
        self.tags = TagsDesk(self.window, self.session, self.loading)
        self.trainings = TrainingDesk(self.window, self.training, self.reading, self.settings)
        self.about = AboutDesk(self.window, self.loading, self.reading, self.settings)
        self.self_test = SelfTestDesk(self.window, self.reading, self.settings)
        self.callers = CallersDesk(self.window, self.open)
        self.server: WindowServer | None = None
        self.is_waited_for = False
        self._connect()
        self._tell_policy()

    def _connect(self) -> None:
        self.films.film_left.connect(self._leave_film)
        self.films.film_shown.connect(self._take_film)
        desks = (self.films, self.documents, self.readings, self.examples, self.beside, self.report, self.tags, self.trainings)
        for desk in (*desks, self.audits, self.facts, self.quiz, self.about, self.self_test):
            desk.crashed.connect(self.show_crash)
        self.films.document_chosen.connect(self.documents.show_document)
        self.documents.document_shown.connect(self.tags.take_document)
        self.films.film_chosen.connect(self.documents.stop)
        self.films.emptied.connect(self.documents.stop)
        self.documents.document_shown.connect(self.films.give_place)
        self.documents.film_wanted.connect(self.films.show_instance)
        self.examples.installed.connect(self.quiz.look_again)
        self.trainings.model_installed.connect(self._take_model)
        self.trainings.model_wanted.connect(self.window.panel.choose_model)
        self.window.action("preferences").triggered.connect(self._show_preferences)
        self.window.action("shortcuts").triggered.connect(self._show_shortcuts)
        self.window.closing.connect(self.shut_down)

    def start(self, request: WindowRequest, claim: Claim | None = None) -> None:
        """Show the window, open what is asked for, and load the model once the film has had its turn.

        With a claim, this is the window that later starts hand their films to.
        """
        geometry = self.settings.geometry("window")
        if geometry is None or not self.window.restoreGeometry(geometry):
            self.window.resize(_first_size())
        self.window.show()
        if request.sample:
            self.films.open_sample()
        elif request.paths or request.study:
            self.open(request)
        else:
            QTimer.singleShot(WARM_UP_AFTER_MS, self.readings.warm_up)
        QTimer.singleShot(SWEEP_AFTER_MS, self.films.opening.sweep_retrieved)
        if claim is not None:
            self.server = WindowServer(claim, self)
            self.server.requested.connect(self.callers.take)
            self.server.listen()

    def open(self, request: WindowRequest) -> None:
        """Open what a command line names, as if it had been dropped."""
        self.films.open(request.paths)
        if request.study is not None:
            self.films.opening.open_study(request.study)

    def shut_down(self) -> None:
        """Save what was typed and chosen, end the jobs."""
        if self.server is not None:
            self.server.close()
        self.report.close()
        self.settings.set_geometry("window", self.window.saveGeometry())
        self.settings.sync()
        self.trainings.close()
        for queue in (self.training, self.loading, self.background, self.reading):
            if not queue.shut_down(EPOCH_GRACE_MS if queue is self.training else JOB_GRACE_MS):
                log.warning("a job did not end within its time")
                self.is_waited_for = True
        self.films.opening.forget_retrieved()

    def _tell_policy(self) -> None:
        """Tell what is wrong with the site's policy, where there is one, in the window and in the log."""
        policy = self.settings.policy
        for fault in (*policy.faults, *model_faults(policy)):
            log.error("site policy: %s", fault)
        self.window.show_banner(policy_banner(policy, model_faults(policy)))

    def _leave_film(self) -> None:
        self.readings.stop()
        self.audits.stop()
        self.examples.stop()
        self.beside.close()
        self.report.leave_film()
        self.tags.leave_film()

    def _take_film(self, image: Image) -> None:
        self.report.take_film(image)
        self.readings.read(image)

    def _take_model(self, name: str) -> None:
        self.examples.forget_pictures()
        self.readings.refresh_models(installed_models(), renewed=name)

    def show_crash(self, traceback_text: str) -> None:
        """Show a fault of ours with its traceback."""
        dialog = CrashDialog(traceback_text, self.window)
        dialog.open()

    def _show_preferences(self) -> None:
        dialog = Preferences(self.settings, self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(self.films.take_settings)
        dialog.open()

    def _show_shortcuts(self) -> None:
        ShortcutsSheet(shortcut_rows(), self.window).open()


def _first_size() -> QSize:
    screen = QApplication.primaryScreen().availableGeometry()
    return screen.size() if screen.width() <= 1400 else screen.size() * 0.9


def begin_logging() -> None:
    """Write the log to the user's folder; give libraries somewhere to write when there is no console."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    handler = RotatingFileHandler(log_file(), maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True)
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s %(message)s")


def policy_banner(policy: Policy, models: Sequence[str]) -> str:
    """Return what the window says of a site policy with errors, and of the site's models that are not what they should be."""
    said = []
    if policy.faults:
        errors = "an error" if len(policy.faults) == 1 else f"{len(policy.faults)} errors"
        said.append(
            f"The policy of your site has {errors}. Until that is mended, the network and the reading of refused films are "
            "switched off. Administrators: hilum --policy says what is wrong."
        )
    return "\n".join((*said, *models))


def main(request: WindowRequest, claim: Claim | None = None) -> int:
    """Run the window until it is closed; return the exit status."""
    begin_logging()
    application = make_application([])
    collect_on_this_thread(application)
    program = Program()

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            application.quit()
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        log.error("unforeseen\n%s", text)
        program.show_crash(text)

    sys.excepthook = hook
    program.start(request, claim)
    status = application.exec()
    if program.is_waited_for:
        # Python would wait for the thread that did not end; everything that is to be kept has been written.
        logging.shutdown()
        os._exit(status)
    return status


def collect_on_this_thread(application: QApplication) -> None:
    """Let garbage be collected on the thread of the windows alone, from now on."""
    collect_by_hand()
    due = QTimer(application, interval=COLLECT_EVERY_MS)
    due.timeout.connect(collect_what_is_due)
    due.start()


def make_application(arguments: list[str]) -> QApplication:
    """Return the QApplication with fonts and theme."""
    application = QApplication([sys.argv[0], *arguments])
    application.setApplicationName("Hilum")
    application.setApplicationVersion(PROGRAM_VERSION)
    application.setDesktopFileName("hilum")
    register()
    theme.apply(application)
    return application
