"""The control channel: typed messages between a session and the agent in its debuggee, over a local socket.

A message is a 4-byte little-endian length and a MessagePack map with a tag. The agent proves that it knows the token,
and so does the session, without either sending it. A message that is malformed, unknown or too long closes the
connection and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import socket
import struct
import threading
from typing import Generic, TypeVar, Union

import msgspec

from retrograd_debug.session.api import (
    Breakpoint,
    BreakpointStatus,
    CancelEvaluation,
    Continue,
    Edit,
    Evaluate,
    FeedInput,
    FetchValue,
    Hold,
    ListLocals,
    Pause,
    SetBreakpoints,
    Step,
    Variable,
)
from retrograd_debug.session.api import StepKind as StepKind

COMMAND_LIMIT = 4 << 20
"""The longest message an agent accepts, in bytes."""

NOTICE_LIMIT = 96 << 20
"""The longest message a session accepts, in bytes: a fetched tensor must fit."""

FETCH_LIMIT = 64 << 20
"""Tensors up to this many bytes are fetched whole from a held process; of larger ones a sample."""


class ProtocolError(Exception):
    """The other end said something it can't say; the connection must be closed."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The agent's first message: its process, a nonce, and its proof of the token."""

    pid: int
    nonce: bytes
    proof: bytes


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The session's answer, with its own proof over the agent's nonce."""

    proof: bytes


class Interrupt(msgspec.Struct, frozen=True, tag="interrupt"):
    """Stop the script as Ctrl+C would."""


AgentCommand = Union[
    Welcome, Interrupt, Continue, Pause, Step, SetBreakpoints, Edit, Evaluate, CancelEvaluation, ListLocals, FetchValue,
]  # fmt: skip
"""What a session may send to an agent."""


class Held(msgspec.Struct, frozen=True, tag="held"):
    """The debuggee stands; everything up to ``hold.seq`` is committed."""

    hold: Hold


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """The debuggee runs on."""


class Said(msgspec.Struct, frozen=True, tag="said"):
    """A sentence for the person that is no answer to a command (a pause that finds no op, a thread let go)."""

    text: str


class NoteWritten(msgspec.Struct, frozen=True, tag="note"):
    """A breakpoint's message."""

    breakpoint: int
    text: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A command could not be done; ``text`` is a sentence."""

    text: str


class StackShown(msgspec.Struct, frozen=True, tag="stack"):
    """The pause that was asked for finds the script between ops: where it is, as a hold that is none."""

    hold: Hold


class EvaluationDone(msgspec.Struct, frozen=True, tag="evaluated"):
    """The answer to an Evaluate."""

    request: int
    text: str
    error: str


class Locals(msgspec.Struct, frozen=True, tag="locals"):
    """The answer to a ListLocals."""

    request: int
    variables: list[Variable]


class EditDone(msgspec.Struct, frozen=True, tag="edited"):
    """A value was changed; ``seq`` is the newest committed event, ``hold`` the hold with its versions renewed."""

    hold: Hold


class ValueBytes(msgspec.Struct, frozen=True, tag="value"):
    """A tensor's contents as they are in the held process (``kind`` as in ValueRecorded; "" when not to be had)."""

    lane: str
    request: int
    tensor: int
    version: int
    kind: str
    shape: tuple[int, ...]
    dtype: str
    stride: int
    reason: str
    data: bytes


class Resolved(msgspec.Struct, frozen=True, tag="resolved"):
    """Where the breakpoints sit and how often they were hit."""

    statuses: list[BreakpointStatus]


class InputState(msgspec.Struct, frozen=True, tag="input"):
    """The script waits for a line on stdin, or no longer does."""

    wanted: bool


class Ending(msgspec.Struct, frozen=True, tag="ending"):
    """The script ended; the process follows when its threads and exit handlers are done."""

    reason: str
    exit_code: int
    message: str


AgentNotice = Union[
    Hello, Held, Resumed, Said, NoteWritten, Refused, StackShown, EvaluationDone, Locals, EditDone, ValueBytes,
    Resolved, InputState, Ending,
]  # fmt: skip
"""What an agent may send to a session."""

T = TypeVar("T")


def new_token() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(32)


def proof(token: bytes, role: str, nonce: bytes) -> bytes:
    """What ``role`` ("agent" or "session") sends to show that it knows ``token``."""
    return hmac.new(token, role.encode() + nonce, hashlib.sha256).digest()


def proves(token: bytes, role: str, nonce: bytes, shown: bytes) -> bool:
    """Whether ``shown`` is that proof."""
    return hmac.compare_digest(proof(token, role, nonce), shown)


class Channel(Generic[T]):
    """One end of the connection. ``send`` is safe from any thread; ``receive`` belongs to one."""

    def __init__(self, sock: socket.socket, decoder: msgspec.msgpack.Decoder[T], limit: int) -> None:
        """``decoder`` knows the messages that may arrive; longer ones than ``limit`` bytes are malformed."""
        self._socket = sock
        self._decoder = decoder
        self._limit = limit
        self._encoder = msgspec.msgpack.Encoder()
        self._lock = threading.Lock()
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: msgspec.Struct) -> bool:
        """Send a message; False when the other end is gone."""
        data = self._encoder.encode(message)
        try:
            with self._lock:
                self._socket.sendall(struct.pack("<I", len(data)) + data)
        except OSError:
            return False
        return True

    def receive(self) -> T | None:
        """The next message; None when the connection ended. ``ProtocolError`` for a malformed one."""
        header = self._exactly(4)
        if header is None:
            return None
        (length,) = struct.unpack("<I", header)
        if length > self._limit:
            raise ProtocolError(f"a message of {length} bytes is longer than the {self._limit} allowed")
        data = self._exactly(length)
        if data is None:
            return None
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProtocolError(str(error)) from error

    def _exactly(self, size: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = self._socket.recv(min(size - len(parts), 1 << 20))
            except OSError:
                return None
            if not part:
                return None
            parts += part
        return bytes(parts)

    def close(self) -> None:
        """End the connection; a ``receive`` that waits returns None."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def abandon(self) -> None:
        """Let go of the descriptor without ending the connection (it belongs to the parent of a fork)."""
        self._socket.close()


def agent_channel(sock: socket.socket) -> Channel[AgentCommand]:
    """The agent's end."""
    return Channel(sock, msgspec.msgpack.Decoder(AgentCommand), COMMAND_LIMIT)


def session_channel(sock: socket.socket) -> Channel[AgentNotice]:
    """The session's end."""
    return Channel(sock, msgspec.msgpack.Decoder(AgentNotice), NOTICE_LIMIT)


__all__ = [
    "AgentCommand", "AgentNotice", "Breakpoint", "Channel", "EditDone", "Ending", "EvaluationDone", "FeedInput", "Held",
    "Hello", "InputState", "Interrupt", "Locals", "NoteWritten", "ProtocolError", "Refused", "Resolved", "Resumed",
    "Said", "StackShown", "ValueBytes", "Welcome", "agent_channel", "new_token", "proof", "proves", "session_channel",
]  # fmt: skip
