"""In-place changes: versions, the error that names both lines, views and their history."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd


def leaf(*values: float) -> Any:
    return retrograd.tensor(list(values), requires_grad=True)


def test_the_error_names_the_op_its_line_and_the_line_that_changed_it() -> None:
    x = leaf(1.0, 2.0)
    saved = x.exp()
    out = saved.sum()
    saved.add_(1)
    with pytest.raises(RuntimeError) as caught:
        out.backward()
    text = str(caught.value)
    assert "ExpBackward0 (made at" in text
    first = test_the_error_names_the_op_its_line_and_the_line_that_changed_it.__code__.co_firstlineno
    assert f"test_inplace.py:{first + 2}, in test_the_error" in text
    assert f"add_ at {__file__}:{first + 4}, in test_the_error" in text
    assert "version 0" in text


def test_a_change_before_saving_is_no_error() -> None:
    x = leaf(1.0, 2.0)
    h = x * 1.0
    h.add_(1)
    (h * h).sum().backward()
    assert x.grad.tolist() == [4.0, 6.0]


def test_versions_are_shared_by_views_and_detached_tensors() -> None:
    base = retrograd.zeros(4)
    view, other = base[1:], base.detach()
    view.add_(1)
    assert (base._version, view._version, other._version) == (1, 1, 1)
    assert base.tolist() == [0.0, 1.0, 1.0, 1.0]
    saved = leaf(2.0) * base
    other.zero_()
    with pytest.raises(RuntimeError, match=r"zero_|fill_"):
        saved.sum().backward()


def test_a_change_of_a_view_is_a_change_of_its_base() -> None:
    x = leaf(1.0, 2.0, 3.0)
    base = x * 2.0
    view, sibling = base[1:], base[:2]
    view.mul_(10.0)
    assert base.tolist() == [2.0, 40.0, 60.0]
    assert sibling.tolist() == [2.0, 40.0]
    assert base.grad_fn.name() == "CopySlices"
    assert sibling.grad_fn.name() == "AsStridedBackward0"
    (base.sum() + sibling.sum()).backward()
    assert x.grad.tolist() == [4.0, 40.0, 20.0]


def test_writing_by_index_is_differentiated() -> None:
    x, value = leaf(1.0, 2.0, 3.0), leaf(5.0)
    h = x * 1.0
    h[1] = value[0] * 3.0
    (h * h).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 6.0]
    assert value.grad.tolist() == [90.0]
    y = retrograd.zeros(3, 2)
    y[retrograd.tensor([0, 2])] = 1.0
    y[y == 0] = -1.0
    assert y.tolist() == [[1.0, 1.0], [-1.0, -1.0], [1.0, 1.0]]


def test_leaves_that_require_grad_are_guarded() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        x[0].add_(1)
    with retrograd.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 3.0]
    with pytest.raises(RuntimeError, match="clone"):
        retrograd.ones(1).expand(3).add_(1)
    with pytest.raises(RuntimeError, match="can't be cast"):
        retrograd.ones(2, dtype=retrograd.int64).add_(0.5)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "program",
    [
        lambda t, x: ((h := x * 2), h.add_(x), h.mul_(x))[-1],
        lambda t, x: ((h := x + 0), h[0].mul_(3), h[:, 1].add_(h[:, 0]))[0].sin(),
        lambda t, x: ((h := x + 0), h.t()[1].mul_(x[0, 0]), h)[-1] * x,
        lambda t, x: ((h := x.clone()), h.view(-1)[1:3].copy_(x.view(-1)[:2] * 5), h * h)[-1],
        lambda t, x: ((h := x * 1), h[h > 0].sum(), h.masked_fill(h > 0, 2.0) * x)[-1],
        lambda t, x: ((h := t.zeros(2, 2)), h.__setitem__((slice(None), 0), x[1]), h * x)[-1],
        lambda t, x: ((h := x * 1), h.zero_(), h + x)[-1],
        lambda t, x: ((h := x * 3), h.unsqueeze(0)[0, 1].fill_(2.0), h.relu_())[-1],
    ],
)
def test_pytorch_agrees(program: Any) -> None:
    torch = pytest.importorskip("torch")
    results = []
    for library in (retrograd, torch):
        x = library.tensor([[0.5, -1.0], [2.0, 3.0]], requires_grad=True)
        out = program(library, x)
        out.sum().backward()
        results.append((out.tolist(), x.grad.tolist(), out.grad_fn.name()))
    for ours, theirs in zip(*results, strict=True):
        assert ours == (theirs if isinstance(theirs, str) else [pytest.approx(row, rel=1e-6) for row in theirs])
