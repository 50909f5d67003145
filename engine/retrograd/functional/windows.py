"""Window functions.

Those of ``signal.windows`` are symmetric, or with ``sym=False`` one period of a periodic window; the older ones of
``retrograd`` itself are periodic unless told otherwise. Each gives ``M`` elements of the default dtype, or of ``dtype``
(float32 or float64). ``ValueError`` for a negative length, other dtypes and other layouts (of the older ones
``RuntimeError``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from retrograd.devices import Device
from retrograd.dtypes import dtype as DType
from retrograd.dtypes import float32, float64, get_default_dtype
from retrograd.functional.create import ones
from retrograd.functional.sequences import arange
from retrograd.functional.surface import function, within
from retrograd.tensor import Tensor

Where = str | Device | None
public = within("signal.windows")
Formula = Callable[..., Tensor]
"""The window at places (float64, from 0), where ``span`` is the place at which a period ends; and the window's own
parameters by keyword."""


def _window(formula: Formula) -> Formula:
    """The function with this formula."""

    def window(
        M: int, *, sym: bool = True, dtype: DType | None = None, layout: str = "strided", device: Where = None,
        requires_grad: bool = False, **shape: object,
    ) -> Tensor:  # fmt: skip
        kind = dtype or get_default_dtype()
        name = formula.__name__
        if M < 0:
            raise ValueError(f"{name} requires non-negative window length, got M={M}")
        if layout != "strided":
            raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
        if kind not in (float32, float64):
            raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")
        if sym and shape.get("center") is not None:
            raise ValueError("Center must be None for symmetric windows")
        made = formula(arange(M, dtype=float64), float(max(M - 1 if sym else M, 1)), **shape)
        if M == 1:
            made = ones(1, dtype=float64)
        placed = made.to(device or "cpu", kind)
        return placed.requires_grad_() if requires_grad else placed

    window.__name__ = window.__qualname__ = formula.__name__
    window.__doc__ = formula.__doc__
    return window


def _sum_of_cosines(n: Tensor, span: float, a: Sequence[float]) -> Tensor:
    angle = n * (2 * math.pi / span)
    total = n * 0.0
    for order, weight in enumerate(a):
        total = total + (angle * float(order)).cos() * ((-1) ** order * float(weight))
    return total


@public
@_window
def general_cosine(n: Tensor, span: float, *, a: Sequence[float]) -> Tensor:
    """Σᵢ (-1)ⁱ aᵢ cos(2πin / span)"""
    if not isinstance(a, (list, tuple)):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    return _sum_of_cosines(n, span, a)


@public
@_window
def general_hamming(n: Tensor, span: float, *, alpha: float = 0.54) -> Tensor:
    """alpha - (1 - alpha) cos(2πn / span)"""
    return _sum_of_cosines(n, span, (alpha, 1 - alpha))


@public
@_window
def hamming(n: Tensor, span: float) -> Tensor:
    """Hamming's window, 0.54 - 0.46 cos(2πn / span)."""
    return _sum_of_cosines(n, span, (0.54, 0.46))


@public
@_window
def hann(n: Tensor, span: float) -> Tensor:
    """Hann's window, sin²(πn / span)."""
    return _sum_of_cosines(n, span, (0.5, 0.5))


@public
@_window
def blackman(n: Tensor, span: float) -> Tensor:
    """Blackman's window, of three cosines."""
    return _sum_of_cosines(n, span, (0.42, 0.5, 0.08))


@public
@_window
def nuttall(n: Tensor, span: float) -> Tensor:
    """Nuttall's window of least side lobes, of four cosines."""
    return _sum_of_cosines(n, span, (0.3635819, 0.4891775, 0.1365995, 0.0106411))


@public
@_window
def bartlett(n: Tensor, span: float) -> Tensor:
    """Bartlett's triangle, 1 - |2n / span - 1|."""
    return 1.0 - (n * (2.0 / span) - 1.0).abs()


@public
@_window
def cosine(n: Tensor, span: float) -> Tensor:
    """Half a sine, sin(π(n + 1/2) / (span + 1))."""
    return ((n + 0.5) * (math.pi / (span + 1))).sin()


@public
@_window
def exponential(n: Tensor, span: float, *, center: float | None = None, tau: float = 1.0) -> Tensor:
    """exp(-|n - center| / tau), by default around the middle."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    return (-((n - (span / 2 if center is None else center)).abs() / tau)).exp()


@public
@_window
def gaussian(n: Tensor, span: float, *, std: float = 1.0) -> Tensor:
    """exp(-(n - span / 2)² / 2std²)"""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return (-((n - span / 2) / (std * math.sqrt(2))).square()).exp()


def _bessel(x: Tensor, largest: float) -> Tensor:
    """The modified Bessel function I₀ up to ``largest``, by its series: M. Abramowitz and I. A. Stegun, 9.6.12."""
    quarter = x.square() * 0.25
    term = total = quarter * 0.0 + 1.0
    for order in range(1, int(2 * largest) + 30):
        term = term * quarter * (1.0 / order**2)
        total = total + term
    return total


@public
@_window
def kaiser(n: Tensor, span: float, *, beta: float = 12.0) -> Tensor:
    """Kaiser's window, I₀(β √(1 - (2n / span - 1)²)) / I₀(β)."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    inside = (1.0 - (n * (2.0 / span) - 1.0).square()).clamp_min(0.0).sqrt()
    return _bessel(inside * beta, beta) / _bessel(n * 0.0 + beta, beta)


def _older(name: str, window: Formula, *shape: str) -> None:
    """The function of ``retrograd`` itself; ``shape`` are the window's parameters that it takes after ``periodic``."""

    def older(window_length: int, periodic: bool = True, *values: object, **options: object) -> Tensor:
        options.pop("pin_memory", None)  # memory of the host is as good as pinned here
        try:
            return window(window_length, sym=not periodic, **dict(zip(shape, values, strict=False)), **options)
        except ValueError as error:
            raise RuntimeError(str(error).replace(window.__name__, name)) from None

    older.__name__ = older.__qualname__ = name
    older.__doc__ = f"{window.__doc__} Periodic by default."
    function(older)


@_window
def _hamming_of_two(n: Tensor, span: float, *, alpha: float = 0.54, beta: float = 0.46) -> Tensor:
    """alpha - beta cos(2πn / span)"""
    return _sum_of_cosines(n, span, (alpha, beta))


_older("bartlett_window", bartlett)
_older("blackman_window", blackman)
_older("hamming_window", _hamming_of_two, "alpha", "beta")
_older("hann_window", hann)
_older("kaiser_window", kaiser, "beta")
