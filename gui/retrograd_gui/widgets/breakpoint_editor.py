"""What else a breakpoint asks: a condition, hits to skip, a message in place of the stop, one stop only."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QLineEdit, QSpinBox, QWidget

from retrograd_debug.session.api import Breakpoint
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import SMALL, mono_font

MOST = 1_000_000_000


class BreakpointEditor(QWidget):
    """Fields for one breakpoint; ``changed`` carries it as the person wants it, ``closed`` says that Esc was hit."""

    changed = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._breakpoint: Breakpoint | None = None
        self.condition = self._line(tr("Condition"), tr("Always, or as in iteration > 3"))
        self.message = self._line(tr("Message"), tr("Nothing: it stops; or as in loss {loss.item():.3f}"))
        self.ignore = QSpinBox()
        self.ignore.setRange(0, MOST)
        self.ignore.setAccessibleName(tr("Hits to skip"))
        self.ignore.setKeyboardTracking(False)
        self.ignore.valueChanged.connect(self._commit)
        self.once = QCheckBox(tr("one stop only"))
        self.once.toggled.connect(self._commit)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 4, 8, 4)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        for place, (text, field) in enumerate(((tr("If"), self.condition), (tr("Write"), self.message))):
            label = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, place, 0)
            grid.addWidget(field, place, 1, 1, 2)
        label = QLabel(tr("Skip"))
        label.setBuddy(self.ignore)
        grid.addWidget(label, 2, 0)
        grid.addWidget(self.ignore, 2, 1)
        grid.addWidget(self.once, 2, 2)
        grid.setColumnStretch(1, 1)

    def _line(self, name: str, hint: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        field.setPlaceholderText(hint)
        field.setFont(mono_font(SMALL))
        field.editingFinished.connect(self._commit)
        return field

    def show_breakpoint(self, breakpoint: Breakpoint) -> None:
        """Fill the fields; what is being typed stays while it is the same breakpoint."""
        same = self._breakpoint is not None and self._breakpoint.id == breakpoint.id
        self._breakpoint = breakpoint
        for field, text in ((self.condition, breakpoint.condition), (self.message, breakpoint.log)):
            if not (same and field.hasFocus()):
                field.setText(text)
        for box in (self.ignore, self.once):
            box.blockSignals(True)
        self.ignore.setValue(breakpoint.ignore)
        self.once.setChecked(breakpoint.once)
        for box in (self.ignore, self.once):
            box.blockSignals(False)

    def _commit(self) -> None:
        if self._breakpoint is None:
            return
        wanted = replace(
            self._breakpoint,
            condition=self.condition.text().strip(),
            log=self.message.text().strip(),
            ignore=self.ignore.value(),
            once=self.once.isChecked(),
        )
        if wanted != self._breakpoint:
            self._breakpoint = wanted
            self.changed.emit(wanted)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
