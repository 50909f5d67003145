"""The docks: what a kept layout brings back, and where a panel goes that it does not know."""

from __future__ import annotations

from PySide6.QtWidgets import QDockWidget, QTabBar
from pytestqt.qtbot import QtBot

from retrograd_gui.context import Context
from retrograd_gui.panel_registry import panel_specs
from retrograd_gui.panels.base import PanelSpec
from retrograd_gui.settings import Settings
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.workspace import Workspace


def opened(qtbot: QtBot, settings: Settings, specs: tuple[PanelSpec, ...]) -> Workspace:
    context = Context(settings, load_theme("dark"))
    workspace = Workspace(context, context, specs)
    context.setParent(workspace)
    qtbot.addWidget(workspace)
    workspace.resize(1400, 800)
    workspace.show()
    return workspace


def test_a_panel_that_a_kept_layout_does_not_know_is_a_tab_of_its_area(qtbot: QtBot) -> None:
    specs, settings = tuple(spec for spec in panel_specs() if spec.area != "center"), Settings()
    old = opened(qtbot, settings, tuple(spec for spec in specs if spec.id not in ("flow", "scheduler")))
    kept = old.layout_state()
    new = opened(qtbot, settings, specs)
    assert new.restore_layout(kept)

    def tabbed(id: str) -> set[str]:
        dock = new.findChild(QDockWidget, f"dock-{id}")
        assert isinstance(dock, QDockWidget)
        return {each.objectName() for each in new.tabifiedDockWidgets(dock)}

    assert "dock-training" in tabbed("flow")
    assert "dock-inspector" in tabbed("scheduler")
    shown = {bar.tabText(bar.currentIndex()) for bar in new.findChildren(QTabBar) if bar.count() > 1}
    assert {"Training", "Inspector"} <= shown, "what was in front stays there"
