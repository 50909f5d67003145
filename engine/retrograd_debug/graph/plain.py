"""One level of a scope laid out row by row, in the order in which things ran.

Each box stands below all that it depends on, as near under its sources as there is room, and never looks at what comes
after it. So appending something moves nothing that already stands: the property that no layered library gave. The cost
is crossings that a global order would avoid; ``layered`` takes over where there are any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from retrograd_debug.graph.geometry import COLUMN_GAP, MIRROR_GAP, ROW_GAP, Point

_LANE = 9.0
_CORNER = 12.0
UNCOUNTED = 1_000_000
_APART = 11.0
_LEFTMOST = -4.0
_CLEAR = 9.0
_WIDEST_ROW = 1500.0
_FIRST_TRACK = 10.0
_LAST_TRACK = 13.0


@dataclass(frozen=True)
class Port:
    """Where a wire meets a border: best ``at``, and anywhere from ``low`` to ``high`` if that makes it straight."""

    at: float
    low: float
    high: float

    def shifted(self, by: float) -> Port:
        """The same port seen from elsewhere."""
        return Port(self.at + by, self.low + by, self.high + by)


@dataclass
class Cell:
    """A box on this level: an op with its mirror, or a whole scope whose inside is already laid out. ``ins``/``outs``
    are where wires meet its top and bottom (from its left), ``gradient_*`` the same for gradients; ops leave them empty
    and spread their wires themselves."""

    key: str
    width: float
    height: float
    main: float
    mirror: float = 0.0
    last: bool = False
    ins: dict[str, Port] = field(default_factory=dict)
    outs: dict[str, Port] = field(default_factory=dict)
    gradient_ins: dict[str, Port] = field(default_factory=dict)
    gradient_outs: dict[str, Port] = field(default_factory=dict)

    def in_port(self, wire: str, place: int, count: int) -> Port:
        """Where the forward wire ``place`` of ``count`` enters the top."""
        if wire in self.ins:
            return self.ins[wire]
        step = self.main / (count + 1)
        slack = self.main / 2 - _CORNER if count == 1 else max(0.0, step / 2 - 5.0)
        at = step * (place + 1)
        return Port(at, at - slack, at + slack)

    def out_port(self, wire: str) -> Port:
        """Where a forward wire leaves the bottom."""
        return self.outs.get(wire, Port(self.main / 2, _CORNER, self.main - _CORNER))

    def gradient_top(self, wire: str) -> Port:
        """Where a gradient leaves the top."""
        return self.gradient_ins.get(wire, self._mirror_port(_CORNER + 8.0))

    def gradient_bottom(self, wire: str) -> Port:
        """Where a gradient enters the bottom."""
        return self.gradient_outs.get(wire, self._mirror_port(_CORNER))

    def _mirror_port(self, right: float) -> Port:
        if not self.mirror:
            # a folded scope stands for its mirrors too: gradients pass at its right
            return Port(0.75 * self.main, 0.6 * self.main, self.main - _CORNER)
        left = self.main + MIRROR_GAP
        return Port(left + self.mirror / 2, left + _CORNER, left + self.mirror - right)


@dataclass(frozen=True)
class Wire:
    """A forward edge on this level; no source: it enters through the top border, no target: it leaves at the bottom."""

    key: str
    source: str
    target: str
    gradient: bool


@dataclass
class Path:
    """A route from above to below: ``jogs`` are (gap, from x, to x)."""

    wire: str
    group: str
    start: float
    end: float
    top_row: int
    bottom_row: int
    jogs: list[tuple[int, float, float]]
    gradient: bool
    slack: Port | None = None
    source: str = ""


@dataclass
class Level:
    """A level laid out. ``entries``/``exits``: where wires cross its top and bottom border, by wire."""

    width: float
    height: float
    places: dict[str, Point]
    routes: dict[str, list[Point]]
    gradient_routes: dict[str, list[Point]]
    entries: dict[str, Port]
    exits: dict[str, Port]
    gradient_entries: dict[str, Port]
    gradient_exits: dict[str, Port]
    crossings: int = 0


def arrange(cells: Sequence[Cell], wires: Sequence[Wire], head: float = 0.0, framed: bool = True) -> Level:
    """Lay out one level. ``head`` is the width at the top left that entering wires keep off (a scope's title);
    ``framed`` levels get room inside their border."""
    return _Rows(cells, wires, head, framed).level()


class _Rows:
    """The work of ``arrange``; used once."""

    def __init__(self, cells: Sequence[Cell], wires: Sequence[Wire], head: float, framed: bool) -> None:
        self.cells = {cell.key: cell for cell in cells}
        self.wires = wires
        self.head = head
        self.framed = framed
        self.row: dict[str, int] = {}
        self.x: dict[str, float] = {}
        self.rows: list[list[str]] = []
        self.lanes: dict[int, list[tuple[float, str]]] = {}
        self.stubs: dict[int, list[tuple[float, str]]] = {}
        self.paths: list[Path] = []
        self.into: dict[str, list[Wire]] = {}
        for wire in wires:
            self.into.setdefault(wire.target, []).append(wire)

    def level(self) -> Level:
        for cell in self.cells.values():
            self._place(cell)
            self._connect(cell)
        for wire in self.into.get("", []):
            self._leave(wire)
        return self._measure()

    # --- places

    def _place(self, cell: Cell) -> None:
        sources = [wire for wire in self.into.get(cell.key, []) if wire.source in self.row]
        if cell.last:
            row = len(self.rows)
        elif sources:
            row = 1 + max(self.row[wire.source] for wire in sources)
        else:
            row = self._row_for_source()
        while len(self.rows) <= row:
            self.rows.append([])
        wanted = self._wanted_x(cell, sources, row)
        self.x[cell.key] = self._free_place(row, wanted, cell.width)
        self.row[cell.key] = row
        self.rows[row].append(cell.key)

    def _row_for_source(self) -> int:
        """A row for what depends on nothing here: the first, or the last when the first is full."""
        if not self.rows or self._right(0) < _WIDEST_ROW:
            return 0
        last = len(self.rows) - 1
        return last if last and self._right(last) < _WIDEST_ROW else last + 1

    def _right(self, row: int) -> float:
        return max((self.x[key] + self.cells[key].width for key in self.rows[row]), default=0.0)

    def _wanted_x(self, cell: Cell, sources: Sequence[Wire], row: int) -> float:
        if not sources:
            right = self._right(row)
            return right + COLUMN_GAP if right else 0.0
        total = 0.0
        for wire in sources:
            total += self._out_x(wire) - cell.in_port(wire.key, 0, 1).at
        return max(0.0, total / len(sources))

    def _out_x(self, wire: Wire) -> float:
        return self._out(wire).at

    def _out(self, wire: Wire) -> Port:
        return self.cells[wire.source].out_port(wire.key).shifted(self.x[wire.source])

    def _free_place(self, row: int, wanted: float, width: float) -> float:
        blocked = [
            (self.x[key] - COLUMN_GAP - width, self.x[key] + self.cells[key].width + COLUMN_GAP)
            for key in self.rows[row]
        ]
        blocked += [(lane - _CLEAR - width, lane + _CLEAR) for lane, _ in self.lanes.get(row, [])]
        return _nearest(wanted, blocked, 0.0)

    # --- wires

    def _connect(self, cell: Cell) -> None:
        wires = self.into.get(cell.key, [])
        inner = sorted((wire for wire in wires if wire.source in self.x), key=self._out_x)
        entering = [wire for wire in wires if not wire.source]
        ordered = inner + entering
        left, row = self.x[cell.key], self.row[cell.key]
        for place, wire in enumerate(ordered):
            end = cell.in_port(wire.key, place, len(ordered)).shifted(left)
            top = self.row[wire.source] if wire.source else -1
            start = self._out(wire) if wire.source else None
            self._route(wire, f"f:{wire.source or wire.key}", start, end, top, row, False)
            if wire.gradient:
                end = cell.gradient_top(wire.key).shifted(left)
                start = self._gradient_out(wire) if wire.source else None
                self._route(wire, f"g:{cell.key}", start, end, top, row, True)

    def _gradient_out(self, wire: Wire) -> Port:
        return self.cells[wire.source].gradient_bottom(wire.key).shifted(self.x[wire.source])

    def _route(
        self, wire: Wire, group: str, start: Port | None, end: Port, top: int, bottom: int, gradient: bool
    ) -> None:
        between = range(top + 1, bottom)
        gaps = range(top + 1, bottom + 1)
        low, high = (end.low, end.high) if start is None else (max(start.low, end.low), min(start.high, end.high))
        first = end if start is None else start
        wishes = [first.at] if start is None else [start.at, end.at]
        if low <= high:
            wishes.insert(0, self._clear_of(Port(min(max(first.at, low), high), low, high), gaps, group))
        lane = self._corridor(between, wishes, group, keep_off=self.head if start is None else 0.0)
        for row in between:
            self.lanes.setdefault(row, []).append((lane, group))
        if low <= lane <= high:
            slack = Port(lane, max(low, self.head), high) if start is None and not between else None
            self._add(Path(wire.key, group, lane, lane, top, bottom, [], gradient, slack, wire.source))
            return
        begin = lane if start is None else self._clear_of(start, (top + 1,), group)
        finish = self._clear_of(end, (bottom,), group)
        if not between:
            lane = begin
        jogs = []
        if begin != lane:
            jogs.append((top + 1, begin, lane))
        if lane != finish:
            jogs.append((bottom, lane, finish))
        self._add(Path(wire.key, group, begin, finish, top, bottom, jogs, gradient, None, wire.source))

    def _add(self, path: Path) -> None:
        self.paths.append(path)
        self.stubs.setdefault(path.top_row + 1, []).append((path.start, path.group))
        self.stubs.setdefault(path.bottom_row, []).append((path.end, path.group))

    def _clear_of(self, port: Port, gaps: Iterable[int], group: str) -> float:
        """The place within a port nearest to its best where no other wire stands upright in ``gaps``."""
        taken = [(x - _APART, x + _APART) for gap in gaps for x, owner in self.stubs.get(gap, []) if owner != group]
        found = _nearest(port.at, taken, port.low)
        if found > port.high:
            below = [low for low, high in taken if low >= port.low and not any(a < low < b for a, b in taken)]
            found = max((low for low in below if low <= port.at), default=port.at)
        return found

    def _leave(self, wire: Wire) -> None:
        bottom = len(self.rows)
        top = self.row[wire.source]
        self._exit(wire, f"f:{wire.source}", self._out(wire), top, bottom, False)
        if wire.gradient:
            self._exit(wire, f"x:{wire.source}", self._gradient_out(wire), top, bottom, True)

    def _exit(self, wire: Wire, group: str, start: Port, top: int, bottom: int, gradient: bool) -> None:
        between = range(top + 1, bottom)
        lane = self._corridor(between, [start.at], group)
        for row in between:
            self.lanes.setdefault(row, []).append((lane, group))
        if start.low <= lane <= start.high:
            slack = Port(lane, start.low, start.high) if not between else None
            self._add(Path(wire.key, group, lane, lane, top, bottom, [], gradient, slack, wire.source))
            return
        jogs = [(top + 1, start.at, lane)]
        self._add(Path(wire.key, group, start.at, lane, top, bottom, jogs, gradient, None, wire.source))

    def _corridor(self, rows: Iterable[int], wishes: Sequence[float], group: str, keep_off: float = 0.0) -> float:
        """An x at which a wire can run down through ``rows`` without touching anything: the first wish that is free,
        else what is free nearest to the last."""
        blocked: list[tuple[float, float]] = []
        for row in rows:
            for key in self.rows[row]:
                blocked.append((self.x[key] - _CLEAR, self.x[key] + self.cells[key].width + _CLEAR))
            blocked += [(lane - _LANE, lane + _LANE) for lane, owner in self.lanes.get(row, []) if owner != group]
        if keep_off:
            blocked.append((-1e9, keep_off))
        for wish in wishes:
            if not any(low < wish < high for low, high in blocked):
                return wish
        return _nearest(wishes[-1], blocked, _LEFTMOST)

    # --- sizes

    def _measure(self) -> Level:
        heights = [max((self.cells[key].height for key in row), default=0.0) for row in self.rows]
        tracks, counts = self._tracks()
        gaps = [self._gap(at, counts.get(at, 0), len(heights)) for at in range(len(heights) + 1)]
        tops: list[float] = []
        y = 0.0
        for at, height in enumerate(heights):
            y += gaps[at]
            tops.append(y)
            y += height
        bottom = y + gaps[-1]
        level = Level(0.0, bottom, {}, {}, {}, {}, {}, {}, {})
        for key, row in self.row.items():
            level.places[key] = (self.x[key], tops[row])
        ends = [0.0, *(tops[at] + heights[at] for at in range(len(heights)))]
        for place, path in enumerate(self.paths):
            self._draw(level, path, place, tracks, tops, ends, bottom)
        right = [self.x[key] + cell.width for key, cell in self.cells.items()]
        lanes = [x for route in (*level.routes.values(), *level.gradient_routes.values()) for x, _ in route]
        level.width = max([*right, *(x + 8.0 for x in lanes)], default=0.0)
        level.crossings = count_crossings([*level.routes.values(), *level.gradient_routes.values()])
        return level

    def _gap(self, at: int, tracks: int, rows: int) -> float:
        needed = _FIRST_TRACK + _LANE * max(0, tracks - 1) + _LAST_TRACK if tracks else 0.0
        if 0 < at < rows:
            return max(ROW_GAP, needed + 6.0)
        edge = (10.0 if at == 0 else 14.0) if self.framed else 0.0
        return max(edge, needed)

    def _tracks(self) -> tuple[dict[tuple[int, int], int], dict[int, int]]:
        """Which track each jog runs in, by (path, jog): jogs of one fork share a track, others don't overlap; forward
        tracks lie above gradient tracks."""
        spans: dict[int, dict[str, list[tuple[float, float, int, int]]]] = {}
        for place, path in enumerate(self.paths):
            for at, (gap, a, b) in enumerate(path.jogs):
                spans.setdefault(gap, {}).setdefault(path.group, []).append((min(a, b), max(a, b), place, at))
        found: dict[tuple[int, int], int] = {}
        counts: dict[int, int] = {}
        for gap, groups in spans.items():
            taken: list[list[tuple[float, float]]] = []
            forward = [group for group in groups if not group.startswith(("g:", "x:"))]
            forward.sort(key=lambda group, groups=groups: self._nesting(groups[group]))  # type: ignore[misc]
            backward = [group for group in groups if group.startswith(("g:", "x:"))]
            base = 0
            for group in [*forward, *backward]:
                if group in backward and base == 0:
                    base = len(taken)
                low = min(span[0] for span in groups[group])
                high = max(span[1] for span in groups[group])
                first = base if group in backward else 0
                track = next(
                    (
                        at
                        for at in range(first, len(taken))
                        if not any(a - 6 < high and low < b + 6 for a, b in taken[at])
                    ),
                    len(taken),
                )
                if track == len(taken):
                    taken.append([])
                taken[track].append((low, high))
                for _, _, place, at in groups[group]:
                    found[place, at] = track
            counts[gap] = len(taken)
        return found, counts

    def _nesting(self, spans: Sequence[tuple[float, float, int, int]]) -> float:
        """Sort key that lets wires going the same way nest instead of cross."""
        _, _, place, at = spans[0]
        _, a, b = self.paths[place].jogs[at]
        return -a if b > a else a

    def _draw(
        self,
        level: Level,
        path: Path,
        place: int,
        tracks: dict[tuple[int, int], int],
        tops: list[float],
        ends: list[float],
        bottom: float,
    ) -> None:
        begin = tops[path.top_row] + self.cells[path.source].height if path.source else 0.0
        points: list[Point] = [(path.start, begin)]
        for at, (gap, a, b) in enumerate(path.jogs):
            y = ends[gap] + _FIRST_TRACK + _LANE * tracks[place, at]
            points += [(a, y), (b, y)]
        leaves = path.bottom_row >= len(tops)
        points.append((path.end, bottom if leaves else tops[path.bottom_row]))
        if path.gradient:
            level.gradient_routes[path.wire] = points[::-1]
        else:
            level.routes[path.wire] = points
        if path.top_row < 0:
            port = path.slack or Port(path.start, path.start, path.start)
            (level.gradient_entries if path.gradient else level.entries)[path.wire] = port
        if leaves:
            port = path.slack or Port(path.end, path.end, path.end)
            (level.gradient_exits if path.gradient else level.exits)[path.wire] = port


def _nearest(wanted: float, blocked: Sequence[tuple[float, float]], least: float) -> float:
    """The free position nearest to ``wanted``, at least ``least``; ties go right."""
    wanted = max(wanted, least)
    merged: list[tuple[float, float]] = []
    for low, high in sorted(blocked):
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    for low, high in merged:
        if low < wanted < high:
            return low if low >= least and wanted - low < high - wanted else high
    return wanted


def count_crossings(routes: Sequence[Sequence[Point]]) -> int:
    """How often routes cross each other at right angles; ``UNCOUNTED`` when there are too many to count."""
    across: list[tuple[float, float, float, int]] = []
    down: list[tuple[float, float, float, int]] = []
    for at, route in enumerate(routes):
        for (x0, y0), (x1, y1) in pairwise(route):
            if y0 == y1:
                across.append((y0, min(x0, x1), max(x0, x1), at))
            else:
                down.append((x0, min(y0, y1), max(y0, y1), at))
    if len(across) * len(down) > 200_000:
        return UNCOUNTED
    return sum(
        1
        for y, left, right, one in across
        for x, top, low, other in down
        if one != other and left < x < right and top < y < low
    )
