"""The table of actions as Qt actions: icons, keys, enabling, menus. Nothing is declared here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from retrograd_gui.action import Action, Situation
from retrograd_gui.actions import menus
from retrograd_gui.theme.icons import icon
from retrograd_gui.theme.tokens import Theme


class BoundActions(QObject):
    """Makes one ``QAction`` for each action of ``table``; ``perform`` carries an action out."""

    def __init__(
        self,
        window: QWidget,
        table: Sequence[Action],
        perform: Callable[[Action], None],
        panel: Callable[[str], QWidget | None],
    ) -> None:
        super().__init__(window)
        self.table = tuple(table)
        self._perform = perform
        self._by_id = {action.id: action for action in self.table}
        self._situation = Situation()
        self._qt: dict[str, QAction] = {}
        groups: dict[str, QActionGroup] = {}
        for action in self.table:
            made = self._make(action)
            self._qt[action.id] = made
            owner = panel(action.panel) if action.focused else None
            if owner is not None:
                made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            (owner or window).addAction(made)
            if action.checked is not None and action.submenu and action.icon == "":
                groups.setdefault(action.submenu, QActionGroup(self)).addAction(made)
        self.update(self._situation)

    def __getitem__(self, id: str) -> QAction:
        """The Qt action of ``id``."""
        return self._qt[id]

    @property
    def situation(self) -> Situation:
        """What enabling was computed from last."""
        return self._situation

    def available(self) -> list[Action]:
        """The actions that can be done now."""
        return [action for action in self.table if action.enabled(self._situation)]

    def run(self, id: str) -> None:
        """Carry out an action, if it can be done now. Raises ``KeyError`` for an id that is not in the table."""
        action = self._by_id[id]
        if action.enabled(self._situation):
            self._perform(action)

    def update(self, situation: Situation) -> None:
        """Enable, disable and tick."""
        self._situation = situation
        for action in self.table:
            made = self._qt[action.id]
            enabled = action.enabled(situation)
            if made.isEnabled() != enabled:
                made.setEnabled(enabled)
            if action.checked is not None:
                made.setChecked(action.checked(situation))

    def use_theme(self, theme: Theme) -> None:
        """Colour the icons."""
        for action in self.table:
            if action.icon:
                self._qt[action.id].setIcon(icon(action.icon, theme, action.token))

    def fill(self, bar: QMenuBar, extra: Callable[[str, QMenu], None] | None = None) -> list[QMenu]:
        """Make the menus. ``extra`` may add what is not an action (recent files) to the menu of an id."""
        made = []
        for spec in menus():
            actions = [action for action in self.table if action.menu == spec.id]
            if not actions:
                continue
            menu = bar.addMenu(spec.title)
            menu.setToolTipsVisible(True)
            self._fill(menu, actions)
            if extra is not None:
                extra(spec.id, menu)
            made.append(menu)
        return made

    def _fill(self, menu: QMenu, actions: Sequence[Action]) -> None:
        submenus: dict[str, QMenu] = {}
        group = actions[0].group
        for action in actions:
            if action.group != group:
                menu.addSeparator()
                group = action.group
            if not action.submenu:
                menu.addAction(self._qt[action.id])
                continue
            if action.submenu not in submenus:
                submenus[action.submenu] = menu.addMenu(action.submenu)
            submenus[action.submenu].addAction(self._qt[action.id])

    def _make(self, action: Action) -> QAction:
        made = QAction(action.title, self)
        made.setObjectName(action.id)
        made.setShortcuts([QKeySequence(keys) for keys in action.keys])
        made.setStatusTip("")
        made.setToolTip(tool_tip(action))
        made.setCheckable(action.checked is not None)
        made.setMenuRole(_role(action.id))
        made.triggered.connect(lambda _checked=False: self.run(action.id))
        return made


def tool_tip(action: Action) -> str:
    """Title, key and what the action does."""
    keys = key_text(action)
    title = action.title.rstrip("…")
    return f"{title} ({keys})\n{action.help}" if keys else f"{title}\n{action.help}"


def key_text(action: Action) -> str:
    """The first key of an action as the system writes it; "" when it has none."""
    if not action.keys:
        return ""
    return QKeySequence(action.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)


def _role(id: str) -> QAction.MenuRole:
    # macOS moves these two into the app's own menu
    roles = {"file.quit": QAction.MenuRole.QuitRole, "help.about": QAction.MenuRole.AboutRole}
    return roles.get(id, QAction.MenuRole.NoRole)
