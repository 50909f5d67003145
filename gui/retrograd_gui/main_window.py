"""The window: start page or workspace, with menus, tool bar, messages and status line around it.

It puts the parts together and passes on what they say; what a part does is in the part's own file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow, QMenu, QStackedWidget, QWidget

from retrograd_debug.assets import DataMissingError
from retrograd_debug.log.location import delete_run, runs_folder
from retrograd_debug.session.api import (
    Breakpoint,
    Continue,
    Failed,
    Notice,
    Phase,
    Restart,
    Seek,
    Session,
    Snapshot,
    Step,
    Verb,
)
from retrograd_debug.session.settings import RunSettings
from retrograd_events.events import Seq
from retrograd_events.text import tr
from retrograd_gui import sessions
from retrograd_gui.action import Action, Situation
from retrograd_gui.actions import table
from retrograd_gui.background import Background
from retrograd_gui.bound_actions import BoundActions
from retrograd_gui.context import Context
from retrograd_gui.errors import ErrorLog
from retrograd_gui.gallery.examples import find_examples
from retrograd_gui.gallery.page import Gallery
from retrograd_gui.message_bar import Message, MessageBar
from retrograd_gui.opener import Opener
from retrograd_gui.opening import Refused
from retrograd_gui.palette import Entry, Palette
from retrograd_gui.palette_entries import entries
from retrograd_gui.panel_registry import panel_specs
from retrograd_gui.panels.base import ActionTarget
from retrograd_gui.run_settings_dialog import RunSettingsDialog
from retrograd_gui.run_watch import RunWatch
from retrograd_gui.settings import Pace, Settings
from retrograd_gui.sheets import AboutSheet, KeySheet, SyntaxErrorPage
from retrograd_gui.status_line import StatusLine
from retrograd_gui.status_text import status_text
from retrograd_gui.theme.loading import NAMES, load_theme
from retrograd_gui.theme.style import apply_theme
from retrograd_gui.toolbar import ToolBar
from retrograd_gui.version import version
from retrograd_gui.workspace import Workspace, boxed

WANTED = (1440, 900)
SMALLEST = (960, 600)
TITLE_BAR = 36
STEP_PATIENCE = 0.3
"""Seconds that a step may take to be shown before another is asked for regardless."""


class MainWindow(QMainWindow):
    """The app's one window; carries out the actions (``action.Shell``)."""

    opened = Signal()
    closed = Signal()

    def __init__(self, settings: Settings, theme: str, errors: ErrorLog) -> None:
        super().__init__()
        self.settings = settings
        self.errors = errors
        self.context = Context(settings, load_theme(theme), self)
        self.background = Background(self)
        self.watch = RunWatch(self.background, self)
        self.opener = Opener(self.background, self)
        self._pace = Pace()
        self._is_script = False
        self._path = Path()
        self._ending = False
        self.ended = False
        self._said = ("", "")
        self._stepped = 0.0
        self.setWindowTitle(tr("Retrograd"))
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        self._build()
        self._connect()
        self._use_theme(load_theme(theme).name)
        self._fit_screen()
        self.restoreGeometry(settings.blob("window/geometry"))
        self._show_gallery()

    # --- making

    def _fit_screen(self) -> None:
        """The design's size, or what the screen has room for under a title bar: the status line must be on it."""
        room = self.screen().availableSize()
        self.resize(min(WANTED[0], room.width()), min(WANTED[1], room.height() - TITLE_BAR))

    def _build(self) -> None:
        self.workspace = Workspace(self.context, self.context, panel_specs())
        self.actions_ = BoundActions(self, table(panel_specs()), self._perform, self.workspace.panel)
        self.actions_.fill(self.menuBar(), self._extend_menu)
        self.toolbar = ToolBar(self.actions_, self.context.theme)
        self.message = MessageBar(self.context.theme)
        self.gallery = Gallery(self.context.theme, self.actions_)
        self.syntax_page = SyntaxErrorPage(self.context.theme)
        self.pages = QStackedWidget()
        for page in (self.gallery, self.workspace, self.syntax_page):
            self.pages.addWidget(page)
        center = QWidget()
        column = boxed(center)
        column.addWidget(self.toolbar)
        column.addWidget(self.message)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(center)
        self.status = StatusLine(self.context.theme)
        self.setStatusBar(self.status)

    def _connect(self) -> None:
        context = self.context
        context.serve_actions(self.actions_.run)
        context.snapshot_changed.connect(self._take_snapshot)
        context.session_changed.connect(self._update)
        context.travels_changed.connect(self._update)
        context.noticed.connect(self._take_notice)
        context.breakpoints_changed.connect(self._keep_breakpoints)
        context.source_requested.connect(lambda _file, _line: self.workspace.raise_panel("source"))
        self.opener.opening.connect(self._release)
        self.opener.opened.connect(self._opened)
        self.opener.refused.connect(self._refuse)
        self.opener.closed.connect(self._session_closed)
        self.watch.changed.connect(self._say_status)
        self.watch.failed.connect(lambda text: self.say(Message("warning", text, topic="command")))
        self.status.way_taken.connect(lambda: self.context.dispatch(Seek(Seq(0))))
        self.gallery.example_chosen.connect(self.open_path)
        self.gallery.run_chosen.connect(self.open_path)
        self.gallery.run_deleted.connect(self._delete_run)
        self.syntax_page.retried.connect(self.open_path)
        self.syntax_page.left.connect(self._show_gallery)
        self.errors.show_with(self._say_internal_error)

    def _extend_menu(self, id: str, menu: QMenu) -> None:
        if id != "file":
            return
        recent = QMenu(tr("Open recent"), menu)
        menu.insertMenu(self.actions_["file.close-run"], recent)
        menu.insertSeparator(self.actions_["file.close-run"])

        def fill() -> None:
            recent.clear()
            for path in self.settings.recent():
                recent.addAction(path.name).triggered.connect(lambda _=False, path=path: self.open_path(path))
                recent.actions()[-1].setToolTip(str(path))
            recent.menuAction().setVisible(bool(recent.actions()))

        menu.aboutToShow.connect(fill)
        fill()

    # --- opening and leaving runs

    def open_path(self, path: Path) -> None:
        """Open a script or a recorded run; what can't be opened is said in place."""
        self.message.clear()
        self.opener.open(path)

    def _opened(self, opened: sessions.Opened) -> None:
        self._pace = sessions.pace_of(opened.memory)
        self.settings.add_recent(opened.path)
        self.show_session(opened.session, opened.path, opened.script, opened.is_script, opened.memory.breakpoints)

    def show_session(
        self, session: Session, path: Path, script: str, is_script: bool, breakpoints: Sequence[Breakpoint] = ()
    ) -> None:
        """Show ``session``, opened from ``path``; ``breakpoints`` are those kept with ``script``."""
        self._is_script = is_script
        self._path = path
        self.message.clear_topic("examples")
        self.setWindowTitle(tr("{name} · Retrograd", name=session.title))
        self._show_workspace()
        self.watch.begin(session.snapshot(), is_script)
        self.context.open(session, script, breakpoints)
        self.workspace.show_panel("graph")
        self.opened.emit()

    def _refuse(self, refused: Refused) -> None:
        self.settings.forget_recent(refused.path)
        if refused.source:
            self._release()
            self.syntax_page.show_error(refused)
            self._show_page(self.syntax_page)
            return
        if not self.context.is_open and self.pages.currentWidget() is not self.gallery:
            self._show_gallery()
        self.say(Message("error", refused.text, topic="opening"))

    def _release(self) -> None:
        """Let go of the open run; it is closed beside the GUI thread."""
        self.message.clear()
        session = self.context.release()
        self.watch.begin(None, True)
        if session is not None:
            self._save_layout()
            self.opener.close(session)

    def _session_closed(self) -> None:
        if self._ending:
            self._end_when_quiet()
        elif self.pages.currentWidget() is self.gallery:
            self._load_runs()

    # --- pages

    def _show_page(self, page: QWidget) -> None:
        self.pages.setCurrentWidget(page)
        self.toolbar.setVisible(page is self.workspace)
        self._update()

    def _show_gallery(self) -> None:
        self.setWindowTitle(tr("Retrograd"))
        self._show_page(self.gallery)
        self.background.submit(find_examples, self.gallery.show_examples, self._no_examples)
        self._load_runs()

    def _no_examples(self, error: Exception) -> None:
        if not isinstance(error, (DataMissingError, OSError)):
            raise error
        if self.pages.currentWidget() is self.gallery:
            self.say(Message("warning", str(error), topic="examples"))

    def _load_runs(self) -> None:
        self.background.submit(sessions.recent_runs, self.gallery.show_runs)

    def _show_workspace(self) -> None:
        self._show_page(self.workspace)
        if not self.workspace.arranged:
            self.workspace.arranged = True
            # docks can only be given sizes once they have been laid out
            QTimer.singleShot(0, self, self._restore_layout)

    def _restore_layout(self) -> None:
        if not self.workspace.restore_layout(self.settings.blob("workspace/layout")):
            self.workspace.reset_layout()

    def _save_layout(self) -> None:
        if self.workspace.arranged:
            self.settings.set_blob("workspace/layout", self.workspace.layout_state())
        self.settings.set_blob("window/geometry", self.saveGeometry())
        self.settings.flush()

    def _delete_run(self, path: Path) -> None:
        def failed(error: Exception) -> None:
            self.say(Message("error", tr("{name} can't be deleted: {reason}.", name=path.name, reason=error)))

        self.settings.forget_recent(path)
        self.background.submit(lambda: delete_run(path), lambda _none: self._load_runs(), failed)

    # --- news

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        self._stepped = 0.0
        self.watch.follow(snapshot)
        self._update()
        self._say_what_happened(snapshot)

    def _take_notice(self, notice: Notice) -> None:
        if isinstance(notice, Failed):
            self._stepped = 0.0
        self.watch.hear(notice)

    def _say_what_happened(self, snapshot: Snapshot) -> None:
        hold = snapshot.hold
        if snapshot.phase is Phase.HELD and hold is not None and hold.kind == "exception":
            self._say_once("exception", f"{hold.seq}", hold.message or hold.name, _stack_text(snapshot))
        elif snapshot.phase is Phase.LOST and snapshot.message:
            self._say_once("lost", snapshot.message, snapshot.message, "")
        elif snapshot.log is not None and snapshot.log.damage and not self._is_script:
            self._say_once("damage", snapshot.log.damage, snapshot.log.damage, "")
        else:
            self._said = ("", "")
            for topic in ("exception", "lost"):
                self.message.clear_topic(topic)

    def _say_once(self, topic: str, mark: str, text: str, details: str) -> None:
        if self._said != (topic, mark):
            self._said = (topic, mark)
            kind = "warning" if topic == "damage" else "error"
            self.say(Message(kind, text, details, topic=topic))

    def _update(self) -> None:
        """Bring actions and status line in line with what is known."""
        travels = self.context.travels
        situation = Situation(
            snapshot=self.context.snapshot,
            is_script=self._is_script and self.context.is_open,
            can_go_back=bool(travels.back),
            can_go_forward=bool(travels.forward),
            theme=self.context.theme.name,
            pace=self._pace,
        )
        self.actions_.update(situation)
        self.toolbar.update_situation(situation)
        self._say_status()

    def _say_status(self) -> None:
        self.status.show_status(status_text(self.context.snapshot, self.watch.moment))

    def say(self, message: Message) -> None:
        """Show a sentence in place."""
        self.message.show_message(message)

    def _say_internal_error(self, what: str, details: str) -> None:
        text = tr(
            "Something went wrong in the app itself ({what}). Your script and its log are not touched.", what=what
        )
        where = tr("Written to {path}", path=self.errors.path)
        self.say(Message("error", text, f"{where}\n\n{details}", topic="internal"))

    def _keep_breakpoints(self) -> None:
        script = self.context.script
        if script and not self._is_script:
            kept = list(self.context.breakpoints)
            self.background.submit(lambda: sessions.keep_breakpoints(script, kept), _done)

    # --- actions

    def _perform(self, action: Action) -> None:
        if isinstance(action.command, Step):
            # a key that repeats must not ask for a step before the one before it has been shown
            if time.monotonic() - self._stepped > STEP_PATIENCE:
                self._stepped = time.monotonic()
                self.context.dispatch(action.command)
        elif action.command is not None:
            self.context.dispatch(action.command)
        elif action.run is not None:
            action.run(self)
        else:
            target: object = self.workspace.panel(action.panel)
            if isinstance(target, ActionTarget):
                target.perform(action.id)

    def open_script(self) -> None:
        """Ask for a script and open it."""
        self._ask_file(tr("Open script"), tr("Python scripts (*.py);;All files (*)"), self.open_path)

    def open_script_with_settings(self) -> None:
        """Ask for a script, then for its settings, then open it."""
        self._ask_file(tr("Open script"), tr("Python scripts (*.py);;All files (*)"), self._ask_settings)

    def open_run(self) -> None:
        """Ask for a recorded run and open it."""
        folder = runs_folder()
        self._ask_file(tr("Open recorded run"), tr("Recorded runs (*.retro);;All files (*)"), self.open_path, folder)

    def _ask_file(self, title: str, kinds: str, then: Callable[[Path], None], folder: Path | None = None) -> None:
        start = str(folder or self.settings.text("folder"))
        dialog = QFileDialog(self, title, start, kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)

        def chosen(text: str) -> None:
            if folder is None:
                self.settings.set_text("folder", str(Path(text).parent))
            then(Path(text))

        dialog.fileSelected.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def edit_run_settings(self) -> None:
        """Show the run settings of the open script."""
        self._ask_settings(self._path)

    def _ask_settings(self, script: Path) -> None:
        running = self.context.is_open and script == self._path
        self.background.submit(
            lambda: sessions.run_settings(script),
            lambda found: self._show_settings(script, running, *found),
        )

    def _show_settings(self, script: Path, running: bool, settings: RunSettings, interpreter: str) -> None:
        dialog = RunSettingsDialog(self, script, settings, interpreter, running)

        def keep() -> None:
            kept, restart = dialog.settings, dialog.restart
            self.background.submit(
                lambda: sessions.keep_run_settings(str(script), kept),
                lambda _none: self._settings_kept(script, running, restart),
            )

        dialog.accepted.connect(keep)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _settings_kept(self, script: Path, running: bool, restart: bool) -> None:
        if not running:
            self.open_path(script)
        elif restart:
            self.context.dispatch(Restart())

    def close_run(self) -> None:
        """Return to the start page."""
        self.opener.forget()
        self._release()
        self._show_gallery()
        self.gallery.focus_first()

    def quit(self) -> None:
        """Close the window."""
        self.close()

    def continue_run(self) -> None:
        """Let the script go on at the chosen pace."""
        self.context.dispatch(self.continue_command())

    def continue_command(self) -> Continue:
        """Continue at the chosen pace."""
        return Continue(self._pace.ops, self._pace.iterations)

    def set_pace(self, pace: Pace) -> None:
        """Choose the pace; a script that runs takes it at once."""
        self._pace = pace
        self._update()
        script = self.context.script
        if script:
            self.background.submit(lambda: sessions.keep_pace(script, pace), _done)
        snapshot = self.context.snapshot
        if snapshot is not None and snapshot.phase is Phase.RUNNING and Verb.PAUSE in snapshot.verbs:
            self.continue_run()

    def set_theme(self, name: str) -> None:
        """Dress the app in another theme, and keep it."""
        self.settings.set_text("theme", name)
        self._use_theme(name)

    def next_theme(self) -> None:
        """Dark, light, high contrast, in turn."""
        self.set_theme(NAMES[(NAMES.index(self.context.theme.name) + 1) % len(NAMES)])

    def _use_theme(self, name: str) -> None:
        theme = load_theme(name)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, theme)
        self.actions_.use_theme(theme)
        for part in (self.toolbar, self.message, self.gallery, self.status, self.syntax_page):
            part.use_theme(theme)
        self.context.set_theme(theme)
        self._update()

    def reset_layout(self) -> None:
        """Put every panel where it was first."""
        self.workspace.reset_layout()

    def show_panel(self, id: str) -> None:
        """Bring a panel to the front and give it the keyboard."""
        self.workspace.show_panel(id)

    def travel_back(self) -> None:
        """Undo the last travel."""
        self.context.travel_back()

    def travel_forward(self) -> None:
        """Undo going back."""
        self.context.travel_forward()

    def show_palette(self) -> None:
        """Open the palette."""
        palette = Palette(self, self.context.theme, self._entries)
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        palette.open()

    def _entries(self) -> Iterator[Entry]:
        return entries(self.actions_, self.context, self.workspace.raise_panel)

    def show_keys(self) -> None:
        """Open the key sheet."""
        self._open_sheet(KeySheet(self, self.actions_.table))

    def show_about(self) -> None:
        """Open the about sheet."""
        self._open_sheet(AboutSheet(self, version()))

    def show_error_log(self) -> None:
        """Show what went wrong in the app itself."""
        text = self.errors.text()
        if not text:
            self.say(Message("info", tr("Nothing has gone wrong in the app itself."), topic="log"))
            return
        self.say(Message("info", tr("What went wrong in the app: {path}", path=self.errors.path), text, topic="log"))

    def _open_sheet(self, sheet: KeySheet | AboutSheet) -> None:
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.open()

    # --- files dropped on the window

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take one local file."""
        if _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open it."""
        path = _dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.open_path(path)

    # --- the end

    def closeEvent(self, event: QCloseEvent) -> None:
        """Let go of the run first, without making anyone wait at the screen."""
        if not self._ending:
            self._ending = True
            self.opener.forget()
            self._save_layout()
            self._release()
            self.hide()
        if self.opener.closing:
            event.ignore()
            return
        event.accept()
        self._end()

    def _end_when_quiet(self) -> None:
        if not self.opener.closing:
            self._end()

    def _end(self) -> None:
        self.ended = True
        self.watch.stop()
        self.background.close()
        self.closed.emit()


def _dropped(event: QDropEvent) -> Path | None:
    urls = [url for url in event.mimeData().urls() if url.isLocalFile()]
    return Path(urls[0].toLocalFile()) if len(urls) == 1 else None


def _stack_text(snapshot: Snapshot) -> str:
    if snapshot.hold is None:
        return ""
    return "\n".join(
        tr("{file}, line {line}, in {function}", file=frame.file, line=frame.line, function=frame.function)
        + f"\n    {frame.text.strip()}"
        for frame in snapshot.hold.stack
    )


def _done(_result: None) -> None:
    """Nothing to do with it."""
