"""Other dtypes and devices."""

from __future__ import annotations

from retrograd.devices import Namespace
from retrograd.dtypes import dtype as DType
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import none
from retrograd.tensor import Tensor


@primitive(samples=none, torch="-", node="ToCopyBackward0", public=False, moves=True)
def to_copy(xp: Namespace, input: Array, *, dtype: DType) -> Array:
    """A copy in another dtype; of complex numbers as real ones, the real parts."""
    if input.dtype.kind == "c" and not dtype.is_complex:
        input = input.real
    return input.astype(dtype.numpy)


@to_copy.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return to_copy(g, dtype=input_meta.dtype)


@to_copy.jvp("input")
def _(t: Tensor, *, dtype: DType) -> Tensor:
    return to_copy(t, dtype=dtype)
