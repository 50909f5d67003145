"""Quantiles and covariances."""

from __future__ import annotations

from retrograd.dtypes import BOOL, FLOATING, INTEGRAL, int64
from retrograd.functional.create import tensor
from retrograd.functional.out import accepts_out
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.surface import both
from retrograd.ops.sort import sort
from retrograd.tensor import Tensor

_WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


@both
@accepts_out
def quantile(
    input: Tensor, q: float | Tensor, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The ``q``-quantiles of all elements or along ``dim``; several ``q`` make a first dimension. NaN where there is
    one. Between two elements: ``linear``, ``lower``, ``higher``, ``midpoint`` or ``nearest``."""
    return _quantile(input, q, dim, keepdim, interpolation, "quantile")


@both
@accepts_out
def nanquantile(
    input: Tensor, q: float | Tensor, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """``quantile`` of what is not NaN."""
    return _quantile(input, q, dim, keepdim, interpolation, "nanquantile")


def _quantile(
    input: Tensor, q: float | Tensor, dim: int | None, keepdim: bool, interpolation: str, name: str
) -> Tensor:
    places = _check_quantile(input, q, interpolation, name)
    axis = None if dim is None else check_dim(dim, max_rank(input))
    lines = input.reshape(-1) if axis is None or not input.ndim else input.movedim(axis, -1)
    if not lines.shape[-1]:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    ordered, _ = sort.call(lines, dim=lines.ndim - 1, descending=False)
    found = _between(ordered, _ranks(ordered.detach(), places.reshape(-1), name), interpolation)
    found = found.movedim(-1, 0)
    if keepdim:
        kept = [1] * input.ndim if axis is None else [1 if at == axis else n for at, n in enumerate(input.shape)]
        found = found.reshape([found.shape[0], *kept])
    return found if places.ndim else found.squeeze(0)


def _check_quantile(input: Tensor, q: float | Tensor, interpolation: str, name: str) -> Tensor:
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if interpolation not in _WAYS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if not isinstance(q, Tensor) and not 0 <= q <= 1:
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
    places = q if isinstance(q, Tensor) else tensor(q, dtype=input.dtype, device=input.device)
    if places.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if places.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if places.device is not input.device:
        raise RuntimeError(f"{name}() q tensor must be on the same device as the input tensor")
    if places.numel() and not 0 <= float(places.min()) <= float(places.max()) <= 1:
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    return places


def _ranks(ordered: Tensor, q: Tensor, name: str) -> Tensor:
    """Where in the last dimension each quantile lies: a line with NaN has it at the end, where NaN was sorted to."""
    last = ordered.shape[-1] - 1
    numbers = ordered == ordered
    if name == "nanquantile":
        return q * (numbers.sum(-1, keepdim=True) - 1).clamp(min=0).to(q.dtype)
    lost = numbers.logical_not().any(-1, keepdim=True)
    return (q * last).masked_fill(lost, last)


def _between(ordered: Tensor, ranks: Tensor, interpolation: str) -> Tensor:
    below = ranks.to(int64)  # none is negative
    part = ranks - below
    if interpolation == "lower":
        return ordered.gather(-1, below)
    if interpolation == "nearest":  # of two equally near the even one
        return ordered.gather(-1, below + ((part > 0.5) | ((part == 0.5) & (below % 2 == 1))))
    high = ordered.gather(-1, below + (part > 0))
    if interpolation == "higher":
        return high
    low = ordered.gather(-1, below)
    return low + (high - low) * (part if interpolation == "linear" else 0.5)


@both
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of variables (rows) from observations (columns), which ``fweights`` repeats and ``aweights``
    weighs; ``correction`` is taken off the count."""
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim}")
    if input._meta.category == BOOL:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input.reshape(1, -1) if input.ndim < 2 else input
    count = rows.shape[1]
    weights = _weights(fweights, aweights, count)
    total = float(count) if weights is None else weights.sum()
    mean = rows.sum(1) / total if weights is None else (rows * weights).sum(1) / total
    taken = total - correction
    if weights is not None and aweights is not None and correction:
        taken = total - (weights * aweights).sum() * correction / total
    norm = taken.clamp(min=0) if isinstance(taken, Tensor) else max(taken, 0.0)
    off = rows - mean.unsqueeze(1)
    scaled = off if weights is None else off * weights
    turned = scaled.t().conj() if scaled.dtype.is_complex else scaled.t()
    found = off.matmul(turned) / norm
    return found.squeeze()


def _weights(fweights: Tensor | None, aweights: Tensor | None, count: int) -> Tensor | None:
    for name, each, category in (("fweights", fweights, INTEGRAL), ("aweights", aweights, FLOATING)):
        if each is None:
            continue
        if each.ndim > 1 or each.numel() != count:
            raise RuntimeError(
                f"cov(): expected {name} to be a vector with a weight for each of the {count} observations, but got "
                f"shape {list(each.shape)}"
            )
        if each._meta.category != category:
            wanted = "integral" if category == INTEGRAL else "floating point"
            raise RuntimeError(f"cov(): expected {name} to have {wanted} dtype but got {each.dtype}")
        if each.numel() and float(each.detach().min()) < 0:
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if fweights is None or aweights is None:
        return fweights if aweights is None else aweights
    return fweights * aweights


@both
def corrcoef(input: Tensor) -> Tensor:
    """The correlation coefficients of variables (rows) from observations (columns)."""
    if input.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got {input.ndim} dimensions"
        )
    found = cov(input)
    if not found.ndim:
        return found / found
    spread = found.diagonal().abs().sqrt()  # variances are real and not negative
    return found / spread.unsqueeze(1) / spread.unsqueeze(0)
