"""Differences and integrals of sampled functions."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.dtypes import BOOL
from retrograd.functional.join import cat
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.split import narrow
from retrograd.functional.surface import both, function
from retrograd.tensor import Tensor

Spacing = float | Tensor


def _ends(input: Tensor, dim: int, start: int, stop: int) -> Tensor:
    """Places ``start`` to ``stop`` (from the end, where 0 or negative) of a dimension."""
    length = input.shape[dim]
    return narrow(input, dim, start, max((stop if stop > 0 else length + stop) - start, 0))


@both
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Each element less the one before along ``dim``, ``n`` times; of booleans whether they differ."""
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    axis = check_dim(dim, max_rank(input))
    if not n:
        return input.clone()
    for each in (prepend, append):
        if each is not None and each.ndim != input.ndim:
            raise RuntimeError(
                f"diff expects prepend or append to be the same dimension as input, not {each.ndim} beside {input.ndim}"
            )
    parts = [each for each in (prepend, input, append) if each is not None]
    found = cat(parts, axis) if len(parts) > 1 else input
    for _ in range(min(n, found.shape[axis])):
        later, sooner = _ends(found, axis, 1, 0), _ends(found, axis, 0, -1)
        found = later ^ sooner if found._meta.category == BOOL else later - sooner
    return found


@both
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral along ``dim`` by the trapezoidal rule, at places ``x`` or ``dx`` apart."""
    return _areas(y, x, dx, dim, "trapezoid").sum(dim)


@function
def trapz(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Another name of ``trapezoid``."""
    return trapezoid(y, x, dx=dx, dim=dim)


@both
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The running integral along ``dim`` by the trapezoidal rule."""
    return _areas(y, x, dx, dim, "cumulative_trapezoid").cumsum(dim)


def _areas(y: Tensor, x: Tensor | None, dx: float, dim: int, name: str) -> Tensor:
    axis = check_dim(dim, max_rank(y))
    if y._meta.category == BOOL or (x is not None and x._meta.category == BOOL):
        raise RuntimeError(f"{name}: received a bool input for `x` or `y`, but bool is not supported")
    if isinstance(dx, (Tensor, complex)):
        raise TypeError(f"{name}(): Currently, we only support dx as a real number.")
    pairs = _ends(y, axis, 1, 0) + _ends(y, axis, 0, -1)
    if x is None:
        return pairs * (dx / 2)
    if x.ndim == 1:
        if x.shape[0] != y.shape[axis]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape([-1 if place == axis else 1 for place in range(y.ndim)])
    place = axis - y.ndim
    return pairs * (_ends(x, place % x.ndim, 1, 0) - _ends(x, place % x.ndim, 0, -1)) / 2.0


@function
def gradient(
    input: Tensor,
    *,
    spacing: Spacing | Sequence[Spacing] | None = None,
    dim: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """The derivative along each of ``dim`` by differences of second order, at the edges of ``edge_order``; ``spacing``
    is a distance, or for each dimension a distance or the places."""
    axes = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    axes = [check_dim(each, max_rank(input)) for each in axes]
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"dim {axes} appears multiple times in the list of dims")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    steps = list(spacing) if isinstance(spacing, (tuple, list)) else [1.0 if spacing is None else spacing] * len(axes)
    if len(steps) != len(axes):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or it's spacing and dim arguments to have "
            f"the same length, but got {len(steps)} spacings and {len(axes)} dims"
        )
    for axis in axes:
        if not input.ndim or input.shape[axis] < edge_order + 1:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1, but got shape "
                f"{list(input.shape)}"
            )
    if not input._meta.floating and not input.dtype.is_complex:
        input = input / 1
    return tuple([_slope(input, axis, step, edge_order) for axis, step in zip(axes, steps, strict=True)])


def _slope(f: Tensor, axis: int, spacing: object, order: int) -> Tensor:
    places = isinstance(spacing, Tensor) and spacing.ndim > 0
    rise = diff(f, dim=axis)
    wide = [-1 if place == axis else 1 for place in range(f.ndim)]
    run = diff(spacing).reshape(wide) if places else rise.detach() * 0 + spacing  # type: ignore[arg-type]
    slopes = rise / run
    if f.shape[axis] == 2:
        return cat([slopes, slopes], axis)
    before, after = _ends(run, axis, 0, -1), _ends(run, axis, 1, 0)
    left, right = _ends(slopes, axis, 0, -1), _ends(slopes, axis, 1, 0)
    inner = (left * after + right * before) / (before + after)
    if order == 1:
        return cat([narrow(slopes, axis, 0, 1), inner, narrow(slopes, axis, slopes.shape[axis] - 1, 1)], axis)
    first = _edge(slopes, run, axis, 0, 1)
    last = _edge(slopes, run, axis, -1, -2)
    return cat([first, inner, last], axis)


def _edge(slopes: Tensor, run: Tensor, axis: int, near: int, next_: int) -> Tensor:
    """The slope at an edge, extrapolated from the two intervals beside it."""
    count = slopes.shape[axis]
    here, there = (narrow(slopes, axis, each % count, 1) for each in (near, next_))
    short, long = (narrow(run, axis, each % count, 1) for each in (near, next_))
    return here + (here - there) * short / (short + long)
