"""Other shapes of the same elements: views, joins, copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart, reals
from retrograd.tensor import Tensor


def reshapes(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays with a shape of as many elements."""
    yield Sample((apart(rng, 2, 6),), {"size": (3, 4)})
    yield Sample((apart(rng),), {"size": (1, 1)})
    yield Sample((apart(rng, 0, 2),), {"size": (2, 0)})


@primitive(samples=reshapes, torch="-", view=True, linear=True, public=False)
def view(xp: Namespace, input: Array, *, size: tuple[int, ...]) -> Array:
    """The elements in another shape."""
    return xp.reshape(input, size)


@view.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return reshaped(g, input_meta.shape)


def reshaped(value: Tensor, size: tuple[int, ...]) -> Tensor:
    """``value`` in another shape, a copy where no view will do (also for raw arrays)."""
    return value.reshape(size) if hasattr(value, "_node") else view(value, size=size)


def unsafe_reshapes(rng: np.random.Generator) -> Iterator[Sample]:
    """The same arrays for the copying twin of view."""
    return reshapes(rng)


@primitive(
    samples=unsafe_reshapes, torch="-", name="_unsafe_view", node="UnsafeViewBackward0", linear=True, public=False
)
def reshape_copy(xp: Namespace, input: Array, *, size: tuple[int, ...]) -> Array:
    """The elements in another shape, copied."""
    return xp.array(input.reshape(size))


@reshape_copy.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return reshaped(g, input_meta.shape)


def matrices(rng: np.random.Generator) -> Iterator[Sample]:
    """At most two dimensions."""
    for shape in ((), (3,), (2, 3)):
        yield Sample((apart(rng, *shape),))


@primitive(samples=matrices, view=True, linear=True)
def t(xp: Namespace, input: Array) -> Array:
    """The transpose of a matrix (a vector or number as it is)."""
    turned: Array = input.T
    return turned


@t.vjp("input")
def _(g: Tensor) -> Tensor:
    return t(g)


def swaps(rng: np.random.Generator) -> Iterator[Sample]:
    """Two dimensions to swap."""
    yield Sample((apart(rng, 2, 3, 4),), {"dim0": 0, "dim1": 2})
    yield Sample((apart(rng, 2, 3),), {"dim0": -1, "dim1": 0})


@primitive(samples=swaps, view=True, linear=True)
def transpose(xp: Namespace, input: Array, *, dim0: int, dim1: int) -> Array:
    """Two dimensions swapped."""
    return xp.swapaxes(input, dim0, dim1)


@transpose.vjp("input")
def _(g: Tensor, *, dim0: int, dim1: int) -> Tensor:
    return transpose(g, dim0=dim0, dim1=dim1)


def permutations(rng: np.random.Generator) -> Iterator[Sample]:
    """An order of the dimensions."""
    yield Sample((apart(rng, 2, 3, 4),), {"dims": (2, 0, 1)})
    yield Sample((apart(rng, 2, 3),), {"dims": (-1, 0)})


@primitive(samples=permutations, view=True, linear=True, public=False)
def permute(xp: Namespace, input: Array, *, dims: tuple[int, ...]) -> Array:
    """The dimensions in another order."""
    return xp.transpose(input, dims)


@permute.vjp("input")
def _(g: Tensor, *, dims: tuple[int, ...]) -> Tensor:
    back = [0] * len(dims)
    for place, dim in enumerate(dims):
        back[dim] = place
    return permute(g, dims=tuple(back))


@primitive(samples=reals, view=True, linear=True, public=False)
def squeeze(xp: Namespace, input: Array) -> Array:
    """Without the dimensions of length 1."""
    return xp.squeeze(input)


@squeeze.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return reshaped(g, input_meta.shape)


def squeezed_dims(rng: np.random.Generator) -> Iterator[Sample]:
    """A dimension that is 1, one that is not."""
    yield Sample((apart(rng, 2, 1, 3),), {"dim": 1})
    yield Sample((apart(rng, 2, 1, 3),), {"dim": -1})


@primitive(samples=squeezed_dims, view=True, linear=True, name="squeeze", node="SqueezeBackward1", public=False)
def squeeze_dim(xp: Namespace, input: Array, *, dim: int) -> Array:
    """Without dimension ``dim`` if its length is 1."""
    return xp.squeeze(input, dim) if input.ndim and input.shape[dim] == 1 else input


@squeeze_dim.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return reshaped(g, input_meta.shape)


def new_dims(rng: np.random.Generator) -> Iterator[Sample]:
    """A place for a new dimension."""
    for dim in (0, 1, -1):
        yield Sample((apart(rng, 2, 3),), {"dim": dim})
    yield Sample((apart(rng),), {"dim": 0})


@primitive(samples=new_dims, view=True, linear=True)
def unsqueeze(xp: Namespace, input: Array, *, dim: int) -> Array:
    """With a new dimension of length 1 at ``dim``."""
    return xp.expand_dims(input, dim)


@unsqueeze.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return reshaped(g, input_meta.shape)


@primitive(samples=reals, linear=True, public=False)
def clone(xp: Namespace, input: Array) -> Array:
    """A copy, in dense C order."""
    return xp.array(input, order="C")


@clone.vjp("input")
def _(g: Tensor) -> Tensor:
    return g


@primitive(samples=reals, torch="-", node="AliasBackward0", view=True, linear=True, public=False)
def alias_view(xp: Namespace, input: Array) -> Array:
    """The same elements."""
    seen: Array = input.view()
    return seen


@alias_view.vjp("input")
def _(g: Tensor) -> Tensor:
    return g


def joins(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays that agree in all but one length."""
    yield Sample((apart(rng, 2, 3), apart(rng, 1, 3), apart(rng, 4, 3)), {"dim": 0})
    yield Sample((apart(rng, 2, 3), apart(rng, 2, 1)), {"dim": -1})


@primitive(samples=joins, linear=True, public=False)
def cat(xp: Namespace, *tensors: Array, dim: int) -> Array:
    """Joined along ``dim``."""
    return xp.concatenate(tensors, axis=dim)


@cat.vjp("tensors")
def _(g: Tensor, tensors_meta: Sequence[Meta], needs: Sequence[bool], *, dim: int) -> list[Tensor | None]:
    grads: list[Tensor | None] = []
    start = 0
    for meta, need in zip(tensors_meta, needs, strict=True):
        end = start + meta.shape[dim]
        grads.append(slice_(g, dim=dim % len(meta.shape), start=start, stop=end, step=1) if need else None)
        start = end
    return grads


def stacks(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays of one shape."""
    yield Sample((apart(rng, 2, 3), apart(rng, 2, 3)), {"dim": 0})
    yield Sample((apart(rng, 2), apart(rng, 2), apart(rng, 2)), {"dim": -1})


@primitive(samples=stacks, linear=True, public=False)
def stack(xp: Namespace, *tensors: Array, dim: int) -> Array:
    """Side by side along a new dimension."""
    return xp.stack(tensors, axis=dim)


@stack.vjp("tensors")
def _(g: Tensor, needs: Sequence[bool], *, dim: int) -> list[Tensor | None]:
    return [select(g, dim=dim, index=place) if need else None for place, need in enumerate(needs)]


def slices(rng: np.random.Generator) -> Iterator[Sample]:
    """Ranges of one dimension."""
    yield Sample((apart(rng, 4, 3),), {"dim": 0, "start": 1, "stop": 4, "step": 2})
    yield Sample((apart(rng, 4, 3),), {"dim": 1, "start": 0, "stop": 0, "step": 1})


@primitive(samples=slices, torch="-", name="slice", node="SliceBackward0", view=True, linear=True, public=False)
def slice_(xp: Namespace, input: Array, *, dim: int, start: int, stop: int, step: int) -> Array:
    """A range of dimension ``dim`` (bounds already within it)."""
    part: Array = input[(slice(None),) * dim + (slice(start, stop, step),)]
    return part


@slice_.vjp("input")
def _(g: Tensor, input_meta: Meta, *, dim: int, start: int, stop: int, step: int) -> Tensor:
    return placed(g, size=tuple(input_meta.shape), dim=dim, start=start, stop=stop, step=step)


def placements(rng: np.random.Generator) -> Iterator[Sample]:
    """Gradients of slices."""
    yield Sample((apart(rng, 2, 3),), {"size": (4, 3), "dim": 0, "start": 1, "stop": 4, "step": 2})


@primitive(samples=placements, torch="-", name="slice_backward", linear=True, public=False)
def placed(xp: Namespace, input: Array, *, size: tuple[int, ...], dim: int, start: int, stop: int, step: int) -> Array:
    """Zeros of ``size`` with ``input`` in a range of dimension ``dim``."""
    made = xp.zeros(size, input.dtype)
    made[(slice(None),) * dim + (slice(start, stop, step),)] = input
    return made


@placed.vjp("input")
def _(g: Tensor, *, dim: int, start: int, stop: int, step: int) -> Tensor:
    return slice_(g, dim=dim, start=start, stop=stop, step=step)


def selections(rng: np.random.Generator) -> Iterator[Sample]:
    """One place of one dimension."""
    yield Sample((apart(rng, 4, 3),), {"dim": 0, "index": 1})
    yield Sample((apart(rng, 3),), {"dim": -1, "index": -1})


@primitive(samples=selections, view=True, linear=True)
def select(xp: Namespace, input: Array, *, dim: int, index: int) -> Array:
    """What lies at ``index`` of dimension ``dim``."""
    part: Array = input[(slice(None),) * (dim % input.ndim) + (index, Ellipsis)]
    return part


@select.vjp("input")
def _(g: Tensor, input_meta: Meta, *, dim: int, index: int) -> Tensor:
    rank = len(input_meta.shape)
    start = index % input_meta.shape[dim]
    slab = unsqueeze(g, dim=dim % rank)
    return placed(slab, size=tuple(input_meta.shape), dim=dim % rank, start=start, stop=start + 1, step=1)
