"""Schedulers of the learning rate, and averages of weights: PyTorch's numbers, states and warnings."""

from __future__ import annotations

import copy
import importlib
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import retrograd
from retrograd import nn, optim

Make = Callable[[Any, Any], Any]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    found = importlib.import_module("torch")
    importlib.import_module("torch.optim.swa_utils")
    return found


class Halving:
    """A callable object, whose attributes belong to a state."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, step: float) -> float:
        self.calls += 1
        return 0.5**step


SCHEDULES: dict[str, Make] = {
    "lambda": lambda s, o: s.LambdaLR(o, lambda step: 0.9**step),
    "lambdas": lambda s, o: s.LambdaLR(o, [Halving(), lambda step: 1 / (step + 1)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, [lambda step: 0.95, Halving()]),
    "step": lambda s, o: s.StepLR(o, 7, 0.3),
    "multistep": lambda s, o: s.MultiStepLR(o, [3, 10, 10, 30], 0.5),
    "constant": lambda s, o: s.ConstantLR(o, 0.25, 8),
    "linear": lambda s, o: s.LinearLR(o, 0.1, 0.7, 12),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.93),
    "polynomial": lambda s, o: s.PolynomialLR(o, 20, 1.7),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 9, 0.001),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 7),
    "longer restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, 2, 0.01),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.01, [0.1, 0.3], 6),
    "cyclic halving": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 5, 3, "triangular2", base_momentum=0.5),
    "cyclic fading": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 5, mode="exp_range", gamma=0.98, cycle_momentum=False),
    "cyclic of one's own": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 5, scale_fn=Halving(), scale_mode="iterations"),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.4, 55),
    "one cycle by epochs": lambda s, o: s.OneCycleLR(
        o, [0.4, 0.2], epochs=11, steps_per_epoch=5, anneal_strategy="linear", three_phase=True, cycle_momentum=False
    ),
    "sequential": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9), s.CosineAnnealingLR(o, 10)], [4, 20]
    ),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9)]),
    "nested": lambda s, o: s.SequentialLR(
        o, [s.SequentialLR(o, [s.LinearLR(o), s.StepLR(o, 3)], [6]), s.ExponentialLR(o, 0.8)], [15]
    ),
}
PLATEAUS: dict[str, dict[str, object]] = {
    "default": {"patience": 2},
    "largest": {"mode": "max", "factor": 0.5, "patience": 1, "cooldown": 3},
    "difference": {"threshold_mode": "abs", "threshold": 0.2, "patience": 0, "min_lr": [0.01, 0.001]},
    "largest by difference": {"mode": "max", "threshold_mode": "abs", "threshold": 0.5, "patience": 1, "eps": 0.02},
}


def optimizer_of(t: ModuleType, name: str = "SGD") -> Any:
    layers = t.nn.Linear(2, 2), t.nn.Linear(2, 1)
    groups = [{"params": layers[0].parameters()}, {"params": layers[1].parameters(), "lr": 0.05}]
    return getattr(t.optim, name)(groups, lr=0.1, **({"momentum": 0.9} if name == "SGD" else {}))


def options(optimizer: Any) -> list[object]:
    return [[group["lr"], group.get("momentum"), group.get("betas")] for group in optimizer.param_groups]


def flat(value: object) -> list[float]:
    if isinstance(value, (list, tuple)):
        return [number for each in value for number in flat(each)]
    return [] if value is None else [float(value)]


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
def test_fifty_rates_are_pytorchs_and_a_state_continues_them(torch: ModuleType, make: Make, name: str) -> None:
    def run(t: ModuleType) -> tuple[list[float], set[str]]:
        optimizer = optimizer_of(t, name)
        scheduler = make(t.optim.lr_scheduler, optimizer)
        seen = [flat(options(optimizer))]
        for step in range(50):
            optimizer.step()
            if step == 25:  # go on with another pair
                saved = copy.deepcopy(scheduler.state_dict()), copy.deepcopy(optimizer.state_dict())
                optimizer = optimizer_of(t, name)
                scheduler = make(t.optim.lr_scheduler, optimizer)
                optimizer.load_state_dict(saved[1])
                scheduler.load_state_dict(saved[0])
                optimizer.step()
            scheduler.step()
            seen.append(flat([options(optimizer), scheduler.get_last_lr()]))
        return [number for each in seen for number in each], set(scheduler.state_dict())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns inside its own sequential schedulers
        got, expected = run(retrograd), run(torch)
    assert got[0] == pytest.approx(expected[0], rel=1e-9, abs=1e-12)
    assert got[1] == expected[1]


@pytest.mark.oracle
@pytest.mark.parametrize("given", PLATEAUS.values(), ids=PLATEAUS)
def test_a_plateau_lowers_as_pytorchs(torch: ModuleType, given: dict[str, object]) -> None:
    def run(t: ModuleType) -> tuple[list[float], set[str]]:
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **given)
        seen = []
        for step in range(50):
            scheduler.step(t.tensor(3 / (step + 1) + 0.3 * (step % 4)))
            if step == 20:
                saved = scheduler.state_dict()
                scheduler = t.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
                scheduler.load_state_dict(saved)
            seen += flat([options(optimizer), scheduler.get_last_lr(), scheduler.num_bad_epochs])
        return seen, set(scheduler.state_dict())

    assert run(retrograd) == run(torch)


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR",
                                  "CosineAnnealingLR", "CosineAnnealingWarmRestarts"])  # fmt: skip
def test_a_step_to_a_numbered_epoch_is_pytorchs(torch: ModuleType, kind: str) -> None:
    given = {"StepLR": (3,), "MultiStepLR": ([2, 5],), "ExponentialLR": (0.9,), "CosineAnnealingLR": (8,),
             "CosineAnnealingWarmRestarts": (4, 2)}  # fmt: skip

    def run(t: ModuleType) -> list[float]:
        optimizer = optimizer_of(t)
        scheduler = getattr(t.optim.lr_scheduler, kind)(optimizer, *given.get(kind, ()))
        optimizer.step()
        seen = []
        for epoch in (3, 1, 7, 13):
            if kind == "CosineAnnealingWarmRestarts":
                scheduler.step(epoch)
            else:
                with pytest.warns(UserWarning, match="epoch parameter"):
                    scheduler.step(epoch)
            seen += flat(options(optimizer))
        return seen

    assert run(retrograd) == pytest.approx(run(torch), rel=1e-12)


@pytest.mark.oracle
def test_pytorchs_warnings_are_given(torch: ModuleType) -> None:
    for t in (torch, retrograd):
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        with pytest.warns(UserWarning, match=r"lr_scheduler.step\(\)` before `optimizer.step\(\)"):
            scheduler.step()
        with pytest.warns(UserWarning, match="get_last_lr"):
            scheduler.get_lr()
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        optimizer.step()
        scheduler.step()  # a warning would be an error


BAD: dict[str, Make] = {
    "no optimizer": lambda s, o: s.StepLR(3, 1),
    "resumed": lambda s, o: s.StepLR(o, 1, last_epoch=3),
    "lambdas": lambda s, o: s.LambdaLR(o, [abs]),
    "no function": lambda s, o: s.MultiplicativeLR(o, [1, 2]),
    "constant": lambda s, o: s.ConstantLR(o, 1.5),
    "linear start": lambda s, o: s.LinearLR(o, 0),
    "linear end": lambda s, o: s.LinearLR(o, 0.5, 2),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    "restarts times": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 0.5),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="square"),
    "cyclic lists": lambda s, o: s.CyclicLR(o, [0.1], 0.2),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.1),
    "one cycle steps": lambda s, o: s.OneCycleLR(o, 0.1, -3),
    "one cycle start": lambda s, o: s.OneCycleLR(o, 0.1, 10, pct_start=1.5),
    "one cycle way": lambda s, o: s.OneCycleLR(o, 0.1, 10, anneal_strategy="exp"),
    "plateau": lambda s, o: s.ReduceLROnPlateau(o, "mean"),
    "plateau factor": lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    "plateau threshold": lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="some"),
    "sequential": lambda s, o: s.SequentialLR(o, [s.StepLR(o, 3)], [1]),
    "sequential plateau": lambda s, o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
    "chained none": lambda s, o: s.ChainedScheduler([]),
}


@pytest.mark.oracle
@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_bad_schedules_are_refused_as_pytorch_refuses_them(torch: ModuleType, make: Make) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)) as expected:
        make(torch.optim.lr_scheduler, optimizer_of(torch))
    with pytest.raises(expected.type) as got:
        make(optim.lr_scheduler, optimizer_of(retrograd))
    assert str(got.value)[:30] == str(expected.value)[:30]


def test_a_rate_that_is_a_tensor_stays_the_same_one() -> None:
    rate = retrograd.tensor(0.5)
    optimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=rate)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25
    assert scheduler.base_lrs[0].item() == 0.5


# --- averages of weights


@pytest.mark.oracle
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 12])
def test_the_rate_of_averaging_is_pytorchs(torch: ModuleType, strategy: str, epochs: int) -> None:
    def run(t: ModuleType) -> list[float]:
        optimizer = optimizer_of(t)
        scheduler = importlib.import_module(f"{t.__name__}.optim.swa_utils").SWALR(
            optimizer, [0.5, 0.01], epochs, strategy
        )
        seen = []
        for _ in range(20):
            optimizer.step()
            scheduler.step()
            seen += flat(options(optimizer))
        return seen

    assert run(retrograd) == pytest.approx(run(torch), rel=1e-9)


AVERAGES: dict[str, Callable[[Any], dict[str, object]]] = {
    "mean": lambda u: {},
    "mean of all": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "fading": lambda u: {"avg_fn": u.get_ema_avg_fn(0.8)},
    "fading of all": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.8), "use_buffers": True},
}


@pytest.mark.oracle
@pytest.mark.parametrize("given", AVERAGES.values(), ids=AVERAGES)
def test_averaged_models_are_pytorchs(torch: ModuleType, given: Callable[[Any], dict[str, object]]) -> None:
    def run(t: ModuleType) -> tuple[list[str], list[float]]:
        utils = importlib.import_module(f"{t.__name__}.optim.swa_utils")
        t.manual_seed(5)
        model = t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4), t.nn.Linear(4, 1))
        averaged = utils.AveragedModel(model, **given(utils))
        optimizer = t.optim.SGD(model.parameters(), lr=0.1)
        data = [(t.randn(8, 3), 0) for _ in range(4)]
        for x, _ in data:
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
            averaged.update_parameters(model)
        utils.update_bn(data, averaged)
        state = averaged.state_dict()
        numbers = [number for value in state.values() for number in value.reshape(-1).tolist()]
        return list(state), [*numbers, *averaged(data[0][0]).reshape(-1).tolist()]

    got, expected = run(retrograd), run(torch)
    assert got[0] == expected[0]
    assert got[1] == pytest.approx(expected[1], abs=2e-6)


def test_two_ways_to_average_and_a_wrong_decay_are_refused() -> None:
    utils = importlib.import_module("retrograd.optim.swa_utils")
    with pytest.raises(AssertionError, match="Only one"):
        utils.AveragedModel(nn.Linear(1, 1), avg_fn=utils.get_swa_avg_fn(), multi_avg_fn=utils.get_swa_multi_avg_fn())
    with pytest.raises(ValueError, match=r"Invalid decay value 1\.5"):
        utils.get_ema_avg_fn(1.5)
