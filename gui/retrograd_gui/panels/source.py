"""The source panel: the script's text and where it stands."""

from __future__ import annotations

from pathlib import PurePath

from PySide6.QtWidgets import QComboBox, QStackedLayout, QVBoxLayout, QWidget

from retrograd_debug.log.api import Log
from retrograd_debug.session.api import Snapshot, Step, StepKind
from retrograd_events.text import tr
from retrograd_gui.panels.base import PanelContext, PanelSpec
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.source import SourceModel, Text, same_file
from retrograd_gui.widgets.code_view import CodeView, Page
from retrograd_gui.widgets.common import Empty, column, on_panel
from retrograd_gui.widgets.reading import source_text
from retrograd_gui.widgets.worker import Worker


class SourcePanel(QWidget):
    """Follows the script; what the person opens or scrolls to stays until the script moves."""

    def __init__(self, context: PanelContext) -> None:
        super().__init__()
        on_panel(self)
        self._context = context
        self._model = SourceModel()
        self._worker = Worker(self)
        self._reading = ""
        self._target = 0
        self._files = QComboBox()
        self._files.setAccessibleName(tr("File shown"))
        self._files.activated.connect(self._choose_file)
        self.code = CodeView(context.theme)
        self.code.setAccessibleName(tr("Source"))
        self.code.breakpoint_asked.connect(self._toggle)
        self.setFocusProxy(self.code)
        self.empty = Empty()
        self.empty.say(tr("No run open"))
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.code)
        self._build()
        context.snapshot_changed.connect(self._update)
        context.breakpoints_changed.connect(self._update_breakpoints)
        context.source_requested.connect(self.show_line)
        context.theme_changed.connect(self._use_theme)
        context.session_changed.connect(self._clear)
        if context.snapshot is not None:
            self._update(context.snapshot)

    def _build(self) -> None:
        layout: QVBoxLayout = column(self)
        layout.addWidget(self._files)
        layout.addLayout(self._stack, 1)
        self._files.hide()

    # --- news

    def _update(self, snapshot: Snapshot) -> None:
        target = self._model.update(snapshot)
        if target is not None:
            self._target = target.line
            self.code.set_caret(target.line)
        self._read()
        self._update_breakpoints()

    def _update_breakpoints(self) -> None:
        self._model.set_breakpoints(self._context.breakpoints, self._context.breakpoint_statuses)
        self._show()

    def _clear(self) -> None:
        self._model = SourceModel()
        self._reading = ""
        self.empty.say(tr("No run open"))
        self.setWindowTitle("")
        if self._context.snapshot is not None:
            self._update(self._context.snapshot)
        else:
            self._show()

    def _use_theme(self, theme: Theme) -> None:
        self.code.set_theme(theme)

    # --- reading files

    def _read(self) -> None:
        file = self._model.needs
        if not file or file == self._reading:
            return
        self._reading = file
        snapshot = self._context.snapshot
        log = snapshot.log if snapshot is not None else None
        self._worker.submit("read", lambda: read_source(file, log), lambda text: self._provide(file, text))

    def _provide(self, file: str, text: Text) -> None:
        self._reading = ""
        self._model.provide(file, text)
        self._update_breakpoints()
        self._read()

    # --- showing

    def _show(self) -> None:
        model = self._model
        if model.title:
            self.setWindowTitle(model.title)
        self._show_files()
        if model.text is None:
            self._stack.setCurrentWidget(self.empty)
            if model.file:
                self.empty.say(tr("Reading {file} …", file=model.title))
            return
        if model.text.problem:
            self.empty.say(model.text.problem)
            self._stack.setCurrentWidget(self.empty)
            return
        lines = range(1, len(model.text.lines) + 1)
        marks = {line: mark for line in lines if (mark := model.mark_of(line))}
        self._stack.setCurrentWidget(self.code)
        self.code.show_page(
            Page(
                model.text.lines,
                marks,
                model.dots,
                model.times,
                model.message.line if model.message is not None else 0,
                model.message.text if model.message is not None else "",
            )
        )
        if self._target:
            self.code.reveal(self._target)
            self._target = 0

    def _show_files(self) -> None:
        files = self._model.other_files()
        if self._model.file and not any(same_file(file, self._model.file) for file in files):
            files.append(self._model.file)
        if [self._files.itemData(index) for index in range(self._files.count())] != files:
            self._files.clear()
            for file in files:
                self._files.addItem(PurePath(file).name, file)
        current = next((i for i, file in enumerate(files) if same_file(file, self._model.file)), -1)
        self._files.setCurrentIndex(current)
        self._files.setVisible(len(files) > 1)

    # --- what the person does

    def _choose_file(self, index: int) -> None:
        self._model.open(self._files.itemData(index))
        self._read()
        self._update_breakpoints()

    def show_line(self, file: str, line: int) -> None:
        """Bring a line of any file into view."""
        self._model.open(file)
        self._target = line
        self._read()
        self._update_breakpoints()
        self.code.set_caret(line)

    def _toggle(self, line: int) -> None:
        if self._model.file:
            self._context.toggle_breakpoint(self._model.file, line)

    def perform(self, action: str) -> None:
        """A breakpoint at the caret's line, or a run to it."""
        if action == "edit.toggle-breakpoint":
            self._toggle(self.code.caret_line)
        elif self._model.file:
            self._context.dispatch(Step(StepKind.TO_LINE, file=self._model.file, line=self.code.caret_line))


def read_source(file: str, log: Log | None) -> Text:
    """The text of ``file`` in colours, or why it can't be read."""
    try:
        return Text.parse(source_text(file, log))
    except OSError as error:
        reason = error.strerror or str(error)
        return Text(problem=tr("{file} can't be read: {reason}", file=file, reason=reason))


PANEL = PanelSpec("source", tr("Source"), "left", 0, "msc.file-code", SourcePanel)
