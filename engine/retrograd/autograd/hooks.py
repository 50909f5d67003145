"""Where a node keeps the user's functions that run as gradients pass."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable

from retrograd.utils.hooks import RemovableHandle, register

Hook = Callable[..., object]
Hooks = "OrderedDict[int, Hook]"


class NodeHooks:
    """All hooks of a node: on its outputs' tensors (by output index), before it runs, after it ran, after a leaf's
    gradient was added; ``retained`` are weak references to tensors that asked for their gradient to be kept (by output
    index). ``packed``: what it saved went through saved-tensor hooks. ``metadata``: the user's own."""

    __slots__ = ("accumulated", "after", "before", "metadata", "packed", "retained", "tensors")

    def __init__(self) -> None:
        self.tensors: dict[int, OrderedDict[int, Hook]] = {}
        self.before: OrderedDict[int, Hook] = OrderedDict()
        self.after: OrderedDict[int, Hook] = OrderedDict()
        self.retained: dict[int, weakref.ref[object]] = {}
        self.accumulated: OrderedDict[int, Hook] = OrderedDict()
        self.packed = False
        self.metadata: dict[object, object] = {}

    def on_tensor(self, index: int, hook: Hook) -> RemovableHandle:
        """Add a hook of the tensor that is output ``index``."""
        return register(self.tensors.setdefault(index, OrderedDict()), hook)
