"""The two kinds of gradient that travel in a backward pass: raw arrays, and tensors that are themselves recorded."""

from __future__ import annotations

import sys
from typing import Protocol, cast

import numpy as np

from retrograd.autograd.node import AccumulateGrad
from retrograd.devices import device_of
from retrograd.meta import Array
from retrograd.tensor import Tensor, from_array


class Kind(Protocol):
    """How gradients of one kind are handled."""

    run: str

    def add(self, total: object, grad: object, owned: bool) -> object:
        """The sum; ``owned``: ``total`` is nobody else's and may be written to."""
        ...

    def tensor(self, grad: object) -> Tensor:
        """As a hook sees it."""
        ...

    def back(self, tensor: Tensor) -> object:
        """What a hook returned, as it travels on."""
        ...

    def accumulate(self, leaf: Tensor, grad: object) -> None:
        """Add to ``leaf.grad``."""
        ...


class _Raw:
    run = "run"

    def add(self, total: object, grad: object, owned: bool) -> object:
        if owned and isinstance(total, np.ndarray) and total.shape:
            total += cast(Array, grad)
            return total
        return cast(Array, total) + cast(Array, grad)

    def tensor(self, grad: object) -> Tensor:
        return from_array(as_array(grad), device_of(grad))

    def back(self, tensor: Tensor) -> object:
        return tensor._data

    def accumulate(self, leaf: Tensor, grad: object) -> None:
        array = as_array(grad)
        held = leaf._grad
        if held is None:
            # nobody else may see later changes of ``grad``: take the array only if nothing else refers to it
            alone = grad is array and sys.getrefcount(grad) <= _alone and _owns(array)
            del grad
            fit = alone and array.flags.c_contiguous and array.flags.writeable
            taken = array if fit else array.copy()
            leaf._grad = from_array(taken, leaf._meta.device)
        elif held._node is None and held._data.flags.writeable:
            held._data += array
            if held._cell is not None:
                held._cell.bump("accumulate_grad")
        else:
            leaf._grad = from_array(held._data + array, leaf._meta.device)


class _Recorded:
    run = "run_recorded"

    def add(self, total: object, grad: object, owned: bool) -> object:
        return cast(Tensor, total) + cast(Tensor, grad)

    def tensor(self, grad: object) -> Tensor:
        return cast(Tensor, grad)

    def back(self, tensor: Tensor) -> object:
        return tensor

    def accumulate(self, leaf: Tensor, grad: object) -> None:
        held = leaf._grad
        leaf._grad = cast(Tensor, grad) if held is None else held + cast(Tensor, grad)


def as_array(grad: object) -> Array:
    """An array also where NumPy made a scalar of a 0-dimensional one."""
    return np.asarray(grad) if isinstance(grad, np.generic) else cast(Array, grad)


def _owns(array: Array) -> bool:
    """Whether nothing else sees the memory of ``array``: its own, or all that of an array which only it holds."""
    base = array.base
    if base is None:
        return True
    whole = type(base) is np.ndarray and base.base is None and base.size == array.size
    del base
    return whole and sys.getrefcount(array.base) <= 2  # the view's own reference and this call's


RAW: Kind = _Raw()
RECORDED: Kind = _Recorded()
_alone = 0


def _measure() -> None:
    """Find what ``getrefcount`` says in ``accumulate`` of an array that only the waiting gradients held."""
    global _alone  # noqa: PLW0603  measured once, at import
    leaf = from_array(np.zeros(1), device_of(None))
    for count in range(1, 8):
        arrived = {AccumulateGrad: np.ones(1)}
        where = arrived[AccumulateGrad].ctypes.data
        _alone = count
        leaf._grad = None
        RAW.accumulate(leaf, arrived.pop(AccumulateGrad))
        if cast(Tensor, leaf._grad)._data.ctypes.data == where:
            return
    _alone = 0


_measure()
