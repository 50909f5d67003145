"""The start page shows what is there, opens it, deletes runs, and takes files that are dropped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from fixtures.stage import StageSession
from retrograd_debug.log.location import RunSummary
from retrograd_gui.gallery.cards import Card, ExampleCard, RunButton
from retrograd_gui.gallery.examples import Example, describe
from retrograd_gui.gallery.pictures import picture_for
from retrograd_gui.gallery.runs import card_of, when
from retrograd_gui.main_window import MainWindow


@pytest.mark.parametrize(
    ("docstring", "title", "sentence"),
    [
        ("Linear regression\nWatch one gradient travel.\n\nMore.", "Linear regression", "Watch one gradient travel."),
        ("Two moons, MLP: see units die. And more.", "Two moons, MLP", "See units die."),
        ("Digits.\n\nFilters as\nimages. Then more.", "Digits", "Filters as images."),
        ("", "My model", ""),
        ("A very long first line that says what all of this is about and more", "My model",
         "A very long first line that says what all of this is about and more"),
    ],
)  # fmt: skip
def test_title_and_sentence_come_from_the_docstring(docstring: str, title: str, sentence: str) -> None:
    assert describe(f'"""{docstring}"""\n', "my_model") == (title, sentence)


def test_a_script_that_cannot_be_parsed_still_has_a_card() -> None:
    assert describe("x = (", "my_model") == ("My model", "")


def test_every_example_has_a_picture() -> None:
    assert picture_for("linear_regression") is not picture_for("mlp_two_moons")
    assert picture_for("something_new") is not None


def test_a_moment_is_said_as_people_say_it() -> None:
    now = time.mktime((2026, 5, 12, 15, 0, 0, 0, 0, -1))
    assert when(now - 3600, now) == "today 14:00"
    assert when(now - 20 * 3600, now) == "yesterday 19:00"
    assert when(now - 10 * 86400, now).startswith("2 ")
    assert when(now - 400 * 86400, now).endswith("2025")


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        ("finished", "finished"),
        ("exception", "error"),
        ("lost", "lost"),
        ("stopped", "stopped"),
        ("running", "running"),
        ("broken", "lost"),
    ],
)
def test_a_runs_card_says_how_it_ended(ended: str, kind: str) -> None:
    card = card_of(RunSummary(Path("a.retro"), 2_000_000, 1e9, "/x/train.py", 1e9, 3, ended, (3.0, 2.0)))
    assert (card.title, card.kind, card.size) == ("train.py", kind, "2.0 MB")
    assert "3 iterations" in card.hint


def test_a_run_that_cannot_be_read_says_why() -> None:
    card = card_of(RunSummary(Path("a.retro"), 5, 1e9, problem="This file is no log."))
    assert card.hint == "This file is no log."


def test_cards_open_what_they_show(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    example = Example("linear_regression", tmp_path / "e.py", "Linear regression", "Watch.", True)
    run = card_of(RunSummary(tmp_path / "r.retro", 10, 1e9, "/x/train.py", 1e9, 3, "finished", (3.0, 2.0)))
    window.gallery.show_examples([example])
    window.gallery.show_runs([run])
    (card,) = (card for card in window.gallery.findChildren(ExampleCard) if card.example is example)
    (button,) = window.gallery.findChildren(RunButton)
    with qtbot.waitSignal(window.gallery.example_chosen) as chosen:
        qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert chosen.args == [example.path]
    qtbot.waitUntil(lambda: window.message.message is not None)
    with qtbot.waitSignal(window.gallery.run_chosen) as chosen:
        button.setFocus()
        qtbot.keyClick(button, Qt.Key.Key_Space)
    assert chosen.args == [run.path]
    assert not window.grab().isNull()
    qtbot.waitUntil(lambda: window.background.pending == 0)


def test_delete_removes_the_run_that_has_the_keyboard(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "r.retro"
    path.write_bytes(b"x")
    window.gallery.show_runs([card_of(RunSummary(path, 1, 1e9, "/x/train.py", 1e9, 3, "finished"))])
    (button,) = window.gallery.findChildren(RunButton)
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: not path.exists() and window.background.pending == 0)


def test_what_is_reached_by_mouse_is_reached_by_tab(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.gallery.show_examples([Example("a", tmp_path / "a.py", "A", "", True)])
    run = card_of(RunSummary(tmp_path / "r.retro", 1, 1e9, "/x/train.py", 1e9, 3, "finished"))
    window.gallery.show_runs([run])
    # asked for anew each time: cards that were replaced are still on their way out
    qtbot.waitUntil(lambda: all(card.isVisible() for card in window.gallery.findChildren(Card)))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    seen = set()
    for _ in range(30):
        qtbot.keyClick(window.focusWidget() or window, Qt.Key.Key_Tab)
        focused = window.focusWidget()
        if focused is not None and focused.accessibleName():
            seen.add(focused.accessibleName())
    assert {"Open script", "Open recorded run", "A", "train.py"} <= seen


@pytest.mark.parametrize("name", ["gone.py", "gone.retro"])
def test_a_file_that_is_dropped_is_opened(name: str, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
    drop = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(drop)
    qtbot.waitUntil(lambda: window.message.message is not None and name in window.message.message.text)


def test_closing_a_run_leads_back_to_the_start_page(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    assert window.pages.currentWidget() is window.workspace
    window.context.run_action("file.close-run")
    assert window.pages.currentWidget() is window.gallery
    assert not window.toolbar.isVisible()
    qtbot.waitUntil(lambda: held.closed)
    assert window.status.shown.sentence == "No run open"
