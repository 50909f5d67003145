"""Benchmark: training steps of middling size, against PyTorch eager on all cores, in one run.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python tests/benchmarks/bench_training.py

An MLP 784-256-10 on batches of 64 (target: PyTorch's time), and a CNN of two 3x3 convolutions, 16 and 32 channels, each
with a max-pool, on 32 pictures of 28x28 (target: 1.3 of PyTorch's time). Rounds are interleaved; the best counts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(Path(__file__).resolve().parent)]

from bench_engine import measure  # noqa: E402

GOALS = {"MLP 784-256-10, batch 64": 1.0, "CNN 1-16-32, 28x28, batch 32": 1.3}


def programs(torch: Any) -> dict[str, Callable[[], None]]:
    """One training step of each, written once for both engines."""
    nn = torch.nn
    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    cnn = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip
    rng = np.random.default_rng(0)

    def step(model: Any, shape: tuple[int, ...]) -> Callable[[], None]:
        x = torch.tensor(rng.normal(size=shape).astype(np.float32))
        target = torch.tensor(rng.integers(0, 10, shape[0]))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

        def run() -> None:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), target).backward()
            optimizer.step()

        return run

    return dict(zip(GOALS, (step(mlp, (64, 784)), step(cnn, (32, 1, 28, 28))), strict=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    import torch

    import retrograd

    ours, theirs = programs(retrograd), programs(torch)
    for name, goal in GOALS.items():
        pairs = [(measure(ours[name], 0.4), measure(theirs[name], 0.4)) for _ in range(options.rounds)]
        mine, other = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
        print(f"{name}: {mine:.0f} µs, PyTorch {other:.0f} µs: {mine / other:.2f} (target {goal})")


if __name__ == "__main__":
    main()
