"""Why Qt can't start here, in words: no screen, a dead one, missing libraries. Qt itself would abort the process."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

from retrograd_debug.home import data_folder
from retrograd_events.text import tr

PROBE_SECONDS = 60
_PROBE = "import sys; from PySide6.QtGui import QGuiApplication; QGuiApplication([]); sys.stdout.write('started')"


def why_not() -> str:
    """A sentence and the ways on; "" when nothing stands against starting."""
    if importlib.util.find_spec("PySide6") is None:
        return tr('The app needs its extra: pip install "retrograd[gui]"')
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if not platform and sys.platform.startswith("linux"):
        problem = _no_screen()
        if problem:
            return "\n".join((problem, *_ways_on()))
    return _probed(platform)


def _no_screen() -> str:
    if os.environ.get("WAYLAND_DISPLAY"):
        return ""
    name = os.environ.get("DISPLAY", "")
    if not name:
        return tr("There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set.")
    if not _answers(name):
        return tr("The display {name} does not answer.", name=name)
    return ""


def _ways_on() -> tuple[str, str]:
    return (
        tr("A picture without a screen:  retrograd app --offscreen --screenshot out.png"),
        tr("Without the app:             retrograd run script.py  and  retrograd show run.retro"),
    )


def _answers(name: str) -> bool:
    """Whether an X server listens at ``name`` (``:0``, ``host:1.0``)."""
    host, _, rest = name.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdigit() or "/" in host:
        return True  # a form that we do not know: let Qt try
    try:
        if host in ("", "unix"):
            return _local(int(number))
        with socket.create_connection((host, 6000 + int(number)), timeout=3):
            return True
    except OSError:
        return False


def _local(number: int) -> bool:
    if sys.platform != "win32":  # which has no such sockets
        path = f"/tmp/.X11-unix/X{number}"
        # some servers listen on the abstract socket only
        for address in (path, f"\0{path}"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(3)
                try:
                    probe.connect(address)
                except OSError:
                    continue
                return True
    return False


def _probed(platform: str) -> str:
    """Start Qt once in a child process; what worked is remembered, for it takes half a second."""
    try:
        stamp = f"{importlib.metadata.version('PySide6-Essentials')} {platform or 'default'} {sys.prefix}"
    except importlib.metadata.PackageNotFoundError:
        stamp = ""
    memory = data_folder() / "qt-starts"
    if stamp and stamp in _lines(memory):
        return ""
    try:
        result = subprocess.run(
            [sys.executable, "-c", _PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return tr("Qt did not start within {seconds} s.", seconds=PROBE_SECONDS)
    if result.stdout.strip().endswith("started"):
        _remember(memory, stamp)
        return ""
    said = result.stderr.strip().splitlines()
    reason = next((line for line in said if "cannot open shared object" in line or "platform plugin" in line), "")
    reason = reason or (said[-1] if said else tr("it said nothing"))
    return "\n".join(
        (
            tr("Qt can't start here: {reason}", reason=reason.strip()),
            tr("On Debian and Ubuntu this usually mends it:"),
            "  sudo apt-get install libegl1 libgl1 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0"
            " libxcb-icccm4 libxcb-keysyms1 libxcb-shape0",
        )
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _remember(path: Path, stamp: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [line for line in _lines(path) if line != stamp][-20:]
        path.write_text("\n".join([*kept, stamp]) + "\n", encoding="utf-8")
    except OSError:
        return
