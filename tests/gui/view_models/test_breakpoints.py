"""The breakpoint list's model."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from retrograd_debug.session.api import Breakpoint, BreakpointStatus
from retrograd_gui.view_models.breakpoint_kinds import KINDS, FormError, KindForm, title_of
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
    op = next(form for form in KINDS if form.key == "op")
    added = model.with_new(op, "AddmmBackward0")[-1]
    assert (added.id, added.kind, added.op) == (0, "op", "AddmmBackward0")
    assert len(model.with_new(op, "mse_loss")) == 4, "it is there already"
    changed = model.with_changed(Breakpoint(2, "op", op="mse_loss", condition="iteration > 3"))
    assert [b.condition for b in changed] == ["", "iteration > 3", "", ""]


TEXTS = {"range": "fc.weight -1e3..10", "iteration": "12", "optimizer": "", "exception": ""}


@pytest.mark.parametrize("form", KINDS, ids=lambda form: form.key)
def test_each_kind_makes_a_breakpoint_that_reads_as_a_sentence(form: KindForm) -> None:
    made = form.make(TEXTS.get(form.key, "fc.weight" if form.takes_text else ""))
    title = title_of(made)
    assert title != made.kind
    if form.takes_text and form.key not in TEXTS:
        assert "fc.weight" in title
    model = BreakpointsModel(lambda file, line: "")
    model.update([replace(made, id=1)], {})
    assert (model.rows[0].title, model.rows[0].state) == (title, "on")


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("op", "", "operation"),
        ("iteration", "soon", "number"),
        ("range", "fc.weight", "range"),
        ("range", "fc.weight ..", "bound"),
        ("range", "fc.weight a..b", "range"),
    ],
)
def test_text_that_makes_none_is_answered_in_words(key: str, text: str, says: str) -> None:
    form = next(form for form in KINDS if form.key == key)
    with pytest.raises(FormError, match=says):
        form.make(text)


def test_a_range_may_name_an_operation_and_lack_a_bound() -> None:
    form = next(form for form in KINDS if form.key == "range")
    made = form.make("op exp ..1e6")
    assert (made.op, made.tensor, made.low, made.high) == ("exp", "", None, 1e6)


def test_what_else_it_asks_is_said_beside_it() -> None:
    model = BreakpointsModel(lambda file, line: "loss.backward()")
    model.update(
        [Breakpoint(1, "line", FILE, 2, condition="x > 1", ignore=3, log="at {x}", once=True)],
        {1: BreakpointStatus(1, 2, 4, "", spent=True)},
    )
    row = model.rows[0]
    assert (row.detail, row.hits, row.state) == ("if x > 1, skips 3 hits, writes “at {x}”, once", "done", "off")
