"""Transformations of functions: gradients, Jacobians, batches, forward mode; in any order."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from engine.twice import both, fails


def func_of(torch: Any) -> Any:
    return import_module(f"{torch.__name__}.func")


@both
def test_gradients(torch: Any) -> object:
    func = func_of(torch)
    x, w = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, -1.0, 2.0])

    def loss(x: Any, w: Any) -> Any:
        return (x.sin() * w * w).sum()

    held = torch.tensor([2.0], requires_grad=True)
    outer = func.grad(lambda x: (x * x * held).sum())(x)
    return [
        func.grad(loss)(x, w), func.grad(loss, argnums=(0, 1))(x, w), func.grad_and_value(loss)(x, w),
        func.grad(lambda x: (x.sum(), x * 2), has_aux=True)(x),
        func.grad(func.grad(func.grad(lambda y: y**4)))(torch.tensor(2.0)),
        func.grad(lambda p: (p["a"] * p["b"]).sum())({"a": x, "b": w}),
        outer, torch.autograd.grad(outer.sum(), held),
        func.grad(lambda x: (x * func.grad(lambda y: (x * y).sum())(x)).sum())(x),
        fails(lambda: func.grad(lambda x: x)(x)), fails(lambda: func.grad(lambda x: 3.0)(x)),
    ]  # fmt: skip


@both
def test_products_with_jacobians(torch: Any) -> object:
    func = func_of(torch)
    x, v = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, -1.0])
    value, pull = func.vjp(lambda x: (x.sin(), x.sum()), x)
    _, pull_two, aux = func.vjp(lambda a, b: (a * b, a), x, v, has_aux=True)
    out, push = func.linearize(lambda x: x * x.sin(), x)
    return [
        value, pull((v, torch.tensor(2.0))), pull_two(v), aux,
        func.jvp(lambda x: x * x.sin(), (x,), (v,)), func.jvp(lambda a, b: a * b, (x, v), (v, x)), out, push(v),
        func.jvp(lambda x: (x.exp(), {"aux": x}), (x,), (v,), has_aux=True),
        fails(lambda: func.jvp(lambda x: x, (x,), (v[:2],))),
        fails(lambda: func.jvp(lambda x: torch.ones(2), (x,), (v,), strict=True)),
    ]  # fmt: skip


@both
def test_jacobians_and_hessians(torch: Any) -> object:
    func = func_of(torch)
    x, w = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[0.5, -1.0], [2.0, 1.0], [0.0, 3.0]])

    def of(x: Any, w: Any) -> Any:
        return (x.sin() @ w).tanh()

    return [
        func.jacrev(of)(x, w), func.jacfwd(of)(x, w), func.jacrev(of, argnums=(0, 1))(x, w),
        func.jacfwd(of, argnums=(0, 1))(x, w), func.hessian(lambda x: (x * x * x.sum()).sum())(x),
        func.jacrev(func.jacrev(lambda x: (x * x * x).sum()))(x), func.jacfwd(func.jacfwd(lambda x: x * x * x))(x),
        func.jacrev(func.jacfwd(lambda x: x.exp() * x.sum()))(x),
        func.jacrev(lambda x: {"a": x * 2, "b": x.sum()})(x), func.jacrev(of, chunk_size=1)(x, w),
        func.jacrev(lambda x: (x * 2, x), has_aux=True)(x), func.jacfwd(lambda x: (x * 2, x), has_aux=True)(x),
    ]  # fmt: skip


@both
def test_hessian_vector_products_in_every_order(torch: Any) -> object:
    func = func_of(torch)
    x, v = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, -1.0])

    def of(x: Any) -> Any:
        return (x.sin() * x * x.prod()).sum()

    return [
        func.jvp(func.grad(of), (x,), (v,)),
        func.grad(lambda x: func.jvp(of, (x,), (v,))[1])(x),
        func.grad(lambda x: (func.grad(of)(x) * v).sum())(x),
        func.jvp(lambda x: func.jvp(of, (x,), (v,))[1], (x,), (v,)),
        func.vjp(func.grad(of), x)[1](v),
    ]


BODIES: dict[str, Any] = {
    "arithmetic": lambda torch, a, b: a * b + a.sin() / (b * b + 1),
    "number": lambda torch, a, b: (2 * a - 1) ** 2,
    "broadcast": lambda torch, a, b: a.unsqueeze(0) * b.unsqueeze(1) + 1,
    "sum": lambda torch, a, b: (a.sum(), a.mean(), b.sum(0), b.sum(-1, keepdim=True)),
    "shapes": lambda torch, a, b: a.reshape(3, 1).t().squeeze(0).unsqueeze(-1).expand(3, 2),
    "joins": lambda torch, a, b: torch.cat([a, b, torch.ones(2)]) + torch.stack([a, b]).sum(),
    "matrices": lambda torch, a, b: (a.unsqueeze(0) @ torch.ones(3, 3) @ b, a @ b),
    "extremes": lambda torch, a, b: (a.max(), a.max(0)[1], b.argmin()),
    "indices": lambda torch, a, b: (a[1], a[0:2], b[torch.tensor([2, 0])], a[None]),
    "choices": lambda torch, a, b: torch.where(a > b, a, b * 0),
    "comparison": lambda torch, a, b: (a > 0, a == b),
    "constant": lambda torch, a, b: torch.ones(2),
    "in place": lambda torch, a, b: (a * 1).add_(b).mul_(2),
    "relu": lambda torch, a, b: (a.relu().exp() + 1).log().sqrt(),
    "softmax": lambda torch, a, b: a.exp() / a.exp().sum(0, keepdim=True),
    "var": lambda torch, a, b: (a.var(), a.std(0)),
    "dtype": lambda torch, a, b: (a.double() * b, a.long()),
}


@pytest.mark.parametrize("body", BODIES)
@both
def test_batches(torch: Any, body: str) -> object:
    func, of = func_of(torch), BODIES[body]
    a = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
    b = torch.tensor([[2.0, 2.5, -3.0], [1.5, -4.0, 1.0]])
    return [
        func.vmap(lambda a, b: of(torch, a, b))(a, b),
        func.vmap(lambda a, b: of(torch, a, b), in_dims=(1, 0))(a.t().contiguous(), b),
        func.vmap(lambda a, b: of(torch, a, b), in_dims=(0, None))(a, b[0]),
    ]


@both
def test_batches_of_gradients(torch: Any) -> object:
    func = func_of(torch)
    w, x = torch.tensor([[0.5, -1.0], [2.0, 1.0], [0.0, 3.0]]), torch.tensor([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])

    def loss(w: Any, x: Any) -> Any:
        return ((x @ w).tanh() ** 2).sum()

    leaf = w.clone().requires_grad_()
    whole = func.vmap(lambda x: loss(leaf, x))(x)
    return [
        func.vmap(func.grad(loss), in_dims=(None, 0))(w, x),
        func.vmap(func.grad(loss, argnums=1), in_dims=(None, 0))(w, x),
        torch.autograd.grad(whole.sum(), leaf), func.grad(lambda w: func.vmap(loss, (None, 0))(w, x).sum())(w),
        func.vmap(func.hessian(lambda x: loss(w, x)))(x),
        func.vmap(lambda x: func.jvp(lambda y: loss(w, y), (x,), (x,)))(x),
        func.vmap(func.vmap(lambda a, b: a * b, (0, None)), (None, 0))(x[0], x[1]),
    ]  # fmt: skip


@both
def test_how_batches_are_given(torch: Any) -> object:
    vmap = func_of(torch).vmap
    x, y = torch.arange(6.0).reshape(2, 3), torch.arange(3.0)
    return [
        vmap(lambda a: a * 2, in_dims=1, out_dims=1)(x), vmap(lambda a: (a, a.sum()), out_dims=(1, 0))(x),
        vmap(lambda p: p["a"] + p["b"], in_dims=({"a": 0, "b": None},))({"a": x, "b": y}),
        vmap(lambda a, k: a + k, in_dims=(0, None))(x, 3.0), vmap(lambda a, *, b: a + b)(x, b=x),
        vmap(lambda a: a.sum(), chunk_size=1)(x), torch.vmap(lambda a: a.sum(), in_dims=-1)(x),
        fails(lambda: vmap(lambda a: a.item())(y)), fails(lambda: vmap(lambda a: a if a > 0 else -a)(y)),
        fails(lambda: vmap(lambda a, b: a + b)(x, y)), fails(lambda: vmap(lambda a: a, in_dims=None)(x)),
        fails(lambda: vmap(lambda a: 3)(x)), fails(lambda: vmap(lambda a: a, in_dims=5)(x)),
        fails(lambda: vmap(lambda a, b: b.add_(a), in_dims=(0, None))(x, torch.zeros(3))),
    ]  # fmt: skip


@both
def test_modules_as_functions(torch: Any) -> object:
    func = func_of(torch)
    models = [torch.nn.Linear(3, 2) for _ in range(2)]
    with torch.no_grad():
        for place, model in enumerate(models):
            model.weight.copy_(torch.arange(6.0).reshape(2, 3) + place)
            model.bias.fill_(place)
    x = torch.tensor([1.0, 2.0, 3.0])
    params, buffers = func.stack_module_state(models)

    def call(params: Any, x: Any) -> Any:
        return func.functional_call(models[0], params, (x,))

    single = {name: each.detach() for name, each in models[0].named_parameters()}
    return [
        params, buffers, func.vmap(call, in_dims=(0, None))(params, x),
        func.grad(lambda p: call(p, x).sum())(single), call({"bias": torch.zeros(2)}, x), models[0].bias,
        fails(lambda: func.functional_call(models[0], {"bias": torch.zeros(2)}, (x,), strict=True)),
    ]  # fmt: skip


@both
def test_forward_mode(torch: Any) -> object:
    forward = import_module(f"{torch.__name__}.autograd.forward_ad")
    x, t = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1.0, 0.5])
    seen: list[Any] = []
    with forward.dual_level():
        d = forward.make_dual(x, t)
        y = (d * d).sin() + d[0] * 3 + d.sum()
        value, tangent = forward.unpack_dual(y)
        seen += [value, tangent, torch.autograd.grad(tangent.sum(), x, retain_graph=True)]
        seen += [torch.autograd.grad(y.sum(), x), forward.unpack_dual(torch.ones(1)).tangent]
        seen += [y.shape == x.shape, d.sum().item(), fails(lambda: forward.make_dual(x, torch.ones(3)))]
        seen.append(fails(forward.enter_dual_level))
        changed = d * 1
        changed.mul_(d)
        seen.append(forward.unpack_dual(changed).tangent)
    return [*seen, fails(lambda: forward.make_dual(x, t))]


@both
def test_functional(torch: Any) -> object:
    f = import_module(f"{torch.__name__}.autograd.functional")
    x, w, v = torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0]), torch.tensor([1.0, 3.0])

    def pair(x: Any, w: Any) -> Any:
        return (x * w).sin(), x.sum()

    def number(x: Any) -> Any:
        return (x * x * x).sum()

    return [
        f.vjp(pair, (x, w), (v, torch.tensor(1.0))), f.jvp(pair, (x, w), (v, v)), f.vjp(number, x), f.vhp(number, x, v),
        f.hvp(number, x, v), f.jacobian(pair, (x, w)), f.jacobian(lambda x: x.exp(), x), f.hessian(number, x),
        f.hessian(lambda x, w: (x * x * w).sum(), (x, w)), f.jacobian(pair, (x, w), vectorize=True),
        f.jacobian(lambda x: x.exp(), x, vectorize=True, strategy="forward-mode"),
        f.hessian(number, x, vectorize=True, outer_jacobian_strategy="forward-mode").detach(),
        f.jacobian(lambda x: x.exp(), x.clone().requires_grad_(), create_graph=True).requires_grad,
        fails(lambda: f.vjp(lambda x: torch.ones(2), x, v, strict=True)), fails(lambda: f.vjp(lambda x: x * 2, x)),
        fails(lambda: f.jvp(lambda x: x * 2, x, torch.ones(3))), fails(lambda: f.vhp(lambda x: x * 2, x, v)),
    ]  # fmt: skip
