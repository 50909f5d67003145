"""Products of matrices and vectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import expand, sum_like
from retrograd.ops.samples import Sample, apart
from retrograd.ops.shape import t, transpose, unsqueeze
from retrograd.tensor import Tensor


def matrix_pairs(rng: np.random.Generator) -> Iterator[Sample]:
    """Matrices that can be multiplied."""
    yield Sample((apart(rng, 2, 3), apart(rng, 3, 4)))
    yield Sample((apart(rng, 2, 0), apart(rng, 0, 4)))


@primitive(samples=matrix_pairs)
def mm(xp: Namespace, input: Array, mat2: Array) -> Array:
    """The product of two matrices."""
    return xp.matmul(input, mat2)


@mm.vjp("input")
def _(g: Tensor, mat2: Tensor) -> Tensor:
    return mm(g, t(mat2))


@mm.vjp("mat2")
def _(g: Tensor, input: Tensor, mat2_turned: bool) -> Tensor:
    return _to_second(g, input, mat2_turned)


def _to_second(g: Tensor, first: Tensor, turned: bool) -> Tensor:
    """The gradient to the second factor, in its order in memory: a weight that was transposed for the product gets a
    gradient in its own order that way, which need not be copied."""
    return t(mm(t(g), first)) if turned else mm(t(first), g)


@mm.jvp("input")
def _(tangent: Tensor, mat2: Tensor) -> Tensor:
    return mm(tangent, mat2)


@mm.jvp("mat2")
def _(tangent: Tensor, input: Tensor) -> Tensor:
    return mm(input, tangent)


def affine(rng: np.random.Generator) -> Iterator[Sample]:
    """A bias that broadcasts over a product."""
    yield Sample((apart(rng, 4), apart(rng, 2, 3), apart(rng, 3, 4)))
    yield Sample((apart(rng, 2, 4), apart(rng, 2, 3), apart(rng, 3, 4)))


@primitive(samples=affine)
def addmm(xp: Namespace, input: Array, mat1: Array, mat2: Array) -> Array:
    """input + mat1 @ mat2"""
    out = xp.matmul(mat1, mat2)
    return xp.add(out, input, out)


@addmm.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return sum_like(g, input_meta)


@addmm.vjp("mat1")
def _(g: Tensor, mat2: Tensor) -> Tensor:
    return mm(g, t(mat2))


@addmm.vjp("mat2")
def _(g: Tensor, mat1: Tensor, mat2_turned: bool) -> Tensor:
    return _to_second(g, mat1, mat2_turned)


@addmm.jvp("input")
def _(tangent: Tensor, mat1_meta: Meta, mat2_meta: Meta) -> Tensor:
    return expand(tangent, size=(mat1_meta.shape[0], mat2_meta.shape[1]))


@addmm.jvp("mat1")
def _(tangent: Tensor, mat2: Tensor) -> Tensor:
    return mm(tangent, mat2)


@addmm.jvp("mat2")
def _(tangent: Tensor, mat1: Tensor) -> Tensor:
    return mm(mat1, tangent)


@addmm.decomposed
def _(input: Tensor, mat1: Tensor, mat2: Tensor) -> Tensor:
    return input + mm(mat1, mat2)


def batches(rng: np.random.Generator) -> Iterator[Sample]:
    """Batches of matrices."""
    yield Sample((apart(rng, 5, 2, 3), apart(rng, 5, 3, 4)))


@primitive(samples=batches)
def bmm(xp: Namespace, input: Array, mat2: Array) -> Array:
    """The products of two batches of matrices."""
    return xp.matmul(input, mat2)


@bmm.vjp("input")
def _(g: Tensor, mat2: Tensor) -> Tensor:
    return bmm(g, transpose(mat2, dim0=1, dim1=2))


@bmm.vjp("mat2")
def _(g: Tensor, input: Tensor) -> Tensor:
    return bmm(transpose(input, dim0=1, dim1=2), g)


@bmm.jvp("input")
def _(tangent: Tensor, mat2: Tensor) -> Tensor:
    return bmm(tangent, mat2)


@bmm.jvp("mat2")
def _(tangent: Tensor, input: Tensor) -> Tensor:
    return bmm(input, tangent)


def matrix_and_vector(rng: np.random.Generator) -> Iterator[Sample]:
    """A matrix and a vector."""
    yield Sample((apart(rng, 2, 3), apart(rng, 3)))


@primitive(samples=matrix_and_vector)
def mv(xp: Namespace, input: Array, vec: Array) -> Array:
    """The product of a matrix and a vector."""
    return xp.matmul(input, vec)


@mv.vjp("input")
def _(g: Tensor, vec: Tensor) -> Tensor:
    return unsqueeze(g, dim=1) * vec


@mv.vjp("vec")
def _(g: Tensor, input: Tensor) -> Tensor:
    return mv(t(input), g)


@mv.jvp("input")
def _(tangent: Tensor, vec: Tensor) -> Tensor:
    return mv(tangent, vec)


@mv.jvp("vec")
def _(tangent: Tensor, input: Tensor) -> Tensor:
    return mv(input, tangent)


def vector_pairs(rng: np.random.Generator) -> Iterator[Sample]:
    """Two vectors of one length."""
    yield Sample((apart(rng, 4), apart(rng, 4)))


@primitive(samples=vector_pairs)
def dot(xp: Namespace, input: Array, tensor: Array) -> Array:
    """The inner product of two vectors."""
    return xp.dot(input, tensor)


@dot.vjp("input")
def _(g: Tensor, tensor: Tensor) -> Tensor:
    return g * tensor


@dot.vjp("tensor")
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * input


@dot.jvp("input")
def _(tangent: Tensor, tensor: Tensor) -> Tensor:
    return dot(tangent, tensor)


@dot.jvp("tensor")
def _(tangent: Tensor, input: Tensor) -> Tensor:
    return dot(input, tangent)


def threes(rng: np.random.Generator) -> Iterator[Sample]:
    """Pairs of vectors in space, along one dimension or another."""
    yield Sample((apart(rng, 3), apart(rng, 3)), {"dim": 0})
    yield Sample((apart(rng, 2, 3, 4), apart(rng, 2, 3, 4)), {"dim": -2})


@primitive(samples=threes, torch="linalg.cross", node="LinalgCrossBackward0", public=False)
def cross(xp: Namespace, input: Array, other: Array, *, dim: int) -> Array:
    """The vectors at right angles to those of input and other (of one shape) along ``dim``."""
    return xp.cross(input, other, axis=dim)


@cross.vjp("input")
def _(g: Tensor, other: Tensor, *, dim: int) -> Tensor:
    return cross(other, g, dim=dim)


@cross.vjp("other")
def _(g: Tensor, input: Tensor, *, dim: int) -> Tensor:
    return cross(g, input, dim=dim)


@cross.jvp("input")
def _(tangent: Tensor, other: Tensor, *, dim: int) -> Tensor:
    return cross(tangent, other, dim=dim)


@cross.jvp("other")
def _(tangent: Tensor, input: Tensor, *, dim: int) -> Tensor:
    return cross(input, tangent, dim=dim)
