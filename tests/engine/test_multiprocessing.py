"""Tensors that travel between processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable

import pytest

import retrograd
from fixtures.loading import double
from retrograd import nn

METHODS = [method for method in ("fork", "spawn") if method == "spawn" or hasattr(os, "fork")]

TENSORS: dict[str, Callable[[], retrograd.Tensor]] = {
    "plain": lambda: retrograd.arange(6.0).reshape(2, 3),
    "transposed": lambda: retrograd.arange(6).reshape(2, 3).t(),
    "part": lambda: retrograd.arange(10.0)[2:8:2],
    "complex": lambda: retrograd.tensor([1 + 2j, 3]),
    "half": lambda: retrograd.ones(3, dtype=retrograd.bfloat16),
    "scalar": lambda: retrograd.tensor(2.5),
    "empty": lambda: retrograd.zeros(0, 3),
    "parameter": lambda: nn.Parameter(retrograd.ones(2)),
}


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_is_one_memory_in_both_processes(method: str) -> None:
    context = multiprocessing.get_context(method)
    there, back = context.SimpleQueue(), context.SimpleQueue()
    process = context.Process(target=double, args=(there, back))
    process.start()
    try:
        for make in TENSORS.values():
            tensor = make()
            expected = tensor.detach().clone() * 2
            there.put(tensor)
            seen = back.get()
            for each in (tensor, seen):  # both see what the other process wrote
                assert type(each) is type(tensor)
                assert each.requires_grad == tensor.requires_grad
                assert each.dtype is tensor.dtype
                assert each.detach().tolist() == expected.tolist()
            if tensor.numel():
                assert tensor.is_shared()
                assert seen.is_shared()
    finally:
        there.put(None)
        process.join(30)
    assert process.exitcode == 0


def test_sharing_moves_a_storage_with_its_views() -> None:
    whole = retrograd.arange(12.0).reshape(3, 4)
    column, row = whole[:, 1], whole[2]
    assert not row.is_shared()
    assert column.share_memory_() is column
    assert whole.is_shared()
    assert row.is_shared()
    whole.zero_()
    row.add_(1)
    assert column.tolist() == [0, 0, 1]
    assert whole.sum().item() == 4


def test_a_module_shares_its_parameters_and_still_trains() -> None:
    layer = nn.Linear(2, 1)
    assert layer.share_memory() is layer
    before = layer.weight.tolist()
    layer(retrograd.ones(1, 2)).sum().backward()
    retrograd.optim.SGD(layer.parameters(), lr=0.5).step()
    assert layer.weight.is_shared()
    assert layer.weight.tolist()[0] == pytest.approx([number - 0.5 for number in before[0]])


def test_what_has_history_and_a_plain_pickle_are_refused() -> None:
    made = retrograd.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="non-leaf"):
        multiprocessing.reduction.ForkingPickler.dumps(made)
    with pytest.raises(pickle.PicklingError, match=r"retrograd\.save"):
        pickle.dumps(made.detach())


def test_what_was_read_leaves_nothing_behind() -> None:
    from retrograd.multiprocessing import shared

    tensor = retrograd.ones(4).share_memory_()
    folder = shared.block_of(tensor._data).path.parent
    before = set(folder.iterdir())
    message = multiprocessing.reduction.ForkingPickler.dumps(tensor)
    received = pickle.loads(message)  # noqa: S301  our own message
    assert len(set(folder.iterdir()) - before) == 1
    tensor.add_(1)
    assert received.tolist() == [2, 2, 2, 2]
    del tensor, received
    assert set(folder.iterdir()) < before
