"""Optimizers: PyTorch's numbers over twenty steps for every set of options, its errors, its state, its hooks."""

from __future__ import annotations

import copy
import importlib
import itertools
from types import ModuleType

import numpy as np
import pytest

import engine.strict_device  # noqa: F401  it makes itself known
import retrograd
from retrograd import nn, optim
from retrograd_events.tap import tap


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def train(t: ModuleType, steps: int = 20, **options: object) -> list[list[float]]:
    """Every parameter after each of ``steps`` steps on a small nonlinear problem; who climbs, climbs its negative."""
    t.manual_seed(11)
    model = t.nn.Sequential(t.nn.Linear(3, 5), t.nn.Tanh(), t.nn.Linear(5, 1))
    x, y = t.randn(20, 3), t.randn(20, 1)
    optimizer = t.optim.SGD(model.parameters(), **options)
    history = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = t.nn.functional.mse_loss(model(x), y)
        (-loss if options.get("maximize") else loss).backward()
        optimizer.step()
        history.append([number for p in model.parameters() for number in p.detach().reshape(-1).tolist()])
    return history


OPTIONS = [
    {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": decay, "nesterov": nesterov,
     "maximize": maximize}
    for lr, (momentum, dampening, nesterov), decay, maximize in itertools.product(
        (0.01, 0.1), ((0, 0, False), (0.9, 0, False), (0.9, 0.5, False), (0.8, 0, True)), (0, 0.01), (False, True)
    )
]  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_sgd_walks_as_pytorchs(torch: ModuleType, options: dict[str, object]) -> None:
    np.testing.assert_allclose(train(retrograd, **options), train(torch, **options), rtol=1e-5, atol=1e-6)


@pytest.mark.oracle
def test_groups_have_rates_of_their_own(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[list[float]]:
        t.manual_seed(0)
        first, second = t.nn.Linear(2, 2), t.nn.Linear(2, 1)
        optimizer = t.optim.SGD([{"params": first.parameters(), "lr": 0.5}], lr=0.1, momentum=0.5)
        optimizer.add_param_group({"params": second.parameters(), "weight_decay": 0.1})
        x = t.randn(5, 2)
        for _ in range(5):
            optimizer.zero_grad()
            second(first(x)).mean().backward()
            optimizer.step()
        return [p.detach().reshape(-1).tolist() for group in optimizer.param_groups for p in group["params"]]

    for got, expected in zip(run(retrograd), run(torch), strict=True):
        assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.oracle
def test_the_text_is_pytorchs(torch: ModuleType) -> None:
    def text(t: ModuleType) -> str:
        layers = t.nn.Linear(2, 2), t.nn.Linear(2, 1)
        optimizer = t.optim.SGD([{"params": layers[0].parameters(), "lr": 0.5}], momentum=0.5)
        optimizer.add_param_group({"params": layers[1].named_parameters(), "nesterov": True} | {})
        return repr(optimizer)

    with pytest.raises(ValueError, match="with/without names"):
        text(retrograd)
    assert repr(optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)) == repr(
        torch.optim.SGD(torch.nn.Linear(2, 1).parameters(), lr=0.1)
    )
    assert repr(optim.SGD(nn.Linear(2, 1).named_parameters())) == repr(
        torch.optim.SGD(torch.nn.Linear(2, 1).named_parameters())
    )


@pytest.mark.oracle
@pytest.mark.parametrize(
    "options",
    [{"lr": -1}, {"momentum": -0.1}, {"weight_decay": -2.0}, {"nesterov": True},
     {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, {"fused": True, "foreach": True}],
    ids=str,
)  # fmt: skip
def test_bad_options_are_refused_as_pytorch_refuses_them(torch: ModuleType, options: dict[str, object]) -> None:
    with pytest.raises((ValueError, RuntimeError)) as expected:
        torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), **options)
    with pytest.raises(expected.type) as got:
        optim.SGD(nn.Linear(1, 1).parameters(), **options)
    assert str(got.value) == str(expected.value)


@pytest.mark.oracle
@pytest.mark.parametrize("case", ["empty", "tensor", "number", "set", "no leaf", "some names", "twice"])
def test_bad_parameters_are_refused_as_pytorch_refuses_them(torch: ModuleType, case: str) -> None:
    def make(t: ModuleType) -> object:
        p = t.nn.Parameter(t.ones(2))
        params = {
            "empty": [], "tensor": p.detach(), "number": [3], "set": [{"params": {p}}], "no leaf": [p * 2],
            "some names": [("a", p), t.nn.Parameter(t.ones(1))], "twice": [{"params": [p]}, {"params": [p]}],
        }[case]  # fmt: skip
        return t.optim.SGD(params, lr=0.1)

    with pytest.raises((ValueError, TypeError)) as expected:
        make(torch)
    with pytest.raises(expected.type) as got:
        make(retrograd)
    assert str(got.value) == str(expected.value)


@pytest.mark.oracle
def test_state_continues_a_run_and_has_pytorchs_form(torch: ModuleType) -> None:
    def run(t: ModuleType) -> tuple[list[float], object, object]:
        t.manual_seed(2)
        x = t.randn(6, 2)
        model = t.nn.Linear(2, 1)
        optimizer = t.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(model: object, optimizer: object) -> None:
            optimizer.zero_grad()
            (model(x) ** 2).mean().backward()
            optimizer.step()

        for _ in range(3):
            step(model, optimizer)
        saved = optimizer.state_dict()
        twin = t.nn.Linear(2, 1)
        twin.load_state_dict(model.state_dict())
        second = t.optim.SGD(twin.parameters(), lr=5.0)
        second.load_state_dict(copy.deepcopy(saved))  # PyTorch would share the state between the two
        for _ in range(3):
            step(model, optimizer)
            step(twin, second)
        numbers = [n for p in model.parameters() for n in p.detach().reshape(-1).tolist()]
        assert numbers == [n for p in twin.parameters() for n in p.detach().reshape(-1).tolist()]
        return numbers, sorted(saved["param_groups"][0].items(), key=str), list(saved["state"][0])

    got, expected = run(retrograd), run(torch)
    assert got[0] == pytest.approx(expected[0], abs=1e-6)
    assert got[1:] == expected[1:]


def test_a_state_of_other_groups_is_refused() -> None:
    optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        optimizer.load_state_dict({"state": {}, "param_groups": []})
    with pytest.raises(ValueError, match="doesn't match the size"):
        optimizer.load_state_dict({"state": {}, "param_groups": [{"params": [0]}]})


def test_zero_grad_forgets_or_zeroes() -> None:
    layer = nn.Linear(2, 1)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    layer(retrograd.ones(3, 2)).sum().backward()
    gradient = layer.weight.grad
    optimizer.zero_grad(set_to_none=False)
    assert layer.weight.grad.tolist() == [[0.0, 0.0]]
    assert gradient.tolist() == [[0.0, 0.0]]
    optimizer.zero_grad()
    assert layer.weight.grad is None
    assert layer.bias.grad is None


def test_a_parameter_without_gradient_stays() -> None:
    layer = nn.Linear(2, 1)
    before = layer.weight.tolist()
    optim.SGD(layer.parameters(), lr=0.1, weight_decay=1.0).step()
    assert layer.weight.tolist() == before


def test_a_closure_gives_the_loss_and_may_differentiate() -> None:
    layer = nn.Linear(2, 1)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)

    def closure() -> retrograd.Tensor:
        optimizer.zero_grad()
        loss = layer(retrograd.ones(3, 2)).sum()
        loss.backward()
        return loss

    with retrograd.no_grad():
        first = optimizer.step(closure)
        assert optimizer.step(closure).item() < first.item()


def test_a_step_leaves_grad_mode_and_graph_alone() -> None:
    layer = nn.Linear(2, 1)
    optimizer = optim.SGD(layer.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True)
    layer(retrograd.ones(3, 2)).sum().backward()
    optimizer.step()
    assert retrograd.is_grad_enabled()
    assert layer.weight.is_leaf
    assert layer.weight.requires_grad
    assert layer.weight.grad.tolist() == [[3.0, 3.0]]


def test_a_rate_may_be_a_tensor() -> None:
    layer = nn.Linear(1, 1)
    before = layer.bias.item()
    optimizer = optim.SGD(layer.parameters(), lr=retrograd.tensor(0.5))
    layer(retrograd.ones(1, 1)).sum().backward()
    optimizer.step()
    assert layer.bias.item() == pytest.approx(before - 0.5)
    with pytest.raises(ValueError, match="1-element"):
        optim.SGD(layer.parameters(), lr=retrograd.ones(2))


def test_step_hooks_run_around_the_step_and_can_be_removed() -> None:
    layer = nn.Linear(1, 1)
    optimizer = optim.SGD(layer.parameters(), lr=1.0)
    layer(retrograd.ones(1, 1)).sum().backward()
    seen: list[float] = []
    start = layer.bias.item()
    handles = [
        optimizer.register_step_pre_hook(lambda *_: seen.append(layer.bias.item())),
        optimizer.register_step_post_hook(lambda *_: seen.append(layer.bias.item())),
    ]
    optimizer.step()
    assert seen == pytest.approx([start, start - 1])
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 2


@pytest.mark.oracle
def test_hooks_of_every_optimizer_stand_around_its_own(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[str]:
        told: list[str] = []
        place = importlib.import_module(f"{t.__name__}.optim.optimizer")
        optimizer = t.optim.Adam(t.nn.Linear(1, 1).parameters())
        handles = [
            optimizer.register_step_pre_hook(lambda *_: told.append("before")),
            optimizer.register_step_post_hook(lambda *_: told.append("after")),
            place.register_optimizer_step_pre_hook(lambda *_: told.append("before any")),
            place.register_optimizer_step_post_hook(lambda *_: told.append("after any")),
        ]
        optimizer.step()
        for handle in handles:
            handle.remove()
        optimizer.step()
        return told

    assert run(retrograd) == run(torch) == ["before any", "before", "after", "after any"]


@pytest.mark.oracle
def test_hooks_of_states_change_what_is_saved_and_loaded(torch: ModuleType) -> None:
    def run(t: ModuleType) -> tuple[list[str], float]:
        told: list[str] = []
        optimizer = t.optim.SGD(t.nn.Linear(1, 1).parameters(), lr=0.5)
        optimizer.register_state_dict_pre_hook(lambda _: told.append("saving"))
        optimizer.register_state_dict_post_hook(lambda _, state: {**state, "more": 1})
        optimizer.register_load_state_dict_pre_hook(
            lambda _, state: {**state, "param_groups": [{**state["param_groups"][0], "lr": 0.25}]}
        )
        optimizer.register_load_state_dict_post_hook(lambda _: told.append("loaded"))
        saved = optimizer.state_dict()
        optimizer.load_state_dict(saved)
        return [*told, *sorted(saved)], optimizer.param_groups[0]["lr"]

    assert run(retrograd) == run(torch)


@pytest.mark.parametrize("name", [name for name in optim.__all__ if name not in ("Optimizer", "LBFGS")])
def test_a_watched_step_gives_the_same_bits(name: str) -> None:
    def run(watched: bool) -> list[object]:
        retrograd.manual_seed(3)
        layer = nn.Linear(4, 3, bias=False)
        optimizer = getattr(optim, name)(layer.parameters(), lr=0.03)
        x = retrograd.randn(5, 4)
        for _ in range(6):
            optimizer.zero_grad()
            layer(x).square().mean().backward()
            tap.listener = Witness() if watched else None
            try:
                optimizer.step()
            finally:
                tap.listener = None
        return layer.weight.tolist()

    assert run(True) == run(False)


@pytest.mark.parametrize("kind", ["float32", "complex64"])
@pytest.mark.parametrize("name", [name for name in optim.__all__ if name != "Optimizer"])
def test_steps_stay_on_the_parameters_device(name: str, kind: str) -> None:
    if kind == "complex64" and name in ("Adafactor", "Muon"):
        pytest.skip("takes no complex parameters")

    def run(device: str) -> object:
        start = retrograd.arange(6.0).reshape(2, 3).to(getattr(retrograd, kind)) + 1
        param = nn.Parameter(start.to(device))
        optimizer = getattr(optim, name)([param], lr=0.05)

        def closure() -> retrograd.Tensor:
            optimizer.zero_grad()
            loss = (param * param.conj()).abs().sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        assert str(param.device).startswith(device)
        return param.tolist()

    assert run("strict") == run("cpu")


def test_a_parameter_that_was_saved_before_a_step_is_noticed() -> None:
    layer = nn.Linear(2, 2)
    optimizer = optim.Adam(layer.parameters())
    x = retrograd.ones(1, 2, requires_grad=True)
    out = layer(layer(x)).sum()
    out.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation(.|\n)*step at .*test_optim\.py"):
        out.backward()


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(TypeError, match="learning_rate"):
        optim.Adam(nn.Linear(1, 1).parameters(), learning_rate=1)


class Witness:
    """A listener that notes what optimizers tell it, and takes everything else."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def optimizer_step_started(self, optimizer: object) -> None:
        self.told.append(("started", optimizer))

    def optimizer_step_ended(self, optimizer: object) -> None:
        self.told.append(("ended", optimizer))

    def gradients_zeroed(self, owner: object, tensors: list[object], to_none: bool) -> None:
        self.told.append(("zeroed", owner, [id(tensor) for tensor in tensors], to_none))

    def op_starting(self, name: str, inputs: object, params: object) -> int:
        return 0

    def scope_entered(self, kind: str, name: str, owner: object) -> int:
        self.told.append(("scope", kind, name))
        return 1

    def __getattr__(self, name: str) -> object:
        return lambda *args: None


@pytest.fixture
def witness() -> Witness:
    tap.listener = Witness()
    yield tap.listener
    tap.listener = None


def test_the_tap_hears_of_one_step_even_when_a_subclass_calls_its_parents(witness: Witness) -> None:
    class Loud(optim.SGD):
        def step(self, closure: object = None) -> object:
            return super().step(closure)

    layer = nn.Linear(1, 1)
    optimizer = Loud(layer.parameters(), lr=0.1)
    witness.told.clear()
    optimizer.step()
    assert witness.told == [("started", optimizer), ("scope", "optimizer", "Loud"), ("ended", optimizer)]


def test_the_tap_hears_whose_gradients_were_cleared(witness: Witness) -> None:
    layer = nn.Linear(1, 1)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    layer(retrograd.ones(1, 1)).sum().backward()
    layer.bias.grad = None
    witness.told.clear()
    optimizer.zero_grad()
    assert witness.told == [("zeroed", optimizer, [id(layer.weight)], True)]


def test_the_tap_hears_the_end_of_a_step_that_failed(witness: Witness) -> None:
    class Broken(optim.Optimizer):
        def step(self, closure: object = None) -> None:
            raise KeyError("broken")

    optimizer = Broken(nn.Linear(1, 1).parameters(), {})
    witness.told.clear()
    with pytest.raises(KeyError, match="broken"):
        optimizer.step()
    assert [word for word, *_ in witness.told] == ["started", "scope", "ended"]


def test_an_optimizer_is_found_by_its_file_and_a_missing_one_is_named() -> None:
    assert "SGD" in optim.__all__
    with pytest.raises(AttributeError, match="nearest it has: SGD"):
        _ = optim.SGDD
