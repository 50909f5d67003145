"""What goes wrong inside an op, in PyTorch's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from retrograd.ops.primitive import Op
from retrograd.tensor import Tensor
from retrograd_events.tap import Listener


class LinAlgError(RuntimeError):
    """A matrix that a factorisation or a solution does not exist for; PyTorch's ``torch.linalg.LinAlgError``."""


def told(
    listener: Listener | None,
    op: Op,
    inputs: Sequence[object],
    params: Mapping[str, object],
    error: BaseException,
) -> BaseException:
    """The error to raise for ``error``; the listener has heard of it."""
    raised = explain(op, inputs, error)
    if listener is not None:
        listener.op_failed(op.name, inputs, params, raised)
    return raised


def explain(op: Op, inputs: Sequence[object], error: BaseException) -> BaseException:
    """NumPy's complaint about shapes as PyTorch's RuntimeError, about matrices as its LinAlgError; else as it is."""
    if isinstance(error, np.linalg.LinAlgError):
        return LinAlgError(f"{op.name}: {error}")
    if not isinstance(error, ValueError) or isinstance(error, UnicodeError):
        return error
    shapes = [tuple(each._meta.shape) for each in inputs if isinstance(each, Tensor)]
    if op.elementwise and len(shapes) == 2:
        clash = _clash(*shapes)
        if clash is not None:
            a, b, axis = clash
            return RuntimeError(
                f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {axis} "
                f"(in {op.name}, of shapes {list(shapes[0])} and {list(shapes[1])})"
            )
    return RuntimeError(f"{op.name}(): {error} (inputs of shapes {', '.join(str(list(each)) for each in shapes)})")


def _clash(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, int, int] | None:
    rank = max(len(first), len(second))
    for back in range(1, rank + 1):
        a = first[-back] if back <= len(first) else 1
        b = second[-back] if back <= len(second) else 1
        if a != b and 1 not in (a, b):
            return a, b, rank - back
    return None
