"""Scripts that can't run, or run in ways that a debugger must survive: a sentence each, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from fixtures.drive import Driver, live
from retrograd_debug.log.reader import open_log
from retrograd_debug.session.api import (
    CancelEvaluation,
    Evaluate,
    Evaluated,
    Failed,
    FeedInput,
    InputWanted,
    Pause,
    Phase,
    Restart,
    Step,
    StepKind,
    Stop,
    StopProgress,
    Verb,
)
from retrograd_debug.session.live import LiveSession
from retrograd_debug.session.settings import RunSettings
from retrograd_debug.session.status import status
from retrograd_events.events import ExceptionRaised, OpApplied, OutputWritten, RunEnded, WarningIssued


def write(folder: Path, text: str, name: str = "script.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


def output(log_path: Path) -> str:
    log = open_log(log_path)
    try:
        return "".join(each.text for each in log.events(1, log.head) if isinstance(each, OutputWritten))
    finally:
        log.close()


def last_event(log_path: Path) -> RunEnded:
    log = open_log(log_path)
    try:
        assert log.ended is not None
        return log.ended
    finally:
        log.close()


def test_missing_script_is_said(tmp_path: Path) -> None:
    with live(tmp_path / "nothing.py") as driver:
        snapshot = driver.ended()
        assert snapshot.phase is Phase.LOST
        assert "There is no file" in snapshot.message


def test_syntax_error_is_said_with_its_line(tmp_path: Path) -> None:
    with live(write(tmp_path, "x = 1\ndef f(:\n")) as driver:
        message = driver.ended().message
        assert "line 2" in message
        assert "def f(:" in message
        assert "retrograd_debug" not in message


def test_interpreter_that_is_not_there_is_said(tmp_path: Path) -> None:
    script = write(tmp_path, "pass")
    session = LiveSession(script, RunSettings(interpreter=str(tmp_path / "no-python")), log=tmp_path / "a.retro")
    with Driver(session) as driver:
        assert "no-python" in driver.ended().message


def test_exception_is_held_with_values_readable(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        def inner(number):
            secret = number * 2
            raise ValueError("too much")

        inner(21)
        """,
    )
    with live(script) as driver:
        hold = driver.held()
        assert (hold.kind, hold.why, hold.line, hold.function) == ("exception", "exception", 4, "inner")
        assert [frame.line for frame in hold.stack] == [6, 4]
        assert all("retrograd" not in frame.file for frame in hold.stack)
        assert driver.evaluate("secret").text == "42"
        assert status(driver.snapshot) == ("Error", "ValueError at line 4, values still readable")
        snapshot = driver.run()
        assert snapshot.message == "ValueError: too much"
        log = snapshot.log
        assert log is not None
        raised = [each for each in log.events(1, log.head) if isinstance(each, ExceptionRaised)]
        assert [(each.type, each.message) for each in raised] == [("ValueError", "too much")]
        assert log.ended is not None
        assert (log.ended.reason, log.ended.exit_code) == ("exception", 1)


def test_exit_code_is_the_scripts(tmp_path: Path) -> None:
    with live(write(tmp_path, "import sys\nsys.exit(7)\n")) as driver:
        snapshot = driver.ended()
        assert snapshot.phase is Phase.ENDED
        assert "exit code 7" in snapshot.message
    assert last_event(tmp_path / "script.retro").exit_code == 7


def test_hundred_thousand_lines_are_kept_in_few_events(tmp_path: Path) -> None:
    script = write(tmp_path, "for i in range(100_000):\n    print('line', i)\n")
    with live(script) as driver:
        driver.ended()
    text = output(tmp_path / "script.retro")
    assert text == "".join(f"line {i}\n" for i in range(100_000))
    log = open_log(tmp_path / "script.retro")
    assert log.head < 2000
    log.close()


def test_script_that_waits_for_input_is_fed(tmp_path: Path) -> None:
    script = write(
        tmp_path, "import sys\nname = input('who? ')\nprint('hello', name)\nprint(sys.stdin.read().upper())\n"
    )
    with live(script) as driver:
        driver.heard(InputWanted, lambda notice: notice.wanted)
        driver.until(lambda snapshot: "waits for input" in snapshot.message, "the sentence about input")
        driver.do(FeedInput("Ada"))
        driver.heard(InputWanted, lambda notice: not notice.wanted)
        driver.do(FeedInput("the rest"))
        driver.do(FeedInput("", end=True))
        driver.ended()
    text = output(tmp_path / "script.retro")
    assert "who? " in text
    assert "hello Ada\n" in text
    assert "THE REST\n" in text


def test_busy_script_is_stopped(tmp_path: Path) -> None:
    with live(write(tmp_path, "print('on')\nwhile True:\n    pass\n")) as driver:
        driver.phase(Phase.RUNNING)
        driver.do(Stop())
        snapshot = driver.ended()
        assert snapshot.message == "stopped by you in iteration 0"
        assert [each.text for each in driver.notices if isinstance(each, StopProgress)] == ["asked to stop"]
    assert last_event(tmp_path / "script.retro").reason == "stopped"


def test_script_that_does_not_listen_is_killed_and_each_step_said(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        while True:
            pass
        """,
    )
    with live(script) as driver:
        driver.until(lambda s: s.log is not None and s.head >= 3, "the script's first line")
        driver.do(Stop())
        assert status(driver.ended()) == ("Stopped", "stopped by you in iteration 0")
        words = [each.text for each in driver.notices if isinstance(each, StopProgress)]
        assert words == ["asked to stop", "terminated after 2 s", "killed after 5 s"]
    ended = last_event(tmp_path / "script.retro")
    assert (ended.reason, ended.exit_code, ended.signal) == ("stopped", 137, 9)
    assert ended.message == "Stopped by you: the script did not end when asked, so SIGKILL ended it."


def test_pause_without_an_op_shows_where_the_script_is(tmp_path: Path) -> None:
    with live(write(tmp_path, "count = 0\nwhile True:\n    count += 1\n")) as driver:
        driver.phase(Phase.RUNNING)
        driver.do(Pause())
        snapshot = driver.until(lambda s: s.hold is not None, "a stack")
        assert snapshot.phase is Phase.RUNNING
        assert snapshot.hold is not None
        assert snapshot.hold.stack[-1].file == str(tmp_path / "script.py")
        assert snapshot.hold.line in (2, 3)
        assert "no operation runs" in snapshot.message


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_process_is_said_and_its_log_opens(tmp_path: Path) -> None:
    script = write(tmp_path, "print('first')\nimport time\ntime.sleep(60)\n")
    with live(script) as driver:
        driver.until(lambda s: s.head >= 3, "the first output")
        session = driver.session
        assert isinstance(session, LiveSession)
        os.kill(session.pid, signal.SIGKILL)
        snapshot = driver.ended()
        assert snapshot.phase is Phase.LOST
        assert snapshot.message.startswith("the script's process was killed (signal 9); the log opens up to event ")
        assert status(snapshot)[0] == "Lost"
    ended = last_event(tmp_path / "script.retro")
    assert (ended.reason, ended.signal) == ("lost", 9)
    assert "first" in output(tmp_path / "script.retro")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_children_run_unrecorded(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import os, sys
        child = os.fork()
        print("in", "child" if child == 0 else "parent", flush=True)
        if child == 0:
            sys.exit(4)
        print("child left", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    )
    with live(script) as driver:
        assert "exit code 0" in driver.ended().message
    assert output(tmp_path / "script.retro") == "in parent\nchild left 4\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_goes_on_without_a_word_of_ours(tmp_path: Path) -> None:
    ran = run_recorded(
        tmp_path,
        """
        import os
        import retrograd as torch
        w = torch.ones(2)
        child = os.fork()
        for _ in range(100 if child == 0 else 1):
            w = w * 2
        if child:
            print("child left", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "child left 0\n", "recorded in a.retro\n")
    log = open_log(tmp_path / "a.retro")
    assert [each.name for each in log.events(1, log.head) if isinstance(each, OpApplied)] == ["ones", "mul"]
    log.close()


@pytest.mark.parametrize("method", [each for each in ("fork", "spawn") if each != "fork" or hasattr(os, "fork")])
def test_worker_processes_neither_write_nor_hang(tmp_path: Path, method: str) -> None:
    script = write(
        tmp_path,
        f"""
        import multiprocessing
        def work(number):
            print("working", number)
            return number * number
        if __name__ == "__main__":
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(pool.map(work, [1, 2, 3]))
        """,
    )
    with live(script) as driver:
        assert "exit code 0" in driver.ended().message
    assert output(tmp_path / "script.retro") == "[1, 4, 9]\n"


def test_threads_and_warnings_are_recorded(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading, warnings
        def work():
            print("from a thread")
            raise KeyError("lost")
        thread = threading.Thread(target=work, name="worker")
        thread.start(); thread.join()
        warnings.warn("careful")
        """,
    )
    with live(script, hold_on_exception=False) as driver:
        assert "exit code 0" in driver.ended().message
        log = driver.snapshot.log
        assert log is not None
        events = log.events(1, log.head)
        assert [each.type for each in events if isinstance(each, ExceptionRaised)] == ["KeyError"]
        assert [each.message for each in events if isinstance(each, WarningIssued)] == ["careful"]


def test_evaluation_can_be_cancelled_and_says_so(tmp_path: Path) -> None:
    with live(write(tmp_path, "x = 5\n1 / 0\n")) as driver:
        driver.held()
        driver.do(Evaluate(77, "[i for i in iter(int, 1)]"))
        time.sleep(0.3)
        driver.do(CancelEvaluation())
        assert driver.heard(Evaluated, lambda notice: notice.request == 77).error == "cancelled"
        assert driver.evaluate("x + 1").text == "6"


def test_commands_that_make_no_sense_are_answered(tmp_path: Path) -> None:
    with live(write(tmp_path, "x = 1\n")) as driver:
        driver.ended()
        driver.do(Pause())
        driver.heard(Failed)
        answer = driver.evaluate("x")
        assert answer.error
        assert Verb.RESTART in driver.snapshot.verbs
        assert Verb.EVALUATE not in driver.snapshot.verbs


def test_restart_runs_again_into_a_new_log(tmp_path: Path) -> None:
    with live(write(tmp_path, "print('once')\n")) as driver:
        first = driver.ended().log
        driver.do(Restart())
        second = driver.until(lambda s: s.phase is Phase.ENDED and s.log is not first, "the second run").log
        assert second is not None
        assert second.path != tmp_path / "script.retro"


def run_recorded(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """``retrograd run`` of a script, as a person runs it."""
    write(folder, text)
    return subprocess.run(
        [sys.executable, "-m", "retrograd_debug", "run", "--log", "a.retro", "script.py"],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_an_exception_in_a_thread_names_the_thread_and_the_users_lines(tmp_path: Path) -> None:
    ran = run_recorded(
        tmp_path,
        """
        import threading
        def fail():
            raise ValueError("no")
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
        print("main goes on")
        """,
    )
    assert (ran.returncode, ran.stdout) == (0, "main goes on\n")
    assert ran.stderr.splitlines() == [
        "Exception in thread worker:",
        "Traceback (most recent call last):",
        f'  File "{tmp_path / "script.py"}", line 4, in fail',
        '    raise ValueError("no")',
        "ValueError: no",
        "recorded in a.retro",
    ]


def test_a_process_that_leaves_at_once_is_lost_with_its_code(tmp_path: Path) -> None:
    ran = run_recorded(tmp_path, "import os\nos._exit(4)\n")
    assert ran.returncode == 4
    ended = last_event(tmp_path / "a.retro")
    assert (ended.reason, ended.exit_code, ended.signal) == ("lost", 4, 0)
    assert ended.message == "The process ended at once with code 4, as by os._exit."


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_recorder_that_dies_is_said_once_and_the_script_goes_on(tmp_path: Path) -> None:
    text = "import retrograd as torch\nx = torch.ones(2)\ny = x * 2\nz = y * 2\nprint(z.sum().item())\n"
    with live(write(tmp_path, text)) as driver:
        assert isinstance(driver.session, LiveSession)
        driver.held()
        os.kill(driver.session.recorder_pid, signal.SIGKILL)
        driver.do(Step(StepKind.OP))
        told = driver.heard(Failed, lambda notice: "broke off" in notice.text).text
        assert told == "The recording broke off, and the log ends there. The recorder ended with status -9."
        driver.until(lambda s: s.hold is not None and s.hold.name == "mul", "the next hold")
        driver.run()
        assert [each.text for each in driver.notices if isinstance(each, Failed)] == [told]
    log = open_log(tmp_path / "script.retro")
    assert "broke off" in log.damage
    log.close()
