"""A loader's worker process: it fetches and collates batches, and sends them back.

The loader and a worker talk by one pipe. The loader sends (number, indices), a ``Resume``, or None for the end; the
worker answers each with (number, batch), where a ``Failure`` or an ``Exhausted`` may stand for the batch.
"""

from __future__ import annotations

import multiprocessing
import queue
import random
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Protocol

import numpy as np

import retrograd.random
from retrograd.functional.settings import set_num_threads
from retrograd.utils.data.dataset import Dataset, IterableDataset

if TYPE_CHECKING:
    from typing import NoReturn

Gather = Callable[..., object]


@dataclass(frozen=True)
class WorkerInfo:
    """What ``get_worker_info`` tells in a worker.

    ``id``: from 0; ``num_workers``: how many there are; ``seed``: the one that random numbers start from here;
    ``dataset``: this process's copy.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Dataset[object]


class _Place:
    info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process, which one it is; in the main process None."""
    return _Place.info


@dataclass(frozen=True)
class Resume:
    """Another pass over the data begins."""


@dataclass(frozen=True)
class Exhausted:
    """The worker's stream has ended."""


@dataclass(frozen=True)
class Failure:
    """An exception, as it travels: its type and its text with all lines that it passed."""

    kind: type[BaseException]
    text: str
    where: str

    @classmethod
    def of(cls, error: BaseException, where: str) -> Failure:
        """The exception that was just caught."""
        return cls(type(error), "".join(traceback.format_exception(error)), where)

    def reraise(self) -> NoReturn:
        """Raise one of its type that tells where it happened; ``RuntimeError`` where the type takes no text."""
        text = f"Caught {self.kind.__name__} {self.where}.\nOriginal {self.text}"
        try:
            error = self.kind(_Lines(text) if issubclass(self.kind, KeyError) else text)
        except Exception:  # noqa: BLE001  whatever the user's class raises
            error = RuntimeError(text)
        raise error


class _Lines(str):
    """A text that ``KeyError`` shows with its line breaks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Fetcher:
    """Turns indices into batches.

    Args:
        dataset: what has the samples; of a stream the next ones are taken, whatever the indices.
        batched: whether an index is a list of them, or stands for one sample.
        gather: makes the batch.
        drop_last: leave out a stream's last batch when it is short.
    """

    def __init__(self, dataset: Dataset[object], batched: bool, gather: Gather, drop_last: bool) -> None:
        self._dataset = dataset
        self._batched = batched
        self._gather = gather
        self._drop_last = drop_last
        self._stream: Iterator[object] | None = iter(dataset) if isinstance(dataset, IterableDataset) else None
        self._ended = False

    def fetch(self, index: object) -> object:
        """The batch of ``index``; ``StopIteration`` at a stream's end."""
        if self._stream is not None:
            return self._gather(self._take(self._stream, index))
        if not self._batched:
            return self._gather(self._dataset[index])  # type: ignore[index]  # whatever the sampler gives
        at_once = getattr(self._dataset, "__getitems__", None)
        if at_once:
            return self._gather(at_once(index))
        return self._gather([self._dataset[each] for each in index])  # type: ignore[attr-defined]  # a list of them

    def _take(self, stream: Iterator[object], index: object) -> object:
        if self._ended:
            raise StopIteration
        if not self._batched:
            return next(stream)
        wanted = len(index)  # type: ignore[arg-type]  # a list of them
        samples: list[object] = []
        for sample in stream:
            samples.append(sample)
            if len(samples) == wanted:
                return samples
        self._ended = True
        if not samples or self._drop_last:
            raise StopIteration
        return samples


@dataclass(frozen=True)
class Task:
    """What a worker is started with."""

    dataset: Dataset[object]
    batched: bool
    gather: Gather
    drop_last: bool
    base_seed: int
    id: int
    num_workers: int
    init: Callable[[int], object] | None

    def fetcher(self) -> Fetcher:
        """A new one, at the beginning of the data."""
        return Fetcher(self.dataset, self.batched, self.gather, self.drop_last)

    def prepare(self) -> None:
        """Seed all random numbers of this process by PyTorch's rule, and run the user's ``worker_init_fn``."""
        seed = self.base_seed + self.id
        random.seed(seed)
        retrograd.random.manual_seed(seed)
        low, high = self.base_seed & 0xFFFFFFFF, self.base_seed >> 32
        np.random.seed(np.random.SeedSequence([self.id, low, high, 0]).generate_state(4))
        set_num_threads(1)
        _Place.info = WorkerInfo(self.id, self.num_workers, seed, self.dataset)
        if self.init is not None:
            self.init(self.id)


class Closable(Protocol):
    """An end of a pipe, of whichever kind the system has."""

    def close(self) -> None:
        """Let go of it."""
        ...


def work(task: Task, pipe: Connection, others: Sequence[Closable]) -> None:
    """The life of a worker process. ``others``: ends of pipes that it inherited from a fork and must not keep open."""
    for each in others:
        each.close()
    where = f"in DataLoader worker process {task.id}"
    orders: queue.SimpleQueue[tuple[int, object] | Resume | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, orders), daemon=True).start()
    fetcher: Fetcher | None = None
    failed: Failure | None = None
    try:
        try:
            task.prepare()
        except Exception as error:  # noqa: BLE001  it is raised in the loader
            failed = Failure.of(error, where)
        while (order := orders.get()) is not None:
            if isinstance(order, Resume):
                fetcher = None
                continue
            number, index = order
            result: object = failed
            if failed is None:
                try:
                    fetcher = fetcher or task.fetcher()
                    result = fetcher.fetch(index)
                except StopIteration as error:
                    stream = isinstance(task.dataset, IterableDataset)
                    result = Exhausted() if stream else Failure.of(error, where)
                except Exception as error:  # noqa: BLE001  as above
                    result = Failure.of(error, where)
            pipe.send_bytes(_packed(number, result, where))
            del result
    except (KeyboardInterrupt, BrokenPipeError, ConnectionResetError):
        sys.exit(0)  # the main process tells what happened, or is no more


def _packed(number: int, result: object, where: str) -> memoryview[int]:
    try:
        return ForkingPickler.dumps((number, result))
    except Exception as error:  # noqa: BLE001  whatever an object raises that can't be sent
        failure = Failure.of(error, where)
    if isinstance(result, Failure):  # of a class that can't be found by its name
        failure = Failure(RuntimeError, result.text, where)
    return ForkingPickler.dumps((number, failure))


def _listen(pipe: Connection, orders: queue.SimpleQueue[tuple[int, object] | Resume | None]) -> None:
    """Take orders off the pipe as they come, so that the loader never waits to send one; end with the main process."""
    parent = multiprocessing.parent_process()
    sources: list[Connection | int] = [pipe]
    if parent is not None:
        sources.append(parent.sentinel)
    order: tuple[int, object] | Resume | None = (0, None)
    while order is not None:
        try:
            order = pipe.recv() if pipe in wait(sources) else None
        except (EOFError, OSError):
            order = None
        orders.put(order)
