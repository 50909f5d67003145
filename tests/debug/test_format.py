"""Numbers, times and bytes as a person reads them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrograd_debug import format as fmt


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.5434, "2.543"),
        (-0.0044671, "−0.004467"),
        (-2.2, "−2.200"),
        (0.011591, "0.01159"),
        (0.983, "0.9830"),
        (-9.054e-4, "−9.054e−04"),
        (1e5, "1.000e+05"),
        (99999.6, "1.000e+05"),
        (99998.0, "99998"),
        (12345.6, "12346"),
        (0.00099999, "0.001000"),
        (9.99999, "10.00"),
        (0.0, "0"),
        (-0.0, "0"),
        (9999.6, "10000"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "−Inf"),
        (7, "7"),
        (-100224, "−100224"),
        (True, "True"),
        (np.float32(0.1), "0.1000"),
        (np.int64(-3), "−3"),
        (np.bool_(False), "False"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert fmt.number(value) == text


@given(st.floats(min_value=-1e300, max_value=1e300, allow_subnormal=False))
def test_number_reads_back_to_four_digits(value: float) -> None:
    text = fmt.number(value)
    assert "-" not in text
    back = float(text.replace("−", "-"))
    assert back == pytest.approx(value, rel=5.1e-4, abs=1e-323)
    assert (text == "0") == (value == 0)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0"),
        (850, "0.85 µs"),
        (9_400, "9.4 µs"),
        (17_000, "17 µs"),
        (99_400, "99 µs"),
        (310_000, "0.31 ms"),
        (4_400_000_000, "4.4 s"),
        (310_000_000, "0.31 s"),
        (59_960_000_000, "1 min 00 s"),
        (125e9, "2 min 05 s"),
        (3_720e9, "1 h 02 min"),
        (-2_300, "−2.3 µs"),
    ],
)
def test_duration(ns: float, text: str) -> None:
    assert fmt.duration(ns) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (64, "64 B"), (512, "0.5 kB"), (1536, "1.5 kB"), (200_000, "0.2 MB"), (31.2e9, "31.2 GB")],
)
def test_byte_size(size: float, text: str) -> None:
    assert fmt.byte_size(size) == text


def test_ticks_drop_trailing_zeros() -> None:
    assert [fmt.tick(value) for value in (0.0, 5.0, 0.5, -2.25, 1e-4, 20000.0, 1e6)] == [
        "0",
        "5",
        "0.5",
        "−2.25",
        "1e−04",
        "20000",
        "1e+06",
    ]


def test_the_rest() -> None:
    assert fmt.count(100224) == "100,224"
    assert fmt.percent(0.2) == "20 %"
    assert fmt.shape((100, 1)) == "[100, 1]"
    assert fmt.shape(()) == "[]"
    assert fmt.short_dtype("float32") == "f32"
    assert fmt.tensor((100, 1), "float32", "cpu") == "[100, 1] float32 cpu"
    assert fmt.exact(np.float32(0.1)) == "0.1"
    assert fmt.exact(0.1) == "0.1"
    assert fmt.line(21) == "line 21"
