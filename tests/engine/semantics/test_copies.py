"""Tensors that leave: pickles, child processes, threads."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import pytest

import retrograd
from engine.twice import both


@both
def test_two_threads_run_their_own_graphs(torch: Any) -> object:
    found: dict[int, list[Any]] = {}

    def train(seed: int) -> None:
        w = torch.tensor([float(seed), 1.0], requires_grad=True)
        for _ in range(50):
            loss = ((w * w).sum() - 2.0) ** 2
            loss.backward()
            with torch.no_grad():
                w -= 0.01 * w.grad
            w.grad = None
        found[seed] = w.tolist()

    threads = [threading.Thread(target=train, args=(seed,)) for seed in (1, 2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return [[round(value, 4) for value in found[seed]] for seed in (1, 2)]


@pytest.mark.parametrize("made", [lambda: retrograd.ones(2), lambda: retrograd.nn.Parameter(retrograd.ones(2))])
def test_a_pickle_is_refused_with_what_to_do(made: Any) -> None:
    for value in (made(), [made()], {"a": made()}):
        with pytest.raises(pickle.PicklingError, match=r"retrograd\.save"):
            pickle.dumps(value)
