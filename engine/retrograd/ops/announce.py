"""Telling the tap before an op allocates a lot, so that a death inside it has a name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from retrograd.ops.primitive import Op
from retrograd.tensor import Tensor
from retrograd_events.tap import Listener

LIMIT = 64 * 2**20
"""Bytes from which an allocation is announced."""
SMALL = LIMIT // 16
"""Elements up to which no array takes as much, whatever its dtype."""


def elementwise(listener: Listener, name: str, inputs: Sequence[object]) -> None:
    """Announce what broadcasting ``inputs`` will take."""
    shapes = [each._meta.shape for each in inputs if isinstance(each, Tensor)]
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    count = math.prod(max(lengths) for lengths in zip(*padded, strict=True)) if padded else 1
    _tell(listener, name, count, inputs)


def other(listener: Listener, op: Op, inputs: Sequence[object], params: Mapping[str, object]) -> None:
    """Announce what any other op will take, as far as its inputs say; views take nothing."""
    if op.view:
        return
    tensors = [each for each in inputs if isinstance(each, Tensor)]
    matrices = [each._meta.shape for each in tensors if len(each._meta.shape) >= 2]
    if op.name in ("mm", "bmm", "addmm", "baddbmm", "matmul") and len(matrices) >= 2:
        _tell(listener, op.name, math.prod(matrices[-2][:-1]) * matrices[-1][-1], inputs)
    elif op.name in ("cat", "stack"):
        _tell(listener, op.name, sum(each._meta.numel for each in tensors), inputs)
    elif not op.name.startswith(("sum", "mean", "max", "min", "prod", "var")):
        _tell(listener, op.name, max((each._meta.numel for each in tensors), default=0), inputs)


def _tell(listener: Listener, name: str, count: int, inputs: Sequence[object]) -> None:
    size = max((each._meta.dtype.itemsize for each in inputs if isinstance(each, Tensor)), default=4)
    if count * size > LIMIT:
        listener.allocation_announced(name, count * size)
