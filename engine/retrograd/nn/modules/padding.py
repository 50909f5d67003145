"""Padding as modules; ``functional.pad`` is behind them all."""

from __future__ import annotations

from typing import ClassVar

from retrograd.nn import functional as F
from retrograd.nn.functional._lengths import Sizes, lengths
from retrograd.nn.modules._ranks import need_rank
from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """What all kinds share.

    Args:
        padding: of every side, or of each: the last dimension's two sides first, as ``functional.pad`` takes them.
    """

    rank: ClassVar[int]
    mode: ClassVar[str] = "constant"

    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        self.padding = lengths(padding, 2 * self.rank, type(self).__name__, "padding")

    def forward(self, input: Tensor) -> Tensor:
        """Pad ``input`` (N, C, *size) or (C, *size)."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class _Constant(_Pad):
    """Padding with ``value``."""

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Pad ``input`` (N, C, *size) or (C, *size)."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _Circular(_Pad):
    """Padding with what stands at the other end."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """Pad ``input`` (N, C, *size) or (C, *size)."""
        need_rank(input, self.rank + 1, self.rank + 2)
        return super().forward(input)


class ConstantPad1d(_Constant):
    """(left, right) of (C, W) or (N, C, W) filled with ``value``."""

    rank = 1


class ConstantPad2d(_Constant):
    """(left, right, top, bottom) of (C, H, W) or (N, C, H, W) filled with ``value``."""

    rank = 2


class ConstantPad3d(_Constant):
    """(left, right, top, bottom, front, back) of (C, D, H, W) or (N, C, D, H, W) filled with ``value``."""

    rank = 3


class ZeroPad1d(_Pad):
    """``ConstantPad1d`` with 0."""

    rank = 1


class ZeroPad2d(_Pad):
    """``ConstantPad2d`` with 0."""

    rank = 2


class ZeroPad3d(_Pad):
    """``ConstantPad3d`` with 0."""

    rank = 3


class ReflectionPad1d(_Pad):
    """(left, right) of (C, W) or (N, C, W) filled with the mirror image, without the border itself."""

    rank, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """``ReflectionPad1d`` of (C, H, W) or (N, C, H, W)."""

    rank, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """``ReflectionPad1d`` of (C, D, H, W) or (N, C, D, H, W)."""

    rank, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """(left, right) of (C, W) or (N, C, W) filled with the border's value."""

    rank, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """``ReplicationPad1d`` of (C, H, W) or (N, C, H, W)."""

    rank, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """``ReplicationPad1d`` of (C, D, H, W) or (N, C, D, H, W)."""

    rank, mode = 3, "replicate"


class CircularPad1d(_Circular):
    """(left, right) of (C, W) or (N, C, W) filled with what stands at the other end."""

    rank = 1


class CircularPad2d(_Circular):
    """``CircularPad1d`` of (C, H, W) or (N, C, H, W)."""

    rank = 2


class CircularPad3d(_Circular):
    """``CircularPad1d`` of (C, D, H, W) or (N, C, D, H, W)."""

    rank = 3
