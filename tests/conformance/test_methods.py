"""What PyTorch's table calls as a method gives the same as a method here: the tensor is in the place it has there."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

NAMES = (Path(__file__).parent / "passing-float64.txt").read_text(encoding="utf-8").split()
APART = {"as_strided": "its samples lie otherwise in memory here"}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, of what is deprecated
@pytest.mark.parametrize("name", [each for each in NAMES if each not in APART])
def test_method_holds(name: str) -> None:
    import torch

    import retrograd
    from conformance.compare import same
    from conformance.convert import converted
    from conformance.table import UNSET, gauge, named

    entry = named(name)
    method = getattr(entry.method_variant, "__name__", "")
    if not hasattr(torch.Tensor, method) or method.startswith("__r"):
        return
    for sample in itertools.islice(entry.sample_inputs("cpu", torch.float64), 2):
        torch.manual_seed(1)
        try:
            expected = getattr(sample.input, method)(*sample.args, **sample.kwargs)
        except TypeError:  # this sample's arguments are the function's only
            continue
        mine, args, kwargs = converted((sample.input, sample.args, sample.kwargs))
        retrograd.manual_seed(1)
        found = gauge(sample, getattr(mine, method)(*args, **kwargs))
        same(found, gauge(sample, expected), "value", contents=UNSET.fullmatch(entry.name) is None)
