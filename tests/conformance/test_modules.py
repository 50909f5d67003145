"""The modules that equalled PyTorch's go on doing so. ``modules.py`` tells the whole of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SAMPLES = None if os.environ.get("RETROGRAD_CONFORMANCE") == "full" else 5
"""Samples tried of each module and mode: the first few, or (RETROGRAD_CONFORMANCE=full) all."""

KEPT = [
    pytest.param(dtype, name, id=f"{dtype}-{name}")
    for file in sorted(Path(__file__).parent.glob("modules-*.txt"))
    for dtype in [file.stem.removeprefix("modules-")]
    for name in file.read_text(encoding="utf-8").split()
]


@pytest.mark.oracle
@pytest.mark.parametrize(("dtype", "name"), KEPT)
def test_module_holds(dtype: str, name: str) -> None:
    import torch

    from conformance.check_module import check_module

    result = check_module(name, getattr(torch, dtype), SAMPLES)
    assert result.samples
    assert not result.reason, f"{result.samples - result.passed} of {result.samples} samples: {result.reason}"
