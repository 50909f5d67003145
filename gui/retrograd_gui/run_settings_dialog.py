"""Interpreter, arguments, working folder and environment of a script, edited before it starts."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from retrograd_debug.session.settings import RunSettings
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import CODE, mono_font

WIDTH = 560


class SettingsError(Exception):
    """What was entered can't be used; the message is a sentence for the person."""


def parse_arguments(text: str) -> list[str]:
    """Split a command line as a shell does. Raises ``SettingsError`` for an open quote."""
    try:
        return shlex.split(text, posix=sys.platform != "win32")
    except ValueError as error:
        raise SettingsError(tr("The arguments can't be read: a quote is not closed.")) from error


def join_arguments(arguments: list[str]) -> str:
    """The inverse of ``parse_arguments``."""
    return shlex.join(arguments)


def parse_environment(text: str) -> dict[str, str]:
    """Read ``NAME=value`` lines. Raises ``SettingsError`` that names the line."""
    variables: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip() or " " in name.strip():
            message = tr("Environment, line {number}: write NAME=value, not “{line}”.", number=number, line=line)
            raise SettingsError(message)
        variables[name.strip()] = value
    return variables


class RunSettingsDialog(QDialog):
    """``settings`` is what the person accepted; ``restart`` says whether the script is to be started anew with it."""

    def __init__(
        self, parent: QWidget, script: Path, settings: RunSettings, default_interpreter: str, running: bool
    ) -> None:
        super().__init__(parent)
        self.setObjectName("runSettings")
        self.setWindowTitle(tr("Run settings of {name}", name=script.name))
        self.setMinimumWidth(WIDTH)
        self._script = script
        self._before = settings
        self.settings = settings
        self.restart = False
        self._interpreter = QLineEdit(settings.interpreter)
        self._interpreter.setPlaceholderText(default_interpreter)
        self._arguments = QLineEdit(join_arguments(settings.args))
        self._arguments.setPlaceholderText(tr("none"))
        self._folder = QLineEdit(settings.cwd)
        self._folder.setPlaceholderText(str(Path.cwd()))
        self._environment = QPlainTextEdit("\n".join(f"{name}={value}" for name, value in settings.environment.items()))
        self._environment.setPlaceholderText(tr("NAME=value, one a line"))
        self._environment.setTabChangesFocus(True)
        self._environment.setFixedHeight(84)
        self._engine = QComboBox()
        self._engine.addItem(tr("what the script imports"), "")
        self._engine.addItem(tr("Retrograd, also where the script imports torch"), "retrograd")
        self._engine.setCurrentIndex(max(0, self._engine.findData(settings.engine)))
        for field in (self._interpreter, self._arguments, self._folder, self._environment):
            field.setFont(mono_font(CODE))
        self._problem = QLabel()
        self._problem.setObjectName("problem")
        self._problem.setWordWrap(True)
        self._problem.hide()
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.addRow(tr("&Interpreter"), self._with_browse(self._interpreter, folder=False))
        form.addRow(tr("&Arguments"), self._arguments)
        form.addRow(tr("Working &folder"), self._with_browse(self._folder, folder=True))
        form.addRow(tr("&Environment"), self._environment)
        form.addRow(tr("En&gine"), self._engine)
        for field in (self._interpreter, self._folder):
            holder = field.parentWidget()
            label = form.labelForField(holder) if holder is not None else None
            if isinstance(label, QLabel):
                label.setBuddy(field)
                field.setAccessibleName(label.text().replace("&", ""))
        note = QLabel(
            tr("Kept with this script. The debugger needs msgspec and NumPy there; it installs nothing into it.")
        )
        note.setProperty("faint", True)
        note.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._accept_button = buttons.addButton(
            tr("Keep") if running else tr("Open"), QDialogButtonBox.ButtonRole.AcceptRole
        )
        buttons.accepted.connect(self._keep)
        buttons.rejected.connect(self.reject)
        if running:
            again = buttons.addButton(tr("Keep and restart"), QDialogButtonBox.ButtonRole.ActionRole)
            again.clicked.connect(self._keep_and_restart)
            again.setDefault(True)
        else:
            self._accept_button.setDefault(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(14)
        column.addLayout(form)
        column.addWidget(note)
        column.addWidget(self._problem)
        column.addWidget(buttons)

    @property
    def problem(self) -> str:
        """The sentence about what was entered wrongly, if any."""
        return self._problem.text()

    def _with_browse(self, field: QLineEdit, folder: bool) -> QWidget:
        button = QPushButton(tr("Browse…"))
        button.clicked.connect(lambda: self._browse(field, folder))
        button.setAutoDefault(False)
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(field, 1)
        row.addWidget(button)
        return holder

    def _browse(self, field: QLineEdit, folder: bool) -> None:
        dialog = QFileDialog(self)
        dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFile)
        dialog.setDirectory(field.text() or str(self._script.parent))
        dialog.fileSelected.connect(field.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _read(self) -> RunSettings | None:
        try:
            interpreter, folder = self._interpreter.text().strip(), self._folder.text().strip()
            if interpreter and not Path(interpreter).is_file():
                raise SettingsError(tr("There is no interpreter at {path}.", path=interpreter))
            if folder and not Path(folder).is_dir():
                raise SettingsError(tr("There is no folder {path}.", path=folder))
            return RunSettings(
                interpreter=interpreter,
                args=parse_arguments(self._arguments.text()),
                cwd=folder,
                environment=parse_environment(self._environment.toPlainText()),
                values=self._before.values,
                engine=str(self._engine.currentData()),
            )
        except SettingsError as error:
            self._problem.setText(str(error))
            self._problem.show()
            return None

    def _keep(self) -> None:
        settings = self._read()
        if settings is not None:
            self.settings = settings
            self.accept()

    def _keep_and_restart(self) -> None:
        self.restart = True
        self._keep()
