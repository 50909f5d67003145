"""Layout of a whole picture: one call per scope, innermost first, then the data leaves in the left margin.

Scopes are laid out apart and remembered by structure, so a finished scope never moves inside, and only the scope that
grows is worked on again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from retrograd_debug.graph.geometry import MIRROR_GAP, SCOPE_HEAD, SCOPE_PAD, Box, Layout, Link, Point, Rect, Request
from retrograd_debug.graph.plain import Cell, Level, Port, Wire, arrange

Arrange = Callable[[Sequence[Cell], Sequence[Wire], float, bool], Level]
"""Lays out one level: cells, wires, width of the title, whether it has a frame."""

_MARGIN = 20.0
_DATA_GAP = 10.0


@dataclass
class _Scope:
    """A scope being laid out: what it holds and which wires it sees."""

    box: Box | None
    children: list[Box] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    level: Level | None = None


def lay_out(request: Request, engine: Arrange = arrange) -> Layout:
    """Places and routes for ``request``. Deterministic: equal requests give equal layouts."""
    return _Plan(request, engine).layout()


class _Plan:
    """The work of ``lay_out``; used once."""

    def __init__(self, request: Request, engine: Arrange) -> None:
        self.engine = engine
        self.boxes = {box.key: box for box in request.boxes}
        self.scopes: dict[str, _Scope] = {"": _Scope(None)}
        self.data: list[Box] = []
        for box in request.boxes:
            if box.kind == "data":
                self.data.append(box)
                continue
            if box.kind == "scope":
                self.scopes[box.key] = _Scope(box)
            self.scopes[box.parent].children.append(box)
        self.inner: list[Link] = []
        self.outer: list[Link] = []
        for link in request.links:
            source, target = self.boxes[link.source], self.boxes[link.target]
            if target.kind == "data":
                continue
            (self.outer if source.kind == "data" else self.inner).append(link)
        self.result = Layout(engine=getattr(engine, "__name__", ""))
        self.at: dict[str, Point] = {}

    def layout(self) -> Layout:
        for link in self.inner:
            self._thread(link)
        self._solve("")
        self._put("", 0.0, 0.0)
        for link in self.inner:
            self._join(link)
        self._margin()
        return self.result

    # --- wires through scopes

    def _chain(self, key: str) -> list[str]:
        """The scopes around a box, innermost first, ending with the root."""
        chain = []
        parent = self.boxes[key].parent
        while parent:
            chain.append(parent)
            parent = self.boxes[parent].parent
        return [*chain, ""]

    def _legs(self, link: Link) -> tuple[list[tuple[str, str]], str, list[tuple[str, str]]]:
        """How a link runs: (scope, child) pairs up from its source, the common scope, and pairs down to its target."""
        up, down = self._chain(link.source), self._chain(link.target)
        common = next(scope for scope in up if scope in down)
        leaving, child = [], link.source
        for scope in up[: up.index(common)]:
            leaving.append((scope, child))
            child = scope
        entering, child = [], link.target
        for scope in down[: down.index(common)]:
            entering.append((scope, child))
            child = scope
        return leaving, common, entering[::-1]

    def _thread(self, link: Link) -> None:
        leaving, common, entering = self._legs(link)
        gradient = bool(link.gradient)
        for scope, child in leaving:
            self.scopes[scope].wires.append(Wire(link.key, child, "", gradient))
        source = leaving[-1][0] if leaving else link.source
        target = entering[0][0] if entering else link.target
        self.scopes[common].wires.append(Wire(link.key, source, target, gradient))
        for scope, child in entering:
            self.scopes[scope].wires.append(Wire(link.key, "", child, gradient))

    # --- places, innermost scope first

    def _solve(self, key: str) -> None:
        scope = self.scopes[key]
        cells = []
        for box in scope.children:
            if box.kind == "scope":
                self._solve(box.key)
                cells.append(self._scope_cell(box))
            else:
                mirror = box.mirror_width
                width = box.width + (MIRROR_GAP + mirror if mirror else 0.0)
                cells.append(Cell(box.key, width, box.height, box.width, mirror, box.last))
        head = scope.box.head - SCOPE_PAD if scope.box is not None else 0.0
        scope.level = self.engine(cells, scope.wires, head, scope.box is not None)

    def _scope_cell(self, box: Box) -> Cell:
        level = self.scopes[box.key].level
        if level is None:
            raise AssertionError("a scope is measured before its parent")
        crossing = [*level.entries.values(), *level.gradient_entries.values()]
        clear = max((port.at for port in crossing), default=0.0) + SCOPE_PAD + 10.0
        width = max(level.width + 2 * SCOPE_PAD, box.head + box.tail + 2 * SCOPE_PAD, clear + box.tail)
        height = level.height + SCOPE_HEAD

        most = width - box.tail - 2 * SCOPE_PAD

        def inside(ports: dict[str, Port], most: float) -> dict[str, Port]:
            return {
                wire: Port(port.at, min(port.low, port.at), max(port.at, min(port.high, most))).shifted(SCOPE_PAD)
                for wire, port in ports.items()
            }

        return Cell(
            box.key,
            width,
            height,
            width,
            0.0,
            box.last,
            inside(level.entries, most),
            inside(level.exits, width),
            inside(level.gradient_entries, most),
            inside(level.gradient_exits, width),
        )

    def _put(self, key: str, left: float, top: float) -> None:
        """Turn the places within scope ``key``, whose content starts at (left, top), into absolute ones."""
        self.at[key] = (left, top)
        scope = self.scopes[key]
        if scope.level is None:
            return
        for box in scope.children:
            x, y = scope.level.places[box.key]
            x, y = left + x, top + y
            if box.kind == "scope":
                cell = self._scope_cell(box)
                self.result.rects[box.key] = (x, y, cell.width, cell.height)
                self._put(box.key, x + SCOPE_PAD, y + SCOPE_HEAD)
                continue
            self.result.rects[box.key] = (x, y, box.width, box.height)
            if box.mirror:
                self.result.rects[box.mirror] = (x + box.width + MIRROR_GAP, y, box.mirror_width, box.height)

    def _join(self, link: Link) -> None:
        leaving, common, entering = self._legs(link)
        upper = [scope for scope, _ in leaving]
        lower = [scope for scope, _ in entering]
        self.result.routes[link.key] = straighten(self._chained(link.key, upper, common, lower, False))
        if link.gradient:
            backward = self._chained(link.key, upper, common, lower, True)
            if backward:
                self.result.routes[link.gradient] = straighten(backward[::-1])

    def _chained(self, wire: str, upper: Sequence[str], common: str, lower: Sequence[str], up: bool) -> list[Point]:
        """A link's way down through all scopes: straight pieces follow the common scope's choice of x."""
        middle = self._piece(wire, common, up)
        if not middle:
            return []
        points = list(middle)
        for scope in reversed(upper):
            points = [*_follow(self._piece(wire, scope, up), points[0][0]), *points]
        for scope in lower:
            points += _follow(self._piece(wire, scope, up), points[-1][0])
        return points

    def _piece(self, wire: str, scope: str, up: bool) -> list[Point]:
        level, (left, top) = self.scopes[scope].level, self.at[scope]
        if level is None:
            return []
        piece = (level.gradient_routes if up else level.routes).get(wire, [])
        return [(left + x, top + y) for x, y in (piece[::-1] if up else piece)]

    # --- data leaves, left of everything

    def _margin(self) -> None:
        uses: dict[str, list[Link]] = {}
        for link in self.outer:
            uses.setdefault(link.source, []).append(link)
        solid = [rect for key, rect in self.result.rects.items() if key not in self.scopes]
        left = min((rect[0] for rect in self.result.rects.values()), default=0.0)
        ports = self._side_ports()
        floor = -1e9
        order = sorted(
            self.data, key=lambda box: min((ports[link.key][1] for link in uses.get(box.key, [])), default=0.0)
        )
        for lane, box in enumerate(order):
            links = uses.get(box.key, [])
            wished = min((ports[link.key][1] for link in links), default=floor + 40.0 if floor > -1e8 else 0.0)
            middle = max(wished, floor + box.height / 2)
            floor = middle + box.height / 2 + _DATA_GAP
            x = left - _MARGIN - box.width
            self.result.rects[box.key] = (x, middle - box.height / 2, box.width, box.height)
            turn = left - _MARGIN + 5.0 + (lane % 3) * 5.0
            for link in links:
                self._side_route(link, (x + box.width, middle), turn, ports[link.key], solid)

    def _side_ports(self) -> dict[str, Point]:
        """Where each data leaf's edge meets the left side of its user: spread when several do."""
        by_target: dict[str, list[Link]] = {}
        for link in self.outer:
            by_target.setdefault(link.target, []).append(link)
        ports: dict[str, Point] = {}
        for target, links in by_target.items():
            x, y, _, height = self.result.rects[target]
            for at, link in enumerate(links):
                ports[link.key] = (x, y + height * (at + 1) / (len(links) + 1))
        return ports

    def _side_route(self, link: Link, start: Point, turn: float, port: Point, solid: Sequence[Rect]) -> None:
        x, y = port
        blocked = any(
            rect[0] < x - 1 and rect[0] + rect[2] > start[0] + 1 and rect[1] - 4 < y < rect[1] + rect[3] + 4
            for rect in solid
        )
        route = [start, (turn, start[1]), (turn, y), (x, y)]
        if blocked:
            top = self.result.rects[link.target][1]
            route = [start, (turn, start[1]), (turn, top - 12.0), (x + 14.0, top - 12.0), (x + 14.0, top)]
        self.result.routes[link.key] = straighten(route)


def _follow(piece: list[Point], x: float) -> list[Point]:
    """A straight piece moved to ``x``; others are already there."""
    return [(x, y) for _, y in piece] if len(piece) == 2 and piece[0][0] == piece[1][0] else piece


def straighten(points: Sequence[Point]) -> list[Point]:
    """A route without repeated points and without points on a straight line."""
    result: list[Point] = []
    for point in points:
        if result and abs(result[-1][0] - point[0]) < 0.01 and abs(result[-1][1] - point[1]) < 0.01:
            continue
        if len(result) > 1:
            (ax, ay), (bx, by) = result[-2], result[-1]
            if (abs(ax - bx) < 0.01 and abs(bx - point[0]) < 0.01) or (
                abs(ay - by) < 0.01 and abs(by - point[1]) < 0.01
            ):
                result[-1] = point
                continue
        result.append(point)
    return result
