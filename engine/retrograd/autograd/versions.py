"""Version counters: how a change to a saved tensor is noticed, and told with the lines that matter.

All changes and all backward nodes are numbered by one clock. A tensor that a node saved is still what it was when the
last change to its storage has a lower number than the node, so nothing has to be recorded when it is saved.
"""

from __future__ import annotations

import itertools
import sys
import weakref
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from retrograd.autograd import sites

if TYPE_CHECKING:
    from retrograd.tensor import Tensor

tick = itertools.count(1).__next__
"""The clock: the next number, for a node or for a change."""

KEPT = 8
"""Changes remembered for messages."""


class Versions:
    """The version counter of a storage, shared by all its views.

    ``count`` is the version, ``stamp`` the number of the last change, ``changes`` the last few of them as (stamp,
    version after it, op, code, instruction), ``views`` weak references to the views that backward must follow.
    """

    __slots__ = ("changes", "count", "stamp", "views")

    def __init__(self) -> None:
        self.count = 0
        self.stamp = 0
        self.changes: list[tuple[int, int, str, CodeType | None, int]] = []
        self.views: list[weakref.ref[Tensor]] = []

    def bump(self, op: str) -> None:
        """Note that ``op`` has just changed the storage, from the user's line that is running."""
        self.note(op, sites.users_frame(sys._getframe(1)))

    def note(self, op: str, frame: FrameType | None) -> None:
        """Note that ``op`` has just changed the storage, from the line that ``frame`` runs."""
        self.count += 1
        self.stamp = stamp = tick()
        changes = self.changes
        if len(changes) >= KEPT:
            del changes[0]
        if frame is None:
            changes.append((stamp, self.count, op, None, 0))
        else:
            changes.append((stamp, self.count, op, frame.f_code, frame.f_lasti))

    def follow(self, views: Sequence[Tensor]) -> None:
        """Remember ``views``, for the day their storage is changed in place."""
        known = self.views
        if len(known) >= 32 and len(known) & (len(known) - 1) == 0:
            known[:] = [each for each in known if each() is not None]
        known.extend([weakref.ref(each) for each in views])

    def first_change_after(self, stamp: int) -> tuple[int, str, str]:
        """The first remembered change after ``stamp``: the version it made, its op and its place in words."""
        for when, version, op, code, instruction in self.changes:
            if when > stamp:
                return version, op, sites.describe(code, instruction)
        return self.count, "an in-place operation", "an unknown line"


class Untracked(Versions):
    """In place of a counter: the tensor was made in inference mode. For every node its last change lies ahead, so that
    what saved it notices."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.stamp = sys.maxsize

    def note(self, op: str, frame: FrameType | None) -> None:
        """Changes are not tracked."""


def versions_of(tensor: Tensor) -> Versions:
    """The tensor's counter, made now if nothing needed it before."""
    cell = tensor._cell
    if cell is None:
        cell = tensor._cell = Versions()
    return cell


def changed(cells: Sequence[Versions], op: str) -> None:
    """Note that ``op`` has just changed all these storages, from the user's line that is running."""
    frame = sites.users_frame(sys._getframe(1))
    for cell in cells:
        cell.note(op, frame)
