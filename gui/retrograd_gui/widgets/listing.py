"""A table of words: rows that select something, sorted by a click on a column, copied as CSV."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Union

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from retrograd_gui.theme.fonts import BODY, SMALL, VALUE, mono_font, ui_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.listing import Column, Entry, as_csv

Index = Union[QModelIndex, QPersistentModelIndex]
_ROOT = QModelIndex()
ROW = 22


class EntriesModel(QAbstractTableModel):
    """The rows, in the order asked for; headings keep rows apart only while nothing is sorted."""

    def __init__(self, columns: tuple[Column, ...], theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self.columns = columns
        self.theme = theme
        self.entries: list[Entry] = []
        self._given: list[Entry] = []
        self._sorted: tuple[int, Qt.SortOrder] | None = None

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show other rows."""
        if list(entries) == self._given:
            return
        keys = [entry.key for entry in self.entries]
        self._given = list(entries)
        ordered = self._ordered()
        if [entry.key for entry in ordered] == keys:
            self.entries = ordered
            if ordered:
                self.dataChanged.emit(self.index(0, 0), self.index(len(ordered) - 1, len(self.columns) - 1))
            return
        self.beginResetModel()
        self.entries = ordered
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; a negative one brings the given order back."""
        self._sorted = (column, order) if 0 <= column < len(self.columns) and self.columns[column].sortable else None
        self.beginResetModel()
        self.entries = self._ordered()
        self.endResetModel()

    def _ordered(self) -> list[Entry]:
        if self._sorted is None:
            return list(self._given)
        column, order = self._sorted
        rows = [entry for entry in self._given if entry.key is not None]
        return sorted(rows, key=lambda entry: entry.rank(column), reverse=order == Qt.SortOrder.DescendingOrder)

    def rowCount(self, parent: Index = _ROOT) -> int:
        """How many rows."""
        return 0 if parent.isValid() else len(self.entries)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """How many columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Titles."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(self.columns[section])
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words and their looks."""
        if not index.isValid() or index.row() >= len(self.entries):
            return None
        entry, column = self.entries[index.row()], self.columns[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return entry.cells[index.column()]
            case Qt.ItemDataRole.ToolTipRole:
                return entry.tip or entry.cells[index.column()]
            case Qt.ItemDataRole.AccessibleTextRole:
                return entry.words
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ForegroundRole:
                return QColor(self.theme["text2" if entry.key is None else entry.tone])
            case Qt.ItemDataRole.FontRole:
                if entry.key is None:
                    return ui_font(SMALL)
                return mono_font(VALUE) if column.number else ui_font(BODY)
            case _:
                return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings can't be selected."""
        if index.isValid() and self.entries[index.row()].key is None:
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class Listing(QTableView):
    """``chosen`` carries the key of a row that the person selects; ``opened`` that of one double-clicked or entered."""

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self, columns: tuple[Column, ...], theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = EntriesModel(columns, theme, self)
        self.setModel(self.rows)
        self.setObjectName("listing")
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.verticalHeader().setMinimumSectionSize(ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        for at, column in enumerate(columns):
            mode = QHeaderView.ResizeMode.Stretch if column.wide else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(at, mode)
        if any(column.sortable for column in columns):
            self.setSortingEnabled(True)
            header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
            header.setSortIndicatorClearable(True)
        self.selectionModel().currentRowChanged.connect(lambda current, _before: self._choose(current))
        self.doubleClicked.connect(self._open)
        self._telling = False

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show rows; the selected one stays selected where it is still there."""
        key = self.current_key()
        self.rows.show_entries(entries)
        if self.current_key() != key:
            self.select_key(key)

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self.rows.theme = theme
        self.viewport().update()

    def current_key(self) -> Hashable | None:
        """The key of the current row."""
        index = self.currentIndex()
        return self.rows.entries[index.row()].key if index.isValid() else None

    def select_key(self, key: Hashable | None) -> None:
        """Make the row with ``key`` the current one, without telling; none when it is not there."""
        self._telling = True
        try:
            at = next((row for row, entry in enumerate(self.rows.entries) if key is not None and entry.key == key), -1)
            if at < 0:
                self.setCurrentIndex(QModelIndex())
                self.clearSelection()
            elif self.currentIndex().row() != at:
                self.setCurrentIndex(self.rows.index(at, 0))
        finally:
            self._telling = False

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid() and not self._telling and (key := self.rows.entries[index.row()].key) is not None:
            self.chosen.emit(key)

    def _open(self, index: QModelIndex) -> None:
        if index.isValid() and (key := self.rows.entries[index.row()].key) is not None:
            self.opened.emit(key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, Ctrl+C copies as CSV."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex())
        elif event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
            QGuiApplication.clipboard().setText(as_csv(self.rows.columns, [self.rows.entries[row] for row in rows]))
        else:
            super().keyPressEvent(event)


def _alignment(column: Column) -> int:
    side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
