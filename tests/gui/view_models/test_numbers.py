"""Statistics, histograms and pictures of arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from retrograd_debug.log.api import Value
from retrograd_events.events import TensorId
from retrograd_gui.view_models.picture import LINEAR, MAGNITUDE, SYMMETRIC, colours, describe, lookup, pool
from retrograd_gui.view_models.statistics import as_real, full_range, histogram, statistics


def value(array: np.ndarray) -> Value:
    return Value(TensorId(1), 0, "all", array.shape, str(array.dtype), 1, "", array)


def test_statistics_agree_with_numpy() -> None:
    array = np.random.default_rng(3).normal(size=(7, 5))
    stats = statistics(array)
    assert stats.mean == pytest.approx(array.mean())
    assert stats.std == pytest.approx(array.std(ddof=1))
    assert (stats.min, stats.max) == (array.min(), array.max())
    assert stats.norm == pytest.approx(np.linalg.norm(array))
    assert stats.sum == pytest.approx(array.sum())
    assert (stats.count, stats.nan, stats.zero) == (35, 0, 0)


def test_special_values_are_counted_and_left_out() -> None:
    stats = statistics(np.array([1.0, math.nan, math.inf, -math.inf, 0.0, -0.0, 3.0]))
    assert (stats.nan, stats.positive_inf, stats.negative_inf, stats.zero) == (1, 1, 1, 2)
    assert stats.sum == 4.0


@pytest.mark.parametrize("array", [np.zeros(0), np.full(3, math.nan)])
def test_nothing_finite_has_no_moments(array: np.ndarray) -> None:
    stats = statistics(array)
    assert math.isnan(stats.mean)
    assert math.isnan(stats.min)


def test_one_element_has_no_deviation() -> None:
    assert math.isnan(statistics(np.array(2.0)).std)


def test_integers_booleans_and_complex_numbers_are_described() -> None:
    assert statistics(as_real(np.array([True, False]))).sum == 1
    assert statistics(as_real(np.array([3 + 4j]))).max == 5
    assert statistics(as_real(np.array([2, 4], np.int8))).mean == 3


@given(arrays(np.float64, array_shapes(max_dims=3, max_side=6), elements=st.floats(-1e6, 1e6)))
def test_a_histogram_over_the_full_range_counts_everything(array: np.ndarray) -> None:
    low, high = full_range(statistics(array), symmetric=True)
    assert low == -high
    found = histogram(array, low, high)
    assert found.counts.sum() == array.size
    assert found.outside == 0


def test_a_narrowed_histogram_says_how_many_it_leaves_out() -> None:
    found = histogram(np.arange(10.0), 2.0, 5.0)
    assert found.counts.sum() == 4
    assert found.outside == 6


def test_constant_arrays_have_a_range() -> None:
    assert full_range(statistics(np.full(4, 2.0)), symmetric=False) == (1.0, 3.0)
    assert full_range(statistics(np.zeros(4)), symmetric=True) == (-1.0, 1.0)


def test_pooling_never_loses_a_nan_or_the_largest() -> None:
    matrix = np.random.default_rng(0).normal(size=(2000, 1500))
    matrix[1234, 77] = math.nan
    matrix[5, 1400] = 1e9
    picture = pool(matrix, strip=False)
    assert max(picture.cells.shape) <= 512
    assert np.isnan(picture.cells).sum() == 1
    assert np.nanmax(picture.cells) == 1e9
    row, column = np.argwhere(np.isnan(picture.cells))[0].tolist()
    top, left = picture.element(row, column)
    assert top <= 1234 < top + picture.pool[0]
    assert left <= 77 < left + picture.pool[1]


def test_a_million_rows_are_described() -> None:
    found = describe(value(np.arange(1_000_000, dtype=np.float32).reshape(-1, 1)), (), SYMMETRIC, None)
    assert found is not None
    assert found.picture.strip
    assert found.picture.size == (1, 1_000_000)
    assert found.statistics.max == 999_999


def test_colours_run_through_the_stops() -> None:
    table = lookup(("#000000", "#FFFFFF"))
    rgb = colours(np.array([-1.0, 0.0, 1.0, 9.0, math.nan]), (-1.0, 1.0), table)
    assert rgb[:, 0].tolist() == [0, 128, 255, 255, 0]


def test_scales_and_ranges() -> None:
    array = np.array([[1.0, -100.0], [0.0, 10.0]])
    symmetric = describe(value(array), (), SYMMETRIC, None)
    linear = describe(value(array), (), LINEAR, (0.0, 5.0))
    magnitude = describe(value(array), (), MAGNITUDE, None)
    assert symmetric is not None
    assert symmetric.full == (-100.0, 100.0)
    assert linear is not None
    assert (linear.full, linear.shown) == ((-100.0, 10.0), (0.0, 5.0))
    assert linear.histogram.outside == 2
    assert magnitude is not None
    assert magnitude.full == (0.0, 2.0)


def test_what_was_not_recorded_has_no_picture() -> None:
    skipped = Value(TensorId(1), 0, "skipped", (3,), "float32", 1, "budget", None)
    assert describe(skipped, (), SYMMETRIC, None) is None
