"""The tool bar: steps by name, the pace of Continue, search, appearance. Labels give way before anything is cut off."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QComboBox, QFrame, QHBoxLayout, QToolButton, QWidget

from retrograd_events.text import tr
from retrograd_gui.action import Action, Situation
from retrograd_gui.actions import paces
from retrograd_gui.bound_actions import BoundActions, key_text
from retrograd_gui.keycap import draw_keycap
from retrograd_gui.theme.icons import pixmap
from retrograd_gui.theme.tokens import Theme

HEIGHT = 36
BUTTON = 28
SEARCH_WIDTH = 236
LAST_GROUP = 9


class SearchButton(QAbstractButton):
    """Looks like a field and opens the palette, where the typing happens."""

    def __init__(self, theme: Theme, action: Action, key: str) -> None:
        super().__init__()
        self._theme, self._key = theme, key
        self._wide = True
        self.setObjectName("search")
        self.setAccessibleName(action.title)
        self.setToolTip(f"{action.title} ({key})")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(26)
        self.set_wide(True)

    def set_wide(self, wide: bool) -> None:
        """As a field, or as an icon where room is short."""
        self._wide = wide
        self.setFixedWidth(SEARCH_WIDTH if wide else 30)

    def use_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Glass, hint, key."""
        theme = self._theme
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            outline = "accent" if self.hasFocus() or self.underMouse() else "lineStrong"
            painter.setPen(QColor(theme[outline]) if self._wide or self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme["field" if self._wide else "hover" if self.underMouse() else "header"]))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            painter.drawPixmap(7, 5, pixmap("msc.search", theme, "text2", ratio=self.devicePixelRatioF()))
            if self._wide:
                painter.setPen(QColor(theme["text3"]))
                flags = Qt.AlignmentFlag.AlignVCenter
                painter.drawText(self.rect().adjusted(30, 0, 0, 0), flags, tr("Actions, operations, lines"))
                draw_keycap(painter, theme, self._key, self.width() - 6, self.height() / 2)
        finally:
            painter.end()


class ToolBar(QWidget):
    """Made from the actions that have a place in it."""

    def __init__(self, actions: BoundActions, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("toolbar")
        self.setAccessibleName(tr("Tool bar"))
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._actions = actions
        self._buttons: list[tuple[Action, QToolButton]] = []
        self._level = -1
        self._widths: list[int] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 0, 8, 0)
        self._row.setSpacing(2)
        placed = [action for action in actions.table if action.toolbar]
        group = placed[0].toolbar if placed else 0
        for action in placed:
            if action.toolbar == LAST_GROUP:
                continue
            if action.toolbar != group:
                self._separate()
                group = action.toolbar
            self._add(action)
        self._row.addStretch(1)
        find = next(action for action in actions.table if action.id == "view.show-palette")
        self._search = SearchButton(theme, find, key_text(find))
        self._search.clicked.connect(actions[find.id].trigger)
        self._row.addWidget(self._search)
        self._row.addSpacing(6)
        self._pace = self._make_pace()
        self._row.addWidget(self._pace)
        self._row.addSpacing(4)
        for action in placed:
            if action.toolbar == LAST_GROUP:
                self._add(action)

    def use_theme(self, theme: Theme) -> None:
        """Colour what is not an action's icon."""
        self._search.use_theme(theme)

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
        button = QToolButton()
        if action.label:
            # a button takes the icon text of its action, wherever that is set
            self._actions[action.id].setIconText(action.label)
        button.setDefaultAction(self._actions[action.id])
        button.setIconSize(QSize(16, 16))
        button.setFixedHeight(BUTTON)
        button.setObjectName(f"button-{action.id}")
        button.setAccessibleName(action.title.rstrip("…"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setProperty("emphasis", action.emphasis)
        self._row.addWidget(button)
        self._buttons.append((action, button))

    def _separate(self) -> None:
        line = QFrame()
        line.setObjectName("separator")
        line.setFixedSize(1, 20)
        self._row.addSpacing(6)
        self._row.addWidget(line)
        self._row.addSpacing(6)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Drop labels where the window is narrow, then the search field."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Widths follow the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._widths.clear()
            self._fit()

    def _fit(self) -> None:
        """Measured once, in the fonts that are there, and not estimated."""
        if not self._widths:
            for level in (0, 1, 2):
                self._apply(level)
                self._row.invalidate()
                self._widths.append(self._row.sizeHint().width())
            self._level = 2
        level = next((level for level in (0, 1) if self._widths[level] <= self.width()), 2)
        if level != self._level:
            self._level = level
            self._apply(level)

    def _apply(self, level: int) -> None:
        for action, button in self._buttons:
            beside = bool(action.label) and level == 0
            button.setToolButtonStyle(
                Qt.ToolButtonStyle.ToolButtonTextBesideIcon if beside else Qt.ToolButtonStyle.ToolButtonIconOnly
            )
        self._search.set_wide(level < 2)
