"""Functions that compute gradients of functions: ``grad``, ``grad_and_value``, ``vjp``, ``jvp``, ``linearize``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

from retrograd.autograd import engine
from retrograd.autograd.dual import Dual, dual
from retrograd.autograd.mode import enable_grad, mode
from retrograd.func.levels import Inside, chosen, replaced, split_aux, tensors_of
from retrograd.lifting import level
from retrograd.tensor import Tensor
from retrograd.utils import tree

Func = Callable[..., Any]
Argnums = int | tuple[int, ...]


def grad_and_value(func: Func, argnums: Argnums = 0, has_aux: bool = False) -> Func:
    """A function that computes the gradient of ``func``, which returns one number, and that number.

    Args:
        argnums: the argument(s) to differentiate by; each may be a nest of tensors.
        has_aux: ``func`` returns (number, anything); the answer is then (gradient, (number, anything)).

    Transformations nest in any order. Source: ``torch.func.grad_and_value``.
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        inside = Inside()
        with enable_grad():
            fresh, inputs = inside.fresh(chosen(args, argnums))
            output, aux = split_aux(func(*replaced(args, argnums, fresh), **kwargs), has_aux, "grad")
            if not isinstance(output, Tensor):
                raise RuntimeError(
                    f"Expected f(*args) to return a tensor, got {type(output).__name__}. Return more with has_aux=True."
                )
            if output.ndim:
                raise RuntimeError(
                    "Expected f(*args) to return a scalar tensor, got tensor with "
                    f"{output.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            found = _gradients([output], inputs, None)
        _, build = tree.flatten(fresh)
        grads = inside.settled(build(found))
        value = inside.settled(output)
        return (grads, (value, inside.settled(aux))) if has_aux else (grads, value)

    return gradient


def grad(func: Func, argnums: Argnums = 0, has_aux: bool = False) -> Func:
    """A function that computes the gradient of ``func``, which returns one number; see ``grad_and_value``. With
    ``has_aux`` the answer is (gradient, aux). Source: ``torch.func.grad``."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        if has_aux:
            grads, (_, aux) = both(*args, **kwargs)
            return grads, aux
        return both(*args, **kwargs)[0]

    return gradient


def _gradients(outputs: Sequence[Tensor], inputs: Sequence[Tensor], seeds: Sequence[Tensor] | None) -> list[Tensor]:
    """Recorded gradients, zeros where an input plays no part."""
    places = [place for place, each in enumerate(outputs) if each._node is not None]
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if places:
        found = engine.grad(
            [outputs[place] for place in places], list(inputs),
            None if seeds is None else [seeds[place] for place in places],
            retain_graph=True, create_graph=mode.enabled, allow_unused=True,
        )  # fmt: skip
    return [each.detach() * 0 if got is None else got for got, each in zip(found, inputs, strict=True)]


def vjp(func: Func, *primals: Any, has_aux: bool = False) -> Any:
    """(``func(*primals)``, a function from cotangents of the outputs to those of ``primals``); with ``has_aux``, where
    ``func`` returns (outputs, aux), aux comes third. Source: ``torch.func.vjp``."""
    inside = Inside()
    with enable_grad():
        fresh, inputs = inside.fresh(primals)
        output, aux = split_aux(func(*cast("tuple[object, ...]", fresh)), has_aux, "vjp")
    outputs, build_out = tensors_of(output, "vjp(f, *primals): f must return tensors")
    _, build_in = tree.flatten(primals if len(primals) > 1 else primals[0])
    single = isinstance(output, Tensor)

    def pull(*cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        seeds, _ = tensors_of(given, "vjp cotangents")
        if len(seeds) != len(outputs) or (single and not isinstance(given, Tensor)):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as of outputs: "
                f"{len(outputs)} outputs, {len(seeds)} cotangents"
            )
        now = Inside()
        now.leaves = inside.leaves
        found = _gradients(outputs, inputs, seeds)
        built = now.settled(build_in(found))
        return built if len(primals) == 1 else tuple(cast("Sequence[object]", built))

    def pulled(*cotangents: Any, **options: Any) -> Any:
        answer = pull(*cotangents, **options)
        return answer if len(primals) > 1 else (answer,)

    value = build_out([cast(Tensor, inside.settled(each)) for each in outputs])
    return (value, pulled, inside.settled(aux)) if has_aux else (value, pulled)


def jvp(func: Func, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """(``func(*primals)``, its derivative along ``tangents``), by forward mode; with ``has_aux`` aux comes third.
    ``strict``: an output that does not depend on the inputs is an error. Source: ``torch.func.jvp``."""
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp: Expected primals and tangents to be tuples of inputs to the function")
    values, build = tensors_of(primals, "jvp primals")
    ways, _ = tensors_of(tangents, "jvp tangents")
    if len(values) != len(ways) or not values:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to have the same python structure")
    for value, way in zip(values, ways, strict=True):
        if value.shape != way.shape:
            raise RuntimeError(f"jvp: a tangent of shape {list(way.shape)} for a primal of shape {list(value.shape)}")
    with level(lambda tensor, number: dual(tensor, None, number)) as number:
        duals = build([dual(value, way, number) for value, way in zip(values, ways, strict=True)])
        output, aux = split_aux(func(*cast("tuple[object, ...]", duals)), has_aux, "jvp")
    outs, build_out = tensors_of(output, "jvp(f, primals, tangents): f must return tensors")
    primal_out = build_out([_primal(each, number) for each in outs])
    tangent_out = build_out([_tangent(each, number, strict) for each in outs])
    if not has_aux:
        return primal_out, tangent_out
    leaves, build_aux = tree.flatten(aux)
    return (
        primal_out,
        tangent_out,
        build_aux([_primal(each, number) if isinstance(each, Tensor) else each for each in leaves]),
    )


def _primal(out: Tensor, number: int) -> Tensor:
    return out.primal if isinstance(out, Dual) and out._level == number else out


def _tangent(out: Tensor, number: int, strict: bool) -> Tensor:
    found = out.tangent if isinstance(out, Dual) and out._level == number else None
    if found is None:
        if strict:
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not "
                "allowed with strict=True."
            )
        return _primal(out, number).detach() * 0
    return found


def linearize(func: Func, *primals: Any) -> tuple[Any, Func]:
    """(``func(*primals)``, a function from tangents to the derivative of ``func`` there along them). Source:
    ``torch.func.linearize``."""

    def along(*tangents: Any) -> Any:
        return jvp(func, primals, tangents)[1]

    return func(*primals), along
