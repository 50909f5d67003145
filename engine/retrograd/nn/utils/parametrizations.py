"""Ready parametrizations: weight and spectral normalisation, and orthogonal matrices."""

from __future__ import annotations

from typing import TypeVar

from retrograd.autograd.mode import no_grad
from retrograd.dtypes import finfo
from retrograd.functional.factorise import geqrf, householder_product
from retrograd.functional.join import cat
from retrograd.functional.like import zeros_like
from retrograd.functional.random import randn
from retrograd.functional.sequences import eye
from retrograd.functional.solve import solve
from retrograd.functional.views import adjoint
from retrograd.nn import functional as F
from retrograd.nn.modules._state import StateDict
from retrograd.nn.modules.module import Module
from retrograd.nn.utils._norms import as_matrix, iterate, largest, norm_except, outputs_dim, random_direction
from retrograd.nn.utils.parametrize import register_parametrization
from retrograd.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    """A weight of its length and its direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight."""
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Its length and direction."""
        return norm_except(weight, self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learn the parameter ``name`` as its length, one for each place along ``dim`` (None: one in all), and its
    direction. State dicts of the older ``nn.utils.weight_norm`` can be loaded.

    Source: Salimans and Kingma, "Weight normalization", 2016.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(owner: Module, state_dict: StateDict, prefix: str, *_: object) -> None:
        old = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state_dict for key in old):
            for place, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{place}"] = state_dict.pop(key)

    module.register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """A weight over its largest singular value; the power method follows its singular vectors in training."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        rank = weight.ndim
        if not -rank <= dim < rank:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{rank}, {rank - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps = dim % rank, eps
        if rank > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            u, v = random_direction(matrix, 0, eps), random_direction(matrix, 1, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            iterate(matrix, u, v, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight, divided."""
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            iterate(matrix, self._u, self._v, self.n_power_iterations, self.eps)
        return weight / largest(matrix, self._u, self._v)

    def right_inverse(self, value: Tensor) -> Tensor:
        """``value`` itself."""
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide the parameter ``name`` by its largest singular value.

    Args:
        n_power_iterations: steps of the power method each time it is read in training.
        eps: lengths are at least that.
        dim: the dimension of the outputs (default: 0, of transposed convolutions 1).

    Raises:
        ValueError: when there is no such tensor, or for a number of steps that is not positive.

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.
    """
    weight: object = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    made = _SpectralNorm(weight, n_power_iterations, outputs_dim(module) if dim is None else dim, eps)
    return register_parametrization(module, name, made)


class _Orthogonal(Module):
    """An orthogonal matrix, by one of three maps from all matrices; see ``orthogonal``."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        """The orthogonal matrix of the shape of ``X`` (*, n, k)."""
        wide = X.shape[-2] < X.shape[-1]
        tall = X.transpose(-2, -1) if wide else X
        q = self._householder(tall) if self.orthogonal_map == "householder" else self._rotation(tall)
        if self.use_trivialization and self.base is not None:
            q = self.base @ q
        return q.transpose(-2, -1) if wide else q

    def _rotation(self, tall: Tensor) -> Tensor:
        """By a skew-symmetric matrix made of what lies on and below the diagonal."""
        rows, columns = tall.shape[-2:]
        lower = tall.tril()
        if rows != columns:
            lower = cat([lower, lower.new_zeros((*lower.shape[:-1], rows - columns))], -1)
        skew = lower - adjoint(lower)
        if self.orthogonal_map == "matrix_exp":
            q: Tensor = skew.matrix_exp()
        else:  # Cayley's map
            one = eye(rows, dtype=skew.dtype, device=skew.device)
            q = solve(one - skew * 0.5, one + skew * 0.5)
        return q[..., :columns]

    def _householder(self, tall: Tensor) -> Tensor:
        """By reflections along what lies below the diagonal, signs on it."""
        below = tall.tril(-1)
        signs = tall.detach().diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        return householder_product(below, 2.0 / (1.0 + (below * below).sum(-2))) * signs

    def right_inverse(self, Q: Tensor) -> Tensor:
        """What to learn from so that (nearly) the matrix ``Q`` is computed.

        Raises:
            ValueError: for another shape.
            NotImplementedError: for a map that has no inverse, without ``use_trivialization``.
        """
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        with no_grad():
            wide = Q.shape[-2] < Q.shape[-1]
            tall = Q.transpose(-2, -1) if wide else Q
            if self.use_trivialization:
                self.base = _completed(tall)
                start = zeros_like(Q)
                start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)  # the identity, by reflections
                return start
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            found, factors = geqrf(tall)
            signs = found.diagonal(dim1=-2, dim2=-1)
            signs.copy_(signs.sign() * (1 - 2 * (factors == 0).to(found.dtype)))
            return found.transpose(-2, -1) if wide else found


def _completed(tall: Tensor) -> Tensor:
    """An orthogonal square matrix that begins with (nearly) the columns of ``tall``."""
    rows, columns = tall.shape[-2:]
    if rows != columns:
        more = randn(*tall.shape[:-2], rows, rows - columns, dtype=tall.dtype, device=tall.device)
        tall = cat([tall, more], -1)
    else:
        one = eye(columns, dtype=tall.dtype, device=tall.device)
        if bool(((adjoint(tall) @ tall) - one).abs().max() <= 10.0 * rows * finfo(tall.dtype).eps + 1e-5):
            return tall.clone()
    found, factors = geqrf(tall)
    return householder_product(found, factors) * found.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Keep the matrix (or batch of matrices) ``name`` orthogonal while it is learned.

    Args:
        orthogonal_map: ``matrix_exp``, ``cayley`` or ``householder`` (default: the first for square and complex
            matrices, else the last).
        use_trivialization: whether to start from the matrix that is there, as a factor that stays.

    Raises:
        ValueError: when there is no such tensor, it is no matrix, or the map is unknown.

    Source: Lezcano-Casado, "Trivializations for gradient-based optimization on manifolds", 2019.
    """
    weight: object = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
