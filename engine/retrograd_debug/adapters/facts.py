"""What our engine knows of a place, for the breakpoints that ask."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd_debug.adapters.tensors import EngineNode, as_tensor, host_array, is_tensor
from retrograd_debug.agent.frames import variable
from retrograd_events import tr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrograd_debug.adapters.listener import EngineListener


@dataclass(slots=True)
class EngineFacts:
    """See ``retrograd_debug.agent.points.Facts``. Holds what it is given no longer than the question lasts.

    ``fed_with`` and ``makes`` are what went in and came out: tensors, raw gradients, plain numbers, None. ``touched``
    are the tensors that are read or written; ``called`` are words for expressions beside those."""

    listener: EngineListener
    fed_with: Sequence[object] = ()
    makes: Sequence[object] = ()
    touched: Sequence[object] = ()
    called: Mapping[str, object] | None = None
    changes: bool = False
    """Whether the op changes its first input in place."""

    def touches(self, name: str, frames: Sequence[FrameType]) -> bool:
        """Whether a tensor called ``name`` is among those touched: by its path, or by a variable."""
        tensors = [each for each in self.touched if is_tensor(each)]
        if any(self.listener.paths.get(as_tensor(each)._tid) == name for each in tensors if as_tensor(each)._tid):
            return True
        called = _called(name, frames)
        return called is not None and any(each is called for each in tensors)

    def made(self) -> Iterable[NDArray[np.generic]]:
        """The contents of what came out."""
        return self._arrays(self.makes)

    def fed(self) -> Iterable[NDArray[np.generic]]:
        """The contents of what went in."""
        return self._arrays(self.fed_with)

    def _arrays(self, values: Sequence[object]) -> Iterator[NDArray[np.generic]]:
        for each in values:
            if is_tensor(each):
                yield host_array(as_tensor(each))
            elif isinstance(each, float) or hasattr(each, "shape"):
                yield np.asarray(self.listener.host(each))

    def words(self) -> Mapping[str, object]:
        """Raw gradients show as tensors, as they do to a hook."""
        if self.called is None:
            return {}
        return {name: _shown(value) for name, value in self.called.items()}

    def spoils(self) -> str:
        """Whose saved tensor the op is about to change."""
        if not self.changes or not self.fed_with or not is_tensor(self.fed_with[0]):
            return ""
        node = _saver(self.fed_with[0])
        if node is None:
            return ""
        place: Any = node
        return tr("{node} ({line}) has saved this tensor for its backward", node=node.name(), line=place.line)


def _called(name: str, frames: Sequence[FrameType]) -> object:
    """What the script calls ``name`` (dots: attributes); None when nothing."""
    first, *rest = name.split(".")
    try:
        value = variable(first, frames)
    except LookupError:
        return None
    for attribute in rest:
        value = getattr(value, attribute, None)
    return value


def _shown(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return tuple(_shown(each) for each in value)
    if value is None or is_tensor(value) or not hasattr(value, "dtype"):
        return value
    gradients: Any = sys.modules["retrograd.autograd.gradients"]
    return gradients.RAW.tensor(value)


def _saver(tensor: object) -> EngineNode | None:
    """A node that has saved ``tensor``, or a view of what it is a view of, and has not run yet. Looks through all
    objects: only in-place changes ask, while a breakpoint waits for them."""
    module: Any = sys.modules["retrograd.autograd.node"]
    cell, data = as_tensor(tensor)._cell, as_tensor(tensor)._data
    for each in gc.get_objects():
        if not issubclass(type(each), module.Node):
            continue
        for saved in _flat(each.saved or ()):
            if is_tensor(saved):
                kept = as_tensor(saved)
                if kept._data is data or (cell is not None and kept._cell is cell):
                    found: EngineNode = each
                    return found
    return None


def _flat(saved: Iterable[object]) -> Iterator[object]:
    for each in saved:
        if isinstance(each, (tuple, list)):
            yield from _flat(each)
        else:
            yield each
