"""The handle that every ``register_..._hook`` returns: tensors, nodes, modules and optimizers share it."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Iterable
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RemovableHandle", "register"]

_Hook = TypeVar("_Hook")
_ids = count()


class RemovableHandle:
    """Removes a hook again: by ``remove()``, or at the end of a ``with`` block.

    Args:
        hooks_dict: the hooks by id, of which the one with this handle's ``id`` is meant. It is referred to weakly, so
            that a handle keeps nothing alive.
        extra_dict: further dictionaries to remove the id from.
    """

    __slots__ = ("_dicts", "id")

    def __init__(
        self, hooks_dict: OrderedDict[int, _Hook], *, extra_dict: Iterable[OrderedDict[int, bool]] = ()
    ) -> None:
        self.id = next(_ids)
        dicts = [hooks_dict, *extra_dict]
        self._dicts = [weakref.ref(cast("OrderedDict[int, object]", hooks)) for hooks in dicts]

    def remove(self) -> None:
        """Remove the hook; nothing happens when it is gone already."""
        for reference in self._dicts:
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()


def register(
    hooks: OrderedDict[int, _Hook],
    hook: _Hook,
    *,
    flags: Iterable[OrderedDict[int, bool]] = (),
    prepend: bool = False,
) -> RemovableHandle:
    """Put ``hook`` last (``prepend``: first) among ``hooks``, note its id in each of ``flags``, return its handle."""
    flags = list(flags)
    handle = RemovableHandle(hooks, extra_dict=flags)
    hooks[handle.id] = hook
    for flag in flags:
        flag[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle
