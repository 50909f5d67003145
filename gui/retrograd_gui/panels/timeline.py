"""The timeline panel: everything that ran, on a clock without stops; drag to travel."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QStackedLayout, QWidget

from retrograd_debug.session.api import Seek, Snapshot
from retrograd_events.events import Seq
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.timeline import TimelineModel
from retrograd_gui.widgets.common import Empty, on_panel
from retrograd_gui.widgets.follower import Batch, Follower
from retrograd_gui.widgets.timeline_view import TimelineView

SCRUB_MS = 30


class TimelinePanel(QWidget):
    """Shows the blocks; while the mouse drags, the newest place asked for replaces the older ones."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = TimelineModel()
        self._follower = Follower(self, self._take, self._restart)
        self._wanted: Seq | None = None
        self._scrub = QTimer(self)
        self._scrub.setSingleShot(True)
        self._scrub.setTimerType(Qt.TimerType.PreciseTimer)
        self._scrub.timeout.connect(self._travel)
        self.view = TimelineView(self._model, context.theme)
        self.view.setAccessibleName(tr("Timeline"))
        self.view.setToolTip("")
        self.view.seek.connect(self._ask)
        self.empty = Empty()
        self.empty.say(tr("Nothing has run yet"))
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)
        self.setFocusProxy(self.view)
        context.snapshot_changed.connect(self._update)
        context.theme_changed.connect(self._use_theme)
        context.session_changed.connect(self._clear)
        if context.snapshot is not None:
            self._update(context.snapshot)

    def _update(self, snapshot: Snapshot) -> None:
        hold = snapshot.hold
        if hold is not None and hold.why == "breakpoint":
            self._model.add_hits([snapshot.head])
        self._follower.update(snapshot)
        self.view.set_cursor_at(snapshot.cursor, None if snapshot.live else snapshot.head)
        self._show()

    def _take(self, batch: Batch) -> None:
        self._model.append(batch.events, batch.stops)
        self._model.add_hits(batch.hits)
        self.view.refresh()
        self._show()

    def _restart(self) -> None:
        self._model = TimelineModel()
        self.view.set_model(self._model)

    def _clear(self) -> None:
        self._follower.reset()
        self._restart()
        if self._context.snapshot is not None:
            self._update(self._context.snapshot)
        self._show()

    def _show(self) -> None:
        self._stack.setCurrentWidget(self.view if self._model.blocks else self.empty)

    def _use_theme(self, theme: Theme) -> None:
        self.view.set_theme(theme)

    def _ask(self, seq: int) -> None:
        self._wanted = Seq(seq)
        if not self._scrub.isActive():
            self._travel()
            self._scrub.start(SCRUB_MS)

    def _travel(self) -> None:
        wanted, self._wanted = self._wanted, None
        snapshot = self._context.snapshot
        if wanted is not None and snapshot is not None and wanted != snapshot.cursor:
            self._context.dispatch(Seek(Seq(0) if wanted >= snapshot.head else wanted))


PANEL = PanelSpec("timeline", tr("Timeline"), "bottom-left", 0, "msc.graph-line", TimelinePanel)
