"""The training panel: losses and other scalars over iterations; a click travels."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedLayout, QToolButton, QWidget

from retrograd_debug.session.api import Seek, Snapshot
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.icons import icon
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.training import TrainingModel
from retrograd_gui.widgets.common import Empty, column, on_panel, row, tool_button
from retrograd_gui.widgets.legend import Legend
from retrograd_gui.widgets.training_plot import TrainingPlot

LOG_KEY = "training.log-y"


class TrainingPanel(QWidget):
    """The curves, what they are, and how they are shown."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = TrainingModel()
        self.plot = TrainingPlot(self._model, context.theme)
        self.plot.travel.connect(self._travel)
        self.legend = Legend(context.theme)
        self.log_y = QToolButton()
        self.log_y.setText(tr("log"))
        self.log_y.setCheckable(True)
        self.log_y.setToolTip(tr("Logarithmic scale"))
        self.log_y.setFixedHeight(24)
        self.log_y.toggled.connect(self._set_log)
        self.fit = tool_button("msc.screen-full", tr("Show all"), context.theme)
        self.fit.clicked.connect(self.plot.fit)
        self.empty = Empty()
        self.empty.say(tr("No loss yet. The root of each backward is drawn here"))
        self._stack = QStackedLayout()
        filled = QWidget()
        inside = column(filled)
        bar = row(self.legend, self.log_y, self.fit, margins=(12, 2, 8, 2))
        bar.setStretch(0, 1)
        inside.addLayout(bar)
        inside.addWidget(self.plot, 1)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(filled)
        self._filled = filled
        column(self).addLayout(self._stack)
        self.setFocusProxy(self.plot)
        self.log_y.setChecked(context.load(LOG_KEY, "") == "yes")
        context.snapshot_changed.connect(self._update)
        context.theme_changed.connect(self._use_theme)
        context.session_changed.connect(self._clear)
        if context.snapshot is not None:
            self._update(context.snapshot)

    def _update(self, snapshot: Snapshot) -> None:
        self._model.update(snapshot)
        self.plot.refresh()
        self.legend.show_curves([(curve.title, index) for index, curve in enumerate(self._model.curves)])
        self._stack.setCurrentWidget(self._filled if self._model.curves else self.empty)

    def _clear(self) -> None:
        if self._context.snapshot is not None:
            self._update(self._context.snapshot)
        else:
            self._stack.setCurrentWidget(self.empty)
        self.plot.fit()

    def _use_theme(self, theme: Theme) -> None:
        self.plot.set_theme(theme)
        self.legend.set_theme(theme)
        self.fit.setIcon(icon("msc.screen-full", theme))

    def _set_log(self, on: bool) -> None:
        self.plot.set_log(on)
        self._context.save(LOG_KEY, "yes" if on else "")

    def _travel(self, iteration: float) -> None:
        seq = self._model.seq_at(iteration)
        snapshot = self._context.snapshot
        if seq is not None and snapshot is not None and seq != snapshot.cursor:
            self._context.dispatch(Seek(seq))


PANEL = PanelSpec("training", tr("Training"), "bottom", 0, "msc.graph", TrainingPanel)
