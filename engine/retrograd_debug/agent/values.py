"""Which contents are recorded: the value policy and its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd_debug.agent.writer import EventWriter

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHOLE = 64 << 10
"""Bytes up to which ``sample`` keeps a tensor whole."""

SAMPLES = 16_384
"""Elements kept of a larger one, at fixed strides."""

BUDGET = 512 << 20
"""Bytes of values in a run."""

POLICIES = ("none", "sample", "all")


def sample(array: NDArray[np.generic], elements: int = SAMPLES) -> tuple[NDArray[np.generic], int]:
    """At most ``elements`` elements of ``array`` flattened in C order, ``stride`` apart, and that stride."""
    stride = max(1, -(-array.size // elements))
    if array.flags.c_contiguous:
        return np.ascontiguousarray(array.reshape(-1)[::stride]), stride
    indices = np.unravel_index(np.arange(0, array.size, stride), array.shape)
    return np.ascontiguousarray(array[indices]), stride


def checked(policy: str) -> str:
    """``policy``; ``ValueError`` when it is none."""
    if policy not in POLICIES:
        raise ValueError(f"values must be one of {', '.join(POLICIES)}, not {policy!r}")
    return policy


class ValueRecorder:
    """Copies contents into the log under a policy: ``none``, ``sample`` or ``all`` (until half the budget is spent,
    then ``sample``). What doesn't fit is skipped, and its event says so."""

    def __init__(self, writer: EventWriter, policy: str) -> None:
        self.wanted = checked(policy) != "none"
        self._writer = writer
        self._whole = policy == "all"
        self._spent = 0

    @property
    def exhausted(self) -> bool:
        """The run's budget is spent: only what is important is kept."""
        return self._spent >= BUDGET

    def record(
        self, tensor: int, version: int, array: NDArray[np.generic], dtype: str, important: bool = False
    ) -> None:
        """Record ``array`` as the contents of ``tensor`` at ``version``; ``important`` ones (roots, parameters and
        their gradients) are never skipped for the run's budget."""
        shape = array.shape
        size = array.nbytes
        if self._whole and self._spent > BUDGET // 2:
            self._whole = False
        if size <= WHOLE or self._whole:
            kind, stride, data = "all", 1, array.tobytes()
        else:
            sampled, stride = sample(array)
            kind, data = "sample", sampled.tobytes()
        if self._spent + len(data) > BUDGET and not important:
            self._writer.emit_value_skipped(tensor, version, shape, dtype, "not kept: budget")
            return
        if self._writer.emit_value(tensor, version, kind, shape, dtype, stride, data):
            self._spent += len(data)
