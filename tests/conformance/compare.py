"""Running one sample on both engines and comparing what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

import retrograd

TOLERANCE = {
    torch.float64: 1e-7, torch.complex128: 1e-7, torch.float32: 1e-3, torch.complex64: 1e-3, torch.float16: 2e-2,
    torch.bfloat16: 1e-1,
}  # fmt: skip
"""Relative and absolute, for values and gradients; integers are compared exactly."""


class Differs(AssertionError):
    """Something is not as PyTorch has it; the message says what."""


def numpy_of(tensor: Any) -> np.ndarray[Any, Any]:
    """A tensor's contents, of either engine."""
    if isinstance(tensor, torch.Tensor):
        plain = tensor.detach().resolve_conj().resolve_neg()
        return (plain.float() if plain.dtype is torch.bfloat16 else plain).numpy(force=True)
    array = tensor.detach().cpu().numpy()
    return array.astype(np.float32) if str(tensor.dtype).endswith("bfloat16") else array


def leaves(value: Any) -> Iterator[Any]:
    """The tensors and numbers in nested results, in order."""
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    elif value is not None:
        yield value


def same(found: Any, expected: Any, what: str, *, contents: bool = True) -> None:
    """``Differs`` unless the two results agree in number, shape, dtype and (``contents``) value."""
    mine, theirs = list(leaves(found)), list(leaves(expected))
    if len(mine) != len(theirs):
        raise Differs(f"{what}: {len(mine)} results for {len(theirs)}")
    for one, other in zip(mine, theirs, strict=True):
        if not isinstance(other, torch.Tensor):
            if isinstance(one, retrograd.Tensor) or (contents and one != other and not (one != one and other != other)):
                raise Differs(f"{what}: {one} for {other}")
            continue
        _same_tensor(one, other, what, contents)


def _same_tensor(one: Any, other: torch.Tensor, what: str, contents: bool) -> None:
    if not isinstance(one, retrograd.Tensor):
        raise Differs(f"{what}: a {type(one).__name__} for a tensor")
    if tuple(one.shape) != tuple(other.shape):
        raise Differs(f"{what}: shape {list(one.shape)} for {list(other.shape)}")
    if str(one.dtype).rpartition(".")[2] != str(other.dtype).rpartition(".")[2]:
        raise Differs(f"{what}: dtype {one.dtype} for {other.dtype}")
    if not contents:
        return
    tolerance = TOLERANCE.get(other.dtype, 0.0)
    try:
        np.testing.assert_allclose(numpy_of(one), numpy_of(other), rtol=tolerance, atol=tolerance, equal_nan=True)
    except AssertionError as error:
        lines = [line for line in str(error).splitlines() if "difference" in line or "ismatch" in line]
        raise Differs(f"{what}: {'; '.join(line.strip() for line in lines) or 'values differ'}") from None


def is_inexact(tensor: Any) -> bool:
    """Whether a result can carry a gradient."""
    return isinstance(tensor, (torch.Tensor, retrograd.Tensor)) and (
        tensor.dtype.is_floating_point or tensor.dtype.is_complex
    )


def gradients(engine: Any, outputs: Any, inputs: list[Any], *, second: bool) -> tuple[list[Any], list[Any]]:
    """The gradients of a fixed combination of ``outputs``, and those of a fixed combination of them."""
    wanted = [each for each in inputs if each.requires_grad]
    roots = [each for each in leaves(outputs) if is_inexact(each) and each.requires_grad]
    if not roots or not wanted:
        return [], []
    first = engine.autograd.grad(
        roots, wanted, [_weights(engine, each, 1 + n) for n, each in enumerate(roots)], create_graph=second,
        allow_unused=True,
    )  # fmt: skip
    again = [each for each in first if each is not None and each.requires_grad]
    if not second or not again:
        return list(first), []
    weights = [_weights(engine, each, 100 + n) for n, each in enumerate(again)]
    try:
        return list(first), list(engine.autograd.grad(again, wanted, weights, allow_unused=True))
    except RuntimeError:
        if engine is torch:
            return list(first), []  # PyTorch has none, whatever its table says, or fails at it
        raise


def _weights(engine: Any, like: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.5, 1.5, tuple(like.shape))
    if like.dtype.is_complex:
        values = values + 1j * rng.uniform(0.5, 1.5, tuple(like.shape))
    return engine.tensor(values).to(like.dtype)


def same_gradients(mine: list[Any], theirs: list[Any], what: str) -> None:
    """As ``same``; a gradient that is None on one side only may be zero on the other."""
    for one, other in zip(mine, theirs, strict=True) if len(mine) == len(theirs) else ():
        if one is None or other is None:
            there = one if one is not None else other
            if there is not None and np.any(numpy_of(there) != 0):
                raise Differs(
                    f"{what}: {'none' if one is None else 'one'} where PyTorch has {'one' if one is None else 'none'}"
                )
            continue
        same(one, other, what)
    if len(mine) != len(theirs) and any(each is not None and np.any(numpy_of(each) != 0) for each in (*mine, *theirs)):
        raise Differs(f"{what}: {len(mine)} for {len(theirs)}")
