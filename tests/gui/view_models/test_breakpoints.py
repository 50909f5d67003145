"""The breakpoint list's model."""

from __future__ import annotations

from retrograd_debug.session.api import Breakpoint, BreakpointStatus
from retrograd_gui.view_models.breakpoints import BreakpointsModel

FILE = "/home/ada/train.py"


def filled() -> BreakpointsModel:
    model = BreakpointsModel(lambda file, line: "    loss.backward()" if line == 21 else "")
    model.update(
        [
            Breakpoint(1, "line", FILE, 21),
            Breakpoint(2, "op", op="mse_loss"),
            Breakpoint(3, "line", FILE, 24, enabled=False),
            Breakpoint(4, "line", FILE, 3),
        ],
        {
            1: BreakpointStatus(1, 21, 4, ""),
            2: BreakpointStatus(2, 0, 1, ""),
            4: BreakpointStatus(4, 3, 0, "No code runs on this line"),
        },
    )
    return model


def test_rows_say_where_what_and_how_often() -> None:
    rows = filled().rows
    assert [(row.title, row.detail, row.hits, row.state) for row in rows] == [
        ("line 21", "loss.backward()", "4 hits", "on"),
        ("before mse_loss", "", "1 hit", "on"),
        ("line 24", "", "off", "off"),
        ("line 3", "No code runs on this line", "0 hits", "unreachable"),
    ]


def test_several_files_are_named() -> None:
    model = BreakpointsModel(lambda file, line: "")
    model.update([Breakpoint(1, "line", FILE, 2), Breakpoint(2, "line", "/b/model.py", 9)], {})
    assert [row.title for row in model.rows] == ["train.py line 2", "model.py line 9"]


def test_changes_replace_the_whole_list() -> None:
    model = filled()
    assert [b.enabled for b in model.with_enabled(2, True)] == [True, True, True, True]
    assert [b.id for b in model.without([0, 3])] == [2, 3]
    added = model.with_op("AddmmBackward0")[-1]
    assert (added.id, added.kind, added.op) == (0, "op", "AddmmBackward0")
    assert len(model.with_op("mse_loss")) == 4
    assert len(model.with_op("")) == 4
