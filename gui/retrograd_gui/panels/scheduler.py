"""The backward pass as it is worked off: what runs, what is ready, what waits and for whom."""

from __future__ import annotations

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QWidget

from retrograd_debug.session.api import Snapshot
from retrograd_events.events import NodeId
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.scheduler import COLUMNS, SchedulerModel
from retrograd_gui.view_models.selection import Selection, of_node
from retrograd_gui.widgets.common import BAR, Empty, column, on_panel
from retrograd_gui.widgets.listing import Listing


class SchedulerPanel(QWidget):
    """A sentence over the nodes; selecting one selects it everywhere."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = SchedulerModel()
        self.head = QLabel()
        self.head.setProperty("quiet", True)
        self.head.setFixedHeight(BAR)
        self.head.setContentsMargins(8, 0, 8, 0)
        self.list = Listing(COLUMNS, context.theme, tr("Nodes of the backward pass"))
        self.list.chosen.connect(self._select)
        self.empty = Empty()
        filled = QWidget()
        inside = column(filled)
        inside.addWidget(self.head)
        inside.addWidget(self.list, 1)
        self._filled = filled
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(filled)
        column(self).addLayout(self._stack)
        self.setFocusProxy(self.list)
        context.snapshot_changed.connect(self._show)
        context.selection_changed.connect(self._follow)
        context.session_changed.connect(lambda: self._show(context.snapshot))
        context.theme_changed.connect(self._use_theme)

    def _show(self, snapshot: Snapshot | None) -> None:
        if not self.isVisible():
            return  # a step must not wait for what nobody sees
        self._model.update(snapshot)
        self.head.setText(self._model.sentence)
        self.empty.say(self._model.sentence)
        self.list.show_entries(self._model.entries)
        self._stack.setCurrentWidget(self._filled if self._model.entries else self.empty)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what was not worth it while nobody looked."""
        super().showEvent(event)
        self._show(self._context.snapshot)

    def _select(self, node: NodeId) -> None:
        snapshot = self._context.snapshot
        if snapshot is not None:
            self._context.select(of_node(snapshot, node))

    def _follow(self, selection: Selection) -> None:
        self.list.select_key(selection.node if selection.kind == "node" else None)

    def _use_theme(self, theme: Theme) -> None:
        self.list.set_theme(theme)


PANEL = PanelSpec("scheduler", tr("Backward"), "right", 1, "msc.list-ordered", SchedulerPanel)
