"""Evaluating leaves the thread as it was."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from retrograd_debug.agent.evaluate import Evaluator

TRACED_AFTERWARDS = """
import sys
from retrograd_debug.agent.evaluate import Evaluator

print(Evaluator().run("1 + 1", None))
lines = []

def on_line(frame, event, argument):
    lines.append(frame.f_lineno)
    return on_line

def script():
    count = 0
    while count < 3:
        count += 1

def watch():
    sys.settrace(lambda *_: on_line)
    frame = sys._getframe()
    while frame is not None:
        frame = frame.f_back

watch()
script()
sys.settrace(None)
print("done", len(lines))
"""


def test_a_thread_can_be_traced_after_an_evaluation() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", TRACED_AFTERWARDS], capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout.splitlines()[0] == "('2', '', False)"
    assert ran.stdout.splitlines()[1].startswith("done")


def test_an_evaluation_can_be_cancelled() -> None:
    evaluator = Evaluator()
    answers: list[tuple[str, str, bool]] = []
    loop = "n = 0\nwhile True:\n    n += 1"
    thread = threading.Thread(target=lambda: answers.append(evaluator.run(loop, sys._getframe())))
    thread.start()
    deadline = time.monotonic() + 20
    while thread.is_alive() and time.monotonic() < deadline:
        evaluator.cancel()
        time.sleep(0.05)
    thread.join(5)
    assert answers == [("", "cancelled", True)]
    assert evaluator.run("2 + 2", None) == ("4", "", False)


def test_errors_are_sentences() -> None:
    assert Evaluator().run("1/0", None) == ("", "ZeroDivisionError: division by zero", False)
    text, error, _ = Evaluator().run("print('seen'); 3", None)
    assert (text, error) == ("seen\n", "")
    assert Evaluator().run("1 +", None)[1].startswith("syntax error")
