"""``retrograd diff``: how one recorded run differs from another."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict

from retrograd_debug.explain.compare import Apart, Difference, Parting, compare
from retrograd_debug.log.api import LogError
from retrograd_debug.log.reader import open_log
from retrograd_events import tr

DIFFERS, USAGE = 1, 2


def diff(left: str, right: str, tolerance: float, as_json: bool) -> int:
    """Print how ``right`` differs from ``left``; 0 when it does not."""
    try:
        with closing(open_log(left)) as one, closing(open_log(right)) as other:
            found = compare(one, other, tolerance)
    except LogError as error:
        print(error, file=sys.stderr)
        return USAGE
    print(json.dumps({"equal": found.equal, **asdict(found)}) if as_json else "\n".join(_lines(found)))
    return 0 if found.equal else DIFFERS


def _lines(found: Difference) -> Iterable[str]:
    if found.parent:
        yield tr("One is a branch of the other at event {seq}.", seq=found.parent)
    if found.equal:
        yield tr("The runs are the same, as far as both recorded.")
    yield from _parting(tr("first event of another kind, line, scope or shape"), found.event)
    yield from _parting(tr("first op whose contents differ"), found.value)
    yield from _table(tr("scalars"), found.scalars)
    yield from _table(tr("parameters at the end"), found.parameters, since=False)
    yield from _table(tr("gradients"), found.gradients)


def _parting(title: str, parting: Parting | None) -> Iterable[str]:
    if parting is None:
        return
    apart = "" if parting.apart is None else tr(", apart by {gap}", gap=f"{parting.apart:.6g}")
    yield f"{title}{apart}"
    for seq, text in ((parting.left, parting.left_text), (parting.right, parting.right_text)):
        yield f"    {seq:>9,}  {text}" if seq else "            " + tr("nothing more")


def _table(title: str, rows: Sequence[Apart], since: bool = True) -> Iterable[str]:
    if not rows:
        return
    yield title
    for row in rows:
        if not row.compared:
            words = tr("not recorded in both")
        elif row.first is None:
            words = tr("the same")
        else:
            left, right = (f"{each:.6g}" for each in row.norms)
            words = tr("{left} and {right}, {gap} apart", left=left, right=right, gap=f"{row.last:.6g}")
            if since:
                words = tr("{words} at the end; differ from iteration {number} on", words=words, number=row.first)
        yield f"    {row.name:<28} {words}"
