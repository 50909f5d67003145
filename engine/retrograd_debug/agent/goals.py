"""Moments of a recorded run that its replay must come to: where a change is made again, and where it is held.

Places are counted in the iteration that holds the next moment alone; before it the replay runs at full speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retrograd_debug.agent.holding import MakeStop, Stop
from retrograd_debug.session.config import Moment

COUNTED = frozenset(("op", "node", "backward", "optimizer"))
"""Places that come before exactly one event each."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A moment, what is to be done there, and whether the thread is held then."""

    moment: Moment
    act: Callable[[Stop], None]
    holds: bool = False


class Goals:
    """What is still to come, in order."""

    def __init__(self, goals: Sequence[Goal]) -> None:
        self._goals = list(goals)
        self._iteration = 0
        self._reaches: dict[int, int] = {}

    @property
    def near(self) -> bool:
        """Whether places must be counted now."""
        return bool(self._goals) and self._goals[0].moment.iteration <= self._iteration

    def began(self, iteration: int) -> None:
        """An iteration begins."""
        self._iteration = iteration
        self._reaches.clear()

    def before(self, kind: str, thread: int, make: MakeStop) -> tuple[Stop, bool] | None:
        """``thread`` has come to a place; what was to be done there is done. The stop, and whether it is to be held."""
        if kind not in COUNTED:
            return None
        reaches = self._reaches.get(thread, 0)
        self._reaches[thread] = reaches + 1
        return self._arrive("before", thread, reaches, make)

    def after(self, place: str, thread: int, make: MakeStop) -> tuple[Stop, bool] | None:
        """The same right after an op or a node; an op that failed was none."""
        if place == "failed":
            self._reaches[thread] = self._reaches.get(thread, 0) - 1
            return None
        return self._arrive(place, thread, self._reaches.get(thread, 0), make)

    def _arrive(self, place: str, thread: int, reaches: int, make: MakeStop) -> tuple[Stop, bool] | None:
        stop, holds = None, False
        while self._goals and self._is_here(self._goals[0].moment, place, thread, reaches):
            goal = self._goals.pop(0)
            stop = stop or make("replay", 0, "")
            goal.act(stop)
            holds = holds or goal.holds
        return (stop, holds) if stop is not None else None

    def _is_here(self, moment: Moment, place: str, thread: int, reaches: int) -> bool:
        if moment.thread != thread or moment.iteration > self._iteration:
            return False
        if moment.iteration < self._iteration:
            return place == "before"  # it was missed: the replay is no longer the run
        return reaches > moment.reaches or (reaches == moment.reaches and place == moment.place)
