"""The breakpoint panel: what stops the script and how often it did; adding more, and saying more of each."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QStackedLayout,
    QToolButton,
    QToolTip,
    QWidget,
)

from retrograd_debug.session.api import Breakpoint, Snapshot
from retrograd_events.events import NodeStarted, OpApplied
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.icons import icon
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.breakpoint_kinds import KINDS, FormError, KindForm
from retrograd_gui.view_models.breakpoints import BreakpointsModel
from retrograd_gui.widgets.breakpoint_editor import BreakpointEditor
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
        self.form = KINDS[0]
        """The kind that the field asks for now."""
        self.kind = tool_button("msc.list-selection", "", context.theme)
        self.kind.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.kind.setMenu(self._kinds())
        self.name = QLineEdit()
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
        self.editor = BreakpointEditor()
        self.editor.hide()
        self.editor.changed.connect(self._change)
        self.editor.closed.connect(self._close_editor)
        self.edit = tool_button("msc.edit", tr("Condition, message, hits to skip (F2)"), context.theme)
        self.edit.setCheckable(True)
        self.edit.clicked.connect(self._update_editor)
        self.list.edit_asked.connect(self._open_editor)
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
        bar.addWidget(self.kind)
        bar.addWidget(self.name, 1)
        bar.addWidget(self.add)
        bar.addWidget(self.edit)
        bar.addWidget(self.remove)
        layout.addWidget(self.editor)
        layout.addLayout(bar)
        self._ask()

    def _kinds(self) -> QMenu:
        """The kinds to choose from; what takes no text is added at once."""
        menu = QMenu(self)
        for form in KINDS:
            made = menu.addAction(form.title)
            made.setData(form.key)
            made.triggered.connect(lambda _checked=False, form=form: self._choose(form))
        return menu

    def _choose(self, form: KindForm) -> None:
        self.form = form
        self._ask()
        if not form.takes_text:
            self._add()
            self.form = KINDS[0]
            self._ask()
        self.name.setFocus()

    def _ask(self) -> None:
        """Ask for what the chosen kind needs."""
        first = self.form is KINDS[0]
        hint = self.form.hint if first else tr("{kind}: {hint}", kind=self.form.title, hint=self.form.hint)
        self.name.setPlaceholderText(hint)
        self.name.setAccessibleName(hint)
        self.name.setToolTip("")
        words = tr("What to stop at: {kind}", kind=self.form.title)
        self.kind.setToolTip(words)
        self.kind.setAccessibleName(words)
        self._enable_buttons()

    # --- news

    def _update(self) -> None:
        self._model.update(self._context.breakpoints, self._context.breakpoint_statuses)
        self.list.rows.show_rows(self._model.rows)
        self._stack.setCurrentWidget(self.list if self._model.rows else self.empty)
        self._enable_buttons()
        self._update_editor()

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
        self.kind.setIcon(icon("msc.list-selection", theme))
        self.edit.setIcon(icon("msc.edit", theme))
        self.remove.setIcon(icon("msc.trash", theme))

    def _enable_buttons(self) -> None:
        self.add.setEnabled(bool(self.name.text().strip()) or self.form.optional)
        selected = self.list.selected()
        self.remove.setEnabled(bool(selected))
        self.edit.setEnabled(len(selected) == 1)
        self._update_editor()

    # --- saying more of one

    def perform(self, action: str) -> None:
        """``edit.breakpoint-details``: of the selected one, else of the one that holds the script, else of the last."""
        rows = self._model.rows
        if not rows:
            self.name.setFocus()
            return
        if len(self.list.selected()) != 1:
            snapshot = self._context.snapshot
            hold = snapshot.hold if snapshot is not None else None
            held = [at for at, row in enumerate(rows) if hold is not None and row.breakpoint.id == hold.breakpoint]
            self.list.setCurrentIndex(self.list.rows.index(held[0] if held else len(rows) - 1))
        self._open_editor()

    def _open_editor(self) -> None:
        self.edit.setChecked(True)
        self._update_editor()
        self.editor.condition.setFocus()

    def _close_editor(self) -> None:
        self.edit.setChecked(False)
        self._update_editor()
        self.list.setFocus()

    def _update_editor(self) -> None:
        selected = self.list.selected()
        shown = self.edit.isChecked() and len(selected) == 1 and selected[0] < len(self._model.rows)
        if shown:
            self.editor.show_breakpoint(self._model.rows[selected[0]].breakpoint)
        self.editor.setVisible(shown)

    def _change(self, changed: Breakpoint) -> None:
        self._context.set_breakpoints(self._model.with_changed(changed))

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
        try:
            wanted = self._model.with_new(self.form, self.name.text())
        except FormError as error:
            self.name.setToolTip(str(error))
            if self.name.text().strip():
                QToolTip.showText(self.name.mapToGlobal(self.name.rect().topLeft()), str(error), self.name)
            return
        self._context.set_breakpoints(wanted)
        self.name.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Esc empties the line."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            self.name.clear()
            return True
        return False


PANEL = PanelSpec("breakpoints", tr("Breakpoints"), "bottom-right-top", 0, "msc.debug-breakpoint", BreakpointsPanel)
