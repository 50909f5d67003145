"""What a person can stop at beside lines: each kind with its name, what it asks for, and how it reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from retrograd_debug.session.api import Breakpoint
from retrograd_events.text import tr


class FormError(Exception):
    """The text makes no breakpoint; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class KindForm:
    """A kind as it is offered. ``hint`` stands in the empty field ("": it takes no text); ``optional``: the field may
    stay empty."""

    key: str
    title: str
    hint: str
    build: Callable[[str], Breakpoint]
    optional: bool = False

    @property
    def takes_text(self) -> bool:
        """Whether there is something to fill in."""
        return bool(self.hint)

    def make(self, text: str) -> Breakpoint:
        """The breakpoint that ``text`` asks for; ``FormError`` when it asks for none."""
        if self.takes_text and not self.optional and not text:
            raise FormError(self.hint)
        return self.build(text)


def _range(text: str) -> Breakpoint:
    """``name low..high``, of which a bound may be left out; ``op`` before the name: an operation, not a tensor."""
    found = re.fullmatch(r"(.*?)\s*(\S*)\.\.(\S*)", text)
    try:
        if found is None:
            raise ValueError
        name, low, high = found.groups()
        bounds = (float(low) if low else None, float(high) if high else None)
    except ValueError:
        raise FormError(tr("Write a tensor or an operation and its range, as in fc.weight -10..10")) from None
    if bounds == (None, None):
        raise FormError(tr("A range needs at least one bound, as in fc.weight ..10"))
    if name.startswith("op "):
        return Breakpoint(0, "range", op=name[3:].strip(), low=bounds[0], high=bounds[1])
    return Breakpoint(0, "range", tensor=name, low=bounds[0], high=bounds[1])


def _iteration(text: str) -> Breakpoint:
    if not text.isdecimal():
        raise FormError(tr("Write the iteration as a number, as in 100"))
    return Breakpoint(0, "iteration", iteration=int(text))


KINDS: tuple[KindForm, ...] = (
    KindForm("op", tr("Operation or node"), tr("Stop before operation or node …"),
             lambda text: Breakpoint(0, "op", op=text)),
    KindForm("scope", tr("Scope entered"), tr("Path or type of a scope, as in layers.* or ReLU"),
             lambda text: Breakpoint(0, "scope", scope=text)),
    KindForm("scope-end", tr("Scope left"), tr("Path or type of a scope, as in layers.* or ReLU"),
             lambda text: Breakpoint(0, "scope", scope=text, access="leave")),
    KindForm("gradient", tr("Gradient arrives"), tr("A parameter, as in fc.weight"),
             lambda text: Breakpoint(0, "gradient", tensor=text)),
    KindForm("read", tr("Tensor read"), tr("A parameter or a variable"),
             lambda text: Breakpoint(0, "tensor", tensor=text, access="read")),
    KindForm("write", tr("Tensor written"), tr("A parameter or a variable"),
             lambda text: Breakpoint(0, "tensor", tensor=text, access="write")),
    KindForm("nonfinite", tr("First NaN or infinity"), "", lambda text: Breakpoint(0, "nonfinite")),
    KindForm("range", tr("Value leaves a range"), tr("fc.weight -10..10, or op exp ..1e6"), _range),
    KindForm("spoil", tr("Saved tensor changed"), "", lambda text: Breakpoint(0, "spoil")),
    KindForm("expression", tr("Expression"), tr("As in grad.norm() > 10 and iteration > 3"),
             lambda text: Breakpoint(0, "expression", condition=text)),
    KindForm("iteration", tr("Iteration"), tr("Its number"), _iteration),
    KindForm("backward", tr("Backward starts"), "", lambda text: Breakpoint(0, "backward", access="start")),
    KindForm("backward-end", tr("Backward ends"), "", lambda text: Breakpoint(0, "backward", access="end")),
    KindForm("optimizer", tr("Optimizer step"), tr("Any, or a type, as in Adam"),
             lambda text: Breakpoint(0, "optimizer", op=text), optional=True),
    KindForm("exception", tr("Exception in an operation"), tr("Any, or a type, as in RuntimeError"),
             lambda text: Breakpoint(0, "exception", op=text), optional=True),
)  # fmt: skip
"""In the order in which they are offered."""


def title_of(breakpoint: Breakpoint) -> str:  # noqa: C901  # one sentence a kind
    """Where it stops, in words that follow "stops"."""
    match breakpoint.kind:
        case "op":
            if breakpoint.scope:
                return tr("before {op} in {scope}", op=breakpoint.op, scope=breakpoint.scope)
            return tr("before {op}", op=breakpoint.op)
        case "scope":
            if breakpoint.access == "leave":
                return tr("leaving {scope}", scope=breakpoint.scope)
            return tr("entering {scope}", scope=breakpoint.scope)
        case "gradient":
            return tr("when {tensor} has its gradient", tensor=breakpoint.tensor)
        case "tensor":
            if breakpoint.access == "write":
                return tr("after {tensor} is written", tensor=breakpoint.tensor)
            return tr("before {tensor} is read", tensor=breakpoint.tensor)
        case "nonfinite":
            return tr("after the first NaN or infinity")
        case "range":
            low = "" if breakpoint.low is None else f"{breakpoint.low:g}"
            high = "" if breakpoint.high is None else f"{breakpoint.high:g}"
            name = breakpoint.tensor or breakpoint.op or tr("anything")
            return tr("after {name} leaves {low}..{high}", name=name, low=low, high=high)
        case "spoil":
            return tr("before a saved tensor is changed")
        case "expression":
            return tr("where {condition}", condition=breakpoint.condition)
        case "iteration":
            return tr("at iteration {number}", number=breakpoint.iteration)
        case "backward":
            return tr("after backward") if breakpoint.access == "end" else tr("before backward")
        case "optimizer":
            return tr("before the {name} step", name=breakpoint.op or tr("optimizer"))
        case "exception":
            return tr("when an operation raises {name}", name=breakpoint.op or tr("an exception"))
        case _:
            return breakpoint.kind
