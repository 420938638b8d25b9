"""The server's certificate, and the authority for those of clients: read from files, and again when these change.

What is in use stays in use where new files cannot be read. Connections that exist keep what they began with.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import structlog

from gateway.activity import Encryption
from gateway.authentication.certificates import Certificate, slashed_name
from gateway.authentication.channel_binding import tls_server_end_point
from gateway.configuration.config import Server
from gateway.tls_alerts import AlertingObject

_log = structlog.get_logger(__name__)
_LOOK = 2.0  # seconds between two looks at the files
ALPN = "postgresql"
"""What a client calls its protocol in the handshake; it must, where it begins TLS without asking for it."""
_NAME_BYTES = 63  # of a certificate's names, as PostgreSQL's NAMEDATALEN has it
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

Signature = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate in use, and what SCRAM binds a login to under it."""

    context: ssl.SSLContext
    channel_binding: bytes | None


def encryption_of(connection: ssl.SSLObject) -> Encryption | None:
    """Return what is told of a connection's TLS, once its handshake is over."""
    cipher, version = connection.cipher(), connection.version()
    if cipher is None or version is None:
        return None
    certificate: Certificate = connection.getpeercert() or {}
    if not certificate:
        return Encryption(version, cipher[0], cipher[2])
    subject, issuer = (_cut(slashed_name(certificate.get(key, ()))) for key in ("subject", "issuer"))
    return Encryption(version, cipher[0], cipher[2], subject, int(certificate["serialNumber"], 16), issuer)


def _cut(name: str) -> str | None:
    """Return what of a name PostgreSQL keeps."""
    return name.encode()[:_NAME_BYTES].decode(errors="ignore") or None


class TlsFiles:
    """TLS as configured; ``current`` is None where no certificate is."""

    def __init__(self, config: Server) -> None:
        """Read the files. Raises OSError or ssl.SSLError where they are no good."""
        self._config = config
        paths = (config.tls_certificate, config.tls_key, config.client_ca, config.client_crl)
        self._paths = tuple(path for path in paths if path is not None)
        self._signature = self._look()
        self.current = load_tls(config)

    def reload(self) -> bool:
        """Read the files again; return whether that went well. If not, all stays as it was."""
        self._signature = self._look()
        try:
            self.current = load_tls(self._config)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            _log.error("certificates cannot be read, the old ones stay in use", reason=str(error))
            return False
        if self.current is not None:
            _log.info("certificates read again")
        return True

    async def follow(self) -> None:
        """Read the files again whenever they have changed, until cancelled."""
        while self._paths:
            await asyncio.sleep(_LOOK)
            if await asyncio.to_thread(self._look) != self._signature:
                await asyncio.to_thread(self.reload)

    def _look(self) -> Signature:
        return tuple(_signature(path) for path in self._paths)


def load_tls(config: Server) -> Tls | None:
    """Read the certificate, or return None where none is configured. Raises OSError, ssl.SSLError or ValueError."""
    certificate, key = config.tls_certificate, config.tls_key
    if certificate is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = AlertingObject
    context.minimum_version = _VERSIONS[config.tls_min_version]
    context.num_tickets = 0  # clients of PostgreSQL resume nothing, and a ticket would outlive a revoked certificate
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols([ALPN])
    if config.client_ca is not None:
        context.load_verify_locations(config.client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    if config.client_crl is not None:
        context.load_verify_locations(config.client_crl)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    pem = certificate.read_text(encoding="ascii")
    first = pem[pem.index(_BEGIN) : pem.index(_END) + len(_END)]
    return Tls(context, tls_server_end_point(ssl.PEM_cert_to_DER_cert(first)))


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def give_received(transport: asyncio.Transport, received: bytes) -> None:
    """Give bytes to a transport's new protocol, which were read for the old one."""
    protocol = cast(asyncio.BufferedProtocol, transport.get_protocol())
    at = 0
    while at < len(received):
        buffer = memoryview(protocol.get_buffer(len(received) - at))
        size = min(len(buffer), len(received) - at)
        buffer[:size] = received[at : at + size]
        protocol.buffer_updated(size)
        at += size
