"""Modules: PyTorch's members, numbers, hooks, text and errors; and what the tap hears of them."""

from __future__ import annotations

import abc
import copy
import gc
import importlib
import weakref
from collections import OrderedDict
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

import retrograd
from retrograd import nn
from retrograd_events.tap import tap


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def make_net(t: ModuleType) -> object:
    """A model with every kind of member, of class ``Net`` in either engine."""

    class Net(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter = t.nn.Linear(3, 4)
            self.body = t.nn.Sequential(t.nn.ReLU(), t.nn.Linear(4, 4, bias=False), t.nn.Tanh(), t.nn.Sigmoid())
            self.again = self.enter
            self.scale = t.nn.Parameter(t.ones(4))
            self.nothing = None
            self.register_buffer("mean", t.zeros(4))
            self.register_buffer("scratch", t.zeros(2), persistent=False)
            self.register_parameter("absent", None)

        def forward(self, x: object) -> object:
            return self.body(self.enter(x)) * self.scale + self.mean

    t.manual_seed(5)
    return Net()


def plain(value: object) -> object:
    """Nested lists of what both engines can be compared by."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def outcome(call: Callable[[], object]) -> object:
    """What ``call`` returned, or the family and the words of its error."""
    try:
        return plain(call())
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, NotImplementedError, IndexError) as error:
        text = str(error).replace("retrograd.Size", "torch.Size").replace("retrograd.", "torch.")
        return type(error).__name__, text.replace("torch.nn.modules", "nn.modules")


# --- the same as PyTorch


@pytest.mark.oracle
@pytest.mark.parametrize("sizes", [(1, 1), (3, 4), (10, 1), (100, 7)])
def test_a_layer_starts_as_pytorchs(torch: ModuleType, sizes: tuple[int, int]) -> None:
    torch.manual_seed(0)
    retrograd.manual_seed(0)
    expected, got = torch.nn.Linear(*sizes), nn.Linear(*sizes)
    assert got.weight.tolist() == expected.weight.tolist()
    assert got.bias.tolist() == expected.bias.tolist()


@pytest.mark.oracle
def test_members_and_text_are_pytorchs(torch: ModuleType) -> None:
    def facts(t: ModuleType) -> list[object]:
        net = make_net(t)
        return [
            repr(net),
            [name for name, _ in net.named_parameters()],
            [name for name, _ in net.named_parameters(remove_duplicate=False)],
            [name for name, _ in net.named_parameters("net", recurse=False)],
            [name for name, _ in net.named_buffers()],
            [name for name, _ in net.named_modules()],
            [name for name, _ in net.named_children()],
            list(net.state_dict()),
            list(net.state_dict(prefix="model.")),
            [(key, dict(value)) for key, value in net.state_dict()._metadata.items()],
            plain(net.state_dict()),
            net.training,
            net.eval().body.training,
            net.train().body[0].training,
            len(list(net.parameters())),
        ]

    assert facts(retrograd) == facts(torch)


@pytest.mark.oracle
def test_texts_of_layers_are_pytorchs(torch: ModuleType) -> None:
    def texts(t: ModuleType) -> list[str]:
        nn = t.nn
        t.manual_seed(0)
        named = OrderedDict(first=nn.Linear(1, 2), second=nn.Sequential(nn.ReLU(inplace=True)), third=nn.Sequential())
        return [
            *map(
                repr,
                (nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.MSELoss(), nn.L1Loss(reduction="sum"), nn.Identity(3, a=4)),
            ),
            repr(nn.Sequential(named)),
            repr(nn.Module()),
            repr(nn.Parameter(t.ones(2))),
            repr(nn.Parameter(t.ones(2), requires_grad=False)),
        ]

    assert texts(retrograd) == texts(torch)


@pytest.mark.oracle
def test_forward_and_gradients_are_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        net = make_net(t)
        x = t.randn(6, 3, requires_grad=True)
        for loss in (t.nn.MSELoss(), t.nn.L1Loss(), t.nn.MSELoss(reduction="sum"), t.nn.L1Loss(reduction="sum")):
            loss(net(x), t.zeros(6, 4)).backward()
        return [x.grad, *(p.grad for p in net.parameters()), t.nn.MSELoss(reduction="none")(net(x), t.zeros(6, 4))]

    for got, expected in zip(run(retrograd), run(torch), strict=True):
        np.testing.assert_allclose(plain(got.detach()), plain(expected.detach()), rtol=1e-4, atol=1e-5)


@pytest.mark.oracle
def test_hooks_run_in_pytorchs_order_with_its_arguments(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        net = make_net(t)
        seen: list[object] = []

        def note(word: str, result: object = None) -> Callable[..., object]:
            def hook(module: object, *values: object) -> object:
                seen.append((word, type(module).__name__, plain_shapes(values)))
                return result(*values) if callable(result) else None

            return hook

        net.register_forward_pre_hook(note("pre 1"))
        net.register_forward_pre_hook(note("pre 2", lambda args: (args[0] * 2,)))
        net.register_forward_pre_hook(
            note("pre 0", lambda args, kwargs: (args, kwargs)), prepend=True, with_kwargs=True
        )
        net.register_forward_hook(note("after 1"))
        net.register_forward_hook(note("after 2", lambda args, out: out + 1))
        net.register_forward_hook(note("after 0"), prepend=True, with_kwargs=True)
        net.register_full_backward_hook(note("backward"))
        net.body.register_full_backward_hook(note("body", lambda grads, _: (grads[0] * 3,)))
        net.body[1].register_full_backward_hook(note("inner"))
        net.body.register_full_backward_pre_hook(note("body before", lambda grads: (grads[0] * 0.5,)))
        net.enter.register_full_backward_hook(note("enter"))
        x = t.randn(6, 3, requires_grad=True)
        loss = net(x).sum()
        loss.backward()
        return [seen, loss.detach(), x.grad, net.enter.weight.grad, net.body[1].weight.grad]

    def plain_shapes(value: object) -> object:
        if isinstance(value, (tuple, list)):
            return [plain_shapes(part) for part in value]
        return tuple(value.shape) if hasattr(value, "shape") else value

    got, expected = run(retrograd), run(torch)
    assert got[0] == expected[0]
    for mine, theirs in zip(got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(plain(mine), plain(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.oracle
def test_loading_says_what_pytorch_says(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        net = make_net(t)
        state = net.state_dict()
        wrong = {"enter.weight": t.ones(2, 2), "unknown": t.ones(1), "body.9.weight": t.ones(1), "scale": 3}
        part = {"scale": t.full((4,), 7.0)}
        return [
            outcome(lambda: net.load_state_dict(wrong)),
            outcome(lambda: repr(net.load_state_dict(state))),
            outcome(lambda: repr(net.load_state_dict(part, strict=False))),
            plain(net.scale),
            outcome(lambda: net.load_state_dict(3)),
        ]

    assert run(retrograd) == run(torch)


@pytest.mark.oracle
def test_misuse_is_refused_with_pytorchs_words(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        net = make_net(t)

        class NoInit(t.nn.Module):
            def __init__(self, what: object) -> None:
                self.member = what

        calls: list[Callable[[], object]] = [
            lambda: setattr(net, "enter", 3),
            lambda: setattr(net.enter, "weight", 3),
            lambda: setattr(net.enter, "weight", t.ones(2)),
            lambda: setattr(net, "mean", 3),
            lambda: net.missing,
            lambda: net.register_parameter("a.b", None),
            lambda: net.register_parameter("", None),
            lambda: net.register_parameter("enter", None),
            lambda: net.register_parameter("p", t.ones(2)),
            lambda: net.register_parameter("p", t.nn.Parameter(t.ones(1)) * 2),
            lambda: net.register_buffer("enter", None),
            lambda: net.register_buffer("p", 3),
            lambda: net.register_buffer(3, None),
            lambda: net.add_module("mean", None),
            lambda: net.add_module("x.y", None),
            lambda: net.add_module("p", 3),
            lambda: NoInit(t.nn.Linear(1, 1)),
            lambda: NoInit(t.nn.Parameter(t.ones(1))),
            lambda: t.nn.Module()(3),
            lambda: repr(net.get_submodule("body.1")),
            lambda: net.get_submodule("body.7"),
            lambda: net.get_submodule("scale"),
            lambda: net.get_parameter("enter.bias"),
            lambda: net.get_parameter("enter.missing"),
            lambda: net.get_parameter("mean"),
            lambda: net.get_buffer("mean"),
            lambda: net.get_buffer("enter"),
            lambda: net.train(3),
            lambda: net.body[9],
            lambda: net.body.insert(9, t.nn.Tanh()),
            lambda: net.body + 3,
            lambda: net.to(t.int32),
        ]
        return [outcome(call) for call in calls]

    for got, expected in zip(run(retrograd), run(torch), strict=True):
        assert got == expected


@pytest.mark.oracle
def test_sequential_is_edited_as_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[str]:
        nn = t.nn
        chain = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
        texts = [repr(chain[1:]), repr(chain[-1]), repr(chain + nn.Sequential(nn.Tanh()))]
        chain.append(nn.Tanh())
        chain.insert(1, nn.Sigmoid())
        texts.append(repr(chain))
        del chain[0]
        texts.append(repr(chain))
        texts.append(repr(chain.pop(1)))
        chain[0] = nn.L1Loss()
        chain.extend([nn.ReLU(), nn.Tanh()])
        chain += nn.Sequential(nn.Identity())
        del chain[1:3]
        return [*texts, repr(chain), str(len(chain)), repr(list(chain))]

    assert run(retrograd) == run(torch)


# --- what holds without PyTorch


@pytest.mark.parametrize(("module", "name", "near"), [(nn, "Relu", "ReLU"), (nn.functional, "mse", "mse_loss"),
                                                      (nn.init, "xavier", "xavier_normal_")])  # fmt: skip
def test_a_name_that_is_not_there_is_answered_by_the_nearest(module: ModuleType, name: str, near: str) -> None:
    with pytest.raises(AttributeError, match=f"has no '{name}'; the nearest it has: .*{near}"):
        getattr(module, name)


def test_targets_of_another_shape_are_warned_of() -> None:
    """The commonest silent mistake in a regression: (n,) against (n, 1)."""
    with pytest.warns(UserWarning, match="likely lead to incorrect results due to broadcasting"):
        loss = nn.MSELoss()(retrograd.zeros(3, 1), retrograd.tensor([1.0, 2.0, 3.0]))
    assert loss.item() == pytest.approx(14 / 3)


def test_a_parameter_is_a_leaf_that_shares_its_tensor() -> None:
    data = retrograd.ones(3)
    parameter = nn.Parameter(data)
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert isinstance(parameter, retrograd.Tensor)
    data[0] = 5.0
    assert parameter.tolist() == [5.0, 1.0, 1.0]
    assert not nn.Parameter(data, requires_grad=False).requires_grad


def test_a_result_computed_from_a_parameter_is_a_plain_tensor() -> None:
    assert type(nn.Parameter(retrograd.ones(3)) * 2) is retrograd.Tensor


def test_a_copy_of_a_model_is_its_own() -> None:
    net = make_net(retrograd)
    twin = copy.deepcopy(net)
    assert isinstance(twin.scale, nn.Parameter)
    assert twin.again is twin.enter
    with retrograd.no_grad():
        twin.scale.fill_(9.0)
    assert net.scale.tolist() == [1.0] * 4
    x = retrograd.randn(2, 3)
    twin(x).sum().backward()
    assert net.enter.weight.grad is None
    assert twin.enter.weight.grad is not None


def test_conversion_reaches_parameters_gradients_and_buffers() -> None:
    net = make_net(retrograd)
    weight = net.enter.weight
    net(retrograd.ones(1, 3)).sum().backward()
    assert net.double() is net
    assert net.enter.weight is weight
    assert weight.dtype is retrograd.float64
    assert weight.grad.dtype is retrograd.float64
    assert net.mean.dtype is retrograd.float64
    assert net.to(retrograd.ones(1)).mean.dtype is retrograd.float32
    assert net.to("cpu", retrograd.float64).mean.dtype is retrograd.float64
    assert weight.is_leaf
    assert weight.requires_grad


def test_freezing_and_clearing_reach_everything_below() -> None:
    net = make_net(retrograd)
    net(retrograd.ones(1, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert net.scale.grad.tolist() == [0.0] * 4
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(retrograd.ones(1, 3)).requires_grad


def test_apply_goes_children_first() -> None:
    seen: list[str] = []
    nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Tanh())).apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "Tanh", "Sequential", "Sequential"]


def test_a_hook_can_be_removed_and_a_broken_forward_still_calls_who_asked() -> None:
    class Broken(nn.Module):
        def forward(self, x: object) -> object:
            raise KeyError("broken")

    seen: list[str] = []
    layer = Broken()
    handle = layer.register_forward_hook(lambda *_: seen.append("always"), always_call=True)
    layer.register_forward_hook(lambda *_: seen.append("never"))
    with pytest.raises(KeyError, match="broken"):
        layer(1)
    assert seen == ["always"]
    handle.remove()
    with pytest.raises(KeyError):
        layer(1)
    assert seen == ["always"]


def test_extra_state_travels() -> None:
    class Counting(nn.Module):
        count = 0

        def get_extra_state(self) -> object:
            return {"count": self.count}

        def set_extra_state(self, state: object) -> None:
            self.count = state["count"]

    first, second = Counting(), Counting()
    first.count = 7
    assert list(first.state_dict()) == ["_extra_state"]
    second.load_state_dict(first.state_dict())
    assert second.count == 7
    with pytest.raises(RuntimeError, match=r'Missing key.*"_extra_state"'):
        second.load_state_dict({})


def test_assigning_a_state_puts_its_tensors_in_place() -> None:
    layer = nn.Linear(1, 1)
    weight = retrograd.full((1, 1), 4.0, dtype=retrograd.float64)
    layer.load_state_dict({"weight": weight, "bias": retrograd.zeros(1)}, assign=True)
    assert layer.weight.dtype is retrograd.float64
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.requires_grad


def test_a_module_may_be_an_abstract_class_too() -> None:
    class Base(nn.Module, abc.ABC):
        @abc.abstractmethod
        def forward(self, x: object) -> object: ...

    class Concrete(Base):
        def forward(self, x: object) -> object:
            return x

    with pytest.raises(TypeError, match="abstract"):
        Base()
    assert Concrete()(3) == 3


def test_a_model_is_freed_when_the_last_name_is_gone() -> None:
    gc.collect()
    gc.disable()
    try:
        net = make_net(retrograd)
        net(retrograd.ones(1, 3)).sum().backward()
        parameter = weakref.ref(net.body[1].weight)
        del net
        assert parameter() is None
    finally:
        gc.enable()


class Witness:
    """A listener that notes scopes and constructions, and takes everything else."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def scope_entered(self, kind: str, name: str, owner: object) -> int:
        self.told.append(("enter", kind, type(owner).__name__))
        return len(self.told)

    def scope_exited(self, scope: int) -> None:
        self.told.append(("exit", *self.told[scope - 1][1:]))

    def construction_entered(self, owner: object) -> None:
        self.told.append(("build", type(owner).__name__))

    def construction_exited(self, owner: object) -> None:
        self.told.append(("built", type(owner).__name__))

    def op_starting(self, name: str, inputs: object, params: object) -> int:
        return 0

    def __getattr__(self, name: str) -> object:
        return lambda *args: None


@pytest.fixture
def witness() -> Witness:
    tap.listener = Witness()
    yield tap.listener
    tap.listener = None


def test_the_tap_hears_of_construction_and_of_calls_nested_as_they_are(witness: Witness) -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
    assert witness.told == [
        ("build", "Linear"), ("built", "Linear"), ("build", "Tanh"), ("built", "Tanh"),
        ("build", "Sequential"), ("built", "Sequential"),
    ]  # fmt: skip
    witness.told.clear()
    net(retrograd.ones(1, 1))
    modules = [entry for entry in witness.told if "module" in entry]
    assert modules == [
        ("enter", "module", "Sequential"), ("enter", "module", "Linear"), ("exit", "module", "Linear"),
        ("enter", "module", "Tanh"), ("exit", "module", "Tanh"), ("exit", "module", "Sequential"),
    ]  # fmt: skip


def test_the_tap_hears_the_end_of_what_failed(witness: Witness) -> None:
    class Broken(nn.Module):
        def __init__(self, early: bool) -> None:
            super().__init__()
            if early:
                raise KeyError("early")

        def forward(self) -> None:
            raise KeyError("late")

    with pytest.raises(KeyError, match="early"):
        Broken(True)
    with pytest.raises(KeyError, match="late"):
        Broken(False)()
    assert [word for word, *_ in witness.told] == ["build", "built", "build", "built", "enter", "exit"]


def test_watching_changes_no_number() -> None:
    x = retrograd.ones(2, 3)
    expected = make_net(retrograd)(x).tolist()
    tap.listener = Witness()
    try:
        assert make_net(retrograd)(x).tolist() == expected
    finally:
        tap.listener = None
