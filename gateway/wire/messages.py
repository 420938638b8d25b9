"""What all messages share: a type byte, and the way between an object and its bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway.wire.fields import expect_end


class Message(ABC):
    """A message of the protocol. ``type_byte`` is empty for what is said before a session starts."""

    __slots__ = ()
    type_byte: ClassVar[bytes] = b""

    @classmethod
    @abstractmethod
    def decode(cls, body: bytes) -> Self:
        """Return the message with this body (no type byte, no length), or raise ``RemoteProtocolError``."""

    @abstractmethod
    def encode(self) -> bytes:
        """Return the whole message, or raise ``LocalProtocolError`` where it cannot be written."""


class FrontendMessage(Message):
    """A message that a client sends."""

    __slots__ = ()


class BackendMessage(Message):
    """A message that a server sends."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Bodiless(Message):
    """A message which says all by its type."""

    @classmethod
    def decode(cls, body: bytes) -> Self:
        expect_end(body, 0)
        return cls()

    def encode(self) -> bytes:
        return self.type_byte + b"\0\0\0\4"
