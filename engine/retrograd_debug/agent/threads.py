"""What the agent knows of each thread of the script: its number and the regions it is inside of."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from retrograd_debug.log.regions import Region


@dataclass(slots=True)
class ThreadState:
    """One thread: ``number`` is 0 for the main thread. ``scopes`` (``paths``: path and type of each) and ``regions``
    are open, innermost last."""

    number: int
    ident: int
    name: str
    scopes: list[int] = field(default_factory=list)
    paths: list[tuple[str, str]] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    backwards: list[int] = field(default_factory=list)
    optimizers: int = 0


class Threads:
    """Numbers threads in the order they are met."""

    def __init__(self) -> None:
        main = threading.main_thread()
        self.main = ThreadState(0, main.ident or 0, main.name)
        self.by_ident: dict[int, ThreadState] = {self.main.ident: self.main}

    def current(self) -> ThreadState:
        """The state of the calling thread."""
        return self.by_ident.get(threading.get_ident()) or self._meet()

    def _meet(self) -> ThreadState:
        thread = threading.current_thread()
        ident = threading.get_ident()
        state = ThreadState(len(self.by_ident), ident, thread.name)
        self.by_ident[ident] = state
        return state
