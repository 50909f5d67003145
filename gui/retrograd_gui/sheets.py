"""The key sheet, the about sheet and the page that shows a syntax error at its line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QFont, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from retrograd_events.text import tr
from retrograd_gui.action import Action
from retrograd_gui.actions import menus
from retrograd_gui.bound_actions import key_text
from retrograd_gui.opening import Refused
from retrograd_gui.theme.fonts import BODY, CODE, SMALL, STRONG, mono_font, ui_font
from retrograd_gui.theme.tokens import Theme


class KeySheet(QDialog):
    """Every action that has a key, by menu; typing filters."""

    def __init__(self, parent: QWidget, table: Sequence[Action]) -> None:
        super().__init__(parent)
        self.setObjectName("keys")
        self.setWindowTitle(tr("Keys"))
        self.resize(720, 640)
        self._rows: list[tuple[str, QWidget, QWidget]] = []
        field = QLineEdit()
        field.setPlaceholderText(tr("Filter"))
        field.setAccessibleName(tr("Filter the keys"))
        field.textChanged.connect(self._filter)
        inner = QWidget()
        columns = QHBoxLayout(inner)
        columns.setSpacing(40)
        columns.setContentsMargins(16, 8, 16, 8)
        grids = [QGridLayout(), QGridLayout()]
        counts = [0, 0]
        for grid in grids:
            grid.setVerticalSpacing(6)
            grid.setHorizontalSpacing(16)
            grid.setColumnStretch(0, 1)
            holder = QVBoxLayout()
            holder.addLayout(grid)
            holder.addStretch(1)
            columns.addLayout(holder, 1)
        for spec in menus():
            actions = [action for action in table if action.menu == spec.id and action.keys]
            if actions:
                side = 0 if counts[0] <= counts[1] else 1
                self._add_group(grids[side], spec.title.replace("&", ""), actions)
                counts[side] += len(actions) + 1
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.addWidget(field)
        column.addWidget(area, 1)
        column.addWidget(buttons)
        field.setFocus()

    def _add_group(self, grid: QGridLayout, title: str, actions: Sequence[Action]) -> None:
        heading = QLabel(title)
        heading.setFont(ui_font(BODY, bold=True))
        grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
        for action in actions:
            row = grid.rowCount()
            name = QLabel(action.title.rstrip("…"))
            name.setProperty("quiet", True)
            name.setToolTip(action.help)
            key = QLabel(key_text(action))
            key.setFont(mono_font(SMALL))
            key.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(name, row, 0)
            grid.addWidget(key, row, 1)
            self._rows.append((f"{action.title} {key.text()} {action.help}".casefold(), name, key))

    def _filter(self, text: str) -> None:
        for words, name, key in self._rows:
            shown = text.casefold().strip() in words
            name.setVisible(shown)
            key.setVisible(shown)


class AboutSheet(QDialog):
    """Version, licence, credits."""

    def __init__(self, parent: QWidget, version: str) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self.setWindowTitle(tr("About Retrograd"))
        title = QLabel(tr("Retrograd {version}", version=version))
        title.setFont(ui_font(STRONG, bold=True))
        words = QLabel(
            "\n\n".join(
                (
                    tr("A debugger for automatic differentiation, and the autograd engine under it. MIT licence."),
                    tr("Icons: Codicons by Microsoft, CC BY 4.0, through qtawesome."),
                    tr("Fonts: Noto Sans and Noto Sans Mono by Google, SIL Open Font License 1.1."),
                    tr("Colour maps: viridis and cividis, CC0, from pyqtgraph."),
                    tr("Qt through PySide6, LGPL 3."),
                )
            )
        )
        words.setWordWrap(True)
        words.setProperty("quiet", True)
        words.setMinimumWidth(380)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(14)
        column.addWidget(title)
        column.addWidget(words)
        column.addWidget(buttons)


class SyntaxErrorPage(QWidget):
    """A script that Python can't read: the sentence, and the source with the line and the place in it marked."""

    retried = Signal(object)
    left = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("syntaxError")
        self._theme = theme
        self._refused: Refused | None = None
        self._sentence = QLabel()
        self._sentence.setFont(ui_font(STRONG, bold=True))
        self._sentence.setWordWrap(True)
        self._path = QLabel()
        self._path.setProperty("faint", True)
        self._source = QPlainTextEdit()
        self._source.setReadOnly(True)
        self._source.setFont(mono_font(CODE))
        self._source.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._source.setAccessibleName(tr("The script's source"))
        again = QPushButton(tr("Open again"))
        again.clicked.connect(self._retry)
        back = QPushButton(tr("Back to the start page"))
        back.clicked.connect(self.left)
        row = QHBoxLayout()
        row.addWidget(again)
        row.addWidget(back)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(48, 28, 48, 24)
        column.setSpacing(12)
        column.addWidget(self._sentence)
        column.addWidget(self._path)
        column.addWidget(self._source, 1)
        column.addLayout(row)

    @property
    def refused(self) -> Refused | None:
        """What is shown."""
        return self._refused

    def show_error(self, refused: Refused) -> None:
        """Show a syntax error at its line."""
        self._refused = refused
        self._sentence.setText(refused.text)
        self._path.setText(str(refused.path))
        digits = len(str(refused.source.count("\n") + 1))
        lines = refused.source.splitlines() or [""]
        self._source.setPlainText("\n".join(f"{n:>{digits}}  {line}" for n, line in enumerate(lines, 1)))
        self._mark(refused, digits + 2)
        self._source.setFocus()

    def use_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        if self._refused is not None:
            self.show_error(self._refused)

    def _mark(self, refused: Refused, gutter: int) -> None:
        document = self._source.document()
        block = document.findBlockByNumber(min(refused.line, document.blockCount()) - 1)
        whole = QTextEdit.ExtraSelection()
        whole.cursor = QTextCursor(block)
        line = QTextCharFormat()
        line.setBackground(QColor(self._theme["errorFill"]))
        line.setProperty(QTextBlockFormat.Property.FullWidthSelection, True)
        whole.format = line
        place = QTextEdit.ExtraSelection()
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + min(gutter + max(refused.column - 1, 0), max(block.length() - 2, 0)))
        cursor.movePosition(QTextCursor.MoveOperation.NextCharacter, QTextCursor.MoveMode.KeepAnchor)
        place.cursor = cursor
        mark = QTextCharFormat()
        mark.setForeground(QColor(self._theme["error"]))
        mark.setFontWeight(QFont.Weight.Bold)
        mark.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        mark.setUnderlineColor(QColor(self._theme["error"]))
        place.format = mark
        self._source.setExtraSelections([whole, place])
        self._source.setTextCursor(QTextCursor(block))
        self._source.centerCursor()

    def _retry(self) -> None:
        if self._refused is not None:
            self.retried.emit(self._refused.path)
