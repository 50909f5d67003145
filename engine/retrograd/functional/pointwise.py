"""Element by element, as compositions: fused arithmetic, roundings, tests of what a number is."""

from __future__ import annotations

import math

from retrograd import dtypes
from retrograd.functional import math as arithmetic
from retrograd.functional.surface import both, overwriting
from retrograd.ops import compare, elementwise, rounding
from retrograd.ops.complex import abs as absolute
from retrograd.ops.promotion import result_type
from retrograd.ops.select import where as _where
from retrograd.tensor import Tensor

_add, _sub = elementwise.add.call, elementwise.sub.call
_mul, _div = elementwise.mul.call, elementwise.div.call


@both
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 * tensor2"""
    product = _mul(tensor1, tensor2)
    return _add(input, product if value == 1 else _mul(product, value))


@both
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 / tensor2, for floating-point or complex tensors."""
    if not (tensor1._meta.floating or tensor2._meta.floating):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: divide with div(rounding_mode='trunc'), or convert "
            "the inputs to a floating-point type first"
        )
    quotient = _div(tensor1, tensor2)
    return _add(input, quotient if value == 1 else _mul(quotient, value))


@both
def lerp(input: Tensor, end: Tensor, weight: object) -> Tensor:
    """input + weight * (end - input)"""
    if end.dtype is not input.dtype:
        raise RuntimeError(f"expected dtype {input.dtype} for `end` but got dtype {end.dtype}")
    if isinstance(weight, Tensor) and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected dtype {input.dtype} for `weight` but got dtype {weight.dtype}")
    return _add(input, _mul(_sub(end, input), weight))


@both
def positive(input: Tensor) -> Tensor:
    """The tensor itself; ``RuntimeError`` for booleans."""
    if input.dtype is dtypes.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@both
def frac(input: Tensor) -> Tensor:
    """What lies behind the point, with the number's sign."""
    return _sub(input, rounding.trunc.call(input))


@both
def round(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """The nearest whole number (of two, the even one), or the nearest with ``decimals`` digits after the point."""
    if decimals is None:
        return rounding.round.call(input)
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"round with decimals is not implemented for {input.dtype}")
    return rounding.round_decimals.call(input, decimals=decimals)


@both
def div(input: Tensor, other: object, *, rounding_mode: str | None = None) -> Tensor:
    """input / other, rounded ``"floor"`` (down), ``"trunc"`` (towards zero) or not at all."""
    if rounding_mode is None:
        return _div(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    if rounding_mode == "floor":
        return compare.floor_divide.call(input, other)
    quotient = rounding.trunc.call(_div(input, other))
    kind = result_type(input, other)
    return quotient.to(kind) if quotient.dtype is not kind else quotient


@both
def true_divide(input: Tensor, other: object) -> Tensor:
    """Another name of ``div``."""
    return _div(input, other)


@both
def divide(input: Tensor, other: object, *, rounding_mode: str | None = None) -> Tensor:
    """Another name of ``div``."""
    return div(input, other, rounding_mode=rounding_mode)


@both
def multiply(input: Tensor, other: object) -> Tensor:
    """Another name of ``mul``."""
    return _mul(input, other)


@both
def subtract(input: Tensor, other: object, *, alpha: float = 1) -> Tensor:
    """Another name of ``sub``."""
    return arithmetic.sub(input, other, alpha=alpha)


@both
def float_power(input: object, exponent: object) -> Tensor:
    """``pow`` computed in float64 (complex128 for complex numbers)."""

    def wide(value: object) -> object:
        if isinstance(value, Tensor):
            return value.to(dtypes.complex128 if value.dtype.is_complex else dtypes.float64)
        return value

    return arithmetic.pow(wide(input), wide(exponent))


@both
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2**other"""
    return _mul(input, elementwise.power_of_number.call(other, 2.0))


@both
def frexp(input: Tensor) -> tuple[Tensor, Tensor]:
    """Mantissas from a half to one, and exponents of 2 (int32)."""
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = rounding.frexp.call(input)
    return mantissa, exponent


@both
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(input / (1 - input)); ``eps`` keeps input that far from 0 and 1."""
    kept = input if eps is None else input.clamp(eps, 1.0 - eps)
    return elementwise.log.call(_div(kept, elementwise.rsub.call(kept, 1.0)))


@both
def nan_to_num(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN as ``nan``, infinities as ``posinf`` and ``neginf`` (default: the dtype's limits)."""
    if not input._meta.floating:
        return input.clone()
    if input.is_complex():
        from retrograd.functional import complex as parts

        made = [nan_to_num(part, nan, posinf, neginf) for part in (parts.real(input), parts.imag(input))]
        return parts.complex(*made)
    facts = dtypes.finfo(input.dtype)
    high, low = facts.max if posinf is None else posinf, facts.min if neginf is None else neginf
    found = _where.call(compare.isnan.call(input), 0.0 if nan is None else nan, input)
    found = _where.call(compare.eq.call(input, math.inf), high, found)
    return _where.call(compare.eq.call(input, -math.inf), low, found)


@both
def isposinf(input: Tensor) -> Tensor:
    """Where the elements are +inf."""
    if input.is_complex():
        raise RuntimeError("isposinf does not support complex inputs.")
    return compare.eq.call(input, math.inf) if input._meta.floating else _no(input)


@both
def isneginf(input: Tensor) -> Tensor:
    """Where the elements are -inf."""
    if input.is_complex():
        raise RuntimeError("isneginf does not support complex inputs.")
    return compare.eq.call(input, -math.inf) if input._meta.floating else _no(input)


def _no(input: Tensor) -> Tensor:
    return compare.ne.call(input, input)


@both
def isreal(input: Tensor) -> Tensor:
    """Where the elements have no imaginary part."""
    return compare.eq.call(input.imag, 0) if input.is_complex() else compare.logical_not.call(_no(input))


@both
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where two are within ``atol + rtol * |other|`` of each other, or equal (NaN with ``equal_nan`` too)."""
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol}")
    close = compare.eq.call(input, other)
    if equal_nan and input._meta.floating:
        both_nan = compare.logical_and.call(_no(input), _no(other))
        close = compare.logical_or.call(close, both_nan)
    if rtol == 0 and atol == 0:
        return close
    one, two = (each if each._meta.floating else each.to(dtypes.float64) for each in (input, other))
    allowed = _add(_mul(absolute.call(two), rtol), atol)
    distance = absolute.call(_sub(one, two))
    near = compare.logical_and.call(compare.isfinite.call(distance), compare.le.call(distance, allowed))
    return compare.logical_or.call(close, near)


@both
def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Where exactly one of them is not zero."""
    return compare.ne.call(compare.ne.call(input, 0), compare.ne.call(other, 0))


for _composition in (addcmul, addcdiv, lerp, frac, round, nan_to_num, logit, float_power, ldexp, logical_xor):
    overwriting(_composition)
for _name in ("floor", "ceil", "trunc", "fmod", "copysign", "heaviside", "nextafter"):
    overwriting(getattr(rounding, _name).call)


def _divmod(self: Tensor, other: object) -> tuple[Tensor, Tensor]:
    """Quotients rounded down, and what is left."""
    return compare.floor_divide.call(self, other), self % other


def _rmod(self: Tensor, other: object) -> Tensor:
    """``other % self``"""
    if not isinstance(other, Tensor):
        from retrograd.functional.create import tensor

        other = tensor(other, dtype=result_type(self, other))
    return other % self


setattr(Tensor, "__divmod__", _divmod)  # noqa: B010  an operator
setattr(Tensor, "__rmod__", _rmod)  # noqa: B010  an operator
