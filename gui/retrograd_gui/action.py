"""What an action is, and what decides whether it can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from retrograd_debug.session.api import Command, Snapshot, Verb
from retrograd_gui.settings import Pace


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides which actions can be done now. ``panels`` are those that are there."""

    snapshot: Snapshot | None = None
    is_script: bool = False
    can_go_back: bool = False
    can_go_forward: bool = False
    theme: str = "dark"
    pace: Pace = Pace()

    @property
    def is_open(self) -> bool:
        """Whether a run is open."""
        return self.snapshot is not None

    @property
    def live(self) -> bool:
        """Whether the person looks at the head."""
        return self.snapshot is not None and self.snapshot.live

    def can(self, verb: Verb) -> bool:
        """Whether the session can do ``verb`` now."""
        return self.snapshot is not None and verb in self.snapshot.verbs


class Shell(Protocol):
    """What actions may ask of the window."""

    def open_script(self) -> None: ...
    def open_script_with_settings(self) -> None: ...
    def open_run(self) -> None: ...
    def close_run(self) -> None: ...
    def quit(self) -> None: ...
    def edit_run_settings(self) -> None: ...
    def continue_run(self) -> None: ...
    def set_pace(self, pace: Pace) -> None: ...
    def set_theme(self, name: str) -> None: ...
    def next_theme(self) -> None: ...
    def reset_layout(self) -> None: ...
    def show_panel(self, id: str) -> None: ...
    def travel_back(self) -> None: ...
    def travel_forward(self) -> None: ...
    def show_palette(self) -> None: ...
    def show_keys(self) -> None: ...
    def show_about(self) -> None: ...
    def show_error_log(self) -> None: ...


Enabled = Callable[[Situation], bool]
Run = Callable[[Shell], None]


def always(_situation: Situation) -> bool:
    """Can be done at any time."""
    return True


@dataclass(frozen=True, slots=True)
class Action:
    """One action. ``keys`` are Qt key sequences, the first is the one shown. ``toolbar`` is the group in the tool bar
    (0: not there), ``label`` its text there ("" for the icon alone). Exactly one of ``command``, ``run`` and ``panel``
    says what it does. ``checked`` makes it a choice that shows a tick; ``submenu`` gathers it with its like.
    ``focused``: the keys work only while that panel has the focus (keys without a modifier)."""

    id: str
    title: str
    help: str
    menu: str
    group: int = 0
    submenu: str = ""
    icon: str = ""
    token: str = "text2"
    keys: tuple[str, ...] = ()
    toolbar: int = 0
    label: str = ""
    emphasis: bool = False
    command: Command | None = None
    run: Run | None = None
    panel: str = ""
    focused: bool = False
    enabled: Enabled = always
    checked: Enabled | None = None
