"""The tool bar: steps by name, the pace of Continue, search, appearance. Labels give way before anything is cut off."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolBar, QToolButton, QWidget

from retrograd_events.text import tr
from retrograd_gui.action import Action, Situation
from retrograd_gui.actions import paces
from retrograd_gui.bound_actions import BoundActions, key_text
from retrograd_gui.theme.icons import icon
from retrograd_gui.theme.tokens import Theme

SEARCH_WIDTH = 236
LAST_GROUP = 9


class SearchButton(QPushButton):
    """Looks like a field and opens the palette, where the typing happens."""

    def __init__(self, action: Action, key: str) -> None:
        super().__init__()
        self.setObjectName("search")
        self.setAccessibleName(action.title)
        self.setToolTip(f"{action.title} ({key})")
        self._hint = QLabel(tr("Actions, operations, lines"))
        self._hint.setProperty("faint", True)
        self._key = QLabel(key)
        self._key.setObjectName("keycap")
        row = QHBoxLayout(self)
        row.setContentsMargins(28, 0, 6, 0)
        row.addWidget(self._hint, 1)
        row.addWidget(self._key)
        for label in (self._hint, self._key):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedHeight(26)
        self.set_wide(True)

    def set_wide(self, wide: bool) -> None:
        """As a field, or as an icon where room is short."""
        self._hint.setVisible(wide)
        self._key.setVisible(wide)
        self.setFixedWidth(SEARCH_WIDTH if wide else 30)


class ToolBar(QToolBar):
    """Made from the actions that have a place in it."""

    def __init__(self, actions: BoundActions) -> None:
        super().__init__(tr("Tool bar"))
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(QSize(16, 16))
        self.setFixedHeight(36)
        self._actions = actions
        self._buttons: list[tuple[Action, QToolButton]] = []
        self._level = -1
        self._situation = Situation()
        placed = [action for action in actions.table if action.toolbar]
        group = placed[0].toolbar if placed else 0
        for action in placed:
            if action.toolbar == LAST_GROUP:
                continue
            if action.toolbar != group:
                self.addSeparator()
                group = action.toolbar
            self._add(action)
        self.addWidget(_spring())
        find = next(action for action in actions.table if action.id == "view.show-palette")
        self._search = SearchButton(find, key_text(find))
        self._search.clicked.connect(actions[find.id].trigger)
        self.addWidget(self._search)
        self._pace = self._make_pace()
        self.addWidget(self._pace)
        for action in placed:
            if action.toolbar == LAST_GROUP:
                self._add(action)

    def use_theme(self, theme: Theme) -> None:
        """Colour what is not an action's icon."""
        self._search.setIcon(icon("msc.search", theme, "text2"))

    def update_situation(self, situation: Situation) -> None:
        """Show the pace in force."""
        names = [pace for pace, _ in paces()]
        index = names.index(situation.pace) if situation.pace in names else 0
        self._pace.blockSignals(True)
        self._pace.setCurrentIndex(index)
        self._pace.blockSignals(False)
        self._pace.setEnabled(situation.is_script)

    def _make_pace(self) -> QComboBox:
        box = QComboBox()
        box.setObjectName("pace")
        box.setAccessibleName(tr("Pace of Continue"))
        box.setToolTip(tr("How fast Continue goes; kept with the script"))
        for pace, name in paces():
            box.addItem(name, pace)
        box.activated.connect(lambda index: self._actions.run(f"debug.pace-{index}"))
        return box

    def _add(self, action: Action) -> None:
        self.addAction(self._actions[action.id])
        button = self.widgetForAction(self._actions[action.id])
        assert isinstance(button, QToolButton)
        button.setObjectName(f"button-{action.id}")
        button.setAccessibleName(action.title.rstrip("…"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setProperty("emphasis", action.emphasis)
        if action.label:
            button.setText(action.label)
            # a changed action would write its title over the label
            self._actions[action.id].setIconText(action.label)
        self._buttons.append((action, button))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Drop labels where the window is narrow, then the search field."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Widths follow the font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._level = -1
            self._fit()

    def _fit(self) -> None:
        if not hasattr(self, "_search"):
            return
        for level in (0, 1, 2):
            if self._width_at(level) <= self.width() or level == 2:
                if level != self._level:
                    self._level = level
                    self._apply(level)
                return

    def _apply(self, level: int) -> None:
        for action, button in self._buttons:
            beside = bool(action.label) and level == 0
            button.setToolButtonStyle(
                Qt.ToolButtonStyle.ToolButtonTextBesideIcon if beside else Qt.ToolButtonStyle.ToolButtonIconOnly
            )
        self._search.set_wide(level < 2)

    def _width_at(self, level: int) -> int:
        metrics = self.fontMetrics()
        width = 16 + self._pace.sizeHint().width() + (SEARCH_WIDTH if level < 2 else 30)
        for action, _ in self._buttons:
            width += 32 + (metrics.horizontalAdvance(action.label) + 8 if action.label and level == 0 else 0)
        return width + 15 * len({action.toolbar for action, _ in self._buttons})


def _spring() -> QWidget:
    widget = QWidget()
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return widget
