"""Products with Jacobians and Hessians, and these themselves, under PyTorch's name ``torch.autograd.functional``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from retrograd.autograd.engine import grad
from retrograd.autograd.mode import enable_grad, is_grad_enabled
from retrograd.ops.primitive import registry
from retrograd.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]
Func = Callable[..., Any]
Grads = Sequence[Tensor | None]


def _tuple(given: Any, what: str) -> tuple[Tensor, ...]:
    found = given if isinstance(given, tuple) else (given,)
    for place, each in enumerate(found):
        if not isinstance(each, Tensor):
            raise TypeError(f"The {what} must be Tensors or a tuple of Tensors, but element {place} is {type(each)}")
    return found


def _fresh(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs that gradients can be taken of; with ``create_graph`` parts of the graph of the given ones."""
    return tuple(
        each.view_as(each) if create_graph and each.requires_grad else each.detach().requires_grad_() for each in inputs
    )


def _filled(grads: Grads, like: Sequence[Tensor], strict: bool, what: str) -> tuple[Tensor, ...]:
    """Zeros for the gradients that are not there, or with ``strict`` an error."""
    for place, each in enumerate(grads):
        if each is None and strict:
            raise RuntimeError(f"{what} {place}. This is not allowed in strict mode.")
    return tuple(other.detach() * 0 if each is None else each for each, other in zip(grads, like, strict=True))


def _answer(found: tuple[Tensor, ...], single: bool, create_graph: bool) -> Tensors:
    done = found if create_graph else tuple(each.detach() for each in found)
    return done[0] if single else done


def _checked(v: Tensors | None, like: tuple[Tensor, ...], what: str) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {what} is a single Tensor with a single element.")
        return (like[0].detach() * 0 + 1,)
    found = _tuple(v, "vector v")
    if len(found) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(found)}.")
    for place, (each, other) in enumerate(zip(found, like, strict=True)):
        if each.shape != other.shape:
            raise RuntimeError(f"Entry {place} in v has invalid size: should be {other.shape} but got {each.shape}.")
    return found


def _grads(
    outs: Sequence[Tensor], inputs: tuple[Tensor, ...], seeds: Sequence[Tensor | None] | None, create_graph: bool
) -> Grads:
    places = [place for place, each in enumerate(outs) if each.requires_grad]
    if not places:
        return [None] * len(inputs)
    return grad(
        [outs[place] for place in places], list(inputs), None if seeds is None else [seeds[place] for place in places],
        create_graph=create_graph, retain_graph=True, allow_unused=True,
    )  # fmt: skip


def _outputs(func: Func, inputs: tuple[Tensor, ...], strict: bool) -> tuple[tuple[Tensor, ...], bool]:
    result = func(*inputs)
    outs = _tuple(result, "outputs of the user-provided function")
    for place, each in enumerate(outs):
        if strict and not each.requires_grad:
            raise RuntimeError(
                f"Output {place} of the user-provided function does not require gradients. The outputs must be "
                "computed in a differentiable manner from the input when running in strict mode."
            )
    return outs, not isinstance(result, tuple)


def vjp(
    func: Func, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Tensors, Tensors]:
    """(``func(*inputs)``, ``v`` times the Jacobian); ``v`` as the outputs, or None where that is one number. Source:
    ``torch.autograd.functional.vjp``."""
    with enable_grad():
        values = _fresh(_tuple(inputs, "inputs"), create_graph)
        outs, single = _outputs(func, values, strict)
        seeds = _checked(v, outs, "the user-provided function's output")
        found = _filled(
            _grads(outs, values, seeds, create_graph), values, strict,
            "The output of the user-provided function is independent of input",
        )  # fmt: skip
    return _answer(outs, single, create_graph), _answer(found, isinstance(inputs, Tensor), create_graph)


def jvp(
    func: Func, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Tensors, Tensors]:
    """(``func(*inputs)``, the Jacobian times ``v``), by two backward passes; ``v`` as the inputs. Source:
    ``torch.autograd.functional.jvp``."""
    with enable_grad():
        values = _fresh(_tuple(inputs, "inputs"), create_graph)
        ways = _checked(v, values, "the input to the user-provided function")
        outs, single = _outputs(func, values, strict)
        seeds = tuple((each.detach() * 0).requires_grad_() for each in outs)
        back = _filled(
            _grads(outs, values, seeds, True), values, strict,
            "The output of the user-provided function is independent of input",
        )  # fmt: skip
        found = _filled(
            _grads(back, seeds, ways, create_graph), outs, strict,
            "The Jacobian of the user-provided function is zero for output",
        )  # fmt: skip
    return _answer(outs, single, create_graph), _answer(found, single, create_graph)


def _second(func: Func, inputs: Tensors, create_graph: bool, strict: bool) -> Any:
    values = _fresh(_tuple(inputs, "inputs"), create_graph)
    outs, single = _outputs(func, values, strict)
    if not single:
        raise RuntimeError("The function given to vhp or hvp should return a single Tensor")
    if outs[0].numel() != 1:
        raise RuntimeError("The Tensor returned by the function given to vhp or hvp should contain a single element")
    first = _filled(
        _grads(outs, values, None, True), values, strict,
        "The output of the user-provided function is independent of input",
    )  # fmt: skip
    return values, outs, first


def vhp(
    func: Func, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Tensors, Tensors]:
    """(``func(*inputs)``, ``v`` times the Hessian of the number that ``func`` returns). Source:
    ``torch.autograd.functional.vhp``."""
    with enable_grad():
        values, outs, first = _second(func, inputs, create_graph, strict)
        ways = _checked(v, values, "the input to the user-provided function")
        found = _filled(
            _grads(first, values, ways, create_graph), values, strict,
            "The Hessian of the user-provided function is independent of input",
        )  # fmt: skip
    return _answer(outs, True, create_graph), _answer(found, isinstance(inputs, Tensor), create_graph)


def hvp(
    func: Func, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Tensors, Tensors]:
    """(``func(*inputs)``, the Hessian times ``v``); the Hessian is symmetric, so this is ``vhp``. Source:
    ``torch.autograd.functional.hvp``."""
    return vhp(func, inputs, v, create_graph, strict)


def jacobian(
    func: Func,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """For each output and each input a tensor of the output's shape followed by the input's; tuples where ``func``
    returns one or ``inputs`` is one.

    ``vectorize``: all rows at once under ``vmap``. ``strategy`` "forward-mode" goes by columns, and needs it. Source:
    ``torch.autograd.functional.jacobian``.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f'Expected strategy to be either "forward-mode" or "reverse-mode", got {strategy}')
    if strategy == "forward-mode" and create_graph:
        raise NotImplementedError("torch.autograd.functional.jacobian: `create_graph=True` has no forward mode")
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError("torch.autograd.functional.jacobian: forward mode needs `vectorize=True`")
    many = isinstance(inputs, tuple)
    if vectorize:
        return _vectorized(func, inputs, create_graph, strict, strategy)
    with enable_grad():
        values = _fresh(_tuple(inputs, "inputs"), create_graph)
        outs, single = _outputs(func, values, strict)
        rows = []
        for out in outs:
            flat = out.reshape(-1)
            found = [
                _filled(
                    _grads([flat[place]], values, None, create_graph), values, strict,
                    "The output of the user-provided function is independent of input",
                )
                for place in range(out.numel())
            ]  # fmt: skip
            rows.append(tuple(_stacked(column, out, each) for column, each in _columns(found, values)))
    blocks = tuple(_answer(row, not many, create_graph) for row in rows)
    return blocks[0] if single else blocks


def _columns(rows: Sequence[Sequence[Tensor]], like: tuple[Tensor, ...]) -> list[tuple[list[Tensor], Tensor]]:
    return [([row[place] for row in rows], each) for place, each in enumerate(like)]


def _stacked(rows: list[Tensor], out: Tensor, input: Tensor) -> Tensor:
    shape = (*out.shape, *input.shape)
    if not rows:
        return (input.detach() * 0).sum().expand(shape)
    return cast(Tensor, registry["stack"].call(*rows, dim=0)).reshape(shape)


def _vectorized(func: Func, inputs: Tensors, create_graph: bool, strict: bool, strategy: str) -> Any:
    from retrograd.func import jacfwd, jacrev

    if strict:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together."
        )
    values = _tuple(inputs, "inputs")
    transform = jacfwd if strategy == "forward-mode" else jacrev
    argnums = tuple(range(len(values))) if isinstance(inputs, tuple) else 0
    found = transform(func, argnums)(*values)
    if create_graph and is_grad_enabled():
        return found
    from retrograd.utils import tree

    leaves, build = tree.flatten(found)
    return build([cast(Tensor, each).detach() for each in leaves])


def hessian(
    func: Func,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of the number that ``func`` returns: for each pair of inputs a tensor of the one's shape followed by
    the other's. Source: ``torch.autograd.functional.hessian``."""
    many = isinstance(inputs, tuple)

    def gradient(*values: Tensor) -> Any:
        found = jacobian(_single, values if many else values[0], create_graph=True, strict=strict)
        return found

    def _single(*values: Tensor) -> Tensor:
        out = func(*values)
        if not isinstance(out, Tensor):
            raise RuntimeError("The function given to hessian should return a single Tensor")
        if out.numel() != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        return out.reshape(())

    if vectorize and outer_jacobian_strategy == "forward-mode":
        from retrograd.func import hessian as by_transforms

        return by_transforms(_single, tuple(range(len(inputs))) if isinstance(inputs, tuple) else 0)(
            *_tuple(inputs, "inputs")
        )
    return jacobian(gradient, inputs, create_graph=create_graph, strict=strict)
