"""Starting values: PyTorch's, draw for draw."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

import numpy as np
import pytest

import retrograd
from retrograd import nn


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


Shape = tuple[int, ...]

INITIALISERS: list[tuple[str, tuple[object, ...], Shape]] = [
    ("uniform_", (-0.2, 0.3), (6, 5, 2)), ("normal_", (1.0, 0.5), (6, 5, 2)), ("constant_", (0.7,), (6, 5)),
    ("ones_", (), (6, 5)), ("zeros_", (), (6, 5)),
    ("xavier_uniform_", (), (6, 5, 2)), ("xavier_normal_", (2.0,), (6, 5, 2)),
    ("kaiming_uniform_", (), (6, 5, 2)), ("kaiming_normal_", (), (6, 5, 2)),
    ("kaiming_uniform_", (0.1, "fan_out"), (6, 5, 2)), ("kaiming_normal_", (0, "fan_out", "relu"), (6, 5, 2)),
    ("kaiming_uniform_", (0, "fan_in", "tanh"), (6, 5, 2)),
    ("trunc_normal_", (), (40, 30)), ("trunc_normal_", (0.5, 2.0, -1.0, 2.0), (40, 30)),
    ("trunc_normal_", (0.0, 1.0, 2.0, 2.5), (40, 30)), ("trunc_normal_", (0.0, 1.0, -0.1, 0.2), (40, 30)),
    ("eye_", (), (4, 6)), ("dirac_", (), (6, 3, 5)), ("dirac_", (3,), (6, 3, 4, 5)), ("dirac_", (2,), (4, 3, 1, 2, 3)),
    ("orthogonal_", (), (5, 3)), ("orthogonal_", (2.0,), (3, 4, 2)), ("orthogonal_", (), (4, 4)),
    ("orthogonal_", (), (0, 4)), ("sparse_", (0.4,), (7, 3)), ("sparse_", (0.1, 2.0), (5, 6)),
]  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "arguments", "shape"), INITIALISERS)
def test_initialisers_are_pytorchs(torch: ModuleType, name: str, arguments: tuple[object, ...], shape: Shape) -> None:
    def run(t: ModuleType) -> tuple[object, object]:
        t.manual_seed(3)
        tensor = t.empty(shape, requires_grad=True)
        assert getattr(t.nn.init, name)(tensor, *arguments) is tensor
        assert tensor.is_leaf
        return tensor.detach().tolist(), t.rand(3).tolist()

    found, expected = run(retrograd), run(torch)
    drawn = "normal" in name or name in ("orthogonal_", "sparse_")
    np.testing.assert_allclose(found[0], expected[0], rtol=2e-6 if drawn else 0, atol=2e-6 if drawn else 0)
    assert found[1] == expected[1], "the generator stands elsewhere"


@pytest.mark.oracle
def test_initialisers_draw_from_the_generator_that_they_are_given(torch: ModuleType) -> None:
    def run(t: ModuleType, name: str) -> object:
        t.manual_seed(1)
        generator = t.Generator().manual_seed(9)
        made = getattr(t.nn.init, name)(t.empty(4, 3), generator=generator)
        return [made.tolist(), t.rand(1).tolist()]

    for name in ("uniform_", "normal_", "xavier_normal_", "kaiming_uniform_", "orthogonal_", "trunc_normal_"):
        found, expected = run(retrograd, name), run(torch, name)
        np.testing.assert_allclose(found[0], expected[0], rtol=2e-6, atol=2e-6)
        assert found[1] == expected[1]


@pytest.mark.oracle
def test_every_name_is_there(torch: ModuleType) -> None:
    names = {name for name in dir(torch.nn.init) if callable(getattr(torch.nn.init, name))}
    public = {name for name in names if getattr(torch.nn.init, name).__module__ == "torch.nn.init" and name[0] != "_"}
    assert {name for name in public if not hasattr(nn.init, name)} == set()


def test_older_names_warn_and_do_the_same() -> None:
    retrograd.manual_seed(0)
    with pytest.warns(FutureWarning, match=r"in favor of `nn.init.uniform_`"):
        old = nn.init.uniform(retrograd.empty(3), 2.0, 3.0)
    retrograd.manual_seed(0)
    assert old.tolist() == nn.init.uniform_(retrograd.empty(3), 2.0, 3.0).tolist()


def test_initialisers_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        nn.init.kaiming_uniform_(retrograd.empty(3))
    with pytest.raises(ValueError, match="Mode fan_up not supported"):
        nn.init.kaiming_uniform_(retrograd.empty(3, 3), mode="fan_up")
    with pytest.raises(ValueError, match="Unsupported nonlinearity"):
        nn.init.calculate_gain("wavy")
    for call in (nn.init.eye_, lambda tensor: nn.init.sparse_(tensor, 0.1)):
        with pytest.raises(ValueError, match="2 dimensions"):
            call(retrograd.empty(3))
    with pytest.raises(ValueError, match="2 or more dimensions"):
        nn.init.orthogonal_(retrograd.empty(3))
    with pytest.raises(ValueError, match="3, 4, or 5 dimensions"):
        nn.init.dirac_(retrograd.empty(3, 3))
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.init.dirac_(retrograd.empty(3, 3, 3), 2)


def test_a_truncated_normal_far_from_its_bounds_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        made = nn.init.trunc_normal_(retrograd.empty(50), 0.0, 1.0, 2.5, 3.0)
    assert bool(((made >= 2.5) & (made <= 3.0)).all())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.init.trunc_normal_(retrograd.empty(5))
