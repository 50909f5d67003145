"""A tensor as a picture: numbers made coarse enough to paint, mapped to colours; with its statistics."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrograd_debug.log.api import Value
from retrograd_gui.view_models.statistics import (
    Histogram,
    Statistics,
    as_real,
    full_range,
    histogram,
    statistics,
)
from retrograd_gui.view_models.table import is_column, matrix_of

MOST_CELLS = 512
"""Cells a side that are painted; larger tensors are pooled."""
AT_ONCE = 50_000
"""Elements up to which a description is quick enough for the GUI thread."""

SYMMETRIC, LINEAR, MAGNITUDE = "symmetric", "linear", "magnitude"
SCALES = (SYMMETRIC, LINEAR, MAGNITUDE)


@dataclass(frozen=True, slots=True)
class Picture:
    """``cells`` in rows and columns, each for ``pool`` (rows, columns) elements of a matrix of ``size``: the one of
    largest magnitude, NaN before all. ``strip``: a column that is drawn lying."""

    cells: NDArray[np.float64]
    size: tuple[int, int]
    pool: tuple[int, int]
    strip: bool

    def element(self, row: int, column: int) -> tuple[int, int]:
        """The first element (row, column) that a cell stands for."""
        return row * self.pool[0], column * self.pool[1]


@dataclass(frozen=True, slots=True)
class Description:
    """Everything painted of a tensor under one scale."""

    statistics: Statistics
    picture: Picture
    scale: str
    full: tuple[float, float]
    shown: tuple[float, float]
    histogram: Histogram


def describe(
    value: Value, prefix: tuple[int, ...], scale: str, shown: tuple[float, float] | None
) -> Description | None:
    """Describe a recorded value (None when nothing was recorded); ``shown`` narrows the range of the colours."""
    matrix = matrix_of(value, prefix)
    if value.array is None or matrix is None or not value.array.size:
        return None
    numbers = as_real(value.array)
    stats = statistics(numbers)
    if scale == MAGNITUDE:
        numbers = magnitude(numbers)
        full = full_range(statistics(numbers), symmetric=False)
        matrix = magnitude(as_real(matrix))
    else:
        full = full_range(stats, symmetric=scale == SYMMETRIC)
    limits = shown if shown is not None else full
    strip = is_column(value.shape) or value.kind != "all"
    return Description(
        stats, pool(as_real(matrix), strip), scale, full, limits, histogram(numbers, limits[0], limits[1])
    )


def magnitude(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """log10 of the absolute values; zeros become -inf, which is drawn as zero and counted nowhere."""
    with np.errstate(divide="ignore"):
        result: NDArray[np.float64] = np.log10(np.abs(numbers))
    return result


def pool(matrix: NDArray[np.float64], strip: bool) -> Picture:
    """Make a matrix coarse enough to paint."""
    rows, columns = matrix.shape
    step_rows, step_columns = -(-rows // MOST_CELLS) or 1, -(-columns // MOST_CELLS) or 1
    if (step_rows, step_columns) == (1, 1):
        return Picture(matrix, (rows, columns), (1, 1), strip)
    tall, wide = -(-rows // step_rows), -(-columns // step_columns)
    padded = np.zeros((tall * step_rows, wide * step_columns))
    padded[:rows, :columns] = matrix
    blocks = padded.reshape(tall, step_rows, wide, step_columns).transpose(0, 2, 1, 3).reshape(tall, wide, -1)
    rank = np.where(np.isnan(blocks), np.inf, np.abs(blocks))
    rank[np.isnan(blocks)] = np.finfo(np.float64).max
    rank[np.isinf(blocks)] = np.finfo(np.float64).max / 2
    chosen = np.take_along_axis(blocks, rank.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    return Picture(chosen, (rows, columns), (step_rows, step_columns), strip)


@functools.lru_cache(maxsize=16)
def lookup(stops: tuple[str, ...], steps: int = 256) -> NDArray[np.uint8]:
    """A table of ``steps`` RGB colours through ``stops`` ("#RRGGBB"); not to be written to."""
    known = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops], np.float64)
    places = np.linspace(0, len(stops) - 1, steps)
    mixed = [np.interp(places, np.arange(len(stops)), known[:, channel]) for channel in range(3)]
    table: NDArray[np.uint8] = np.stack(mixed, axis=1).round().astype(np.uint8)
    table.flags.writeable = False
    return table


def colours(cells: NDArray[np.float64], limits: tuple[float, float], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The RGB colour of each cell; what is not finite takes the colour nearest to it."""
    low, high = limits
    width = high - low or 1.0
    share = np.clip((np.nan_to_num(cells, nan=low, posinf=high, neginf=low) - low) / width, 0.0, 1.0)
    found: NDArray[np.uint8] = np.take(table, (share * (len(table) - 1)).round().astype(np.int64), axis=0)
    return found
