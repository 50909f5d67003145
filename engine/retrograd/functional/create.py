"""Making tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from retrograd import dtypes
from retrograd.devices import Device, cpu
from retrograd.devices import device as find_device
from retrograd.dtypes import dtype as DType
from retrograd.functional.surface import both, function, method
from retrograd.meta import Array
from retrograd.ops import announce
from retrograd.tensor import Tensor, from_array
from retrograd_events.tap import tap

Where = str | Device | None
Fill = Callable[[Device, tuple[int, ...], "np.dtype[np.generic]"], Array]


def shape_of(size: Sequence[object]) -> tuple[int, ...]:
    """A shape given as numbers or as one sequence."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    lengths = tuple(int(cast(int, each)) for each in size)
    for each in lengths:
        if each < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {each}: {list(lengths)}")
    return lengths


def create(
    name: str,
    make: Fill,
    size: tuple[int, ...],
    params: dict[str, object],
    dtype: DType | None,
    device: Where,
    requires_grad: bool,
) -> Tensor:
    """Make a tensor by ``make(device, size, numpy dtype)`` as the recorded op ``name``."""
    kind = dtype or dtypes.get_default_dtype()
    place = cpu if device is None else find_device(device)
    listener = tap.listener
    if listener is None:
        made = from_array(make(place, size, kind.numpy), place)
    else:
        params = {**params, "dtype": kind, "device": place}
        started = listener.op_starting(name, (), params)
        try:
            nbytes = int(np.prod(size, dtype=float)) * kind.itemsize
            if nbytes > announce.LIMIT:
                listener.allocation_announced(name, nbytes)
            made = from_array(make(place, size, kind.numpy), place)
        except BaseException as error:
            listener.op_failed(name, (), params, error)
            raise
        listener.op_applied(name, (), params, (made,), started, 0)
    return made.requires_grad_() if requires_grad else made


@function
def zeros(*size: object, dtype: DType | None = None, device: Where = None, requires_grad: bool = False) -> Tensor:
    """Filled with 0."""
    shape = shape_of(size)
    return create("zeros", _zeros, shape, {"size": shape}, dtype, device, requires_grad)


def _zeros(device: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
    return device.xp.zeros(size, kind)


@function
def ones(*size: object, dtype: DType | None = None, device: Where = None, requires_grad: bool = False) -> Tensor:
    """Filled with 1."""
    shape = shape_of(size)
    return create("ones", _ones, shape, {"size": shape}, dtype, device, requires_grad)


def _ones(device: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
    return device.xp.ones(size, kind)


@function
def empty(*size: object, dtype: DType | None = None, device: Where = None, requires_grad: bool = False) -> Tensor:
    """Not initialised."""
    shape = shape_of(size)
    return create("empty", _empty, shape, {"size": shape}, dtype, device, requires_grad)


def _empty(device: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
    return device.xp.empty(size, kind)


@function
def full(
    size: Sequence[int],
    fill_value: bool | int | float,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Filled with ``fill_value``, of its type unless ``dtype`` says otherwise."""
    shape = shape_of((tuple(size),))
    return create(
        "full", lambda place, lengths, kind: place.xp.full(lengths, fill_value, kind), shape,
        {"size": shape, "fill_value": fill_value}, dtype or dtypes.number_dtype(fill_value), device, requires_grad,
    )  # fmt: skip


@function
def arange(
    start: int | float,
    end: int | float | None = None,
    step: int | float = 1,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """From ``start`` up to but without ``end``, by ``step``; integers when all three are."""
    if end is None:
        start, end = 0, start
    whole = all(isinstance(each, int) for each in (start, end, step))
    kind = dtype or (dtypes.int64 if whole else dtypes.get_default_dtype())
    if step == 0 or (end - start) * step < 0:
        raise RuntimeError("upper bound and larger bound inconsistent with step sign")
    first, last = start, end
    return create(
        "arange", lambda place, lengths, numpy_kind: place.xp.arange(first, last, step).astype(numpy_kind), (),
        {"start": first, "end": last, "step": step}, kind, device, requires_grad,
    )  # fmt: skip


@function
def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included."""
    return create(
        "linspace", lambda place, lengths, kind: place.xp.linspace(start, end, steps).astype(kind), (steps,),
        {"start": start, "end": end, "steps": steps}, dtype, device, requires_grad,
    )  # fmt: skip


@function
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """1 on the diagonal, 0 elsewhere."""
    return create(
        "eye", lambda place, lengths, kind: place.xp.eye(n, m, dtype=kind), (n, n if m is None else m),
        {"n": n, "m": m}, dtype, device, requires_grad,
    )  # fmt: skip


@function
def zeros_like(
    input: Tensor, *, dtype: DType | None = None, device: Where = None, requires_grad: bool = False
) -> Tensor:
    """Filled with 0, of ``input``'s shape, dtype and device."""
    return zeros(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function
def ones_like(
    input: Tensor, *, dtype: DType | None = None, device: Where = None, requires_grad: bool = False
) -> Tensor:
    """Filled with 1, of ``input``'s shape, dtype and device."""
    return ones(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function
def empty_like(
    input: Tensor, *, dtype: DType | None = None, device: Where = None, requires_grad: bool = False
) -> Tensor:
    """Not initialised, of ``input``'s shape, dtype and device."""
    return empty(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function
def full_like(
    input: Tensor,
    fill_value: bool | int | float,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Filled with ``fill_value``, of ``input``'s shape, dtype and device."""
    return full(
        input.shape, fill_value, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad
    )


@function
def tensor(data: object, *, dtype: DType | None = None, device: Where = None, requires_grad: bool = False) -> Tensor:
    """A copy of ``data`` (numbers, nested sequences, an array, a tensor) as a leaf."""
    return create("tensor", _copying(data, dtype), (), {}, dtype or _dtype_of(data), device, requires_grad)


def _copying(data: object, dtype: DType | None) -> Fill:
    array = _host(data)

    def make(place: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
        return place.from_host(array.astype(kind, order="C", copy=True))

    return make


def _host(data: object) -> Array:
    if isinstance(data, Tensor):
        return data.device.to_host(data._data)
    if isinstance(data, np.ndarray):
        return data
    try:
        return np.asarray(_plain(data))
    except ValueError as error:
        raise ValueError(f"can't make a tensor of sequences of unequal length: {error}") from None


def _plain(data: object) -> object:
    """Nested sequences with numbers where there were one-element tensors."""
    if isinstance(data, (list, tuple)):
        return [_plain(each) for each in data]
    if isinstance(data, Tensor):
        return data.device.to_host(data._data)
    return data


def _dtype_of(data: object) -> DType:
    if isinstance(data, Tensor):
        return data.dtype
    array = _host(data)
    if isinstance(data, (np.ndarray, np.generic)):
        return dtypes.from_numpy_dtype(array.dtype)
    if array.dtype == object:
        raise TypeError(f"can't make a tensor of {type(data).__name__}: {data!r}")
    if array.dtype.kind == "f":
        return dtypes.get_default_dtype()
    if array.dtype.kind == "c":
        return dtypes.get_default_dtype().to_complex()
    return dtypes.from_numpy_dtype(array.dtype)


@function
def as_tensor(data: object, dtype: DType | None = None, device: Where = None) -> Tensor:
    """``data`` as a tensor, sharing memory where it can."""
    if isinstance(data, Tensor):
        return data.to(device or data.device, dtype or data.dtype)
    if isinstance(data, np.ndarray) and dtype is None and (device is None or find_device(device) is cpu):
        return from_numpy(data)
    return tensor(data, dtype=dtype, device=device)


@function
def from_numpy(ndarray: Array) -> Tensor:
    """A tensor that shares memory with a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return from_array(ndarray, cpu)


def legacy(arguments: Sequence[object]) -> Tensor:
    """What ``Tensor(...)`` makes: of lengths an uninitialised tensor, of data a copy in the default dtype."""
    if len(arguments) == 1 and not isinstance(arguments[0], int):
        return tensor(arguments[0], dtype=dtypes.get_default_dtype())
    return empty(*arguments) if arguments else empty(0)


@both
def is_tensor(obj: object) -> bool:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


@method
def new_zeros(self: Tensor, *size: object, dtype: DType | None = None, device: Where = None) -> Tensor:
    """Zeros of this tensor's dtype and device."""
    return zeros(*size, dtype=dtype or self.dtype, device=device or self.device)


@method
def new_ones(self: Tensor, *size: object, dtype: DType | None = None, device: Where = None) -> Tensor:
    """Ones of this tensor's dtype and device."""
    return ones(*size, dtype=dtype or self.dtype, device=device or self.device)


@method
def new_tensor(self: Tensor, data: object, dtype: DType | None = None, device: Where = None) -> Tensor:
    """``data`` in this tensor's dtype and device."""
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device)
