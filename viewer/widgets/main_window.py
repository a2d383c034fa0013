"""The window: menus, tools, study list, canvas over the report, the second reader's panel, and what is being done."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from viewer.imaging.image import RESEARCH_NOTICE
from viewer.widgets import icons
from viewer.widgets.actions import ACTIONS, PRESET_KEYS, ActionSpec
from viewer.widgets.beside_film import BesideFilm
from viewer.widgets.canvas import Canvas
from viewer.widgets.controls import ElidedLabel, Notice, plain_tool_tip
from viewer.widgets.document_page import DocumentPage
from viewer.widgets.report_editor import ReportEditor
from viewer.widgets.second_reader_panel import SecondReaderPanel
from viewer.widgets.start_screen import StartScreen
from viewer.widgets.study_list import StudyList

MENUS = ("File", "View", "Window", "Reader", "Tools", "Help")
TOOL_ACTIONS = ("tool-window", "tool-pan", "tool-zoom")
TYPING = (QPlainTextEdit, QLineEdit, QAbstractSpinBox, QComboBox)
SMALLEST = (960, 600)


def data_of(sender: QObject) -> str:
    """Return the text an action carries."""
    return str(sender.data()) if isinstance(sender, QAction) else ""


class MainWindow(QMainWindow):
    """Looks and gestures; what they do is wired by the desk."""

    paths_dropped = Signal(list)
    preset_chosen = Signal(str)
    heat_map_held = Signal(bool)
    cancel_requested = Signal()
    training_shown = Signal()
    """The words about a training under way have been clicked."""
    closing = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Hilum")
        self.setWindowIcon(icons.icon("hilum"))
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        self.study_list = StudyList()
        self.canvas = Canvas()
        self.beside = BesideFilm()
        self.report_editor = ReportEditor()
        self.document_page = DocumentPage()
        self.panel = SecondReaderPanel()
        self.start_screen = StartScreen()
        self.banner = Notice("warning", "")
        self._actions: dict[str, QAction] = {}
        self._holding_heat_map = False
        self._asked_before_closing = ""
        self._lay_out()
        self._make_actions()
        self._make_toolbar()
        self._make_status_bar()
        for field in self.findChildren(QPlainTextEdit):
            field.setAcceptDrops(False)  # a film dropped on the report opens; its path is not typed
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)

    def action(self, name: str) -> QAction:
        """Return an action by its name in the table."""
        return self._actions[name]

    # Building

    def _lay_out(self) -> None:
        self.films = QSplitter(Qt.Orientation.Horizontal)
        for film in (self.canvas, self.beside):
            self.films.addWidget(film)
        self.films.setChildrenCollapsible(False)
        self.beside.hide()
        self.film_page = QSplitter(Qt.Orientation.Vertical)
        self.film_page.addWidget(self.films)
        self.film_page.addWidget(self.report_editor)
        self.film_page.setStretchFactor(0, 1)
        self.film_page.setCollapsible(0, False)
        self.film_page.setSizes([640, 170])
        self.centre = QStackedWidget()
        self.centre.addWidget(self.start_screen)
        self.centre.addWidget(self.film_page)
        self.centre.addWidget(self.document_page)
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.study_list, self.centre, self.panel):
            self.columns.addWidget(widget)
        self.columns.setStretchFactor(1, 1)
        self.columns.setCollapsible(1, False)
        self.columns.setSizes([240, 900, 340])
        for splitter in (self.films, self.film_page, self.columns):
            splitter.setHandleWidth(1)
        self._page = QWidget()
        page = QVBoxLayout(self._page)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addWidget(self.banner)
        page.addWidget(self.columns, 1)
        self.banner.hide()
        self.setCentralWidget(self._page)

    def _make_actions(self) -> None:
        self._menus = {title: self.menuBar().addMenu(title) for title in MENUS}
        self.recent_menu = QMenu("Recent", self)
        self.recent_menu.setIcon(icons.icon("recent"))
        for spec in ACTIONS:
            action = self._make_action(spec)
            if spec.menu:
                self._menus[spec.menu].addAction(action)
            if spec.name == "sample":
                self._menus["File"].addMenu(self.recent_menu)
        tools = QActionGroup(self)
        for name in TOOL_ACTIONS:
            tools.addAction(self._actions[name])
        self._actions["tool-window"].setChecked(True)
        self._actions["corner-text"].setChecked(True)
        for key in PRESET_KEYS:
            action = QAction(self)
            action.setObjectName(f"preset-{key}")
            action.setShortcut(key)
            action.setData(key)
            action.triggered.connect(self._choose_preset)
            self.addAction(action)

    def _make_action(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(keys) for keys in spec.keys])
        action.setCheckable(spec.checkable)
        action.setToolTip(f"{spec.text.rstrip('.')} ({spec.keys[0]})" if spec.keys else spec.text.rstrip("."))
        if spec.icon:
            action.setIcon(icons.icon(spec.icon))
        self._actions[spec.name] = action
        self.addAction(action)
        return action

    def _make_toolbar(self) -> None:
        self.toolbar = QToolBar("Tools", self)
        self.toolbar.setObjectName("tools")
        self.toolbar.setMovable(False)
        self.toolbar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        last = ""
        for spec in ACTIONS:
            if spec.toolbar:
                if last and spec.section != last:
                    self.toolbar.addSeparator()
                last = spec.section
                self.toolbar.addAction(self._actions[spec.name])
        self.addToolBar(self.toolbar)

    def _make_status_bar(self) -> None:
        self.doing = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.doing.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.progress = QProgressBar()
        self.progress.setMaximumWidth(160)
        self.progress.setTextVisible(False)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setFlat(True)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.training_button = QPushButton()
        self.training_button.setFlat(True)
        self.training_button.setIcon(icons.icon("train"))
        self.training_button.setToolTip("Open the window of this training")
        self.training_button.clicked.connect(self.training_shown)
        notice = QLabel(RESEARCH_NOTICE)
        notice.setObjectName("researchNotice")
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        bar.setContentsMargins(12, 0, 12, 0)
        bar.addWidget(self.doing, 1)
        bar.addWidget(self.progress)
        bar.addWidget(self.cancel_button)
        bar.addPermanentWidget(self.training_button)
        bar.addPermanentWidget(notice)
        self.show_doing("", None)
        self.show_training("")

    # Showing

    def show_doing(self, text: str, fraction: float | None, cancellable: bool = False) -> None:
        """Say what is being done and how far it is; an empty text ends it."""
        self.doing.setText(text)
        self.doing.setToolTip(plain_tool_tip(text))
        self.progress.setVisible(bool(text) and fraction is not None)
        if fraction is not None:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(1000 * fraction))
        self.cancel_button.setVisible(bool(text) and cancellable)

    def show_banner(self, text: str) -> None:
        """Say above everything else what an administrator has to mend; an empty text takes it away."""
        self.banner.set_text(text)
        self.banner.setVisible(bool(text))

    def show_training(self, text: str) -> None:
        """Say how a training goes whose own window is closed; an empty text takes it away."""
        self.training_button.setText(text.replace("&", "&&"))
        self.training_button.setVisible(bool(text))

    def ask_before_closing(self, question: str) -> None:
        """Ask this before the window is closed, because something would be broken off; "" asks nothing."""
        self._asked_before_closing = question

    def show_film_page(self, film: bool) -> None:
        """Show canvas and report, or the start screen."""
        self.centre.setCurrentWidget(self.film_page if film else self.start_screen)

    def show_beside(self, shown: bool) -> None:
        """Show a held-out film beside the film, each half as wide at first, or the film alone."""
        if shown and self.beside.isHidden():
            half = self.films.width() // 2
            self.beside.show()
            self.films.setSizes([half, half])
        elif not shown:
            self.beside.hide()

    def restore_shortcuts(self, name: str) -> None:
        """Give an action the keys again that its table states."""
        keys = next(spec.keys for spec in ACTIONS if spec.name == name)
        self._actions[name].setShortcuts([QKeySequence(each) for each in keys])

    def show_document_page(self) -> None:
        """Show a document in the place of canvas and report."""
        self.centre.setCurrentWidget(self.document_page)

    def set_recent(self, paths: list[str]) -> list[QAction]:
        """List the recent paths in menu and start screen; return the menu's actions, their data the path."""
        self.start_screen.set_recent(paths)
        self.recent_menu.clear()
        self.recent_menu.setEnabled(bool(paths))
        added = []
        for path in paths:
            action = self.recent_menu.addAction(Path(path).name.replace("&", "&&"))
            action.setToolTip(path)
            action.setData(path)
            added.append(action)
        return added

    def set_presets(self, presets: list[tuple[str, str, str]]) -> None:
        """Fill the Window menu with (key, name, title) of what fits the present film."""
        menu = self._menus["Window"]
        menu.clear()
        menu.setEnabled(bool(presets))
        for key, name, title in presets:
            action = menu.addAction(f"{title}\t{key}".replace("&", "&&"))
            action.setData(name)
            action.triggered.connect(self._choose_named_preset)

    def context_menu(self) -> QMenu:
        """Return the menu of a right click on the film."""
        menu = QMenu(self)
        for name in ("fit", "one-to-one", "invert", "rotate-right", "flip-horizontal", "reset"):
            menu.addAction(self._actions[name])
        menu.addSeparator()
        menu.addActions(self._menus["Window"].actions())
        menu.addSeparator()
        for name in ("pin-heat-map", "export"):
            menu.addAction(self._actions[name])
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def open_context_menu(self, at: QPoint) -> None:
        """Open the film's menu at a point of the screen."""
        self.context_menu().popup(at)

    # Hands

    def _choose_preset(self) -> None:
        self.preset_chosen.emit(f"key:{data_of(self.sender())}")

    def _choose_named_preset(self) -> None:
        self.preset_chosen.emit(data_of(self.sender()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch for M held and released, unless somebody is typing."""
        kind = event.type()
        if kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) and isinstance(event, QKeyEvent):
            return self._hold_key(event, kind == QEvent.Type.KeyPress) or super().eventFilter(watched, event)
        if kind == QEvent.Type.WindowDeactivate and watched is self and self._holding_heat_map:
            self._set_holding(False)
        return super().eventFilter(watched, event)

    def _hold_key(self, event: QKeyEvent, pressed: bool) -> bool:
        if event.key() != Qt.Key.Key_M or event.isAutoRepeat():
            return False
        if pressed and (event.modifiers() != Qt.KeyboardModifier.NoModifier or not self.isActiveWindow()):
            return False
        if pressed and isinstance(QApplication.focusWidget(), TYPING):
            return False
        if pressed != self._holding_heat_map:
            self._set_holding(pressed)
        return False

    def _set_holding(self, holding: bool) -> None:
        self._holding_heat_map = holding
        self.heat_map_held.emit(holding)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take anything that has a place on this machine."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand the dropped paths on."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.paths_dropped.emit(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell that the window closes, so that drafts are saved and jobs end."""
        if self._asked_before_closing:
            event.ignore()
            self._ask_before_closing()
            return
        self.closing.emit()
        super().closeEvent(event)

    def _ask_before_closing(self) -> None:
        buttons = QMessageBox.StandardButton.Close | QMessageBox.StandardButton.Cancel
        box = QMessageBox(QMessageBox.Icon.Question, "Hilum", self._asked_before_closing, buttons, self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.button(QMessageBox.StandardButton.Close).clicked.connect(self._close_all_the_same)
        box.open()

    def _close_all_the_same(self) -> None:
        self._asked_before_closing = ""
        self.close()

    def focus_document(self) -> None:
        """Give the keyboard to the document, so that it can be scrolled."""
        self.document_page.setFocus(Qt.FocusReason.OtherFocusReason)

    def focus_canvas(self) -> None:
        """Give the keyboard to the film."""
        focused: QWidget = self.canvas
        focused.setFocus(Qt.FocusReason.OtherFocusReason)
