"""A tensor's numbers as rows and columns, of any rank, without copying them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrograd_debug.log.api import Value
from retrograd_events.text import tr


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a column-vector's table. ``shown`` is False for numbers that stand beside the inspected ones."""

    title: str
    numbers: NDArray[np.generic]
    facet: str


class Table:
    """Either several tensors as columns (``columns``), or a matrix cut out of one (``matrix``)."""

    def __init__(
        self, shape: tuple[int, ...], columns: list[Column], matrix: NDArray[np.generic] | None, prefix: tuple[int, ...]
    ) -> None:
        self._shape = shape
        self._columns = columns
        self._matrix = matrix
        self._prefix = prefix

    @property
    def rows(self) -> int:
        """Number of rows."""
        if self._matrix is not None:
            return int(self._matrix.shape[0])
        return max((len(column.numbers) for column in self._columns), default=0)

    @property
    def titles(self) -> list[str]:
        """Titles of the columns, without the row number's."""
        if self._matrix is not None:
            return [str(index) for index in range(self._matrix.shape[1])]
        return [column.title for column in self._columns]

    @property
    def width(self) -> int:
        """Number of columns, without the row number's."""
        return int(self._matrix.shape[1]) if self._matrix is not None else len(self._columns)

    def facet(self, column: int, matrix_facet: str) -> str:
        """Which facet a column shows: value, gradient or "" (another tensor's)."""
        return matrix_facet if self._matrix is not None else self._columns[column].facet

    def cell(self, row: int, column: int) -> np.generic | None:
        """The number in a cell; None where a column is shorter."""
        if self._matrix is not None:
            found: np.generic = self._matrix[row, column]
            return found
        numbers = self._columns[column].numbers
        if row >= len(numbers):
            return None
        number: np.generic = numbers[row]
        return number

    def index(self, row: int, column: int) -> list[int]:
        """Where a cell lies in the tensor."""
        if self._matrix is not None:
            return [*self._prefix, row, column]
        if not self._shape:
            return []
        return [row] if len(self._shape) == 1 else [row, 0]

    def as_csv(self) -> str:
        """Everything, numbers in full."""
        lines = [",".join([tr("row"), *(_quoted(title) for title in self.titles)])]
        for row in range(self.rows):
            cells = (self.cell(row, column) for column in range(self.width))
            lines.append(",".join([str(row), *("" if cell is None else str(cell) for cell in cells)]))
        return "\n".join(lines) + "\n"


def _quoted(title: str) -> str:
    return '"' + title.replace('"', '""') + '"' if any(mark in title for mark in ',"\n') else title


def is_column(shape: tuple[int, ...]) -> bool:
    """Whether a shape reads best as one column: a scalar, a vector, or a matrix of one column."""
    return len(shape) < 2 or (len(shape) == 2 and shape[1] == 1)


def column_numbers(value: Value) -> NDArray[np.generic] | None:
    """The elements of ``value`` in one row, if they were recorded."""
    return None if value.array is None else value.array.reshape(-1)


def matrix_of(value: Value, prefix: tuple[int, ...]) -> NDArray[np.generic] | None:
    """The last two dimensions of ``value`` at ``prefix`` of the others; of a sample what there is, in one row."""
    if value.array is None:
        return None
    if value.kind != "all":
        return value.array.reshape(1, -1)
    if is_column(value.shape):
        return value.array.reshape(1, -1)
    found: NDArray[np.generic] = value.array.reshape(value.shape)[prefix]
    return found


def sliced_dims(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of the dimensions of which one index is chosen."""
    return shape[:-2] if len(shape) > 2 else ()
