"""The palette: a few letters find an action, an operation of this iteration, or a line; Enter runs or shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from retrograd_events.text import tr
from retrograd_gui.fuzzy import rank
from retrograd_gui.theme.fonts import SMALL, mono_font
from retrograd_gui.theme.icons import pixmap
from retrograd_gui.theme.tokens import Theme

WIDTH = 600
ROW = 28
ROWS = 14
LIMIT = 200

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to find. ``text`` is searched and shown, ``detail`` shown beside it, ``keys`` on the right."""

    text: str
    detail: str
    keys: str
    icon: str
    token: str
    run: Callable[[], None]
    enabled: bool = True


class _Entries(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: Sequence[Entry] = ()

    def show(self, entries: Sequence[Entry]) -> None:
        """Replace the entries."""
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """Their number."""
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Text for assistive technology; the delegate paints."""
        entry = self.entries[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(part for part in (entry.text, entry.detail, entry.keys) if part)
        if role == Qt.ItemDataRole.ToolTipRole and not entry.enabled:
            return tr("Can't be done now")
        return None


class _Rows(QStyledItemDelegate):
    def __init__(self, entries: _Entries, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._entries = entries
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are as high."""
        return QSize(0, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Icon, text, detail, keys."""
        entry, theme = self._entries.entries[index.row()], self._theme
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        try:
            if state & QStyle.StateFlag.State_Selected:
                painter.fillRect(rect, QColor(theme["select"]))
            painter.setOpacity(1.0 if entry.enabled else 0.55)
            if entry.icon:
                picture = pixmap(entry.icon, theme, entry.token, ratio=painter.device().devicePixelRatioF())
                painter.drawPixmap(rect.left() + 10, rect.top() + 6, picture)
            flags = Qt.AlignmentFlag.AlignVCenter
            right = rect.right() - 12
            if entry.keys:
                painter.setFont(mono_font(SMALL))
                painter.setPen(QColor(theme["text3"]))
                painter.drawText(QRect(rect.left(), rect.top(), right - rect.left(), ROW), _right(flags), entry.keys)
                right -= painter.fontMetrics().horizontalAdvance(entry.keys) + 16
            painter.setFont(option.font)
            metrics = painter.fontMetrics()
            painter.setPen(QColor(theme["text"]))
            left = rect.left() + 36
            text = metrics.elidedText(entry.text, Qt.TextElideMode.ElideMiddle, right - left)
            painter.drawText(QRect(left, rect.top(), right - left, ROW), flags, text)
            left += metrics.horizontalAdvance(text) + 12
            if entry.detail and right - left > 40:
                painter.setPen(QColor(theme["text3"]))
                detail = metrics.elidedText(entry.detail, Qt.TextElideMode.ElideRight, right - left)
                painter.drawText(QRect(left, rect.top(), right - left, ROW), flags, detail)
        finally:
            painter.restore()


def _right(flags: Qt.AlignmentFlag) -> Qt.AlignmentFlag:
    return flags | Qt.AlignmentFlag.AlignRight


class Palette(QDialog):
    """A frameless dialog over the window; asks ``entries`` anew at each opening."""

    def __init__(self, window: QWidget, theme: Theme, entries: Callable[[], Iterator[Entry]]) -> None:
        super().__init__(window, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("palette")
        self.setAccessibleName(tr("Find an action, operation or line"))
        self._all = [(f"{entry.text} {entry.detail}", entry) for entry in entries()]
        self._model = _Entries(self)
        self._field = QLineEdit()
        self._field.setPlaceholderText(tr("Actions, operations, lines"))
        self._field.setAccessibleName(tr("What you look for"))
        self._field.textChanged.connect(self._search)
        self._field.installEventFilter(self)
        self._list = QListView()
        self._list.setModel(self._model)
        self._list.setItemDelegate(_Rows(self._model, theme, self))
        self._list.setUniformItemSizes(True)
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setMouseTracking(True)
        self._list.setAccessibleName(tr("What was found"))
        self._list.clicked.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 9, 9, 9)
        column.setSpacing(8)
        column.addWidget(self._field)
        column.addWidget(self._list)
        self._search("")
        self._place(window)
        self._field.setFocus()

    def _place(self, window: QWidget) -> None:
        width = min(WIDTH, window.width() - 48)
        self.setFixedWidth(width)
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - width) // 2, corner.y() + 64)

    def _search(self, query: str) -> None:
        found = rank(query, self._all, LIMIT)
        if not found:
            found = [Entry(tr("Nothing matches. Try a name or a line number."), "", "", "", "text3", _no, False)]
        self._model.show(found)
        self._list.setFixedHeight(ROW * min(len(found), ROWS))
        self.adjustSize()
        self._list.setCurrentIndex(self._model.index(0))

    def _choose(self, index: Index) -> None:
        entry = self._model.entries[index.row()]
        if entry.enabled:
            self.accept()
            entry.run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The list is walked from the field."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            row, last = self._list.currentIndex().row(), self._model.rowCount() - 1
            targets = {
                Qt.Key.Key_Down: row + 1 if row < last else 0,
                Qt.Key.Key_Up: row - 1 if row > 0 else last,
                Qt.Key.Key_PageDown: min(last, row + ROWS),
                Qt.Key.Key_PageUp: max(0, row - ROWS),
            }
            key = Qt.Key(event.key())
            if key in targets:
                self._list.setCurrentIndex(self._model.index(targets[key]))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self._list.currentIndex())
                return True
        return super().eventFilter(watched, event)


def _no() -> None:
    """Nothing to run."""
