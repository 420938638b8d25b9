"""Receivers of an export: a syslog server over TCP and UDP, and an HTTP server that fails now and then."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Restartable(socketserver.ThreadingTCPServer):
    """A server that may begin again at a port where it was."""

    allow_reuse_address = True


@contextmanager
def syslog_over_tcp(port: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the port, a free one unless it is given, and the messages as they come in: framed by their length
    (RFC 6587, octet counting).
    """
    received: list[bytes] = []
    connections: list[socket.socket] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            connections.append(self.connection)
            while True:
                digits = b""
                while (digit := self.rfile.read(1)) not in {b" ", b""}:
                    digits += digit
                if not digits:
                    return
                received.append(self.rfile.read(int(digits)))

    with _Restartable(("127.0.0.1", port), Handler) as server, _running(server):
        try:
            yield server.server_address[1], received
        finally:
            for connection in connections:
                with suppress(OSError):  # the client has gone before
                    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def syslog_over_udp() -> Iterator[tuple[int, list[bytes]]]:
    """Yield the port, and the messages as they come in: a datagram each."""
    received: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.1)
        done = threading.Event()

        def receive() -> None:
            while not done.is_set():
                try:
                    received.append(listener.recv(1 << 16))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=receive)
        thread.start()
        try:
            yield listener.getsockname()[1], received
        finally:
            done.set()
            thread.join()


@contextmanager
def http_collector(*, failing: set[int] | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the port, and the bodies that were taken; requests numbered in ``failing`` are answered with 503."""
    taken: list[bytes] = []
    numbers = iter(range(1_000_000))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            failed = next(numbers) in (failing or set())
            if not failed:
                taken.append(body)
            self.send_response(503 if failed else 202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, _running(server):
        yield server.server_address[1], taken


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
