"""A tensor's numbers in rows and columns; only what is seen is made into words."""

from __future__ import annotations

from typing import Union

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from retrograd_debug import format as fmt
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import SMALL, VALUE, mono_font, ui_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.table import Table

Index = Union[QModelIndex, QPersistentModelIndex]
_ROOT = QModelIndex()
ROW = 22
EDGE = 5
FEW_COLUMNS = 4


class NumbersModel(QAbstractTableModel):
    """Column 0 is the row's number. Setting a cell only asks (``edit_asked``: row, column, text)."""

    edit_asked = Signal(int, int, str)

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self._table: Table | None = None
        self._editable: frozenset[int] = frozenset()
        self._bold = mono_font(VALUE, bold=True)
        self._plain = mono_font(VALUE)

    def show_table(self, table: Table | None, editable: frozenset[int]) -> None:
        """Show ``table``; columns in ``editable`` (from 0, without the row's number) can be edited."""
        old, self._editable = self._table, editable
        shape = (table.rows, table.titles) if table is not None else None
        if shape == ((old.rows, old.titles) if old is not None else None):
            self._table = table
            if table is not None and table.rows:
                self.dataChanged.emit(self.index(0, 0), self.index(table.rows - 1, table.width))
            return
        self.beginResetModel()
        self._table = table
        self.endResetModel()

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """How many rows."""
        return 0 if parent.isValid() or self._table is None else self._table.rows

    def columnCount(self, parent: Index = _ROOT) -> int:
        """How many columns, the row's number included."""
        return 0 if parent.isValid() or self._table is None else self._table.width + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Titles."""
        if orientation != Qt.Orientation.Horizontal or self._table is None:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == 0 else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DisplayRole:
            if section == 0:
                return tr("row")
            titles = self._table.titles
            return titles[section - 1] if section <= len(titles) else None
        return None

    def number(self, index: Index) -> np.generic | None:
        """The number in a cell."""
        if self._table is None or not index.isValid() or index.column() == 0:
            return None
        return self._table.cell(index.row(), index.column() - 1)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words, alignment, colour and the number in full."""
        if self._table is None or not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if index.column() == 0 else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if index.column() == 0:
            return str(index.row()) if role == Qt.ItemDataRole.DisplayRole else self._faint(role)
        number = self.number(index)
        if number is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _with_glyph(number)
        if role in (Qt.ItemDataRole.EditRole, Qt.ItemDataRole.ToolTipRole):
            return fmt.exact(number)
        return self._emphasis(number, role)

    def _faint(self, role: int) -> object:
        return QColor(self._theme["text3"]) if role == Qt.ItemDataRole.ForegroundRole else None

    def _emphasis(self, number: np.generic, role: int) -> QColor | QFont | None:
        kind = _special(number)
        if role == Qt.ItemDataRole.FontRole:
            return self._bold if kind else self._plain
        if role == Qt.ItemDataRole.ForegroundRole and kind:
            return QColor(self._theme["nan" if kind == "nan" else "error"])
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """What can be done with a cell."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() - 1 in self._editable:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for another number."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        if str(value) != self.data(index, role):
            self.edit_asked.emit(index.row(), index.column() - 1, str(value))
        return True


def _special(number: np.generic) -> str:
    if not np.issubdtype(number.dtype, np.inexact):
        return ""
    if np.isnan(number):
        return "nan"
    return "inf" if np.isinf(number) else ""


def _with_glyph(number: np.generic) -> str:
    if np.iscomplexobj(number):
        return str(number).replace("-", fmt.MINUS)
    value = number.item() if isinstance(number, (np.bool_, np.integer)) else float(number.astype(np.float64))
    text = fmt.number(value)
    return {"NaN": "× NaN", "+Inf": "▲ +Inf", "−Inf": "▼ −Inf"}.get(text, text)


class NumberTable(QTableView):
    """Double click or Enter edits where it is possible; elsewhere ``refused`` tells the column. Copies full numbers."""

    refused = Signal(int)
    current_changed = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.numbers = NumbersModel(theme, self)
        self.setModel(self.numbers)
        self.setFont(mono_font(VALUE))
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setAccessibleName(tr("Numbers"))
        self.setWordWrap(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(ROW)
        rows.setDefaultSectionSize(ROW)
        header = self.horizontalHeader()
        header.setFont(ui_font(SMALL))
        header.setHighlightSections(False)
        header.setMinimumSectionSize(32)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.doubleClicked.connect(self._double_clicked)

    def show_table(self, table: Table | None, editable: frozenset[int]) -> None:
        """Show ``table``; the place stays while its shape does."""
        matrix = table is not None and table.width > FEW_COLUMNS
        behavior = QAbstractItemView.SelectionBehavior
        self.setSelectionBehavior(behavior.SelectItems if matrix else behavior.SelectRows)
        self.numbers.show_table(table, editable)
        self._size_columns()

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self.numbers.set_theme(theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Few columns share the width."""
        super().resizeEvent(event)
        self._size_columns()

    def _size_columns(self) -> None:
        columns = self.numbers.columnCount()
        if columns < 2:
            return
        metrics = QFontMetricsF(mono_font(VALUE))
        first = round(metrics.horizontalAdvance(str(max(self.numbers.rowCount(), 100)))) + 20
        least = round(metrics.horizontalAdvance("−9.054e−04 ")) + 14
        header = self.horizontalHeader()
        header.setDefaultSectionSize(least)
        header.resizeSection(0, first)
        if columns - 1 <= FEW_COLUMNS:
            share = max(least, (self.viewport().width() - first - EDGE) // (columns - 1))
            for column in range(1, columns):
                header.resizeSection(column, share)

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Tell which element is current."""
        super().currentChanged(current, previous)
        if current.isValid():
            self.scrollTo(current)
            self.current_changed.emit(current.row(), max(0, current.column() - 1))

    def go_to(self, row: int, column: int) -> None:
        """Make an element current, and see it."""
        index = self.numbers.index(row, column + 1)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def edit_current(self, column: int) -> None:
        """Edit the current row's cell in ``column`` (or say why not)."""
        row = max(0, self.currentIndex().row())
        index = self.numbers.index(row, column + 1)
        if not index.isValid():
            return
        self.setCurrentIndex(index)
        if self.numbers.flags(index) & Qt.ItemFlag.ItemIsEditable:
            self.edit(index)
        else:
            self.refused.emit(column)

    def _double_clicked(self, index: QModelIndex) -> None:
        if index.column() > 0 and not self.numbers.flags(index) & Qt.ItemFlag.ItemIsEditable:
            self.refused.emit(index.column() - 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy full numbers; Enter edits."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.selected_text())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # the Enter that ends an edit comes by here too
            if self.state() != QAbstractItemView.State.EditingState and self.currentIndex().column() > 0:
                self.edit_current(self.currentIndex().column() - 1)
        else:
            super().keyPressEvent(event)

    def selected_text(self) -> str:
        """The selected cells, tabs between columns, numbers in full."""
        rows: dict[int, list[tuple[int, str]]] = {}
        for index in self.selectedIndexes():
            number = self.numbers.number(index)
            if number is not None:
                rows.setdefault(index.row(), []).append((index.column(), fmt.exact(number)))
        return "\n".join("\t".join(text for _, text in sorted(cells)) for _, cells in sorted(rows.items()))
