"""Ends a script's process: asks first, insists later."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

from retrograd_debug.session.protocol import AgentNotice, Channel, Interrupt
from retrograd_events import tr

TERMINATE_AFTER = 2.0
KILL_AFTER = 5.0


def ask(process: subprocess.Popen[bytes], channel: Channel[AgentNotice] | None) -> None:
    """Interrupt the script: through its agent, else by the signal that Ctrl+C sends."""
    if channel is not None and channel.send(Interrupt()):
        return
    if hasattr(signal, "SIGINT"):
        try:
            process.send_signal(signal.SIGINT)
        except (OSError, ValueError):
            process.terminate()


def insist(process: subprocess.Popen[bytes], say: Callable[[str], None]) -> None:
    """Wait for what was asked; terminate after 2 s, kill after 5, and say each."""
    steps = (
        (TERMINATE_AFTER, process.terminate, tr("terminated after {seconds} s", seconds=int(TERMINATE_AFTER))),
        (KILL_AFTER - TERMINATE_AFTER, process.kill, tr("killed after {seconds} s", seconds=int(KILL_AFTER))),
    )
    for wait, action, words in steps:
        try:
            process.wait(wait)
            return
        except subprocess.TimeoutExpired:
            say(words)
            action()


def end_soon(process: subprocess.Popen[bytes]) -> None:
    """Wait for what was asked, as fast as is decent: terminate after 1 s, kill after 2."""
    for action in (process.terminate, process.kill):
        try:
            process.wait(1.0)
            return
        except subprocess.TimeoutExpired:
            action()
