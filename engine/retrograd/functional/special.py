"""``torch.special``: special functions under their names there, and those that are compositions of others."""

from __future__ import annotations

import math
from collections.abc import Callable

from retrograd import dtypes
from retrograd.functional import pointwise
from retrograd.functional.surface import both, function, namespaces, within
from retrograd.ops import elementwise, exponential, trigonometric
from retrograd.ops import special_math as special
from retrograd.tensor import Tensor

_SAME = {
    "erf": special.erf, "erfc": special.erfc, "erfinv": special.erfinv, "erfcx": special.erfcx, "ndtri": special.ndtri,
    "log_ndtr": special.log_ndtr, "entr": special.entr, "gammaln": special.lgamma, "digamma": special.digamma,
    "psi": special.digamma, "i0": special.i0, "i0e": special.i0e, "i1": special.i1, "i1e": special.i1e,
    "gammainc": special.igamma, "gammaincc": special.igammac, "exp2": exponential.exp2, "expm1": exponential.expm1,
    "log1p": exponential.log1p, "sinc": trigonometric.sinc, "expit": elementwise.sigmoid, "zeta": special.zeta,
    "modified_bessel_i0": special.i0, "modified_bessel_i1": special.i1, **special.bessel, **special.polynomial,
}  # fmt: skip
"""Name in ``torch.special`` -> primitive."""

_COMPOSED: dict[str, Callable[..., object]] = {"logit": pointwise.logit, "round": pointwise.round}

namespaces.setdefault("special", {}).update({name: op.call for name, op in _SAME.items()})
namespaces["special"].update(_COMPOSED)


namespaces["special"]["xlogy"] = exponential.xlogy.call
namespaces["special"]["xlog1py"] = exponential.xlog1py.call


@within("special")
def ndtr(input: Tensor) -> Tensor:
    """The normal distribution's cumulative probability: erfc(-input / √2) / 2."""
    return special.erfc.call(input * -math.sqrt(0.5)) * 0.5


@function
def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of digamma, for n from 0."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    wide = input if input._meta.floating else input.to(dtypes.get_default_dtype())
    return special.digamma.call(wide) if n == 0 else special.polygamma_of.call(wide, n=n)


def _polygamma(self: Tensor, n: int) -> Tensor:
    return polygamma(n, self)


namespaces["special"]["polygamma"] = polygamma
setattr(Tensor, "polygamma", _polygamma)  # noqa: B010  the method's arguments stand the other way round


@both
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    wide = input if input._meta.floating else input.to(dtypes.get_default_dtype())
    terms = [special.lgamma.call(wide - j / 2.0) for j in range(p)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total + p * (p - 1) / 4.0 * math.log(math.pi)


namespaces["special"]["multigammaln"] = mvlgamma
