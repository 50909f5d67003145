"""Data sets: indexed ones, streams, and what can be made of them."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar, cast

from retrograd.functional.random import randperm
from retrograd.random import Generator
from retrograd.tensor import Tensor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by index. A subclass writes ``__getitem__``, and ``__len__`` where it has an end; with ``__getitems__``
    it gives the samples of a list of indices at once."""

    def __getitem__(self, index: int) -> T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """A stream of samples. A subclass writes ``__iter__``; in worker processes every worker runs it for itself, and
    takes its own share by ``get_worker_info``."""

    def __add__(self, other: Dataset[T_co]) -> ChainDataset[T_co]:  # type: ignore[override]  # PyTorch's
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Samples are tuples of the rows of tensors.

    Args:
        tensors: with first dimensions of one length.

    Raises:
        AssertionError: when they differ.
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if any(each.size(0) != tensors[0].size(0) for each in tensors):
            raise AssertionError(f"Size mismatch between tensors: {[each.size(0) for each in tensors]}")
        self.tensors = tensors

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple([each[index] for each in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset[object]):
    """Samples are tuples of the samples of several data sets, or dictionaries where those are given by keyword.

    Raises:
        ValueError: for none, for some of either kind, and for lengths that differ.
    """

    datasets: tuple[Dataset[object], ...] | dict[str, Dataset[object]]

    def __init__(self, *args: Dataset[object], **kwargs: Dataset[object]) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or ``dict``- (via ``kwargs``) like input/output, but both "
                "types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        lengths = {_length(each) for each in self._parts()}
        if len(lengths) > 1:
            raise ValueError(f"Size mismatch between datasets: {sorted(lengths)}")
        self._length = lengths.pop()

    def _parts(self) -> Sequence[Dataset[object]]:
        return tuple(self.datasets.values()) if isinstance(self.datasets, dict) else self.datasets

    def _joined(self, samples: Sequence[object]) -> object:
        return dict(zip(self.datasets, samples, strict=True)) if isinstance(self.datasets, dict) else tuple(samples)

    def __getitem__(self, index: int) -> object:
        return self._joined([each[index] for each in self._parts()])

    def __getitems__(self, indices: Sequence[int]) -> list[object]:
        columns = [_items(each, indices) for each in self._parts()]
        for column in columns:
            if len(column) != len(indices):
                raise ValueError(f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(column)}")
        return [self._joined(samples) for samples in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Data sets one after another.

    Raises:
        AssertionError: for none of them, and for a stream among them.
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence: Iterable[Dataset[object]]) -> list[int]:
        """Lengths so far."""
        return list(itertools.accumulate(_length(each) for each in sequence))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset[T_co]):
    """Streams one after another.

    Raises:
        AssertionError: while iterating, for one that is no stream.
    """

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[IterableDataset[T_co]]:
        for each in self.datasets:
            if not isinstance(each, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield each

    def __iter__(self) -> Iterator[T_co]:
        for each in self._streams():
            yield from each

    def __len__(self) -> int:
        return sum(_length(each) for each in self._streams())


class Subset(Dataset[T_co]):
    """The samples of a data set at ``indices``."""

    dataset: Dataset[T_co]
    indices: Sequence[int]

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: int | list[int]) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[each] for each in index]]  # type: ignore[index]  # where the set takes lists
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> Sequence[T_co]:
        return _items(self.dataset, [self.indices[each] for each in indices])

    def __len__(self) -> int:
        return len(self.indices)


def _length(dataset: object) -> int:
    return len(dataset)  # type: ignore[arg-type]  # TypeError where it has none


def _items(dataset: Dataset[T], indices: Sequence[int]) -> Sequence[T]:
    """The samples at ``indices``, at once where the data set can."""
    at_once = getattr(dataset, "__getitems__", None)
    if callable(at_once):
        return cast("Sequence[T]", at_once(indices))
    return [dataset[each] for each in indices]


def random_split(
    dataset: Dataset[T], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[T]]:
    """Parts of a data set, drawn without overlap.

    Args:
        lengths: of the parts; or fractions that sum to 1, of which what is left over goes round one by one.
        generator: where randomness comes from; by default the global one.

    Raises:
        ValueError: when the lengths don't sum to the data set's, or a fraction is out of range.
    """
    whole = _length(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for place, part in enumerate(lengths):
            if not 0 <= part <= 1:
                raise ValueError(f"Fraction at index {place} is not between 0 and 1")
        counts = [math.floor(whole * part) for part in lengths]
        for extra in range(whole - sum(counts)):
            counts[extra % len(counts)] += 1
        for place, count in enumerate(counts):
            if count == 0:
                warnings.warn(
                    f"Length of split at index {place} is 0. This might result in an empty dataset.", stacklevel=2
                )
    else:
        counts = cast("list[int]", list(lengths))
    if sum(counts) != whole:
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset! The parts have {sum(counts)} "
            f"samples, the dataset {whole}."
        )
    order = cast("list[int]", randperm(whole, generator=generator).tolist())
    ends = itertools.accumulate(counts)
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]


__all__ = [
    "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset", "Subset",
    "TensorDataset", "random_split",
]  # fmt: skip
