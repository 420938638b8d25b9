"""What the masks with a secret need and the engine lacks, on whole Arrow arrays.

A plan names the secret, never holds it: the functions look it up in the `Keyring` of the process.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datafusion import SessionContext, udf

from gateway.sql.engine_dialect.format_preserving import FEWEST, MOST, DigitCipher

_PAD = 64  # bytes of a block of SHA-256
_ZERO, _NINE, _STAR = ord("0"), ord("9"), ord("*")


class Keyring:
    """The masking secrets by name, replaced whole when one of them changes."""

    def __init__(self) -> None:
        self._secrets: Mapping[str, bytes] = MappingProxyType({})

    def replace(self, secrets: Mapping[str, bytes]) -> None:
        """Take over all secrets."""
        self._secrets = MappingProxyType(dict(secrets))

    @property
    def secrets(self) -> Mapping[str, bytes]:
        """All secrets, for the worker processes alone."""
        return self._secrets

    def require_key(self, names: pa.Array, purpose: str) -> bytes:
        """Return 32 bytes for one use of the secret that the array names, in every row alike.

        Raises ValueError in the engine's form where there is none of that name.
        """
        name = names[0].as_py()
        secret = self._secrets.get(name)
        if secret is None:
            raise ValueError(f'[42704] masking secret "{name}" does not exist')
        return hmac.digest(secret, purpose.encode(), "sha256")


def register_mask_functions(context: SessionContext, keyring: Keyring) -> None:
    """Make the functions known to a session context; rendered SQL calls them."""
    text, binary = pa.string(), pa.binary()

    def add(name: str, takes: pa.DataType, gives: pa.DataType, body: Callable[[pa.Array, pa.Array], pa.Array]) -> None:
        def guarded(values: Any, names: Any) -> pa.Array:
            return body(values, names) if len(values) else pa.array([], gives)

        # Not immutable: the same name may mean another secret tomorrow.
        context.register_udf(udf(guarded, [takes, text], gives, "stable", name))

    for purpose in ("hash", "token"):
        add(f"mask_{purpose}_inner", text, binary, _padded(keyring, purpose, 0x36))
        add(f"mask_{purpose}_outer", binary, binary, _padded(keyring, purpose, 0x5C))
    add("mask_digits", text, text, lambda values, names: encrypt_digits(values, keyring.require_key(names, "digits")))


def _padded(keyring: Keyring, purpose: str, pad: int) -> Callable[[pa.Array, pa.Array], pa.Array]:
    """One of the two steps of HMAC: put the padded key before each value; the engine's own sha256 does the rest."""

    def put(values: pa.Array, names: pa.Array) -> pa.Array:
        key = keyring.require_key(names, purpose).ljust(_PAD, b"\0")
        prefix = pa.scalar(bytes(byte ^ pad for byte in key), pa.binary())
        return pc.binary_join_element_wise(prefix, values.cast(pa.binary()), pa.scalar(b"", pa.binary()))

    return put


def hmac_hex(secret: bytes, purpose: str, value: str) -> str:
    """Return what the engine computes for one value: for tests, and for those who must match masked values."""
    key = hmac.digest(secret, purpose.encode(), "sha256")
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def encrypt_digits(values: pa.Array, key: bytes) -> pa.Array:
    """Encrypt the ASCII digits of each text, taken together, and leave all else in its place. Digits of a text that has
    too few or too many of them for FF1 become asterisks.
    """
    values = pa.concat_arrays([values]) if values.offset else values
    validity, offset_buffer, data_buffer = values.buffers()
    if data_buffer is None or values.null_count == len(values):
        return values
    start = values.offset
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[start : start + len(values) + 1]
    data = np.frombuffer(data_buffer, dtype=np.uint8).copy()
    is_digit = (data >= _ZERO) & (data <= _NINE)
    before = np.concatenate([[0], np.cumsum(is_digit)])
    first, counts = before[offsets[:-1]], before[offsets[1:]] - before[offsets[:-1]]
    places = np.flatnonzero(is_digit)
    cipher = DigitCipher(key)
    for count in np.unique(counts[counts > 0]):
        chosen = places[first[counts == count][:, None] + np.arange(count)]
        if FEWEST <= count <= MOST:
            data[chosen] = cipher.encrypt(data[chosen] - _ZERO) + _ZERO
        else:
            data[chosen] = _STAR
    buffers = [validity, offset_buffer, pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(values), buffers, values.null_count, start)
