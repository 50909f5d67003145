"""Gradient flow: how large each parameter's gradient is, in this iteration and in all of them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedLayout, QWidget

from retrograd_debug.log.api import Log
from retrograd_debug.session.api import Seek, Snapshot
from retrograd_events.events import TensorId
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.flow import COLUMNS, Arrival, FlowModel, Measure, read, weight_norms
from retrograd_gui.view_models.selection import Selection
from retrograd_gui.widgets.common import Empty, column, on_panel
from retrograd_gui.widgets.flow_map import FlowMap
from retrograd_gui.widgets.follower import Batch, Follower
from retrograd_gui.widgets.listing import Listing
from retrograd_gui.widgets.worker import Worker

Answers = tuple[list[tuple[Arrival, Measure]], dict[TensorId, float]]


SHARE = 480
"""Of a thousand parts of the width, what the table gets at first."""


class FlowPanel(QWidget):
    """The table of the cursor's iteration beside the map of all."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = FlowModel()
        self._weights: dict[TensorId, float] = {}
        self._worker = Worker(self)
        self._reading = False
        self._follower = Follower(self, self._take, self._restart)
        self.table = Listing(COLUMNS, context.theme, tr("Gradients of the parameters"))
        self.map = FlowMap(context.theme)
        self.empty = Empty()
        self.empty.say(tr("No gradient has arrived yet. F8 steps to the first node of backward."))
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self.table)
        self.split.addWidget(self.map)
        self.split.setSizes([SHARE, 1000 - SHARE])
        self.split.setChildrenCollapsible(False)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.split)
        column(self).addLayout(self._stack)
        self.setFocusProxy(self.table)
        self.table.chosen.connect(self._select)
        self.map.travelled.connect(self._travel)
        context.snapshot_changed.connect(self._update)
        context.selection_changed.connect(self._follow)
        context.session_changed.connect(self._clear)
        context.theme_changed.connect(self._use_theme)
        if context.snapshot is not None:
            self._update(context.snapshot)

    # --- news

    def _update(self, snapshot: Snapshot) -> None:
        self._follower.update(snapshot)
        self._show()
        self._read()

    def _take(self, batch: Batch) -> None:
        self._model.take(batch.events)
        self._show()
        self._read()

    def _restart(self) -> None:
        self._model, self._weights, self._reading = FlowModel(), {}, False

    def _clear(self) -> None:
        self._follower.reset()
        self._restart()
        self._show()

    def _iteration(self) -> int:
        """The newest iteration up to the cursor's in which a gradient arrived."""
        snapshot = self._context.snapshot
        here = snapshot.state.iteration if snapshot is not None else 0
        return max((each for each in self._model.iterations if each <= here), default=0)

    def _read(self) -> None:
        """Read some of what is missing, then the rest."""
        snapshot = self._context.snapshot
        if self._reading or snapshot is None or snapshot.log is None or not self.isVisible():
            return
        log, state = snapshot.log, snapshot.state
        wanted = self._model.wanted(self._iteration())
        if not wanted:
            return
        self._reading = True
        tensors = list(self._model.rows)

        def work() -> Answers:
            return list(read(log, wanted)), weight_norms(log, state, tensors)

        self._worker.submit("norms", work, lambda answers: self._taken(log, answers))

    def _taken(self, log: Log, answers: Answers) -> None:
        self._reading = False
        snapshot = self._context.snapshot
        if snapshot is None or snapshot.log is not log:
            return
        found, self._weights = answers
        self._model.learn(found)
        self._show()
        self._read()

    def _show(self) -> None:
        if not self.isVisible():
            return  # a step must not wait for what nobody sees
        snapshot = self._context.snapshot
        rows, iterations, norms = self._model.norms()
        if snapshot is None or not iterations:
            self._stack.setCurrentWidget(self.empty)
            return
        here = self._iteration()
        self.table.show_entries(self._model.entries(here, snapshot.state, self._weights))
        self.map.show_norms([row.path for row in rows], iterations, norms)
        self.map.set_current(here)
        self._stack.setCurrentWidget(self.split)

    def showEvent(self, event: QShowEvent) -> None:
        """Read and show what was not worth it while nobody looked."""
        super().showEvent(event)
        self._show()
        self._read()

    # --- the person

    def _select(self, tensor: TensorId) -> None:
        snapshot = self._context.snapshot
        info = snapshot.state.tensors.get(tensor) if snapshot is not None else None
        version = info.meta.version if info is not None else 0
        self._context.select(Selection("tensor", tensor=tensor, version=version, facet="gradient"))

    def _follow(self, selection: Selection) -> None:
        self.table.select_key(selection.tensor or None)

    def _travel(self, row: int, column: int) -> None:
        tensors: Sequence[TensorId] = list(self._model.rows)
        iteration = self._model.iterations[column]
        arrival = self._model.rows[tensors[row]].arrivals.get(iteration)
        if arrival is not None:
            self._context.dispatch(Seek(arrival.seq))
            self._select(tensors[row])

    def _use_theme(self, theme: Theme) -> None:
        self.table.set_theme(theme)
        self.map.set_theme(theme)


PANEL = PanelSpec("flow", tr("Gradient flow"), "bottom", 1, "msc.graph-line", FlowPanel)
