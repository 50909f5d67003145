"""Containers of modules and parameters: the same lines on PyTorch give the same texts, members and errors."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable
from types import ModuleType

import pytest

import retrograd

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def outcome(call: Callable[[], object]) -> object:
    """What ``call`` returned, as text, or the class of its error."""
    try:
        return str(call()).replace("retrograd", "torch")
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, IndexError, NotImplementedError) as error:
        return type(error).__name__


def names(module: object) -> list[str]:
    return [*(name for name, _ in module.named_parameters()), *(name for name, _ in module.named_modules())]


def same(torch: ModuleType, run: Callable[[ModuleType], list[object]]) -> None:
    got, expected = run(retrograd), run(torch)
    assert got == expected
    assert expected


def test_sequential_is_multiplied_as_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        chain = t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh())
        texts: list[object] = [str(chain * 2), str(2 * chain)]
        chain *= 3
        return [*texts, str(chain), outcome(lambda: chain * 0), outcome(lambda: chain * "a")]

    same(torch, run)


def test_a_module_list_is_edited_as_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        nn = t.nn
        held = nn.ModuleList([nn.Linear(2, 3), nn.Linear(2, 3), nn.ReLU()])
        seen: list[object] = [str(held), names(held), len(held), str(held[-1]), str(held[:2])]
        held.append(nn.Tanh())
        held.insert(1, nn.Sequential(nn.ReLU(), nn.ReLU()))
        seen += [str(held), names(held)]
        held.extend([nn.Linear(1, 1), nn.Linear(1, 1)])
        held += [nn.Sigmoid()]
        more = held + nn.ModuleList([nn.ReLU()])
        seen += [str(held), str(more), type(more).__name__]
        del held[0]
        del held[1:3]
        held[0] = nn.ELU()
        seen += [str(held), str(held.pop(-1)), str(held), str(list(held)), str(nn.ModuleList())]
        return [
            *seen,
            outcome(lambda: held[9]),
            outcome(lambda: held.extend(3)),
            outcome(lambda: held.append(3)),
            outcome(lambda: held(3)),
        ]

    same(torch, run)


def test_a_module_dict_is_edited_as_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        nn = t.nn
        held = nn.ModuleDict({"b": nn.Linear(1, 2), "a": nn.ReLU()})
        held["c"] = nn.Tanh()
        held.update([("d", nn.ELU()), ["a", nn.Sigmoid()]])
        seen: list[object] = [str(held), names(held), list(held), "a" in held, "z" in held, len(held)]
        seen += [str(held.pop("b")), list(held.keys()), str(list(held.items())), str(list(held.values()))]
        del held["a"]
        held.update(nn.ModuleDict(OrderedDict(x=nn.ReLU())))
        seen.append(str(held))
        held.clear()
        return [
            *seen,
            str(held),
            outcome(lambda: held["z"]),
            outcome(lambda: held.update(3)),
            outcome(lambda: held.update([3])),
            outcome(lambda: held.update([(1, 2, 3)])),
            outcome(lambda: held.update({"q": 3})),
            outcome(lambda: held(3)),
        ]

    same(torch, run)


def test_a_parameter_list_is_edited_as_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        held = t.nn.ParameterList([t.ones(2, 3), t.nn.Parameter(t.ones(1), requires_grad=False), "word"])
        seen: list[object] = [outcome(lambda: held), names(held), len(held), type(held[0]).__name__, held[2]]
        held.append(t.zeros(()))
        held += [t.ones(4), 7]
        held[1] = t.ones(5, dtype=t.float64)
        seen += [outcome(lambda: held), names(held), held[-1], outcome(lambda: held[1:3]), list(held.state_dict())]
        return [
            *seen,
            [type(each).__name__ for each in held],
            outcome(t.nn.ParameterList),
            outcome(lambda: held[9]),
            outcome(lambda: held.extend(t.ones(2))),
            outcome(lambda: held.extend(3)),
            outcome(held),
        ]

    same(torch, run)


def test_a_parameter_dict_is_edited_as_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        held = t.nn.ParameterDict({"b": t.ones(2), "a": t.nn.Parameter(t.ones(3)), "n": 3})
        held["z"] = t.zeros(1)
        held.update(OrderedDict(y=t.ones(1), x=None))
        seen: list[object] = [outcome(lambda: held), names(held), list(held), list(reversed(held)), len(held)]
        seen += [held.get("nope"), held.get("n"), type(held.setdefault("q", t.ones(2))).__name__, held.pop("n")]
        seen += [held.popitem()[0], list(held.copy().keys()), [type(each).__name__ for each in held.values()]]
        other = t.nn.ParameterDict([("b", t.zeros(7)), ("new", t.zeros(1))])
        seen += [outcome(lambda: held | other), list(held.fromkeys(["u", "v"], 1).items()), "b" in held]
        held |= other
        del held["b"]
        seen.append(outcome(lambda: held))
        held.clear()
        return [
            *seen,
            outcome(lambda: held),
            outcome(lambda: held["z"]),
            outcome(lambda: held.update(3)),
            outcome(lambda: held.update([(1, 2, 3)])),
            outcome(lambda: held.__setitem__(3, t.ones(1))),
            outcome(lambda: held(3)),
        ]

    same(torch, run)
