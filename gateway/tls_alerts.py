"""Alerts of TLS: a client whose handshake is refused is told why.

The event loops give up a connection whose handshake has failed without sending what OpenSSL has made for the other
side, such as ``unknown ca``. Here it is sent before they learn of the failure.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Self

Send = Callable[[bytes], None]


class Alerting(ssl.SSLContext):
    """A context in the place of another one, for one connection: alerts of its handshake go to ``send``. Event loops
    ask nothing else of a context than `wrap_bio`, and tell it nothing of the connection.
    """

    def __new__(cls, _instead_of: ssl.SSLContext, _send: Send) -> Self:
        """Make the context, which is never used itself."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, instead_of: ssl.SSLContext, send: Send) -> None:
        self._instead_of = instead_of
        self._send = send

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin TLS over two buffers, by the other context."""
        made = self._instead_of.wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        assert isinstance(made, AlertingObject)
        made.outgoing, made.send = outgoing, self._send
        return made


class AlertingObject(ssl.SSLObject):
    """One end of TLS: the ``sslobject_class`` of contexts that have `Alerting` ones in their place."""

    outgoing: ssl.MemoryBIO
    send: Send

    def do_handshake(self) -> None:
        """Go on with the handshake; where that fails, send what the other side is to know of it."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            self.send(self.outgoing.read())
            raise
