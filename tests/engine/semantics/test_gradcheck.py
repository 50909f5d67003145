"""Gradients held against finite differences."""

from __future__ import annotations

from typing import Any

from engine.twice import both, fails


@both
def test_right_and_wrong_gradients(torch: Any) -> object:
    class Cube(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * x * x * 3

    class Wrong(Cube):  # type: ignore[misc, valid-type]
        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * x * x * 2

    check, twice = torch.autograd.gradcheck, torch.autograd.gradgradcheck
    x = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    w = torch.tensor([[1.5], [1.0], [-2.0]], dtype=torch.float64, requires_grad=True)
    return [
        check(Cube.apply, (x,)), twice(Cube.apply, (x,)), fails(lambda: check(Wrong.apply, (x,))),
        check(Wrong.apply, (x,), raise_exception=False), check(lambda x, w: (x @ w, x.sin()), (x, w)),
        check(lambda x, w: (x @ w).tanh(), (x, w), check_forward_ad=True), twice(lambda x, w: (x @ w).tanh(), (x, w)),
        check(lambda x, w: x * w.t(), (x, w), fast_mode=True), fails(lambda: check(Cube.apply, (x.detach(),))),
        check(lambda x: x.detach() * 0 + 1, (x,)),
        fails(lambda: check(lambda x: x.detach() * 2, (x,))), check(lambda x, k: x * k, (x, 3.0)),
    ]  # fmt: skip
