"""Benchmark 2, second half: what the tap's test costs an op while nobody listens.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python tests/benchmarks/bench_tap.py

Copies the engine, removes the tap from the copy's dispatch (the read of ``tap.listener`` and what hangs on it), and
times a chain of small ops, forward only, in both, in interleaved pairs. Prints the median difference in ns an op; the
target is 50.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ENGINE = Path(__file__).resolve().parents[2] / "engine"
OPS = 50
CHAIN = f"""
import sys, time
import retrograd
x, w = retrograd.ones(8, 8, requires_grad=True), retrograd.ones(8, 8)
def chain():
    h = x
    for _ in range({OPS // 2}):
        h = h * w
        h = h + w
for _ in range(200):
    chain()
for line in sys.stdin:
    best = 1e9
    for _ in range(20):
        began = time.process_time_ns()
        for _ in range(20):
            chain()
        best = min(best, (time.process_time_ns() - began) / 20)
    print(best / {OPS}, flush=True)
"""


START = r"^        listener = tap\.listener\n        started = 0\n        if listener is not None:\n.*"
TESTS = (
    START + r"\(input, other\).*\n",
    START + r"\(input,\).*\n",
    r"^ +if listener is not None and meta\.numel .*\n .*\n",
    r"^        if listener is not None:\n            listener\.op_applied\(name, \(input.*\n",
)
"""Where the call of an elementwise op looks at the tap."""


def without_tap(target: Path) -> None:
    """A copy of the engine whose ops do not ask for a listener."""
    for package in ("retrograd", "retrograd_events"):
        shutil.copytree(ENGINE / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    dispatch = target / "retrograd" / "ops" / "dispatch.py"
    text = dispatch.read_text()
    for test in TESTS:
        text, count = re.subn(test, "", text, flags=re.MULTILINE)
        if not count:
            raise SystemExit("the tap's test was not found where it was")
    dispatch.write_text(re.sub(r"(errors\.told\(|, )listener\b(?=, op|\)$)", r"\1None", text, flags=re.MULTILINE))


def start(path: Path) -> subprocess.Popen[str]:
    """A process that measures once per line it is sent."""
    return subprocess.Popen(
        [sys.executable, "-c", CHAIN], env={"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def ask(process: subprocess.Popen[str]) -> float:
    """One measurement, in ns an op."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--pairs", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        without_tap(copy)
        with start(ENGINE) as tapped, start(copy) as bare:
            pairs = [(ask(tapped), ask(bare)) for _ in range(options.pairs)]
            for process in (tapped, bare):
                assert process.stdin is not None
                process.stdin.close()
    extra = statistics.median(with_tap - without for with_tap, without in pairs)
    with_tap, without = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"an op with the tap {with_tap:.0f} ns, without {without:.0f} ns; median difference {extra:.0f} ns")


if __name__ == "__main__":
    main()
