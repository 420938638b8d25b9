"""Masks with a secret, which only policies may call.

A call is known by a mark that no text of a client can set; without it the names are unknown functions. HMAC-SHA-256 is
composed of the engine's own ``sha256`` and two functions that put the padded key before the values (`mask_functions`).
"""

from __future__ import annotations

from enum import Enum

from sqlglot import exp

from catalog.mask_library import KEYED
from gateway.sql.engine_dialect.build import call, cast, number, text
from optimizer.copies import copied

MARK = "mask"  # in a node's meta
TOKEN_PREFIX = "tok_"  # noqa: S105 - what tokens begin with
TOKEN_DIGITS = 32


class Origin(Enum):
    """Where a call comes from."""

    POLICY = "policy"


def keyed_call(name: str, value: exp.Expr, secret: str) -> exp.Anonymous:
    """Return a policy's call of a mask with a secret."""
    node = call(name, value, text(secret), returns="TEXT")
    node.meta[MARK] = Origin.POLICY
    return node


def is_keyed_call(node: exp.Expr) -> bool:
    """Say whether a node is a call that `keyed_call` has made."""
    return isinstance(node, exp.Anonymous) and node.meta.get(MARK) is Origin.POLICY and node.name in KEYED


def keyed(node: exp.Anonymous) -> exp.Expr:
    """``mask_hash``, ``mask_token`` and ``mask_digits`` in the engine's terms."""
    value, secret = node.expressions
    value = cast(value, "TEXT")
    if node.name == "mask_digits":
        return call("mask_digits", value, secret, returns="TEXT")
    if node.name == "mask_hash":
        return _hmac(value, secret, "hash")
    short = call("left", _hmac(value, secret, "token"), number(TOKEN_DIGITS), returns="TEXT")
    return exp.DPipe(this=text(TOKEN_PREFIX), expression=short)


def _hmac(value: exp.Expr, secret: exp.Expr, purpose: str) -> exp.Expr:
    inner = call("sha256", call(f"mask_{purpose}_inner", value, secret, returns="BYTEA"), returns="BYTEA")
    padded = call(f"mask_{purpose}_outer", cast(inner, "BYTEA"), copied(secret), returns="BYTEA")
    return call("encode", call("sha256", padded, returns="BYTEA"), text("hex"), returns="TEXT")
