"""Complex numbers under PyTorch's names."""

from __future__ import annotations

from retrograd.functional.surface import both, function
from retrograd.ops import complex as ops
from retrograd.ops.elementwise import cos, sin
from retrograd.tensor import Tensor


@both
def conj(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor itself. Computed at once: there are no lazily conjugate tensors."""
    return ops.conj.call(input) if input.is_complex() else input


@both
def conj_physical(input: Tensor) -> Tensor:
    """The complex conjugate, in memory of its own."""
    return ops.conj.call(input) if input.is_complex() else input


@both
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: no conjugation is ever put off."""
    return input


@both
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: no negation is ever put off."""
    return input


@both
def is_conj(input: Tensor) -> bool:
    """Whether a conjugation was put off: never."""
    return False


@both
def is_neg(input: Tensor) -> bool:
    """Whether a negation was put off: never."""
    return False


@function
def is_complex(input: Tensor) -> bool:
    """Whether the dtype is a complex type."""
    return input._meta.dtype.is_complex


@function
def real(input: Tensor) -> Tensor:
    """The real parts, as a view; a real tensor itself."""
    return ops.real.call(input) if input.is_complex() else input


@function
def imag(input: Tensor) -> Tensor:
    """The imaginary parts, as a view; ``RuntimeError`` for a real tensor."""
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return ops.imag.call(input)


def _set_real(self: Tensor, value: object) -> None:
    real(self).copy_(value) if isinstance(value, Tensor) else real(self).fill_(value)


def _set_imag(self: Tensor, value: object) -> None:
    imag(self).copy_(value) if isinstance(value, Tensor) else imag(self).fill_(value)


setattr(Tensor, "real", property(real, _set_real, doc=real.__doc__))  # noqa: B010  not a method
setattr(Tensor, "imag", property(imag, _set_imag, doc=imag.__doc__))  # noqa: B010  not a method


@function
def complex(real: Tensor, imag: Tensor) -> Tensor:
    """The complex numbers of these parts, which broadcast and are both float32 or both float64."""
    if real.dtype is not imag.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {real.dtype} but got scalar type {imag.dtype} for second argument"
        )
    if not real.dtype.is_floating_point or real.dtype.narrow:
        raise RuntimeError(f"Expected both inputs to be Float or Double tensors but got {real.dtype} and {imag.dtype}")
    shape = (real + imag).shape if real.shape != imag.shape else real.shape
    return ops.complex.call(real.expand(shape), imag.expand(shape))


@function
def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """The complex numbers of these sizes and angles."""
    if abs.dtype is not angle.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {abs.dtype} but got scalar type {angle.dtype} for second argument"
        )
    return complex(abs * cos.call(angle), abs * sin.call(angle))
