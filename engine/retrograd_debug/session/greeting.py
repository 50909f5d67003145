"""The session's end of the first words on a control channel: who calls must know the token."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from retrograd_debug.session.protocol import AgentNotice, Channel, Hello, ProtocolError, Welcome, proof, proves
from retrograd_debug.session.protocol import session_channel as channel_over

CONNECT_TIME = 60.0
"""Seconds that a script's interpreter may take to start."""


def accept(server: socket.socket, token: bytes, waits: Callable[[], bool]) -> Channel[AgentNotice] | None:
    """The connection of the agent that knows ``token``; None when none came while ``waits`` held."""
    server.settimeout(0.2)
    end = time.monotonic() + CONNECT_TIME
    while waits() and time.monotonic() < end:
        try:
            sock, _ = server.accept()
        except OSError:
            continue
        sock.settimeout(5.0)
        channel = channel_over(sock)
        try:
            hello = channel.receive()
        except ProtocolError:
            hello = None
        if isinstance(hello, Hello) and proves(token, "agent", hello.nonce, hello.proof):
            sock.settimeout(None)
            channel.send(Welcome(proof(token, "session", hello.nonce)))
            return channel
        channel.close()
    return None
