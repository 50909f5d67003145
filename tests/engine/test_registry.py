"""What every primitive must do, from its own samples: no test here knows any of them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import engine.strict_device  # noqa: F401  it makes itself known
import retrograd
from retrograd import autograd
from retrograd.ops.primitive import Op, registry
from retrograd.ops.samples import Sample

CASES = [
    pytest.param(op, place, id=f"{key}-{place}")
    for key, op in sorted(registry.items())
    for place, _ in enumerate(op.samples(np.random.default_rng(0)))
]
DIFFERENTIABLE = [case for case in CASES if case.values[0].differentiable]  # type: ignore[union-attr]


def sample_of(op: Op, place: int) -> Sample:
    return next(itertools.islice(op.samples(np.random.default_rng(0)), place, None))


def is_real(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def is_inexact(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype in (np.float64, np.complex128)


def direction_like(tensor: Any, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Random numbers of the tensor's shape, complex where it is."""
    drawn = rng.normal(size=tensor.shape)
    return drawn + 1j * rng.normal(size=tensor.shape) if tensor.dtype.is_complex else drawn


def inner(one: Any, other: Any) -> float:
    """How much two of them have in common: the real inner product."""
    return float((np.conj(one) * other).real.sum())


def call(op: Op, values: Any, params: Any) -> tuple[Any, ...]:
    found = op.call(*values, **params)
    return found if isinstance(found, tuple) else (found,)


def tensors(op: Op, sample: Sample, *, grad: bool, dtype: Any = None, device: str = "cpu") -> list[Any]:
    """The sample's inputs as tensors; those with a rule require grad."""
    made: list[Any] = []
    for place, value in enumerate(sample.inputs):
        if not isinstance(value, np.ndarray):
            made.append(value)
            continue
        name = op.inputs[min(place, len(op.inputs) - 1)]
        each = retrograd.tensor(value, dtype=dtype if is_real(value) else None, device=device)
        made.append(each.requires_grad_() if grad and is_inexact(value) and name in op.rules else each)
    return made


def direction(sample: Sample, target: Any, rng: np.random.Generator) -> Any:
    """A change of an input that leaves it the kind of thing it is."""
    found = direction_like(target, rng)
    return found if sample.changes is None else sample.changes(found)


def floating(outs: Any) -> list[Any]:
    return [each for each in outs if each.is_floating_point() or each.is_complex()]


def cotangents(outs: Any, rng: np.random.Generator) -> list[Any]:
    return [retrograd.tensor(direction_like(each, rng), dtype=each.dtype, device=each.device) for each in outs]


@pytest.mark.parametrize(("op", "place"), DIFFERENTIABLE)
def test_rules_agree_with_finite_differences(op: Op, place: int) -> None:
    sample = sample_of(op, place)
    rng = np.random.default_rng(1)
    values = tensors(op, sample, grad=True)
    wanted = [each for each in values if isinstance(each, retrograd.Tensor) and each.requires_grad]
    if not wanted:
        return
    outs = floating(call(op, values, sample.params))
    seeds = cotangents(outs, rng)
    grads = autograd.grad(outs, wanted, seeds, allow_unused=True, materialize_grads=True)
    for target, grad in zip(wanted, grads, strict=True):
        way = direction(sample, target, rng)
        moved = []
        for sign in (1, -1):
            shifted = [
                retrograd.tensor(each.detach().numpy() + sign * 1e-6 * way) if each is target
                else each.detach() if isinstance(each, retrograd.Tensor) else each
                for each in values
            ]  # fmt: skip
            found = floating(call(op, shifted, sample.params))
            moved.append(sum(inner(seed.numpy(), each.numpy()) for each, seed in zip(found, seeds, strict=True)))
        slope = (moved[0] - moved[1]) / 2e-6
        assert inner(grad.numpy(), way) == pytest.approx(slope, rel=2e-5, abs=2e-7)
        assert grad.shape == target.shape
        assert grad.dtype is target.dtype


@pytest.mark.parametrize(("op", "place"), DIFFERENTIABLE)
def test_jvp_is_the_transpose_of_vjp(op: Op, place: int) -> None:
    sample = sample_of(op, place)
    rng = np.random.default_rng(2)
    values = tensors(op, sample, grad=True)
    outs = call(op, values, sample.params)
    real = floating(outs)
    seeds = cotangents(real, rng)
    plain = [each.detach() if isinstance(each, retrograd.Tensor) else each for each in values]
    last = len(op.inputs) - 1
    for place_of, target in enumerate(values):
        if not isinstance(target, retrograd.Tensor) or not target.requires_grad:
            continue
        tangent = retrograd.tensor(direction(sample, target, rng))
        name = op.inputs[min(place_of, last)]
        if op.linear:
            moved = [
                tangent if spot == place_of else each * 0 if isinstance(each, retrograd.Tensor) and is_float(each)
                else 0.0 if isinstance(each, (int, float)) else each
                for spot, each in enumerate(plain)
            ]  # fmt: skip
            change = op.call(*moved, **sample.params)
        else:
            assert name in op.jvps, f"{op.key} has no jvp for {name}"
            rule = op.jvps[name]
            known: dict[str, Any] = {}
            for spot, each in enumerate(op.inputs):
                group = tuple(plain[spot:]) if op.variadic and spot == last else plain[spot]
                known[each] = group
                known[f"{each}_meta"] = group._meta if isinstance(group, retrograd.Tensor) else None
            known.update(zip(op.outputs, (each.detach() for each in outs), strict=True))
            params = {**op.defaults, **sample.params}
            change = rule.function(
                tangent, *(known[each] for each in rule.wants), **{each: params[each] for each in rule.parameters}
            )
        changes = [each for each in (change if isinstance(change, tuple) else (change,)) if each is not None]
        (grad,) = autograd.grad(real, target, seeds, retain_graph=True)
        assert grad is not None
        pairs = zip(changes, seeds, strict=True)
        left = sum(inner(seed.numpy(), each.expand(seed.shape).numpy()) for each, seed in pairs)
        assert left == pytest.approx(inner(grad.numpy(), tangent.numpy()), rel=1e-9, abs=1e-12)


def is_float(value: Any) -> bool:
    return bool(value.is_floating_point() or value.is_complex())


@pytest.mark.parametrize(("op", "place"), DIFFERENTIABLE)
def test_gradients_have_gradients(op: Op, place: int) -> None:
    sample = sample_of(op, place)
    rng = np.random.default_rng(3)
    values = tensors(op, sample, grad=True)
    wanted = [each for each in values if isinstance(each, retrograd.Tensor) and each.requires_grad]
    if not wanted or any(each.numel() == 0 for each in wanted):
        return

    def gradient(inputs: list[Any], *, record: bool) -> tuple[Any, Any]:
        outs = floating(call(op, inputs, sample.params))
        targets = [each for each in inputs if isinstance(each, retrograd.Tensor) and each.requires_grad]
        seeds = cotangents(outs, np.random.default_rng(4))
        return targets, autograd.grad(outs, targets, seeds, create_graph=record, allow_unused=True)

    targets, recorded = gradient(values, record=True)
    _, raw = gradient(values, record=False)
    for one, other in zip(recorded, raw, strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other.numpy(), rtol=1e-12, atol=1e-12)
    if not any(each.requires_grad for each in recorded):
        return
    weights = [retrograd.tensor(direction_like(each, rng)) for each in recorded]
    products = [each * weight.conj() for each, weight in zip(recorded, weights, strict=True) if each.requires_grad]
    total = sum((each.real if each.is_complex() else each).sum() for each in products)
    second = autograd.grad(total, targets, allow_unused=True, materialize_grads=True)
    for target, grad in zip(targets, second, strict=True):
        way = direction(sample, target, rng)
        moved = []
        for sign in (1, -1):
            shifted = [
                retrograd.tensor(each.detach().numpy() + sign * 1e-5 * way, requires_grad=True)
                if each is target else each
                for each in values
            ]  # fmt: skip
            _, grads = gradient(shifted, record=False)
            pairs = zip(grads, weights, recorded, strict=True)
            moved.append(sum(inner(w.numpy(), g.numpy()) for g, w, r in pairs if r.requires_grad))
        slope = (moved[0] - moved[1]) / 2e-5
        assert inner(grad.numpy(), way) == pytest.approx(slope, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("op", "place"), CASES)
def test_inputs_are_not_written(op: Op, place: int) -> None:
    sample = sample_of(op, place)
    values = tensors(op, sample, grad=True)
    before = [each.detach().numpy().copy() if isinstance(each, retrograd.Tensor) else each for each in values]
    outs = floating(call(op, values, sample.params))
    wanted = [each for each in values if isinstance(each, retrograd.Tensor) and each.requires_grad]
    if outs and wanted and op.differentiable:
        seeds = cotangents(outs, np.random.default_rng(5))
        kept = [each.numpy().copy() for each in seeds]
        autograd.backward(outs, seeds)
        for seed, copy in zip(seeds, kept, strict=True):
            np.testing.assert_array_equal(seed.numpy(), copy)
        for each in wanted:
            each.grad.add_(1)
    for each, copy in zip(values, before, strict=True):
        if isinstance(each, retrograd.Tensor):
            np.testing.assert_array_equal(each.detach().numpy(), copy)
            assert each._version == 0


@pytest.mark.parametrize(("op", "place"), DIFFERENTIABLE)
def test_only_what_running_rules_name_is_saved(op: Op, place: int) -> None:
    sample = sample_of(op, place)
    if op.variadic:
        return
    for wanted in op.rules:
        spot = op.inputs.index(wanted)
        values = tensors(op, sample, grad=False)
        if not isinstance(values[spot], retrograd.Tensor):
            continue
        values[spot].requires_grad_()
        node = floating(call(op, values, sample.params))[0].grad_fn
        for name, saved in zip(op.saved, node.saved or (), strict=False):
            if name not in op.rules[wanted].wants:
                assert saved is None, f"{name} was saved, and no rule that runs names it"


@pytest.mark.parametrize("dtype", [retrograd.float32, retrograd.float64], ids=str)
@pytest.mark.parametrize(("op", "place"), CASES)
def test_second_device_agrees(op: Op, place: int, dtype: Any) -> None:
    sample = sample_of(op, place)
    answers = []
    for device in ("cpu", "strict"):
        values = tensors(op, sample, grad=True, dtype=dtype, device=device)
        outs = call(op, values, sample.params)
        assert all(str(each.device).startswith(device) for each in outs)
        seeds = cotangents(floating(outs), np.random.default_rng(6))
        wanted = [each for each in values if isinstance(each, retrograd.Tensor) and each.requires_grad]
        grads = []
        if wanted and op.differentiable and floating(outs):
            grads = list(autograd.grad(floating(outs), wanted, seeds, allow_unused=True, materialize_grads=True))
            assert all(str(each.device).startswith(device) for each in grads)
        answers.append([each.detach().cpu().numpy() for each in (*outs, *grads)])
    for one, other in zip(*answers, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("op", "place"), [case for case in CASES if case.values[0].decomposition is not None])
def test_fused_ops_equal_their_decomposition(op: Op, place: int) -> None:
    sample = sample_of(op, place)
    results = []
    for function in (op.call, op.decomposition):
        values = tensors(op, sample, grad=True)
        assert callable(function)
        found = function(*values, **sample.params)
        outs = list(found) if isinstance(found, tuple) else [found]
        seeds = cotangents(outs, np.random.default_rng(7))
        wanted = [each for each in values if isinstance(each, retrograd.Tensor) and each.requires_grad]
        roots = [place for place, each in enumerate(outs) if each.requires_grad]
        grads = autograd.grad(
            [outs[each] for each in roots], wanted, [seeds[each] for each in roots], allow_unused=True,
            materialize_grads=True,
        )  # fmt: skip
        results.append([*(each.detach() for each in outs), *grads])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize(("op", "place"), [case for case in CASES if case.values[0].torch])
def test_pytorch_agrees(op: Op, place: int, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    sample = sample_of(op, place)
    function: Any = torch
    for part in op.torch.split("."):
        function = getattr(function, part)
    public: Any = retrograd
    for part in op.torch.split("."):
        public = getattr(public, part)
    params = sample.params if sample.torch is None else sample.torch
    ours, theirs = [], []
    for value in sample.inputs:
        if is_real(value):
            cast = value.astype(dtype)
            ours.append(retrograd.tensor(cast))
            theirs.append(torch.tensor(cast))
        elif isinstance(value, np.ndarray):
            ours.append(retrograd.tensor(value))
            theirs.append(torch.tensor(value))
        else:
            ours.append(value)
            theirs.append(value)
    differentiable = dtype.startswith("float") and op.differentiable
    if differentiable:
        for mine, other in zip(ours, theirs, strict=True):
            if isinstance(mine, retrograd.Tensor) and mine.is_floating_point():
                mine.requires_grad_()
                other.requires_grad_()
    variadic = op.variadic and op.key in ("cat", "stack")
    try:
        expected = function(theirs, **params) if variadic else function(*theirs, **params)
    except (RuntimeError, TypeError, NotImplementedError):
        return
    found = public(ours, **params) if variadic else public(*ours, **params)
    pairs = list(zip(found, expected, strict=True)) if isinstance(found, tuple) else [(found, expected)]
    rtol = 2e-6 if pairs[0][1].dtype is torch.float32 else 1e-12
    for mine, other in pairs:
        assert tuple(mine.shape) == tuple(other.shape)
        assert str(mine.dtype).split(".")[1] == str(other.dtype).split(".")[1]
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=rtol, atol=rtol)
    pairs = [(mine, other) for mine, other in pairs if other.requires_grad]
    if not differentiable or not pairs:
        return
    seeds = [direction_like(mine, np.random.default_rng(8)).astype(mine.detach().numpy().dtype) for mine, _ in pairs]
    for mine, other in pairs:
        assert mine.grad_fn.name() == other.grad_fn.name().replace("torch::autograd::", "")
    autograd.backward([mine for mine, _ in pairs], [retrograd.tensor(seed) for seed in seeds])
    torch.autograd.backward([other for _, other in pairs], [torch.tensor(seed) for seed in seeds])
    for mine, other in zip(ours, theirs, strict=True):
        if isinstance(mine, retrograd.Tensor) and other.grad is not None:
            assert mine.grad is not None
            np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(force=True), rtol=10 * rtol, atol=10 * rtol)
