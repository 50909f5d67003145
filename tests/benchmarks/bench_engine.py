"""Benchmark 1 and 2: small ops forward and backward, against PyTorch, HIPS autograd and MyGrad, in one run.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python tests/benchmarks/bench_engine.py

Prints, for a chain of 51 small ops (8x8: 25 multiplications, 25 additions, a sum) and for a step of the linear
regression example, the time of each library and its share of PyTorch's; ``recorded`` is ours with every event written
to a log, values excepted, and ``its … events alone`` the least that so many events cost in Python, whoever writes them.
The targets: 0.6 unrecorded, 0.85 recorded. Rounds are interleaved and each library's
median is taken, so that a busy machine disturbs all alike. Libraries that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "gui")]

Step = Callable[[], object]
PAIRS = 25
DATA = np.random.default_rng(0)
X8, W8, B8 = (DATA.normal(size=(8, 8)).astype(np.float32) for _ in range(3))
XS = DATA.normal(size=(100, 1)).astype(np.float32)
YS = 2 * XS + 1 + DATA.normal(size=(100, 1)).astype(np.float32)


def torch_like(torch: object, nn: object, optim: object) -> dict[str, Step]:
    """The two programs, written once for PyTorch and for us."""
    x = torch.tensor(X8, requires_grad=True)  # type: ignore[attr-defined]
    w, b = torch.tensor(W8), torch.tensor(B8)  # type: ignore[attr-defined]

    def chain() -> None:
        x.grad = None
        h = x
        for _ in range(PAIRS):
            h = h * w
            h = h + b
        h.sum().backward()

    programs: dict[str, Step] = {"chain of 51": chain}
    if nn is not None and optim is not None:
        inputs, targets = torch.tensor(XS), torch.tensor(YS)  # type: ignore[attr-defined]
        model = nn.Linear(1, 1)  # type: ignore[attr-defined]
        loss_of = nn.MSELoss()  # type: ignore[attr-defined]
        optimizer = optim.SGD(model.parameters(), lr=0.05)  # type: ignore[attr-defined]

        def step() -> None:
            loss = loss_of(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        programs["linear regression step"] = step
    return programs


def hips() -> dict[str, Step]:
    """HIPS autograd."""
    import autograd
    import autograd.numpy as anp

    def chain_of(x: object) -> object:
        h = x
        for _ in range(PAIRS):
            h = h * W8  # type: ignore[operator]
            h = h + B8
        return anp.sum(h)

    def loss_of(parameters: object) -> object:
        weight, bias = parameters  # type: ignore[misc]
        off = anp.dot(XS, weight) + bias - YS
        return anp.mean(off * off)

    chain_grad, step_grad = autograd.grad(chain_of), autograd.grad(loss_of)
    held = [np.ones((1, 1), np.float32), np.zeros(1, np.float32)]

    def step() -> None:
        for each, grad in zip(held, step_grad(held), strict=True):
            each -= 0.05 * grad

    return {"chain of 51": lambda: chain_grad(X8), "linear regression step": step}


def mygrad() -> dict[str, Step]:
    """MyGrad."""
    import mygrad as mg

    x = mg.tensor(X8)
    weight, bias = mg.tensor(np.ones((1, 1), np.float32)), mg.tensor(np.zeros(1, np.float32))

    def chain() -> None:
        h = x
        for _ in range(PAIRS):
            h = h * W8
            h = h + B8
        h.sum().backward()

    def step() -> None:
        off = mg.matmul(XS, weight) + bias - YS
        (off * off).mean().backward()
        for each in (weight, bias):
            each.data -= 0.05 * each.grad

    return {"chain of 51": chain, "linear regression step": step}


def libraries() -> dict[str, dict[str, Step]]:
    """Every library that is here."""
    import retrograd

    found = {"retrograd": torch_like(retrograd, *(_module(f"retrograd.{name}") for name in ("nn", "optim")))}
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
        found["torch"] = torch_like(torch, torch.nn, torch.optim)
    for name, make in (("autograd", hips), ("mygrad", mygrad)):
        if importlib.util.find_spec(name) is not None:
            found[name] = make()
    return found


def _module(name: str) -> object:
    return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None


def measure(step: Step, seconds: float) -> float:
    """Microseconds a call: the best of a few batches that fill ``seconds``."""
    step()
    began = time.perf_counter()
    step()
    count = max(1, int(seconds / 3 / max(time.perf_counter() - began, 1e-6)))
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        for _ in range(count):
            step()
        best = min(best, (time.perf_counter() - began) / count)
    return best * 1e6


def recorded(programs: dict[str, Step], rounds: int, seconds: float) -> dict[str, tuple[float, int]]:
    """Ours again, with every event recorded and no values: microseconds and events a step."""
    from retrograd_debug import record

    times: dict[str, list[float]] = {name: [] for name in programs}
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder, record(Path(folder) / "bench.retro", values="none") as recording:
        for name, step in programs.items():
            step()
            before = recording.seq
            step()
            counts[name] = recording.seq - before
        for _ in range(rounds):
            for name, step in programs.items():
                times[name].append(measure(step, seconds))
    return {name: (statistics.median(each), counts[name]) for name, each in times.items()}


def bare_events(count: int) -> float:
    """Microseconds that ``count`` events cost any recorder in Python: to read the clock, list an event's fields, encode
    them by the batch and copy them away. What the recorded steps can't go below."""
    import msgspec

    encode, batch, target, clock = msgspec.msgpack.Encoder().encode, 32, bytearray(1 << 20), time.perf_counter_ns

    def write() -> None:
        events: list[object] = []
        for number in range(count):
            kind = (number, 0, (8, 8), "float32", "cpu", True)
            events.append([10, number, clock(), 0, "mul", 5, 6, [(number, 0), (7, 0)], [kind], {}, 0, 900, number, 8])
            if len(events) >= batch:
                data = encode(events)
                target[: len(data)] = data
                events.clear()

    return measure(write, 0.15)


def main() -> None:
    """Measure and print (``--json``: as JSON)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.15, help="time for one measurement")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = libraries()
    times: dict[str, dict[str, list[float]]] = {}
    for _ in range(options.rounds):
        for library, programs in found.items():
            for name, step in programs.items():
                times.setdefault(name, {}).setdefault(library, []).append(measure(step, options.seconds))
    medians = {name: {lib: statistics.median(each) for lib, each in row.items()} for name, row in times.items()}
    try:
        for name, (value, count) in recorded(found["retrograd"], options.rounds, options.seconds).items():
            medians[name]["retrograd, recorded"] = value
            medians[name][f"its {count} events alone"] = bare_events(count)
    except (ImportError, TypeError) as error:
        print(f"not recorded: {error}", file=sys.stderr)
    if options.json:
        print(json.dumps(medians))
        return
    for name, row in medians.items():
        reference = row.get("torch")
        print(name)
        for library, value in row.items():
            share = f"{value / reference:6.2f} of PyTorch's" if reference else ""
            print(f"  {library:20} {value:9.1f} µs {share}")


if __name__ == "__main__":
    main()
