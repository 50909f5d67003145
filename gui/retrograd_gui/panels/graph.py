"""The graph: the picture of the cursor's iteration, forward and backward."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from retrograd_debug.session.api import Snapshot
from retrograd_gui.canvas.bar import CanvasBar
from retrograd_gui.canvas.view import GraphView
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.selection import Selection


class GraphPanel(QWidget):
    """The canvas under its bar, fed from the context."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        self._context = context
        self.canvas = GraphView(context.theme, context.select, self)
        self.bar = CanvasBar(self.canvas, context.theme, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.canvas, 1)
        self.setFocusProxy(self.canvas)
        context.snapshot_changed.connect(self._show)
        context.selection_changed.connect(self._show_selection)
        context.theme_changed.connect(self._show_theme)
        context.session_changed.connect(self._start_over)
        self.canvas.show_snapshot(context.snapshot)
        self.canvas.show_selection(context.selection)

    @Slot(object)
    def _show(self, snapshot: Snapshot) -> None:
        self.canvas.show_snapshot(snapshot)

    @Slot(object)
    def _show_selection(self, selection: Selection) -> None:
        self.canvas.show_selection(selection)

    @Slot(object)
    def _show_theme(self, theme: Theme) -> None:
        self.canvas.show_theme(theme)
        self.bar.show_theme(theme)

    @Slot()
    def _start_over(self) -> None:
        self.canvas.start_over()
        self.canvas.show_snapshot(self._context.snapshot)


PANEL = PanelSpec(id="graph", title="Graph", area="center", order=0, icon="msc.graph", make=GraphPanel)
