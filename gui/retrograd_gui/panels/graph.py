"""The graph: the picture of the cursor's iteration, forward and backward."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox, QVBoxLayout, QWidget

from retrograd_debug.session.api import Snapshot
from retrograd_events.text import tr
from retrograd_gui.canvas.bar import CanvasBar
from retrograd_gui.canvas.view import ZOOM_STEP, GraphView
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

    def perform(self, action: str) -> None:
        """Carry out an action of the Graph menu."""
        canvas = self.canvas
        match action:
            case "graph.fit":
                canvas.fit_again()
            case "graph.zoom-in":
                canvas.zoom(ZOOM_STEP)
            case "graph.zoom-out":
                canvas.zoom(1 / ZOOM_STEP)
            case "graph.go-to-mirror":
                canvas.go_to_mirror()
            case "graph.fold":
                canvas.fold_at_focus()
            case "graph.save-picture":
                self._save_picture()
            case _:
                raise ValueError(f"the graph has no action {action}")

    def _save_picture(self) -> None:
        """Ask where to, and save; what goes wrong is said."""
        kinds = f"{tr('Picture')} (*.png);;{tr('Drawing')} (*.svg)"
        path, _ = QFileDialog.getSaveFileName(self, tr("Save the graph as a picture"), "graph.png", kinds)
        if not path:
            return
        try:
            self.canvas.save_picture(path)
        except OSError as error:
            QMessageBox.warning(self, tr("Save the graph as a picture"), tr("Not saved: {error}.", error=error))

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
