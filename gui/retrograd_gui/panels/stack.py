"""The call stack of the held script and the variables of a frame."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QSplitter, QStackedLayout, QWidget

from retrograd_debug.session.api import ListLocals, LocalsListed, Notice, Snapshot
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.selection import Selection
from retrograd_gui.view_models.stack import FRAME_COLUMNS, VARIABLE_COLUMNS, StackModel
from retrograd_gui.widgets.common import BAR, Empty, column, on_panel
from retrograd_gui.widgets.listing import Listing


class StackPanel(QWidget):
    """Frames over variables. Choosing a frame shows its line; choosing a tensor selects it everywhere."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = StackModel()
        self._question: ListLocals | None = None
        self.frames = Listing(FRAME_COLUMNS, context.theme, tr("Call stack"))
        self.variables = Listing(VARIABLE_COLUMNS, context.theme, tr("Variables"))
        self.head = QLabel()
        self.head.setProperty("quiet", True)
        self.head.setFixedHeight(BAR)
        self.head.setContentsMargins(8, 0, 8, 0)
        below = QWidget()
        inside = column(below)
        inside.addWidget(self.head)
        inside.addWidget(self.variables, 1)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.frames)
        self.split.addWidget(below)
        self.split.setSizes([300, 700])
        self.split.setChildrenCollapsible(False)
        self.empty = Empty()
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.split)
        column(self).addLayout(self._stack)
        self.setFocusProxy(self.frames)
        self.frames.chosen.connect(self._choose)
        self.variables.chosen.connect(self._select)
        context.snapshot_changed.connect(self._update)
        context.noticed.connect(self._notice)
        context.session_changed.connect(lambda: self._update(context.snapshot))
        context.theme_changed.connect(self._use_theme)
        self._update(context.snapshot)

    def _update(self, snapshot: Snapshot | None) -> None:
        self._question = self._model.update(snapshot) or self._question
        self._ask()
        self._show()

    def _ask(self) -> None:
        """Ask only while somebody looks: a step must not wait for it."""
        if self._question is not None and self.isVisible():
            self._context.dispatch(self._question)
            self._question = None

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what nobody looked at before."""
        super().showEvent(event)
        self._ask()

    def _notice(self, notice: Notice) -> None:
        if isinstance(notice, LocalsListed):
            self._model.answer(notice)
            self._show()

    def _show(self) -> None:
        model = self._model
        self.empty.say(model.sentence)
        self._stack.setCurrentWidget(self.split if model.frames else self.empty)
        self.frames.show_entries(model.frames)
        self.frames.select_key(model.chosen)
        self.variables.show_entries(model.variables)
        self.head.setText(model.where)

    def _choose(self, index: int) -> None:
        self._context.dispatch(self._model.choose(index))
        frame = self._model.frame(index)
        if frame is not None:
            self._context.show_source(frame.file, frame.line)
        self.head.setText(self._model.where)

    def _select(self, name: str) -> None:
        found = self._model.variable(name)
        if found is not None and found.tensor:
            self._context.select(Selection("tensor", tensor=found.tensor, version=found.version))

    def _use_theme(self, theme: Theme) -> None:
        self.frames.set_theme(theme)
        self.variables.set_theme(theme)


PANEL = PanelSpec("stack", tr("Stack"), "bottom-left", 1, "msc.call-incoming", StackPanel)
