"""Starting values, drawn in place as ``torch.nn.init`` draws them.

None of these is recorded by autograd; each returns the tensor that it filled.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, ParamSpec

from retrograd.autograd.mode import no_grad
from retrograd.dtypes import bool_
from retrograd.functional.factorise import qr
from retrograd.functional.like import empty_like
from retrograd.functional.math import choose
from retrograd.functional.random import randperm
from retrograd.missing import missing
from retrograd.random import Generator
from retrograd.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

_GAINS = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
_PLAIN = {"linear", "sigmoid", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which starting values grow so that ``nonlinearity`` keeps the variance.

    Args:
        nonlinearity: ``linear``, ``sigmoid``, ``tanh``, ``relu``, ``leaky_relu``, ``selu`` or a convolution's name.
        param: the negative slope of ``leaky_relu`` (default 0.01).

    Raises:
        ValueError: for a nonlinearity it does not know or a slope that is no number.
    """
    if nonlinearity in _PLAIN:
        return 1.0
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with draws from the uniform distribution over [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with draws from the normal distribution."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill uniformly in ±gain·sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    fan_in, fan_out = _fans(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / (fan_in + fan_out)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill normally with deviation gain·sqrt(2 / (fan_in + fan_out)); source as ``xavier_uniform_``."""
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill uniformly in ±gain·sqrt(3 / fan).

    Args:
        tensor: at least two dimensions: (out, in, ...).
        a: the negative slope of ``leaky_relu`` after the layer.
        mode: ``fan_in`` keeps the variance in forward, ``fan_out`` in backward.
        nonlinearity: what follows the layer (see ``calculate_gain``).
        generator: what to draw from (default: the default generator).

    Source: He et al., "Delving deep into rectifiers", 2015.
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill normally with deviation gain / sqrt(fan); arguments and source as ``kaiming_uniform_``."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws from the normal distribution, each drawn anew until it lies between ``a`` and ``b``.

    Where little of the distribution lies between them, uniform draws are kept with a chance that goes by its density
    instead, as PyTorch does.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    inside = (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))) / 2
    with no_grad():
        if inside > 0.3:
            return tensor.copy_(_normal_between(tensor, mean, std, a, b, generator))
        return tensor.copy_(_uniform_kept(tensor, mean, std, a, b, generator))


def _normal_between(like: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None) -> Tensor:
    low, high = (float(like.new_tensor(bound)) for bound in (a, b))
    found: Tensor = empty_like(like).normal_(mean, std, generator=generator)
    while bool((outside := (found < low) | (found > high)).any()):
        found = choose(outside, empty_like(like).normal_(mean, std, generator=generator), found)
    return found


def _uniform_kept(like: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None) -> Tensor:
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    found: Tensor = empty_like(like)
    pending: Tensor = empty_like(like, dtype=bool_).fill_(True)
    while bool(pending.any()):
        drawn = empty_like(like).uniform_(a, b, generator=generator)
        found = choose(pending, drawn, found)
        log_chance = ((drawn - mean) / std) ** 2 * -0.5 - peak
        pending = pending & (empty_like(like).uniform_(generator=generator).log() > log_chance)
    return found


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity.

    Raises:
        ValueError: unless it has two dimensions.
    """
    _need_matrix(tensor)
    with no_grad():
        tensor.zero_().diagonal().fill_(1)
        return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that as many channels as possible pass unchanged, in each of ``groups``.

    Raises:
        ValueError: unless it has 3, 4 or 5 dimensions and ``groups`` divides the first.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    size = tensor.shape[0] // groups
    centre = (slice(None), slice(None), *(length // 2 for length in tensor.shape[2:]))
    with no_grad():
        tensor.zero_()
        for start in range(0, tensor.shape[0], size or 1):
            tensor[start : start + size][centre].diagonal().fill_(1)
    return tensor


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a random (semi-)orthogonal matrix times ``gain``; dimensions behind the first count as one.

    Raises:
        ValueError: for fewer than two dimensions.

    Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    with no_grad():
        flat = tensor.new_empty((rows, tensor.numel() // rows)).normal_(0, 1, generator=generator)
        wide = flat.shape[0] < flat.shape[1]
        q, r = qr(flat.t() if wide else flat)
        q = q * r.diagonal().sign()  # so that it is uniform over all orthogonal matrices
        return tensor.copy_((q.t() if wide else q).reshape(tensor.shape)).mul_(gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix normally, then a share ``sparsity`` of each column, chosen at random, with 0.

    Raises:
        ValueError: unless it has two dimensions.

    Source: Martens, "Deep learning via Hessian-free optimization", 2010.
    """
    _need_matrix(tensor)
    rows, columns = tensor.shape
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows)[: math.ceil(sparsity * rows)], column] = 0
    return tensor


def _need_matrix(tensor: Tensor) -> None:
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _fans(tensor)[0 if mode == "fan_in" else 1]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output element sees, and how many outputs an input element reaches."""
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


P = ParamSpec("P")


def _older(current: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """The same under the name without the underscore, which PyTorch keeps for old scripts."""
    name = current.__name__.rstrip("_")

    @functools.wraps(current)
    def older(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        warnings.warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{current.__name__}`.", FutureWarning, stacklevel=2
        )
        return current(*args, **kwargs)

    older.__name__ = name
    return older


constant, uniform, normal = _older(constant_), _older(uniform_), _older(normal_)
eye, dirac, orthogonal, sparse = _older(eye_), _older(dirac_), _older(orthogonal_), _older(sparse_)
kaiming_normal, kaiming_uniform = _older(kaiming_normal_), _older(kaiming_uniform_)
xavier_normal, xavier_uniform = _older(xavier_normal_), _older(xavier_uniform_)


if not TYPE_CHECKING:  # a checker knows the names there are

    def __getattr__(name: str) -> NoReturn:
        raise missing(__name__, name, __all__)
