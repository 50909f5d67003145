"""The random stream: PyTorch's, draw for draw, with the generator left where PyTorch leaves it."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

import retrograd
from retrograd.random import Generator, default_generator

LENGTHS = [0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 100, 623, 624, 625, 1249]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def compare(torch: ModuleType, call: Callable[[ModuleType], object], tolerance: float = 0.0, seed: int = 1234) -> None:
    """``call`` gives the same under both engines, and leaves both generators in the same state."""
    torch.manual_seed(seed)
    retrograd.manual_seed(seed)
    expected, got = call(torch), call(retrograd)
    assert str(got.dtype).split(".")[1] == str(expected.dtype).split(".")[1]
    assert tuple(got.shape) == tuple(expected.shape)
    np.testing.assert_allclose(
        got.detach().numpy().astype(np.float64),
        expected.detach().to(torch.float64).numpy(),
        rtol=tolerance,
        atol=tolerance,
    )
    mine, theirs = default_generator.state_bytes(), bytes(torch.get_rng_state().numpy())
    kept = slice(5024, 5032)  # the normal kept back, a float64 that may differ in its last bit
    assert mine[: kept.start] + mine[kept.stop :] == theirs[: kept.start] + theirs[kept.stop :]
    assert np.frombuffer(mine[kept])[0] == pytest.approx(np.frombuffer(theirs[kept])[0], rel=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniforms_are_pytorchs(torch: ModuleType, length: int, dtype: str) -> None:
    compare(torch, lambda t: t.rand(length, dtype=getattr(t, dtype)))


@pytest.mark.oracle
@pytest.mark.parametrize("length", [5, 1000])
@pytest.mark.parametrize("bounds", [(-1, 1), (-0.3, 0.7), (-0.1234567, 0.1234567), (5, 5.5), (2, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniforms_between_bounds_are_pytorchs(
    torch: ModuleType, length: int, bounds: tuple[float, float], dtype: str
) -> None:
    compare(torch, lambda t: t.empty(length, dtype=getattr(t, dtype)).uniform_(*bounds))


@pytest.mark.oracle
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_normals_are_pytorchs(torch: ModuleType, length: int, dtype: str) -> None:
    compare(torch, lambda t: t.randn(length, dtype=getattr(t, dtype)), 1e-3 if dtype == "float16" else 1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("length", [1, 5, 20])
def test_normals_with_mean_and_deviation_are_pytorchs(torch: ModuleType, length: int) -> None:
    compare(torch, lambda t: t.empty(length).normal_(2, 3), 2e-6)
    compare(torch, lambda t: t.normal(2.0, 3.0, (length,)), 2e-6)


@pytest.mark.oracle
def test_a_normal_kept_back_is_the_next_one(torch: ModuleType) -> None:
    """An odd number of small draws keeps one normal back; a large draw in between does not use it up."""
    compare(torch, lambda t: t.cat([t.randn(n) for n in (3, 2, 5, 40, 1, 16, 1)]), 1e-6)


@pytest.mark.oracle
def test_seeding_forgets_a_normal_kept_back(torch: ModuleType) -> None:
    torch.randn(3)
    retrograd.randn(3)
    compare(torch, lambda t: t.randn(3), 1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "bounds", [(0, 10), (-5, 5), (0, 2**28 - 1), (0, 2**28), (-(2**40), 2**41), (-(2**63), 2**63 - 1)]
)
def test_integers_are_pytorchs(torch: ModuleType, bounds: tuple[int, int]) -> None:
    compare(torch, lambda t: t.randint(*bounds, (50,)))


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
def test_integers_of_other_types_are_pytorchs(torch: ModuleType, dtype: str) -> None:
    compare(torch, lambda t: t.randint(3, 100, (7, 5), dtype=getattr(t, dtype)))


@pytest.mark.oracle
@pytest.mark.parametrize("length", [*LENGTHS, 20_000])
def test_permutations_are_pytorchs(torch: ModuleType, length: int) -> None:
    compare(torch, lambda t: t.randperm(length))


@pytest.mark.oracle
def test_trials_are_pytorchs(torch: ModuleType) -> None:
    compare(torch, lambda t: t.bernoulli(t.full((40,), 0.3)))
    compare(torch, lambda t: t.bernoulli(t.full((40,), 0.3, dtype=t.float64)))
    compare(torch, lambda t: t.empty(40).bernoulli_(0.3))
    compare(torch, lambda t: t.bernoulli(t.zeros(3, 4), 0.5))


@pytest.mark.oracle
def test_a_transposed_tensor_is_filled_in_the_order_of_its_memory(torch: ModuleType) -> None:
    compare(torch, lambda t: t.empty(40, 2).t().uniform_())
    compare(torch, lambda t: t.empty(40, 2).t().normal_(), 1e-6)
    compare(torch, lambda t: t.zeros(6, 8)[:, ::2].normal_(), 1e-6)


@pytest.mark.oracle
def test_likes_follow_their_model(torch: ModuleType) -> None:
    compare(torch, lambda t: t.rand_like(t.zeros(3, 4, dtype=t.float64)))
    compare(torch, lambda t: t.randn_like(t.zeros(3, 4)), 1e-6)
    compare(torch, lambda t: t.randint_like(t.zeros(3, 4), 5))


@pytest.mark.oracle
def test_a_mixed_program_stays_in_step(torch: ModuleType) -> None:
    def program(t: ModuleType) -> object:
        parts = []
        for size in (3, 17, 1, 200):
            parts += [t.rand(size), t.randn(size), t.randperm(size).to(t.float32), t.empty(size).bernoulli_(0.5)]
            parts += [t.randint(0, 9, (size,)).to(t.float32), t.rand(size, dtype=t.float64).to(t.float32)]
        return t.cat(parts)

    compare(torch, program, 1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, 2**32, 2**63 + 5, -1, -3, -(2**63)])
def test_any_seed_is_pytorchs(torch: ModuleType, seed: int) -> None:
    compare(torch, lambda t: t.rand(5), seed=seed)
    assert retrograd.initial_seed() == torch.initial_seed()


@pytest.mark.oracle
def test_a_state_saved_in_pytorch_can_be_set_here(torch: ModuleType) -> None:
    torch.manual_seed(5)
    torch.randn(3)
    retrograd.set_rng_state(retrograd.tensor(torch.get_rng_state().tolist(), dtype=retrograd.uint8))
    np.testing.assert_allclose(retrograd.randn(4).numpy(), torch.randn(4).numpy(), rtol=1e-6)
    torch.set_rng_state(torch.tensor(retrograd.get_rng_state().tolist(), dtype=torch.uint8))
    np.testing.assert_allclose(retrograd.randn(30).numpy(), torch.randn(30).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="Overflow"):
        retrograd.manual_seed(seed)


def test_known_numbers_of_seed_zero() -> None:
    """The first draws that everybody knows, also where PyTorch is not installed."""
    retrograd.manual_seed(0)
    assert retrograd.rand(3).tolist() == pytest.approx([0.4962566, 0.7682218, 0.0884774], abs=1e-7)
    retrograd.manual_seed(0)
    assert retrograd.randn(3).tolist() == pytest.approx([1.5409961, -0.2934289, -2.1787894], abs=1e-6)
    retrograd.manual_seed(0)
    assert retrograd.randperm(10).tolist() == [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]


def test_a_generator_of_ones_own_leaves_the_default_alone() -> None:
    retrograd.manual_seed(3)
    before = default_generator.state_bytes()
    own = Generator().manual_seed(9)
    first = retrograd.rand(4, generator=own).tolist()
    assert default_generator.state_bytes() == before
    own.manual_seed(9)
    assert retrograd.rand(4, generator=own).tolist() == first
    assert own.initial_seed() == 9
    assert str(own.device) == "cpu"


def test_a_state_can_be_taken_and_set_back() -> None:
    retrograd.manual_seed(1)
    retrograd.randn(3)
    state = retrograd.get_rng_state()
    first = retrograd.randn(5).tolist()
    retrograd.set_rng_state(state)
    assert retrograd.randn(5).tolist() == first
    clone = default_generator.clone_state()
    assert retrograd.rand(3, generator=clone).tolist() == retrograd.rand(3).tolist()


def test_what_is_no_state_is_refused_and_changes_nothing() -> None:
    before = default_generator.state_bytes()
    with pytest.raises(RuntimeError, match="5056 bytes"):
        default_generator.set_state_bytes(b"too short")
    with pytest.raises(RuntimeError, match="no generator's state"):
        default_generator.set_state_bytes(bytes(5056))
    assert default_generator.state_bytes() == before


def test_forked_draws_do_not_count() -> None:
    retrograd.manual_seed(2)
    with retrograd.random.fork_rng():
        retrograd.rand(100)
    after = retrograd.rand(3).tolist()
    retrograd.manual_seed(2)
    assert retrograd.rand(3).tolist() == after


def test_seed_takes_fresh_entropy() -> None:
    assert len({retrograd.seed() for _ in range(4)}) == 4


def test_a_generator_elsewhere_is_refused() -> None:
    with pytest.raises(RuntimeError, match="lives on cpu"):
        Generator("cuda")


def test_threads_share_one_stream_without_tearing_it() -> None:
    """Two threads together draw what one thread would have drawn: no number twice, none lost."""
    own = Generator().manual_seed(4)
    drawn: list[float] = []

    def work() -> None:
        for _ in range(50):
            drawn.extend(own.uniform(20, 0, 1, np.float64).tolist())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = Generator().manual_seed(4).uniform(2000, 0, 1, np.float64)
    assert sorted(drawn) == sorted(expected.tolist())


def test_every_permutation_is_one() -> None:
    own = Generator().manual_seed(8)
    for count in (0, 1, 2, 3, 50, 1000):
        assert sorted(own.permutation(count).tolist()) == list(range(count))


@pytest.mark.oracle
@pytest.mark.parametrize("length", [3, 40])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("exponential_", (0.5,)), ("cauchy_", (1.0, 0.5)), ("log_normal_", (0.5, 0.25)), ("geometric_", (0.2,))],
)
def test_other_distributions_are_pytorchs(
    torch: ModuleType, name: str, parameters: tuple[float, ...], dtype: str, length: int
) -> None:
    compare(torch, lambda t: getattr(t.empty(length, dtype=getattr(t, dtype)), name)(*parameters), 1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize(("count", "replacement"), [(1, False), (3, False), (1, True), (9, True)])
def test_draws_by_weight_are_pytorchs(torch: ModuleType, count: int, replacement: bool) -> None:
    weights = [[0.1, 0.2, 0.3, 0.4], [4.0, 0.5, 1.0, 1.0]]
    compare(torch, lambda t: t.multinomial(t.tensor(weights), count, replacement))
    compare(torch, lambda t: t.multinomial(t.tensor(weights[0], dtype=t.float64), count, replacement))
