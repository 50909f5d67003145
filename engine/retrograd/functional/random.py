"""PyTorch's functions that draw random numbers (the stream is ``retrograd.random``'s).

Numbers are drawn on the host, in PyTorch's order, and moved to the device that was asked for, so that a seed means the
same numbers everywhere. Every draw is a recorded op.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from retrograd import random
from retrograd.autograd.mode import mode, no_grad
from retrograd.autograd.node import AccumulateGrad
from retrograd.autograd.versions import versions_of
from retrograd.devices import Device
from retrograd.dtypes import bool_, get_default_dtype, int64
from retrograd.dtypes import dtype as DType
from retrograd.functional.create import Fill, Where, create, factory, ones, shape_of
from retrograd.functional.out import accepts_out
from retrograd.functional.surface import both, function, method
from retrograd.meta import Array
from retrograd.random import Generator, default_generator
from retrograd.tensor import Tensor, from_array
from retrograd_events.tap import tap

for _found in (random.manual_seed, random.seed, random.initial_seed, random.get_rng_state, random.set_rng_state):
    function(_found)

_IN_PLACE = 2
Draw = Callable[[Generator, int], Array]


def drawing(draw: Draw, generator: Generator | None) -> Fill:
    """What ``create`` makes a tensor by."""

    def make(place: Device, size: tuple[int, ...], kind: np.dtype[np.generic]) -> Array:
        drawn = draw(generator or default_generator, math.prod(size)).reshape(size).astype(kind, copy=False)
        return drawn if place.type == "cpu" else place.from_host(drawn)

    return make


def floating(name: str, kind: DType | None) -> DType:
    chosen = kind or get_default_dtype()
    if not chosen.is_floating_point:
        raise NotImplementedError(f'"{name}" not implemented for {chosen}: it draws floating-point numbers')
    return chosen


# --- new tensors


@function
@factory
def rand(
    *size: int | Sequence[int],
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers in [0, 1), of shape ``size``."""
    kind = floating("rand", dtype)
    shape = shape_of(size)
    draw = drawing(lambda g, n: g.uniform(n, 0, 1, kind.numpy), generator)
    return create("rand", draw, shape, {"size": shape}, kind, device, requires_grad)


@function
@factory
def randn(
    *size: int | Sequence[int],
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers of the normal distribution with mean 0 and deviation 1, of shape ``size``."""
    kind = floating("randn", dtype)
    shape = shape_of(size)
    draw = drawing(lambda g, n: g.normal(n, 0, 1, kind.numpy), generator)
    return create("randn", draw, shape, {"size": shape}, kind, device, requires_grad)


@function
@factory
def randint(
    low: int,
    high: int | Sequence[int] | None = None,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers in [low, high) of shape ``size``; ``randint(high, size)`` starts at 0."""
    if high is not None and not isinstance(high, int):
        high, size = None, high
    first, last = (0, low) if high is None else (low, high)
    if size is None:
        raise TypeError("randint() missing 1 required argument: 'size'")
    if first >= last:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={first} >= to={last}")
    kind, shape = dtype or int64, shape_of((tuple(size),))
    draw = drawing(lambda g, n: g.integers(n, first, last, kind.numpy), generator)
    params = {"low": first, "high": last, "size": shape}
    return create("randint", draw, shape, params, kind, device, requires_grad)


@function
@factory
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers 0..n-1 in random order."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    draw = drawing(lambda g, count: g.permutation(count), generator)
    return create("randperm", draw, (n,), {"n": n}, dtype or int64, device, requires_grad)


@function
@factory
def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """``rand`` of ``input``'s shape, dtype and device."""
    return rand(
        input.shape,
        generator=generator,
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


@function
@factory
def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """``randn`` of ``input``'s shape, dtype and device."""
    return randn(
        input.shape,
        generator=generator,
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


@function
@factory
def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """``randint`` of ``input``'s shape, dtype and device."""
    first, last = (0, low) if high is None else (low, high)
    return randint(
        first,
        last,
        input.shape,
        generator=generator,
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


@function
@factory
def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers: of ``size``, or one for each element of the tensors ``mean`` and ``std`` (broadcast)."""
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        parts = [part for part in (mean, std) if isinstance(part, Tensor)]
        shape = np.broadcast_shapes(*(tuple(part.shape) for part in parts))
        if isinstance(std, Tensor) and std.dtype.is_complex:
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if float(std.detach().min() if isinstance(std, Tensor) and std.numel() else std) < 0:
            raise RuntimeError("normal expects all elements of std >= 0.0")
        unit = randn(shape, generator=generator, dtype=parts[0].dtype, device=parts[0].device)
        with no_grad():
            drawn = unit * std + mean
        return constant_in(drawn, *parts)
    if size is None:
        raise TypeError("normal() of two numbers needs a size")
    kind, shape = floating("normal", dtype), shape_of((tuple(size),))
    draw = drawing(lambda g, n: g.normal(n, mean, std, kind.numpy), generator)
    params = {"mean": mean, "std": std, "size": shape}
    return create("normal", draw, shape, params, kind, device, requires_grad)


@both
@accepts_out
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the chance that each element of ``input`` says (or ``p``, the same for all), else 0."""
    if not input.is_floating_point():
        raise NotImplementedError(f'"bernoulli" not implemented for {input.dtype}: chances are floating point')
    chance: float | Array = input.device.to_host(input._data).reshape(-1) if p is None else p
    if not bool(np.all((np.asarray(chance) >= 0) & (np.asarray(chance) <= 1))):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true: every chance lies between 0 and 1")
    params: dict[str, object] = {"size": input.shape} if p is None else {"size": input.shape, "p": p}
    draw = drawing(lambda g, n: g.bernoulli(n, chance), generator)
    return constant_in(create("bernoulli", draw, input.shape, params, input.dtype, input.device, False), input)


def constant_in(drawn: Tensor, *parts: Tensor) -> Tensor:
    """What was drawn, as a result that depends on ``parts`` with a gradient of zero, as PyTorch has it."""
    for each in parts:
        if each.requires_grad and mode.enabled:
            drawn = drawn + each.masked_fill(ones((), dtype=bool_, device=each.device), 0)
    return drawn


# --- filling in place


@method
def uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers in [from, to); returns the tensor."""
    if from_ > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
    kind = floating("uniform_", self.dtype)
    return filled(
        "uniform_", self, lambda g, n: g.uniform(n, from_, to, kind.numpy), generator, {"from": from_, "to": to}
    )


@method
def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers; returns the tensor."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    kind, blocks = floating("normal_", self.dtype), self.is_contiguous()
    return filled(
        "normal_",
        self,
        lambda g, n: g.normal(n, mean, std, kind.numpy, blocks=blocks),
        generator,
        {"mean": mean, "std": std},
    )


@method
def bernoulli_(self: Tensor, p: Tensor | float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with 1 by chance ``p`` (a number, or a tensor that broadcasts to this one), else 0; returns the tensor."""
    if isinstance(p, Tensor):
        spread = np.broadcast_to(p.device.to_host(p._data), tuple(self.shape))
        chances = spread.transpose(_memory_order(self)).reshape(-1)
        return filled("bernoulli_", self, lambda g, n: g.bernoulli(n, chances), generator, {})
    _check_chance(p)
    return filled("bernoulli_", self, lambda g, n: g.bernoulli(n, p), generator, {"p": p})


@method
def random_(
    self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None
) -> Tensor:
    """Fill with integers in [from, to): ``random_(to)`` starts at 0, ``random_()`` ends where the dtype stops counting
    in ones; returns the tensor."""
    end = from_ if to is None else to
    first = 0 if to is None or from_ is None else from_
    last = _countable(self.dtype) if end is None else end
    if first >= last:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={first} >= to={last}")
    return filled(
        "random_",
        self,
        lambda g, n: g.integers(n, first, last, self.dtype.numpy),
        generator,
        {"from": first, "to": last},
    )


def filled(name: str, tensor: Tensor, draw: Draw, generator: Generator | None, params: Mapping[str, object]) -> Tensor:
    """Write what ``draw`` gives over ``tensor``, in the order of its memory, as op ``name``."""
    if tensor._node is not None and mode.enabled:
        if isinstance(tensor._node, AccumulateGrad):
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        # its history ends here, which copy_ knows how to record
        return tensor.copy_(from_array(_drawn(tensor, draw, generator), tensor.device))
    listener = tap.listener
    started = 0 if listener is None else listener.op_starting(name, (tensor,), params)
    try:
        tensor._data[...] = _drawn(tensor, draw, generator)
        versions_of(tensor).bump(name)
    except BaseException as error:
        if listener is not None:
            listener.op_failed(name, (tensor,), params, error)
        raise
    if listener is not None:
        listener.op_applied(name, (tensor,), params, (tensor,), started, _IN_PLACE)
    return tensor


def _drawn(tensor: Tensor, draw: Draw, generator: Generator | None) -> Array:
    """Draws for every element of ``tensor``, of its shape: the first for the first in memory."""
    order = _memory_order(tensor)
    flat = draw(generator or default_generator, tensor.numel()).astype(tensor.dtype.numpy, copy=False)
    host = flat.reshape([tensor.shape[axis] for axis in order]).transpose(np.argsort(order))
    return host if tensor.device.type == "cpu" else tensor.device.from_host(host)


def _memory_order(tensor: Tensor) -> list[int]:
    """The tensor's axes, from the one with the longest steps in memory to the one with the shortest."""
    steps = tensor._data.strides
    return sorted(range(len(steps)), key=lambda axis: -abs(steps[axis]))


def _countable(kind: DType) -> int:
    """The integers from 0 that a dtype represents without gaps."""
    if kind.is_floating_point:
        return int(2 ** (np.finfo(kind.name).nmant + 1)) + 1
    return 2 if kind.name == "bool" else int(np.iinfo(kind.name).max) + 1


def _check_chance(p: float) -> None:
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
