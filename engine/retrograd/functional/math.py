"""Arithmetic as PyTorch spells it: operators, options, in-place forms."""

from __future__ import annotations

from typing import cast

from retrograd.functional.surface import both, function, method, overwriting
from retrograd.ops import compare, elementwise, linalg, select
from retrograd.ops.complex import abs as absolute
from retrograd.ops.inplace import inplace, scaled_add_
from retrograd.ops.primitive import registry
from retrograd.ops.promotion import result_type
from retrograd.tensor import Tensor

_ops = elementwise
_MISSING = object()
_add = _ops.add.call
_sub = _ops.sub.call
_mul = _ops.mul.call


@both
def add(input: Tensor, other: object, *, alpha: float = 1) -> Tensor:
    """input + alpha * other"""
    return _add(input, other) if alpha == 1 else _add(input, _mul(other, alpha))


@both
def sub(input: Tensor, other: object, *, alpha: float = 1) -> Tensor:
    """input - alpha * other"""
    return _sub(input, other) if alpha == 1 else _sub(input, _mul(other, alpha))


@both
def rsub(input: Tensor, other: object, *, alpha: float = 1) -> Tensor:
    """other - alpha * input"""
    scaled = input if alpha == 1 else _mul(input, alpha)
    return _sub(other, scaled) if isinstance(other, Tensor) else _ops.rsub.call(scaled, other)


def _rsub(self: Tensor, other: object) -> Tensor:
    return _sub(other, self) if isinstance(other, Tensor) else _ops.rsub.call(self, other)


def _rtruediv(self: Tensor, other: object) -> Tensor:
    return _mul(_ops.reciprocal.call(self), other)


@both
def pow(input: object, exponent: object) -> Tensor:
    """input to the power of exponent; either may be a number."""
    if not isinstance(input, Tensor):
        return _ops.power_of_number.call(exponent, input)
    return (_ops.pow_tensor if isinstance(exponent, Tensor) else _ops.pow).call(input, exponent)


def _rpow(self: Tensor, other: object) -> Tensor:
    if isinstance(other, Tensor):
        return _ops.pow_tensor.call(other, self)
    return _ops.power_of_number.call(self, other)


@both
def square(input: Tensor) -> Tensor:
    """input to the power of 2"""
    return _ops.pow.call(input, 2)


@both
def rsqrt(input: Tensor) -> Tensor:
    """1 / sqrt(input)"""
    return _ops.reciprocal.call(_ops.sqrt.call(input))


@both
def remainder(input: Tensor, other: object) -> Tensor:
    """What is left of ``input / other``, with the sign of ``other``."""
    return _sub(input, _mul(compare.floor_divide.call(input, other), other))


@function
def where(condition: Tensor, input: object = _MISSING, other: object = _MISSING) -> Tensor | tuple[Tensor, ...]:
    """input where condition is true, else other; they broadcast and promote. Of a condition alone: the indices of what
    is true, a vector for each dimension."""
    if input is _MISSING and other is _MISSING:
        line = condition if condition.ndim else condition.reshape(1)
        return cast("Tensor", registry["nonzero"].call(line)).unbind(1)
    if input is _MISSING or other is _MISSING:
        raise TypeError("where() takes a condition alone, or a condition and both of input and other")
    return choose(condition, input, other)


def choose(condition: Tensor, input: object, other: object) -> Tensor:
    """``where`` of all three."""
    kind = result_type(input, other)
    sides = [each.to(kind) if isinstance(each, Tensor) else each for each in (input, other)]
    if not any(isinstance(each, Tensor) for each in sides):
        from retrograd.functional.create import tensor

        sides = [tensor(each, dtype=kind, device=condition.device) for each in sides]
    return select.where.call(condition, *sides)


def _where(self: Tensor, condition: Tensor, other: object) -> Tensor:
    """The tensor's elements where condition is true, else other's."""
    return choose(condition, self, other)


setattr(Tensor, "where", _where)  # noqa: B010  the function of that name takes its condition first


@both
def clamp(input: Tensor, min: object = None, max: object = None) -> Tensor:
    """input kept between ``min`` and ``max`` (numbers or tensors)."""
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        raised = input if min is None else _ops.maximum.call(input, min)
        return raised if max is None else _ops.minimum.call(raised, max)
    kind = result_type(input, *(each for each in (min, max) if each is not None))
    return select.clamp.call(input if kind is input._meta.dtype else input.to(kind), min=min, max=max)


@both
def clamp_min(input: Tensor, min: float) -> Tensor:
    """input, at least ``min``."""
    return clamp(input, min)


@both
def clamp_max(input: Tensor, max: float) -> Tensor:
    """input, at most ``max``."""
    return clamp(input, None, max)


@function
def clip(input: Tensor, min: object = None, max: object = None) -> Tensor:
    """Another name of ``clamp``."""
    return clamp(input, min, max)


@both
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shape and all elements are the same."""
    return input.shape == other.shape and bool((input._data == other._data).all())


@both
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are within ``atol + rtol * |other|`` of each other."""
    import numpy as np

    left, right = input.device.to_host(input._data), other.device.to_host(other._data)
    return bool(np.allclose(left, right, rtol, atol, equal_nan))


def _eq(self: Tensor, other: object) -> object:
    if other is None or isinstance(other, (str, dict)):
        return NotImplemented
    return compare.eq.call(self, other)


def _ne(self: Tensor, other: object) -> object:
    if other is None or isinstance(other, (str, dict)):
        return NotImplemented
    return compare.ne.call(self, other)


def _pos(self: Tensor) -> Tensor:
    return self


_OPERATORS = {
    "__add__": _add, "__radd__": _add, "__sub__": _sub, "__rsub__": _rsub, "__mul__": _mul,
    "__rmul__": _mul, "__truediv__": _ops.div.call, "__rtruediv__": _rtruediv, "__pow__": pow,
    "__rpow__": _rpow, "__neg__": _ops.neg.call, "__pos__": _pos, "__abs__": absolute.call,
    "__eq__": _eq, "__ne__": _ne, "__lt__": compare.lt.call, "__le__": compare.le.call, "__gt__": compare.gt.call,
    "__ge__": compare.ge.call, "__and__": compare.bitwise_and.call, "__or__": compare.bitwise_or.call,
    "__xor__": compare.bitwise_xor.call, "__invert__": compare.bitwise_not.call,
    "__floordiv__": compare.floor_divide.call, "__mod__": remainder,
}  # fmt: skip
for _name, _function in _OPERATORS.items():
    setattr(Tensor, _name, _function)

_IN_PLACE = {op.key: inplace(op) for op in registry.values() if op.elementwise and op.writes}
for _name, _function in _IN_PLACE.items():
    setattr(Tensor, f"{_name}_", _function)
for _name, _operator in (("add", "iadd"), ("sub", "isub"), ("mul", "imul"), ("div", "itruediv"), ("pow", "ipow")):
    setattr(Tensor, f"__{_operator}__", _IN_PLACE[_name])


@method
def add_(self: Tensor, other: object, *, alpha: float = 1) -> Tensor:
    """Add ``alpha * other`` in place."""
    return _IN_PLACE["add"](self, other) if alpha == 1 else scaled_add_(self, other, alpha)


@method
def sub_(self: Tensor, other: object, *, alpha: float = 1) -> Tensor:
    """Take ``alpha * other`` off in place."""
    return _IN_PLACE["sub"](self, other) if alpha == 1 else scaled_add_(self, other, -alpha)


for _composition in (clamp, clamp_min, clamp_max):
    overwriting(_composition)

_matmul = linalg.mm.call
