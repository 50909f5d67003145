"""The breakpoint panel: what stops the script, how often it did, and adding one before an operation."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLineEdit, QStackedLayout, QWidget

from retrograd_debug.session.api import Snapshot
from retrograd_events.events import NodeStarted, OpApplied
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.icons import icon
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.breakpoints import BreakpointsModel
from retrograd_gui.widgets.breakpoint_list import BreakpointList
from retrograd_gui.widgets.common import Empty, column, on_panel, tool_button
from retrograd_gui.widgets.reading import source_lines
from retrograd_gui.widgets.worker import Worker


class BreakpointsPanel(QWidget):
    """The list over a row for a new one."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = BreakpointsModel(self._line_text)
        self._worker = Worker(self)
        self._texts: dict[str, list[str]] = {}
        self.list = BreakpointList(context.theme)
        self.list.rows.check_asked.connect(self._enable)
        self.list.remove_asked.connect(self._remove)
        self.list.go_asked.connect(self._go)
        self.empty = Empty()
        self.empty.say(tr("No breakpoints. F9 or a click beside a line number sets one."))
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.list)
        self.name = QLineEdit()
        self.name.setPlaceholderText(tr("Stop before operation or node …"))
        self.name.setAccessibleName(tr("Operation or node to stop before"))
        self.name.returnPressed.connect(self._add)
        self.name.textChanged.connect(self._enable_buttons)
        self.name.installEventFilter(self)
        self._known: set[str] = set()
        self._names = QStringListModel(self)
        completer = QCompleter(self._names, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.name.setCompleter(completer)
        self.add = tool_button("msc.add", tr("Add"), context.theme)
        self.add.clicked.connect(self._add)
        self.remove = tool_button("msc.trash", tr("Remove (Delete)"), context.theme)
        self.remove.clicked.connect(lambda: self._remove(self.list.selected()))
        self._build()
        self.list.selectionModel().selectionChanged.connect(self._enable_buttons)
        context.breakpoints_changed.connect(self._update)
        context.snapshot_changed.connect(self._update_snapshot)
        context.theme_changed.connect(self._use_theme)
        context.session_changed.connect(self._clear)
        self.setFocusProxy(self.list)
        self._update()

    def _build(self) -> None:
        layout = column(self)
        layout.addLayout(self._stack, 1)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 4)
        bar.setSpacing(4)
        bar.addWidget(self.name, 1)
        bar.addWidget(self.add)
        bar.addWidget(self.remove)
        layout.addLayout(bar)

    # --- news

    def _update(self) -> None:
        self._model.update(self._context.breakpoints, self._context.breakpoint_statuses)
        self.list.rows.show_rows(self._model.rows)
        self._stack.setCurrentWidget(self.list if self._model.rows else self.empty)
        self._enable_buttons()

    def _update_snapshot(self, snapshot: Snapshot) -> None:
        names = {event.name for event in snapshot.iteration_events if isinstance(event, (OpApplied, NodeStarted))}
        if not names <= self._known:
            self._known |= names
            self._names.setStringList(sorted(self._known))

    def _clear(self) -> None:
        self._known = set()
        self._texts = {}
        self._names.setStringList([])
        self._update()

    def _use_theme(self, theme: Theme) -> None:
        self.list.set_theme(theme)
        self.add.setIcon(icon("msc.add", theme))
        self.remove.setIcon(icon("msc.trash", theme))

    def _enable_buttons(self) -> None:
        self.add.setEnabled(bool(self.name.text().strip()))
        self.remove.setEnabled(bool(self.list.selected()))

    def _line_text(self, file: str, line: int) -> str:
        lines = self._texts.get(file)
        if lines is None:
            self._texts[file] = []
            snapshot = self._context.snapshot
            log = snapshot.log if snapshot is not None else None
            self._worker.submit(f"read {file}", lambda: source_lines(file, log), lambda read: self._provide(file, read))
            return ""
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _provide(self, file: str, lines: list[str]) -> None:
        self._texts[file] = lines
        self._update()

    # --- what the person does

    def _enable(self, index: int, enabled: bool) -> None:
        self._context.set_breakpoints(self._model.with_enabled(index, enabled))

    def _remove(self, indexes: list[int]) -> None:
        if indexes:
            self._context.set_breakpoints(self._model.without(indexes))

    def _go(self, index: int) -> None:
        breakpoint = self._model.rows[index].breakpoint
        if breakpoint.kind == "line":
            status = self._context.breakpoint_statuses.get(breakpoint.id)
            line = status.line if status is not None and status.line else breakpoint.line
            self._context.show_source(breakpoint.file, line)

    def _add(self) -> None:
        name = self.name.text().strip()
        if name:
            self._context.set_breakpoints(self._model.with_op(name))
            self.name.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Esc empties the line."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            self.name.clear()
            return True
        return False


PANEL = PanelSpec("breakpoints", tr("Breakpoints"), "bottom-right-top", 0, "msc.debug-breakpoint", BreakpointsPanel)
