"""Which way a level is laid out: row by row as things ran, unless a global order would cross less; that is graphlay's.

graphlay is asked only where the plain rows cross often, one level at a time, with forward wires and beside each the
lane of its gradient, and taken only where it crosses half as often: it doesn't stand still when something is appended.
Without graphlay the plain rows stand.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from retrograd_debug.graph.plain import Cell, Level, Wire, arrange

_FEW_CROSSINGS = 5
_MOST_CELLS = 300

HAS_GRAPHLAY = importlib.util.find_spec("graphlay") is not None
"""Whether graphlay is installed; the plain rows are used alone without it."""


def choose(cells: Sequence[Cell], wires: Sequence[Wire], head: float, framed: bool) -> Level:
    """Lay out one level the better way."""
    plain = arrange(cells, wires, head, framed)
    if not HAS_GRAPHLAY or plain.crossings <= _FEW_CROSSINGS or len(cells) > _MOST_CELLS:
        return plain
    from retrograd_debug.graph.by_graphlay import arrange_globally

    level = arrange_globally(cells, wires, head, framed)
    return level if level is not None and 2 * level.crossings <= plain.crossings else plain
