"""The exponential of a matrix."""

from __future__ import annotations

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.matrices import cut, squares, transposed
from retrograd.ops.primitive import primitive
from retrograd.ops.shape import cat
from retrograd.tensor import Tensor

LIMIT = 5.371920351148152
"""The 1-norm up to which the Padé approximant below is exact to double precision (Higham, table 2.3)."""
COEFFICIENTS = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
    670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip
"""Those of its numerator, of degree 13."""


@primitive(samples=squares, torch="linalg.matrix_exp", node="LinalgMatrixExpBackward0", public=False)
def matrix_exp(xp: Namespace, input: Array) -> Array:
    """The sum of all powers of a matrix over their factorials.

    N. J. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005), algorithm 2.3, with
    the approximant of degree 13 throughout.
    """
    norms = xp.abs(input).sum(axis=-2).max(axis=-1, initial=0)
    halvings = xp.nan_to_num(xp.ceil(xp.log2(xp.maximum(norms, LIMIT) / LIMIT)), posinf=0)[..., None, None]
    a = input / xp.exp2(halvings).astype(norms.dtype)
    eye = xp.eye(input.shape[-1], dtype=input.dtype)
    a2 = xp.matmul(a, a)
    a4 = xp.matmul(a2, a2)
    a6 = xp.matmul(a2, a4)
    c = COEFFICIENTS
    high = xp.matmul(a6, c[13] * a6 + c[11] * a4 + c[9] * a2)
    odd = xp.matmul(a, high + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * eye)
    even = xp.matmul(a6, c[12] * a6 + c[10] * a4 + c[8] * a2) + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * eye
    found = xp.linalg.solve(even - odd, even + odd)
    for done in range(int(halvings.max(initial=0))):
        found = xp.where(halvings > done, xp.matmul(found, found), found)
    return found


def _along(matrix: Tensor, direction: Tensor) -> Tensor:
    """The derivative of the exponential in a direction, from the exponential of a matrix of twice the size: R. Mathias,
    "A chain rule for matrix functions and applications" (1996)."""
    size, rank = matrix.shape[-1], len(matrix.shape)
    upper = cat(matrix, direction, dim=rank - 1)
    lower = cat(matrix * 0.0, matrix, dim=rank - 1)
    return cut(matrix_exp(cat(upper, lower, dim=rank - 2)), slice(0, size), slice(size, 2 * size))


@matrix_exp.vjp("input")
def _(g: Tensor, input: Tensor) -> Tensor:
    return _along(transposed(input), g)


@matrix_exp.jvp("input")
def _(tangent: Tensor, input: Tensor) -> Tensor:
    return _along(input, tangent)
