"""The old names of tensors of one dtype."""

from __future__ import annotations

import pytest

import retrograd


def test_a_named_tensor_is_made_converted_and_recognised() -> None:
    made = retrograd.LongTensor([1, 2])
    assert made.dtype is retrograd.int64
    assert made.tolist() == [1, 2]
    assert isinstance(made, retrograd.LongTensor)
    assert not isinstance(made, retrograd.FloatTensor)
    assert retrograd.FloatTensor(2, 3).shape == (2, 3)
    assert made.type() == "torch.LongTensor"
    for kind in (retrograd.float64, "torch.DoubleTensor", retrograd.DoubleTensor):
        assert made.type(kind).dtype is retrograd.float64
    with pytest.raises(ValueError, match=r"torch\.LongTensor"):
        made.type("torch.WordTensor")
