"""Poolings as modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from retrograd.nn import functional as F
from retrograd.nn.functional._lengths import Sizes, lengths
from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
]

Pooled = Tensor | tuple[Tensor, Tensor]


class _MaxPool(Module):
    """The largest of each window; see ``MaxPool2d``."""

    pool: ClassVar[Callable[..., Pooled]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Pooled:
        """Pool ``input`` (N, C, *size)."""
        return type(self).pool(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest of windows of (N, C, L); see ``MaxPool2d``."""

    pool = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest of each window of (N, C, H, W).

    Args:
        kernel_size, stride, padding, dilation: of the windows; the stride is the kernel's size by default.
        return_indices: also return where each was.
        ceil_mode: whether a last window may reach over the end.
    """

    pool = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest of windows of (N, C, D, H, W); see ``MaxPool2d``."""

    pool = staticmethod(F.max_pool3d)


class AvgPool1d(Module):
    """The mean of windows of (N, C, L); arguments as ``AvgPool2d``."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = lengths(kernel_size, 1, "AvgPool1d", "kernel_size")
        self.stride = self.kernel_size if stride is None else lengths(stride, 1, "AvgPool1d", "stride")
        self.padding = lengths(padding, 1, "AvgPool1d", "padding")
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Pool ``input``."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    """The mean of each window; see ``AvgPool2d``."""

    pool: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Pool ``input`` (N, C, *size)."""
        return type(self).pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window of (N, C, H, W).

    Args:
        kernel_size, stride, padding: of the windows; the stride is the kernel's size by default.
        ceil_mode: whether a last window may reach over the end.
        count_include_pad: whether the zeros around count.
        divisor_override: what sums are divided by instead.
    """

    pool = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of windows of (N, C, D, H, W); see ``AvgPool2d``."""

    pool = staticmethod(F.avg_pool3d)


class _Adaptive(Module):
    """Pooling to a size."""

    pool: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: Sizes | Sequence[int | None]) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Pool ``input`` (N, C, *size)."""
        return type(self).pool(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_Adaptive):
    """The means of ``output_size`` nearly equal parts of (N, C, L)."""

    pool = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_Adaptive):
    """The means of nearly equal parts of (N, C, H, W); None in ``output_size`` keeps a length."""

    pool = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_Adaptive):
    """The means of nearly equal parts of (N, C, D, H, W); None in ``output_size`` keeps a length."""

    pool = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMax(Module):
    """The largest of parts of a size."""

    pool: ClassVar[Callable[..., Pooled]]

    def __init__(self, output_size: Sizes | Sequence[int | None], return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Pooled:
        """Pool ``input`` (N, C, *size)."""
        return type(self).pool(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest of ``output_size`` nearly equal parts of (N, C, L)."""

    pool = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest of nearly equal parts of (N, C, H, W)."""

    pool = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMax):
    """The largest of nearly equal parts of (N, C, D, H, W)."""

    pool = staticmethod(F.adaptive_max_pool3d)
