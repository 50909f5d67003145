"""The inspector's upper rows: what is inspected, which of its two sides, on which scale."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from retrograd_debug import format as fmt
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import BODY, SMALL, mono_font, ui_font
from retrograd_gui.theme.icons import icon
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.inspector import GRADIENT, VALUE, Subject
from retrograd_gui.view_models.picture import LINEAR, MAGNITUDE, SCALES, SYMMETRIC
from retrograd_gui.widgets.common import tool_button


class Title(QWidget):
    """Name, then shape, type and device; below, where it comes from. Names are shortened, numbers never."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._name = self._meta = self._origin = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Two lines."""
        return QSize(200, 40)

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def show_words(self, name: str, meta: str, origin: str) -> None:
        """Show the three."""
        self._name, self._meta, self._origin = name, meta, origin
        words = f"{name} {meta}\n{origin}".strip()
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.update()

    @property
    def words(self) -> str:
        """Everything said."""
        return f"{self._name} {self._meta}\n{self._origin}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint two lines."""
        painter = QPainter(self)
        try:
            bold, mono, quiet = ui_font(BODY, bold=True), mono_font(SMALL), ui_font(SMALL)
            left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            meta_width = QFontMetricsF(mono).horizontalAdvance(self._meta)
            metrics = QFontMetricsF(bold)
            name = metrics.elidedText(
                self._name, Qt.TextElideMode.ElideMiddle, max(40.0, self.width() - meta_width - 8)
            )
            painter.setFont(bold)
            painter.setPen(QColor(self._theme["text"]))
            painter.drawText(QRectF(0, 2, self.width(), 18), left, name)
            painter.setFont(mono)
            painter.setPen(QColor(self._theme["text2"]))
            x = metrics.horizontalAdvance(name) + 6
            painter.drawText(QRectF(x, 2, self.width() - x, 18), left, self._meta)
            painter.setFont(quiet)
            origin = QFontMetricsF(quiet).elidedText(self._origin, Qt.TextElideMode.ElideMiddle, self.width())
            painter.drawText(QRectF(0, 20, self.width(), 18), left, origin)
        finally:
            painter.end()


class InspectorHead(QWidget):
    """The title over a row of controls."""

    facet_chosen = Signal(str)
    scale_chosen = Signal(str)
    copy_asked = Signal()
    edit_asked = Signal()

    def __init__(self, theme: Theme, scale: str) -> None:
        super().__init__()
        self.title = Title(theme)
        self._facets = QButtonGroup(self)
        self.value = self._facet_button(tr("Value"), VALUE)
        self.gradient = self._facet_button(tr("Gradient"), GRADIENT)
        self.scales = QComboBox()
        self.scales.setAccessibleName(tr("Scale of the colours"))
        words = {SYMMETRIC: tr("symmetric"), LINEAR: tr("linear"), MAGNITUDE: tr("magnitude")}
        for key in SCALES:
            self.scales.addItem(words[key], key)
        self.scales.setCurrentIndex(max(0, self.scales.findData(scale)))
        self.scales.currentIndexChanged.connect(lambda _: self.scale_chosen.emit(self.scale))
        self.copy = tool_button("msc.copy", tr("Copy as CSV"), theme)
        self.copy.clicked.connect(self.copy_asked)
        self.edit = tool_button("msc.edit", tr("Change the current number (double click)"), theme)
        self.edit.clicked.connect(self.edit_asked)
        self._controls = QWidget()
        controls = QHBoxLayout(self._controls)
        controls.setContentsMargins(0, 4, 0, 4)
        controls.setSpacing(0)
        controls.addWidget(self.value)
        controls.addWidget(self.gradient)
        controls.addStretch(1)
        controls.addWidget(self.scales)
        controls.addSpacing(4)
        controls.addWidget(self.copy)
        controls.addWidget(self.edit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 6, 0)
        layout.setSpacing(0)
        layout.addWidget(self.title)
        layout.addWidget(self._controls)
        self.set_theme(theme)

    def _facet_button(self, text: str, facet: str) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setFont(ui_font(BODY))
        button.setFixedHeight(24)
        button.setProperty("facet", facet)
        button.clicked.connect(lambda: self.facet_chosen.emit(facet))
        self._facets.addButton(button)
        return button

    @property
    def scale(self) -> str:
        """The scale chosen."""
        return str(self.scales.currentData())

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self.title.set_theme(theme)
        self.copy.setIcon(icon("msc.copy", theme))
        self.edit.setIcon(icon("msc.edit", theme))
        for button, radius in ((self.value, "left"), (self.gradient, "right")):
            button.setStyleSheet(
                f"QPushButton {{ background: {theme['field']}; color: {theme['text2']}; padding: 2px 10px;"
                f" border: 1px solid {theme['line']}; border-radius: 0;"
                f" border-top-{radius}-radius: 4px; border-bottom-{radius}-radius: 4px; }}"
                f"QPushButton:hover {{ background: {theme['hover']}; }}"
                f"QPushButton:checked {{ background: {theme['select']}; color: {theme['text']}; }}"
                f"QPushButton:focus {{ border: 1px solid {theme['accent']}; }}"
            )

    def show_subject(self, subject: Subject | None, facet: str) -> None:
        """Show whose numbers these are."""
        self._controls.setVisible(subject is not None)
        self.title.setVisible(subject is not None)
        if subject is None:
            return
        meta = subject.meta
        self.title.show_words(subject.name, fmt.tensor(meta.shape, meta.dtype, meta.device), subject.origin)
        (self.gradient if facet == GRADIENT else self.value).setChecked(True)

    def set_edit_problem(self, problem: str) -> None:
        """The pencil says why it can't be used; pressing it says so in the panel."""
        self.edit.setToolTip(problem or tr("Change the current number (double click)"))

    def set_copyable(self, on: bool) -> None:
        """Whether there are numbers to copy."""
        self.copy.setEnabled(on)


class Subtitle(QWidget):
    """What the picture shows, with a quiet word at the right; or, for a moment, why something can't be done."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._gradient = False
        self.heading = QLabel()
        self.heading.setFont(ui_font(SMALL, bold=True))
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.note = QLabel()
        self.note.setFont(ui_font(SMALL))
        self.problem = QLabel()
        self.problem.setFont(ui_font(SMALL))
        self.problem.setWordWrap(True)
        self.problem.hide()
        words = QHBoxLayout()
        words.setContentsMargins(0, 0, 0, 0)
        words.addWidget(self.heading, 1)
        words.addWidget(self.note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 2, 10, 4)
        layout.setSpacing(2)
        layout.addWidget(self.problem)
        layout.addLayout(words)

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self._paint_words()

    def show_words(self, heading: str, note: str, gradient: bool) -> None:
        """Show the heading; a complaint about something else goes away."""
        if heading != self.heading.text():
            self.problem.hide()
        self.heading.setText(heading)
        self.heading.setToolTip(heading)
        self.note.setText(note)
        self._gradient = gradient
        self.setVisible(bool(heading))
        self._paint_words()

    def complain(self, sentence: str) -> None:
        """Say why something can't be done."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def _paint_words(self) -> None:
        self.note.setStyleSheet(f"color: {self._theme['gradient' if self._gradient else 'text3']};")
        self.problem.setStyleSheet(f"color: {self._theme['warn']};")


class SliceRow(QWidget):
    """One number a dimension that is not laid out in the table."""

    chosen = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self._boxes: list[QSpinBox] = []
        self._dims: tuple[int, ...] = ()
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(10, 2, 10, 4)
        self._layout.setSpacing(4)
        self.hide()

    @property
    def boxes(self) -> list[QSpinBox]:
        """The selectors, one a dimension."""
        return self._boxes

    def show_dims(self, dims: tuple[int, ...], prefix: tuple[int, ...]) -> None:
        """Show selectors for dimensions of these sizes, at ``prefix``."""
        if dims != self._dims:
            self._dims = dims
            self._rebuild()
        for box, index in zip(self._boxes, prefix, strict=False):
            box.blockSignals(True)
            box.setValue(index)
            box.blockSignals(False)
        self.setVisible(bool(dims))

    def _rebuild(self) -> None:
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self._boxes = []
        if not self._dims:
            return
        label = QLabel(tr("slice"))
        label.setFont(ui_font(SMALL))
        label.setProperty("quiet", True)
        self._layout.addWidget(label)
        for dim, size in enumerate(self._dims):
            box = QSpinBox()
            box.setRange(0, max(0, size - 1))
            box.setWrapping(True)
            box.setFont(mono_font(SMALL))
            box.setAccessibleName(tr("Index in dimension {dim}", dim=dim))
            box.setToolTip(tr("Dimension {dim}: 0 to {last}", dim=dim, last=max(0, size - 1)))
            box.valueChanged.connect(self._changed)
            self._boxes.append(box)
            self._layout.addWidget(box)
        rest = QLabel(":, :")
        rest.setFont(mono_font(SMALL))
        rest.setProperty("faint", True)
        self._layout.addWidget(rest)
        self._layout.addStretch(1)

    def _changed(self) -> None:
        self.chosen.emit(tuple(box.value() for box in self._boxes))
