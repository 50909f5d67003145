"""Views with PyTorch's arguments, and what is put into a place that a view names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from retrograd.functional.create import shape_of
from retrograd.functional.diagonal import diagonal
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.shape import permute, reshape, sizes_of, transpose
from retrograd.functional.surface import both, method
from retrograd.meta import Array
from retrograd.ops import arrange, views
from retrograd.ops.index import replaced
from retrograd.tensor import Tensor

Dims = int | Sequence[int]


def _listed(dims: Dims) -> tuple[int, ...]:
    return (dims,) if isinstance(dims, int) else tuple(dims)


# --- dimensions in another order


@both
def movedim(input: Tensor, source: Dims, destination: Dims) -> Tensor:
    """Dimensions moved to other places, the rest in their order."""
    rank = max_rank(input)
    start = [check_dim(each, rank) for each in _listed(source)]
    end = [check_dim(each, rank) for each in _listed(destination)]
    if len(start) != len(end):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(start)} dims) should contain the same number "
            f"of dims as destination ({list(end)} dims)"
        )
    for name, found in (("source", start), ("destination", end)):
        if len(set(found)) != len(found):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({found})")
    if not input.ndim:
        return permute(input, ())
    order = [dim for dim in range(rank) if dim not in start]
    for to, dim in sorted(zip(end, start, strict=True)):
        order.insert(to, dim)
    return permute(input, order)


@both
def moveaxis(input: Tensor, source: Dims, destination: Dims) -> Tensor:
    """Another name of ``movedim``."""
    return movedim(input, source, destination)


@both
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Another name of ``transpose``."""
    return transpose(input, dim0, dim1)


@both
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions swapped, complex numbers conjugated."""
    if input.ndim == 0:
        raise RuntimeError("tensor.adjoint() is only supported on matrices or batches of matrices. Got 0-D tensor.")
    if input.ndim == 1:
        raise RuntimeError("tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor.")
    turned = transpose(input, -2, -1)
    return turned.conj() if input.dtype.is_complex else turned


# --- another shape


@both
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return reshape(input, -1)


@both
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """A dimension taken apart into several (one may be -1)."""
    axis = check_dim(dim, max_rank(input))
    lengths = list(sizes_of(sizes))
    if not lengths:
        raise RuntimeError("unflatten: sizes must be non-empty")
    total = input.shape[axis] if input.ndim else 1
    if lengths.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = 1
    for each in lengths:
        known *= each if each != -1 else 1
    if -1 in lengths and known and total % known == 0:
        lengths[lengths.index(-1)] = total // known
        known = total
    if known != total or -1 in lengths:
        raise RuntimeError(
            f"unflatten: Provided sizes {lengths} don't multiply up to the size of dim {dim} ({total}) in the input "
            "tensor"
        )
    return input.view((*input.shape[:axis], *lengths, *input.shape[axis + 1 :]))


@method
def repeat(self: Tensor, *repeats: object) -> Tensor:
    """Copies side by side along each dimension."""
    counts = shape_of(repeats)
    if len(counts) < self.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return arrange.repeat.call(self, repeats=counts)


@both
def tile(input: Tensor, *each: object, dims: Sequence[int] | None = None) -> Tensor:
    """Copies side by side; missing counts are 1."""
    counts = shape_of(each if dims is None else dims)
    return repeat(input, (1,) * (input.ndim - len(counts)) + counts)


# --- other orders of the elements


@both
def flip(input: Tensor, *axes: object, dims: Sequence[int] | None = None) -> Tensor:
    """The elements in reverse order along dimensions (``dims``, or given one by one)."""
    rank = max_rank(input)
    chosen = [check_dim(each, rank) for each in sizes_of(axes if dims is None else dims)]
    if len(set(chosen)) != len(chosen):
        raise RuntimeError(f"dim {chosen} appears multiple times in the list of dims")
    return arrange.flip.call(input, dims=tuple(chosen) if input.ndim else ())


@both
def fliplr(input: Tensor) -> Tensor:
    """The second dimension reversed."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@both
def flipud(input: Tensor) -> Tensor:
    """The first dimension reversed."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@both
def roll(input: Tensor, shifts: Dims, dims: Dims = ()) -> Tensor:
    """The elements moved along dimensions (none: in the flattened order); those that fall off come in again."""
    steps, axes = _listed(shifts), _listed(dims)
    if not steps:
        raise RuntimeError("`shifts` required")
    if len(steps) != (len(axes) or 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(axes)}")
    if axes and not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    chosen = tuple(check_dim(each, max_rank(input)) for each in axes)
    return arrange.roll.call(input, shifts=steps, dims=chosen)


@both
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned by 90 degrees ``k`` times, from the first of two dimensions towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == input.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    first, second = (_rotation_dim(each, input.ndim) for each in dims)
    turns = k % 4
    if turns == 1:
        return transpose(flip(input, second), first, second)
    if turns == 2:
        return flip(input, first, second)
    return transpose(flip(input, first), first, second) if turns == 3 else input.clone()


def _rotation_dim(dim: int, rank: int) -> int:
    if not -rank <= dim < rank:
        raise RuntimeError(f"Rotation dim out of range, dim = {dim}")
    return dim % rank


# --- windows and strides


@method
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of ``size`` every ``step`` elements of a dimension, as a view with one dimension more."""
    axis = check_dim(dimension, max_rank(self))
    length = self.shape[axis] if self.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {axis} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return views.unfold.call(self, dimension=axis, size=size, step=step)


def _steps(input: Tensor) -> tuple[int, ...]:
    return tuple(each // input._data.itemsize for each in input._data.strides)


def _first(self: Tensor) -> int:
    """How many elements of its storage lie before the first."""
    base = self._base
    if base is None or not self._meta.numel:
        return 0
    first = [int(each._data.__array_interface__["data"][0]) for each in (self, base)]
    return (first[0] - first[1]) // self._data.itemsize


setattr(Tensor, "storage_offset", _first)  # noqa: B010  as_strided has a parameter of that name


@both
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """The storage from ``storage_offset`` on (default: where ``input`` starts) seen with these lengths and steps."""
    lengths, steps = sizes_of(size), sizes_of(stride)
    if len(lengths) != len(steps):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(each < 0 for each in steps):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(steps)}")
    source, start = input, _first(input)
    offset = 0 if storage_offset is None else storage_offset - start
    if offset < 0 and input._base is not None:
        source, offset = input._base, storage_offset or 0
    base = source._base if source._base is not None else source
    ahead = _first(source) + offset
    if ahead < 0 or ahead + views.extent(lengths, steps) > views.extent(base.shape, _steps(base)):
        raise RuntimeError(
            f"setStorage: sizes {list(lengths)}, strides {list(steps)}, storage offset {ahead} are out of bounds for "
            f"storage of {base.numel()} elements"
        )
    return views.as_strided.call(source, size=lengths, stride=steps, offset=offset, own=_steps(source))


# --- a copy with a part of it replaced


def _with_part(input: Tensor, src: Tensor, part: Callable[[Array], Array], name: str) -> Tensor:
    places = part(np.arange(input.numel(), dtype=np.int64).reshape(tuple(input.shape)))
    if tuple(src.shape) != places.shape:
        raise RuntimeError(
            f"{name}: expected src to have a size equal to the slice of self: {list(places.shape)}, got "
            f"{list(src.shape)}"
        )
    return replaced.call(input, src.to(input.dtype), positions=places)


@both
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy with ``src`` at ``index`` of dimension ``dim``."""
    axis = check_dim(dim, max_rank(input))
    if not -input.shape[axis] <= index < input.shape[axis]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(input.shape)}")
    return _with_part(input, src, lambda places: np.take(places, index, axis), "select_scatter")


@both
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy with ``src`` at a range of dimension ``dim``."""
    axis = check_dim(dim, max_rank(input))
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    cut = (slice(None),) * axis + (slice(start, end, step),)
    return _with_part(input, src, lambda places: places[cut], "slice_scatter")


@both
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy with ``src`` on a diagonal."""
    diagonal(input.detach(), offset, dim1, dim2)  # its errors
    return _with_part(input, src, lambda places: np.diagonal(places, offset, dim1, dim2), "diagonal_scatter")


@both
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """A copy with ``src`` at the elements that the same ``as_strided`` names."""
    lengths, steps = sizes_of(size), sizes_of(stride)
    places = views.places(lengths, steps, storage_offset or 0)
    return _with_part(input, src, lambda _: places, "as_strided_scatter")
