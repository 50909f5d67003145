"""How the adapter sees our engine's tensors and nodes: by their slots alone, without importing the engine.

A tensor carries ``_tid`` and a node ``_nid`` (0 until the debugger gives a number); ``_meta`` is a tensor's kind,
``_data`` its array, ``_cell`` its version counter (None: version 0), ``_node`` the node that made it, an output of one,
the AccumulateGrad of a leaf, or None where no gradient is wanted.
"""

from __future__ import annotations

import itertools
from types import CodeType
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MetaTuple = tuple[int, int, tuple[int, ...], str, str, bool]
"""A TensorMeta as it is encoded: id, version, shape, dtype, device, requires_grad."""


class EngineDType(Protocol):
    """The engine's dtype."""

    name: str
    itemsize: int


class EngineDevice(Protocol):
    """The engine's device."""

    def to_host(self, array: Any) -> NDArray[np.generic]:
        """A NumPy copy."""
        ...

    def from_host(self, array: NDArray[np.generic]) -> Any:
        """A copy on the device."""
        ...


class EngineMeta(Protocol):
    """A tensor's kind."""

    shape: tuple[int, ...]
    dtype: EngineDType
    device: EngineDevice


class EngineVersions(Protocol):
    """A storage's version counter."""

    count: int


class EngineTensor(Protocol):
    """A tensor of our engine."""

    _tid: int
    _data: Any
    _meta: EngineMeta
    _cell: EngineVersions | None
    _node: Any
    _grad: EngineTensor | None


class EngineNode(Protocol):
    """A backward node of our engine."""

    _nid: int
    edges: tuple[object, ...]
    outputs: tuple[EngineMeta, ...]
    op_name: str
    code: CodeType | None
    lasti: int

    def name(self) -> str:
        """PyTorch's name."""
        ...


next_tensor = itertools.count(1).__next__
"""Tensor ids, gradients' included: never reused."""

next_node = itertools.count(1).__next__

_kinds: dict[object, tuple[str, str]] = {}


def is_tensor(value: object) -> bool:
    """Whether ``value`` is a tensor of our engine."""
    return hasattr(value, "_tid")


def as_tensor(value: object) -> EngineTensor:
    """``value``, known to be a tensor."""
    return cast(EngineTensor, value)


def version(tensor: EngineTensor) -> int:
    """Its version counter."""
    cell = tensor._cell
    return 0 if cell is None else cell.count


def kind(meta: EngineMeta) -> tuple[str, str]:
    """Names of dtype and device (remembered by kind)."""
    key = (meta.dtype, meta.device)
    known = _kinds.get(key)
    if known is None:
        known = _kinds[key] = (meta.dtype.name, str(meta.device))
    return known


def meta_tuple(tensor: EngineTensor) -> MetaTuple:
    """The tensor as events hold it; it must have its id."""
    meta = tensor._meta
    dtype, device = kind(meta)
    return (tensor._tid, version(tensor), tuple(meta.shape), dtype, device, tensor._node is not None)


def host_array(tensor: EngineTensor) -> NDArray[np.generic]:
    """Its contents on the host: the array itself where it lies there, else a copy. Not to be written to."""
    array = tensor._data
    if isinstance(array, np.ndarray):
        return array
    return tensor._meta.device.to_host(array)
