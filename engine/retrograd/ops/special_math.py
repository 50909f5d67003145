"""Special functions of one or two numbers, by way of SciPy.

Derivatives: NIST Digital Library of Mathematical Functions, chapters 5 (gamma), 7 (error functions), 8 (incomplete
gamma) and 10 (Bessel functions).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace, scipy_of
from retrograd.meta import Array
from retrograd.ops.elementwise import exp, log, sign
from retrograd.ops.primitive import Primitive, primitive
from retrograd.ops.samples import Sample, apart, positives, reals
from retrograd.ops.select import where
from retrograd.tensor import Tensor

TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)


def between(rng: np.random.Generator) -> Iterator[Sample]:
    """Numbers between -0.9 and 0.9, away from zero."""
    yield Sample((np.asarray(rng.uniform(0.1, 0.9, (2, 3)) * rng.choice([-1, 1], (2, 3))),))


def shares(rng: np.random.Generator) -> Iterator[Sample]:
    """Numbers between 0.1 and 0.9."""
    yield Sample((rng.uniform(0.1, 0.9, (2, 3)),))


def _special(xp: Namespace, name: str, *inputs: Array) -> Array:
    found: Array = getattr(scipy_of(xp, "special"), name)(*inputs)
    return found


@primitive(samples=reals, elementwise=True, result="float")
def erf(xp: Namespace, input: Array) -> Array:
    """The error function."""
    return _special(xp, "erf", input)


@erf.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * (exp(-input * input) * TWO_OVER_ROOT_PI)


@primitive(samples=reals, elementwise=True, result="float")
def erfc(xp: Namespace, input: Array) -> Array:
    """1 - erf, exact also where erf is near 1."""
    return _special(xp, "erfc", input)


@erfc.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * (exp(-input * input) * -TWO_OVER_ROOT_PI)


@primitive(samples=between, elementwise=True, result="float")
def erfinv(xp: Namespace, input: Array) -> Array:
    """The inverse of erf."""
    return _special(xp, "erfinv", input)


@erfinv.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * (exp(out * out) / TWO_OVER_ROOT_PI)


@primitive(samples=reals, elementwise=True, result="float", name="special_erfcx", torch="special.erfcx", public=False)
def erfcx(xp: Namespace, input: Array) -> Array:
    """exp(input²) erfc(input)"""
    return _special(xp, "erfcx", input)


@erfcx.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return g * (2.0 * input * out - TWO_OVER_ROOT_PI)


@primitive(samples=shares, elementwise=True, result="float", name="special_ndtri", torch="special.ndtri", public=False)
def ndtri(xp: Namespace, input: Array) -> Array:
    """Where the normal distribution reaches a probability: its quantiles."""
    return _special(xp, "ndtri", input)


@ndtri.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * (exp(out * out * 0.5) * math.sqrt(2.0 * math.pi))


@primitive(
    samples=reals, elementwise=True, result="float", name="special_log_ndtr", torch="special.log_ndtr", public=False
)
def log_ndtr(xp: Namespace, input: Array) -> Array:
    """The logarithm of the normal distribution's cumulative probability."""
    return _special(xp, "log_ndtr", input)


@log_ndtr.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / (erfcx(input * -math.sqrt(0.5)) * math.sqrt(math.pi / 2))


@primitive(samples=positives, elementwise=True, result="float", name="special_entr", torch="special.entr", public=False)
def entr(xp: Namespace, input: Array) -> Array:
    """-input log(input): 0 at 0, -inf below."""
    return _special(xp, "entr", input)


@entr.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * where(input < 0, math.nan, -log(input) - 1.0)


@primitive(samples=positives, elementwise=True, result="float")
def lgamma(xp: Namespace, input: Array) -> Array:
    """The logarithm of the gamma function's absolute value."""
    return _special(xp, "gammaln", input)


@lgamma.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * digamma(input)


@primitive(samples=positives, elementwise=True, result="float", torch="-")  # PyTorch's second derivative has 10 digits
def digamma(xp: Namespace, input: Array) -> Array:
    """The derivative of lgamma; -inf and inf at 0 and -0, NaN at negative whole numbers."""
    found = _special(xp, "digamma", input)
    return xp.where(input == 0, xp.copysign(np.inf, -input), found).astype(input.dtype)


@digamma.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * polygamma_of(input, n=1)


def orders(rng: np.random.Generator) -> Iterator[Sample]:
    """Derivatives of several orders."""
    for n in (1, 2, 3):
        yield Sample((rng.uniform(0.5, 2.5, (2, 3)),), {"n": n})


@primitive(samples=orders, name="polygamma", torch="-", public=False)
def polygamma_of(xp: Namespace, input: Array, *, n: int) -> Array:
    """The n-th derivative of digamma, n from 1."""
    sign_of = 1.0 if n % 2 else -1.0
    return (sign_of * math.factorial(n) * _special(xp, "zeta", xp.asarray(n + 1.0), input)).astype(input.dtype)


@polygamma_of.vjp("input")
def _(g: Tensor, input: Tensor, *, n: int) -> Tensor:
    return g * polygamma_of(input, n=n + 1)


@polygamma_of.jvp("input")
def _(t: Tensor, input: Tensor, *, n: int) -> Tensor:
    return t * polygamma_of(input, n=n + 1)


@primitive(samples=reals, elementwise=True, result="float")
def i0(xp: Namespace, input: Array) -> Array:
    """The modified Bessel function of the first kind, order 0."""
    return _special(xp, "i0", input)


@i0.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * i1(input)


@primitive(samples=reals, elementwise=True, result="float", name="special_i0e", torch="special.i0e", public=False)
def i0e(xp: Namespace, input: Array) -> Array:
    """exp(-|input|) i0(input)"""
    return _special(xp, "i0e", input)


@i0e.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return g * (i1e(input) - sign(input) * out)


@primitive(samples=reals, elementwise=True, result="float", name="special_i1", torch="special.i1", public=False)
def i1(xp: Namespace, input: Array) -> Array:
    """The modified Bessel function of the first kind, order 1."""
    return _special(xp, "i1", input)


@i1.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return g * (i0(input) - where(input == 0, 0.5, out / where(input == 0, 1.0, input)))


@primitive(samples=reals, elementwise=True, result="float", name="special_i1e", torch="special.i1e", public=False)
def i1e(xp: Namespace, input: Array) -> Array:
    """exp(-|input|) i1(input)"""
    return _special(xp, "i1e", input)


@i1e.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    slope = i0e(input) - out * (sign(input) + 1.0 / where(input == 0, 1.0, input))
    return g * where(input == 0, 0.5, slope)


def degrees(rng: np.random.Generator) -> Iterator[Sample]:
    """Positive numbers in pairs."""
    yield Sample((rng.uniform(0.5, 3.0, (2, 3)), rng.uniform(0.5, 3.0, (3,))))


@primitive(samples=degrees, elementwise=True, result="float", torch="-", numbers=())
def igamma(xp: Namespace, input: Array, other: Array) -> Array:
    """The regularised lower incomplete gamma function of degree ``input``."""
    return _special(xp, "gammainc", input, other)


@igamma.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return g * exp((input - 1.0) * log(other) - other - lgamma(input))


@primitive(samples=degrees, elementwise=True, result="float", torch="-", numbers=())
def igammac(xp: Namespace, input: Array, other: Array) -> Array:
    """1 - igamma, exact also where that is near 1."""
    return _special(xp, "gammaincc", input, other)


@igammac.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return -g * exp((input - 1.0) * log(other) - other - lgamma(input))


@primitive(samples=degrees, elementwise=True, result="float", torch="-", public=False)
def zeta(xp: Namespace, input: Array, other: Array) -> Array:
    """The Hurwitz zeta function: the sum of (k + other)^-input."""
    return _special(xp, "zeta", input, other)


BESSEL = {
    "airy_ai": ("airy", "The Airy function Ai."),
    "bessel_j0": ("j0", "The Bessel function of the first kind, order 0."),
    "bessel_j1": ("j1", "The Bessel function of the first kind, order 1."),
    "bessel_y0": ("y0", "The Bessel function of the second kind, order 0."),
    "bessel_y1": ("y1", "The Bessel function of the second kind, order 1."),
    "modified_bessel_k0": ("k0", "The modified Bessel function of the second kind, order 0."),
    "modified_bessel_k1": ("k1", "The modified Bessel function of the second kind, order 1."),
    "scaled_modified_bessel_k0": ("k0e", "exp(input) modified_bessel_k0(input)"),
    "scaled_modified_bessel_k1": ("k1e", "exp(input) modified_bessel_k1(input)"),
    "spherical_bessel_j0": ("", "sin(input) / input, 1 at 0."),
}
"""PyTorch's name -> SciPy's, and what it is; PyTorch gives none of them a derivative."""


def _bessel(name: str, theirs: str, said: str) -> Primitive:
    def forward(xp: Namespace, input: Array) -> Array:
        if not theirs:
            return xp.sinc(input / math.pi).astype(input.dtype)
        found = _special(xp, theirs, input)
        return found[0] if theirs == "airy" else found  # the first of four

    forward.__name__, forward.__doc__ = name, said
    declared = primitive(
        samples=positives, elementwise=True, result="float", name=f"special_{name}", torch=f"special.{name}",
        public=False,
    )  # fmt: skip
    return declared(forward)


bessel = {name: _bessel(name, *facts) for name, facts in BESSEL.items()}


def polynomials(rng: np.random.Generator) -> Iterator[Sample]:
    """Arguments and whole degrees."""
    yield Sample((apart(rng, 2, 4) * 0.4, np.array([0.0, 1.0, 3.0, 5.0])))


POLYNOMIALS = {
    "chebyshev_polynomial_t": "eval_chebyt", "chebyshev_polynomial_u": "eval_chebyu",
    "shifted_chebyshev_polynomial_t": "eval_sh_chebyt", "shifted_chebyshev_polynomial_u": "eval_sh_chebyu",
    "hermite_polynomial_h": "eval_hermite", "hermite_polynomial_he": "eval_hermitenorm",
    "laguerre_polynomial_l": "eval_laguerre", "legendre_polynomial_p": "eval_legendre",
}  # fmt: skip
"""PyTorch's name -> SciPy's. Degrees are cut to whole numbers; of a negative degree it is 0."""


def _polynomial(name: str, value: object) -> Primitive:
    def forward(xp: Namespace, input: Array, n: Array) -> Array:
        degree = xp.trunc(n).astype(np.int64)
        wide = xp.asarray(input, np.float64)
        found = value(xp, xp.where(degree < 0, 0, degree), wide)  # type: ignore[operator]  # one of the functions below
        return xp.where(degree < 0, 0.0, found).astype(input.dtype)

    forward.__name__, forward.__doc__ = name, f"The value of {name.replace('_', ' ')} of degree n."
    declared = primitive(samples=polynomials, elementwise=True, result="float", torch="-", public=False)
    return declared(forward)


def _third_kind(xp: Namespace, degree: Array, x: Array) -> Array:
    """V_n = U_n - U_{n-1}"""
    before = _special(xp, "eval_chebyu", xp.where(degree < 1, 0, degree - 1), x)
    return _special(xp, "eval_chebyu", degree, x) - xp.where(degree < 1, 0.0, before)


def _fourth_kind(xp: Namespace, degree: Array, x: Array) -> Array:
    """W_n = U_n + U_{n-1}"""
    before = _special(xp, "eval_chebyu", xp.where(degree < 1, 0, degree - 1), x)
    return _special(xp, "eval_chebyu", degree, x) + xp.where(degree < 1, 0.0, before)


def _by_name(theirs: str) -> object:
    return lambda xp, degree, x: _special(xp, theirs, degree, x)


polynomial = {
    **{name: _polynomial(name, _by_name(theirs)) for name, theirs in POLYNOMIALS.items()},
    "chebyshev_polynomial_v": _polynomial("chebyshev_polynomial_v", _third_kind),
    "chebyshev_polynomial_w": _polynomial("chebyshev_polynomial_w", _fourth_kind),
    "shifted_chebyshev_polynomial_v": _polynomial(
        "shifted_chebyshev_polynomial_v", lambda xp, degree, x: _third_kind(xp, degree, 2.0 * x - 1.0)
    ),
    "shifted_chebyshev_polynomial_w": _polynomial(
        "shifted_chebyshev_polynomial_w", lambda xp, degree, x: _fourth_kind(xp, degree, 2.0 * x - 1.0)
    ),
}
