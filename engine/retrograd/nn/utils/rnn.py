"""Packing and padding sequences of several lengths, under PyTorch's name ``torch.nn.utils.rnn``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NoReturn

from retrograd.functional.create import tensor
from retrograd.functional.join import cat, stack
from retrograd.missing import missing
from retrograd.nn.functional.padding import pad
from retrograd.nn.packed import PackedSequence, invert_permutation, whole
from retrograd.tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


def _sizes(lengths: Sequence[int]) -> list[int]:
    """How many of sequences with these lengths (falling) are still there at each step."""
    return [sum(length > step for length in lengths) for step in range(lengths[0])]


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Take the padding out of sequences.

    Args:
        input: (T, N, *), or (N, T, *) with ``batch_first``.
        lengths: how long each sequence is, at most T.
        enforce_sorted: whether to insist that ``lengths`` falls; otherwise the sequences are sorted.

    Raises:
        RuntimeError: for lengths that do not fit ``input``, are not positive, or do not fall.
    """
    counts = whole(lengths) if isinstance(lengths, Tensor) else [int(each) for each in lengths]
    steps, batch = (input.shape[1], input.shape[0]) if batch_first else (input.shape[0], input.shape[1])
    if len(counts) != batch:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size: {len(counts)} lengths for {batch}")
    order = None
    if not enforce_sorted:
        order = sorted(range(batch), key=lambda place: -counts[place])
        counts = [counts[place] for place in order]
    elif any(one < other for one, other in pairwise(counts)):
        raise RuntimeError(
            f"`lengths` array must be sorted in decreasing order when `enforce_sorted` is True: {counts}; with "
            "enforce_sorted=False the sequences are sorted here"
        )
    if not counts or counts[-1] <= 0:
        raise RuntimeError(f"Length of all samples has to be greater than 0, but got {counts}")
    if counts[0] > steps:
        raise RuntimeError(f"a length of {counts[0]} is more than the {steps} steps that there are")
    sizes = _sizes(counts)
    places = range(batch) if order is None else order
    time, across = (1, steps) if batch_first else (batch, 1)
    rows = [step * time + place * across for step, size in enumerate(sizes) for place in list(places)[:size]]
    data = input.reshape(steps * batch, *input.shape[2:]).index_select(0, tensor(rows, device=input.device))
    moved = None if order is None else tensor(order, device=input.device)
    return PackedSequence(data, tensor(sizes), moved)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The sequences as (T, N, *), or (N, T, *) with ``batch_first``, with ``padding_value`` behind their ends; and
    their lengths (N), int64 on the CPU. ``total_length``: T, by default that of the longest.

    Raises:
        ValueError: for a ``total_length`` that is too short.
    """
    sizes = whole(sequence.batch_sizes)
    steps, batch = len(sizes) if total_length is None else total_length, sizes[0]
    if steps < len(sizes):
        raise ValueError(f"total_length {total_length} is less than the longest sequence, which has {len(sizes)} steps")
    places = list(range(batch))
    if sequence.unsorted_indices is not None:
        places = whole(sequence.unsorted_indices)
    starts = [0, *accumulate(sizes)]

    def row(step: int, place: int) -> int:
        return starts[step] + place if step < len(sizes) and place < sizes[step] else starts[-1]

    shape = (batch, steps) if batch_first else (steps, batch)
    cells = [(step, place) for place in places for step in range(steps)]
    if not batch_first:
        cells = [(step, place) for step in range(steps) for place in places]
    data = sequence.data
    filler = data.new_full((1, *data.shape[1:]), padding_value)
    rows = tensor([row(*each) for each in cells], device=data.device)
    lengths = [sum(place < size for size in sizes) for place in places]
    return cat([data, filler]).index_select(0, rows).reshape(*shape, *data.shape[1:]), tensor(lengths)


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (length, *) as (T, N, *), or (N, T, *) with ``batch_first``: ``padding_value`` behind the ends, or with
    ``padding_side`` "left" before the beginnings.

    Raises:
        RuntimeError: for no sequences, or another side.
    """
    given = list(sequences)
    if not given:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: padding_side is 'left' or 'right', not {padding_side!r}")
    longest = max(each.shape[0] for each in given)
    padded = []
    for each in given:
        gap = longest - each.shape[0]
        around = (gap, 0) if padding_side == "left" else (0, gap)
        padded.append(pad(each, (*[0] * (2 * (each.ndim - 1)), *around), value=padding_value) if gap else each)
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences in ``padded_sequences`` (T, N, *), or (N, T, *) with ``batch_first``, without their padding."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [each[:length] for each, length in zip(rows, whole(lengths), strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (length, *) packed; ``enforce_sorted`` as in ``pack_padded_sequence``."""
    return pack_padded_sequence(
        pad_sequence(sequences), [each.shape[0] for each in sequences], enforce_sorted=enforce_sorted
    )


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences (length, *) again."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


if not TYPE_CHECKING:  # a checker knows the names there are

    def __getattr__(name: str) -> NoReturn:
        raise missing(__name__, name, __all__)
