"""Rows of words for panels that list things: what each column holds, what each row says and selects."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """``number``: right-aligned digits. ``wide``: takes the room that is left. ``sortable``: a click sorts by it."""

    title: str
    number: bool = False
    wide: bool = False
    sortable: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A row. ``key`` tells it from others and is what selecting it hands over; None: a heading. ``cells`` are aligned
    with the columns; ``order`` is what they sort by where that is not the text. ``tone`` is a colour token."""

    key: Hashable | None
    cells: tuple[str, ...]
    tone: str = "text"
    tip: str = ""
    order: tuple[float | str, ...] = ()

    @property
    def words(self) -> str:
        """The row for a screen reader, and as a line of text."""
        return "  ".join(cell for cell in self.cells if cell)

    def rank(self, column: int) -> tuple[int, float, str]:
        """What it sorts by in a column: numbers before words."""
        value: float | str = self.order[column] if column < len(self.order) else self.cells[column]
        return (0, value, "") if isinstance(value, (int, float)) else (1, 0.0, value)


def as_csv(columns: tuple[Column, ...], entries: list[Entry]) -> str:
    """The rows as CSV, headings left out."""
    rows = [tuple(column.title for column in columns), *(entry.cells for entry in entries if entry.key is not None)]
    return "\n".join(",".join(_quoted(cell) for cell in row) for row in rows) + "\n"


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(each in cell for each in ',"\n') else cell
