"""What recorded values say about a picture: gradient norms, NaN counts, single numbers. Read off the GUI thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

from retrograd_debug.log.api import Log, LogError, Value
from retrograd_events.events import Ref

_KEPT = 20_000
_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Fact:
    """``norm`` is the Euclidean norm, ``single`` the value of a tensor with one element (None otherwise); ``partial``:
    only a sample of the tensor was recorded, and the norm is scaled up from it."""

    norm: float
    nan: int
    inf: int
    single: float | None
    partial: bool


def fact_of(value: Value) -> Fact | None:
    """What one value says; None when it was not kept."""
    if value.array is None or value.array.size == 0 or value.array.dtype.kind not in "fiubc":
        return None
    flat = np.abs(value.array.ravel()) if value.array.dtype.kind == "c" else value.array.ravel()
    array = flat.astype(np.float64)
    size = int(np.prod(value.shape)) if value.shape else 1
    nan, inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    with np.errstate(all="ignore"):
        norm = float(np.sqrt(np.dot(array, array) * (size / array.size)))
    single = float(array[0]) if size == 1 and value.array.dtype.kind != "c" else None
    return Fact(norm, nan, inf, single, value.kind == "sample")


class _Signals(QObject):
    found = Signal(object, object)


class _Job(QRunnable):
    """Reads a batch of values."""

    def __init__(self, log: Log, refs: list[Ref], signals: _Signals) -> None:
        super().__init__()
        self._log, self._refs, self._signals = log, refs, signals

    def run(self) -> None:
        found: dict[Ref, Fact | None] = {}
        for ref in self._refs:
            try:
                value = self._log.value(*ref)
            except (LogError, OSError, ValueError):
                continue
            if value is not None:
                found[ref] = fact_of(value)
        self._signals.found.emit(self._log, found)


class Facts(QObject):
    """Facts by tensor and version, of one log at a time; asks for each once it is there to be read."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._signals = _Signals(self)
        self._signals.found.connect(self._take)
        self._log: Log | None = None
        self._known: dict[Ref, Fact | None] = {}
        self._asked: set[Ref] = set()

    @property
    def all(self) -> Mapping[Ref, Fact | None]:
        """All facts known, by tensor and version."""
        return self._known

    def want(self, log: Log | None, refs: Iterable[Ref]) -> None:
        """Ask for what is not known yet; ``changed`` tells when some of it is."""
        if log is not self._log:
            self._log = log
            self._known.clear()
            self._asked.clear()
        if log is None:
            return
        if len(self._known) > _KEPT:
            self._known.clear()
        new = [ref for ref in dict.fromkeys(refs) if ref[0] and ref not in self._known and ref not in self._asked]
        if new:
            self._asked.update(new[:_AT_ONCE])
            self._pool.start(_Job(log, new[:_AT_ONCE], self._signals))

    @Slot(object, object)
    def _take(self, log: Log, found: dict[Ref, Fact | None]) -> None:
        if log is not self._log:
            return
        # what was not there yet may be asked for again with the next picture
        self._asked.clear()
        self._known.update(found)
        if found:
            self.changed.emit()

    def finish(self) -> None:
        """Wait for the batch that is being read."""
        self._pool.clear()
        self._pool.waitForDone(2000)
