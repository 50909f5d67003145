"""Operations of the user's own."""

from __future__ import annotations

from typing import Any

from engine.twice import both, fails


def leaf(torch: Any, *values: float) -> Any:
    return torch.tensor(list(values), requires_grad=True)


@both
def test_the_old_style(torch: Any) -> object:
    seen: list[Any] = []

    class Scale(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, w: Any, factor: float) -> Any:
            ctx.save_for_backward(x, w)
            ctx.factor = ctx.saved = ctx.function = factor  # names that a node has as well
            seen.append((torch.is_grad_enabled(), ctx.needs_input_grad))
            return x * w * factor

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            x, w = ctx.saved_tensors
            seen.append((torch.is_grad_enabled(), ctx.needs_input_grad))
            return grad * w * ctx.saved, grad * x * ctx.function, None

    x, w = leaf(torch, 1.0, 2.0), torch.tensor([3.0, 4.0])
    y = Scale.apply(x, w, 10.0)
    y.sum().backward()
    second = fails(lambda: y.sum().backward())
    w.requires_grad_()
    z = Scale.apply(x, w, 2.0)
    (g,) = torch.autograd.grad(z.sum(), x, create_graph=True)
    return [y, y.grad_fn.name(), x.grad, w.grad, seen, second, g, torch.autograd.grad(g.sum(), w)]


@both
def test_the_new_style_with_several_outputs(torch: Any) -> object:
    class Both(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(x: Any) -> Any:
            return x * 2, x.exp(), (x > 0)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.mark_non_differentiable(output[2])
            ctx.save_for_backward(*inputs, output[1])

        @staticmethod
        def backward(ctx: Any, first: Any, second: Any, third: Any) -> Any:
            _, out = ctx.saved_tensors
            return first * 2 + second * out

    x = leaf(torch, 1.0, -2.0)
    a, b, c = Both.apply(x)
    b.sum().backward(retain_graph=True)
    only_second = x.grad
    x.grad = None
    (a * b).sum().backward()
    (g,) = torch.autograd.grad(Both.apply(x)[1].sum(), x, create_graph=True)
    return [a, b, c.requires_grad, only_second, x.grad, a.output_nr, b.output_nr, torch.autograd.grad(g.sum(), x)]


@both
def test_gradients_that_did_not_arrive(torch: Any) -> object:
    seen: list[Any] = []

    def make(materialize: bool) -> Any:
        class Two(torch.autograd.Function):  # type: ignore[misc, name-defined]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.set_materialize_grads(materialize)
                return x * 1, x * 2

            @staticmethod
            def backward(ctx: Any, first: Any, second: Any) -> Any:
                seen.append([None if each is None else each.tolist() for each in (first, second)])
                return second

        return Two

    for materialize in (True, False):
        x = leaf(torch, 1.0, 2.0)
        make(materialize).apply(x)[1].sum().backward()
        seen.append(x.grad.tolist())
    return seen


@both
def test_inputs_changed_in_place(torch: Any) -> object:
    class Add(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 3

    class Silent(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad

    x = leaf(torch, 1.0, 2.0)
    h = x * 2
    out = Add.apply(h)
    out.sum().backward()
    return [
        out is h, h.grad_fn.name(), h, x.grad, fails(lambda: Add.apply(x)), fails(lambda: Silent.apply(x * 2)),
        h._version > 0,
    ]  # fmt: skip


@both
def test_an_input_given_back(torch: Any) -> object:
    class Same(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 7

    x = leaf(torch, 1.0, 2.0)
    y = Same.apply(x)
    y.sum().backward()
    return [y is x, y.is_leaf, y.grad_fn.name(), x.grad]


@both
def test_mistakes(torch: Any) -> object:
    def make(result: Any) -> Any:
        class Wrong(torch.autograd.Function):  # type: ignore[misc, name-defined]
            @staticmethod
            def forward(ctx: Any, x: Any, y: Any) -> Any:
                return x * y

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                return result(grad)

        return Wrong

    class Bare(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

    def run(result: Any) -> str:
        return fails(lambda: make(result).apply(leaf(torch, 1.0, 2.0), leaf(torch, 1.0, 2.0)).sum().backward())

    return [
        run(lambda grad: grad), run(lambda grad: (grad, grad, grad)), run(lambda grad: (grad, grad, None)),
        run(lambda grad: (grad, torch.ones(3))), run(lambda grad: (grad, 3.0)), run(lambda grad: (None, grad)),
        fails(lambda: Bare.apply(leaf(torch, 1.0)).sum().backward()),
        fails(lambda: torch.autograd.Function.apply(torch.ones(1))),
    ]  # fmt: skip


@both
def test_saved_tensors_are_checked(torch: Any) -> object:
    class Square(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x, None)
            return x * x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            x, nothing = ctx.saved_tensors
            assert nothing is None
            return 2 * x * grad

    class Bad(Square):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(3)
            return x * x

    x = leaf(torch, 1.0, 2.0)
    h = x * 1
    y = Square.apply(h)
    h.add_(1)
    packed: list[Any] = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda value: packed.append(value.tolist()) or value, lambda v: v * 2
    ):
        z = Square.apply(x)
    z.sum().backward()
    return [fails(lambda: y.sum().backward()), fails(lambda: Bad.apply(x)), packed, x.grad]


@both
def test_once_differentiable(torch: Any) -> object:
    from importlib import import_module

    once = import_module(f"{torch.__name__}.autograd.function").once_differentiable

    class Square(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    x = leaf(torch, 1.0, 2.0)
    (first,) = torch.autograd.grad(Square.apply(x).sum(), x)
    y = Square.apply(x)
    (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
    return [first, g, fails(lambda: g.sum().backward())]


@both
def test_node_is_the_context(torch: Any) -> object:
    class Keep(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mine = 5
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    y = Keep.apply(leaf(torch, 1.0))
    return [y.grad_fn.mine, y.grad_fn.saved_tensors, len(y.grad_fn.next_functions)]
