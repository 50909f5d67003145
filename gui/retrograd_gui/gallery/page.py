"""The start page as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QMenu, QScrollArea, QVBoxLayout, QWidget

from retrograd_events.text import tr
from retrograd_gui.bound_actions import BoundActions, key_text
from retrograd_gui.gallery.cards import ActionCard, Card, ExampleCard, RunButton
from retrograd_gui.gallery.examples import Example
from retrograd_gui.gallery.runs import RunCard
from retrograd_gui.keycap import draw_keycap
from retrograd_gui.theme.fonts import BODY, TITLE, ui_font
from retrograd_gui.theme.tokens import Theme

SIDE = 440
MARGIN = 48
CARD_WIDTH = 208
RUNS_SHOWN = 12


def _discard(widget: QWidget) -> None:
    """Take a card off the page now; deletion alone would leave it there, half gone, until the event loop turns."""
    widget.setParent(None)
    widget.deleteLater()


class KeyRow(QWidget):
    """A sentence and the key for it."""

    def __init__(self, theme: Theme, text: str, key: str) -> None:
        super().__init__()
        self._theme, self._text, self._key = theme, text, key
        self.setFixedHeight(26)
        self.setAccessibleName(f"{text}: {key}")

    def use_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Room for both."""
        return QSize(round(QFontMetricsF(ui_font(BODY)).horizontalAdvance(self._text)) + 120, 26)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Text left, key right."""
        painter = QPainter(self)
        try:
            painter.setFont(ui_font(BODY))
            painter.setPen(QColor(self._theme["text2"]))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self._text)
            draw_keycap(painter, self._theme, self._key, self.width(), self.height() / 2)
        finally:
            painter.end()


class Gallery(QWidget):
    """Emits what was chosen; the window opens it."""

    example_chosen = Signal(object)
    run_chosen = Signal(object)
    run_deleted = Signal(object)

    def __init__(self, theme: Theme, actions: BoundActions) -> None:
        super().__init__()
        self.setObjectName("gallery")
        self._theme = theme
        self._actions = actions
        self._cards: list[Card] = []
        self._rows: list[KeyRow] = []
        self._examples: list[ExampleCard] = []
        self._runs: list[RunButton] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._scrolled(self._main_side(), "galleryMain"), 1)
        side = self._scrolled(self._right_side(), "gallerySide")
        side.setFixedWidth(SIDE)
        row.addWidget(side)

    def use_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        for card in (*self._cards, *self._examples, *self._runs):
            card.use_theme(theme)
        for row in self._rows:
            row.use_theme(theme)

    def show_examples(self, examples: Sequence[Example]) -> None:
        """Replace the examples' cards."""
        for old in self._examples:
            _discard(old)
        self._examples = []
        for example in examples:
            card = ExampleCard(self._theme, example)
            card.clicked.connect(lambda _=False, path=example.path: self.example_chosen.emit(path))
            self._examples.append(card)
        self._examples_title.setVisible(bool(examples))
        self._columns = 0
        self._place_examples()

    def show_runs(self, runs: Sequence[RunCard]) -> None:
        """Replace the recent runs."""
        focused = next((old.run.path for old in self._runs if old.hasFocus()), None)
        for old in self._runs:
            self._runs_column.removeWidget(old)
            _discard(old)
        self._runs = []
        for run in runs[:RUNS_SHOWN]:
            button = RunButton(self._theme, run)
            button.clicked.connect(lambda _=False, path=run.path: self.run_chosen.emit(path))
            button.customContextMenuRequested.connect(lambda at, button=button: self._run_menu(button, at))
            self._runs_column.addWidget(button)
            self._runs.append(button)
            if run.path == focused:
                button.setFocus()
        self._runs_part.setVisible(bool(runs))

    def focus_first(self) -> None:
        """Give the keyboard to the example to start with, else to the first card."""
        cards = self._examples or self._cards
        if cards:
            cards[0].setFocus()

    # --- making

    def _scrolled(self, inner: QWidget, name: str) -> QScrollArea:
        inner.setObjectName(name)
        area = QScrollArea()
        area.setObjectName(f"{name}Scroll")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        return area

    def _main_side(self) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(MARGIN, 28, MARGIN, 24)
        column.setSpacing(0)
        title = QLabel(tr("Open a training script"))
        title.setFont(ui_font(TITLE, bold=True))
        hint = QLabel(tr("It opens held before its first operation. Nothing runs until you step."))
        hint.setProperty("quiet", True)
        column.addWidget(title)
        column.addWidget(hint)
        column.addSpacing(16)
        ways = QHBoxLayout()
        ways.setSpacing(20)
        for id, text, about in (
            ("file.open-script", tr("Open script"), tr("A Python file")),
            ("file.open-run", tr("Open recorded run"), tr("A .retro file")),
        ):
            action = next(action for action in self._actions.table if action.id == id)
            card = ActionCard(self._theme, action.icon, text, about, key_text(action))
            card.clicked.connect(self._actions[id].trigger)
            ways.addWidget(card)
            self._cards.append(card)
        column.addLayout(ways)
        column.addSpacing(28)
        self._examples_title = _heading(tr("Examples"))
        self._examples_title.hide()
        column.addWidget(self._examples_title)
        column.addSpacing(10)
        self._grid = QGridLayout()
        self._grid.setSpacing(20)
        self._columns = 0
        column.addLayout(self._grid)
        column.addSpacing(24)
        drop = QLabel(tr("Drop a .py or .retro file anywhere in this window to open it."))
        drop.setProperty("faint", True)
        column.addWidget(drop)
        column.addStretch(1)
        return inner

    def _right_side(self) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(24, 28, 24, 24)
        column.setSpacing(0)
        self._runs_part = QWidget()
        self._runs_part.hide()
        self._runs_column = QVBoxLayout(self._runs_part)
        self._runs_column.setContentsMargins(0, 0, 0, 24)
        self._runs_column.setSpacing(10)
        self._runs_column.addWidget(_heading(tr("Recent runs")))
        column.addWidget(self._runs_part)
        column.addWidget(_heading(tr("Worth knowing")))
        column.addSpacing(6)
        by_id = {action.id: action for action in self._actions.table}
        worth = (
            (tr("Find any action, operation or line"), key_text(by_id["view.show-palette"])),
            (tr("Next operation"), key_text(by_id["debug.step-op"])),
            (tr("Next node in backward"), key_text(by_id["debug.step-node"])),
            (tr("The same, back in time"), tr("Alt with it")),
            (tr("All keys"), key_text(by_id["help.show-keys"])),
        )
        for text, key in worth:
            row = KeyRow(self._theme, text, key)
            self._rows.append(row)
            column.addWidget(row)
        column.addStretch(1)
        return inner

    # --- examples flow into as many columns as there is room for

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the examples anew."""
        super().resizeEvent(event)
        self._place_examples()

    def _place_examples(self) -> None:
        room = self.width() - SIDE - 2 * MARGIN + 20
        columns = max(1, min(4, room // (CARD_WIDTH + 20)))
        if columns == self._columns:
            return
        self._columns = columns
        for index, card in enumerate(self._examples):
            self._grid.addWidget(card, index // columns, index % columns)
        for index in range(4):
            self._grid.setColumnStretch(index, 1 if index < columns else 0)

    # --- deleting runs

    def _run_menu(self, button: RunButton, at: QPoint) -> None:
        menu = QMenu(button)
        menu.addAction(tr("Open")).triggered.connect(button.click)
        text = tr("Delete this run ({size})", size=button.run.size)
        menu.addAction(text).triggered.connect(lambda: self._delete(button.run.path))
        menu.popup(button.mapToGlobal(at))
        menu.aboutToHide.connect(menu.deleteLater)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes the run that has the keyboard."""
        run = next((button.run for button in self._runs if button.hasFocus()), None)
        if run is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._delete(run.path)
            return
        super().keyPressEvent(event)

    def _delete(self, path: Path) -> None:
        self.run_deleted.emit(path)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setFont(ui_font(BODY, bold=True))
    return label
