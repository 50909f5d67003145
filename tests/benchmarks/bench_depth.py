"""Benchmark: backward through a deep chain, where a recursive walk would overflow.

    python tests/benchmarks/bench_depth.py

Prints, for chains of 25, 50 and 100 thousand nodes, the time of forward and backward, and of backward a node: constant
when the time is linear.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "engine"))
ROUNDS = 3


def main() -> None:
    """Measure and print."""
    import retrograd

    for depth in (25_000, 50_000, 100_000):
        best = [float("inf")] * 2
        for _ in range(ROUNDS):
            began = time.perf_counter()
            leaf = retrograd.ones(3, requires_grad=True)
            h = leaf
            for _ in range(depth):
                h = h * 1.0
            total = h.sum()
            middle = time.perf_counter()
            total.backward()
            best = [min(best[0], middle - began), min(best[1], time.perf_counter() - middle)]
            if leaf.grad is None or leaf.grad.tolist() != [1.0, 1.0, 1.0]:
                raise SystemExit(f"the gradient through {depth:,} nodes is {leaf.grad}")
            del h, total  # let the graph go outside the clock
        forward, backward = best
        print(
            f"{depth:>7,} nodes: forward {forward * 1e3:.0f} ms, backward {backward * 1e3:.0f} ms,"
            f" {backward / depth * 1e6:.2f} µs a node"
        )


if __name__ == "__main__":
    main()
