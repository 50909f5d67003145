"""Discrete Fourier transforms: complex to complex, real to complex, complex to real.

They are linear, and each is, up to the scale, the adjoint of another: of a transform the one in the opposite direction,
of real to complex complex to real. A half spectrum stands for its mirrored half too, so that between those two the
coefficients that have a mirror image count twice.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import ArrayFunction, Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.matrices import real
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor

Dims = tuple[int, ...]
SCALES = ("one", "root", "count")
"""What a transform is divided by: nothing, the root of the number of elements, or that number."""
_FORWARD = {"one": "backward", "root": "ortho", "count": "forward"}
_BACKWARD = {"one": "forward", "root": "ortho", "count": "backward"}


def _transform(xp: Namespace, name: str, scale: str, forward: bool) -> tuple[ArrayFunction, str]:
    """NumPy's function for a direction, and its word for a scale."""
    found: ArrayFunction = getattr(xp.fft, name if forward else f"i{name}")
    return found, (_FORWARD if forward else _BACKWARD)[scale]


def spectra(rng: np.random.Generator) -> Iterator[Sample]:
    """Complex arrays, over one dimension and over two."""
    for dim, scale, forward in (((1,), "one", True), ((0, 1), "root", False), ((0,), "count", False)):
        value = apart(rng, 3, 4) + 1j * apart(rng, 3, 4)
        yield Sample((value,), {"dim": dim, "scale": scale, "forward": forward})


@primitive(samples=spectra, torch="-", name="fft_c2c", node="FftC2CBackward0", linear=True, public=False)
def c2c(xp: Namespace, input: Array, *, dim: Dims, scale: str, forward: bool) -> Array:
    """Complex to complex, over dimensions."""
    transform, norm = _transform(xp, "fftn", scale, forward)
    return transform(input, axes=dim, norm=norm)


@c2c.vjp("input")
def _(g: Tensor, *, dim: Dims, scale: str, forward: bool) -> Tensor:
    return c2c(g, dim=dim, scale=scale, forward=not forward)


def signals(rng: np.random.Generator) -> Iterator[Sample]:
    """Real arrays of even and odd length, for half spectra and whole ones."""
    for shape, dim, scale in (((5,), (0,), "one"), ((3, 4), (0, 1), "root"), ((4, 3), (0,), "count")):
        for onesided in (True, False):
            yield Sample((apart(rng, *shape),), {"dim": dim, "scale": scale, "forward": True, "onesided": onesided})
    yield Sample((apart(rng, 3, 4),), {"dim": (1,), "scale": "count", "forward": False, "onesided": False})


@primitive(samples=signals, torch="-", name="fft_r2c", node="FftR2CBackward0", linear=True, public=False)
def r2c(xp: Namespace, input: Array, *, dim: Dims, scale: str, forward: bool, onesided: bool) -> Array:
    """Real to complex, over dimensions; ``onesided`` (forward only): of the last of them only the first half."""
    transform, norm = _transform(xp, "rfftn" if onesided else "fftn", scale, forward)
    return transform(input, axes=dim, norm=norm)


@r2c.vjp("input")
def _(g: Tensor, input_meta: Meta, *, dim: Dims, scale: str, forward: bool, onesided: bool) -> Tensor:
    if not onesided:
        return real(c2c(g, dim=dim, scale=scale, forward=not forward))
    size = input_meta.shape[dim[-1]]
    return c2r(mirrored(g, dim=dim[-1], size=size, factor=0.5), dim=dim, scale=scale, size=size)


def half_spectra(rng: np.random.Generator) -> Iterator[Sample]:
    """Half spectra, and the length that they are of."""
    for shape, dim, scale, size in (((3,), (0,), "one", 4), ((3, 3), (0, 1), "root", 5), ((2, 3), (1,), "count", 5)):
        yield Sample((apart(rng, *shape) + 1j * apart(rng, *shape),), {"dim": dim, "scale": scale, "size": size})


@primitive(samples=half_spectra, torch="-", name="fft_c2r", node="FftC2RBackward0", linear=True, public=False)
def c2r(xp: Namespace, input: Array, *, dim: Dims, scale: str, size: int) -> Array:
    """Complex to real, backward, over dimensions; of the last of them input is the first half of ``size``."""
    lengths = [*(input.shape[each] for each in dim[:-1]), size]
    return xp.fft.irfftn(input, s=lengths, axes=dim, norm=_BACKWARD[scale])


@c2r.vjp("input")
def _(g: Tensor, *, dim: Dims, scale: str, size: int) -> Tensor:
    half = r2c(g, dim=dim, scale=scale, forward=True, onesided=True)
    return mirrored(half, dim=dim[-1], size=size, factor=2.0)


def halves(rng: np.random.Generator) -> Iterator[Sample]:
    """Half spectra of even and odd length."""
    for size in (4, 5, 1):
        half = size // 2 + 1
        yield Sample((apart(rng, half, 2) + 1j * apart(rng, half, 2),), {"dim": 0, "size": size, "factor": 2.0})


@primitive(samples=halves, torch="-", name="scale_mirrored", linear=True, public=False)
def mirrored(xp: Namespace, input: Array, *, dim: int, size: int, factor: float) -> Array:
    """A half spectrum of ``size`` with the coefficients that have a mirror image scaled."""
    made = xp.array(input)
    made[(slice(None),) * (dim % input.ndim) + (slice(1, (size + 1) // 2),)] *= factor
    return made


@mirrored.vjp("input")
def _(g: Tensor, *, dim: int, size: int, factor: float) -> Tensor:
    return mirrored(g, dim=dim, size=size, factor=factor)
