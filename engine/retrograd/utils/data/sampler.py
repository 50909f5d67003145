"""Samplers: the order in which a loader takes the samples of a data set. Their draws are PyTorch's."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Generic, TypeVar, cast

from retrograd import dtypes
from retrograd.functional.create import as_tensor, empty
from retrograd.functional.distributions import multinomial
from retrograd.functional.random import randint, randperm
from retrograd.random import Generator

T_co = TypeVar("T_co", covariant=True)

_DRAWN = 32
"""Indices drawn at a time with replacement."""


def draw_seed(generator: Generator | None) -> int:
    """A seed for another stream: 63 bits."""
    return int(empty((), dtype=dtypes.int64).random_(generator=generator).item())  # type: ignore[arg-type]  # an integer


def _check_positive(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


class Sampler(Generic[T_co]):
    """An order of indices, or of lists of them. A subclass writes ``__iter__``; ``__len__`` where it has an end."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """First to last."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A random order, new for each pass.

    Args:
        data_source: what has the samples.
        replacement: whether one may come again.
        num_samples: how many to draw; by default as many as there are.
        generator: where randomness comes from; by default a stream of its own, seeded by the global one at each pass.

    Raises:
        TypeError: for a ``replacement`` that is no bool.
        ValueError: for a ``num_samples`` that is not positive.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        _check_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many a pass draws."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        count = len(self.data_source)
        generator = self.generator or Generator().manual_seed(draw_seed(None))
        size = _DRAWN if self.replacement else count
        for _ in range(self.num_samples // size):
            yield from self._draw(count, size, generator)
        rest = self.num_samples % size
        yield from self._draw(count, rest, generator)

    def _draw(self, count: int, size: int, generator: Generator) -> Sequence[int]:
        if self.replacement:
            return cast("list[int]", randint(0, count, (size,), dtype=dtypes.int64, generator=generator).tolist())
        return cast("list[int]", randperm(count, generator=generator).tolist())[:size]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """A random order of some indices."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for place in cast("list[int]", randperm(len(self.indices), generator=self.generator).tolist()):
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices drawn by weight.

    Args:
        weights: of each index; they need not sum to 1.
        num_samples: how many to draw.
        replacement: whether one may come again.
        generator: where randomness comes from; by default the global one.

    Raises:
        ValueError: for a ``num_samples`` that is not positive, a ``replacement`` that is no bool, or weights that are
            no sequence.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype=dtypes.float64)
        if self.weights.dim() != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from cast("list[int]", drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of ``batch_size`` indices from another sampler.

    Args:
        drop_last: leave out a last list that is shorter.

    Raises:
        ValueError: for a ``batch_size`` that is not positive, or a ``drop_last`` that is no bool.
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        source = iter(self.sampler)
        while batch := list(itertools.islice(source, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]  # TypeError where it has no length
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
