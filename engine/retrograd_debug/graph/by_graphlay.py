"""One level laid out by graphlay, a layered engine with a global order of boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Union

import graphlay

from retrograd_debug.graph.geometry import COLUMN_GAP, ROW_GAP, Point
from retrograd_debug.graph.plain import Cell, Level, Port, Wire, count_crossings

_PORT = 2.0
_ROUNDING = 1.0
_CAREFUL = 60

_OPTIONS = {
    "direction": "topbottom",
    "spacing": {"layer_gap": ROW_GAP + 6.0, "node_gap": COLUMN_GAP, "dummy_gap": 14.0, "port_gap": 12.0, "stub": 12.0},
    "routing": {"style": "orthogonal", "bundle_parallel": False},
    "limits": {"max_nodes": 20_000, "max_edges": 60_000, "max_dummies": 200_000},
}

_Hint = dict[str, dict[str, Union[str, float]]]


def arrange_globally(cells: Sequence[Cell], wires: Sequence[Wire], head: float, framed: bool) -> Level | None:
    """As ``plain.arrange``; None when graphlay refuses the level or finds no orthogonal way. Wires that cross the
    border start and end at small marks in the first and last layer."""
    graph = graphlay.Graph()
    for cell in cells:
        rank = {} if any(wire.target == cell.key for wire in wires) else {"rank": "first"}
        graph.node(cell.key, width=cell.width, height=cell.height, **rank)
    runs: list[tuple[Wire, bool]] = []
    by_key = {cell.key: cell for cell in cells}
    turns = Counter(wire.target for wire in wires)
    seen: Counter[str] = Counter()
    for wire in wires:
        turn = (seen[wire.target], turns[wire.target])
        seen[wire.target] += 1
        _add(graph, by_key, wire, False, turn)
        runs.append((wire, False))
        if wire.gradient:
            _add(graph, by_key, wire, True, turn)
            runs.append((wire, True))
    effort = "balanced" if len(cells) <= _CAREFUL else "fast"
    try:
        drawn = graphlay.layout(graph, options={**_OPTIONS, "effort": effort})
    except graphlay.GraphlayError:
        return None
    level = _level(drawn, cells, runs, head, framed)
    every = [*level.routes.values(), *level.gradient_routes.values()]
    # it now and then leaves a slanted piece where it found no way
    return level if all(_is_orthogonal(route) for route in every) else None


def _is_orthogonal(route: Sequence[Point]) -> bool:
    return all(x0 == x1 or y0 == y1 for (x0, y0), (x1, y1) in pairwise(route))


def _hint(side: str, cell: Cell, at: float) -> _Hint:
    return {"offset": {"side": side, "t": 2 * at / cell.width - 1}}


def _add(graph: graphlay.Graph, cells: dict[str, Cell], wire: Wire, gradient: bool, turn: tuple[int, int]) -> None:
    """One run of a wire: forward, or the lane of its gradient (drawn the other way later); ``turn`` is its place among
    those that enter its target, and how many these are."""
    ports: dict[str, _Hint] = {}
    name = ("g" if gradient else "f") + wire.key
    source, target = wire.source, wire.target
    if source:
        cell = cells[source]
        at = (cell.gradient_bottom(wire.key) if gradient else cell.out_port(wire.key)).at
        ports["source_port"] = _hint("bottom", cell, at)
    else:
        source = f"\0in{name}"
        graph.node(source, width=_PORT, height=_PORT, rank="first")
    if target:
        cell = cells[target]
        if gradient:
            ports["target_port"] = _hint("top", cell, cell.gradient_top(wire.key).at)
        else:
            ports["target_port"] = _hint("top", cell, cell.in_port(wire.key, *turn).at)
    else:
        target = f"\0out{name}"
        graph.node(target, width=_PORT, height=_PORT, rank="last")
    graph.edge(source, target, **ports)  # type: ignore[arg-type]  # its stub gives every keyword weight's type


def _fixed(at: float) -> Port:
    return Port(at, at, at)


def _upright(points: list[Point]) -> list[Point]:
    """A route whose nearly level and nearly upright pieces are exactly so."""
    result = [points[0]]
    for x, y in points[1:-1]:
        before = result[-1]
        result.append(
            (before[0] if abs(x - before[0]) < _ROUNDING else x, before[1] if abs(y - before[1]) < _ROUNDING else y)
        )
    x, y = points[-1]
    x = result[-1][0] if abs(x - result[-1][0]) < _ROUNDING else x
    return [*result, (x, y)]


def _level(
    drawn: graphlay.Layout, cells: Sequence[Cell], runs: Sequence[tuple[Wire, bool]], head: float, framed: bool
) -> Level:
    left = min(node["center"]["x"] - node["size"]["width"] / 2 for node in drawn.nodes)
    top = min(node["center"]["y"] - node["size"]["height"] / 2 for node in drawn.nodes)
    right = max(node["center"]["x"] + node["size"]["width"] / 2 for node in drawn.nodes)
    bottom = max(node["center"]["y"] + node["size"]["height"] / 2 for node in drawn.nodes)
    crossing = [
        edge["points"][0]["x"] - left for (wire, _), edge in zip(runs, drawn.edges, strict=True) if not wire.source
    ]
    shift = max(0.0, head - min(crossing)) if crossing and head else 0.0
    above = 6.0 if framed else 0.0
    level = Level(right - left + shift, bottom - top + 2.4 * above, {}, {}, {}, {}, {}, {}, {})
    for cell, node in zip(cells, drawn.nodes, strict=False):
        x = node["center"]["x"] - cell.width / 2 - left + shift
        level.places[cell.key] = (x, node["center"]["y"] - cell.height / 2 - top + above)
    for (wire, gradient), edge in zip(runs, drawn.edges, strict=True):
        points = _upright([(p["x"] - left + shift, p["y"] - top + above) for p in edge["points"]])
        if not wire.source:
            points[0] = (points[0][0], 0.0)
            (level.gradient_entries if gradient else level.entries)[wire.key] = _fixed(points[0][0])
        if not wire.target:
            points[-1] = (points[-1][0], level.height)
            (level.gradient_exits if gradient else level.exits)[wire.key] = _fixed(points[-1][0])
        if gradient:
            level.gradient_routes[wire.key] = points[::-1]
        else:
            level.routes[wire.key] = points
    level.crossings = count_crossings([*level.routes.values(), *level.gradient_routes.values()])
    return level
