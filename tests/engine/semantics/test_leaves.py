"""Leaves, accumulation, ``grad``'s checks, chosen inputs, unused inputs, freed graphs."""

from __future__ import annotations

import copy
import warnings
from typing import Any

from engine.twice import both, fails


def leaf(torch: Any, *values: float) -> Any:
    return torch.tensor(list(values), requires_grad=True)


@both
def test_leaf_and_non_leaf(torch: Any) -> object:
    x, c = leaf(torch, 1.0, 2.0), torch.ones(2)
    y = x * 2
    kept = y.detach()
    return [
        [each.is_leaf for each in (x, c, y, kept, c * 2)],
        [each.requires_grad for each in (x, c, y, kept, c * 2)],
        x.grad_fn is None, y.grad_fn.name(), y.output_nr,
        fails(lambda: y.requires_grad_(False)), fails(lambda: torch.ones(2, dtype=torch.int64).requires_grad_()),
        c.requires_grad_() is c, x.requires_grad_(False).requires_grad,
        fails(lambda: setattr(y, "requires_grad", False)),
    ]  # fmt: skip


@both
def test_retain_grad(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    before = y.retains_grad
    y.retain_grad()
    y.retain_grad()
    x.retain_grad()
    (y * y).sum().backward()
    z = leaf(torch, 3.0) * 1
    z.retain_grad()
    z.mul_(2)
    (z * 5).backward()
    return [before, y.retains_grad, x.retains_grad, y.grad, x.grad, z.grad, fails(lambda: torch.ones(1).retain_grad())]


@both
def test_accumulation(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    same_object = first is x.grad
    x.grad = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of the cycle that this makes there
        (x * x).sum().backward(create_graph=True)
    recorded = x.grad.requires_grad
    x.grad = None
    y = x * 2
    (y + y * y + x).sum().backward()
    return [same_object, first, recorded, x.grad]


@both
def test_assigned_gradients_are_checked(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)

    def assign(value: object) -> str:
        return fails(lambda: setattr(x, "grad", value))

    return [
        assign(torch.ones(3)), assign(torch.ones(2, dtype=torch.float64)), assign(1.0), assign(x),
        assign(torch.ones(2)), x.grad, assign(None), x.grad,
    ]  # fmt: skip


@both
def test_gradients_given_are_checked(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    y.backward(torch.ones(2, dtype=torch.float64), retain_graph=True)
    return [
        x.grad,
        fails(y.backward), fails(lambda: y.backward(torch.ones(3))), fails(lambda: y.backward(1.0)),
        fails(lambda: torch.autograd.backward([y, y], [torch.ones(2)])),
        fails(lambda: torch.ones(2).sum().backward()), fails(lambda: torch.autograd.backward(y, inputs=[])),
    ]  # fmt: skip


@both
def test_several_roots(torch: Any) -> object:
    x, w = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    y = x * w
    torch.autograd.backward([y.sum(), (y * y).sum()], retain_graph=True)
    torch.autograd.backward([y, x * 2], [torch.ones(2), torch.full((2,), 3.0)])
    z = x.sum()
    z.backward()
    torch.autograd.backward([x.sum(), x], [None, torch.ones(2)])
    return [x.grad, w.grad]


@both
def test_chosen_inputs(torch: Any) -> object:
    x, w = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    y = x * w
    (y * y).sum().backward(inputs=[x], retain_graph=True)
    first = [x.grad, w.grad]
    (y * y).sum().backward(inputs=w)
    z = x * 2
    (z * z).sum().backward(inputs=[z])
    return [first, x.grad, w.grad, fails(lambda: (x * 2).sum().backward(inputs=[torch.ones(2)]))]


@both
def test_grad_of_inputs_that_play_no_part(torch: Any) -> object:
    x, unused = leaf(torch, 1.0, 2.0), leaf(torch, 5.0)
    y = (x * x).sum()
    grad = torch.autograd.grad
    return [
        grad(y, [x, unused], retain_graph=True, allow_unused=True),
        grad(y, [x, unused], retain_graph=True, materialize_grads=True),
        grad(y, [x, x], retain_graph=True),
        grad([y, y * 2], x, retain_graph=True),
        fails(lambda: grad(y, [x, unused], retain_graph=True)),
        fails(lambda: grad(y, unused, allow_unused=False, materialize_grads=True)),
        fails(lambda: grad(y, torch.ones(1))),
        x.grad,
    ]


@both
def test_grad_of_a_middle_tensor_and_of_the_root_itself(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = x * 3
    z = (y * y).sum()
    a, b = y.unbind() if hasattr(y, "unbind") else (y[0], y[1])
    return [
        torch.autograd.grad(z, [y, x, z], retain_graph=True),
        torch.autograd.grad(a * b, [a, b], retain_graph=True),
    ]


@both
def test_a_freed_graph_is_refused(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    plain = (x + 1).sum()
    plain.backward()
    return [fails(y.backward), fails(plain.backward), x.grad]


@both
def test_several_sets_of_gradients_side_by_side(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0, 3.0)
    y = (x * x * x)[:2]
    eye = torch.eye(2)
    return [
        torch.autograd.grad(y, x, eye, is_grads_batched=True, retain_graph=True),
        torch.autograd.grad([y, x.sin()], [x], [eye, torch.ones(2, 3)], is_grads_batched=True),
    ]


@both
def test_data_and_detach(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    y.data[0] = 10.0
    version = y._version
    x.data = torch.tensor([3.0, 4.0, 5.0])
    y.detach_()
    z = (x * 2).detach()
    z[0] = 7.0
    x.data.mul_(2)
    whole = torch.ones(4)
    part = whole[1:]
    return [
        version, y, y.is_leaf, x, x.is_leaf, z, fails(leaf(torch, 1.0, 2.0)[0].detach_),
        part.detach().data.shape == part.shape, x.data.requires_grad,
    ]  # fmt: skip


@both
def test_deep_copies(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    (x * x).sum().backward()
    made = copy.deepcopy(x)
    pair = copy.deepcopy([x, x])
    model = torch.nn.Linear(2, 2)
    model.tied = model.weight
    copied = copy.deepcopy(model)
    copied.weight.data.zero_()
    return [
        made, made.grad, made is not x, pair[0] is pair[1], copied.tied is copied.weight,
        bool((model.weight != 0).all()), type(copied.weight).__name__, copied.weight.requires_grad,
        fails(lambda: copy.deepcopy(x * 2)),
    ]  # fmt: skip
