"""What tensors and modules are called: by their parameter path, else by the variable that their line assigns, else by
op and number. Lines are parsed once (``ast``) and remembered; nothing from a log is ever run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Union

from retrograd_debug.log.api import Log
from retrograd_debug.log.state import State, TensorInfo
from retrograd_debug.session.api import Snapshot
from retrograd_events.events import OpApplied, Seq, SiteDefined, SiteId, TensorId
from retrograd_events.text import tr

_BLOCK_HEADERS = ("for ", "while ", "if ", "with ", "elif ", "else", "try", "except", "def ", "class ", "finally")
_TARGET = re.compile(r"^\s*([A-Za-z_][\w.]*)\s*(?:[-+*/@%&|^]|//|\*\*)?=(?!=)")
_CALLEE = re.compile(r"([A-Za-z_][\w.]*)\s*\(")


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.stmt | None:
    """The first statement of a source line, also of a block header or of an ``elif``; None when it is no whole one."""
    line = text.strip()
    candidates = [line]
    if line.startswith("elif "):
        line = line[2:]
        candidates = [line]
    if line.startswith(_BLOCK_HEADERS) and line.split("#")[0].rstrip().endswith(":"):
        candidates.append(line.split("#")[0].rstrip() + " pass")
    for candidate in candidates:
        try:
            body = ast.parse(candidate).body
        except (SyntaxError, ValueError):
            continue
        if body:
            return body[0]
    return None


def _spell(target: ast.expr) -> str:
    """A target as people say it: ``x``, ``self.h`` as ``h``, ``a[0]`` as written."""
    if isinstance(target, ast.Starred):
        target = target.value
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return target.attr
    return ast.unparse(target)


@lru_cache(maxsize=4096)
def assigned_names(text: str) -> tuple[str, ...]:
    """The variables that a line assigns, in order (``a, b = f()`` gives both); empty when it assigns none."""
    statement = _parse(text)
    match statement:
        case ast.Assign(targets=targets):
            target = targets[0]
            if isinstance(target, (ast.Tuple, ast.List)):
                return tuple(_spell(element) for element in target.elts)
            return (_spell(target),)
        case ast.AugAssign(target=target):
            return (_spell(target),)
        case ast.AnnAssign(target=target, value=value) if value is not None:
            return (_spell(target),)
        case None:
            # a line that is only the beginning of its statement
            found = _TARGET.match(text)
            return (found.group(1).removeprefix("self."),) if found else ()
        case _:
            walrus = [node.target.id for node in ast.walk(statement) if isinstance(node, ast.NamedExpr)]
            return tuple(walrus[:1])


@lru_cache(maxsize=4096)
def called_names(text: str) -> tuple[str, ...]:
    """What a line calls, in the order of the calls (arguments before their call): ``loss_fn(model(x), y)`` gives
    ``("model", "loss_fn")``. Method calls on results have no name and are left out."""
    statement = _parse(text)
    if statement is None:
        return tuple(name.removeprefix("self.") for name in _CALLEE.findall(text))
    found: list[str] = []

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            visit(child)
        if isinstance(node, ast.Call) and _dotted(node.func):
            found.append(_spell(node.func))

    visit(statement)
    return tuple(found)


def _dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


@lru_cache(maxsize=4096)
def short_arguments(detail: str) -> str:
    """A module's ``extra_repr`` as short as its type needs: ``in_features=1, out_features=1`` is ``1, 1``."""
    try:
        call = ast.parse(f"f({detail})", mode="eval").body
    except (SyntaxError, ValueError):
        return detail
    if not isinstance(call, ast.Call):
        return detail
    parts = [ast.unparse(argument) for argument in call.args]
    for keyword in call.keywords:
        value = ast.unparse(keyword.value)
        if value == "True":
            continue
        if value == "False":
            parts.append(f"{keyword.arg}=False")
        elif isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, (int, float)):
            parts.append(value if len(parts) < 2 else f"{keyword.arg}={value}")
        else:
            parts.append(value)
    return ", ".join(parts)


def site_text(sites: Mapping[SiteId, SiteDefined], site: SiteId) -> str:
    """The source line of a site, "" when unknown."""
    defined = sites.get(site)
    return defined.text if defined is not None else ""


def variable(sites: Mapping[SiteId, SiteDefined], site: SiteId, slot: int = 0) -> str:
    """The variable that a site's line assigns to output ``slot``, "" when none."""
    names = assigned_names(site_text(sites, site))
    if len(names) == 1:
        return names[0] if slot == 0 else f"{names[0]}[{slot}]"
    return names[slot] if slot < len(names) else ""


def _is_last_of_line(state: State, log: Log | None, info: TensorInfo) -> bool:
    """Whether no later op of the same line and iteration made another tensor: only the line's last result is what it
    assigns."""
    spot = log.iteration_at(info.op) if log is not None else None
    last = spot.last if spot is not None and spot.last else None
    for other in state.tensors.values():
        if (
            other.site == info.site
            and other.op > info.op
            and other.kind != "gradient"
            and (last is None or other.op <= last)
        ):
            return False
    return True


def _op_and_number(snapshot: Snapshot, op: Seq) -> str:
    """``mul 2``: the second ``mul`` of the iteration; "" when the op is in none of the snapshot's iterations."""
    for events in (snapshot.iteration_events, snapshot.previous_events):
        made = next((event for event in events if event.seq == op), None)
        if isinstance(made, OpApplied):
            number = sum(
                1 for event in events if isinstance(event, OpApplied) and event.name == made.name and event.seq <= op
            )
            return f"{made.name} {number}"
    return ""


def tensor_name(source: Union[Snapshot, State], log: Log | None, tensor: TensorId) -> str:
    """What to call a tensor: its parameter path, else the variable that its line assigns, else op and number, else
    "tensor N". A gradient is named after its leaf ("weight.grad"). Cheap: reads nothing from disk."""
    state = source.state if isinstance(source, Snapshot) else source
    info = state.tensors.get(tensor)
    if info is None:
        return tr("tensor {id}", id=tensor)
    if info.path:
        return info.path
    if info.kind == "gradient":
        owner = next((o for o in state.tensors.values() if o.grad is not None and o.grad.id == tensor), None)
        if owner is not None and owner.meta.id != tensor:
            return tr("{name}.grad", name=tensor_name(source, log, owner.meta.id))
    sites: Mapping[SiteId, SiteDefined] = log.sites if log is not None else {}
    name = variable(sites, info.site, info.slot)
    if name and _is_last_of_line(state, log, info):
        return name
    if isinstance(source, Snapshot):
        numbered = _op_and_number(source, info.op)
        if numbered:
            return numbered
    return tr("tensor {id}", id=tensor)
