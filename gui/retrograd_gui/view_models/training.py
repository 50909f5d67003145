"""What the training plot shows: each scalar a curve over iterations, the cursor, the script's own place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from retrograd_debug.log.api import Iteration, Log
from retrograd_debug.session.api import Snapshot
from retrograd_events.events import ScalarLogged, Seq, SiteId


@dataclass
class Curve:
    """One scalar. ``title`` is its name, with the line where two share it. Points are in order of ``seqs``."""

    name: str
    site: SiteId
    title: str = ""
    iterations: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Iterations and values as arrays."""
        return np.array(self.iterations, np.float64), np.array(self.values, np.float64)

    def index_at(self, seq: Seq) -> int:
        """The newest point not after ``seq`` (-1: none)."""
        return bisect_right(self.seqs, seq) - 1


@dataclass(frozen=True, slots=True)
class Marker:
    """A place in the plot: an iteration, and the first curve's value there (None: not logged yet)."""

    iteration: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """A point near the mouse."""

    curve: Curve
    index: int

    @property
    def iteration(self) -> int:
        """Its iteration."""
        return self.curve.iterations[self.index]

    @property
    def value(self) -> float:
        """Its value."""
        return self.curve.values[self.index]


class TrainingModel:
    """Curves grow by what is new; ``version`` counts the changes, so that a view redraws only then."""

    def __init__(self) -> None:
        self.curves: list[Curve] = []
        self.cursor: Marker | None = None
        self.script: Marker | None = None
        self.version = 0
        self._log: Log | None = None
        self._taken = 0

    def update(self, snapshot: Snapshot) -> None:
        """Take over a snapshot: only the scalars that are new are read."""
        log = snapshot.log
        if log is not self._log:
            self.curves, self._taken, self._log = [], 0, log
            self.version += 1
        if log is None:
            self.cursor = self.script = None
            return
        self._append(log)
        self.cursor = self._marker(log, snapshot.cursor)
        self.script = None if snapshot.live else self._marker(log, snapshot.head)

    def _append(self, log: Log) -> None:
        scalars = log.scalars
        if len(scalars) <= self._taken:
            return
        for scalar in scalars[self._taken :]:
            self._add(scalar, log)
        self._taken = len(scalars)
        self._name(log)
        self.version += 1

    def _add(self, scalar: ScalarLogged, log: Log) -> None:
        iteration = log.iteration_at(scalar.seq)
        curve = next((c for c in self.curves if (c.name, c.site) == (scalar.name, scalar.site)), None)
        if curve is None:
            curve = Curve(scalar.name, scalar.site)
            self.curves.append(curve)
        curve.iterations.append(iteration.index if iteration is not None else 0)
        curve.values.append(scalar.value)
        curve.seqs.append(scalar.seq)

    def _name(self, log: Log) -> None:
        names = [curve.name for curve in self.curves]
        for curve in self.curves:
            site = log.sites.get(curve.site)
            shared = names.count(curve.name) > 1 and site is not None
            curve.title = f"{curve.name} · {PurePath(site.file).name}:{site.line}" if shared and site else curve.name

    def _marker(self, log: Log, seq: Seq) -> Marker | None:
        iteration = log.iteration_at(seq)
        if iteration is None:
            return None
        value = None
        if self.curves:
            curve = self.curves[0]
            index = curve.index_at(seq)
            if index >= 0 and curve.iterations[index] == iteration.index:
                value = curve.values[index]
        return Marker(iteration.index, value)

    def near(self, iteration: float, value: float, per_iteration: float, per_value: float) -> Point | None:
        """The point nearest to a place in the plot; the last two are pixels per unit."""
        best: tuple[float, Point] | None = None
        for curve in self.curves:
            xs, ys = curve.points()
            if not len(xs):
                continue
            distance = np.hypot((xs - iteration) * per_iteration, (ys - value) * per_value)
            distance[~np.isfinite(distance)] = np.inf
            index = int(np.argmin(distance))
            if np.isfinite(distance[index]) and (best is None or distance[index] < best[0]):
                best = (float(distance[index]), Point(curve, index))
        return best[1] if best is not None else None

    def seq_at(self, iteration: float) -> Seq | None:
        """Where a click at ``iteration`` travels: to that iteration's scalar, else to its last event."""
        if self._log is None or not self._log.iterations:
            return None
        iterations = self._log.iterations
        index = min(max(round(iteration), iterations[0].index), iterations[-1].index)
        if self.curves:
            curve = self.curves[0]
            at = bisect_right(curve.iterations, index) - 1
            if at >= 0 and curve.iterations[at] == index:
                return Seq(curve.seqs[at])
        return _end_of(iterations, index, self._log.head)


def _end_of(iterations: Sequence[Iteration], index: int, head: Seq) -> Seq | None:
    found = next((iteration for iteration in iterations if iteration.index == index), None)
    if found is None:
        return None
    return found.last or head
