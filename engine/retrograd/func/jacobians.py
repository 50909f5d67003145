"""Whole Jacobians and Hessians: one backward or forward pass per row or column, all side by side under ``vmap``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

from retrograd.func.gradients import jvp, vjp
from retrograd.func.levels import chosen, replaced, tensors_of
from retrograd.func.vmapping import vmap
from retrograd.ops.primitive import registry
from retrograd.tensor import Tensor, from_array

Func = Callable[..., Any]
Argnums = int | tuple[int, ...]


def _basis(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """For the elements of all ``tensors`` in order, the unit vectors of the space of all of them."""
    total = sum(each.numel() for each in tensors)
    made = []
    start = 0
    for each in tensors:
        meta = each._meta
        array = meta.xp.zeros((total, meta.numel), meta.numpy_dtype)
        array[start : start + meta.numel] = meta.xp.eye(meta.numel, dtype=meta.numpy_dtype)
        made.append(from_array(array.reshape((total, *meta.shape)), meta.device))
        start += meta.numel
    return tuple(made)


def _rows(whole: Tensor, counts: Sequence[int]) -> list[Tensor]:
    """The parts of the first dimension."""
    parts = []
    start = 0
    for count in counts:
        parts.append(cast(Tensor, registry["slice_"].call(whole, dim=0, start=start, stop=start + count, step=1)))
        start += count
    return parts


def jacrev(
    func: Func,
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Func:
    """A function that computes the Jacobian of ``func`` by reverse mode: for each output and each argument a tensor of
    the output's shape followed by the argument's. ``chunk_size``: so many rows at a time. Source:
    ``torch.func.jacrev``."""
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        picked = chosen(args, argnums)

        def of(value: object) -> object:
            return func(*replaced(args, argnums, value), **kwargs)

        found = vjp(of, picked, has_aux=has_aux)
        outs, build_out = tensors_of(found[0], "jacrev")
        inputs, build_in = tensors_of(picked, "jacrev")

        def pull(*seeds: Tensor) -> tuple[Tensor, ...]:
            answer = found[1](build_out(seeds))
            return tuple(tensors_of(answer[0], "jacrev")[0])

        grads = vmap(pull, chunk_size=chunk_size)(*_basis(outs))
        counts = [each.numel() for each in outs]
        columns = [_rows(each, counts) for each in grads]
        blocks = [
            build_in([
                columns[place][row].reshape((*out.shape, *each.shape)) for place, each in enumerate(inputs)
            ])
            for row, out in enumerate(outs)
        ]  # fmt: skip
        answer = build_out(blocks)
        return (answer, found[2]) if has_aux else answer

    return jacobian


def jacfwd(
    func: Func,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
    chunk_size: int | None = None,
) -> Func:
    """The same by forward mode, a column for each element of the arguments. Source: ``torch.func.jacfwd``."""

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        picked = chosen(args, argnums)
        inputs, build_in = tensors_of(picked, "jacfwd")
        shape: list[Any] = []

        def push(*ways: Tensor) -> tuple[Tensor, ...]:
            def of(*values: Tensor) -> object:
                return func(*replaced(args, argnums, build_in(values)), **kwargs)

            found = jvp(of, tuple(inputs), ways, has_aux=has_aux)
            tangents, build = tensors_of(found[1], "jacfwd")
            primals, _ = tensors_of(found[0], "jacfwd")
            aux, build_aux = tensors_of(found[2], "jacfwd aux") if has_aux else ([], build)
            shape[:] = [build, [tuple(each.shape) for each in primals], len(tangents), build_aux]
            return (*tangents, *aux)

        columns = vmap(push, randomness=randomness, chunk_size=chunk_size)(*_basis(inputs))
        build, shapes, count, build_aux = shape
        sizes = [each.numel() for each in inputs]
        blocks = []
        for column, size in zip(columns[:count], shapes, strict=True):
            parts = _rows(column, sizes)
            blocks.append(build_in([_last(part, size, each) for part, each in zip(parts, inputs, strict=True)]))
        answer = build(blocks)
        return (answer, build_aux([each[0] for each in columns[count:]])) if has_aux else answer

    return jacobian


def _last(part: Tensor, shape: tuple[int, ...], input: Tensor) -> Tensor:
    """Columns that lie in the first dimension, as last dimensions of the input's shape."""
    dims = (*range(1, len(shape) + 1), 0)
    turned = cast(Tensor, registry["permute"].call(part, dims=dims)) if shape else part
    return turned.reshape((*shape, *input.shape))


def hessian(func: Func, argnums: Argnums = 0) -> Func:
    """A function that computes the Hessian of ``func``: forward over reverse mode. Source: ``torch.func.hessian``."""
    return jacfwd(jacrev(func, argnums), argnums)
