"""In-place changes and history: what happens to the graph when a tensor, or the storage under it, is written to.

As in PyTorch, a change of a view becomes a change of its base (``CopySlices``: the op ran on a part of it), and every
other view of that base is from then on a view of the changed base (``AsStridedBackward0``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrograd.autograd.mode import mode
from retrograd.autograd.node import AccumulateGrad, Node
from retrograd.autograd.versions import Untracked, tick
from retrograd.meta import Array
from retrograd.ops.index import gathered, replaced, scattered
from retrograd.tensor import Tensor


def check_writable(tensor: Tensor, name: str) -> None:
    """Refuse what must not be changed in place: leaves that require grad, and memory that several elements share."""
    if mode.enabled:
        if type(tensor._node) is AccumulateGrad:
            raise RuntimeError(f"a leaf Variable that requires grad is being used in an in-place operation ({name})")
        base = tensor._base
        if base is not None and type(base._node) is AccumulateGrad:
            raise RuntimeError(
                f"a view of a leaf Variable that requires grad is being used in an in-place operation ({name})"
            )
    if type(tensor._cell) is Untracked and not mode.inference:
        raise RuntimeError(
            f"Inplace update to inference tensor outside InferenceMode is not allowed ({name}). You can make a clone "
            "to get a normal tensor before doing inplace update."
        )
    if not tensor._data.flags.writeable:
        raise RuntimeError(
            f"{name}: unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location, or its memory is read-only. Please clone() the tensor before performing the operation."
        )


def rebase(tensor: Tensor, node: Node | None) -> None:
    """Make ``node`` (None: the change is not recorded) the history of ``tensor``, which was just changed."""
    base = tensor._base
    if base is None:
        if node is not None:
            _move_retained(tensor, node)
            tensor._node = node
            _follow(tensor)
        elif tensor._node is not None and mode.enabled:
            _follow(tensor)
        return
    if node is None and (base._node is None or not mode.enabled):
        return
    if node is not None:
        base._node = _copy_slices(base, tensor, node)
        _follow(base)


def _move_retained(tensor: Tensor, node: Node) -> None:
    """A tensor that keeps its gradient keeps that of its newest value."""
    if tensor.retains_grad:
        owner, index = tensor._place()
        assert owner.hooks is not None
        node._hooks().retained[0] = owner.hooks.retained.pop(index)


def _follow(base: Tensor) -> None:
    cell = base._cell
    if cell is None or base._node is None:
        return
    for reference in cell.views:
        view = reference()
        if view is not None and view._base is base:
            node = _blank(AsStridedBackward0())
            node.edges = (base._node,)
            node.positions = positions(view._data, base._data)
            node.size = tuple(base._meta.shape)
            view._node = node


def _blank(node: _Partial) -> _Partial:
    node.saved = ()
    node.params = {}
    node.metas = None
    node.outputs = ()
    node.hooks = None
    node.code = None
    node.lasti = 0
    node._nid = 0
    node.seq = tick()
    return node


def _copy_slices(base: Tensor, view: Tensor, inner: Node) -> Node:
    node = CopySlices()
    _blank(node)
    node.inner = inner
    node.edges = (base._node, *inner.edges[1:])
    node.wants_first = inner.edges[0] is not None
    node.positions = positions(view._data, base._data)
    node.size = tuple(base._meta.shape)
    node.code, node.lasti = inner.code, inner.lasti
    if base._node is not None and inner.edges[0] is None:
        inner.edges = (base._node, *inner.edges[1:])
    return node


def positions(view: Array, base: Array) -> Array:
    """For each element of ``view``, the index in the flattened ``base`` of the element it shares memory with."""
    places = _addresses(base).reshape(-1)
    order = np.argsort(places, kind="stable")
    found = np.searchsorted(places, _addresses(view), sorter=order)
    return order[found]


def _addresses(array: Array) -> Array:
    total = np.full(array.shape, array.__array_interface__["data"][0], np.int64)
    for axis, (length, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        steps = np.arange(length, dtype=np.int64) * stride
        total += steps.reshape((-1,) + (1,) * (array.ndim - axis - 1))
    return total


class _Partial(Node):
    """A node that concerns a part of a tensor: ``positions`` of it in the flattened whole of shape ``size``."""

    __slots__ = ("inner", "positions", "size", "wants_first")

    inner: Node
    positions: Array
    size: tuple[int, ...]
    wants_first: bool


class CopySlices(_Partial):
    """A part of a tensor was changed in place by an op, whose own node is ``inner``."""

    __slots__ = ()

    def _through(self, g: Tensor, name: str) -> Sequence[object]:
        grads = list(getattr(self.inner, name)(gathered(g, positions=self.positions)))
        first = grads[0]
        whole = replaced(g, 0.0 if first is None else first, positions=self.positions)
        return [whole if self.edges[0] is not None else None, *grads[1:]]

    def run(self, grad: Tensor) -> Sequence[object]:
        """On raw arrays."""
        return self._through(grad, "run")

    def run_recorded(self, grad: Tensor) -> Sequence[object]:
        """On recorded tensors."""
        return self._through(grad, "run_recorded")


class AsStridedBackward0(_Partial):
    """A view of a tensor that was changed since."""

    __slots__ = ()

    def run(self, grad: Tensor) -> Sequence[object]:
        """On raw arrays and recorded tensors alike."""
        return (scattered(grad, positions=self.positions, size=self.size),)

    run_recorded = run
