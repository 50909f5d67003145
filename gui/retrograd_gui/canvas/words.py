"""What tool tips say: the full text of what a card only hints at."""

from __future__ import annotations

from collections.abc import Mapping

from retrograd_debug.format import exact
from retrograd_debug.graph.model import EdgeKind, Item, Mark, Scene
from retrograd_events.events import Ref, SiteDefined, SiteId
from retrograd_events.text import tr
from retrograd_gui.canvas.facts import Fact
from retrograd_gui.canvas.picture import Route


def tip_of(item: Item, sites: Mapping[SiteId, SiteDefined], facts: Mapping[Ref, Fact | None]) -> str:
    """An item in full: name, lines, state, source line, value."""
    lines = [item.title]
    if item.detail or item.info:
        lines.append(" · ".join(part for part in (item.detail, item.info) if part))
    if item.device:
        lines.append(tr("on {device}", device=item.device))
    if item.mark is Mark.HELD:
        lines.append(tr("the script is held before this"))
    elif item.mark is Mark.CURSOR:
        lines.append(tr("you are looking at this"))
    elif item.mark is Mark.SCRIPT:
        lines.append(tr("the script itself stands here"))
    else:
        lines.append(tr(item.state.value))
    if item.tip:
        lines.append(item.tip)
    site = sites.get(item.site)
    if site is not None:
        lines.append(tr("line {line}: {text}", line=site.line, text=site.text.strip()))
    lines += _fact_lines(facts.get((item.tensor, item.version)))
    return "\n".join(lines)


def tip_of_route(route: Route, scene: Scene, facts: Mapping[Ref, Fact | None]) -> str:
    """An edge in full: from where to where, what it carries."""
    edge = route.edge
    source, target = scene.item(edge.source), scene.item(edge.target)
    ends = tr(
        "{source} to {target}",
        source=source.title if source is not None else "",
        target=target.title if target is not None else "",
    )
    what = tr("gradient, {state}", state=edge.state.value) if edge.kind is EdgeKind.GRADIENT else edge.label
    return "\n".join(line for line in [ends, what, *_fact_lines(facts.get((edge.tensor, edge.version)))] if line)


def _fact_lines(fact: Fact | None) -> list[str]:
    if fact is None:
        return []
    lines = []
    if fact.single is not None:
        lines.append(tr("value {value}", value=exact(fact.single)))
    else:
        lines.append(tr("norm {norm}", norm=exact(fact.norm)))
    if fact.nan or fact.inf:
        lines.append(tr("{nan} NaN, {inf} Inf", nan=fact.nan, inf=fact.inf))
    if fact.partial:
        lines.append(tr("from a sample of its elements"))
    return lines
