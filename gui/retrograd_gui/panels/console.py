"""The console panel: what the script writes, and a line that evaluates in its frame or feeds its stdin."""

from __future__ import annotations

from string import Template

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QWidget

from retrograd_debug.session.api import CancelEvaluation, Evaluated, InputWanted, Noted, Notice, Snapshot
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.fonts import SMALL, mono_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.console import ConsoleModel, InputState
from retrograd_gui.widgets.common import column, on_panel
from retrograd_gui.widgets.console_text import ConsoleText
from retrograd_gui.widgets.follower import Batch, Follower

_FRAME_SHEET = Template("""
QFrame#console-input { background: $field; border: 1px solid $lineStrong; border-radius: 4px; }
QFrame#console-input[mode="stdin"] { border: 2px solid $accent; }
QFrame#console-input QLineEdit { background: transparent; border: none; padding: 2px; }
QFrame#console-input QLabel { color: $text2; }
""")


class ConsolePanel(QWidget):
    """Output over an input line whose label says what Enter does."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = ConsoleModel()
        self._follower = Follower(self, self._take, self._restart)
        self._recall: int | None = None
        self._draft = ""
        self.text = ConsoleText(context.theme)
        self.text.setAccessibleName(tr("Output"))
        self.label = QLabel()
        self.line = QLineEdit()
        self.line.setFont(mono_font(SMALL))
        self.line.setAccessibleName(tr("Expression"))
        self.line.returnPressed.connect(self._submit)
        self.line.installEventFilter(self)
        self._frame = QFrame()
        self._frame.setObjectName("console-input")
        self._build()
        self.setFocusProxy(self.line)
        self._use_theme(context.theme)
        context.snapshot_changed.connect(self._update)
        context.noticed.connect(self._notice)
        context.theme_changed.connect(self._use_theme)
        context.session_changed.connect(self._clear)
        if context.snapshot is not None:
            self._update(context.snapshot)
        self._show()

    def _build(self) -> None:
        layout = column(self)
        layout.addWidget(self.text, 1)
        inside = QHBoxLayout(self._frame)
        inside.setContentsMargins(8, 0, 4, 0)
        inside.setSpacing(6)
        self.label.setFont(mono_font(SMALL))
        inside.addWidget(self.label)
        inside.addWidget(self.line, 1)
        outside = QHBoxLayout()
        outside.setContentsMargins(8, 4, 8, 6)
        outside.addWidget(self._frame)
        layout.addLayout(outside)

    # --- news

    def _update(self, snapshot: Snapshot) -> None:
        self._model.update(snapshot)
        self._follower.update(snapshot)
        self._show()

    def _take(self, batch: Batch) -> None:
        self._model.append_events(batch.events)
        self._show()

    def _restart(self) -> None:
        self._model = ConsoleModel(history=self._model.history)
        self.text.clear()
        if self._context.snapshot is not None:
            self._model.update(self._context.snapshot)

    def _clear(self) -> None:
        self._follower.reset()
        self._restart()
        if self._context.snapshot is not None:
            self._update(self._context.snapshot)
        self._show()

    def _notice(self, notice: Notice) -> None:
        if isinstance(notice, InputWanted):
            self._model.set_input_wanted(notice.wanted)
        elif isinstance(notice, Evaluated):
            self._model.answer(notice)
        elif isinstance(notice, Noted):
            self._model.note(notice)
        else:
            return
        self._show()

    def _show(self) -> None:
        self.text.append(self._model.take())
        self.text.set_unfinished(self._model.unfinished)
        self.text.set_cursor_at(None if self._model.live else self._model.cursor)
        state = self._model.input
        self.label.setText(tr("stdin") if state.mode == "stdin" else ">")
        self.line.setPlaceholderText(state.hint)
        self.line.setToolTip(_tip(state))
        # read-only rather than disabled: the hint says why, and must be legible
        off = state.mode == "off"
        self.line.setReadOnly(off)
        self.line.setFocusPolicy(Qt.FocusPolicy.ClickFocus if off else Qt.FocusPolicy.StrongFocus)
        mode = "stdin" if state.mode == "stdin" else "plain"
        if self._frame.property("mode") != mode:
            self._frame.setProperty("mode", mode)
            self._frame.style().unpolish(self._frame)
            self._frame.style().polish(self._frame)

    def _use_theme(self, theme: Theme) -> None:
        self.text.set_theme(theme)
        self._frame.setStyleSheet(_FRAME_SHEET.substitute(theme.colors))

    # --- what the person does

    def _submit(self) -> None:
        command = self._model.submit(self.line.text())
        if command is not None:
            self._context.dispatch(command)
            self.line.clear()
            self._recall = None
        self._show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down recall, Esc cancels what runs, Ctrl+D ends the script's input."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._recall_step(-1 if event.key() == Qt.Key.Key_Up else 1)
            return True
        if event.key() == Qt.Key.Key_Escape and self._model.evaluating:
            self._context.dispatch(CancelEvaluation())
            return True
        if event.key() == Qt.Key.Key_D and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            end = self._model.end_input()
            if end is not None:
                self._context.dispatch(end)
                return True
        return False

    def _recall_step(self, step: int) -> None:
        history = self._model.history
        if not history:
            return
        if self._recall is None:
            if step > 0:
                return
            self._draft = self.line.text()
            self._recall = len(history)
        self._recall = max(0, self._recall + step)
        if self._recall >= len(history):
            self.line.setText(self._draft)
            self._recall = None
        else:
            self.line.setText(history[self._recall])


def _tip(state: InputState) -> str:
    if state.mode == "stdin":
        return tr("Enter sends the line to the script's stdin; Ctrl+D ends its input")
    if state.mode == "expression":
        return tr("Enter evaluates; assignments work; Up and Down recall; Esc cancels what runs")
    return state.hint


PANEL = PanelSpec("console", tr("Console"), "bottom-right", 0, "msc.terminal", ConsolePanel)
