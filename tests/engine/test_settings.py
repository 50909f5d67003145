"""What scripts set at their beginning."""

from __future__ import annotations

import pytest

import retrograd


def test_threads_of_products_are_the_blas_librarys() -> None:
    before = retrograd.get_num_threads()
    try:
        retrograd.set_num_threads(1)
        assert retrograd.get_num_threads() == 1
    finally:
        retrograd.set_num_threads(before)
    assert retrograd.get_num_threads() == before
    with pytest.raises(RuntimeError, match="positive"):
        retrograd.set_num_threads(0)


def test_switches_are_kept_and_checked() -> None:
    assert not retrograd.are_deterministic_algorithms_enabled()
    retrograd.use_deterministic_algorithms(True)
    assert retrograd.are_deterministic_algorithms_enabled()
    retrograd.use_deterministic_algorithms(False)
    retrograd.set_float32_matmul_precision("high")
    assert retrograd.get_float32_matmul_precision() == "high"
    retrograd.set_float32_matmul_precision("highest")
    with pytest.raises(RuntimeError, match="highest, high, medium"):
        retrograd.set_float32_matmul_precision("low")


def test_backends_say_what_there_is() -> None:
    from retrograd import backends

    backends.cudnn.benchmark = False
    assert not backends.cudnn.is_available()
    assert not backends.mps.is_available()
    assert isinstance(backends.cuda.is_built(), bool)
