"""libpq's own OAuth client, with a flow of ours: the library asks us for a token where psql would show a code."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_ASKS_FOR_TOKEN = 1  # PQAUTHDATA_OAUTH_BEARER_TOKEN


class _Request(ctypes.Structure):
    """PGoauthBearerRequest of libpq 18."""

    _fields_ = (
        ("openid_configuration", ctypes.c_char_p),
        ("scope", ctypes.c_char_p),
        ("async_", ctypes.c_void_p),
        ("cleanup", ctypes.c_void_p),
        ("token", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
    )


_Hook = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def _libpq() -> ctypes.CDLL:
    """Return the library that psycopg has loaded."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    paths = sorted({line.split()[-1] for line in lines if "/libpq-" in line or "/libpq.so" in line})
    bundled = [path for path in paths if "psycopg_binary" in path]
    return ctypes.CDLL((bundled or paths)[0])


@contextmanager
def bearer_flow(token: Callable[[str, str], str]) -> Iterator[list[tuple[str, str]]]:
    """Answer libpq's wish for a token during a block; ``token`` is given the address of the issuer's document and the
    scope that libpq was told, and so is what is yielded. For an empty token libpq is told that there is no flow.
    """
    asked: list[tuple[str, str]] = []
    kept: list[bytes] = []  # libpq reads the text after the call

    def hook(kind: int, _connection: int, data: int) -> int:
        if kind != _ASKS_FOR_TOKEN:
            return 0
        request = ctypes.cast(data, ctypes.POINTER(_Request)).contents
        asked.append((request.openid_configuration.decode(), request.scope.decode()))
        kept.append(token(*asked[-1]).encode())
        request.token = kept[-1] or None
        return 1 if kept[-1] else -1

    library, called = _libpq(), _Hook(hook)
    library.PQsetAuthDataHook.argtypes = [ctypes.c_void_p]
    library.PQsetAuthDataHook.restype = None
    library.PQsetAuthDataHook(ctypes.cast(called, ctypes.c_void_p))
    try:
        yield asked
    finally:
        library.PQsetAuthDataHook(None)
