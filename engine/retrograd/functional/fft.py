"""Discrete Fourier transforms with PyTorch's arguments.

Every one takes ``norm``: the transforms to frequencies are divided by nothing (``backward``, the default), by the root
of the number of elements (``ortho``) or by that number (``forward``), those back by the number, the root, nothing.
Lengths cut the signal or lengthen it with zeros first. Integers count as the default dtype; the result has the
precision of the input. ``RuntimeError`` for a length below 1, for dimensions given twice and for an unknown ``norm``,
``IndexError`` for a dimension that there is not. The gradients are those of PyTorch: the transforms' adjoints.
"""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.devices import Device
from retrograd.dtypes import FLOATING, get_default_dtype
from retrograd.dtypes import dtype as DType
from retrograd.functional.join import cat
from retrograd.functional.reduce import check_dim
from retrograd.functional.sequences import arange
from retrograd.functional.split import narrow
from retrograd.functional.surface import within
from retrograd.functional.views import roll
from retrograd.ops import fft as ops
from retrograd.ops.shape import placed
from retrograd.tensor import Tensor

Sizes = Sequence[int] | None
Dims = int | Sequence[int] | None
fft_function = within("fft")


def _scale(norm: str | None, forward: bool) -> str:
    names = ("backward", "ortho", "forward")
    if norm is not None and norm not in names:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"; there are {", ".join(names)}')
    place = 0 if norm is None else names.index(norm)
    return ops.SCALES[place if forward else 2 - place]


def _floating(input: Tensor, name: str, *, real: bool = False) -> Tensor:
    """The input in a floating or complex dtype."""
    if real and input.dtype.is_complex:
        raise RuntimeError(f"Expected a real input tensor to {name}, got {input.dtype}")
    if input._meta.category < FLOATING:
        return input.to(get_default_dtype())
    if input.dtype.itemsize < 4:
        raise RuntimeError(f"Unsupported dtype {input.dtype}: {name} is there for float32 and float64")
    return input


def _complex(input: Tensor, name: str) -> Tensor:
    found = _floating(input, name)
    return found if found.dtype.is_complex else found.to(found.dtype.to_complex())


def _axes(input: Tensor, s: Sizes, dim: Dims) -> tuple[list[int], list[int]]:
    """The dimensions and their lengths: all dimensions where none are named, or the last ones that ``s`` has lengths
    for."""
    chosen = [dim] if isinstance(dim, int) else None if dim is None else list(dim)
    if chosen is None:
        if s is not None and len(s) > input.ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {input.ndim} dimensions.")
        chosen = list(range(input.ndim))[0 if s is None else input.ndim - len(s) :]
    if not input.ndim and chosen:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    axes = [check_dim(each, input.ndim) for each in chosen]
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"FFT dims must be unique, got {chosen}")
    lengths = [input.shape[each] for each in axes]
    if s is not None:
        if len(s) != len(axes):
            raise RuntimeError(f"When given, dim and shape arguments must have the same length, got {chosen} and {s}")
        lengths = [own if each == -1 else each for own, each in zip(lengths, s, strict=True)]
    for each in lengths:
        if each < 1:
            raise RuntimeError(f"Invalid number of data points ({each}) specified")
    return axes, lengths


def _resized(input: Tensor, axes: Sequence[int], lengths: Sequence[int]) -> Tensor:
    """Cut, or lengthened with zeros."""
    for axis, length in zip(axes, lengths, strict=True):
        own = input.shape[axis]
        if own > length:
            input = narrow(input, axis, 0, length)
        elif own < length:
            size = (*input.shape[:axis], length, *input.shape[axis + 1 :])
            input = placed.call(input, size=size, dim=axis, start=0, stop=own, step=1)
    return input


def _whole(name: str, input: Tensor, s: Sizes, dim: Dims, norm: str | None, forward: bool) -> Tensor:
    """A transform to or from a whole spectrum."""
    scale = _scale(norm, forward)
    signal = _floating(input, name)
    axes, lengths = _axes(signal, s, dim)
    signal = _resized(signal, axes, lengths)
    if not axes:
        return _complex(signal, name)
    if signal.dtype.is_complex:
        return ops.c2c.call(signal, dim=tuple(axes), scale=scale, forward=forward)
    return ops.r2c.call(signal, dim=tuple(axes), scale=scale, forward=forward, onesided=False)


def _to_half(name: str, input: Tensor, s: Sizes, dim: Dims, norm: str | None) -> Tensor:
    """A transform of a real signal to a half spectrum."""
    scale = _scale(norm, True)
    signal = _floating(input, name, real=True)
    axes, lengths = _axes(signal, s, dim)
    if not axes:
        raise RuntimeError(f"{name} must transform at least one axis")
    return ops.r2c.call(_resized(signal, axes, lengths), dim=tuple(axes), scale=scale, forward=True, onesided=True)


def _half_axes(name: str, spectrum: Tensor, s: Sizes, dim: Dims) -> tuple[Tensor, list[int], int]:
    """A half spectrum in the size that is asked for, its dimensions, and the length of the last one's signal."""
    given = None if s is None else list(s)
    if given and given[-1] != -1:
        last: int | None = given[-1]
        if given[-1] < 1:
            raise RuntimeError(f"Invalid number of data points ({given[-1]}) specified")
        given[-1] = given[-1] // 2 + 1
    else:
        last = None
    axes, lengths = _axes(spectrum, given, dim)
    if not axes:
        raise RuntimeError(f"{name} must transform at least one axis")
    size = 2 * (lengths[-1] - 1) if last is None else last
    if size < 1:
        raise RuntimeError(f"Invalid number of data points ({size}) specified")
    return _resized(spectrum, axes, lengths), axes, size


def _from_half(name: str, input: Tensor, s: Sizes, dim: Dims, norm: str | None) -> Tensor:
    """A transform of a half spectrum to the real signal."""
    scale = _scale(norm, False)
    spectrum, axes, size = _half_axes(name, _complex(input, name), s, dim)
    return ops.c2r.call(spectrum, dim=tuple(axes), scale=scale, size=size)


def _one(n: int | None) -> Sizes:
    return None if n is None else [n]


@fft_function
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The spectrum of a signal of length ``n`` along ``dim``."""
    return _whole("fft", input, _one(n), dim, norm, True)


@fft_function
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The signal of a spectrum of length ``n`` along ``dim``."""
    return _whole("ifft", input, _one(n), dim, norm, False)


@fft_function
def fft2(input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None) -> Tensor:
    """The spectrum of a signal of two dimensions."""
    return _whole("fft2", input, s, dim, norm, True)


@fft_function
def ifft2(input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None) -> Tensor:
    """The signal of a spectrum of two dimensions."""
    return _whole("ifft2", input, s, dim, norm, False)


@fft_function
def fftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The spectrum of a signal of several dimensions."""
    return _whole("fftn", input, s, dim, norm, True)


@fft_function
def ifftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The signal of a spectrum of several dimensions."""
    return _whole("ifftn", input, s, dim, norm, False)


@fft_function
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first half (n // 2 + 1) of the spectrum of a real signal of length ``n``; the rest is its mirror image."""
    return _to_half("rfft", input, _one(n), dim, norm)


@fft_function
def rfft2(input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None) -> Tensor:
    """The same of two dimensions, halved in the last."""
    return _to_half("rfft2", input, s, dim, norm)


@fft_function
def rfftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The same of several dimensions, halved in the last."""
    return _to_half("rfftn", input, s, dim, norm)


@fft_function
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real signal of length ``n`` (by default even) of a half spectrum."""
    return _from_half("irfft", input, _one(n), dim, norm)


@fft_function
def irfft2(input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None) -> Tensor:
    """The same of two dimensions, halved in the last."""
    return _from_half("irfft2", input, s, dim, norm)


@fft_function
def irfftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The same of several dimensions, halved in the last."""
    return _from_half("irfftn", input, s, dim, norm)


@fft_function
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real spectrum of length ``n`` of a signal that is its own conjugate mirror image, of which input is half."""
    return hfftn(input, _one(n), dim, norm)


@fft_function
def hfft2(input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None) -> Tensor:
    """The same of two dimensions, halved in the last."""
    return hfftn(input, s, dim, norm)


@fft_function
def hfftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The same of several dimensions, halved in the last."""
    scale = _scale(norm, True)
    signal, axes, size = _half_axes("hfftn", _complex(input, "hfftn"), s, dim)
    if axes[:-1]:
        signal = ops.c2c.call(signal, dim=tuple(axes[:-1]), scale=scale, forward=True)
    return ops.c2r.call(signal.conj(), dim=(axes[-1],), scale=scale, size=size)


@fft_function
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Half of the signal of a real spectrum: the inverse of ``hfft``."""
    return ihfftn(input, _one(n), dim, norm)


@fft_function
def ihfft2(input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None) -> Tensor:
    """The same of two dimensions, halved in the last."""
    return ihfftn(input, s, dim, norm)


@fft_function
def ihfftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The same of several dimensions, halved in the last."""
    scale = _scale(norm, False)
    spectrum = _floating(input, "ihfftn", real=True)
    axes, lengths = _axes(spectrum, s, dim)
    if not axes:
        raise RuntimeError("ihfftn must transform at least one axis")
    spectrum = _resized(spectrum, axes, lengths)
    half = ops.r2c.call(spectrum, dim=(axes[-1],), scale=scale, forward=True, onesided=True).conj()
    if not axes[:-1]:
        return half
    return ops.c2c.call(half, dim=tuple(axes[:-1]), scale=scale, forward=False)


def _frequencies(count: int, d: float, negative: bool, dtype: DType | None, device: str | Device | None,
                 requires_grad: bool) -> Tensor:  # fmt: skip
    kind = dtype or get_default_dtype()
    if negative:
        parts = [arange(0, (count + 1) // 2), arange(-(count // 2), 0)]
        steps = cat([each.to(kind) for each in parts])
    else:
        steps = arange(0, count // 2 + 1).to(kind)
    found = (steps * (1.0 / (count * d))).to(device or "cpu")
    return found.requires_grad_() if requires_grad else found


@fft_function
def fftfreq(n: int, d: float = 1.0, *, dtype: DType | None = None, device: str | Device | None = None,
            requires_grad: bool = False) -> Tensor:  # fmt: skip
    """The frequencies of the elements of ``fft``'s result, for ``n`` elements at a distance of ``d``."""
    return _frequencies(n, d, True, dtype, device, requires_grad)


@fft_function
def rfftfreq(n: int, d: float = 1.0, *, dtype: DType | None = None, device: str | Device | None = None,
             requires_grad: bool = False) -> Tensor:  # fmt: skip
    """The frequencies of the elements of ``rfft``'s result."""
    return _frequencies(n, d, False, dtype, device, requires_grad)


def _shifted(input: Tensor, dim: Dims, back: bool) -> Tensor:
    chosen = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    axes = [check_dim(each, input.ndim) for each in chosen]
    lengths = [input.shape[each] for each in axes]
    return roll(input, [(each + 1) // 2 if back else each // 2 for each in lengths], axes) if axes else input


@fft_function
def fftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The spectrum with frequency 0 in the middle."""
    return _shifted(input, dim, False)


@fft_function
def ifftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The inverse of ``fftshift``."""
    return _shifted(input, dim, True)
