"""Gradients against finite differences: ``gradcheck`` and ``gradgradcheck``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from retrograd.autograd.engine import grad
from retrograd.autograd.forward_ad import dual_level, make_dual, unpack_dual
from retrograd.autograd.mode import enable_grad, no_grad
from retrograd.meta import Array
from retrograd.tensor import Tensor, from_array

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Tensors = Tensor | Sequence[Tensor | object]
Function = Callable[..., object]


class GradcheckError(RuntimeError):
    """A gradient that finite differences do not confirm."""


def gradcheck(
    func: Function,
    inputs: Tensors,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of ``func`` with respect to those of ``inputs`` that require one agree with central
    differences of step ``eps``.

    Every element of every Jacobian is compared (``fast_mode``: one random combination of rows and columns of each).
    ``nondet_tol``: by how much two backward passes may differ. ``check_forward_ad`` compares ``jvp`` as well.
    Inputs should be float64. Source: ``torch.autograd.gradcheck``.

    Raises:
        GradcheckError: with both Jacobians, unless ``raise_exception`` is False (the answer is then False).
        ValueError: if no input requires a gradient.
    """
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    targets = [each for each in given if isinstance(each, Tensor) and each.requires_grad]
    if not targets:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    for place, each in enumerate(targets):
        if each.dtype.itemsize < 8:
            warnings.warn(
                f"Input #{place} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex.",
                stacklevel=2,
            )
    try:
        _check(func, given, targets, eps, atol, rtol, nondet_tol, check_backward_ad, check_forward_ad, fast_mode)
        if check_undefined_grad and check_backward_ad:
            _check_undefined(func, given, targets)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Tensors,
    grad_outputs: Tensors | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the second derivatives of ``func`` agree with differences of the first; random ``grad_outputs`` unless
    given. Source: ``torch.autograd.gradgradcheck``."""
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        outs = _outputs(func, given)
        seeds: list[Tensor] = [_random_like(each, rng).requires_grad_() for each in outs]
    else:
        seeds = [cast(Tensor, each) for each in ((grad_outputs,) if isinstance(grad_outputs, Tensor) else grad_outputs)]
    count = len(seeds)

    def first(*values: object) -> tuple[Tensor, ...]:
        arguments = values[:-count]
        wanted = [each for each in arguments if isinstance(each, Tensor) and each.requires_grad]
        with enable_grad():
            found = grad(
                _outputs(func, arguments), wanted, cast("list[Tensor | None]", list(values[-count:])),
                create_graph=True, allow_unused=True, materialize_grads=True,
            )  # fmt: skip
        return tuple(each for each in found if each is not None and each.requires_grad)

    return gradcheck(
        first, (*given, *seeds), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
        check_undefined_grad=False, check_backward_ad=check_rev_over_rev, check_forward_ad=check_fwd_over_rev,
        fast_mode=fast_mode,
    )  # fmt: skip


def _outputs(func: Function, inputs: Sequence[object]) -> list[Tensor]:
    """The differentiable tensors that ``func`` returns."""
    result = func(*inputs)
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [each for each in results if isinstance(each, Tensor) and each._meta.floating]


def _random_like(tensor: Tensor, rng: np.random.Generator) -> Tensor:
    array = rng.normal(size=tensor.shape).astype(tensor._meta.numpy_dtype)
    return from_array(tensor.device.from_host(np.asarray(array)), tensor.device)


def _host(tensor: Tensor) -> Array:
    return np.array(tensor.device.to_host(tensor._data), dtype=np.float64)


def _check(
    func: Function,
    inputs: tuple[object, ...],
    targets: list[Tensor],
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    backward: bool,
    forward: bool,
    fast: bool,
) -> None:
    outs = _outputs(func, inputs)
    if not any(each.requires_grad for each in outs) and backward:
        for place, target in enumerate(targets):
            if np.abs(_numerical(func, inputs, target, eps)[0]).max(initial=0.0) > atol:
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero, but input {place} moves an output that "
                    "does not require grad"
                )
        return
    for place, target in enumerate(targets):
        numerical = _numerical(func, inputs, target, eps)
        if backward:
            analytical = _analytical(outs, target)
            again = _analytical(outs, target)
            for one, other in zip(analytical, again, strict=True):
                if np.abs(one - other).max(initial=0.0) > nondet_tol:
                    raise GradcheckError(
                        "Backward is not reentrant, i.e., running backward with same input and grad_output multiple "
                        "times gives different values, although analytical gradient matches numerical gradient."
                    )
            _compare(analytical, numerical, place, "backward", atol, rtol, fast)
        if forward:
            _compare(_forward(func, inputs, target), numerical, place, "forward", atol, rtol, fast)


def _compare(
    analytical: Sequence[Array], numerical: Sequence[Array], place: int, how: str, atol: float, rtol: float, fast: bool
) -> None:
    for index, (one, other) in enumerate(zip(analytical, numerical, strict=True)):
        left, right = one, other
        if fast and one.size:
            rng = np.random.default_rng(0)
            u, v = rng.normal(size=one.shape[0]), rng.normal(size=one.shape[1])
            left, right = np.asarray(u @ one @ v), np.asarray(u @ other @ v)
        if not np.allclose(left, right, rtol=rtol, atol=atol, equal_nan=True):
            raise GradcheckError(
                f"Jacobian mismatch for output {index} with respect to input {place} ({how} mode),\n"
                f"numerical:{other}\nanalytical:{one}\n"
            )


def _numerical(func: Function, inputs: tuple[object, ...], target: Tensor, eps: float) -> list[Array]:
    """For each output the matrix of d output / d target, a row for each element of ``target``."""
    columns: list[list[Array]] = []
    base = target._data
    flat = base.reshape(-1)
    with no_grad():
        for place in range(target.numel()):
            ends = []
            for sign in (1.0, -1.0):
                moved = base.copy()
                moved.reshape(-1)[place] = flat[place] + sign * eps
                arguments = tuple(from_like(moved, target) if each is target else each for each in inputs)
                ends.append([_host(each).reshape(-1) for each in _outputs(func, arguments)])
            columns.append([(up - down) / (2 * eps) for up, down in zip(*ends, strict=True)])
        sizes = [each.numel() for each in _outputs(func, inputs)]
    return [
        np.stack([row[index] for row in columns]) if columns else np.zeros((0, size))
        for index, size in enumerate(sizes)
    ]


def from_like(array: Array, target: Tensor) -> Tensor:
    """A tensor of ``array`` on ``target``'s device, which also requires grad."""
    return from_array(array, target.device).requires_grad_(target.requires_grad)


def _analytical(outs: Sequence[Tensor], target: Tensor) -> list[Array]:
    """The same by backward, an element of the output at a time."""
    found = []
    for out in outs:
        matrix = np.zeros((target.numel(), out.numel()))
        for place in range(out.numel() if out.requires_grad else 0):
            seed = np.zeros(out.shape, out._meta.numpy_dtype)
            seed.reshape(-1)[place] = 1
            (got,) = grad(
                out, target, from_array(out.device.from_host(seed), out.device), retain_graph=True, allow_unused=True
            )
            if got is not None:
                if got.shape != target.shape:
                    raise GradcheckError(f"Analytical gradient has incorrect size: {got.shape}, not {target.shape}")
                matrix[:, place] = _host(got).reshape(-1)
        found.append(matrix)
    return found


def _forward(func: Function, inputs: tuple[object, ...], target: Tensor) -> list[Array]:
    """The same by forward mode, an element of the input at a time."""
    rows: list[list[Array]] = []
    for place in range(target.numel()):
        tangent = np.zeros(target.shape, target._meta.numpy_dtype)
        tangent.reshape(-1)[place] = 1
        with dual_level():
            dual = make_dual(target, from_array(target.device.from_host(tangent), target.device))
            outs = _outputs(func, tuple(dual if each is target else each for each in inputs))
            pairs = [unpack_dual(each) for each in outs]
            rows.append(
                [
                    np.zeros(pair.primal.numel()) if pair.tangent is None else _host(pair.tangent.detach()).reshape(-1)
                    for pair in pairs
                ]
            )
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _check_undefined(func: Function, inputs: tuple[object, ...], targets: list[Tensor]) -> None:
    """Gradients that do not arrive count as zeros: an output left out must not break the others."""
    outs = [each for each in _outputs(func, inputs) if each.requires_grad]
    if len(outs) < 2:
        return
    for left_out in range(len(outs)):
        rest = [each for place, each in enumerate(outs) if place != left_out]
        seeds = [_random_like(each, np.random.default_rng(1)) for each in rest]
        try:
            grad(rest, targets, seeds, retain_graph=True, allow_unused=True)
        except (RuntimeError, TypeError, AttributeError) as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. Please look at the notes about handling "
                f"undefined output gradients: {error}"
            ) from error
