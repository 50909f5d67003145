"""A batch of tensors under ``vmap``, and how ops work on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from retrograd.func import batching
from retrograd.lifting import Lifted, fill
from retrograd.meta import find
from retrograd.ops.primitive import Op, registry
from retrograd.tensor import Tensor


class Batched(Lifted):
    """``value`` with a dimension ``bdim`` that the mapped function does not see (None: the same for all of them)."""

    __slots__ = ()

    what = "vmap"
    value: Tensor
    bdim: int | None

    def parts(self) -> tuple[Tensor, ...]:
        """The whole batch."""
        return (self.value,)

    def like(self, change: Callable[[Tensor], Tensor]) -> Batched:
        """The same with ``change`` made to the whole batch."""
        return batched(change(self.value), self.bdim, self._level)

    def process(self, op: Op, inputs: Sequence[object], params: Mapping[str, object]) -> tuple[Tensor, ...]:
        """The op on whole batches, by its batching rule; without one, on one after the other."""
        level = self._level
        values = [each.value if isinstance(each, Batched) and each._level == level else each for each in inputs]
        bdims = [each.bdim if isinstance(each, Batched) and each._level == level else None for each in inputs]
        if bdims.count(None) == len(bdims):
            result = op.call(*values, **params)
            outs = result if isinstance(result, tuple) else (result,)
            return tuple(batched(cast(Tensor, each), None, level) for each in outs)
        fronted = [
            each if bdim is None else front(cast(Tensor, each), bdim) for each, bdim in zip(values, bdims, strict=True)
        ]
        size = next(cast(Tensor, each).shape[0] for each, bdim in zip(fronted, bdims, strict=True) if bdim is not None)
        mapped = [bdim is not None for bdim in bdims]
        found = batching.run(op, inputs, fronted, mapped, size, {**op.defaults, **params})
        return tuple(batched(each, 0, level) for each in found)

    def overwrite(self, value: Tensor, name: str) -> None:
        """Take over a batch, in place."""
        if not isinstance(value, Batched) or value.bdim is None:
            self.value.copy_(value.value if isinstance(value, Batched) else value)
            return
        if self.bdim is None:
            raise RuntimeError(
                f"vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in "
                f"extra_args that has more elements than `self` ({name}): `self` is the same for the whole batch."
            )
        front(self.value, self.bdim).copy_(front(value.value, value.bdim))

    def __repr__(self) -> str:
        return f"BatchedTensor(lvl={self._level}, bdim={self.bdim}, value={self.value!r})"


def batched(value: Tensor, bdim: int | None, level: int) -> Batched:
    """A tensor that stands for a batch."""
    made = object.__new__(Batched)
    made.value = value
    made.bdim = bdim
    shape = tuple(length for dim, length in enumerate(value._meta.shape) if dim != bdim)
    fill(made, find(shape, value._meta.dtype, value._meta.device), level)
    return made


def front(value: Tensor, bdim: int) -> Tensor:
    """With the batch as first dimension."""
    return value if bdim == 0 else moved(value, bdim, 0)


def moved(value: Tensor, source: int, target: int) -> Tensor:
    """With dimension ``source`` at ``target``."""
    dims = list(range(value.ndim))
    dims.insert(target % value.ndim, dims.pop(source))
    return cast(Tensor, registry["permute"].call(value, dims=tuple(dims)))
