"""How tensors travel between processes: by shared memory, never by copies in a pickle."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from retrograd.devices import cpu, device
from retrograd.dtypes import PUBLIC
from retrograd.multiprocessing.shared import block_of, receive, send, share
from retrograd.nn.parameter import Buffer, Parameter
from retrograd.tensor import Tensor, _fill, from_array

Reduced = tuple[Callable[..., Tensor], tuple[object, ...]]


def register() -> None:
    """Tell the pickler of ``multiprocessing`` about tensors. ``pickle`` itself goes on refusing them."""
    for kind in (Tensor, Parameter, Buffer):
        ForkingPickler.register(kind, _reduce)


def _reduce(tensor: Tensor) -> Reduced:
    """What the other process needs to make the same tensor, of the same memory.

    Raises:
        RuntimeError: for a tensor with history, which does not reach into other processes.
    """
    if not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
            "crossing process boundaries. If you just want to transfer the data, call detach() on the tensor before "
            "serializing (e.g., putting it on the queue)."
        )
    facts = (type(tensor), tensor.requires_grad, dict(tensor.__dict__))
    kind = tensor.dtype.name.rpartition(".")[2]
    if tensor.device is not cpu or tensor.numel() == 0:
        host = tensor.device.to_host(tensor._data)
        return _copied, (host.tobytes(), kind, tuple(host.shape), str(tensor.device), *facts)
    share(tensor)
    array = tensor._data
    block = block_of(array)
    assert block is not None
    offset = array.ctypes.data - np.frombuffer(block, np.uint8, 1).ctypes.data
    return _shared, (send(block), len(block), offset, kind, array.shape, array.strides, *facts)


def _shared(
    link: str,
    size: int,
    offset: int,
    kind: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *facts: Any,
) -> Tensor:
    array = np.ndarray(shape, PUBLIC[kind].numpy, receive(link, size), offset, strides)
    return _made(from_array(array, cpu), *facts)


def _copied(data: bytes, kind: str, shape: tuple[int, ...], place: str, *facts: Any) -> Tensor:
    array = np.frombuffer(bytearray(data), PUBLIC[kind].numpy).reshape(shape)
    where = device(place)
    return _made(from_array(array if where is cpu else where.from_host(array), where), *facts)


def _made(source: Tensor, kind: type[Tensor], requires_grad: bool, attributes: dict[str, object]) -> Tensor:
    made = object.__new__(kind)
    _fill(made, source._data, source._meta, None)
    made.__dict__.update(attributes)
    if requires_grad:
        made.requires_grad_()
    return made
