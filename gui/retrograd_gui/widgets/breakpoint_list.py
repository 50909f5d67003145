"""The list of breakpoints: check box, glyph, words, hits, each row painted as the gutter paints its dots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from retrograd_events.text import tr
from retrograd_gui.theme.fonts import BODY, SMALL, mono_font, ui_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.breakpoints import Row

ROW = 24
BOX = 14
WORDS = 28
Index = Union[QModelIndex, QPersistentModelIndex]
_ROOT = QModelIndex()


class RowsModel(QAbstractListModel):
    """The rows; checking one asks (``check_asked``), it changes nothing itself."""

    check_asked = Signal(int, bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show ``rows``; the selection survives while the breakpoints are the same."""
        ids = [row.breakpoint.id for row in rows]
        if ids == [row.breakpoint.id for row in self._rows]:
            self._rows = list(rows)
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def row(self, index: int) -> Row:
        """A row."""
        return self._rows[index]

    def rowCount(self, parent: Index = _ROOT) -> int:
        """How many."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words for screen readers, tips, the check."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return " ".join(part for part in (row.title, row.detail, row.hits) if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tip
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if row.breakpoint.enabled else Qt.CheckState.Unchecked
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Rows can be selected and checked."""
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for a check."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.check_asked.emit(index.row(), value in (Qt.CheckState.Checked, Qt.CheckState.Checked.value))
        return True


class RowPainter(QStyledItemDelegate):
    """Paints a row and handles its check box."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Rows of one height."""
        return QSize(100, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint check box, glyph, words and hits."""
        model = index.model()
        if not isinstance(model, RowsModel):
            return
        row = model.row(index.row())
        rect = QRect(_rect(option))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if _state(option) & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(self.theme["select"]))
        self._paint_check(painter, rect, row.breakpoint.enabled)
        self._paint_glyph(painter, QPointF(rect.left() + 38, rect.center().y() + 0.5), row)
        self._paint_words(painter, rect, row)
        painter.restore()

    def _paint_check(self, painter: QPainter, rect: QRect, checked: bool) -> None:
        box = QRectF(rect.left() + 8.5, rect.center().y() - BOX / 2 + 0.5, BOX, BOX)
        painter.setPen(QPen(QColor(self.theme["accent" if checked else "lineStrong"]), 1))
        painter.setBrush(QColor(self.theme["accent" if checked else "field"]))
        painter.drawRoundedRect(box, 3, 3)
        if checked:
            painter.setPen(QPen(QColor(self.theme["onAccent"]), 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            corner = box.topLeft()
            points = [corner + QPointF(3.2, 7.4), corner + QPointF(6, 10.2), corner + QPointF(10.8, 4.4)]
            painter.drawPolyline(QPolygonF(points))

    def _paint_glyph(self, painter: QPainter, center: QPointF, row: Row) -> None:
        color = QColor(self.theme["error"])
        painter.setPen(QPen(color, 1.4))
        painter.setBrush(color if row.state == "on" else Qt.BrushStyle.NoBrush)
        if row.breakpoint.kind != "line":
            ends = (QPointF(0, -5), QPointF(5, 0), QPointF(0, 5), QPointF(-5, 0))
            painter.drawPolygon(QPolygonF([center + end for end in ends]))
        else:
            painter.drawEllipse(center, 4.5, 4.5)

    def _paint_words(self, painter: QPainter, rect: QRect, row: Row) -> None:
        words, mono = QFontMetricsF(ui_font(BODY)), QFontMetricsF(mono_font(SMALL))
        left, right = rect.left() + 52.0, rect.right() - 8.0
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        hits_width = mono.horizontalAdvance(row.hits)
        painter.setFont(mono_font(SMALL))
        painter.setPen(QColor(self.theme["text" if row.state == "on" else "text3"]))
        painter.drawText(QRectF(right - hits_width, rect.top(), hits_width + 1, rect.height()), align, row.hits)
        painter.setFont(ui_font(BODY))
        room = right - hits_width - 12 - left
        title = words.elidedText(row.title, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(QRectF(left, rect.top(), room, rect.height()), align, title)
        used = words.horizontalAdvance(title) + 8
        if room - used < 16 or not row.detail:
            return
        problem = row.state == "unreachable"
        painter.setFont(ui_font(SMALL) if problem else mono_font(SMALL))
        painter.setPen(QColor(self.theme["warn" if problem else "text2"]))
        metrics = QFontMetricsF(painter.font())
        detail = metrics.elidedText(row.detail, Qt.TextElideMode.ElideRight, room - used)
        painter.drawText(QRectF(left + used, rect.top(), room - used, rect.height()), align, detail)

    def editorEvent(self, event: QEvent, model: object, option: QStyleOptionViewItem, index: Index) -> bool:
        """A click on the box asks for the other state."""
        if event.type() == QEvent.Type.MouseButtonRelease and isinstance(model, RowsModel):
            at = getattr(event, "position", None)
            if callable(at) and at().x() < WORDS:
                enabled = model.row(index.row()).breakpoint.enabled
                model.setData(index, Qt.CheckState.Unchecked if enabled else Qt.CheckState.Checked, _CHECK)
                return True
        return event.type() == QEvent.Type.MouseButtonDblClick


_CHECK = Qt.ItemDataRole.CheckStateRole


def _rect(option: QStyleOptionViewItem) -> QRect:
    rect: QRect = option.rect
    return rect


def _state(option: QStyleOptionViewItem) -> QStyle.StateFlag:
    state: QStyle.StateFlag = option.state
    return state


class BreakpointList(QListView):
    """Space switches, Delete removes, F2 says more of one; Enter or a double click goes to the line, or does so where
    there is none."""

    remove_asked = Signal(list)
    go_asked = Signal(int)
    edit_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RowsModel(self)
        self._painter = RowPainter(theme, self)
        self.setModel(self.rows)
        self.setItemDelegate(self._painter)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName(tr("Breakpoints"))

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._painter.theme = theme
        self.viewport().update()

    def selected(self) -> list[int]:
        """The selected rows, in order."""
        return sorted(index.row() for index in self.selectionModel().selectedIndexes())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """On the words: go to the line."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.position().x() >= WORDS:
            self._open(index.row())

    def _open(self, row: int) -> None:
        """Go to a line; say more of what lies on none."""
        if self.rows.row(row).breakpoint.kind == "line":
            self.go_asked.emit(row)
        else:
            self.edit_asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys that change or open a row."""
        current = self.currentIndex()
        if event.key() == Qt.Key.Key_Delete and self.selected():
            self.remove_asked.emit(self.selected())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and current.isValid():
            self._open(current.row())
        elif event.key() == Qt.Key.Key_F2 and current.isValid():
            self.edit_asked.emit()
        elif event.key() == Qt.Key.Key_Space and current.isValid():
            enabled = self.rows.row(current.row()).breakpoint.enabled
            self.rows.check_asked.emit(current.row(), not enabled)
        else:
            super().keyPressEvent(event)
