"""Data sets, samplers and loaders: PyTorch's batches, draws and errors; worker processes that end well and badly."""

from __future__ import annotations

import collections
import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import retrograd
from fixtures.loading import Faulty, Numbers, Stream, fail_at_start
from retrograd.utils import data
from retrograd.utils.data import DataLoader

METHODS = [method for method in ("fork", "spawn") if method == "spawn" or hasattr(os, "fork")]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    found = importlib.import_module("torch")
    importlib.import_module("torch.utils.data")
    return found


def plain(value: object) -> object:
    """Tensors as their dtype and numbers, inside whatever holds them."""
    if hasattr(value, "tolist"):
        return str(value.dtype).rpartition(".")[2], value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(each) for each in value]
    return value


OPTIONS = {
    "in order": {"batch_size": 4},
    "shuffled": {"batch_size": 4, "shuffle": True},
    "without the last": {"batch_size": 5, "shuffle": True, "drop_last": True},
    "one by one": {"batch_size": None},
    "two workers": {"batch_size": 4, "shuffle": True, "num_workers": 2},
    "who stay": {"batch_size": 4, "shuffle": True, "num_workers": 2, "persistent_workers": True},
    "far ahead": {"batch_size": 2, "num_workers": 2, "prefetch_factor": 5, "pin_memory": False},
}


@pytest.mark.oracle
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_two_passes_give_pytorchs_batches_and_leave_its_generator(
    torch: ModuleType, options: dict[str, object]
) -> None:
    def run(t: ModuleType) -> object:
        t.manual_seed(4)
        loader = t.utils.data.DataLoader(Numbers(t.__name__), **options)
        found = [plain(batch) for _ in range(2) for batch in loader]
        if "num_workers" not in options:  # Python's and NumPy's own streams go on here
            found = [batch[1][:2] if isinstance(batch[1][0], tuple) else batch for batch in found]
        return len(loader), found, t.rand(1).item()

    assert run(retrograd) == run(torch)


@pytest.mark.oracle
def test_a_generator_of_ones_own_orders_and_seeds(torch: ModuleType) -> None:
    def run(t: ModuleType) -> object:
        t.manual_seed(1)
        own = t.Generator().manual_seed(9)
        loader = t.utils.data.DataLoader(Numbers(t.__name__), 4, True, num_workers=2, generator=own)
        return [plain(batch) for _ in range(2) for batch in loader], t.rand(1).item(), t.rand(1, generator=own).item()

    assert run(retrograd) == run(torch)


@pytest.mark.parametrize("method", METHODS)
def test_every_way_to_start_workers_gives_the_same(method: str) -> None:
    retrograd.manual_seed(4)
    found = [
        plain(batch)
        for batch in DataLoader(Numbers("retrograd"), 4, True, num_workers=2, multiprocessing_context=method)
    ]
    retrograd.manual_seed(4)
    again = [plain(batch) for batch in DataLoader(Numbers("retrograd"), 4, True, num_workers=1)]
    assert [batch[1][:2] for batch in found] == [batch[1][:2] for batch in again]


@pytest.mark.parametrize("persistent", [False, True])
def test_a_stream_is_shared_out_among_workers(persistent: bool) -> None:
    loader = DataLoader(Stream(20), 3, num_workers=2, persistent_workers=persistent)
    for _ in range(2):
        batches = [batch.tolist() for batch in loader]
        assert sorted(number for batch in batches for number in batch) == sorted({*range(0, 20, 2), *range(1, 10, 2)})
        assert batches[:2] == [[0, 2, 4], [1, 3, 5]]
    assert [batch.tolist() for batch in DataLoader(Stream(5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(3), None)) == [0, 1, 2]


def test_batches_may_come_out_of_order() -> None:
    loader = DataLoader(Numbers("retrograd"), 4, num_workers=2, in_order=False)
    assert sorted(number for batch in loader for number in batch[1].tolist()) == list(range(23))


def test_workers_end_when_a_pass_is_broken_off() -> None:
    loader = DataLoader(Numbers("retrograd"), 2, num_workers=2)
    for batch in loader:
        assert batch[1].tolist() == [0, 1]
        break
    gc.collect()  # the fixture that watches processes fails if one is left


# --- bad endings


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [("raise_value", ValueError, r"Caught ValueError in DataLoader worker process 1(.|\n)*loading.py(.|\n)*sample 3"),
     ("raise_key", KeyError, r"no 3"),
     ("raise_odd", RuntimeError, r"Caught UnicodeDecodeError"),
     ("unpicklable", RuntimeError, r"of no module"),
     ("kill", RuntimeError, r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly.*SIGKILL.*\[2, 3\]"),
     ("leave", RuntimeError, r"exited unexpectedly.*exit code 7"),
     ("sleep", RuntimeError, r"DataLoader timed out after 2 seconds")],
)  # fmt: skip
def test_a_worker_that_fails_is_told(how: str, kind: type[Exception], words: str) -> None:
    if how == "kill" and os.name == "nt":
        pytest.skip("needs signals")
    batches = iter(DataLoader(Faulty(how), 2, num_workers=2, timeout=2 if how == "sleep" else 0))
    assert next(batches).tolist() == [0, 1]
    with pytest.raises(kind, match=words):
        next(batches)
    if how.startswith("raise"):
        assert next(batches).tolist() == [4, 5]
    del batches
    gc.collect()  # the exception's frames hold what they ran in


@pytest.mark.oracle
def test_a_failing_start_is_raised_as_in_pytorch(torch: ModuleType) -> None:
    for t in (torch, retrograd):
        loader = t.utils.data.DataLoader(range(4), num_workers=1, worker_init_fn=fail_at_start)
        with pytest.raises(LookupError, match="Caught LookupError in DataLoader worker process 0") as error:
            list(loader)
        assert "worker 0 can't start" in str(error.value)
        del error
        gc.collect()


BAD: dict[str, Callable[[ModuleType], object]] = {
    "workers": lambda d: d.DataLoader([1], num_workers=-1),
    "timeout": lambda d: d.DataLoader([1], timeout=-1),
    "prefetch": lambda d: d.DataLoader([1], prefetch_factor=2),
    "persistent": lambda d: d.DataLoader([1], persistent_workers=True),
    "sampler": lambda d: d.DataLoader([1], sampler=[0], shuffle=True),
    "batch sampler": lambda d: d.DataLoader([1], batch_sampler=[[0]], batch_size=2),
    "no batch": lambda d: d.DataLoader([1], batch_size=None, drop_last=True),
    "no size": lambda d: d.DataLoader([1], batch_size=0),
    "context": lambda d: d.DataLoader([1], num_workers=1, multiprocessing_context="thread"),
    "context without": lambda d: d.DataLoader([1], multiprocessing_context="spawn"),
    "empty": lambda d: d.DataLoader([], shuffle=True),
    "late": lambda d: setattr(d.DataLoader([1]), "batch_size", 3),
    "replacement": lambda d: d.RandomSampler([1], replacement=1),
    "weights": lambda d: d.WeightedRandomSampler([[0.1]], 2),
    "split": lambda d: d.random_split(range(4), [1, 2]),
    "fraction": lambda d: d.random_split(range(4), [1.5, -0.5]),
    "stack": lambda d: d.StackDataset(),
    "stack sizes": lambda d: d.StackDataset(range(3), range(4)),
    "concat": lambda d: d.ConcatDataset([]),
    "concat index": lambda d: d.ConcatDataset([[1], [2]])[-3],
    "unequal": lambda d: d.default_collate([[1, 2], [3]]),
    "kind": lambda d: d.default_collate([object()]),
    "text": lambda d: d.default_collate([np.array(["a"])]),
    "abstract": lambda d: d.Dataset()[0],
}


@pytest.mark.oracle
@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_bad_input_is_refused_as_pytorch_refuses_it(torch: ModuleType, make: Callable[[ModuleType], object]) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError, AssertionError, NotImplementedError)) as expected:
        make(torch.utils.data)
    with pytest.raises(expected.type) as got:
        make(data)
    assert str(got.value)[:25].lower() == str(expected.value)[:25].lower()


# --- the parts


Pair = collections.namedtuple("Pair", "left right")


@pytest.mark.oracle
def test_samples_are_joined_as_pytorch_joins_them(torch: ModuleType) -> None:
    samples = [
        [1, 2], [1.5, 2.5], [True, False], ["a", "b"], [b"a", b"b"], [np.float32(1), np.float32(2)],
        [np.arange(3), np.arange(3)], [(1, "x"), (2, "y")], [[1.0, 2], [3.0, 4]],
        [{"a": 1, "b": [2]}, {"a": 3, "b": [4]}],
        [Pair(1, 2.0), Pair(3, 4.0)], [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    ]  # fmt: skip
    for batch in samples:
        assert plain(data.default_collate(batch)) == plain(torch.utils.data.default_collate(batch))
        assert plain(data.default_convert(batch)) == plain(torch.utils.data.default_convert(batch))


@pytest.mark.oracle
def test_samplers_draw_as_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        d = t.utils.data
        t.manual_seed(2)
        own = t.Generator().manual_seed(5)
        samplers = [
            d.RandomSampler(range(10)), d.RandomSampler(range(10), generator=own),
            d.RandomSampler(range(10), num_samples=25), d.RandomSampler(range(10), True, 70),
            d.SubsetRandomSampler([4, 5, 6]), d.WeightedRandomSampler([0.1, 0.5, 0.4], 5),
            d.WeightedRandomSampler([0.1, 0.5, 0.4], 3, replacement=False), d.SequentialSampler("abc"),
            d.BatchSampler(d.SequentialSampler(range(10)), 3, True), d.BatchSampler(range(10), 3, False),
        ]  # fmt: skip
        parts = d.random_split(range(11), [0.3, 0.3, 0.4]) + d.random_split(range(4), [1, 3], generator=own)
        return [(list(each), len(each)) for each in samplers] + [each.indices for each in parts] + [t.rand(1).item()]

    assert run(retrograd) == run(torch)


@pytest.mark.oracle
def test_data_sets_combine_as_pytorchs(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        d = t.utils.data
        rows = d.TensorDataset(t.arange(6), t.arange(6) * 10)
        joined = d.ConcatDataset([rows, d.Subset(rows, [5, 3])]) + rows
        stacked = d.StackDataset(a=rows, b=range(6))
        found = [
            len(joined),
            joined[7],
            joined[-1],
            joined.cumulative_sizes,
            stacked[2],
            d.StackDataset(rows, "abcdef")[1],
        ]
        found += [d.Subset(joined, [1, 7]).__getitems__([1, 0]), stacked.__getitems__([1, 2])]
        return plain([*found, *d.DataLoader(joined, 5), *d.DataLoader(stacked, 4)])

    assert run(retrograd) == run(torch)


def test_streams_follow_each_other() -> None:
    assert list(Stream(2) + Stream(3)) == [0, 1, 0, 1, 2]
    with pytest.raises(AssertionError, match="IterableDataset"):
        list(data.ChainDataset([[1]]))


@pytest.mark.parametrize("method", METHODS)
def test_a_loader_with_workers_runs_under_the_debugger(method: str, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import retrograd as torch\n"
        "from retrograd.utils.data import DataLoader, TensorDataset\n"
        "def main():\n"
        "    torch.manual_seed(0)\n"
        "    rows = TensorDataset(torch.arange(12.0).reshape(6, 2), torch.ones(6, 1))\n"
        "    layer = torch.nn.Linear(2, 1)\n"
        "    optimizer = torch.optim.Adam(layer.parameters())\n"
        f"    for x, y in DataLoader(rows, 2, True, num_workers=2, multiprocessing_context={method!r}):\n"
        "        optimizer.zero_grad()\n"
        "        (layer(x) - y).square().mean().backward()\n"
        "        optimizer.step()\n"
        "        print('step', x.sum().item())\n"
        "if __name__ == '__main__':\n"
        "    main()\n",
        encoding="utf-8",
    )
    plain_run = [sys.executable, str(script)]
    watched = [sys.executable, "-m", "retrograd_debug", "run", "--log", str(tmp_path / "run.retro"), str(script)]
    said = []
    environment = os.environ | {"PYTHONPATH": str(Path(retrograd.__file__).parents[1])}
    for command in (plain_run, watched):
        ran = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=100, check=False
        )
        assert ran.returncode == 0, ran.stderr
        said.append([line for line in ran.stdout.splitlines() if line.startswith("step")])
    assert said[0] == said[1]
    assert len(said[0]) == 3
