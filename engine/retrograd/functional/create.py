"""Making tensors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import numpy as np

from retrograd import dtypes
from retrograd.autograd.mode import mode, special
from retrograd.devices import Device, cpu
from retrograd.devices import device as find_device
from retrograd.dtypes import dtype as DType
from retrograd.functional.surface import both, function
from retrograd.meta import Array
from retrograd.ops import announce
from retrograd.ops.special import untrack
from retrograd.tensor import Tensor, from_array
from retrograd_events.tap import tap

Where = str | Device | None
F = TypeVar("F", bound=Callable[..., object])
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


def factory(found: F) -> F:
    """A function that makes tensors, which takes what PyTorch's take and has no meaning here: ``layout`` (all are
    strided), ``pin_memory``, ``memory_format``; and lengths also as ``size=``."""

    lengths = inspect.signature(found).parameters.get("size")
    named = lengths is not None and lengths.kind is not lengths.VAR_POSITIONAL

    @functools.wraps(found)
    def make(
        *arguments: object,
        layout: object = None,
        pin_memory: bool = False,
        memory_format: object = None,
        size: object = None,
        **options: object,
    ) -> object:
        if size is not None:
            if named:
                options["size"] = size
            else:
                arguments = (*arguments, size)
        return found(*arguments, **options)

    return cast(F, make)


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
    if special and mode.inference:
        untrack((made,))
    return made.requires_grad_() if requires_grad else made


@function
@factory
def zeros(*size: object, dtype: DType | None = None, device: Where = None, requires_grad: bool = False) -> Tensor:
    """Filled with 0."""
    shape = shape_of(size)
    return create("zeros", _zeros, shape, {"size": shape}, dtype, device, requires_grad)


def _zeros(device: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
    return device.xp.zeros(size, kind)


@function
@factory
def ones(*size: object, dtype: DType | None = None, device: Where = None, requires_grad: bool = False) -> Tensor:
    """Filled with 1."""
    shape = shape_of(size)
    return create("ones", _ones, shape, {"size": shape}, dtype, device, requires_grad)


def _ones(device: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
    return device.xp.ones(size, kind)


@function
@factory
def empty(*size: object, dtype: DType | None = None, device: Where = None, requires_grad: bool = False) -> Tensor:
    """Not initialised."""
    shape = shape_of(size)
    return create("empty", _empty, shape, {"size": shape}, dtype, device, requires_grad)


def _empty(device: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
    return device.xp.empty(size, kind)


@function
def full(
    size: Sequence[int],
    fill_value: bool | int | float | complex | Tensor,
    *,
    layout: object = None,
    pin_memory: bool = False,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Filled with ``fill_value``, of its type unless ``dtype`` says otherwise."""
    shape = shape_of((tuple(size),))
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    return create(
        "full", lambda place, lengths, kind: place.xp.full(lengths, fill_value, kind), shape,
        {"size": shape, "fill_value": fill_value}, dtype or dtypes.number_dtype(fill_value), device, requires_grad,
    )  # fmt: skip


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
