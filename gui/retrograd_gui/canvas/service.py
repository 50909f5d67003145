"""Asks the layout process for layouts; answers come as a signal. Nothing here waits."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

import retrograd_debug
from retrograd_debug.graph.geometry import Layout, Request
from retrograd_debug.graph.layout import lay_out
from retrograd_debug.graph.worker import HEADER, frame

_REMEMBERED = 64
_PATIENCE_MS = 10_000
_SMALL = 400


class LayoutService(QObject):
    """``arrived`` carries the digest and the ``Layout``. One request is out at a time; of those that wait only the
    newest is kept. A process that dies or hangs is replaced, and the request it fell over is laid out plainly."""

    arrived = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._known: OrderedDict[str, Layout] = OrderedDict()
        self._process: QProcess | None = None
        self._buffer = bytearray()
        self._number = 0
        self._out: tuple[str, Request] | None = None
        self._next: tuple[str, Request] | None = None
        self._failures = 0
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._give_up)

    def start(self) -> None:
        """Start the process, so that the first layout need not wait for it."""
        if self._process is not None or self._failures > 2:
            return
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        home = str(Path(retrograd_debug.__file__).parent.parent)
        known = environment.value("PYTHONPATH")
        environment.insert("PYTHONPATH", os.pathsep.join(part for part in (home, known) if part))
        process.setProcessEnvironment(environment)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.ForwardedErrorChannel)
        process.readyReadStandardOutput.connect(self._read)
        process.errorOccurred.connect(self._failed)
        process.finished.connect(self._failed)
        self._process = process
        self._buffer.clear()
        process.start(sys.executable, ["-m", "retrograd_debug.graph.worker"])

    def known(self, digest: str) -> Layout | None:
        """A layout that was made before."""
        layout = self._known.get(digest)
        if layout is not None:
            self._known.move_to_end(digest)
        return layout

    def ask(self, digest: str, request: Request) -> None:
        """Have ``request`` laid out; replaces one that still waits."""
        if self._out is not None:
            if self._out[0] != digest:
                self._next = (digest, request)
            return
        self.start()
        if self._process is None:
            self._plainly(digest, request)
            return
        self._out = (digest, request)
        self._number += 1
        self._process.write(frame(self._number, msgspec.msgpack.encode(request)))
        self._patience.start()

    def _read(self) -> None:
        if self._process is None:
            return
        self._buffer += self._process.readAllStandardOutput().data()
        while len(self._buffer) >= HEADER.size:
            length, number = HEADER.unpack_from(self._buffer)
            if len(self._buffer) < HEADER.size + length:
                return
            body = bytes(self._buffer[HEADER.size : HEADER.size + length])
            del self._buffer[: HEADER.size + length]
            if number == self._number and self._out is not None:
                self._finish(self._out[0], msgspec.msgpack.decode(body, type=Layout))

    def _finish(self, digest: str, layout: Layout) -> None:
        self._patience.stop()
        self._out = None
        self._known[digest] = layout
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        self.arrived.emit(digest, layout)
        waiting, self._next = self._next, None
        if waiting is not None and self._out is None:
            self.ask(*waiting)

    def _plainly(self, digest: str, request: Request) -> None:
        """Without the process: the plain rows, which are quick, of what is small enough not to be felt."""
        if len(request.boxes) <= _SMALL:
            QTimer.singleShot(0, self, lambda: self._finish(digest, lay_out(request)))

    def _give_up(self) -> None:
        self._failed()

    def _failed(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._patience.stop()
        self._failures += 1
        self._dismiss(process)
        fallen, self._out = self._out, None
        if fallen is not None:
            self._plainly(*fallen)

    def _dismiss(self, process: QProcess) -> None:
        process.blockSignals(True)
        if process.state() != QProcess.ProcessState.NotRunning:
            process.kill()
            process.waitForFinished(1000)
        process.deleteLater()

    def stop(self) -> None:
        """End the process."""
        self._patience.stop()
        self._out = self._next = None
        process, self._process = self._process, None
        if process is not None:
            self._dismiss(process)
