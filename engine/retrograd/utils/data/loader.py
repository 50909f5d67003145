"""``DataLoader``: batches of a data set, made here or in worker processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import repeat
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import ClassVar, Generic, TypeVar, cast

import retrograd.multiprocessing  # noqa: F401  so that tensors can travel
from retrograd.random import Generator
from retrograd.utils.data.collate import default_collate, default_convert
from retrograd.utils.data.dataset import Dataset, IterableDataset
from retrograd.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, draw_seed
from retrograd.utils.data.worker import Closable, Exhausted, Failure, Fetcher, Gather, Resume, Task, work

T_co = TypeVar("T_co", covariant=True)

_PATIENCE = 5.0
"""Seconds that a worker gets to end by itself."""


class DataLoader(Generic[T_co]):
    """Iterates over a data set in batches, anew with every ``iter``.

    Args:
        dataset: samples by index, or a stream of them.
        batch_size: samples a batch; None gives samples one by one, as they are.
        shuffle: take them in a random order, new for each pass.
        sampler: the order of indices instead.
        batch_sampler: lists of indices instead.
        num_workers: processes that fetch and collate; 0: done here.
        collate_fn: makes a batch of a list of samples (default: ``default_collate``).
        pin_memory, pin_memory_device: accepted as in PyTorch; memory of the host is not pinned.
        drop_last: leave out a last batch that is short.
        timeout: seconds to wait for a batch from workers; 0: for ever.
        worker_init_fn: called with a worker's number in it, after seeding.
        multiprocessing_context: how workers are started (``fork``, ``spawn``, ``forkserver``, or a context).
        generator: where the order and the workers' seeds come from; by default the global one.
        prefetch_factor: batches that each worker makes ahead (default: 2).
        persistent_workers: keep workers for the next pass.
        in_order: give batches in the sampler's order; False: as they come.

    Raises:
        ValueError: for options that are out of range or don't go together.

    Order, seeds and draws from the global generator are PyTorch's. An exception in a worker is raised here, in its own
    class, with the lines that it came from; a worker that dies raises ``RuntimeError`` with its number.
    """

    _FIXED: ClassVar = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
    _ready = False

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[object] | None = None,
        batch_sampler: Iterable[object] | None = None,
        num_workers: int = 0,
        collate_fn: Gather | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], object] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        streams = isinstance(dataset, IterableDataset)
        if streams:
            _check_stream(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if streams:
                sampler = repeat(None)
            elif shuffle:
                sampler = RandomSampler(cast(Sized, dataset), generator=generator)
            else:
                sampler = SequentialSampler(cast(Sized, dataset))
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(cast("Iterable[int]", sampler), batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.multiprocessing_context = _context(multiprocessing_context, num_workers)
        self._iterator: _Team | None = None
        _warn_of_many(num_workers)
        self._ready = True

    def __setattr__(self, name: str, value: object) -> None:
        if self._ready and name in self._FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def indices(self) -> Iterable[object]:
        """What a pass takes in turn: lists of indices, or single ones."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Iterator[T_co]:
        if self.num_workers == 0:
            return cast("Iterator[T_co]", _here(self, draw_seed(self.generator)))
        if not self.persistent_workers:
            return cast("Iterator[T_co]", _Team(self))
        if self._iterator is None:
            self._iterator = _Team(self)
        else:
            self._iterator.restart()
        return cast("Iterator[T_co]", self._iterator)

    def __len__(self) -> int:
        """Batches in a pass. ``TypeError`` where the data has no length."""
        if not isinstance(self.dataset, IterableDataset):
            return len(cast(Sized, self.indices))
        count = len(cast(Sized, self.dataset))
        if self.batch_size is None:
            return count
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


def _check_workers(count: int, timeout: float, prefetch: int | None, persistent: bool) -> None:
    if count < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if count == 0 and prefetch is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing. Let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch is not None and prefetch < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and count == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_stream(shuffle: bool | None, sampler: object, batch_sampler: object) -> None:
    if shuffle not in (False, None):
        raise ValueError(
            f"DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle={shuffle}"
        )
    for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
            )


def _context(wanted: str | BaseContext | None, workers: int) -> BaseContext | None:
    if wanted is None:
        return None
    if workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={workers}"
        )
    if isinstance(wanted, str):
        known = multiprocessing.get_all_start_methods()
        if wanted not in known:
            raise ValueError(
                f"multiprocessing_context option should specify a valid start method in {known!r}, but got "
                f"multiprocessing_context={wanted!r}"
            )
        return multiprocessing.get_context(wanted)
    if not isinstance(wanted, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start method, "
            f"but got multiprocessing_context={wanted}"
        )
    return wanted


def _warn_of_many(workers: int) -> None:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers > available:
        warnings.warn(
            f"This DataLoader will create {workers} worker processes in total. Our suggested max number of worker in "
            f"current system is {available}, which is smaller than what this DataLoader is going to create. Please be "
            "aware that excessive worker creation might get DataLoader running slow or even freeze, lower the worker "
            "number to avoid potential slowness/freeze if necessary.",
            stacklevel=3,
        )


def _here(loader: DataLoader[object], seed: int) -> Iterator[object]:
    """The batches, made in this process. ``seed`` is not used: it is drawn so that the global generator goes on as it
    does with workers."""
    fetcher = Fetcher(loader.dataset, loader.batch_sampler is not None, loader.collate_fn, loader.drop_last)
    for index in loader.indices:
        try:
            batch = fetcher.fetch(index)
        except StopIteration:
            return
        yield batch


class _Worker:
    """The loader's end of a worker process."""

    __slots__ = ("active", "pipe", "process")

    def __init__(self, context: BaseContext, task: Task, before: Sequence[_Worker]) -> None:
        self.pipe, theirs = context.Pipe()
        forked = context.get_start_method() == "fork"
        inherited: list[Closable] = [self.pipe, *(each.pipe for each in before)] if forked else []
        self.process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # every real context has it
            target=work, args=(task, theirs, inherited), daemon=True
        )
        self.process.start()
        theirs.close()
        self.active = True


class _Team:
    """The batches of a loader, made by its workers. It keeps no hold of the loader, which may keep it."""

    def __init__(self, loader: DataLoader[object]) -> None:
        self._source = loader.indices
        self._ahead = (loader.prefetch_factor or 0) * loader.num_workers
        self._timeout = loader.timeout
        self._in_order = loader.in_order
        self._stays = loader.persistent_workers
        seed = draw_seed(loader.generator)
        context = loader.multiprocessing_context or multiprocessing.get_context()
        self._workers: list[_Worker] = []
        self._end = weakref.finalize(self, _dismiss, self._workers)
        for number in range(loader.num_workers):
            task = Task(
                loader.dataset, loader.batch_sampler is not None, loader.collate_fn, loader.drop_last, seed, number,
                loader.num_workers, loader.worker_init_fn,
            )  # fmt: skip
            self._workers.append(_Worker(context, task, self._workers))
        self._begin()

    def _begin(self) -> None:
        self._indices = iter(self._source)
        self._sent = 0
        self._next = 0
        self._turn = 0
        self._asked: dict[int, tuple[_Worker, object]] = {}
        self._arrived: dict[int, object] = {}
        self._order: deque[int] = deque()  # of arrival, where that is wanted
        for _ in range(self._ahead):
            self._ask()

    def restart(self) -> None:
        """Begin another pass with the same workers."""
        while any(number not in self._arrived for number in self._asked):
            self._receive()
        for worker in self._workers:
            worker.active = True
            worker.pipe.send(Resume())
        self._begin()

    def __iter__(self) -> _Team:
        return self

    def __next__(self) -> object:
        while True:
            number = self._due()
            if number is None:
                if not self._stays:
                    self._end()
                raise StopIteration
            while number not in self._arrived:
                self._receive()
                if not self._in_order and self._order:
                    number = self._order[0]
            worker, _ = self._asked.pop(number)
            batch = self._arrived.pop(number)
            self._order.remove(number)
            if isinstance(batch, Exhausted):
                worker.active = False
                self._ask()
                continue
            self._ask()
            if isinstance(batch, Failure):
                batch.reraise()
            return batch

    def _due(self) -> int | None:
        """The batch to give next."""
        if not self._in_order and self._order:
            return self._order[0]
        while self._next < self._sent:
            if self._next in self._asked:
                worker, _ = self._asked[self._next]
                if worker.active or self._next in self._arrived:
                    return self._next
                del self._asked[self._next]  # asked of a stream that had ended
            self._next += 1
        return None

    def _ask(self) -> None:
        """Give the next indices to the next worker that has data."""
        for _ in self._workers:
            worker = self._workers[self._turn]
            self._turn = (self._turn + 1) % len(self._workers)
            if worker.active:
                break
        else:
            return
        try:
            index = next(self._indices)
        except StopIteration:
            return
        self._asked[self._sent] = worker, index
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its death is told when its batch is due
            worker.pipe.send((self._sent, index))
        self._sent += 1

    def _receive(self) -> None:
        """Wait for a batch and keep it."""
        busy = {id(worker): worker for worker, _ in self._asked.values()}.values()
        pipes = {worker.pipe: worker for worker in busy}
        limit = self._timeout or None
        ready = wait([*pipes, *(worker.process.sentinel for worker in busy)], limit)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        dead = None
        for worker in busy:
            if worker.pipe in ready:
                try:
                    number, batch = worker.pipe.recv()
                except (EOFError, ConnectionResetError):
                    dead = worker
                    continue
                self._arrived[number] = batch
                self._order.append(number)
            elif worker.process.sentinel in ready:
                dead = worker
        if dead is not None and not any(worker.pipe in ready and worker is not dead for worker in busy):
            raise RuntimeError(self._obituary(dead))

    def _obituary(self, worker: _Worker) -> str:
        worker.process.join(_PATIENCE)
        code = worker.process.exitcode
        how = f"with exit code {code}"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                how = f"killed by signal: {signal.Signals(-code).name}"
        waiting = [index for asked, index in self._asked.values() if asked is worker]
        number = self._workers.index(worker)
        return (
            f"DataLoader worker (pid(s) {worker.process.pid}) exited unexpectedly: worker {number} was {how} while it "
            f"made the batch of {waiting[0] if waiting else None}. A worker that is killed has often run out of memory."
        )


def _dismiss(workers: list[_Worker]) -> None:
    """End worker processes: ask, take what they still send (its memory is given back so), then insist."""
    for worker in workers:
        with contextlib.suppress(OSError):
            worker.pipe.send(None)
    deadline = time.monotonic() + _PATIENCE
    for worker in workers:
        with contextlib.suppress(EOFError, OSError):
            while worker.pipe.poll(max(0.0, deadline - time.monotonic())):
                worker.pipe.recv()
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.terminate()
            worker.process.join(_PATIENCE)
        worker.pipe.close()
    workers.clear()
