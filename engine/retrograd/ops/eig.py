"""Eigenvalues and eigenvectors of general matrices; complex, also where the matrix is real."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.diagonal import diagonal_of, matrix_of
from retrograd.ops.matrices import adjoint, conj, real
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import none
from retrograd.ops.solve import solve_ex
from retrograd.ops.spectral import check_phases, gaps, row
from retrograd.tensor import Tensor


def _as_complex(xp: Namespace, value: Array) -> Array:
    """NumPy gives real arrays where no eigenvalue is complex."""
    return value if value.dtype.kind == "c" else xp.multiply(value, xp.ones((), value.dtype.char.upper()))


@primitive(samples=none, torch="-", name="linalg_eig", outputs=("eigenvalues", "eigenvectors"), public=False)
def eig(xp: Namespace, input: Array) -> tuple[Array, Array]:
    """The eigenvalues, in no order, and eigenvectors of length 1 as columns."""
    values, vectors = xp.linalg.eig(input)
    return _as_complex(xp, values), _as_complex(xp, vectors)


@eig.vjp("input")
def _(g: Sequence[Tensor | None], eigenvalues: Tensor, eigenvectors: Tensor, input_meta: Meta) -> Tensor:
    """C. Boeddeker et al., "On the computation of complex-valued gradients with application to statistically optimum
    beamforming" (2017), §4.2, for vectors that are kept at length 1."""
    to_values, to_vectors = g
    vectors = conj(eigenvectors)
    turned = adjoint(vectors)
    inner = None if to_values is None else matrix_of(to_values)
    if to_vectors is not None:
        seen = turned @ to_vectors
        diagonal = diagonal_of(seen)
        check_phases("linalg.eig", diagonal)
        moved = (seen - turned @ (vectors * row(real(diagonal)))) / gaps(eigenvalues)
        inner = moved if inner is None else inner + moved
    assert inner is not None
    made = solve_ex(turned, inner @ turned)[0]
    return made if input_meta.dtype.is_complex else real(made)


@eig.jvp("input")
def _(tangent: Tensor, eigenvalues: Tensor, eigenvectors: Tensor) -> tuple[Tensor, Tensor]:
    seen = solve_ex(eigenvectors, tangent @ eigenvectors)[0]
    diagonal = diagonal_of(seen)
    moved = eigenvectors @ ((seen - matrix_of(diagonal)) / gaps(eigenvalues))
    return diagonal, moved - eigenvectors * row(real(diagonal_of(adjoint(eigenvectors) @ moved)))


@primitive(samples=none, torch="-", name="linalg_eigvals", public=False)
def eigvals(xp: Namespace, input: Array) -> Array:
    """The eigenvalues alone, where no gradient is wanted."""
    return _as_complex(xp, xp.linalg.eigvals(input))
