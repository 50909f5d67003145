"""What the palette finds: actions that can be done now, operations of the iteration in view, lines of the script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from retrograd_debug.format import tensor
from retrograd_events.events import OpApplied
from retrograd_events.text import tr
from retrograd_gui.action import Action
from retrograd_gui.actions import menus
from retrograd_gui.bound_actions import BoundActions, key_text
from retrograd_gui.context import Context
from retrograd_gui.palette import Entry
from retrograd_gui.view_models.selection import Selection

OPS_OFFERED = 3000


def entries(actions: BoundActions, context: Context, raise_panel: Callable[[str], None]) -> Iterator[Entry]:
    """All entries: actions first, then lines, then operations."""
    titles = {spec.id: spec.title.replace("&", "") for spec in menus()}
    for action in actions.available():
        if action.id != "view.show-palette":
            yield _action(action, titles[action.menu], actions)
    yield from _lines(context)
    yield from _ops(context, raise_panel)


def _action(action: Action, menu: str, actions: BoundActions) -> Entry:
    # "Appearance: Dark" says more than "Dark", and does not stand before the step that is meant
    title = f"{action.submenu}: {action.title}" if action.submenu else action.title
    return Entry(
        title, menu, key_text(action), action.icon, action.token, lambda: actions.run(action.id)
    )  # fmt: skip


def _lines(context: Context) -> Iterator[Entry]:
    snapshot = context.snapshot
    if snapshot is None or snapshot.log is None:
        return
    sites = {(site.file, site.line): site for site in list(snapshot.log.sites.values())}
    for (file, line), site in sorted(sites.items()):
        yield Entry(
            tr("line {line}", line=line),
            site.text.strip(),
            "",
            "msc.list-selection",
            "text2",
            _go_to(context, file, line),
        )


def _go_to(context: Context, file: str, line: int) -> Callable[[], None]:
    return lambda: context.show_source(file, line)


def _ops(context: Context, raise_panel: Callable[[str], None]) -> Iterator[Entry]:
    snapshot = context.snapshot
    if snapshot is None:
        return
    sites = snapshot.log.sites if snapshot.log is not None else {}
    ops = [event for event in snapshot.iteration_events if isinstance(event, OpApplied)]
    for op in ops[:OPS_OFFERED]:
        made = op.outputs[0] if op.outputs else None
        site = sites.get(op.site)
        about = [tensor(made.shape, made.dtype)] if made is not None else []
        if site is not None:
            about.append(tr("line {line}", line=site.line))
        selection = Selection(
            "op", op=op.seq, tensor=made.id if made else Selection().tensor, version=made.version if made else 0
        )  # fmt: skip
        yield Entry(
            op.name, ", ".join(about), "", "msc.symbol-method", "forward", _show(context, selection, raise_panel)
        )


def _show(context: Context, selection: Selection, raise_panel: Callable[[str], None]) -> Callable[[], None]:
    def show() -> None:
        context.select(selection)
        raise_panel("graph")

    return show
