"""The backward pass: its order, its freeing, its depth, several roots, chosen inputs, hooks."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import retrograd
from retrograd import autograd


def leaf(*values: float) -> Any:
    return retrograd.tensor(list(values), requires_grad=True)


@pytest.mark.parametrize("depth", [100_000])
def test_a_chain_of_100_000_nodes_is_built_run_and_freed(depth: int) -> None:
    x = leaf(1.0)
    h = x
    for _ in range(depth):
        h = h + 1.0
    h.backward()
    assert x.grad.tolist() == [1.0]
    node = weakref.ref(h.grad_fn)
    del h
    assert node() is None


def test_saved_tensors_are_freed_unless_the_graph_is_retained() -> None:
    x = leaf(2.0, 3.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0, 12.0]
    with pytest.raises(RuntimeError, match=r"second time: MulBackward0 \(made at .*test_backward.py:\d+"):
        y.backward()


def test_gradients_accumulate_and_belong_to_their_leaf_alone() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).backward(retrograd.ones(2))
    a.grad.mul_(10)
    assert b.grad.tolist() == [1.0, 1.0]
    seed = retrograd.ones(2)
    c = leaf(1.0, 1.0)
    (c + 0.0).backward(seed)
    c.grad.add_(5)
    assert seed.tolist() == [1.0, 1.0]
    d = leaf(1.0, 1.0)
    d.sum().backward()
    d.grad[0] = 7.0
    assert d.grad.tolist() == [7.0, 1.0]


def test_several_roots_and_chosen_inputs() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    first, second = (x * w).sum(), (x * x).sum()
    autograd.backward([first, second], inputs=[x], retain_graph=True)
    assert x.grad.tolist() == [5.0, 8.0]
    assert w.grad is None
    (grad,) = autograd.grad(first, w)
    assert grad.tolist() == [1.0, 2.0]
    assert w.grad is None


def test_grad_of_a_middle_tensor_and_of_an_unused_one() -> None:
    x, unused = leaf(2.0), leaf(1.0)
    middle = x * 3.0
    y = (middle * middle).sum()
    grads = autograd.grad(y, [middle, x, unused], allow_unused=True, retain_graph=True)
    assert [None if each is None else each.tolist() for each in grads] == [[12.0], [36.0], None]
    with pytest.raises(RuntimeError, match="not have been used in the graph"):
        autograd.grad(y, unused)


def test_higher_orders() -> None:
    x = leaf(2.0)
    y = (x**4).sum()
    expected = [32.0, 48.0, 48.0, 24.0 * 2 / 2]
    for value in expected[:3]:
        (y,) = autograd.grad(y.sum(), x, create_graph=True)
        assert y.tolist() == [value]


def test_order_of_nodes_is_pytorchs() -> None:
    order: list[str] = []
    a, b = leaf(1.0), leaf(2.0)
    late = (a * b).exp()
    early = (a + b) * late
    out = early - a.sin()

    def follow(node: Any) -> None:
        if node is not None and id(node) not in seen:
            seen[id(node)] = node
            node.register_prehook(lambda grads, node=node: order.append(node.name()))
            for below, _ in node.next_functions:
                follow(below)

    seen: dict[int, Any] = {}
    follow(out.grad_fn)
    out.backward()
    assert order == [
        "SubBackward0", "SinBackward0", "MulBackward0", "AddBackward0", "ExpBackward0", "MulBackward0",
        "AccumulateGrad", "AccumulateGrad",
    ]  # fmt: skip


def test_tensor_hooks_run_in_order_and_replace() -> None:
    x = leaf(1.0)
    y = x * 2.0
    seen: list[float] = []
    y.register_hook(lambda grad: seen.append(grad.item()) or grad * 10)
    handle = y.register_hook(lambda grad: seen.append(grad.item()))
    x.register_hook(lambda grad: grad + 1)
    y.retain_grad()
    y.backward(retain_graph=True)
    assert seen == [1.0, 10.0]
    assert x.grad.tolist() == [21.0]
    assert y.grad.tolist() == [10.0]
    handle.remove()
    y.backward()
    assert seen == [1.0, 10.0, 1.0]


def test_node_hooks_see_and_replace() -> None:
    x = leaf(3.0)
    y = x * x
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 2,))
    y.grad_fn.register_hook(lambda inputs, outputs: tuple(each * 100 for each in inputs))
    y.backward()
    assert x.grad.tolist() == [1200.0]


def test_a_leaf_that_is_gone_is_made_again_on_demand() -> None:
    x = leaf(3.0)
    y = x * 2.0
    array = x.detach().numpy().copy()
    del x
    gc.collect()
    y.backward()
    found = y.grad_fn.next_functions[0][0].variable
    np.testing.assert_array_equal(found.detach().numpy(), array)
    assert found.grad.tolist() == [2.0]


def test_no_grad_detach_and_leaves() -> None:
    x = leaf(1.0)
    with retrograd.no_grad():
        assert not (x * 2).requires_grad
        with retrograd.enable_grad():
            assert (x * 2).requires_grad
    assert not x.detach().requires_grad
    assert x.is_leaf
    assert (x * 2).grad_fn.next_functions[0][0].variable is x

    @retrograd.no_grad()
    def quiet() -> Any:
        return x * 2

    assert not quiet().requires_grad
    with pytest.raises(RuntimeError, match="does not require grad"):
        x.detach().backward()
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        (leaf(1.0, 2.0) * 2).backward()


def test_memory_is_let_go_without_the_collector() -> None:
    gc.disable()
    try:
        x = leaf(1.0)
        h = (x * 2.0).exp()
        gone = [weakref.ref(x), weakref.ref(h.grad_fn)]
        h.backward()
        del x, h
        assert [each() for each in gone] == [None, None]
    finally:
        gc.enable()
