"""The script's call stack at a hold, and the variables of one of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from retrograd_debug.session.api import Frame, ListLocals, LocalsListed, Phase, Snapshot, Variable
from retrograd_events.text import tr
from retrograd_gui.view_models.listing import Column, Entry

FRAME_COLUMNS = (Column(tr("function")), Column(tr("line"), number=True), Column(tr("code"), wide=True))
VARIABLE_COLUMNS = (Column(tr("variable")), Column(tr("type")), Column(tr("value"), wide=True))


class StackModel:
    """``frames`` are innermost first. ``request`` is the question to send, None when there is nothing to ask."""

    def __init__(self) -> None:
        self.frames: list[Entry] = []
        self.variables: list[Entry] = []
        self.listed: Sequence[Variable] = ()
        self.chosen = 0
        """The index of the frame looked at in the hold's stack."""
        self.sentence = tr("The script runs. F6 pauses it.")
        self._stack: list[Frame] = []
        self._hold: object = None
        self._request = 0

    def update(self, snapshot: Snapshot | None) -> ListLocals | None:
        """Take over a snapshot; what to ask, if another hold has come."""
        hold = snapshot.hold if snapshot is not None and snapshot.phase is Phase.HELD and snapshot.live else None
        if hold is self._hold:
            return None
        self._hold = hold
        self._stack = hold.stack if hold is not None else []
        self.listed, self.variables = (), []
        self.sentence = _why_empty(snapshot)
        self.frames = [
            Entry(at, (frame.function, str(frame.line), frame.text), tip=f"{frame.file}:{frame.line}")
            for at, frame in reversed(list(enumerate(self._stack)))
        ]
        return self.choose(len(self._stack) - 1) if self._stack else None

    def choose(self, index: int) -> ListLocals:
        """Look at another frame; what to ask."""
        self.chosen = index
        self._request += 1
        return ListLocals(self._request, index)

    def answer(self, notice: LocalsListed) -> None:
        """Take over the variables, unless something else was asked since."""
        if notice.request != self._request:
            return
        self.listed = notice.variables
        self.variables = [
            Entry(each.name, (each.name, each.type, each.text), "accent" if each.tensor else "text")
            for each in notice.variables
        ]

    def frame(self, index: int) -> Frame | None:
        """A frame of the hold's stack."""
        return self._stack[index] if 0 <= index < len(self._stack) else None

    def variable(self, name: str) -> Variable | None:
        """A variable that was listed."""
        return next((each for each in self.listed if each.name == name), None)

    @property
    def where(self) -> str:
        """The frame looked at, in words."""
        frame = self.frame(self.chosen)
        if frame is None:
            return ""
        return tr("{function}, {file} line {line}", function=frame.function, file=PurePath(frame.file).name,
                  line=frame.line)  # fmt: skip


def _why_empty(snapshot: Snapshot | None) -> str:
    if snapshot is None:
        return tr("No run open")
    if snapshot.phase in (Phase.ENDED, Phase.LOST):
        return tr("The run has ended: no frame is left")
    if not snapshot.live:
        return tr("The stack belongs to the script's own place. End returns to it.")
    return tr("The script runs. F6 pauses it.")
