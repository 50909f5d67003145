"""``out=``: writing a function's result into a tensor that is there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar, cast

from retrograd.autograd.mode import mode
from retrograd.autograd.versions import versions_of
from retrograd.dtypes import can_cast
from retrograd.functional.resize import resize_
from retrograd.ops import cast as casting
from retrograd.tensor import Tensor

F = TypeVar("F", bound=Callable[..., object])


def accepts_out(found: F) -> F:
    """Let a function take ``out``: a tensor (or one for each result) of the result's dtype that gets the result and is
    returned."""
    return _accepting(found, exact=True)


def accepts_wider_out(found: F) -> F:
    """The same where ``out`` may be of any dtype that the result can be cast to."""
    return _accepting(found, exact=False)


def _accepting(found: F, *, exact: bool) -> F:
    @functools.wraps(found)
    def call(*arguments: object, out: Tensor | tuple[Tensor, ...] | None = None, **options: object) -> object:
        if out is None:
            return found(*arguments, **options)
        outs = out if isinstance(out, (tuple, list)) else (out,)
        for each in outs:
            _check(found.__name__, each, arguments)
        made = found(*arguments, **options)
        results = made if isinstance(made, tuple) else (made,)
        for target, result in zip(outs, results, strict=True):
            _write(found.__name__, target, cast(Tensor, result), exact)
        return out if isinstance(made, Tensor) else type(made)(*outs)

    return cast(F, call)


def _check(name: str, out: object, arguments: tuple[object, ...]) -> None:
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    shared = any(n > 1 and not step for n, step in zip(out._data.shape, out._data.strides, strict=True))
    if shared or not out._data.flags.writeable:
        raise RuntimeError(
            f"{name}(): unsupported operation: more than one element of the written-to tensor refers to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )
    given = [each for one in arguments for each in (one if isinstance(one, (tuple, list)) else (one,))]
    tensors = [each for each in given if isinstance(each, Tensor)]
    if mode.enabled and any(each.requires_grad for each in (out, *tensors)):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if any((each._cell is not None and each._cell is out._cell) or each is out for each in tensors):
        raise RuntimeError(
            f"{name}(): unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )


def _write(name: str, out: Tensor, result: Tensor, exact: bool) -> None:
    if out.device is not result.device:
        raise RuntimeError(
            f"{name}(): Expected all tensors to be on the same device, but the result is on {result.device} and out on "
            f"{out.device}"
        )
    if out.dtype is not result.dtype and (exact or not can_cast(result.dtype, out.dtype)):
        raise RuntimeError(f"{name}(): Expected out tensor to have dtype {result.dtype}, but got {out.dtype} instead")
    if out.shape != result.shape:
        resize_(out, result.shape)
    kind = out.dtype
    out._data[...] = (result if result.dtype is kind else casting.to_copy.call(result, dtype=kind))._data
    versions_of(out).bump(name)
