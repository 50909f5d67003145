"""A few letters find what is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrograd_gui.actions import table
from retrograd_gui.fuzzy import rank, score
from retrograd_gui.panel_registry import panel_specs

TITLES = [(action.title, action.title) for action in table(panel_specs())]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("next node", "Next node in backward"),
        ("node", "Next node in backward"),
        ("nop", "Next operation"),
        ("osc", "Open script…"),
        ("restart", "Restart"),
        ("hico", "High contrast"),
        ("PAUSE", "Pause"),
    ],
)
def test_the_first_answer_is_the_one_that_is_meant(query: str, wanted: str) -> None:
    assert rank(query, TITLES, 10)[0] == wanted


def test_an_empty_query_keeps_the_order() -> None:
    assert rank(" ", TITLES, 1000) == [title for title, _ in TITLES]


def test_nothing_is_found_for_letters_that_are_not_there() -> None:
    assert rank("zzqx", TITLES, 10) == []


@given(st.text("abc .", max_size=12), st.text("abc .", max_size=4))
def test_a_match_is_a_subsequence_and_every_subsequence_matches(text: str, query: str) -> None:
    letters = iter(text.casefold())
    inside = all(letter in letters for letter in query.casefold() if not letter.isspace())
    assert (score(query, text) is not None) == inside
