"""Forward mode under PyTorch's name ``torch.autograd.forward_ad``: tangents that travel with the values.

with dual_level():
    x = make_dual(value, tangent)
    answer, derivative = unpack_dual(function(x))
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import NamedTuple

from retrograd.autograd.dual import Dual, dual
from retrograd.lifting import enter, leave
from retrograd.tensor import Tensor

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class _Open(threading.local):
    level = 0


_open = _Open()


class UnpackedDualTensor(NamedTuple):
    """A value and its tangent (None: it does not move)."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Begin a level of forward mode; there is one at a time."""
    if _open.level:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _open.level = enter(lambda tensor, level: dual(tensor, None, level))
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level; its tangents are gone."""
    if not _open.level:
        raise RuntimeError("Trying to exit a forward AD level that was not entered")
    leave()
    _open.level = 0


class dual_level:  # noqa: N801  PyTorch's name
    """A level of forward mode for a ``with`` block."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """``tensor`` with ``tangent``, of its shape and dtype, at the open level."""
    if not _open.level:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for name, each in (("tensor", tensor), ("tangent", tangent)):
        if not each._meta.floating:
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {each.dtype}")
    if tensor.shape != tangent.shape or tensor.dtype is not tangent.dtype:
        raise RuntimeError(
            f"Expected tangent of the primal's shape {list(tensor.shape)} and {tensor.dtype}, got "
            f"{list(tangent.shape)} and {tangent.dtype}"
        )
    return dual(tensor.view_as(tensor), tangent, _open.level)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and the tangent of what was computed from dual tensors."""
    if isinstance(tensor, Dual) and tensor._level == _open.level:
        return UnpackedDualTensor(tensor.primal, tensor.tangent)
    return UnpackedDualTensor(tensor, None)
