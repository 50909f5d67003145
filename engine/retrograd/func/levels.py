"""Inputs and outputs of a transformation that takes gradients inside: cut from what surrounds it, or joined to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from retrograd.autograd.mode import enable_grad, mode
from retrograd.autograd.node import AccumulateGrad, Node, Output, below
from retrograd.lifting import Lifted, lifted
from retrograd.ops.shape import alias_view
from retrograd.tensor import Tensor
from retrograd.utils import tree

Func = Callable[..., Any]


class Inside:
    """What happens between ``fresh`` inputs and ``settled`` outputs."""

    def __init__(self) -> None:
        self.outer = mode.enabled
        self.leaves: set[Node] = set()

    def fresh(self, nest: object) -> tuple[object, list[Tensor]]:
        """The nest again with tensors that gradients can be taken of, and these in order. They are part of an outer
        graph where the given ones are."""
        leaves, build = tree.flatten(nest)
        made = [self._fresh(each) for each in leaves]
        return build(made), made

    def _fresh(self, given: object) -> Tensor:
        if not isinstance(given, Tensor):
            raise ValueError(f"expected a Tensor to take the gradient with respect to, got {type(given).__name__}")
        if not given._meta.floating:
            raise RuntimeError(f"only Tensors of floating point dtype can require gradients, got {given.dtype}")
        value = lifted(given)
        if value._node is not None and self.outer:
            with enable_grad():
                return alias_view.call(value)
        made = value._shadow(None)
        made.requires_grad_()
        self.leaves.add(cast(Node, made._node))
        return made

    def settled(self, nest: object) -> object:
        """The nest again with each tensor cut from this transformation, unless it depends on something outside that
        wants a gradient."""
        leaves, build = tree.flatten(nest)
        return build([self._settled(each) if isinstance(each, Tensor) else each for each in leaves])

    def _settled(self, value: Tensor) -> Tensor:
        kept = value._node if self._reaches_out(value._node) else None
        below_too = value.like(self._settled) if isinstance(value, Lifted) else value
        if below_too._node is kept:
            return below_too
        return below_too._shadow(kept)

    def _reaches_out(self, edge: Node | Output | None) -> bool:
        """Whether the history behind ``edge`` goes on to something outside that wants a gradient."""
        if edge is None or not self.outer:
            return False
        reached = below([edge.node if isinstance(edge, Output) else edge])
        return any(isinstance(each, AccumulateGrad) and each not in self.leaves for each in reached)


def tensors_of(nest: object, what: str) -> tuple[list[Tensor], tree.Build]:
    """The leaves of a nest, which must all be tensors."""
    leaves, build = tree.flatten(nest)
    for each in leaves:
        if not isinstance(each, Tensor):
            raise RuntimeError(f"{what}: expected tensors only, got {type(each).__name__}")
    return cast("list[Tensor]", leaves), build


def chosen(args: Sequence[object], argnums: int | tuple[int, ...]) -> object:
    """The arguments that ``argnums`` names."""
    if isinstance(argnums, int):
        return args[_place(args, argnums)]
    if not argnums:
        raise ValueError(f"argnums must be a number or a non-empty tuple of numbers, got {argnums!r}")
    return tuple(args[_place(args, each)] for each in argnums)


def replaced(args: Sequence[object], argnums: int | tuple[int, ...], new: object) -> list[object]:
    """The arguments with those that ``argnums`` names replaced."""
    made = list(args)
    if isinstance(argnums, int):
        made[_place(args, argnums)] = new
    else:
        for each, value in zip(argnums, cast("tuple[object, ...]", new), strict=True):
            made[_place(args, each)] = value
    return made


def _place(args: Sequence[object], argnum: int) -> int:
    if not -len(args) <= argnum < len(args):
        raise RuntimeError(f"Got argnum={argnum}, but only {len(args)} positional inputs")
    return argnum % len(args)


def split_aux(result: object, has_aux: bool, what: str) -> tuple[object, object]:
    """The result and what comes beside it."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(f"{what}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result
