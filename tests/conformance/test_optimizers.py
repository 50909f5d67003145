"""Every optimizer of PyTorch's own table, under every set of options that it lists, beside PyTorch's."""

from __future__ import annotations

import copy
import re
import warnings
from typing import Any

import numpy as np
import pytest

import retrograd

torch = pytest.importorskip("torch")
table = pytest.importorskip("torch.testing._internal.common_optimizers")

pytestmark = pytest.mark.oracle

STEPS = 20
TOLERANCE = {"float64": 1e-11, "float32": 1e-6, "complex128": 1e-11}
AMPLIFIED = 100
"""L-BFGS divides small differences of gradients, 400 times here, so that roundings grow. Its numbers may part from
PyTorch's by this many times what PyTorch's part by when it starts one rounding beside."""
ENTRIES = [entry for entry in table.optim_db if entry.name != "SparseAdam"]
"""All but the one for sparse tensors."""
CASES = [
    pytest.param(entry, sample.kwargs, dtype, id=f"{entry.name}-{sample.desc.replace(' ', '_')}-{dtype}")
    for entry in ENTRIES
    for dtype in ("float64", "float32", *(["complex128"] if entry.supports_complex else []))
    for sample in entry.optim_inputs_func("cpu")
    if not (dtype == "complex128" and entry.name in ("Adafactor", "Muon"))  # they say themselves that they can't
]


def ours(value: Any, known: dict[int, Any] | None = None) -> Any:
    """An option of the table's for our engine; one parameter stays one."""
    known = {} if known is None else known
    if isinstance(value, torch.nn.Parameter):
        if id(value) not in known:
            known[id(value)] = retrograd.nn.Parameter(ours(value.detach()))
        return known[id(value)]
    if isinstance(value, torch.Tensor):
        made = retrograd.tensor(value.detach().numpy())
        if value.grad is not None:
            made.grad = ours(value.grad)
        return made
    if isinstance(value, dict):
        return {name: ours(part, known) for name, part in value.items()}
    return type(value)(ours(part, known) for part in value) if isinstance(value, (list, tuple)) else value


class Problem:
    """A least squares problem of three parameters: a matrix, a vector, and one that never gets a gradient."""

    def __init__(self, t: Any, entry: Any, dtype: str, options: dict[str, Any]) -> None:
        rng = np.random.default_rng(3)

        def random(*shape: int) -> Any:
            parts = rng.normal(size=shape) + 1j * rng.normal(size=shape)
            return t.tensor((parts if "complex" in dtype else parts.real).astype(dtype))

        self.x, self.y = random(12, 4), random(12, 3)
        self.params = [t.nn.Parameter(random(4, 3)), t.nn.Parameter(random(3)), t.nn.Parameter(random(1))]
        if entry.name == "Muon":
            self.params = [self.params[0]]
        self.optimizer = getattr(t.optim, entry.name)(self.params, **options)

    def loss(self) -> Any:
        """It, with its gradients."""
        self.optimizer.zero_grad()
        error = self.x @ self.params[0] - self.y
        if len(self.params) > 1:
            error = error + self.params[1]
        loss = (error * error.conj()).real.mean() if error.is_complex() else (error * error).mean()
        loss.backward()
        return loss

    def step(self) -> None:
        """One of the optimizer's, always with a closure."""
        self.optimizer.step(self.loss)

    def numbers(self) -> list[Any]:
        """Of all parameters."""
        return [param.detach().numpy().copy() for param in self.params]


@pytest.mark.parametrize(("entry", "options", "dtype"), CASES)
def test_twenty_steps_are_pytorchs(entry: Any, options: dict[str, Any], dtype: str) -> None:
    here, there = Problem(retrograd, entry, dtype, ours(options)), Problem(torch, entry, dtype, options)
    beside = Problem(torch, entry, dtype, options) if entry.name == "LBFGS" else None
    if beside is not None:
        for param in beside.params:
            param.data *= 1 + np.finfo(dtype).eps
    for _ in range(STEPS):
        here.step()
        there.step()
        allowed = TOLERANCE[dtype]
        if beside is not None:
            beside.step()
            parted = zip(beside.numbers(), there.numbers(), strict=True)
            allowed += AMPLIFIED * max(float(abs(one - other).max()) for one, other in parted)
        for got, expected in zip(here.numbers(), there.numbers(), strict=True):
            assert got.dtype == expected.dtype
            np.testing.assert_allclose(got, expected, rtol=allowed, atol=allowed)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_state_crosses_over_from_pytorch_and_goes_on(entry: Any) -> None:
    options = entry.optim_inputs_func("cpu")[-1].kwargs
    here, there = Problem(retrograd, entry, "float64", ours(options)), Problem(torch, entry, "float64", options)
    for _ in range(3):
        here.step()
        there.step()
    saved, model = here.optimizer.state_dict(), there.optimizer.state_dict()
    assert saved.keys() == model.keys()
    for mine, theirs in zip(saved["param_groups"], model["param_groups"], strict=True):
        assert mine.keys() == theirs.keys()
        assert mine["params"] == theirs["params"]
    assert saved["state"].keys() == model["state"].keys()
    for place in model["state"]:
        assert saved["state"][place].keys() == model["state"][place].keys()
        for name, value in model["state"][place].items():
            mine = saved["state"][place][name]
            if isinstance(value, torch.Tensor) and isinstance(mine, retrograd.Tensor):
                assert (str(mine.dtype).rpartition(".")[2], tuple(mine.shape)) == (
                    str(value.dtype).rpartition(".")[2], tuple(value.shape),
                ), name  # fmt: skip
    fresh = Problem(retrograd, entry, "float64", ours(options))
    for param, value in zip(fresh.params, there.params, strict=True):
        param.data = ours(value.detach())
    fresh.optimizer.load_state_dict(ours(copy.deepcopy(model)))
    for _ in range(3):
        fresh.step()
        there.step()
    for got, expected in zip(fresh.numbers(), there.numbers(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


def errors() -> list[Any]:
    return [
        pytest.param(entry, error, id=f"{entry.name}-{error.optimizer_error_input.desc.replace(' ', '_')}")
        for entry in ENTRIES
        for error in entry.optim_error_inputs_func("cpu", torch.float32)
    ]


@pytest.mark.parametrize(("entry", "error"), errors())
def test_what_the_table_says_is_refused_is_refused(entry: Any, error: Any) -> None:
    given = error.optimizer_error_input
    params = [retrograd.nn.Parameter(retrograd.randn(1, 1))] if given.params is None else ours(given.params)
    words = re.compile(error.error_regex)
    kind = getattr(retrograd.optim, entry.name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if error.error_on == table.OptimizerErrorEnum.CONSTRUCTION_ERROR:
            with pytest.raises(error.error_type, match=words):
                kind(params, **ours(given.kwargs))
        else:
            optimizer = kind(params, **ours(given.kwargs))
            with pytest.raises(error.error_type, match=words):
                optimizer.step()


WAYS = [
    pytest.param(entry, flag, id=f"{entry.name}-{flag}")
    for entry in ENTRIES
    for flag in ("foreach", "capturable", "fused", "differentiable")
    if flag in entry.supported_impls or (flag == "capturable" and entry.has_capturable_arg)
]


@pytest.mark.parametrize(("entry", "flag"), WAYS)
def test_ways_of_computing_change_no_numbers(entry: Any, flag: str) -> None:
    plain = Problem(retrograd, entry, "float64", {})
    other = Problem(retrograd, entry, "float64", {flag: True})
    if flag == "differentiable":  # leaves that require grad can't be changed while steps are recorded
        other.params = [param.detach() for param in other.params]
        other.optimizer = type(other.optimizer)(other.params, differentiable=True)
    for _ in range(3):
        plain.step()
        if flag == "differentiable":
            for param, source in zip(other.params, plain.params, strict=True):
                param.grad = None if source.grad is None else source.grad.clone()
            other.optimizer.step()
        else:
            other.step()
    for got, expected in zip(other.numbers(), plain.numbers(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if "differentiable" in entry.supported_impls],
                         ids=lambda entry: entry.name)  # fmt: skip
def test_two_recorded_steps_have_the_right_gradient(entry: Any) -> None:
    for sample in entry.optim_inputs_func("cpu"):
        options = ours(sample.kwargs) | {"differentiable": True}

        def walk(param: Any, first: Any, second: Any, options: dict[str, Any] = options) -> Any:
            param = param.clone()
            optimizer = getattr(retrograd.optim, entry.name)([param], **options)
            for grad in (first, second):
                param.grad = grad
                optimizer.step()
            return param

        retrograd.manual_seed(1)
        inputs = [retrograd.randn(3, dtype=retrograd.float64).requires_grad_() for _ in range(3)]
        assert retrograd.autograd.gradcheck(walk, inputs), sample.desc
