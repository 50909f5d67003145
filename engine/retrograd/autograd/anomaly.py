"""Anomaly mode: a backward pass stops at the first node that makes a NaN, and says which forward op it belongs to.

The op is named by its own place, down to the expression within the line where Python knows it, and with the input
that is to blame; so of two square roots on one line the right one is named. A root that is NaN already is an error as
well, even when its gradients are not, and is told with the op that made the first NaN.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import cast

import numpy as np

from retrograd.autograd import sites
from retrograd.autograd.gradients import Kind
from retrograd.autograd.mode import EVERYWHERE, special
from retrograd.autograd.node import Node, Output, below
from retrograd.meta import Array
from retrograd.tensor import Tensor


class _State:
    """Whether anomaly mode is on, and whether it looks for NaN; of all threads, as in PyTorch."""

    enabled = False
    check_nan = True


state = _State()
_born: weakref.WeakSet[Node] = weakref.WeakSet()
"""Nodes of ops that made a NaN of inputs without one."""


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return state.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode looks for NaN."""
    return state.check_nan


def _set(enabled: bool, check_nan: bool) -> None:
    state.enabled, state.check_nan = enabled, check_nan
    (special.add if enabled else special.discard)(EVERYWHERE)


class set_detect_anomaly:  # noqa: N801  PyTorch's name
    """Turn anomaly mode on or off now; used with ``with``, set it back after."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (state.enabled, state.check_nan)
        _set(mode, check_nan)

    def __enter__(self) -> None:
        """It was set when this was made."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _set(*self._before)


class detect_anomaly:  # noqa: N801  PyTorch's name
    """Anomaly mode for a ``with`` block: a NaN that backward makes is an error that names the forward op.

    Args:
        check_nan: look for NaN; without it only the places of ops are kept, which this engine always does.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._before.append((state.enabled, state.check_nan))
        _set(True, self._check_nan)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _set(*self._before.pop())


def _has_nan(value: object) -> bool:
    found = value._data if isinstance(value, Tensor) else value
    array = cast(Array, np.asarray(found) if isinstance(found, np.generic) else found)
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    return kind in ("f", "c", "V") and bool((array != array).any())


def _node_of(tensor: Tensor) -> Node | None:
    edge = tensor._node
    return edge.node if isinstance(edge, Output) else edge


def seen(inputs: Sequence[object], outs: Sequence[Tensor]) -> None:
    """Remember the node of an op that made a NaN of inputs without one."""
    node = next((found for found in map(_node_of, outs) if found is not None), None)
    if node is not None and any(map(_has_nan, outs)) and not any(map(_has_nan, inputs)):
        _born.add(node)


def told(node: Node) -> str:
    """A node with its place, the expression and what it saved that could be to blame."""
    expression = sites.expression(node.code, node.lasti)
    return f"{node.name()} (made at {node.line}{f': {expression}' if expression else ''})"


def check(node: Node, grads: Sequence[object], out: Sequence[object], kind: Kind) -> None:
    """Raise if ``node`` has just made a NaN of gradients that had none."""
    if not state.check_nan or any(map(_has_nan, grads)):
        return
    for place, each in enumerate(out):
        if each is not None and _has_nan(each):
            raise RuntimeError(
                f"Function '{node.name()}' returned nan values in its {place}th output: {told(node)}"
                f"{_where(each, node)}. The gradient that came in had no NaN, so it was born here."
            )


def _where(made: object, node: Node) -> str:
    """At which element, and what was saved there."""
    array: Array = made._data if isinstance(made, Tensor) else np.asarray(made)
    index = tuple(int(each) for each in np.argwhere(np.isnan(node_host(array)))[0])
    words = f" at element {list(index)}" if index else ""
    for each in node.saved or ():
        if isinstance(each, Tensor) and each._data.shape == array.shape:
            words += f", where a saved tensor holds {each._data[index].item()}"
            break
    return words


def node_host(array: Array) -> Array:
    """The array on the host."""
    from retrograd.devices import device_of

    return device_of(array).to_host(array)


def check_roots(roots: Sequence[object]) -> None:
    """Raise if a root of a pass is NaN already, naming the op that made the first NaN."""
    if not (state.enabled and state.check_nan):
        return
    for root in roots:
        if isinstance(root, Tensor) and _has_nan(root):
            born = _first_born(root)
            place = f"the first NaN was made by {told(born)}" if born is not None else "it came in with the data"
            raise RuntimeError(f"the tensor that backward starts from is NaN: {place}.")


def _first_born(root: Tensor) -> Node | None:
    start = _node_of(root)
    reached = below([] if start is None else [start])
    return min((node for node in reached if node in _born), key=lambda node: node.seq, default=None)
