"""Reductions and normalisations of what a mask leaves: PyTorch's ``torch.masked``, for dense tensors.

``mask`` is a tensor of booleans that broadcasts to ``input`` and has no more dimensions; True keeps an element, None
keeps all. What is masked out counts as the value that changes nothing (0 in a sum, 1 in a product, an infinity in an
extreme); where nothing is left a mean, variance or median is NaN. ``dim`` is one dimension, several, or all of them
(None); ``dtype`` that of the result (default: ``input``'s; of integers' sums and products, int64).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrograd import dtypes
from retrograd.dtypes import FLOATING
from retrograd.dtypes import dtype as DType
from retrograd.functional import reduce, scan
from retrograd.functional.create import ones
from retrograd.functional.math import choose
from retrograd.functional.norms import vector_norm
from retrograd.functional.surface import within
from retrograd.ops import softmax as soft
from retrograd.ops.primitive import Primitive
from retrograd.tensor import Tensor

Dim = int | Sequence[int] | None
Mask = Tensor | None
public = within("masked")


def _dims(dim: Dim, rank: int) -> tuple[int, ...]:
    """The dimensions meant, rising. ``IndexError`` out of range, ``RuntimeError`` for one named twice."""
    if dim is None or dim == ():
        return tuple(range(rank))
    found: list[int] = []
    for each in (dim,) if isinstance(dim, int) else dim:
        place = reduce.check_dim(each, max(rank, 1))
        if place in found:
            raise RuntimeError(f"dim={each} appears multiple times in the list of dims")
        found.append(place)
    return tuple(sorted(found))


def _spread(input: Tensor, mask: Tensor) -> Tensor:
    """The mask in ``input``'s shape. ``IndexError`` when it has more dimensions."""
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    return mask.to(dtypes.bool_).expand(input.shape)


def _kept(input: Tensor, mask: Mask, filler: float) -> Tensor:
    """``input`` with ``filler`` where it is masked out; infinities are the extremes of an integer type."""
    if mask is None:
        return input
    if input.dtype.category < FLOATING and math.isinf(filler):
        limits = dtypes.iinfo(input.dtype)
        filler = limits.max if filler > 0 else limits.min
    value = ones((), dtype=input.dtype, device=input.device) * filler if filler else input.new_zeros(())
    return choose(_spread(input, mask), input, value.to(input.dtype))


def _wide(input: Tensor, dtype: DType | None) -> DType:
    """The result's dtype of a sum or product."""
    return dtype or (input.dtype if input.dtype.category >= FLOATING else dtypes.int64)


@public
def sum(
    input: Tensor, dim: Dim = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """The sum along dimensions."""
    dims = _dims(dim, input.ndim)
    return reduce.sum(_kept(input, mask, 0), dims, keepdim, dtype=_wide(input, dtype))


@public
def prod(
    input: Tensor, dim: Dim = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """The product along dimensions."""
    found = _kept(input, mask, 1).to(_wide(input, dtype))
    for each in reversed(_dims(dim, input.ndim)):
        found = reduce.prod(found, each, keepdim)
    return found


@public
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """The sums up to each place of a dimension."""
    kind = dtype or input.dtype
    return scan.cumsum(_kept(input, mask, 0), _dims(dim, input.ndim)[0], dtype=kind).to(kind)


@public
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """The products up to each place of a dimension."""
    kind = dtype or input.dtype
    return scan.cumprod(_kept(input, mask, 1), _dims(dim, input.ndim)[0], dtype=kind).to(kind)


@public
def amax(
    input: Tensor, dim: Dim = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """The largest along dimensions."""
    return reduce.amax(_kept(input, mask, -math.inf), _dims(dim, input.ndim), keepdim).to(dtype or input.dtype)


@public
def amin(
    input: Tensor, dim: Dim = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """The smallest along dimensions."""
    return reduce.amin(_kept(input, mask, math.inf), _dims(dim, input.ndim), keepdim).to(dtype or input.dtype)


@public
def argmax(
    input: Tensor, dim: int | None = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """Where the largest is, in the dtype of the input unless told otherwise."""
    return reduce.argmax(_kept(input, mask, -math.inf), dim, keepdim).to(dtype or input.dtype)


@public
def argmin(
    input: Tensor, dim: int | None = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """Where the smallest is, in the dtype of the input unless told otherwise."""
    return reduce.argmin(_kept(input, mask, math.inf), dim, keepdim).to(dtype or input.dtype)


def _count(input: Tensor, dim: Dim, keepdim: bool, mask: Mask) -> Tensor:
    """How many are left along dimensions."""
    left = ones(input.shape, dtype=dtypes.bool_, device=input.device) if mask is None else _spread(input, mask)
    return reduce.sum(left, _dims(dim, input.ndim), keepdim)


@public
def mean(
    input: Tensor, dim: Dim = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """The mean along dimensions. ``ValueError`` unless the dtype is a floating or complex one."""
    kind = dtype or input.dtype
    if kind.category < FLOATING:
        raise ValueError(
            f"mean(): Could not infer output dtype. {'Input' if dtype is None else 'Optional'} dtype must be either a "
            f"floating point or complex dtype. Got: {kind}"
        )
    return sum(input, dim, keepdim=keepdim, dtype=kind, mask=mask) / _count(input, dim, keepdim, mask)


@public
def median(
    input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """The median along a dimension (of an even number, the lower of the middle two). ``ValueError`` where nothing of
    integers is left."""
    floating = input.dtype.is_floating_point
    left = _kept(input if floating else input.to(dtypes.float32), mask, math.nan)
    found: Tensor = left.nanmedian(_dims(dim, input.ndim)[0], keepdim)[0]
    if floating:
        return found
    if bool(found.isnan().any()):
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return found.to(dtype or input.dtype)


@public
def logsumexp(
    input: Tensor, dim: Dim = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """log(sum(exp(input))) along dimensions."""
    left = _kept(input, mask, -math.inf)
    return reduce.logsumexp(left, _dims(dim, input.ndim), keepdim).to(dtype or input.dtype)


@public
def logaddexp(
    input: Tensor, other: Tensor, *, dtype: DType | None = None, input_mask: Mask = None, other_mask: Mask = None
) -> Tensor:
    """log(exp(input) + exp(other)), each with a mask of its own."""
    left, right = _kept(input, input_mask, -math.inf), _kept(other, other_mask, -math.inf)
    return left.logaddexp(right).to(dtype or input.dtype)


@public
def norm(
    input: Tensor, ord: float = 2.0, dim: Dim = None, *, keepdim: bool = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The vector norm of order ``ord`` along dimensions."""
    left = _kept(input, mask, math.inf if ord == -math.inf else 0)
    return vector_norm(left, ord, _dims(dim, input.ndim), keepdim, dtype=dtype or input.dtype)


def _variance(
    input: Tensor, dim: Dim, unbiased: bool | None, correction: float | None, keepdim: bool, dtype: DType | None,
    mask: Mask,
) -> Tensor:  # fmt: skip
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    taken = float(unbiased is not False) if correction is None else float(correction)
    kind = dtype or (input.dtype if input.dtype.category >= FLOATING else dtypes.float32)
    working = kind if kind.category >= FLOATING else dtypes.float32
    off = input - sum(input, dim, keepdim=True, dtype=kind, mask=mask) / _count(input, dim, True, mask)
    total = sum(off * off.conj(), dim, keepdim=keepdim, dtype=working, mask=mask)
    count = _count(input, dim, keepdim, mask).to(working.to_real())
    return (total / (count - taken).clamp(min=0.0)).to(kind)


@public
def var(
    input: Tensor, dim: Dim = None, unbiased: bool | None = None, *, correction: float | None = None,
    keepdim: bool = False, dtype: DType | None = None, mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The variance along dimensions; ``correction`` (default 1; 0 with ``unbiased=False``) is taken off the count."""
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask)


@public
def std(
    input: Tensor, dim: Dim = None, unbiased: bool | None = None, *, correction: float | None = None,
    keepdim: bool = False, dtype: DType | None = None, mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The standard deviation along dimensions; ``correction`` as for ``var``."""
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()


def _by_share(op: Primitive, left: Tensor, dim: int, dtype: DType | None) -> Tensor:
    return op.call(left.to(dtype or left.dtype), dim=_dims(dim, left.ndim)[0])


@public
def softmax(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """exp(input) over its sum along a dimension; NaN where nothing is left."""
    return _by_share(soft.softmax, _kept(input, mask, -math.inf), dim, dtype)


@public
def log_softmax(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """The logarithm of ``softmax``."""
    return _by_share(soft.log_softmax, _kept(input, mask, -math.inf), dim, dtype)


@public
def softmin(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """``softmax`` of the negative."""
    return _by_share(soft.softmax, -_kept(input, mask, math.inf), dim, dtype)


@public
def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """``input`` over its norm along a dimension (or over ``eps`` where that is larger)."""
    size = norm(input, ord, _dims(dim, input.ndim)[0], keepdim=True, dtype=dtype, mask=mask)
    return _kept(input, mask, 0) / size.maximum(size.new_zeros(()) + eps)
