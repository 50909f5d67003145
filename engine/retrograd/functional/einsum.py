"""Sums of products by Einstein's convention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from retrograd.functional.shape import permute
from retrograd.functional.surface import function
from retrograd.ops import linalg
from retrograd.ops.diagonal import diagonal
from retrograd.tensor import Tensor

Label = int
"""A subscript: a letter's code or a number of a sublist; dimensions under an ellipsis count down from -1, from the
right."""
_ELLIPSIS = -1_000_000


@dataclass(frozen=True, slots=True)
class _Part:
    """An operand, each of its dimensions with a label of its own."""

    value: Tensor
    labels: tuple[Label, ...]

    def length(self, label: Label) -> int:
        return self.value.shape[self.labels.index(label)]

    def without(self, gone: Sequence[Label]) -> _Part:
        """Summed over some labels."""
        if not gone:
            return self
        dims = [self.labels.index(each) for each in gone]
        return _Part(self.value.sum(dims), tuple(each for each in self.labels if each not in gone))

    def squeezed(self, gone: Sequence[Label]) -> _Part:
        """Without some labels of length 1."""
        value, labels = self.value, list(self.labels)
        for each in gone:
            value = value.squeeze(labels.index(each))
            labels.remove(each)
        return _Part(value, tuple(labels))

    def ordered(self, *groups: Sequence[Label]) -> Tensor:
        """The value with a dimension for each group of labels."""
        order = [self.labels.index(each) for group in groups for each in group]
        lengths = []
        for group in groups:
            length = 1
            for each in group:
                length *= self.length(each)
            lengths.append(length)
        value = self.value if order == list(range(len(order))) else permute(self.value, order)
        return value.reshape(lengths)


@function
def einsum(*args: object) -> Tensor:
    """Products of the operands' elements, summed over the subscripts that the output does not have.

    ``einsum("bij,bjk->bik", a, b)``, or with lists of numbers for subscripts ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.
    An ellipsis (``...``) stands for dimensions that broadcast. A subscript twice in an operand takes its diagonal.
    Without ``->`` the output has the ellipsis and then, sorted, the subscripts that occur once. Operands are multiplied
    from the left to the right. ``RuntimeError`` for subscripts that do not fit the operands.
    """
    parts, output, wide = _parse(args)
    operands = [_diagonals(value, labels) for value, labels in parts]
    _check_lengths(operands)
    if output is None:
        output = _implied([labels for _, labels in parts], wide)
    _check_output(output, operands)
    total = operands[0]
    for place, each in enumerate(operands[1:], 1):
        later = {label for other in operands[place + 1 :] for label in other.labels}
        total = _product(total, each, later.union(output))
    total = total.without([each for each in total.labels if each not in output])
    order = [total.labels.index(each) for each in output]
    return total.value if order == list(range(len(order))) else permute(total.value, order)


Parsed = tuple["list[tuple[Tensor, tuple[Label, ...]]]", "tuple[Label, ...] | None", int]


def _parse(args: Sequence[object]) -> Parsed:
    """Operands with their labels, those of the output if it is given, and how many dimensions ellipses stand for."""
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand "
                         "and its subscripts list")  # fmt: skip
    output: list[Label] | None = None
    if isinstance(args[0], Tensor):
        operands = list(args[: len(args) // 2 * 2 : 2])
        subscripts = [_numbers(each) for each in args[1::2]]
        output = _numbers(args[-1]) if len(args) % 2 else None
    else:
        operands = list(args[1:])
        if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
            operands = list(operands[0])
        left, arrow, right = str(args[0]).replace(" ", "").partition("->")
        subscripts = [_letters(each) for each in left.split(",")]
        output = _letters(right) if arrow else None
    if len(subscripts) != len(operands):
        raise RuntimeError(
            f"einsum(): {len(subscripts)} operands were specified in the equation, but {len(operands)} given"
        )
    values = [cast(Tensor, each) for each in operands]
    widths = [
        _width(place, value, labels) for place, (value, labels) in enumerate(zip(values, subscripts, strict=True))
    ]
    wide = max(widths)
    parts = [(value, _spelled(labels, width)) for value, labels, width in zip(values, subscripts, widths, strict=True)]
    return parts, None if output is None else _spelled(output, wide), wide


def _letters(text: str) -> list[Label]:
    """The labels of one operand of an equation."""
    found: list[Label] = []
    place = 0
    while place < len(text):
        if text.startswith("...", place):
            found.append(_ELLIPSIS)
            place += 3
            continue
        if not (text[place].isascii() and text[place].isalpha()):
            raise RuntimeError(f"einsum(): invalid subscript given: {text[place]!r}, subscripts must be in [a-zA-Z]")
        found.append(ord(text[place]))
        place += 1
    return found


def _numbers(labels: object) -> list[Label]:
    """The labels of one operand given as a list."""
    found: list[Label] = []
    for each in cast("Sequence[object]", labels):
        number = _ELLIPSIS if each is Ellipsis else int(cast(int, each))
        if number != _ELLIPSIS and not 0 <= number < 52:
            raise RuntimeError(f"einsum(): expected subscripts to be within range [0, 52), but got {number}")
        found.append(number)
    return found


def _width(place: int, value: Tensor, labels: Sequence[Label]) -> int:
    """How many dimensions of an operand its ellipsis stands for."""
    if labels.count(_ELLIPSIS) > 1:
        raise RuntimeError(f"einsum(): found more than one '...' for operand {place}")
    named = len(labels) - labels.count(_ELLIPSIS)
    if named > value.ndim or (_ELLIPSIS not in labels and named != value.ndim):
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({named}) does not match the number of dimensions "
            f"({value.ndim}) for operand {place}"
        )
    return value.ndim - named


def _spelled(labels: Sequence[Label], width: int) -> tuple[Label, ...]:
    """The labels with the ellipsis replaced by those of its dimensions."""
    return tuple(each for label in labels for each in (range(-width, 0) if label == _ELLIPSIS else (label,)))


def _implied(labels: Sequence[Sequence[Label]], wide: int) -> tuple[Label, ...]:
    every = [each for group in labels for each in group if each >= 0]
    return (*range(-wide, 0), *sorted(each for each in set(every) if every.count(each) == 1))


def _check_output(output: Sequence[Label], operands: Sequence[_Part]) -> None:
    known = {label for each in operands for label in each.labels}
    for each in output:
        shown = chr(each) if each >= ord("A") else str(each)
        if output.count(each) > 1:
            raise RuntimeError(f"einsum(): output subscript {shown} appears more than once in the output")
        if each not in known:
            raise RuntimeError(
                f"einsum(): output subscript {shown} does not appear in the equation for any input operand"
            )


def _check_lengths(operands: Sequence[_Part]) -> None:
    lengths: dict[Label, int] = {}
    for place, each in enumerate(operands):
        for label, length in zip(each.labels, each.value.shape, strict=True):
            known = lengths.get(label, 1)
            if 1 not in (known, length) and known != length:
                raise RuntimeError(
                    f"einsum(): operands do not broadcast with remapped shapes: subscript of operand {place} has size "
                    f"{length} which does not broadcast with previously seen size {known}"
                )
            lengths[label] = max(known, length) if length else 0


def _diagonals(value: Tensor, labels: Sequence[Label]) -> _Part:
    """The operand with each label once."""
    left = list(labels)
    for label in dict.fromkeys(labels):
        while left.count(label) > 1:
            first = left.index(label)
            second = left.index(label, first + 1)
            if value.shape[first] != value.shape[second]:
                raise RuntimeError(
                    f"einsum(): a subscript is repeated for dimensions of different sizes, {value.shape[first]} and "
                    f"{value.shape[second]}"
                )
            value = diagonal.call(value, offset=0, dim1=first, dim2=second)
            del left[second], left[first]
            left.append(label)
    return _Part(value, tuple(left))


def _product(first: _Part, second: _Part, kept: set[Label]) -> _Part:
    """Two operands multiplied, and summed over what nothing else needs."""
    shared = [each for each in first.labels if each in second.labels]
    thin = [each for each in shared if first.length(each) == 1 != second.length(each)]
    wide = [each for each in shared if second.length(each) == 1 != first.length(each)]
    first, second = first.squeezed(thin), second.squeezed(wide)
    first = first.without([each for each in first.labels if each not in second.labels and each not in kept])
    second = second.without([each for each in second.labels if each not in first.labels and each not in kept])
    batch = [each for each in first.labels if each in second.labels and each in kept]
    summed = [each for each in first.labels if each in second.labels and each not in kept]
    left = [each for each in first.labels if each not in second.labels]
    right = [each for each in second.labels if each not in first.labels]
    lengths = [first.length(each) for each in (*batch, *left)] + [second.length(each) for each in right]
    if not summed:
        value = first.ordered(batch, left, ()) * second.ordered(batch, (), right)
    elif batch:
        value = linalg.bmm.call(first.ordered(batch, left, summed), second.ordered(batch, summed, right))
    else:
        value = linalg.mm.call(first.ordered(left, summed), second.ordered(summed, right))
    return _Part(value.reshape(lengths), (*batch, *left, *right))
