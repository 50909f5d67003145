"""Filling tensors with numbers of other distributions, and drawing by weights."""

from __future__ import annotations

import numpy as np

from retrograd.dtypes import int64
from retrograd.functional.create import create
from retrograd.functional.out import accepts_out
from retrograd.functional.random import drawing, filled, floating
from retrograd.functional.surface import both, method
from retrograd.meta import Array
from retrograd.random import Generator
from retrograd.tensor import Tensor


@method
def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with waiting times of rate ``lambd``; returns the tensor."""
    floating("exponential_", self.dtype)
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    return filled("exponential_", self, lambda g, n: g.exponential(n, lambd), generator, {"lambd": lambd})


@method
def cauchy_(self: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of Cauchy's distribution; returns the tensor."""
    floating("cauchy_", self.dtype)
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    params = {"median": median, "sigma": sigma}
    return filled("cauchy_", self, lambda g, n: g.cauchy(n, median, sigma), generator, params)


@method
def log_normal_(self: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers whose logarithm is normal; returns the tensor."""
    floating("log_normal_", self.dtype)
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    return filled("log_normal_", self, lambda g, n: g.log_normal(n, mean, std), generator, {"mean": mean, "std": std})


@method
def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of trials up to the first success, of chance ``p``; returns the tensor."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    return filled("geometric_", self, lambda g, n: g.geometric(n, p), generator, {"p": p})


@both
@accepts_out
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """``num_samples`` indices for each row of weights, each drawn with a chance in proportion to its weight."""
    floating("multinomial", input.dtype)
    rows = input.device.to_host(input._data)
    _check_weights(rows, num_samples, replacement)
    shape = (*rows.shape[:-1], num_samples)
    kind = rows.dtype

    def draw(g: Generator, count: int) -> Array:
        if replacement and num_samples > 1:
            return _with_replacement(rows.reshape(-1, rows.shape[-1]), g, num_samples)
        # the smallest of waiting times at these rates are a draw without replacement
        times = g.exponential(rows.size, 1).astype(kind).reshape(rows.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            order: Array = np.argsort(-(rows / times), axis=-1, kind="stable")
        return order[..., :num_samples]

    params: dict[str, object] = {"num_samples": num_samples, "replacement": replacement}
    return create("multinomial", drawing(draw, generator), shape, params, int64, input.device, False)


def _with_replacement(rows: Array, g: Generator, count: int) -> Array:
    """Each row's draws: where a uniform number falls in the running sum of the row's chances."""
    sums = np.cumsum(rows, axis=1)
    sums = sums / sums[:, -1:]
    uniform = g.uniform(rows.shape[0] * count, 0, 1, np.float64).reshape(rows.shape[0], count)
    found: Array = np.minimum((sums[:, None, :] < uniform[:, :, None]).sum(-1), rows.shape[1] - 1)
    return found


def _check_weights(rows: Array, num_samples: int, replacement: bool) -> None:
    if rows.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > rows.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not (np.isfinite(rows) & (rows >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if rows.size and not (rows.sum(-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
