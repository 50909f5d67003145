"""What held of PyTorch's own table of operators goes on holding. ``report.py`` tells the whole of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SAMPLES = None if os.environ.get("RETROGRAD_CONFORMANCE") == "full" else 5
"""Samples tried of each entry: the first few, or (RETROGRAD_CONFORMANCE=full) all."""

KEPT = [
    pytest.param(dtype, name, id=f"{dtype}-{name}")
    for file in sorted(HERE.glob("passing-*.txt"))
    for dtype in [file.stem.removeprefix("passing-")]
    for name in file.read_text(encoding="utf-8").split()
]


@pytest.mark.oracle
@pytest.mark.parametrize(("dtype", "name"), KEPT)
def test_entry_holds(dtype: str, name: str) -> None:
    import torch

    from conformance.check import check
    from conformance.table import named

    result = check(named(name), getattr(torch, dtype), SAMPLES)
    assert result.samples
    assert not result.reason, f"{result.samples - result.passed} of {result.samples} samples: {result.reason}"
