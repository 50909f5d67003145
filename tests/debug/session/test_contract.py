"""What every session promises, held against all of them: a live script, a recorded run, the fake of other tests."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.drive import Driver, live
from fixtures.fake_session import FakeSession
from fixtures.synthetic import write_log
from retrograd_debug.session.api import (
    Changed,
    Failed,
    Notice,
    Phase,
    Seek,
    Session,
    Step,
    StepKind,
    Verb,
)
from retrograd_debug.session.replay import ReplaySession
from retrograd_debug.session.status import status

SCRIPT = """
import retrograd as torch

torch.manual_seed(0)
w = torch.randn(3, requires_grad=True)
for epoch in range(3):
    loss = (w * w).sum()
    loss.backward()
    print(epoch)
"""


def make_live(folder: Path) -> Driver:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    return live(script)


def make_replay(folder: Path) -> Driver:
    return Driver(ReplaySession(write_log(folder / "run.retro")))


def make_fake(folder: Path) -> Driver:
    return Driver(FakeSession())


@pytest.fixture(params=[make_live, make_replay, make_fake], ids=["live", "replay", "fake"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Driver]:
    make: Callable[[Path], Driver] = request.param
    with make(tmp_path) as made:
        made.until(lambda s: s.phase in (Phase.HELD, Phase.ENDED) and s.head > 0, "a place to stand")
        yield made


def finish(driver: Driver) -> None:
    """Run to the end where there is something to run."""
    if driver.snapshot.phase is Phase.HELD:
        driver.run()
    driver.until(lambda s: s.log is not None and s.log.ended is not None and s.head == s.log.head, "the end")


def test_title_is_a_file_name(driver: Driver) -> None:
    assert driver.session.title.endswith((".py", ".retro"))


def test_head_is_where_a_session_opens(driver: Driver) -> None:
    snapshot = driver.snapshot
    assert snapshot.live
    assert snapshot.cursor == snapshot.head == snapshot.state.seq


def test_seek_looks_back_and_zero_returns(driver: Driver) -> None:
    finish(driver)
    driver.do(Seek(5))  # type: ignore[arg-type]  # a plain number is a seq
    snapshot = driver.until(lambda s: not s.live, "looking back")
    assert snapshot.cursor == snapshot.state.seq == 5
    assert snapshot.head > 5
    assert status(snapshot)[0] == "Looking back"
    assert not snapshot.verbs & {Verb.EDIT, Verb.EVALUATE}
    driver.do(Seek(0))  # type: ignore[arg-type]
    assert driver.until(lambda s: s.live, "the head").cursor == snapshot.head


def test_steps_back_walk_the_log_and_stop_at_its_start(driver: Driver) -> None:
    finish(driver)
    seen = [driver.snapshot.cursor]
    for _ in range(3):
        driver.do(Step(StepKind.OP, back=True))
        seen.append(driver.until(lambda s, last=seen[-1]: s.cursor != last, "a step back").cursor)  # type: ignore[misc]
    assert seen == sorted(seen, reverse=True)
    driver.do(Seek(1))  # type: ignore[arg-type]
    driver.until(lambda s: s.cursor == 1, "the first event")
    driver.do(Step(StepKind.OP, back=True))
    assert "begins" in driver.heard(Failed).text


def test_step_while_looking_back_walks_forward(driver: Driver) -> None:
    finish(driver)
    driver.do(Seek(3))  # type: ignore[arg-type]
    driver.until(lambda s: s.cursor == 3, "event 3")
    driver.do(Step(StepKind.NODE))
    snapshot = driver.until(lambda s: s.cursor > 3, "a step")
    assert snapshot.state.phase == "backward"
    assert not snapshot.live


def test_iteration_events_hold_the_whole_iteration(driver: Driver) -> None:
    finish(driver)
    log = driver.snapshot.log
    assert log is not None
    second = log.iterations[1]
    driver.do(Seek(second.first))
    snapshot = driver.until(lambda s: s.cursor == second.first, "the second iteration")
    assert snapshot.iteration is not None
    assert snapshot.iteration.index == 1
    assert snapshot.iteration_events[0].seq == second.first
    assert snapshot.iteration_events[-1].seq == second.last
    assert snapshot.previous_events[-1].seq < second.first


def test_ended_session_says_so_in_words(driver: Driver) -> None:
    finish(driver)
    pill, sentence = status(driver.snapshot)
    assert pill == "Finished"
    assert sentence == "3 iterations, exit code 0"


def test_commands_it_cannot_do_are_answered_not_raised(driver: Driver) -> None:
    finish(driver)
    assert driver.evaluate("1 + 1").error if Verb.RESTART in driver.snapshot.verbs else True
    assert Verb.CONTINUE not in driver.snapshot.verbs


def test_subscribers_hear_until_they_unsubscribe(driver: Driver) -> None:
    heard: list[Notice] = []
    news = threading.Event()

    def listen(notice: Notice) -> None:
        heard.append(notice)
        news.set()

    stop = driver.session.subscribe(listen)
    driver.do(Seek(2))  # type: ignore[arg-type]
    assert news.wait(10)
    assert any(isinstance(notice, Changed) for notice in heard)
    stop()
    driver.until(lambda s: s.cursor == 2, "event 2")
    count = len(heard)
    driver.do(Seek(0))  # type: ignore[arg-type]
    driver.until(lambda s: s.live, "the head")
    assert len(heard) == count


def test_values_come_by_lane_and_request(driver: Driver) -> None:
    finish(driver)
    log = driver.snapshot.log
    assert log is not None
    tensor = next(iter(driver.snapshot.state.tensors))
    fetched = driver.fetch(tensor, 0)
    assert fetched.value is None or fetched.value.tensor == tensor
    missing = driver.fetch(999_999, 0)
    assert missing.value is None
    assert missing.reason


def test_closing_twice_is_harmless(driver: Driver) -> None:
    session: Session = driver.session
    session.close()
    session.close()
