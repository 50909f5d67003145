"""Poolings by a power mean and by random windows, and the undoing of max pooling, as modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from retrograd.nn import functional as F
from retrograd.nn.functional._lengths import Sizes, lengths
from retrograd.nn.modules.module import Module
from retrograd.nn.modules.pooling import Pooled
from retrograd.tensor import Tensor

__all__ = [
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class _LPPool(Module):
    """The ``norm_type``-norm of each window; see ``LPPool2d``."""

    pool: ClassVar[Callable[..., Tensor]]

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """Pool ``input`` (N, C, *size)."""
        return type(self).pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The norm of windows of (N, C, L); see ``LPPool2d``."""

    pool = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """The norm of each window of (N, C, H, W): the p-th root of the sum of p-th powers.

    Args:
        norm_type: p; 1 is the sum, infinity the maximum.
        kernel_size, stride: of the windows; the stride is the kernel's size by default.
        ceil_mode: whether a last window may reach over the end.
    """

    pool = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """The norm of windows of (N, C, D, H, W); see ``LPPool2d``."""

    pool = staticmethod(F.lp_pool3d)


class _Fractional(Module):
    """The largest of windows at random places; see ``FractionalMaxPool2d``."""

    rank: ClassVar[int]
    pool: ClassVar[Callable[..., Pooled]]

    def __init__(
        self,
        kernel_size: Sizes,
        output_size: Sizes | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        if output_size is None and output_ratio is None:
            raise ValueError(f"{type(self).__name__} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        ratios = (output_ratio,) * self.rank if isinstance(output_ratio, (int, float)) else output_ratio
        if ratios is not None and not all(0 < each < 1 for each in ratios):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
        self.kernel_size = lengths(kernel_size, self.rank, type(self).__name__, "kernel_size")
        self.output_size = (output_size,) * self.rank if isinstance(output_size, int) else output_size
        self.output_ratio = ratios
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Pooled:
        """Pool ``input`` (N, C, *size) or (C, *size)."""
        return type(self).pool(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_Fractional):
    """The largest of each of the windows of (N, C, H, W) that start at random places, a step of the wanted ratio on
    the average.

    Args:
        kernel_size: of the windows.
        output_size: of the output, or
        output_ratio: its share of the input's size, between 0 and 1.
        return_indices: also return where each was.

    Source: Graham, "Fractional max-pooling", 2014.
    """

    rank = 2
    pool = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_Fractional):
    """``FractionalMaxPool2d`` of (N, C, D, H, W)."""

    rank = 3
    pool = staticmethod(F.fractional_max_pool3d)


class _MaxUnpool(Module):
    """Max pooling undone; see ``MaxUnpool2d``."""

    rank: ClassVar[int]
    unpool: ClassVar[Callable[..., Tensor]]

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = lengths(kernel_size, self.rank, name, "kernel_size")
        self.stride = self.kernel_size if stride is None else lengths(stride, self.rank, name, "stride")
        self.padding = lengths(padding, self.rank, name, "padding")

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Put ``input`` back to ``indices``, both (N, C, *size); ``output_size`` chooses among the sizes that are
        possible."""
        return type(self).unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """``MaxPool1d`` undone; see ``MaxUnpool2d``."""

    rank = 1
    unpool = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """``MaxPool2d`` undone: the values at the places that it returned, 0 elsewhere.

    Args:
        kernel_size, stride, padding: what the pooling had; the stride is the kernel's size by default.
    """

    rank = 2
    unpool = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """``MaxPool3d`` undone; see ``MaxUnpool2d``."""

    rank = 3
    unpool = staticmethod(F.max_unpool3d)
