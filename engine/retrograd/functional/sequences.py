"""Sequences and index patterns: arange, linspace, logspace, eye, the indices of triangles."""

from __future__ import annotations

import math

import numpy as np

from retrograd import dtypes
from retrograd.devices import Device
from retrograd.dtypes import FLOATING, INTEGRAL
from retrograd.dtypes import dtype as DType
from retrograd.functional.create import Where, create, factory
from retrograd.functional.surface import function
from retrograd.meta import Array
from retrograd.tensor import Tensor

Number = bool | int | float | complex | Tensor


def _number(value: object, name: str) -> int | float | complex:
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {value.ndim}D")
        return value.item()
    return value  # type: ignore[return-value]  # checked by the arithmetic on it


@function
@factory
def arange(
    start: Number,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """From ``start`` up to but without ``end``, by ``step``; integers when all three are."""
    first, last, by = (_number(each, "arange") for each in ((0, start, step) if end is None else (start, end, step)))
    if isinstance(first, complex) or isinstance(last, complex) or isinstance(by, complex):
        raise RuntimeError("arange(): complex numbers have no order")
    whole = all(isinstance(each, int) for each in (first, last, by))
    kind = dtype or (dtypes.int64 if whole else dtypes.get_default_dtype())
    if kind.category <= INTEGRAL and not whole and all(map(math.isfinite, (first, last, by))):
        first, last, by = int(first), int(last), int(by)
    if by == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(first) and math.isfinite(last)):
        raise RuntimeError(f"unsupported range: {first} -> {last}")
    if (last - first) / by < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = math.ceil((last - first) / by)
    if count >= 2**63:
        raise RuntimeError("invalid size, possible overflow?")

    def make(place: Device, size: tuple[int, ...], numpy_kind: np.dtype[np.generic]) -> Array:
        return (place.xp.arange(count) * by + first).astype(numpy_kind)

    return create("arange", make, (), {"start": first, "end": last, "step": by}, kind, device, requires_grad)


@function
@factory
def linspace(
    start: Number,
    end: Number,
    steps: int,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included, counted from the nearer end."""
    first, last = _number(start, "linspace"), _number(end, "linspace")
    kind = dtype or _kind_of(first, last)
    params: dict[str, object] = {"start": first, "end": last, "steps": steps}

    def make(place: Device, size: tuple[int, ...], numpy_kind: np.dtype[np.generic]) -> Array:
        return _even(place, first, last, steps, kind).astype(numpy_kind)

    return create("linspace", make, (_steps(steps),), params, kind, device, requires_grad)


def _kind_of(*numbers: object) -> DType:
    kinds = [dtypes.number_dtype(each) for each in numbers]
    default = dtypes.get_default_dtype()
    return next((each for each in kinds if each.category > FLOATING), default)


def _steps(steps: object) -> int:
    if not isinstance(steps, int):
        raise TypeError(f"number of steps must be an int, got {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return steps


def _even(place: Device, first: complex, last: complex, steps: int, kind: DType) -> Array:
    if kind.category <= INTEGRAL:
        first, last = int(first.real), int(last.real)
    step = (last - first) / (steps - 1) if steps > 1 else 0.0
    places = place.xp.arange(steps)
    near = places < (steps + 1) // 2 if steps > 1 else places < 1
    return place.xp.where(near, places * step + first, (places - (steps - 1)) * step + last)


@function
@factory
def logspace(
    start: Number,
    end: Number,
    steps: int,
    base: float = 10.0,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` powers of ``base``, their exponents from ``start`` to ``end``, both included."""
    first, last = _number(start, "logspace"), _number(end, "logspace")
    kind = dtype or _kind_of(first, last)
    params: dict[str, object] = {"start": first, "end": last, "steps": steps, "base": base}

    def make(place: Device, size: tuple[int, ...], numpy_kind: np.dtype[np.generic]) -> Array:
        exponents = _even(place, first, last, steps, kind)
        return place.xp.power(place.xp.asarray(base, exponents.dtype), exponents).astype(numpy_kind)

    return create("logspace", make, (_steps(steps),), params, kind, device, requires_grad)


@function
@factory
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """1 on the diagonal, 0 elsewhere."""
    for name, each in (("n", n), ("m", m)):
        if each is not None and each < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {each}")
    return create(
        "eye", lambda place, lengths, kind: place.xp.eye(n, m, dtype=kind), (n, n if m is None else m),
        {"n": n, "m": m}, dtype, device, requires_grad,
    )  # fmt: skip


def _triangle(name: str, row: int, col: int, offset: int, dtype: DType | None, device: Where) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(f"row and col must be non-negative, got {row} and {col}")
    lower = name == "tril_indices"

    def make(place: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
        cut = place.xp.tril if lower else place.xp.triu
        return place.xp.stack(place.xp.nonzero(cut(place.xp.ones((row, col), "bool"), offset))).astype(kind)

    params: dict[str, object] = {"row": row, "col": col, "offset": offset}
    return create(name, make, (), params, dtype or dtypes.int64, device, False)


@function
@factory
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """The indices of the elements on and below a diagonal of a matrix, rows and columns."""
    return _triangle("tril_indices", row, col, offset, dtype, device)


@function
@factory
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: DType | None = None, device: Where = None) -> Tensor:
    """The indices of the elements on and above a diagonal of a matrix, rows and columns."""
    return _triangle("triu_indices", row, col, offset, dtype, device)
