"""How much of PyTorch's own table of operators holds here.

    python tests/conformance/report.py [--family nn.functional] [--op NAME] [--dtype float64] [--samples N] [--write]

Prints the fraction of entries that pass with every sample, and by family what fails with the first reason. ``--write``
keeps the names of those that pass in passing-DTYPE.txt beside this file, which the tests hold the engine to.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "engine")]

import torch  # noqa: E402

from conformance.check import Result, check  # noqa: E402
from conformance.table import entries, family  # noqa: E402

J = TypeVar("J")
R = TypeVar("R")


def main() -> int:
    """Run, print; 0 when everything passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--family", default="")
    parser.add_argument("--op", default="", help="entries whose name contains this")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--samples", type=int, default=None, help="at most so many of each entry")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    dtype: torch.dtype = getattr(torch, options.dtype)
    chosen = [
        index
        for index, each in enumerate(entries())
        if options.op in each.formatted_name and options.family in ("", family(each)) and dtype in each.dtypes
    ]
    results = dict(spread(_one, [(index, options.dtype, options.samples) for index in chosen], options.jobs))
    table = entries()
    passed = sorted(table[index].formatted_name for index in chosen if not results[index].reason)
    _print([(family(table[index]), table[index].formatted_name, results[index]) for index in chosen])
    fraction = share(len(passed), len(chosen))
    print(f"{options.dtype}: {len(passed)} of {len(chosen)} entries pass with every sample ({fraction})")
    if options.write:
        (HERE / f"passing-{options.dtype}.txt").write_text("".join(f"{name}\n" for name in passed), encoding="utf-8")
    return 0 if len(passed) == len(chosen) else 1


def spread(one: Callable[[J], R], jobs: list[J], workers: int) -> Iterator[R]:
    """What ``one`` makes of each job, over ``workers`` processes of one thread each, in any order."""
    torch.set_num_threads(1)
    if workers < 2:
        yield from map(one, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(one, jobs, chunksize=4)


def _one(job: tuple[int, str, int | None]) -> tuple[int, Result]:
    index, dtype, samples = job
    try:
        return index, check(entries()[index], getattr(torch, dtype), samples)
    except Exception as error:  # noqa: BLE001  # PyTorch's own sample can fail to be made
        return index, Result(0, 0, f"no samples: {type(error).__name__}: {error}")


def share(part: int, whole: int) -> str:
    """A fraction in words."""
    return f"{100 * part / whole:.1f} %" if whole else "none"


def _print(rows: list[tuple[str, str, Result]]) -> None:
    for name in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == name]
        failed = [row for row in mine if row[2].reason]
        print(f"{name}: {len(mine) - len(failed)} of {len(mine)}")
        for _, entry, result in failed:
            print(f"  {entry} ({result.passed} of {result.samples}): {result.reason[:160]}")


if __name__ == "__main__":
    sys.exit(main())
