"""Copies of whole tensors: ``copy.deepcopy``, and what a child process gets."""

from __future__ import annotations

import copy

from retrograd.tensor import Tensor, _fill


def deep_copy(tensor: Tensor, memo: dict[int, object]) -> Tensor:
    """A leaf of the same type with a copy of everything: elements, gradient, attributes. Tensors that share storage
    share it in the copy as well."""
    if not tensor.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment"
        )
    made = object.__new__(type(tensor))
    _fill(made, tensor._data.copy(), tensor._meta, None)
    memo[id(tensor)] = made
    if tensor.requires_grad:
        made.requires_grad_()
    if tensor._grad is not None:
        made._grad = copy.deepcopy(tensor._grad, memo)
    made.__dict__.update(copy.deepcopy(tensor.__dict__, memo))
    return made
