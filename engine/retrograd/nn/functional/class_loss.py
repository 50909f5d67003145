"""Losses of classes, and of sequences of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from retrograd.functional.create import tensor
from retrograd.functional.join import cat, stack
from retrograd.nn.functional._reduction import chosen, known, reduced
from retrograd.nn.functional.activation import log_softmax
from retrograd.nn.functional.basic import linear
from retrograd.ops.flat import flat_gather
from retrograd.ops.loss import nll_loss as _nll
from retrograd.ops.select import where
from retrograd.tensor import Tensor

__all__ = ["cross_entropy", "ctc_loss", "linear_cross_entropy", "nll_loss"]


def _check_classes(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> None:
    if input.ndim < 1:
        raise RuntimeError("nll_loss: input tensor should be at least 1D")
    if input.ndim > 1 and input.shape[0] != target.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if tuple(target.shape) != (tuple(input.shape[:1]) if input.ndim > 1 else ()) + tuple(input.shape[2:]):
        raise RuntimeError(f"Expected target size {[input.shape[0], *input.shape[2:]]}, got {list(target.shape)}")
    if target.dtype.is_floating_point or target.dtype.name == "bool":
        raise RuntimeError(f"expected scalar type Long but found {target.dtype}")
    classes = input.shape[1] if input.ndim > 1 else input.shape[0]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    if weight is not None and weight.dtype != input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype} of weight as of input, but found {weight.dtype}")
    array = target._data
    wrong = array[((array < 0) | (array >= classes)) & (array != ignore_index)]
    if wrong.size:
        raise IndexError(f"Target {int(wrong.reshape(-1)[0])} is out of bounds.")


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Less the log probability of the right class.

    Args:
        input: log probabilities (N, C, ...) or (C).
        target: classes (N, ...) or a single one.
        weight: (C), what a class counts.
        ignore_index: a target that does not count.
        reduction: ``mean`` (by the sum of the weights), ``sum`` or ``none``.

    Raises:
        ValueError, RuntimeError: when the shapes don't fit.
        IndexError: for a class that there is not.
    """
    reduction = chosen(size_average, reduce, reduction)
    _check_classes(input, target, weight, ignore_index)
    if input.ndim == 1:
        out = _nll.call(input.unsqueeze(0), target.reshape(1), weight, reduction=reduction, ignore_index=ignore_index)
        return out.reshape(()) if reduction == "none" else out
    return _nll.call(input, target, weight, reduction=reduction, ignore_index=ignore_index)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """``nll_loss`` of ``log_softmax(input)``.

    Args:
        input: scores (N, C, ...) or (C).
        target: classes, as for ``nll_loss``, or probabilities of input's shape.
        weight, ignore_index, reduction: as for ``nll_loss``.
        label_smoothing: how much of each target is spread evenly over all classes (Szegedy et al., 2015).
    """
    reduction = chosen(size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    axis = 0 if input.ndim == 1 else 1
    scores = log_softmax(input, axis)
    if target.dtype.is_floating_point and target.shape == input.shape:
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return _soft(scores, target, weight, axis, reduction, label_smoothing)
    loss = nll_loss(scores, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    classes = scores.shape[axis]
    spread = -(scores if weight is None else scores * _along(weight, scores, axis)).sum(axis)
    spread = spread.masked_fill(target == ignore_index, 0.0)
    if reduction == "mean":
        _, counts = _counts(target, weight, ignore_index, scores)
        spread = spread.sum() / counts.sum()
    else:
        spread = reduced(spread, reduction)
    return (1 - label_smoothing) * loss + spread * (label_smoothing / classes)


def _along(weight: Tensor, like: Tensor, axis: int) -> Tensor:
    return weight.reshape(-1, *[1] * (like.ndim - axis - 1))


def _counts(target: Tensor, weight: Tensor | None, ignore_index: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Which targets count, and how much each."""
    some = target != ignore_index
    if weight is None:
        return some, some.to(like.dtype)
    return some, where.call(some, weight[where.call(some, target, 0)], 0.0)


def _soft(scores: Tensor, target: Tensor, weight: Tensor | None, axis: int, reduction: str, smoothing: float) -> Tensor:
    classes = scores.shape[axis]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    each = scores * target
    if weight is not None:
        each = each * _along(weight, scores, axis)
    if reduction == "mean":
        return -each.sum() / (scores._meta.numel / classes) if scores._meta.numel else -each.sum() / 0.0
    return -each.sum(axis) if reduction == "none" else -each.sum()


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: object = None,
) -> Tensor:
    """``cross_entropy`` of ``linear(input, linear_weight, linear_bias)``.

    Args:
        input: (N, in) or (in).
        linear_weight: (C, in), or (C, ..., in) for a loss of several dimensions.
        linear_bias: of linear_weight's shape without its last length.
        target, weight, reduction, ignore_index, label_smoothing: as for ``cross_entropy``.
        options: how PyTorch cuts the work into pieces; the result does not depend on it.

    Raises:
        RuntimeError: when the shapes don't fit.
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    if input.shape[-1] != linear_weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {linear_weight.shape[-1]}, respectively"
        )
    outs = tuple(linear_weight.shape[:-1])
    if len(outs) > 1 and input.ndim == 1:
        raise RuntimeError(f"a loss of several dimensions needs batched input (N, in), got unbatched {input.shape}")
    if linear_bias is not None and tuple(linear_bias.shape) != outs:
        raise RuntimeError(f"expected linear_bias shape {outs}, got {tuple(linear_bias.shape)}")
    if target.dtype.is_floating_point and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    flat = linear_weight.reshape(math.prod(outs), linear_weight.shape[-1])
    scores = linear(input, flat, None if linear_bias is None else linear_bias.reshape(-1))
    scores = scores.reshape(*input.shape[:-1], *outs)
    return cross_entropy(
        scores, target, weight, ignore_index=-100 if ignore_index is None else ignore_index, reduction=reduction,
        label_smoothing=label_smoothing,
    )  # fmt: skip


_NEVER = -1e30
"""The log probability of the impossible: finite, so that differences and gradients of it are numbers."""


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Less the log probability of label sequences, over all ways to align them with the inputs.

    Args:
        log_probs: (T, N, C) or (T, C), logarithms of probabilities over the classes.
        targets: (N, S), or all one after the other; without blanks.
        input_lengths, target_lengths: (N) of each.
        blank: the class that stands for no label.
        reduction: ``mean`` divides each by its target's length first.
        zero_infinity: 0 for targets that can't be aligned, in place of infinity.

    Source: Graves et al., "Connectionist temporal classification", 2006. As in PyTorch the gradient is right where
    ``log_probs`` are normalised, as ``log_softmax`` gives them.
    """
    known(reduction)
    single = log_probs.ndim == 2
    probs = log_probs.unsqueeze(1) if single else log_probs
    times, batch, classes = probs.shape
    spans, sizes = (_host_lengths(each, batch) for each in (input_lengths, target_lengths))
    if int(spans.max(initial=0)) > times:
        raise RuntimeError(f"Expected input_lengths to have value at most {times}, but got value {spans.max()}")
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    labels = _extended(targets, sizes, batch, blank)
    each = _alignments(probs, labels, spans, sizes)
    impossible = each > -_NEVER / 2
    each = where.call(impossible, 0.0 if zero_infinity else math.inf, each)
    if reduction == "mean":
        return (each / tensor(np.maximum(sizes, 1), dtype=each.dtype, device=each.device)).mean()
    if reduction == "sum":
        return each.sum()
    return each.squeeze(0) if single else each


def _host_lengths(value: Tensor | Sequence[int], batch: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    host = value.device.to_host(value._data) if isinstance(value, Tensor) else value
    found = np.asarray(host, np.int64).reshape(-1)
    if len(found) != batch:
        raise RuntimeError(f"input_lengths and target_lengths must be of size batch_size ({batch}), got {len(found)}")
    return found


def _extended(
    targets: Tensor, sizes: np.ndarray[tuple[int, ...], np.dtype[np.int64]], batch: int, blank: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The targets with blanks around every label: (N, 2 S + 1)."""
    host = targets.device.to_host(targets._data).astype(np.int64)
    width = int(sizes.max(initial=0))
    places = np.arange(width)
    if host.ndim == 1:
        starts = np.cumsum(sizes) - sizes
        padded = (
            host[np.minimum(starts[:, None] + places, max(len(host) - 1, 0))] if len(host) else np.zeros((batch, 0))
        )
    else:
        padded = host[:, :width]
    labels = np.full((batch, 2 * width + 1), blank, np.int64)
    labels[:, 1::2] = np.where(places < sizes[:, None], padded, blank)
    return labels


def _alignments(
    probs: Tensor,
    labels: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    spans: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    sizes: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
) -> Tensor:
    """Less the log probability of each target: the forward recursion over time, all samples and states at once."""
    batch, states = labels.shape
    device, kind = probs.device, probs.dtype
    index = tensor(labels, device=device)
    may_skip = np.zeros(labels.shape, bool)
    may_skip[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    skips = tensor(np.where(may_skip, 0.0, _NEVER), dtype=kind, device=device)
    never = tensor(np.full((batch, 2), _NEVER), dtype=kind, device=device)
    start = tensor(np.where(np.arange(states) < 2, 0.0, _NEVER) + np.zeros((batch, 1)), dtype=kind, device=device)
    alpha = start + flat_gather.call(probs[0], index) if len(probs) else start
    live = [tensor((spans > time)[:, None], device=device) for time in range(len(probs))]
    for time in range(1, len(probs)):
        one = cat([never[:, :1], alpha[:, :-1]], 1)
        two = cat([never, alpha[:, :-2]], 1)[:, :states] + skips
        moved = _log_sum(stack([alpha, one, two])) + flat_gather.call(probs[time], index)
        alpha = where.call(live[time], moved.clamp(min=_NEVER), alpha)
    ends = flat_gather.call(alpha, tensor(np.stack([2 * sizes, np.maximum(2 * sizes - 1, 0)], 1), device=device))
    second = tensor(np.where(sizes > 0, 0.0, _NEVER), dtype=kind, device=device)
    total = _log_sum(stack([ends[:, 0], ends[:, 1] + second]))
    norms = _norms(probs, live)
    return norms - norms.detach() - total


def _norms(probs: Tensor, live: list[Tensor]) -> Tensor:
    """The log sums over the classes, added up over time: 0 for normalised ones, but not its gradient."""
    peak = probs.detach().amax(2, keepdim=True)
    sums = ((probs - peak).exp().sum(2, keepdim=True).log() + peak).squeeze(2)
    return where.call(stack(live).squeeze(2), sums, 0.0).sum(0)


def _log_sum(values: Tensor) -> Tensor:
    """The logarithm of the sum of exponentials along the first dimension, of finite numbers."""
    peak = values.detach().amax(0)
    return (values - peak).exp().sum(0).log() + peak
