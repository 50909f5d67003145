"""Gradients of all parameters over the iterations: how large each arrived, and where one faded or blew up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrograd_debug import format as fmt
from retrograd_debug.log.api import Log, LogError
from retrograd_debug.log.state import State
from retrograd_events.events import (
    AnyEvent,
    GradientAccumulated,
    IterationStarted,
    Seq,
    TensorId,
    TensorMeta,
    TensorNamed,
)
from retrograd_events.text import tr
from retrograd_gui.view_models.listing import Column, Entry

COLUMNS = (
    Column(tr("parameter"), wide=True),
    Column(tr("‖g‖"), number=True, sortable=True),
    Column(tr("‖g‖ ÷ ‖w‖"), number=True, sortable=True),
    Column(tr("zeros"), number=True, sortable=True),
)
MOST_COLUMNS = 4096
"""Iterations that are kept; of more every second one is let go."""
CHUNK = 64
"""Gradients that are read before what is known is shown."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A gradient that arrived in ``.grad``: where in the log, in which iteration, and its contents' name there."""

    seq: Seq
    iteration: int
    tensor: TensorId
    grad: TensorMeta


@dataclass(frozen=True, slots=True)
class Measure:
    """A gradient in numbers. NaN where its values were not kept; ``zeros`` is a share."""

    norm: float
    largest: float
    zeros: float


UNKNOWN = Measure(math.nan, math.nan, math.nan)


@dataclass(slots=True)
class Row:
    """One parameter: by iteration the last gradient that arrived in it, and what is known of it."""

    path: str
    arrivals: dict[int, Arrival] = field(default_factory=dict)
    measures: dict[int, Measure] = field(default_factory=dict)


class FlowModel:
    """Fed with a log's events in order; ``wanted`` says what is still to be read, ``learn`` takes the answers."""

    def __init__(self) -> None:
        self.rows: dict[TensorId, Row] = {}
        self.iteration = 0
        self._stride = 1

    def take(self, events: Iterable[AnyEvent]) -> None:
        """Take over events that follow those before."""
        for event in events:
            match event:
                case IterationStarted(index=index):
                    self.iteration = index
                    if index >= MOST_COLUMNS * self._stride:
                        self._thin()
                case TensorNamed(tensor=tensor, kind="parameter", path=path):
                    self._row(tensor).path = path
                case GradientAccumulated(tensor=tensor, grad=grad, seq=seq):
                    if self.iteration % self._stride == 0:
                        row = self._row(tensor)
                        row.arrivals[self.iteration] = Arrival(seq, self.iteration, tensor, grad)
                        row.measures.pop(self.iteration, None)
                case _:
                    pass

    def _row(self, tensor: TensorId) -> Row:
        row = self.rows.get(tensor)
        if row is None:
            row = self.rows[tensor] = Row(f"#{tensor}")
        return row

    def _thin(self) -> None:
        self._stride *= 2
        for row in self.rows.values():
            for known in (row.arrivals, row.measures):
                for iteration in [each for each in known if each % self._stride]:
                    del known[iteration]

    @property
    def iterations(self) -> list[int]:
        """The iterations in which a gradient arrived, in order."""
        return sorted({iteration for row in self.rows.values() for iteration in row.arrivals})

    def wanted(self, first: int, most: int = CHUNK) -> list[Arrival]:
        """Gradients whose numbers are not known, those of the iteration ``first`` before the newest others."""
        missing = [
            arrival
            for row in self.rows.values()
            for iteration, arrival in row.arrivals.items()
            if iteration not in row.measures
        ]
        missing.sort(key=lambda arrival: (arrival.iteration != first, -arrival.iteration))
        return missing[:most]

    def learn(self, answers: Iterable[tuple[Arrival, Measure]]) -> None:
        """Take over what was read."""
        for arrival, measure in answers:
            row = self.rows.get(arrival.tensor)
            if row is not None and row.arrivals.get(arrival.iteration) == arrival:
                row.measures[arrival.iteration] = measure

    def norms(self) -> tuple[list[Row], list[int], NDArray[np.float64]]:
        """Rows, iterations, and the norm of each row's gradient in each iteration (NaN: none, or not known)."""
        rows, columns = list(self.rows.values()), self.iterations
        place = {iteration: at for at, iteration in enumerate(columns)}
        found = np.full((len(rows), len(columns)), np.nan)
        for at, row in enumerate(rows):
            for iteration, measure in row.measures.items():
                if iteration in place:
                    found[at, place[iteration]] = measure.norm
        return rows, columns, found

    def entries(self, iteration: int, state: State, weights: dict[TensorId, float]) -> list[Entry]:
        """The table of an iteration; ``weights`` are the norms of the parameters' values."""
        return [
            _entry(tensor, row, iteration, state, weights.get(tensor, math.nan)) for tensor, row in self.rows.items()
        ]


def _entry(tensor: TensorId, row: Row, iteration: int, state: State, weight: float) -> Entry:
    measure = row.measures.get(iteration, UNKNOWN)
    info = state.tensors.get(tensor)
    ratio = measure.norm / weight if weight > 0 else math.nan
    zeros = fmt.percent(measure.zeros) if not math.isnan(measure.zeros) else "–"
    cells = (row.path, _number(measure.norm), _number(ratio), zeros)
    ranks = [-1.0 if math.isnan(each) else each for each in (measure.norm, ratio, measure.zeros)]
    order: tuple[float | str, ...] = (row.path, *ranks)
    sick = not math.isnan(measure.zeros) and not math.isfinite(measure.norm)
    tip = row.path if info is None else f"{row.path}  {fmt.shape(info.meta.shape)}"
    if not math.isnan(measure.largest):
        tip += "\n" + tr("largest element {value}", value=fmt.number(measure.largest))
    return Entry(tensor, cells, "nan" if sick else "text", tip, order)


def _number(value: float) -> str:
    return "–" if math.isnan(value) else fmt.number(value)


def measured(array: NDArray[np.generic] | None) -> Measure:
    """The numbers of a gradient; of one that holds NaN the norm and the largest are NaN, and the zeros known."""
    if array is None or array.size == 0 or array.dtype.kind not in "fciub":
        return UNKNOWN
    sizes = np.abs(array).astype(np.float64, copy=False)
    zeros = float(np.count_nonzero(sizes == 0)) / sizes.size
    with np.errstate(over="ignore", invalid="ignore"):
        return Measure(float(np.sqrt(np.sum(np.square(sizes)))), float(sizes.max()), zeros)


def read(log: Log, arrivals: Iterable[Arrival]) -> Iterator[tuple[Arrival, Measure]]:
    """Read the numbers of ``arrivals`` (from the disk: not in the GUI thread)."""
    for arrival in arrivals:
        try:
            value = log.value(arrival.grad.id, arrival.grad.version)
        except LogError:
            value = None
        yield arrival, measured(value.array if value is not None else None)


def weight_norms(log: Log, state: State, tensors: Iterable[TensorId]) -> dict[TensorId, float]:
    """The norms of parameters as they are in ``state`` (from the disk)."""
    found = {}
    for tensor in tensors:
        info = state.tensors.get(tensor)
        if info is None:
            continue
        try:
            value = log.value(tensor, info.meta.version)
        except LogError:
            value = None
        found[tensor] = measured(value.array if value is not None else None).norm
    return found
