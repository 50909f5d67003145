"""Takes the picture that ``--screenshot`` asks for: opens a file, steps to where there is something to see, saves."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from retrograd_debug.session.api import Phase, Snapshot, Step, StepKind, Verb
from retrograd_events.text import tr
from retrograd_gui.main_window import MainWindow

SETTLED_MS = 700
LIMIT_MS = 60_000
# as far as the second node of the backward pass of iteration 3: values, gradients and a curve are there
INTERESTING = (StepKind.ITERATION,) * 3 + (StepKind.BACKWARD_START,) + (StepKind.NODE,) * 2


class Photographer(QObject):
    """``exit_code`` is 0 once the picture is saved."""

    def __init__(self, window: MainWindow, target: Path, steps: int | None) -> None:
        super().__init__(window)
        self._window = window
        self._target = target
        self._steps: list[StepKind] = list(INTERESTING if steps is None else (StepKind.OP,) * steps)
        self._asked_at: object = None
        self.exit_code = 1
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(SETTLED_MS)
        self._settled.timeout.connect(self._take)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.timeout.connect(self._give_up)

    def begin(self, path: Path) -> None:
        """Open ``path`` and go."""
        self._window.context.snapshot_changed.connect(self._follow)
        self._limit.start(LIMIT_MS)
        self._window.open_path(path)
        # what can't be opened is said in the window, and that is the picture then
        self._window.message.shown.connect(self._settled.start)

    def _follow(self, snapshot: Snapshot) -> None:
        if snapshot.phase in (Phase.STARTING, Phase.RUNNING):
            self._settled.stop()
            return
        here = (snapshot.hold, snapshot.phase)
        held = snapshot.phase is Phase.HELD and Verb.STEP in snapshot.verbs
        if held and self._steps and here != self._asked_at:
            self._asked_at = here
            self._settled.stop()
            self._window.context.dispatch(Step(self._steps.pop(0)))
        elif not (held and self._steps):
            self._settled.start()

    def _take(self) -> None:
        self._limit.stop()
        picture = self._window.grab()
        if picture.save(str(self._target)):
            self.exit_code = 0
        else:
            sys.stderr.write(tr("The picture can't be written to {path}.", path=self._target) + "\n")
        self._window.close()

    def _give_up(self) -> None:
        sys.stderr.write(tr("The script was not where the picture is taken after {s} s.", s=LIMIT_MS // 1000) + "\n")
        self._steps.clear()
        self._take()
        self.exit_code = 1
