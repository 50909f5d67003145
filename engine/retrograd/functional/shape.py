"""Shapes with PyTorch's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from retrograd.dtypes import dtype
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.surface import both, function, method
from retrograd.layouts import memory_format as MemoryFormat
from retrograd.ops import reduce, shape, views
from retrograd.tensor import Tensor


def sizes_of(size: Sequence[object]) -> tuple[int, ...]:
    """Lengths given as numbers or as one sequence; -1 is left to the caller."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    return tuple(int(cast(int, each)) for each in size)


def _complete(input: Tensor, size: tuple[object, ...]) -> tuple[int, ...]:
    lengths = list(sizes_of(size))
    count = input._meta.numel
    if lengths.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = 1
    for each in lengths:
        known *= each if each != -1 else 1
    if -1 in lengths and known and count % known == 0:
        lengths[lengths.index(-1)] = count // known
        known = count
    if known != count or -1 in lengths:
        raise RuntimeError(f"shape '{lengths}' is invalid for input of size {count}")
    return tuple(lengths)


def _can_view(input: Tensor, size: tuple[int, ...]) -> bool:
    array = input._data
    if array.flags.c_contiguous or array.size == 0:
        return True
    return not array.reshape(size).flags.owndata


@method
def view(self: Tensor, *size: object) -> Tensor:
    """The same elements in another shape, or the same bytes as another dtype, without a copy."""
    if len(size) == 1 and isinstance(size[0], dtype):
        return _view_dtype(self, size[0])
    lengths = _complete(self, size)
    if not _can_view(self, lengths):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across "
            "two contiguous subspaces). Use .reshape(...) instead."
        )
    return shape.view.call(self, size=lengths)


def _view_dtype(self: Tensor, kind: dtype) -> Tensor:
    have, want = self.dtype.itemsize, kind.itemsize
    if have != want:
        if not self.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 to view {self.dtype} as {kind} (different element sizes)")
        if self._data.strides[-1] != have and self.shape[-1] != 1:
            raise RuntimeError(f"self.stride(-1) must be 1 to view {self.dtype} as {kind} (different element sizes)")
        if self.shape[-1] * have % want:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {want // have} to view {self.dtype} as {kind}, "
                f"but got {self.shape[-1]}"
            )
    return views.view_dtype.call(self, dtype=kind)


@both
def reshape(input: Tensor, *size: object) -> Tensor:
    """The same elements in another shape: a view where that is possible, else a copy."""
    lengths = _complete(input, size)
    if _can_view(input, lengths):
        return shape.view.call(input, size=lengths)
    return shape.reshape_copy.call(input, size=lengths)


@method
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in ``other``'s shape."""
    return self.view(other.shape)


@method
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in ``other``'s shape."""
    return reshape(self, other.shape)


@both
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions ``start_dim`` to ``end_dim`` as one."""
    rank = max_rank(input)
    first, last = check_dim(start_dim, rank), check_dim(end_dim, rank)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    lengths = tuple(input.shape) or (1,)
    merged = 1
    for each in lengths[first : last + 1]:
        merged *= each
    if first == last and input.ndim:
        return input
    return reshape(input, (*lengths[:first], merged, *lengths[last + 1 :]))


@function
def permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    """The dimensions in another order."""
    chosen = tuple(check_dim(each, max_rank(input)) for each in dims)
    if len(chosen) != input.ndim or len(set(chosen)) != len(chosen):
        raise RuntimeError(f"permute(sparse_coo): dims {chosen} are not a permutation of {input.ndim} dimensions")
    return shape.permute.call(input, dims=chosen)


def _permute(self: Tensor, *dims: int | Sequence[int]) -> Tensor:
    """The dimensions in another order."""
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return permute(self, order)  # type: ignore[arg-type]  # numbers, one way or the other


setattr(Tensor, "permute", _permute)  # noqa: B010  the function of that name takes its dims as one


@both
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped."""
    rank = max_rank(input)
    first, second = check_dim(dim0, rank), check_dim(dim1, rank)
    return shape.transpose.call(input, dim0=first, dim1=second) if input.ndim else input


@both
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Another name of ``transpose``."""
    return transpose(input, axis0, axis1)


@both
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix (a vector or number as it is)."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return shape.t.call(input)


def _reversed(self: Tensor) -> Tensor:
    return permute(self, tuple(range(self.ndim))[::-1])


def _matrices(self: Tensor) -> Tensor:
    return transpose(self, -2, -1)


def _adjoint(self: Tensor) -> Tensor:
    turned = transpose(self, -2, -1)
    return turned.conj() if self.dtype.is_complex else turned


for _name, _getter in (("T", _reversed), ("mT", _matrices), ("mH", _adjoint), ("H", _adjoint)):
    setattr(Tensor, _name, property(_getter, doc="The transpose (with an H: of the conjugate)."))


@both
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without dimensions of length 1 (all, or those named)."""
    if dim is None:
        return shape.squeeze.call(input)
    if isinstance(dim, int):
        return shape.squeeze_dim.call(input, dim=check_dim(dim, max_rank(input)))
    for each in sorted((check_dim(one, max_rank(input)) for one in dim), reverse=True):
        input = shape.squeeze_dim.call(input, dim=each)
    return input


@both
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of length 1."""
    return shape.unsqueeze.call(input, dim=check_dim(dim, input.ndim + 1))


@method
def expand(self: Tensor, *size: object) -> Tensor:
    """Repeated along dimensions of length 1, without a copy; -1 leaves a length as it is."""
    lengths = list(sizes_of(size))
    extra = len(lengths) - self.ndim
    if extra < 0:
        raise RuntimeError(
            f"expand: the number of sizes provided ({len(lengths)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({self.ndim})"
        )
    for place, each in enumerate(lengths):
        own = self.shape[place - extra] if place >= extra else 1
        if each == -1 and place >= extra:
            lengths[place] = own
        elif own not in (1, each):
            raise RuntimeError(
                f"The expanded size of the tensor ({each}) must match the existing size ({own}) at non-singleton "
                f"dimension {place}. Target sizes: {lengths}. Tensor sizes: {list(self.shape)}"
            )
    return reduce.expand.call(self, size=tuple(lengths))


@method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Expanded to ``other``'s shape."""
    return expand(self, other.shape)


@both
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Another name of ``expand``."""
    return expand(input, tuple(size))


@both
def clone(input: Tensor, *, memory_format: MemoryFormat | None = None) -> Tensor:
    """A copy that gradients pass through, in dense C order whatever ``memory_format`` says."""
    return shape.clone.call(input)


@method
def contiguous(self: Tensor, memory_format: MemoryFormat | None = None) -> Tensor:
    """In dense C order: itself, or a copy."""
    return self if self._data.flags.c_contiguous else shape.clone.call(self)
