"""What a panel is, and what it is given.

A panel module in this package defines ``PANEL``; the window finds it by walking the package. A panel knows its view
model and this context; never another panel, the window or the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QWidget

from retrograd_debug.session.api import Breakpoint, BreakpointStatus, Command, Snapshot
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.selection import Selection


class PanelContext(Protocol):
    """Implemented by ``retrograd_gui.context.Context``. Signals come in the GUI thread, a snapshot a frame at most."""

    @property
    def snapshot_changed(self) -> SignalInstance:
        """Emits a ``Snapshot``."""
        ...

    @property
    def noticed(self) -> SignalInstance:
        """Emits every other ``Notice``."""
        ...

    @property
    def selection_changed(self) -> SignalInstance:
        """Emits a ``Selection``."""
        ...

    @property
    def theme_changed(self) -> SignalInstance:
        """Emits a ``Theme``."""
        ...

    @property
    def session_changed(self) -> SignalInstance:
        """Emits when another run was opened (clear what you kept)."""
        ...

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot, None while no run is open."""
        ...

    @property
    def selection(self) -> Selection:
        """What is selected."""
        ...

    @property
    def theme(self) -> Theme:
        """The theme in force."""
        ...

    def dispatch(self, command: Command) -> None:
        """Send a command to the session; never blocks."""
        ...

    def select(self, selection: Selection) -> None:
        """Select something."""
        ...

    def run_action(self, id: str) -> None:
        """Run an action of the table by its id (``debug.step-node``)."""
        ...

    def toggle_breakpoint(self, file: str, line: int) -> None:
        """Set or clear a line breakpoint (kept with the script's path)."""
        ...

    @property
    def breakpoints(self) -> Sequence[Breakpoint]:
        """The breakpoints in force, in the order they were made."""
        ...

    @property
    def breakpoint_statuses(self) -> Mapping[int, BreakpointStatus]:
        """What the session said of each breakpoint, by its id; one that it has not answered for is missing."""
        ...

    @property
    def breakpoints_changed(self) -> SignalInstance:
        """Emits (nothing) when the breakpoints or what is known of them changed."""
        ...

    def set_breakpoints(self, breakpoints: Sequence[Breakpoint]) -> None:
        """Replace all breakpoints; a new one brings id 0 and is given its own."""
        ...

    @property
    def source_requested(self) -> SignalInstance:
        """Emits (file, line): a line to bring into view."""
        ...

    def show_source(self, file: str, line: int) -> None:
        """Bring a line into view in the source panel, and that panel to the front."""
        ...

    def load(self, key: str, default: str) -> str:
        """A panel's own small setting, kept between starts."""
        ...

    def save(self, key: str, value: str) -> None:
        """Keep a panel's own small setting."""
        ...


@runtime_checkable
class ActionTarget(Protocol):
    """A panel widget that carries out actions of the table whose ``panel`` is its id (``graph.fit``)."""

    def perform(self, action: str) -> None:
        """Carry out the action with this id. Called in the GUI thread, only while the panel is there."""
        ...


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """``area``: left, center, right, bottom-left, bottom, bottom-right-top, bottom-right (step-dark.png's docks);
    ``order`` sorts the tabs within an area. ``make`` builds the widget. ``icon`` is a qtawesome name. The tab shows the
    widget's ``windowTitle`` once it sets one (``windowTitleChanged``), else ``title``."""

    id: str
    title: str
    area: str
    order: int
    icon: str
    make: Callable[[PanelContext], QWidget]
