"""Lines of output: coloured by where they come from, selectable, bounded, faint after the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QBrush, QColor, QFont, QPalette, QTextBlock, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QTextEdit, QWidget

from retrograd_events.events import Seq
from retrograd_gui.theme.fonts import SMALL, mono_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.console import MOST_LINES, Entry

_TOKENS = {
    "stdout": "text",
    "stderr": "error",
    "warning": "warn",
    "expression": "text2",
    "result": "text",
    "error": "error",
    "stdin": "accent",
    "note": "text3",
}
_PREFIXES = {"expression": "> "}
MOST_FORMATTED = 20_000


class ConsoleText(QPlainTextEdit):
    """Stays where the person scrolled to; follows the newest line while that is in view."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cursor: Seq | None = None
        self._unfinished = False
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setMaximumBlockCount(MOST_LINES)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFont(mono_font(SMALL))
        self.setWordWrapMode(self.wordWrapMode().WrapAtWordBoundaryOrAnywhere)
        self.document().setDocumentMargin(8)
        self._entries: list[Entry] = []
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Use another theme; lines already there are written again."""
        self._theme = theme
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Base, QColor(theme["panel"]))
        self.setPalette(palette)
        self.setStyleSheet(f"QPlainTextEdit {{ background: {theme['panel']}; border: none; padding: 0; }}")
        entries, self._entries = self._entries, []
        super().clear()
        self._unfinished = False
        self.append(entries)

    def clear(self) -> None:
        """Forget all lines."""
        self._entries = []
        self._unfinished = False
        super().clear()

    def append(self, entries: Sequence[Entry]) -> None:
        """Add lines at the end."""
        if not entries:
            return
        bar = self.verticalScrollBar()
        follow = bar.value() >= bar.maximum() - 2
        self._drop_unfinished()
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        empty = not self._entries
        for kind, text in _grouped(entries):
            cursor.insertText(text if empty else "\n" + text, self._format(kind))
            empty = False
        cursor.endEditBlock()
        self._entries = [*self._entries, *entries][-MOST_LINES:]
        self._fade()
        if follow:
            bar.setValue(bar.maximum())

    def set_unfinished(self, text: str) -> None:
        """Show a line that the script began and has not ended."""
        self._drop_unfinished()
        if not text:
            return
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(("\n" if self._entries else "") + text, self._format("stdout"))
        self._unfinished = True
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _drop_unfinished(self) -> None:
        if not self._unfinished:
            return
        self._unfinished = False
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        cursor.deletePreviousChar()

    def set_cursor_at(self, cursor: Seq | None) -> None:
        """Looking back at ``cursor``: what came later is faint (None: live, all is plain)."""
        if cursor != self._cursor:
            self._cursor = cursor
            self._fade()

    def _fade(self) -> None:
        later = self._first_later()
        if later is None:
            self.setExtraSelections([])
            return
        start = QTextCursor(self._block_of(later))
        start.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        selection = QTextEdit.ExtraSelection()
        selection.cursor = start
        style = QTextCharFormat()
        style.setForeground(QBrush(QColor(self._theme["lineStrong"])))
        selection.format = style
        self.setExtraSelections([selection])

    def _first_later(self) -> int | None:
        cursor = self._cursor
        if cursor is None:
            return None
        return next((index for index, entry in enumerate(self._entries) if entry.seq > cursor), None)

    def _block_of(self, index: int) -> QTextBlock:
        return self.document().findBlockByNumber(index)

    def _format(self, kind: str) -> QTextCharFormat:
        style = QTextCharFormat()
        style.setForeground(QBrush(QColor(self._theme[_TOKENS[kind]])))
        if kind == "result":
            style.setFontWeight(QFont.Weight.Normal)
        return style


def _grouped(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Neighbours of one kind joined: one insertion each, so that 100,000 lines are quick."""
    groups: list[tuple[str, list[str]]] = []
    for entry in entries:
        text = _PREFIXES.get(entry.kind, "") + entry.text
        if groups and groups[-1][0] == entry.kind:
            groups[-1][1].append(text)
        else:
            groups.append((entry.kind, [text]))
    return [(kind, "\n".join(texts)) for kind, texts in groups]
