"""Every action of the app, declared once. Menus, tool bar, palette and key sheet are made from this table.

An action that belongs to a panel names it in ``panel``: that panel's widget carries it out
(``panels.base.ActionTarget``). Add an action by adding one entry to the function of its menu.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrograd_debug.session.api import (
    Pause,
    Phase,
    Restart,
    Seek,
    Step,
    StepKind,
    Stop,
    Verb,
)
from retrograd_events.events import Seq
from retrograd_events.text import tr
from retrograd_gui.action import Action, Enabled, Run, Situation
from retrograd_gui.panels.base import PanelSpec
from retrograd_gui.settings import Pace


@dataclass(frozen=True, slots=True)
class MenuSpec:
    """A menu of the menu bar; one without actions is left out."""

    id: str
    title: str


def menus() -> tuple[MenuSpec, ...]:
    """The menu bar, from left to right."""
    return (
        MenuSpec("file", tr("&File")),
        MenuSpec("edit", tr("&Edit")),
        MenuSpec("view", tr("&View")),
        MenuSpec("run", tr("&Run")),
        MenuSpec("step", tr("&Step")),
        MenuSpec("graph", tr("&Graph")),
        MenuSpec("window", tr("&Window")),
        MenuSpec("help", tr("&Help")),
    )


def paces() -> tuple[tuple[Pace, str], ...]:
    """The paces of Continue and their names."""
    return (
        (Pace(), tr("Full speed")),
        (Pace(iterations=1), tr("1 iteration a second")),
        (Pace(ops=25), tr("25 ops a second")),
        (Pace(ops=5), tr("5 ops a second")),
        (Pace(ops=1), tr("1 op a second")),
    )


def table(panels: Sequence[PanelSpec] = ()) -> tuple[Action, ...]:
    """All actions, in the order of their menus; those of panels that are not there are left out."""
    there = {spec.id for spec in panels}
    everything = (*_file(), *_edit(), *_view(), *_run(), *_step(), *_graph(), *_window(panels), *_help())
    return tuple(action for action in everything if not action.panel or action.panel in there)


def _open(situation: Situation) -> bool:
    return situation.is_open


def _can(verb: Verb) -> Enabled:
    return lambda situation: situation.can(verb)


def _can_step(situation: Situation) -> bool:
    # at the head only a held script can go on; looking back, the log can be walked
    snapshot = situation.snapshot
    return situation.can(Verb.STEP) and snapshot is not None and (not snapshot.live or snapshot.phase is Phase.HELD)


def _use_theme(name: str) -> Run:
    return lambda shell: shell.set_theme(name)


def _has_theme(name: str) -> Enabled:
    return lambda situation: situation.theme == name


def _use_pace(pace: Pace) -> Run:
    return lambda shell: shell.set_pace(pace)


def _has_pace(pace: Pace) -> Enabled:
    return lambda situation: situation.pace == pace


def _show(panel: str) -> Run:
    return lambda shell: shell.show_panel(panel)


def _file() -> tuple[Action, ...]:
    return (
        Action(
            "file.open-script",
            tr("Open script…"),
            tr("Opens a training script, held before its first operation."),
            "file",
            icon="msc.folder-opened",
            keys=("Ctrl+O",),
            toolbar=1,
            run=lambda shell: shell.open_script(),
        ),
        Action(
            "file.open-script-with",
            tr("Open script with settings…"),
            tr("Opens a script after asking for its interpreter, arguments, folder and environment."),
            "file",
            icon="msc.settings",
            run=lambda shell: shell.open_script_with_settings(),
        ),
        Action(
            "file.open-run",
            tr("Open recorded run…"),
            tr("Opens a .retro file; the script is not needed."),
            "file",
            icon="msc.database",
            keys=("Ctrl+Shift+O",),
            run=lambda shell: shell.open_run(),
        ),
        Action(
            "file.close-run",
            tr("Close run"),
            tr("Ends the script if it runs, keeps its log, and returns to the start page."),
            "file",
            1,
            icon="msc.close",
            keys=("Ctrl+W",),
            run=lambda shell: shell.close_run(),
            enabled=_open,
        ),
        Action(
            "file.quit",
            tr("Quit"),
            tr("Ends the script if it runs, keeps its log, and closes the window."),
            "file",
            2,
            keys=("Ctrl+Q",),
            run=lambda shell: shell.quit(),
        ),
    )


def _edit() -> tuple[Action, ...]:
    return (
        Action(
            "edit.run-settings",
            tr("Run settings…"),
            tr("Interpreter, arguments, working folder and environment of this script."),
            "edit",
            icon="msc.settings-gear",
            keys=("Ctrl+,",),
            run=lambda shell: shell.edit_run_settings(),
            enabled=lambda situation: situation.is_script,
        ),
        Action(
            "edit.toggle-breakpoint",
            tr("Toggle breakpoint"),
            tr("Sets or clears a breakpoint on the line of the caret."),
            "edit",
            1,
            icon="msc.circle-filled",
            token="error",
            keys=("F9",),
            panel="source",
            enabled=_open,
        ),
        Action(
            "edit.breakpoint-details",
            tr("Breakpoint's condition…"),
            tr("Asks when the selected breakpoint stops, what it writes, and which hits it skips."),
            "edit",
            1,
            icon="msc.edit",
            keys=("Ctrl+F9",),
            panel="breakpoints",
            enabled=_open,
        ),
    )


def _view() -> tuple[Action, ...]:
    themes = (
        ("dark", tr("Dark")),
        ("light", tr("Light")),
        ("highContrast", tr("High contrast")),
    )
    return (
        Action(
            "view.show-palette",
            tr("Find an action, operation or line…"),
            tr("Type a few letters of what you want to do or see."),
            "view",
            icon="msc.search",
            keys=("Ctrl+K",),
            run=lambda shell: shell.show_palette(),
        ),
        Action(
            "view.go-back",
            tr("Back to where you were"),
            tr("Undoes the last travel through the log."),
            "view",
            1,
            icon="msc.arrow-left",
            keys=("Alt+Left",),
            run=lambda shell: shell.travel_back(),
            enabled=lambda situation: situation.can_go_back,
        ),
        Action(
            "view.go-forward",
            tr("Forward again"),
            tr("Undoes going back."),
            "view",
            1,
            icon="msc.arrow-right",
            keys=("Alt+Right",),
            run=lambda shell: shell.travel_forward(),
            enabled=lambda situation: situation.can_go_forward,
        ),
        Action(
            "view.return-to-head",
            tr("Return to the head"),
            tr("Shows the newest event again, where the script stands."),
            "view",
            1,
            icon="msc.debug-restart-frame",
            keys=("End",),
            command=Seek(Seq(0)),
            enabled=lambda situation: situation.can(Verb.SEEK) and not situation.live,
        ),
        *(
            Action(
                f"view.use-theme-{name}",
                title,
                tr("Changes the appearance at once."),
                "view",
                2,
                tr("Appearance"),
                run=_use_theme(name),
                checked=_has_theme(name),
            )
            for name, title in themes
        ),
        Action(
            "view.next-theme",
            tr("Next appearance"),
            tr("Dark, light, high contrast, in turn."),
            "view",
            2,
            icon="msc.color-mode",
            toolbar=9,
            run=lambda shell: shell.next_theme(),
        ),
    )


def _run() -> tuple[Action, ...]:
    return (
        Action(
            "debug.continue",
            tr("Continue"),
            tr("Lets the script go on, at the pace that is chosen."),
            "run",
            icon="msc.debug-continue",
            token="done",
            keys=("F5",),
            toolbar=2,
            run=lambda shell: shell.continue_run(),
            enabled=_can(Verb.CONTINUE),
        ),
        Action(
            "debug.pause",
            tr("Pause"),
            tr("Holds the script at its next event."),
            "run",
            icon="msc.debug-pause",
            keys=("F6",),
            toolbar=2,
            command=Pause(),
            enabled=_can(Verb.PAUSE),
        ),
        Action(
            "debug.stop",
            tr("Stop"),
            tr("Interrupts the script; after 2 s terminates it; after 5 s kills it."),
            "run",
            icon="msc.debug-stop",
            token="error",
            keys=("Shift+F5",),
            toolbar=2,
            command=Stop(),
            enabled=_can(Verb.STOP),
        ),
        Action(
            "debug.restart",
            tr("Restart"),
            tr("Runs the script again from its start, into a new log."),
            "run",
            icon="msc.debug-restart",
            keys=("Ctrl+Shift+F5",),
            toolbar=2,
            command=Restart(),
            enabled=_can(Verb.RESTART),
        ),
        *(
            Action(
                f"debug.pace-{index}",
                title,
                tr("How fast Continue goes; kept with the script."),
                "run",
                1,
                tr("Pace of Continue"),
                run=_use_pace(pace),
                checked=_has_pace(pace),
                enabled=lambda situation: situation.is_script,
            )
            for index, (pace, title) in enumerate(paces())
        ),
    )


@dataclass(frozen=True, slots=True)
class _Stride:
    id: str
    kind: StepKind
    title: str
    back_title: str
    help: str
    icon: str
    token: str
    key: str
    toolbar: int
    label: str


def _step() -> tuple[Action, ...]:
    strides = (
        _Stride(
            "op", StepKind.OP, tr("Next operation"), tr("Back one operation"),
            tr("Runs one operation of your own lines."), "msc.debug-step-over", "forward", "F10", 3, tr("Op"),
        ),
        _Stride(
            "into", StepKind.INTO, tr("Into"), tr("Back, into"),
            tr("Steps into a module, a function or an optimizer's step."), "msc.debug-step-into", "forward", "F11", 3,
            tr("Into"),
        ),
        _Stride(
            "over", StepKind.OVER, tr("Over the modules called"), "",
            tr("Runs to the next operation of this module, not into those that it calls."), "msc.arrow-small-right",
            "forward", "Ctrl+F11", 0, "",
        ),
        _Stride(
            "line", StepKind.LINE, tr("Next line"), "",
            tr("Runs until an operation of another source line."), "msc.arrow-small-down", "forward", "Shift+F10", 0,
            "",
        ),
        _Stride(
            "out", StepKind.OUT, tr("Out"), "",
            tr("Runs to the end of the module or function it is in."), "msc.debug-step-out", "forward", "Shift+F11", 3,
            tr("Out"),
        ),
        _Stride(
            "node", StepKind.NODE, tr("Next node in backward"), tr("Back one node in backward"),
            tr("Runs to the next node of the backward pass, from forward into it."), "msc.arrow-circle-left",
            "gradient", "F8", 4, tr("Node"),
        ),
        _Stride(
            "backward-start", StepKind.BACKWARD_START, tr("Start of backward"), "",
            tr("Runs to the start of the next backward pass."), "msc.fold-up", "gradient", "Shift+F8", 4,
            tr("Backward start"),
        ),
        _Stride(
            "backward-end", StepKind.BACKWARD_END, tr("End of backward"), "",
            tr("Runs to the end of the backward pass."), "msc.fold-down", "gradient", "Ctrl+F8", 4, tr("Backward end"),
        ),
        _Stride(
            "iteration", StepKind.ITERATION, tr("Next iteration"), tr("Back one iteration"),
            tr("Runs to the start of the next iteration."), "msc.debug-line-by-line", "text2", "F7", 4, tr("Iteration"),
        ),
    )  # fmt: skip
    ahead = tuple(_ahead(stride) for stride in strides)
    back = tuple(_back(stride) for stride in strides if stride.back_title)
    return (*ahead, _run_to_line(), *back, _continue_back())


def _run_to_line() -> Action:
    return Action(
        "debug.run-to-line",
        tr("Run to the caret's line"),
        tr("Runs until the line of the caret is about to run, or a breakpoint stops it before."),
        "step",
        icon="msc.run-below",
        token="forward",
        keys=("Ctrl+F10",),
        panel="source",
        enabled=_can_step,
    )


def _ahead(stride: _Stride) -> Action:
    return Action(
        f"debug.step-{stride.id}",
        stride.title,
        stride.help,
        "step",
        icon=stride.icon,
        token=stride.token,
        keys=(stride.key,),
        toolbar=stride.toolbar,
        label=stride.label,
        emphasis=stride.kind is StepKind.NODE,
        command=Step(stride.kind),
        enabled=_can_step,
    )


def _back(stride: _Stride) -> Action:
    first = stride.kind is StepKind.OP
    return Action(
        f"debug.step-{stride.id}-back",
        stride.back_title,
        tr("The same, back in time: walks the recorded log, the script stays where it is."),
        "step",
        1,
        icon="msc.debug-step-back",
        # window managers of some desktops keep Alt with F5, F7, F8 and F10 for themselves
        keys=(f"Alt+{stride.key}", f"Shift+Alt+{stride.key}"),
        toolbar=5 if first else 0,
        label=tr("Back") if first else "",
        command=Step(stride.kind, back=True),
        enabled=_can(Verb.STEP_BACK),
    )


def _continue_back() -> Action:
    return Action(
        "debug.continue-back",
        tr("Continue back"),
        tr("Walks the log back to the breakpoint before, or to its start."),
        "step",
        1,
        icon="msc.debug-reverse-continue",
        keys=("Alt+F5", "Shift+Alt+F5"),
        toolbar=5,
        command=Step(StepKind.RUN, back=True),
        enabled=_can(Verb.STEP_BACK),
    )


def _graph() -> tuple[Action, ...]:
    return (
        Action(
            "graph.fit",
            tr("Fit everything"),
            tr("Shows the whole graph, at its own size at most."),
            "graph",
            icon="msc.screen-full",
            keys=("0",),
            panel="graph",
            focused=True,
            enabled=_open,
        ),
        Action(
            "graph.zoom-in",
            tr("Larger"),
            tr("Shows the graph larger."),
            "graph",
            icon="msc.zoom-in",
            keys=("+", "="),
            panel="graph",
            focused=True,
            enabled=_open,
        ),
        Action(
            "graph.zoom-out",
            tr("Smaller"),
            tr("Shows the graph smaller."),
            "graph",
            icon="msc.zoom-out",
            keys=("-",),
            panel="graph",
            focused=True,
            enabled=_open,
        ),
        Action(
            "graph.go-to-mirror",
            tr("Operation or its backward node"),
            tr("Goes from the selected operation to its node in backward, or back."),
            "graph",
            1,
            icon="msc.arrow-swap",
            keys=("M",),
            panel="graph",
            focused=True,
            enabled=_open,
        ),
        Action(
            "graph.fold",
            tr("Fold or unfold"),
            tr("Folds the selected scope, or the one around the selection; unfolds it again."),
            "graph",
            1,
            icon="msc.fold",
            keys=("Space",),
            panel="graph",
            focused=True,
            enabled=_open,
        ),
        Action(
            "graph.save-picture",
            tr("Save as a picture…"),
            tr("Saves the whole graph as PNG or SVG."),
            "graph",
            2,
            icon="msc.device-camera",
            panel="graph",
            enabled=_open,
        ),
    )


def _window(panels: Sequence[PanelSpec]) -> tuple[Action, ...]:
    shown = tuple(
        Action(
            f"window.show-{spec.id}",
            spec.title,
            tr("Brings this panel to the front and gives it the keyboard."),
            "window",
            icon=spec.icon,
            keys=(f"Ctrl+{number}",) if number <= 9 else (),
            run=_show(spec.id),
            enabled=_open,
        )
        for number, spec in enumerate(panels, 1)
    )
    reset = Action(
        "window.reset-layout",
        tr("Reset layout"),
        tr("Puts every panel where it was first."),
        "window",
        1,
        run=lambda shell: shell.reset_layout(),
        enabled=_open,
    )
    return (*shown, reset)


def _help() -> tuple[Action, ...]:
    return (
        Action(
            "help.show-keys",
            tr("All keys"),
            tr("Every key and what it does."),
            "help",
            icon="msc.question",
            keys=("F1",),
            run=lambda shell: shell.show_keys(),
        ),
        Action(
            "help.show-error-log",
            tr("Error log"),
            tr("What went wrong inside the app itself, for a report."),
            "help",
            icon="msc.output",
            run=lambda shell: shell.show_error_log(),
        ),
        Action(
            "help.about",
            tr("About Retrograd"),
            tr("Version, licence and credits."),
            "help",
            1,
            run=lambda shell: shell.show_about(),
        ),
    )
