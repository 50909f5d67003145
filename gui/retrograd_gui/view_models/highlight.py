"""Python source in coloured runs: which theme token each piece of a line takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line and the colour token that it takes."""

    text: str
    token: str


def highlight(text: str) -> list[list[Run]]:
    """The lines of ``text`` as coloured runs; joined, the runs give the text again (tabs as four spaces)."""
    lines: list[list[Run]] = [[]]
    for piece, token in _tokens(text.expandtabs(4)):
        for index, part in enumerate(piece.split("\n")):
            if index:
                lines.append([])
            if part:
                lines[-1].append(Run(part, token))
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    pieces = list(PythonLexer(stripnl=False, stripall=False, ensurenl=False).get_tokens(text))
    for index, (kind, piece) in enumerate(pieces):
        following = pieces[index + 1][1] if index + 1 < len(pieces) else ""
        yield piece, _token(kind, following.startswith("("))


_KINDS = (
    (Comment, "synComment"),
    (String, "synString"),
    (Number, "synNumber"),
    (Keyword, "synKeyword"),
    (Operator.Word, "synKeyword"),
    (Name.Builtin, "synBuiltin"),
    (Name.Function, "synFunc"),
    (Name.Class, "synFunc"),
    (Name.Decorator, "synFunc"),
)


def _token(kind: _TokenType, called: bool) -> str:
    for parent, token in _KINDS:
        if parent is kind or parent in kind.split():
            return token
    return "synFunc" if called and Name in kind.split() else "text"
