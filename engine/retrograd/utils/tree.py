"""Nests of lists, tuples and dictionaries as flat lists of leaves, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

Build = Callable[[Sequence[object]], object]


def flatten(tree: object) -> tuple[list[object], Build]:
    """The leaves, and what makes the same nest of other leaves."""
    children = _children(tree)
    if children is None:
        return [tree], lambda leaves: leaves[0]
    leaves: list[object] = []
    parts: list[tuple[int, Build]] = []
    for child in children:
        found, build = flatten(child)
        leaves += found
        parts.append((len(found), build))

    def rebuild(values: Sequence[object]) -> object:
        made = []
        start = 0
        for count, build in parts:
            made.append(build(values[start : start + count]))
            start += count
        return _again(tree, made)

    return leaves, rebuild


def spread(prefix: object, tree: object, what: str) -> list[object]:
    """A leaf of ``prefix`` for each leaf of ``tree``: ``prefix`` may stop at any level, and what it has there counts
    for everything below.

    Raises:
        ValueError: if the two do not fit.
    """
    children = _children(tree)
    if children is None or not isinstance(prefix, (list, tuple, dict)):
        return [prefix] * len(flatten(tree)[0])
    prefixes = _children(prefix)
    if prefixes is None or len(prefixes) != len(children) or isinstance(prefix, dict) != isinstance(tree, dict):
        raise ValueError(f"{what}: {prefix!r} does not have the structure of what it is given for")
    return [each for one, child in zip(prefixes, children, strict=True) for each in spread(one, child, what)]


def _children(tree: object) -> list[object] | None:
    if isinstance(tree, dict):
        return list(tree.values())
    if isinstance(tree, (list, tuple)) and not hasattr(tree, "numel"):  # a shape is a leaf
        return list(tree)
    return None


def _again(tree: object, made: list[object]) -> object:
    if isinstance(tree, Mapping):
        pairs = zip(tree, made, strict=True)
        return cast("Callable[..., object]", type(tree))(pairs)
    kind = cast("Callable[..., object]", type(tree))
    return kind(*made) if hasattr(tree, "_fields") else kind(made)
