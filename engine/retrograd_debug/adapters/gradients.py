"""Ids of raw gradient arrays.

In a plain backward gradients are bare arrays with no place for an id. Each new one passes here when a node hands it on,
so an array's ``id()`` stands for it while it lives; a weak reference tells when another array got the same address.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

import numpy as np

from retrograd_debug.adapters.tensors import MetaTuple, as_tensor, meta_tuple, next_tensor, version

_dtypes: dict[object, str] = {}


def dtype_name(dtype: Any) -> str:
    """The name of an array's dtype."""
    name = _dtypes.get(dtype)
    if name is None:
        name = _dtypes[dtype] = dtype.name
    return name


def device_name(array: Any) -> str:
    """Where a raw array lies."""
    if type(array) is np.ndarray:
        return "cpu"
    number = getattr(getattr(array, "device", None), "id", None)
    return "cpu" if number is None else f"cuda:{number}"


class GradientIds:
    """Numbers for the gradients of the passes that are open. ``known``: array's id() -> (weak reference, its meta);
    ``waiting``: node's id -> (id() of the array that waits to enter it, its meta), which costs less and is enough
    where a node has one output: the pass itself keeps that array alive."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[weakref.ref[Any], MetaTuple]] = {}
        self.waiting: dict[int, tuple[int, MetaTuple]] = {}

    def meta(self, gradient: Any, fresh: bool = False) -> tuple[MetaTuple, bool]:
        """The gradient as events hold it, and whether it was met for the first time. ``fresh``: it was changed in
        place since it was last met."""
        if hasattr(gradient, "_tid"):
            tensor = as_tensor(gradient)
            new = not tensor._tid
            if new:
                tensor._tid = next_tensor()
            return meta_tuple(tensor), new
        key = id(gradient)
        known = self.known.get(key)
        if known is not None and known[0]() is gradient:
            made = known[1]
            if fresh:
                made = (made[0], made[1] + 1, *made[2:])
                self.known[key] = (known[0], made)
            return made, False
        made = (next_tensor(), 0, gradient.shape, dtype_name(gradient.dtype), device_name(gradient), False)
        with contextlib.suppress(TypeError):  # a NumPy scalar can't be met again
            self.known[key] = (weakref.ref(gradient), made)
        return made, True

    def adopt(self, gradient: Any, made: MetaTuple) -> None:
        """From here on the array goes by an id that it got elsewhere."""
        with contextlib.suppress(TypeError):  # a NumPy scalar can't be met again
            self.known[id(gradient)] = (weakref.ref(gradient), made)

    def entering(self, node: int, gradient: Any) -> None:
        """What waited for ``node`` enters it, or something that a hook put in its place."""
        waited = self.waiting.pop(node, None)
        if waited is not None and waited[0] == id(gradient):
            self.adopt(gradient, waited[1])

    def summed(self, node: int, total: Any) -> MetaTuple:
        """Another gradient was added to what waits for ``node``: a new array, or the same with new contents."""
        waited = self.waiting.get(node)
        if waited is not None and waited[0] == id(total):
            old = waited[1]
            made = (old[0], old[1] + 1, *old[2:])
        else:
            made, _ = self.meta(total, fresh=True)
        self.waiting[node] = (id(total), made)
        return made

    def number_of(self, gradient: Any) -> tuple[int, int] | None:
        """The id and version of an array that was met, else None."""
        if hasattr(gradient, "_tid"):
            tensor = as_tensor(gradient)
            return (tensor._tid, version(tensor)) if tensor._tid else None
        known = self.known.get(id(gradient))
        return known[1][:2] if known is not None and known[0]() is gradient else None

    def clear(self) -> None:
        """No pass is open any more."""
        self.known.clear()
        self.waiting.clear()
