"""Benchmark: the peak of memory in a step of the CNN, against PyTorch, each in a process of its own.

    python tests/benchmarks/bench_memory.py

What is measured is the resident memory of the process at its highest (``VmHWM``, begun anew) less what it was when
model and data were there, after a first step on one picture that loads whatever is loaded on demand: what the steps
need, working memory of the libraries included, and not the libraries' code. ``tracemalloc`` beside it counts the arrays
that NumPy holds at the peak; PyTorch's tensors are not in its sight. Linux only.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(Path(__file__).resolve().parent)]
STEPS = 5
GOAL = 1.3


def resident() -> int:
    """Bytes of the process in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def child(engine: str, traced: bool) -> None:
    """Run a few steps and print how many bytes they took at the peak."""
    import importlib

    from bench_training import classifier, cnn

    torch = importlib.import_module(engine)
    nn = torch.nn
    small = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip
    classifier(torch, small, (1, 1, 28, 28))()
    step = cnn(torch)
    if traced:
        tracemalloc.start()
        for _ in range(STEPS):
            step()
        print(tracemalloc.get_traced_memory()[1])
        return
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew here
    before = resident()
    for _ in range(STEPS):
        step()
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))
    print(peak - before)


def measured(engine: str, traced: bool = False) -> float:
    """MiB at the peak, in a process of its own."""
    command = [sys.executable, __file__, engine, *(["traced"] if traced else [])]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 2**20


def main() -> None:
    """Measure and print."""
    if len(sys.argv) > 1:
        child(sys.argv[1], "traced" in sys.argv)
        return
    ours, theirs = measured("retrograd"), measured("torch")
    print(
        f"CNN step, memory above the start: {ours:.1f} MiB, PyTorch {theirs:.1f} MiB: {ours / theirs:.2f} (goal {GOAL})"
    )
    print(f"of it NumPy's arrays at the peak: {measured('retrograd', traced=True):.1f} MiB")


if __name__ == "__main__":
    main()
