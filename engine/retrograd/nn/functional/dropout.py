"""Dropout: values set to zero by chance, drawn as PyTorch draws them on the CPU."""

from __future__ import annotations

from retrograd.autograd.mode import no_grad
from retrograd.functional.create import empty
from retrograd.functional.like import empty_like
from retrograd.functional.surface import function
from retrograd.tensor import Tensor

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]

_ALPHA = 1.7580993408473766  # scale * alpha of selu, whose limit below is what dropped values become


def _check(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _order_in_memory(input: Tensor) -> list[int] | None:
    """The dimensions of a tensor that lies in memory with them in another order; PyTorch draws for it in that one."""
    data = input._data
    if data.flags.c_contiguous:
        return None
    order = sorted(range(data.ndim), key=lambda dim: -data.strides[dim])
    return order if data.transpose(order).flags.c_contiguous else None


def _kept(input: Tensor, p: float, feature: bool) -> Tensor:
    """1 for what stays and 0 for what is dropped; ``feature``: one draw for each (sample, channel)."""
    with no_grad():
        if not feature:
            order = _order_in_memory(input)
            if order is None:
                return empty_like(input).bernoulli_(1 - p)
            turned = empty([input.shape[dim] for dim in order], dtype=input.dtype, device=input.device)
            return turned.bernoulli_(1 - p).permute(sorted(range(input.ndim), key=order.__getitem__))
        if input.ndim < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        shape = (*input.shape[:2], *([1] * (input.ndim - 2)))
        return empty(shape, dtype=input.dtype, device=input.device).bernoulli_(1 - p)


def _drop(input: Tensor, p: float, training: bool, inplace: bool, feature: bool = False) -> Tensor:
    _check(p)
    if p == 0 or not training or not input._meta.numel:
        return input
    if p == 1:
        return input.mul_(0.0) if inplace else input * _zeros(input)
    with no_grad():
        noise = _kept(input, p, feature).div_(1 - p)
    return input.mul_(noise) if inplace else input * noise


def _zeros(input: Tensor) -> Tensor:
    return empty((), dtype=input.dtype, device=input.device).zero_()


def _alpha_drop(input: Tensor, p: float, training: bool, inplace: bool, feature: bool = False) -> Tensor:
    _check(p)
    if p == 0 or not training or not input._meta.numel:
        return input
    if p == 1:
        return input.mul_(0.0) if inplace else input * _zeros(input)
    scale = 1.0 / ((_ALPHA * _ALPHA * p + 1) * (1 - p)) ** 0.5
    with no_grad():
        kept = _kept(input, p, feature)
        shift = (kept - 1) * (_ALPHA * scale) + _ALPHA * scale * p
        noise = kept * scale
    return input.mul_(noise).add_(shift) if inplace else input * noise + shift


@function
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 by chance ``p``, else divided by ``1 - p``; input itself unless ``training``.

    Source: Srivastava et al., "Dropout", 2014.

    Raises:
        ValueError: for a chance outside [0, 1].
    """
    return _drop(input, p, training, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """``dropout`` of whole channels of (N, C, L) or (C, L)."""
    _check(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input.")
    return _by_channel(input, p, training, inplace, 2)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """``dropout`` of whole channels of (N, C, H, W)."""
    return _drop(input, p, training, inplace, feature=True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """``dropout`` of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    _check(p)
    return _by_channel(input, p, training, inplace, 4)


def _by_channel(input: Tensor, p: float, training: bool, inplace: bool, single: int) -> Tensor:
    """Feature dropout where an input of ``single`` dimensions is one sample."""
    if input.ndim != single:
        return _drop(input, p, training, inplace, feature=True)
    return _drop(input.unsqueeze(0), p, training, inplace, feature=True).squeeze(0)


@function
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance of what ``selu`` gives (Klambauer et al., 2017)."""
    return _alpha_drop(input, p, training, inplace)


@function
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """``alpha_dropout`` of whole channels."""
    return _alpha_drop(input, p, training, inplace, feature=True)
