"""The inspector: one tensor's value and gradient as picture, histogram, statistics and numbers to change."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from retrograd_debug.log.api import Value
from retrograd_debug.session.api import Notice, Snapshot, ValueFetched
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.inspector import GRADIENT, VALUE, InspectorModel
from retrograd_gui.view_models.picture import AT_ONCE, SYMMETRIC, Description, describe
from retrograd_gui.view_models.selection import Selection
from retrograd_gui.view_models.table import is_column, sliced_dims
from retrograd_gui.widgets.color_bar import ColorBar
from retrograd_gui.widgets.common import Empty, column, on_panel
from retrograd_gui.widgets.heatmap import Heatmap
from retrograd_gui.widgets.histogram_view import HistogramView
from retrograd_gui.widgets.inspector_head import InspectorHead, SliceRow, Subtitle
from retrograd_gui.widgets.number_table import NumberTable
from retrograd_gui.widgets.statistics_view import StatisticsView
from retrograd_gui.widgets.worker import Worker

PATIENCE_MS = 120
LEAST_TABLE = 108
SCALE_KEY = "inspector.scale"
ACTION_WORDS = {"debug.step-op": tr("Next operation (F10)"), "debug.step-node": tr("Next node in backward (F8)")}


class InspectorPanel(QWidget):
    """Asks for values as they are needed, and describes large ones beside the window."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = InspectorModel()
        self._worker = Worker(self)
        self._drawn = -1
        self._range: tuple[float, float] | None = None
        self._range_of: object = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._refresh_now)
        theme = context.theme
        self.head = InspectorHead(theme, context.load(SCALE_KEY, SYMMETRIC))
        self.head.facet_chosen.connect(self._choose_facet)
        self.head.scale_chosen.connect(self._choose_scale)
        self.head.copy_asked.connect(self._copy)
        self.head.edit_asked.connect(self._edit_current)
        self.subtitle = Subtitle(theme)
        self.heatmap = Heatmap(theme)
        self.heatmap.chosen.connect(self._choose_element)
        self.bar = ColorBar(theme)
        self.bar.range_chosen.connect(self._choose_range)
        self.bar.range_reset.connect(lambda: self._set_range(None))
        self.histogram = HistogramView(theme)
        self.statistics = StatisticsView(theme)
        self.slices = SliceRow()
        self.slices.chosen.connect(self._choose_slice)
        self.table = NumberTable(theme)
        self.table.numbers.edit_asked.connect(self._edit)
        self.table.refused.connect(self._refuse)
        self.table.current_changed.connect(self._frame_element)
        self.empty = Empty()
        self._stack = QStackedLayout()
        self._build()
        context.snapshot_changed.connect(self._update)
        context.selection_changed.connect(self._select)
        context.noticed.connect(self._notice)
        context.theme_changed.connect(self._use_theme)
        context.session_changed.connect(self._clear)
        self._refresh()

    def _build(self) -> None:
        pictures = QWidget()
        inside = QVBoxLayout(pictures)
        inside.setContentsMargins(10, 0, 10, 8)
        inside.setSpacing(4)
        for widget in (self.heatmap, self.bar, self.histogram, self.statistics):
            inside.addWidget(widget)
        inside.addStretch(1)
        scroll = _FittingScroll()
        scroll.setWidget(pictures)
        on_panel(pictures)
        lower = QWidget()
        below = column(lower)
        below.addWidget(self.slices)
        below.addWidget(self.table, 1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(scroll)
        splitter.addWidget(lower)
        splitter.setStretchFactor(0, 0)
        splitter.setStretchFactor(1, 1)
        splitter.setCollapsible(1, False)
        splitter.setHandleWidth(2)
        lower.setMinimumHeight(80)
        splitter.splitterMoved.connect(self._splitter_moved)
        self._filled = splitter
        self._pictures = pictures
        self._moved = False
        self._stack.addWidget(self.empty)
        self._stack.addWidget(splitter)
        layout = column(self)
        layout.addWidget(self.head)
        layout.addWidget(self.subtitle)
        layout.addLayout(self._stack, 1)
        self.setFocusProxy(self.table)

    # --- news

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room anew."""
        super().resizeEvent(event)
        self._share_room()

    def _update(self, snapshot: Snapshot) -> None:
        self._model.update(snapshot, self._context.selection)
        self._ask()
        self._refresh()

    def _select(self, selection: Selection) -> None:
        snapshot = self._context.snapshot
        if snapshot is not None:
            self._model.update(snapshot, selection)
            self._ask()
        self._refresh()

    def _notice(self, notice: Notice) -> None:
        if isinstance(notice, ValueFetched) and self._model.receive(notice):
            self._ask()
            self._refresh()

    def _clear(self) -> None:
        self._model = InspectorModel()
        self._range = None
        self._drawn = -1
        if self._context.snapshot is not None:
            self._update(self._context.snapshot)
        self._refresh()

    def _ask(self) -> None:
        for request in self._model.requests():
            self._context.dispatch(request)

    def _use_theme(self, theme: Theme) -> None:
        for widget in (self.head, self.subtitle, self.heatmap, self.bar, self.histogram, self.statistics, self.table):
            widget.set_theme(theme)

    # --- showing

    def _refresh(self) -> None:
        # numbers usually come within a frame or two: until then what stood there stays, so that a step does not flicker
        if self._model.reading and self._stack.currentWidget() is self._filled:
            if not self._patience.isActive():
                self._patience.start(PATIENCE_MS)
            return
        self._patience.stop()
        self._refresh_now()

    def _refresh_now(self) -> None:
        model = self._model
        self.head.show_subject(model.subject, model.facet)
        self.subtitle.show_words(model.heading, model.note, model.facet == GRADIENT)
        self.head.set_edit_problem(model.edit_problem())
        text, action = model.empty
        if text:
            run = (lambda: self._context.run_action(action)) if action else None
            self.empty.say(text, ACTION_WORDS.get(action, ""), run)
            self._stack.setCurrentWidget(self.empty)
            self._drawn = -1
            return
        self._stack.setCurrentWidget(self._filled)
        self._show_table()
        if model.revision != self._drawn:
            self._drawn = model.revision
            self._describe()

    def _show_table(self) -> None:
        model, table = self._model, self._model.table()
        if table is None or model.subject is None:
            self.table.show_table(None, frozenset())
            return
        editable = {
            column
            for column in range(table.width)
            if (facet := table.facet(column, model.facet)) and not model.edit_problem(facet)
        }
        self.table.show_table(table, frozenset(editable))
        self.slices.show_dims(sliced_dims(model.subject.meta.shape), model.prefix)
        self.head.set_copyable(True)

    def _describe(self) -> None:
        shown = self._model.shown
        if shown is None or shown.value is None:
            return
        value, prefix, scale = shown.value, self._model.prefix, self.head.scale
        of = (shown.ref, scale)
        if of != self._range_of:
            self._range_of, self._range = of, None
        limits = self._range
        if value.array is not None and value.array.size <= AT_ONCE:
            self._show_description(describe(value, prefix, scale, limits))
            return
        self._worker.submit("describe", lambda: describe(value, prefix, scale, limits), self._described(value))

    def _described(self, value: Value) -> _Arrival:
        return _Arrival(self, value)

    def still_shows(self, value: Value) -> bool:
        """Whether ``value`` is what is inspected now."""
        shown = self._model.shown
        return shown is not None and shown.value is value

    def _show_description(self, description: Description | None) -> None:
        if description is None:
            return
        self.heatmap.show_description(description)
        self.bar.show_description(description)
        self.histogram.show_description(description)
        self.statistics.show_statistics(description.statistics, self._model.facet == GRADIENT)
        self._share_room()

    def _splitter_moved(self) -> None:
        self._moved = True

    def _share_room(self) -> None:
        """As much for the pictures as they need, while the table keeps some rows and nobody moved the edge."""
        total = self._filled.height()
        wanted = min(self._pictures.sizeHint().height(), total - LEAST_TABLE)
        if not self._moved and wanted > 0 and self._filled.sizes()[0] != wanted:
            self._filled.setSizes([wanted, total - wanted])

    # --- what the person does

    def _choose_facet(self, facet: str) -> None:
        self._model.choose(facet)
        self._refresh()

    def _choose_scale(self, scale: str) -> None:
        self._context.save(SCALE_KEY, scale)
        self._describe()

    def _choose_range(self, low: float, high: float) -> None:
        self._set_range((low, high))

    def _set_range(self, limits: tuple[float, float] | None) -> None:
        self._range = limits
        self._describe()

    def _choose_slice(self, prefix: tuple[int, ...]) -> None:
        self._model.choose_slice(prefix)
        self._refresh()

    def _choose_element(self, row: int, column: int) -> None:
        if self._is_column():
            self.table.go_to(column, self._facet_column())
        else:
            self.table.go_to(row, column)

    def _frame_element(self, row: int, column: int) -> None:
        if self._is_column():
            self.heatmap.set_current(0, row)
        else:
            self.heatmap.set_current(row, column)

    def _is_column(self) -> bool:
        subject, shown = self._model.subject, self._model.shown
        sample = shown is not None and shown.value is not None and shown.value.kind != "all"
        return subject is not None and (is_column(subject.meta.shape) or sample)

    def _facet_column(self) -> int:
        table = self._model.table()
        if table is None:
            return 0
        return next((c for c in range(table.width) if table.facet(c, self._model.facet) == self._model.facet), 0)

    def _edit_current(self) -> None:
        problem = self._model.edit_problem()
        if problem:
            self.subtitle.complain(problem)
        else:
            column = self._facet_column() if self._is_column() else max(0, self.table.currentIndex().column() - 1)
            self.table.edit_current(column)

    def _refuse(self, column: int) -> None:
        table = self._model.table()
        facet = table.facet(column, self._model.facet) if table is not None else VALUE
        self.subtitle.complain(self._model.edit_problem(facet or "beside"))

    def _edit(self, row: int, column: int, text: str) -> None:
        table = self._model.table()
        if table is None:
            return
        command, problem = self._model.edit(table.facet(column, self._model.facet), table.index(row, column), text)
        if command is not None:
            self._context.dispatch(command)
        else:
            self.subtitle.complain(problem)

    def _copy(self) -> None:
        table = self._model.table()
        if table is not None:
            self._worker.submit("copy", table.as_csv, lambda text: QGuiApplication.clipboard().setText(text))


class _Arrival:
    """Shows a description when it is done, if its value is still inspected."""

    def __init__(self, panel: InspectorPanel, value: Value) -> None:
        self._panel, self._value = panel, value

    def __call__(self, description: Description | None) -> None:
        if self._panel.still_shows(self._value):
            self._panel._show_description(description)


class _FittingScroll(QScrollArea):
    """As tall as what it holds, when there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def sizeHint(self) -> QSize:
        """The contents' wish."""
        inner = self.widget()
        return inner.sizeHint() if inner is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """May shrink, then it scrolls."""
        return QSize(80, 60)


PANEL = PanelSpec("inspector", tr("Inspector"), "right", 0, "msc.inspect", InspectorPanel)
