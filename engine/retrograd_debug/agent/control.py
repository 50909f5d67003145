"""The agent's end of the control channel: one thread that takes commands and sends notices."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

import msgspec

from retrograd_debug.agent.gate import ORPHAN_WAIT
from retrograd_debug.session.protocol import (
    AgentCommand,
    Channel,
    Hello,
    ProtocolError,
    Welcome,
    agent_channel,
    proof,
    proves,
)


class Control:
    """Connects to the session and stays connected; a lost session is looked for again for as long as a held script
    waits for it."""

    def __init__(
        self, port: int, token: bytes, handle: Callable[[AgentCommand], None], tick: Callable[[], None]
    ) -> None:
        self._port = port
        self._token = token
        self._handle = handle
        self._tick = tick
        self._channel: Channel[AgentCommand] | None = None
        self._closing = threading.Event()
        self._reader: threading.Thread | None = None
        self._ticker: threading.Thread | None = None

    def connect(self, timeout: float = 10.0) -> bool:
        """Reach the session and show the token, both ways; False when it can't be done."""
        try:
            sock = socket.create_connection(("127.0.0.1", self._port), timeout=timeout)
        except OSError:
            return False
        sock.set_inheritable(False)
        channel = agent_channel(sock)
        nonce = os.urandom(32)
        channel.send(Hello(os.getpid(), nonce, proof(self._token, "agent", nonce)))
        try:
            answer = channel.receive()
        except ProtocolError:
            answer = None
        if not isinstance(answer, Welcome) or not proves(self._token, "session", nonce, answer.proof):
            channel.close()
            return False
        sock.settimeout(None)
        self._channel = channel
        return True

    def start(self) -> None:
        """Take commands from now on."""
        self._reader = threading.Thread(target=self._read, name="retrograd-control", daemon=True)
        self._ticker = threading.Thread(target=self._ticks, name="retrograd-tick", daemon=True)
        self._reader.start()
        self._ticker.start()

    def send(self, message: msgspec.Struct) -> bool:
        """Send a notice; False when nobody is there."""
        channel = self._channel
        return channel is not None and channel.send(message)

    def alive(self) -> bool:
        """Whether a session is connected."""
        return self._channel is not None

    def close(self) -> None:
        """The process ends."""
        self._closing.set()
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def abandon(self) -> None:
        """In a forked child: let go of the parent's connection without ending it."""
        self._closing = threading.Event()
        self._closing.set()
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.abandon()

    def _read(self) -> None:
        while not self._closing.is_set():
            channel = self._channel
            if channel is None:
                return
            try:
                command = channel.receive()
            except ProtocolError:
                command = None
            if command is not None:
                self._handle(command)
                continue
            self._channel = None
            channel.close()
            if not self._seek_session():
                return

    def _seek_session(self) -> bool:
        """Try for a while to find the session again."""
        end = time.monotonic() + ORPHAN_WAIT
        while time.monotonic() < end and not self._closing.wait(1.0):
            if self.connect(timeout=1.0):
                return True
        return False

    def _ticks(self) -> None:
        while not self._closing.wait(0.1):
            self._tick()
