"""The docks around the graph: one dock a panel, tabs where an area has several, the graph in the middle.

A main window inside the main window, so that the gallery can take its place as a whole and the layout is kept by Qt.
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSizePolicy, QTabBar, QTabWidget, QVBoxLayout, QWidget

from retrograd_gui.context import Context
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.tokens import Theme

LAYOUT_VERSION = 1
TAB_HEIGHT = 28
LEFT, RIGHT, BOTTOM = 356, 342, 276
BOTTOM_LEFT_SHARE = 0.43
_AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom-left": Qt.DockWidgetArea.BottomDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
    "bottom-right-top": Qt.DockWidgetArea.BottomDockWidgetArea,
    "bottom-right": Qt.DockWidgetArea.BottomDockWidgetArea,
}


class TabTitle(QWidget):
    """The title bar of a dock that stands alone: it looks like the one tab of a group, so that groups and single docks
    read alike. In a group it takes no room, the tabs are the title."""

    def __init__(self, dock: QDockWidget, theme: Theme) -> None:
        super().__init__(dock)
        self._dock = dock
        self._theme = theme
        self._grouped = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(TAB_HEIGHT)

    def set_grouped(self, grouped: bool) -> None:
        """Whether the dock is a tab among others."""
        if grouped != self._grouped:
            self._grouped = grouped
            self.setFixedHeight(0 if grouped else TAB_HEIGHT)
            self.updateGeometry()

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """A dock gives its title bar the height that it hints at, whatever its minimum is."""
        return QSize(0, 0 if self._grouped else TAB_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Never wider than its dock."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint one current tab."""
        if self._grouped:
            return
        painter = QPainter(self)
        try:
            theme = self._theme
            painter.fillRect(self.rect(), QColor(theme["header"]))
            text = self._dock.windowTitle()
            width = min(self.width(), painter.fontMetrics().horizontalAdvance(text) + 24)
            painter.fillRect(0, 0, width, self.height(), QColor(theme["panel"]))
            painter.fillRect(0, 0, width, 2, QColor(theme["accent"]))
            painter.setPen(QColor(theme["text"]))
            inner = self.rect().adjusted(12, 2, 0, 0)
            inner.setWidth(max(0, width - 24))
            elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, inner.width() + 1)
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, elided)
        finally:
            painter.end()


class Workspace(QMainWindow):
    """Holds every panel of ``specs`` (by area, in order)."""

    panel_shown = Signal(str)

    def __init__(self, context: Context, panel_context: PanelContext, specs: tuple[PanelSpec, ...]) -> None:
        super().__init__()
        self.setObjectName("workspace")
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setDockNestingEnabled(True)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.GroupedDragging
        )
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._context = context
        self.arranged = False
        self._panels: dict[str, QWidget] = {}
        self._docks: dict[str, QDockWidget] = {}
        self._center = QTabWidget()
        self._center.setDocumentMode(True)
        self._center.setObjectName("center")
        self.setCentralWidget(self._center)
        for spec in specs:
            self._add(spec, panel_context)
        self._specs = specs
        self._arrange()
        self._initial = self.saveState(LAYOUT_VERSION)
        context.theme_changed.connect(self._use_theme)

    # --- panels

    @property
    def specs(self) -> tuple[PanelSpec, ...]:
        """The panels, in the order of their areas."""
        return self._specs

    def panel(self, id: str) -> QWidget | None:
        """The widget of panel ``id``."""
        return self._panels.get(id)

    def show_panel(self, id: str) -> None:
        """Bring a panel to the front and give it the keyboard."""
        widget = self._panels.get(id)
        if widget is None:
            return
        self.raise_panel(id)
        target = widget.focusProxy() or widget
        if not _takes_keys(target) or not target.isVisibleTo(self):
            target = next((child for child in widget.findChildren(QWidget) if _takes_keys(child)), target)
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def raise_panel(self, id: str) -> None:
        """Bring a panel to the front."""
        dock = self._docks.get(id)
        if dock is not None:
            dock.show()
            dock.raise_()
        elif id in self._panels:
            self._center.setCurrentWidget(self._panels[id])

    def resize_dock(self, id: str, width: int) -> None:
        """Give the dock of panel ``id`` another width."""
        self.resizeDocks([self._docks[id]], [width], Qt.Orientation.Horizontal)

    def reset_layout(self) -> None:
        """Put every dock where it was first."""
        for dock in self._docks.values():
            dock.setFloating(False)
            dock.show()
        self.restoreState(self._initial, LAYOUT_VERSION)
        self._size_areas()
        self._group_titles()

    def layout_state(self) -> QByteArray:
        """The layout, to be kept."""
        return self.saveState(LAYOUT_VERSION)

    def restore_layout(self, state: QByteArray) -> bool:
        """Bring back a kept layout; False when it does not fit. A panel that it does not know is a tab of its area."""
        done = not state.isEmpty() and self.restoreState(state, LAYOUT_VERSION)
        if done:
            self._place_new(bytes(state.data()))
        self._group_titles()
        return done

    def _place_new(self, state: bytes) -> None:
        for spec in self._specs:
            dock, first = self._docks.get(spec.id), self._first.get(spec.area)
            # Qt writes the docks' names into the state as they are.
            if dock is None or first is None or dock is first or dock.objectName().encode("utf-16-be") in state:
                continue
            self.tabifyDockWidget(first, dock)
            first.raise_()

    def _add(self, spec: PanelSpec, panel_context: PanelContext) -> None:
        widget = spec.make(panel_context)
        widget.setObjectName(widget.objectName() or f"panel-{spec.id}")
        if not widget.accessibleName():
            widget.setAccessibleName(spec.title)
        widget.setProperty("panel", True)
        widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._panels[spec.id] = widget
        title = widget.windowTitle() or spec.title
        if spec.area == "center":
            index = self._center.addTab(widget, title)
            widget.windowTitleChanged.connect(lambda text: self._center.setTabText(index, text or spec.title))
            return
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock-{spec.id}")
        dock.setWidget(widget)
        dock.setTitleBarWidget(TabTitle(dock, self._context.theme))
        dock.visibilityChanged.connect(lambda _visible: self._group_titles())
        dock.dockLocationChanged.connect(lambda _area: self._group_titles())
        dock.topLevelChanged.connect(lambda _floating: self._group_titles())
        widget.windowTitleChanged.connect(lambda text: self._rename(spec, text))
        dock.installEventFilter(self)
        self._docks[spec.id] = dock

    def _rename(self, spec: PanelSpec, text: str) -> None:
        dock = self._docks[spec.id]
        dock.setWindowTitle(text or spec.title)
        title = dock.titleBarWidget()
        if title is not None:
            title.update()

    # --- arrangement

    def _arrange(self) -> None:
        self.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        first: dict[str, QDockWidget] = {}
        for spec in self._specs:
            if spec.area == "center":
                continue
            dock = self._docks[spec.id]
            if spec.area in first:
                self.tabifyDockWidget(first[spec.area], dock)
                continue
            first[spec.area] = dock
            above = first.get("bottom-right-top") if spec.area == "bottom-right" else None
            if above is not None:
                self.splitDockWidget(above, dock, Qt.Orientation.Vertical)
            else:
                self.addDockWidget(_AREAS[spec.area], dock, Qt.Orientation.Horizontal)
        for dock in first.values():
            dock.raise_()
        self._first = first
        self._size_areas()
        self._group_titles()

    def _size_areas(self) -> None:
        first = self._first
        rest = self.width() - RIGHT
        timeline = round(rest * BOTTOM_LEFT_SHARE)
        sizes = (("left", LEFT), ("right", RIGHT), ("bottom-left", timeline), ("bottom", rest - timeline))
        wide = [(first[area], size) for area, size in sizes if area in first]
        corner = first.get("bottom-right-top") or first.get("bottom-right")
        if corner is not None:
            wide.append((corner, RIGHT))
        if wide:
            self.resizeDocks([dock for dock, _ in wide], [size for _, size in wide], Qt.Orientation.Horizontal)
        tall = [first[area] for area in ("bottom-left", "bottom") if area in first]
        if tall:
            self.resizeDocks(tall, [BOTTOM] * len(tall), Qt.Orientation.Vertical)
        if "bottom-right-top" in first and "bottom-right" in first:
            pair = [first["bottom-right-top"], first["bottom-right"]]
            self.resizeDocks(pair, [BOTTOM // 2, BOTTOM // 2], Qt.Orientation.Vertical)

    def _group_titles(self) -> None:
        for dock in self._docks.values():
            title = dock.titleBarWidget()
            if isinstance(title, TabTitle):
                title.set_grouped(bool(self.tabifiedDockWidgets(dock)) and not dock.isFloating())
        for bar in self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            bar.setDocumentMode(True)
            bar.setExpanding(False)
            bar.setDrawBase(False)
            bar.setElideMode(Qt.TextElideMode.ElideMiddle)

    def _use_theme(self, theme: Theme) -> None:
        for dock in self._docks.values():
            title = dock.titleBarWidget()
            if isinstance(title, TabTitle):
                title.set_theme(theme)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tabs come and go while docks are dragged: dress new ones."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._group_titles()
        return super().eventFilter(watched, event)


def _takes_keys(widget: QWidget) -> bool:
    by_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return by_tab and widget.isEnabled() and not widget.isHidden()


def boxed(widget: QWidget) -> QVBoxLayout:
    """A layout for ``widget`` without margins or gaps."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    return layout
