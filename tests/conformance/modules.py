"""How much of PyTorch's own table of modules holds here.

    python tests/conformance/modules.py [--module Conv] [--dtype float64] [--samples N] [--jobs 2] [--write]

Prints the fraction of modules that equal PyTorch's in every sample, in training and in evaluation: text, starting
values, state, output, gradients of inputs and parameters, second derivatives, and what they refuse. What fails follows
by reason. ``--write`` keeps the names of those that pass in modules-DTYPE.txt beside this file, which the tests hold
the engine to.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "engine")]

import torch  # noqa: E402

from conformance.check import Result  # noqa: E402
from conformance.check_module import check_module, modules  # noqa: E402
from conformance.report import share, spread  # noqa: E402

Job = tuple[str, str, int | None]


def main() -> int:
    """Run, print; 0 when everything passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--module", default="", help="modules whose name contains this")
    parser.add_argument("--dtype", action="append", help="may be given twice (default: float64 and float32)")
    parser.add_argument("--samples", type=int, default=None, help="at most so many of each module and mode")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    chosen = [name for name in modules() if options.module in name]
    failures = 0
    for dtype in options.dtype or ["float64", "float32"]:
        results = dict(spread(_one, [(name, dtype, options.samples) for name in chosen], options.jobs))
        passed = sorted(name for name in chosen if not results[name].reason)
        failures += len(chosen) - len(passed)
        _print({name: result for name, result in results.items() if result.reason})
        print(f"{dtype}: {len(passed)} of {len(chosen)} modules equal PyTorch's ({share(len(passed), len(chosen))})")
        if options.write:
            (HERE / f"modules-{dtype}.txt").write_text("".join(f"{name}\n" for name in passed), encoding="utf-8")
    return 1 if failures else 0


def _one(job: Job) -> tuple[str, Result]:
    name, dtype, samples = job
    return name, check_module(name, getattr(torch, dtype), samples)


def _print(failed: dict[str, Result]) -> None:
    """By the first words of the reason: what differs, or which error came."""
    for kind in sorted({result.reason.partition(":")[0] for result in failed.values()}):
        print(kind)
        for name, result in sorted(failed.items()):
            if result.reason.partition(":")[0] == kind:
                print(f"  {name} ({result.passed} of {result.samples}):{result.reason.removeprefix(kind)[1:200]}")


if __name__ == "__main__":
    sys.exit(main())
