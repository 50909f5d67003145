"""Tensors that a module counts as its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from retrograd.autograd.versions import versions_of
from retrograd.tensor import Tensor, _fill

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter"]


def _around(kind: type[Tensor], data: Tensor | None) -> Tensor:
    """A leaf of type ``kind`` that shares ``data``'s storage and version counter."""
    made = object.__new__(kind)
    source = Tensor() if data is None else data
    _fill(made, source._data, source._meta, None)
    made._cell = versions_of(source)
    return made


class Parameter(Tensor):
    """A leaf that an optimizer changes: assigned as a module's attribute, it is one of the module's parameters.

    Args:
        data: its contents, shared and not copied (default: no elements).
        requires_grad: whether a gradient is wanted; ``no_grad`` does not matter here.
    """

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        made = cast(Parameter, _around(cls, data))
        made.requires_grad_(requires_grad)
        return made

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        """Made by ``__new__``."""


class Buffer(Tensor):
    """State that is not trained: assigned as a module's attribute, it is one of the module's buffers.

    Args:
        data: its contents, shared and not copied (default: no elements).
        persistent: whether it is part of the module's state dict.
    """

    __slots__ = ()

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        made = cast(Buffer, _around(cls, data))
        made.persistent = persistent
        return made

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        """Made by ``__new__``."""


class UninitializedParameter(Parameter):
    """A parameter whose shape is not known yet; it has no elements."""

    __slots__ = ()

    def materialize(self, shape: Sequence[int]) -> None:
        """Give it a shape, and contents that are yet to be filled: it becomes a ``Parameter``."""
        _materialize(self, shape, Parameter)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedBuffer(Buffer):
    """A buffer whose shape is not known yet; it has no elements."""

    __slots__ = ()

    def materialize(self, shape: Sequence[int]) -> None:
        """Give it a shape, and contents that are yet to be filled: it becomes a ``Buffer``."""
        _materialize(self, shape, Buffer)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _materialize(tensor: Tensor, shape: Sequence[int], kind: type[Tensor]) -> None:
    tensor.data = tensor.detach().new_empty(tuple(shape))
    tensor.__class__ = kind
