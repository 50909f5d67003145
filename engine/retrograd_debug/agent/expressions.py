"""Conditions and messages of breakpoints: compiled once, evaluated where the script's thread stands.

The text is the person's own, given by the session that controls this process; nothing read from a log comes here.
"""

from __future__ import annotations

import ast
import builtins
import string
from collections.abc import Mapping, Sequence
from types import FrameType

from retrograd_debug.agent.frames import variable
from retrograd_events import tr

SHOWN = 200
"""Characters of a value that a message shows."""


class ExpressionError(Exception):
    """The expression can't be evaluated; the message is a sentence for a person."""


class Expression:
    """One expression."""

    def __init__(self, text: str) -> None:
        """``ExpressionError`` when it does not parse."""
        self.text = text
        try:
            tree = ast.parse(text.strip(), "<breakpoint>", "eval")
            self._code = compile(tree, "<breakpoint>", "eval")
        except (SyntaxError, ValueError) as error:
            raise ExpressionError(tr("{text}: syntax error, {reason}", text=text, reason=error)) from error
        self.names = frozenset(_free(tree))

    def value(self, words: Mapping[str, object], frames: Sequence[FrameType]) -> object:
        """Its value where ``words`` come first and then the variables of ``frames``, innermost last. NotYet when a
        variable that the script will have isn't there yet; ``ExpressionError`` for whatever else goes wrong."""
        found: dict[str, object] = {"__builtins__": builtins}
        for name in self.names:
            if name in words:
                found[name] = words[name]
                continue
            try:
                found[name] = variable(name, frames)
            except LookupError:
                if not hasattr(builtins, name) and _mentioned(name, frames):
                    raise NotYet from None
        try:
            return eval(self._code, found)  # noqa: S307  # the person wrote it
        except Exception as error:  # whatever the person's text raises is the answer
            raise ExpressionError(
                tr("{text}: {kind}: {reason}", text=self.text, kind=type(error).__name__, reason=error)
            ) from error

    def holds(self, words: Mapping[str, object], frames: Sequence[FrameType]) -> bool:
        """Whether it is true there."""
        try:
            return bool(self.value(words, frames))
        except NotYet:
            return False
        except ExpressionError:
            raise
        except Exception as error:  # a value's own ``__bool__`` (a tensor of several elements)
            raise ExpressionError(
                tr("{text}: {kind}: {reason}", text=self.text, kind=type(error).__name__, reason=error)
            ) from error


class NotYet(Exception):  # noqa: N818  # no error: the variable comes later
    """A variable of the script has no value yet."""


class Message:
    """A text with expressions in braces (``loss {loss.item():.3f}``)."""

    def __init__(self, text: str) -> None:
        """``ExpressionError`` when it does not parse."""
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            raise ExpressionError(tr("{text}: {reason}", text=text, reason=error)) from error
        self._parts = [
            (literal, Expression(field) if field is not None else None, form or "") for literal, field, form, _ in parts
        ]

    def __bool__(self) -> bool:
        return bool(self._parts)

    def text(self, words: Mapping[str, object], frames: Sequence[FrameType]) -> str:
        """The text with its values; what has none yet shows as "…"."""
        return "".join(literal + _shown(expression, form, words, frames) for literal, expression, form in self._parts)


def _shown(expression: Expression | None, form: str, words: Mapping[str, object], frames: Sequence[FrameType]) -> str:
    if expression is None:
        return ""
    try:
        shown = format(expression.value(words, frames), form)
    except NotYet:
        return "…"
    except ExpressionError as error:
        shown = str(error)
    except Exception as error:  # noqa: BLE001  # a value's own ``__format__``
        shown = f"{type(error).__name__}: {error}"
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"


def _free(tree: ast.Expression) -> set[str]:
    """The names that an expression takes from outside: not attributes, nor what its own loops and lambdas bind."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {node.id for node in names} - bound


def _mentioned(name: str, frames: Sequence[FrameType]) -> bool:
    """Whether the running code will have such a variable some time."""
    return any(
        name in code.co_varnames or name in code.co_names or name in code.co_cellvars
        for code in (frame.f_code for frame in frames)
    )
