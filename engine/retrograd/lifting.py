"""Tensors that stand for more than an array: under ``vmap`` for a batch of tensors, in forward mode for a value and its
tangent.

A lifted tensor has no array to compute on. What it has in its place, a ``Shade``, knows the shape and refuses
everything else; so an op that meets one fails where it would have computed, and is then interpreted: by the lifted
tensor of the highest level among its inputs, in terms of the tensors below. An op that meets none never asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar, NoReturn, cast

import numpy as np

from retrograd.autograd.mode import mode
from retrograd.autograd.node import Node, Output
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import Op
from retrograd.ops.promotion import input_metas
from retrograd.tensor import Tensor, _fill


class Untouchable(RuntimeError):  # noqa: N818  a signal, and an error only where nobody takes it
    """The array of a lifted tensor was asked for."""


Lift = Callable[[Tensor], "Lifted"]


class _Levels(threading.local):
    def __init__(self) -> None:
        self.lifts: list[Lift] = []


_levels = _Levels()


@contextmanager
def level(make: Callable[[Tensor, int], Lifted]) -> Iterator[int]:
    """A transformation that this thread is inside of; ``make(tensor, level)`` lifts what is the same throughout."""
    number = enter(make)
    try:
        yield number
    finally:
        leave()


def enter(make: Callable[[Tensor, int], Lifted]) -> int:
    """Begin a level; its number."""
    number = len(_levels.lifts) + 1
    _levels.lifts.append(lambda tensor: make(tensor, number))
    return number


def leave() -> None:
    """End the innermost level."""
    _levels.lifts.pop()


def lifted(tensor: Tensor) -> Tensor:
    """``tensor`` at the innermost level, so that what is recorded of it is recorded there."""
    lifts = _levels.lifts
    if not lifts or (isinstance(tensor, Lifted) and tensor._level == len(lifts)):
        return tensor
    return lifts[-1](tensor)


class _Flags:
    c_contiguous = True
    writeable = True


class Shade:
    """In the place of a lifted tensor's array: its shape and type, and no elements."""

    __slots__ = ("_why", "dtype", "flags", "ndim", "shape", "size")

    def __init__(self, meta: Meta, why: str) -> None:
        self.shape = tuple(meta.shape)
        self.dtype: np.dtype[np.generic] = meta.numpy_dtype
        self.ndim = len(meta.shape)
        self.size = meta.numel
        self.flags = _Flags
        self._why = why

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__array_") or name == "__cuda_array_interface__":
            raise AttributeError(name)
        raise Untouchable(self._why)

    def _refuse(self, *arguments: object, **options: object) -> NoReturn:
        raise Untouchable(self._why)

    __array__ = __array_ufunc__ = __array_function__ = __getitem__ = __setitem__ = __iter__ = __len__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __neg__ = __abs__ = __invert__ = __bool__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __and__ = __rand__ = __or__ = __ror__ = _refuse
    __xor__ = __rxor__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __iadd__ = __imul__ = _refuse
    __hash__ = object.__hash__


class Lifted(Tensor):
    """A tensor whose ops a transformation interprets.

    ``_level``: of the transformation. ``_node`` is the history at that level, for a ``grad`` inside of it; what happens
    to the tensors below has a history of its own.
    """

    __slots__ = ()

    what: ClassVar[str] = ""
    _level: int

    def parts(self) -> tuple[Tensor, ...]:
        """The tensors below, the one that has the values first."""
        raise NotImplementedError

    def like(self, change: Callable[[Tensor], Tensor]) -> Lifted:
        """The same with ``change`` made to what is below."""
        raise NotImplementedError

    def process(self, op: Op, inputs: Sequence[object], params: Mapping[str, object]) -> tuple[Tensor, ...]:
        """Interpret an op at this level."""
        raise NotImplementedError

    def overwrite(self, value: Tensor, name: str) -> None:
        """Take over what is below ``value``, in place."""
        raise NotImplementedError

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted, at this level or below."""
        return self._node is not None or any(each.requires_grad for each in self.parts())

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def detach(self) -> Tensor:
        """Outside the graph, at this level and below."""
        return self.like(lambda part: part.detach())

    @property
    def data(self) -> Tensor:
        """The same as ``detach()``."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        raise RuntimeError(f"data can't be set on a tensor under {self.what}")

    def _shadow(self, node: Node | Output | None) -> Tensor:
        made = self.like(lambda part: part)
        made._node = node
        made._cell = self._cell
        return made


def fill(tensor: Lifted, meta: Meta, level: int) -> None:
    """Make the plain fields of a new lifted tensor."""
    why = (
        f"{tensor.what}: the values of a tensor that it transforms were asked for, as by item(), bool() or numpy(). "
        "Write that without looking at values (where() in place of if), or take it out of the transformed function."
    )
    _fill(tensor, cast(Array, Shade(meta, why)), meta, None)
    tensor._level = level


def highest(values: Sequence[object]) -> Lifted | None:
    """The lifted tensor of the highest level."""
    found: Lifted | None = None
    for each in values:
        if isinstance(each, Lifted) and (found is None or each._level > found._level):
            found = each
    return found


def interpret(op: Op, inputs: Sequence[object], params: Mapping[str, object]) -> object:
    """The outputs of an op that met the shade of a lifted tensor."""
    top = highest(inputs)
    if top is None:
        raise Untouchable(f"{op.name}: it met what is left of a tensor that vmap or forward mode had lifted")
    try:
        outs = top.process(op, inputs, params)
    except BaseException as error:
        error.__suppress_context__ = True  # that a shade was met is nobody's concern
        raise
    if op.view:
        first = cast(Tensor, inputs[0])
        for each in outs:
            each._base = first if first._base is None else first._base
    _record(op, inputs, outs, top._level, params)
    return outs[0] if len(op.outputs) == 1 else outs


def _record(
    op: Op, inputs: Sequence[object], outs: tuple[Tensor, ...], level: int, params: Mapping[str, object]
) -> None:
    """Leave a node at the level of the interpretation, if an input has a history there."""
    from retrograd.ops.dispatch import make_node, save

    if op.node_type is None or not mode.enabled:
        return
    edges = tuple([each._node if isinstance(each, Lifted) and each._level == level else None for each in inputs])
    carriers = [each for each in outs if isinstance(each, Lifted) and each._level == level and each._meta.floating]
    if edges.count(None) == len(edges) or not carriers:
        return
    saved = list(save(op, inputs, outs, edges))
    for place, (kind, index, _) in enumerate(op.takes):
        if kind == "output" and saved[place] is not None:
            saved[place] = outs[index]._shadow(None)
    metas = input_metas(inputs, outs[0]._meta) if op.elementwise and op.result != "bool" else None
    node = make_node(op.node_type, edges, tuple(saved), metas, {**op.defaults, **params}, ())
    if len(outs) > 1:
        node.outputs = tuple([each._meta for each in outs])
    for index, each in enumerate(outs):
        if any(each is carrier for carrier in carriers):
            each._node = Output(node, index) if len(outs) > 1 else node


def change(op: Op, name: str, input: Tensor, others: Sequence[object], params: Mapping[str, object]) -> Tensor:
    """An in-place op that met the shade of a lifted tensor."""
    top = highest((input, *others))
    assert top is not None
    if not isinstance(input, Lifted) or input._level < top._level:
        raise RuntimeError(
            f"{top.what}: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` "
            f"in extra_args that is transformed while `self` is not ({name}). Use the operation that is not in place."
        )
    made = cast(Tensor, op.call(input, *others, **params))
    if made.shape != input.shape:
        raise RuntimeError(
            f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(made.shape)} ({name})"
        )
    if made.dtype is not input.dtype:
        made = made.to(input.dtype)
    if input._base is not None and made._node is not None:
        raise NotImplementedError(
            f"{top.what}: {name} on a view whose gradient is taken inside; clone() it, or change the base"
        )
    input.overwrite(made, name)
    input._node = made._node
    return input
