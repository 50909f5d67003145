"""Convolutions as modules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from retrograd.functional.create import empty
from retrograd.nn import functional as F
from retrograd.nn import init
from retrograd.nn.functional._lengths import Sizes, lengths
from retrograd.nn.modules.module import Module
from retrograd.nn.parameter import Parameter
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.devices import Device
    from retrograd.dtypes import dtype as DType

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _Conv(Module):
    """What all kinds share: sizes, weight and bias, both uniform in ±1/sqrt(fan in) at first, as in PyTorch."""

    rank: ClassVar[int]
    transposed: ClassVar[bool] = False
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Device | str | None,
        dtype: DType | None,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(f"padding_mode must be zeros, reflect, replicate or circular, but got {padding_mode!r}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        name = type(self).__name__
        self.kernel_size = lengths(kernel_size, self.rank, name, "kernel_size")
        self.stride = lengths(stride, self.rank, name, "stride")
        self.padding = padding if isinstance(padding, str) else lengths(padding, self.rank, name, "padding")
        self.dilation = lengths(dilation, self.rank, name, "dilation")
        self.padding_mode = padding_mode
        sides = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty((*sides, *self.kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = self.weight.shape[1] * math.prod(self.kernel_size)
            if fan_in:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != (0,) * self.rank:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * self.rank:
            parts.append(f"dilation={self.dilation}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Forward(_Conv):
    """A convolution; see ``Conv2d``."""

    convolve: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        """Convolve ``input`` (N, in_channels, *size) or (in_channels, *size)."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._border(), mode=self.padding_mode)
            padding = (0,) * self.rank
        return type(self).convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _border(self) -> list[int]:
        """The padding as ``pad`` takes it: the last dimension first."""
        border: list[int] = []
        for axis in reversed(range(self.rank)):
            if isinstance(self.padding, str):
                total = self.dilation[axis] * (self.kernel_size[axis] - 1) if self.padding == "same" else 0
                border += [total // 2, total - total // 2]
            else:
                border += [self.padding[axis]] * 2
        return border


class Conv1d(_Forward):
    """A convolution of (N, in_channels, L); see ``Conv2d``."""

    rank = 1
    convolve = staticmethod(F.conv1d)


class Conv2d(_Forward):
    """A convolution of images with a learned kernel and bias.

    Args:
        in_channels, out_channels: channels of input and output.
        kernel_size, stride, padding, dilation: of the windows; padding may be "same" or "valid".
        groups: so many parts of the channels are convolved each for itself.
        bias: whether to learn a bias.
        padding_mode: ``zeros``, ``reflect``, ``replicate`` or ``circular``.

    Shapes: input (N, in_channels, H, W) or (in_channels, H, W); ``weight`` (out_channels, in_channels / groups,
    height, width), ``bias`` (out_channels).
    """

    rank = 2
    convolve = staticmethod(F.conv2d)


class Conv3d(_Forward):
    """A convolution of (N, in_channels, D, H, W); see ``Conv2d``."""

    rank = 3
    convolve = staticmethod(F.conv3d)


class _Transposed(_Conv):
    """The transpose of a convolution; see ``ConvTranspose2d``."""

    transposed = True
    convolve: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.output_padding = lengths(output_padding, self.rank, type(self).__name__, "output_padding")

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Apply it to ``input`` (N, in_channels, *size); ``output_size`` chooses among the sizes that are possible."""
        extra = self.output_padding if output_size is None else self._extra(input, tuple(output_size)[-self.rank :])
        return type(self).convolve(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, input: Tensor, size: tuple[int, ...]) -> tuple[int, ...]:
        found = []
        for axis, wanted in enumerate(size):
            pad = self.padding[axis]
            assert isinstance(pad, int)
            least = (input.shape[axis - self.rank] - 1) * self.stride[axis] - 2 * pad
            least += self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            if not least <= wanted < least + self.stride[axis]:
                raise ValueError(
                    f"requested an output size of {size}, but dimension {axis} is between {least} and "
                    f"{least + self.stride[axis] - 1}"
                )
            found.append(wanted - least)
        return tuple(found)


class ConvTranspose1d(_Transposed):
    """The transpose of ``Conv1d``; see ``ConvTranspose2d``."""

    rank = 1
    convolve = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_Transposed):
    """The transpose of ``Conv2d`` with a learned kernel and bias.

    Args: as ``Conv2d``; ``output_padding`` is what the output has more.

    Shapes: input (N, in_channels, H, W); ``weight`` (in_channels, out_channels / groups, height, width).
    """

    rank = 2
    convolve = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_Transposed):
    """The transpose of ``Conv3d``; see ``ConvTranspose2d``."""

    rank = 3
    convolve = staticmethod(F.conv_transpose3d)
