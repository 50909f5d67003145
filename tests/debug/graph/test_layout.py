"""Layouts: nothing overlaps, nothing moves when something is appended, gradients go up."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrograd_debug.graph.geometry import MIRROR_GAP, Box, Layout, Link, Rect, Request
from retrograd_debug.graph.layered import choose
from retrograd_debug.graph.layout import lay_out, straighten
from retrograd_debug.graph.plain import arrange
from retrograd_debug.graph.worker import HEADER, frame


def net(count: int, seed: int, scopes: bool = True) -> Request:
    """A random network: ops that use one to three earlier ones, some in scopes, a parameter here and there."""
    chance = random.Random(seed)
    boxes: list[Box] = []
    links: list[Link] = []
    made: list[str] = []
    scope = ""
    for at in range(count):
        if scopes and at % 4 == 0:
            scope = f"s{at}" if chance.random() < 0.7 else ""
            if scope:
                boxes.append(Box(scope, "", "scope", 0, 0, head=120, tail=60))
        key = f"o{at}"
        inputs = chance.sample(made[-8:], min(len(made), chance.choice((1, 1, 2, 3))))
        if chance.random() < 0.4:
            boxes.append(Box(f"p{at}", scope, "pair", 124, 28, f"mp{at}", 130))
            inputs.append(f"p{at}")
        if chance.random() < 0.2:
            boxes.append(Box(f"d{at}", "", "data", 104, 28))
            links.append(Link(f"d{at}>{key}", f"d{at}", key))
        boxes.append(Box(key, scope, "pair", chance.choice((110, 150, 200)), 46, f"m{at}", 140))
        links += [Link(f"{source}>{key}", source, key, f"g{source}>{key}") for source in inputs]
        made.append(key)
    return Request(boxes, links)


def overlaps(a: Rect, b: Rect) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def check(request: Request, layout: Layout) -> None:
    boxes = {box.key: box for box in request.boxes}
    solid = [(key, rect) for key, rect in layout.rects.items() if boxes.get(key, boxes["o0"]).kind != "scope"]
    for at, (one, a) in enumerate(solid):
        for other, b in solid[:at]:
            assert not overlaps(a, b), (one, other)
    for box in request.boxes:
        rect = layout.rects[box.key]
        if box.mirror:
            mirror = layout.rects[box.mirror]
            assert mirror[0] == pytest.approx(rect[0] + rect[2] + MIRROR_GAP)
            assert mirror[1] == rect[1]
        if box.parent:
            around = layout.rects[box.parent]
            assert around[0] <= rect[0]
            assert around[1] + 26 <= rect[1]
            assert rect[0] + rect[2] <= around[0] + around[2]
            assert rect[1] + rect[3] <= around[1] + around[3]
    for link in request.links:
        check_route(request, layout, link)


def check_route(request: Request, layout: Layout, link: Link) -> None:
    boxes = {box.key: box for box in request.boxes}
    route = layout.routes[link.key]
    source, target = layout.rects[link.source], layout.rects[link.target]
    for (x0, y0), (x1, y1) in pairwise(route):
        assert abs(x0 - x1) < 0.01 or abs(y0 - y1) < 0.01, "only upright and level pieces"
    assert source[0] <= route[0][0] <= source[0] + source[2]
    assert target[0] <= route[-1][0] <= target[0] + target[2]
    if boxes[link.source].kind != "data":
        assert route[0][1] == pytest.approx(source[1] + source[3])
        assert route[-1][1] == pytest.approx(target[1])
    if link.gradient:
        up = layout.routes[link.gradient]
        below = layout.rects[boxes[link.target].mirror]
        above = layout.rects[boxes[link.source].mirror]
        assert below[0] <= up[0][0] <= below[0] + below[2]
        assert up[0][1] == pytest.approx(below[1])
        assert above[0] <= up[-1][0] <= above[0] + above[2]
        assert up[-1][1] == pytest.approx(above[1] + above[3])
        assert up[-1][1] < up[0][1], "gradients go up"


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10_000))
def test_nothing_overlaps_and_every_edge_joins_its_ends(count: int, seed: int) -> None:
    request = net(count, seed)
    check(request, lay_out(request))


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 20), st.integers(0, 10_000))
def test_the_better_of_two_ways_holds_the_same(count: int, seed: int) -> None:
    request = net(count, seed, scopes=False)
    check(request, lay_out(request, choose))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 25), st.integers(0, 10_000))
def test_appending_moves_nothing_that_is_finished(count: int, seed: int) -> None:
    """Rows above the last one stay; the last may be pushed down by the wires of what follows it."""
    whole = net(count, seed, scopes=False)
    boxes = [box for box in whole.boxes if box.kind != "data"]
    keys = {box.key for box in boxes}
    links = [link for link in whole.links if link.source in keys]
    before = lay_out(Request(boxes[:-1], [link for link in links if link.target != boxes[-1].key]))
    after = lay_out(Request(boxes, links))
    assert {key: rect[0] for key, rect in before.rects.items()} == {key: after.rects[key][0] for key in before.rects}


def test_growing_row_by_row_moves_nothing_at_all() -> None:
    boxes = [Box(f"o{at}", "", "pair", 150, 46, f"m{at}", 140) for at in range(12)]
    links = [Link(f"{at}", f"o{at}", f"o{at + 1}", f"g{at}") for at in range(11)]
    whole = lay_out(Request(boxes, links))
    for count in range(1, 12):
        part = lay_out(Request(boxes[:count], links[: count - 1]))
        assert part.rects == {key: whole.rects[key] for key in part.rects}
        assert part.routes == {key: whole.routes[key] for key in part.routes}


def test_equal_structure_has_one_digest_and_one_layout() -> None:
    one, two = net(20, 3), net(20, 3)
    assert one.digest() == two.digest()
    assert one.digest() != net(20, 4).digest()
    assert lay_out(one) == lay_out(two)


def test_a_route_keeps_only_its_corners() -> None:
    assert straighten([(0, 0), (0, 5), (0, 5), (0, 9), (4, 9), (8, 9)]) == [(0, 0), (0, 9), (8, 9)]


def test_many_ops_without_scopes_stay_within_reach() -> None:
    boxes = [Box(f"o{at}", "", "pair", 150, 46) for at in range(200)]
    layout = lay_out(Request(boxes, []))
    assert max(rect[0] + rect[2] for rect in layout.rects.values()) < 2000


@pytest.mark.skipif(importlib.util.find_spec("graphlay") is None, reason="graphlay is not installed")
def test_tangled_levels_are_untangled() -> None:
    """Two rows joined in reverse order: rows in the order of the run cross, a global order does not."""
    boxes = [Box(f"a{at}", "", "pair", 110, 46) for at in range(6)]
    boxes += [Box(f"b{at}", "", "pair", 110, 46) for at in range(6)]
    links = [Link(f"{at}-{far}", f"a{at}", f"b{(at * 5 + far) % 6}") for at in range(6) for far in (0, 1)]
    request = Request(boxes, links)
    assert lay_out(request, choose).routes.keys() == lay_out(request, arrange).routes.keys()


def test_the_process_answers_by_number_and_ends_with_its_input() -> None:
    request = net(10, 1)
    body = msgspec.msgpack.encode(request)
    worker = subprocess.Popen(
        [sys.executable, "-m", "retrograd_debug.graph.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    out, _ = worker.communicate(frame(1, body) + frame(2, body), timeout=60)
    assert worker.returncode == 0
    numbers = []
    while out:
        length, number = HEADER.unpack_from(out)
        layout = msgspec.msgpack.decode(out[HEADER.size : HEADER.size + length], type=Layout)
        assert set(layout.rects) >= {box.key for box in request.boxes}
        numbers.append(number)
        out = out[HEADER.size + length :]
    assert numbers == [1, 2]
