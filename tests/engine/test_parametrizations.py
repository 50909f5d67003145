"""Parametrizations and normalised weights: the same lines on PyTorch give the same members, outputs and gradients."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

import retrograd

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")]

Run = Callable[[ModuleType], list[object]]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def same(torch: ModuleType, run: Run, tolerance: float = 1e-6) -> None:
    """Texts and names equal, numbers to rounding."""

    def numbers(value: object) -> object:
        return np.asarray(value.detach().tolist()) if hasattr(value, "detach") else value

    found, expected = run(retrograd), run(torch)
    assert len(found) == len(expected)
    for place, (one, other) in enumerate(zip(map(numbers, found), map(numbers, expected), strict=True)):
        if isinstance(other, np.ndarray):
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=f"result {place}")
        else:
            assert one == other, f"result {place}"


def outcome(call: Callable[[], object]) -> str:
    try:
        return str(call())
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        return type(error).__name__


def trained(t: ModuleType, layer: object, *shape: int) -> list[object]:
    """The layer's text, members, output and gradients after two calls in training and one in evaluation."""
    t.manual_seed(4)
    x = t.randn(*shape, dtype=t.float64, requires_grad=True)
    out = layer(x) + layer(x)
    out.sum().backward()
    return [
        repr(layer),
        [name for name, _ in layer.named_parameters()],
        list(layer.state_dict()),
        out,
        x.grad,
        *(parameter.grad for parameter in layer.parameters()),
        layer.eval()(x),
        *layer.state_dict().values(),
    ]


LAYERS: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
    ("Linear", (4, 3), (5, 4)),
    ("Conv2d", (2, 3, 3), (1, 2, 5, 5)),
    ("ConvTranspose1d", (2, 3, 2), (2, 2, 4)),
]


@pytest.mark.parametrize(("kind", "sizes", "shape"), LAYERS)
@pytest.mark.parametrize(
    ("where", "name", "options"),
    [
        ("parametrizations", "weight_norm", {}),
        ("parametrizations", "weight_norm", {"dim": None}),
        ("parametrizations", "weight_norm", {"dim": 1}),
        ("parametrizations", "spectral_norm", {}),
        ("parametrizations", "spectral_norm", {"n_power_iterations": 3, "dim": 1}),
        ("parametrizations", "spectral_norm", {"name": "bias", "dim": 0}),
        ("", "weight_norm", {}),
        ("", "weight_norm", {"dim": None}),
        ("", "spectral_norm", {"n_power_iterations": 2}),
    ],
)
def test_normalised_layers_are_pytorchs(
    torch: ModuleType,
    kind: str,
    sizes: tuple[int, ...],
    shape: tuple[int, ...],
    where: str,
    name: str,
    options: dict[str, object],
) -> None:
    def run(t: ModuleType) -> list[object]:
        t.manual_seed(2)
        home = getattr(t.nn.utils, where) if where else t.nn.utils
        layer = getattr(t.nn, kind)(*sizes).to(t.float64)
        layer = getattr(home, name)(layer, **options)
        seen = trained(t, layer, *shape)
        target = options.get("name", "weight")
        if where:
            t.nn.utils.parametrize.remove_parametrizations(layer, target)
        else:
            getattr(t.nn.utils, f"remove_{name}")(layer)
        plain = copy.deepcopy(layer)
        return [
            *seen,
            repr(plain),
            sorted(plain.state_dict()),
            *(plain.state_dict()[key] for key in ("weight", "bias")),
        ]

    same(torch, run)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6)])
@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal_weights_are_pytorchs(
    torch: ModuleType, shape: tuple[int, int], kind: str | None, trivial: bool
) -> None:
    def run(t: ModuleType) -> list[object]:
        t.manual_seed(2)
        layer = t.nn.Linear(shape[1], shape[0]).to(t.float64)
        made = t.nn.utils.parametrizations.orthogonal(layer, orthogonal_map=kind, use_trivialization=trivial)
        seen = [repr(made), [name for name, _ in made.named_parameters()], list(made.state_dict())]
        weight = made.weight
        (weight * t.arange(float(weight.numel()), dtype=t.float64).reshape(weight.shape)).sum().backward()
        small = weight.mT @ weight if shape[0] >= shape[1] else weight @ weight.mT
        held = made.parametrizations.weight.original
        return [*seen, small, weight, held, held.grad, outcome(lambda: setattr(made, "weight", t.ones(2, 2)))]

    same(torch, run, 1e-6)


def test_a_parametrization_of_ones_own_is_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        nn, P = t.nn, t.nn.utils.parametrize
        calls: list[str] = []

        class Symmetric(nn.Module):
            def forward(self, X: object) -> object:
                calls.append("symmetric")
                return X.triu() + X.triu(1).mT

            def right_inverse(self, A: object) -> object:
                return A.triu()

        class Exponential(nn.Module):
            def forward(self, X: object) -> object:
                return X.exp()

        class Rank(nn.Module):
            def forward(self, X: object, Y: object) -> object:
                return X @ Y

            def right_inverse(self, A: object) -> object:
                return A[:, :1], A[:1]

        class Wrong(nn.Module):
            def forward(self, X: object) -> object:
                return X[:1]

        t.manual_seed(3)
        layer = nn.Linear(3, 3)
        before = layer.weight
        P.register_parametrization(layer, "weight", Symmetric())
        seen = [repr(layer), type(layer).__name__, layer.weight, P.is_parametrized(layer), isinstance(layer, nn.Linear)]
        seen += [P.is_parametrized(layer, "bias"), P.type_before_parametrizations(layer).__name__]
        seen += [layer.parametrizations.weight.original is before, len(list(layer.parameters()))]
        layer.weight = t.full((3, 3), 2.0)
        seen += [layer.weight, layer.parametrizations.weight.original]
        other = copy.deepcopy(layer)
        with t.no_grad():
            other.parametrizations.weight.original.zero_()
        seen += [layer.weight, other.weight]
        P.register_parametrization(layer, "weight", Exponential())
        seen += [repr(layer), layer.weight, outcome(lambda: setattr(layer, "weight", t.ones(3, 3)))]
        calls.clear()
        with P.cached():
            first, second = layer.weight, layer.weight
            seen += [first is second, len(calls)]
        seen += [layer.weight is layer.weight, list(layer.state_dict())]
        P.register_parametrization(layer, "bias", Exponential())
        seen += [layer.bias, [name for name, _ in layer.named_parameters()]]
        P.remove_parametrizations(layer, "bias", leave_parametrized=False)
        P.remove_parametrizations(layer, "weight")
        seen += [repr(layer), type(layer).__name__, layer.weight, layer.bias, layer.weight is before]
        two = nn.Linear(2, 4)
        P.register_parametrization(two, "weight", Rank())
        seen += [[name for name, _ in two.named_parameters()], two.weight]
        third = nn.Linear(2, 4)
        P.transfer_parametrizations_and_params(two, third)
        seen += [
            repr(third),
            third.weight,
            two.parametrizations.weight.original0 is third.parametrizations.weight.original0,
        ]
        return [
            *seen,
            outcome(lambda: P.remove_parametrizations(two, "weight", leave_parametrized=False)),
            outcome(lambda: P.remove_parametrizations(two, "bias")),
            outcome(lambda: P.register_parametrization(nn.Linear(3, 3), "weight", Wrong())),
            outcome(lambda: P.register_parametrization(nn.Linear(3, 3), "nothing", Symmetric())),
            repr(P.remove_parametrizations(two, "weight")),
        ]

    same(torch, run)


def test_states_of_the_older_weight_norm_can_be_loaded(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        t.manual_seed(1)
        old = t.nn.utils.weight_norm(t.nn.Linear(3, 2))
        new = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 2))
        return [repr(new.load_state_dict(old.state_dict())), new.weight, old.weight]

    same(torch, run)


def test_misuse_is_refused_as_by_pytorch(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        utils, nn = t.nn.utils, t.nn
        weighted, spectral = utils.weight_norm(nn.Linear(2, 2)), utils.spectral_norm(nn.Linear(2, 2))
        return [
            outcome(lambda: utils.weight_norm(weighted)),
            outcome(lambda: utils.spectral_norm(spectral)),
            outcome(lambda: utils.remove_weight_norm(spectral)),
            outcome(lambda: utils.remove_spectral_norm(weighted)),
            outcome(lambda: utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)),
            outcome(lambda: utils.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)),
            outcome(lambda: utils.parametrizations.spectral_norm(nn.ReLU())),
            outcome(lambda: utils.parametrizations.orthogonal(nn.ReLU())),
            outcome(lambda: utils.parametrizations.orthogonal(nn.Linear(2, 2), "bias")),
            outcome(lambda: utils.parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="wavy")),
            outcome(lambda: utils.skip_init(int)),
        ]

    same(torch, run)


def test_skipping_starting_values_uses_no_random_number(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        t.manual_seed(7)
        layer = t.nn.utils.skip_init(t.nn.Linear, 3, 2, bias=False)
        return [repr(layer), tuple(layer.weight.shape), t.rand(2)]

    same(torch, run)


def test_a_module_is_called_with_other_parameters_by_its_older_name(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        layer = t.nn.Linear(2, 2)
        zero = {"weight": t.zeros(2, 2), "bias": t.ones(2)}
        return [t.nn.utils.stateless.functional_call(layer, zero, t.ones(1, 2))]

    same(torch, run)
