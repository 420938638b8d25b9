"""The library of masks: functions for masking policies, each written once in PostgreSQL's SQL.

The mirror makes functions of these bodies, so that PostgreSQL checks the policies that call them and answers them
itself; for tables of the lake the gateway puts the same bodies in the place of the calls. All keep the type of their
first argument, and NULL stays NULL. The masks with a secret have no body: what they need is not in PostgreSQL.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = "lakegate"
OFFICER = "lakegate_officer"  # members of this role look after masks and tags, beside superusers
VALUE = "value"  # the first parameter of each


@dataclass(frozen=True, slots=True)
class Mask:
    """A mask for one type. ``settings`` are the parameters behind the value; a policy gives constants for them, and
    ``body`` names them in braces. ``types`` are of value and settings; the last ``optional`` may be left out, then
    ``defaults`` stand for them.
    """

    name: str
    types: tuple[str, ...]
    settings: tuple[str, ...] = ()
    body: str = ""
    defaults: tuple[str, ...] = ()

    @property
    def value_type(self) -> str:
        """The type of the value and of what is returned."""
        return self.types[0] if self.name != "mask_date_trunc" else self.types[1]


_TEXT = "text"
_INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}  # with their bits beside the sign
_FLOATS = ("real", "double precision")
_PARTIAL = (
    "CASE WHEN length(value) <= {keep_first} + {keep_last} THEN repeat({padding}, length(value))"
    " ELSE left(value, {keep_first}) || repeat({padding}, length(value) - {keep_first} - {keep_last})"
    " || right(value, {keep_last}) END"
)
# What stands before the last @ shows its first character, and not how many there are.
_EMAIL = (
    "CASE WHEN value IS NULL THEN NULL WHEN strpos(value, '@') > 1"
    " THEN left(value, 1) || '***@' || split_part(value, '@', -1) ELSE '***' END"
)
# Always in UTC: by a time zone of his own a client could move the border and so learn the hour.
_TRUNCATED = {
    "date": "date_trunc({field}, value::timestamp)::date",
    "timestamp without time zone": "date_trunc({field}, value)",
    "timestamp with time zone": "date_trunc({field}, value AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
}
_ROUNDED_FLOAT = (
    "(CASE WHEN {digits} < 0 THEN round(value / power(10::double precision, - {digits})) *"
    " power(10::double precision, - {digits}) WHEN abs(value) < 1e15::double precision"
    " THEN round(value * power(10::double precision, {digits})) / power(10::double precision, {digits})"
    " ELSE round(value::double precision) END)"
)


def _rounded_integer(kind: str) -> str:
    """Rounding may leave the type: then the type's own bound is returned (``greatest`` makes something of NULL)."""
    least, most = -(2 ** _INTEGERS[kind]), 2 ** _INTEGERS[kind] - 1
    rounded = "round(value::numeric, {digits})"
    return (
        f"CASE WHEN {{digits}} >= 0 THEN value WHEN {rounded} < ({least})::numeric THEN ({least})::{kind}"
        f" WHEN {rounded} > {most}::numeric THEN {most}::{kind} ELSE {rounded}::{kind} END"
    )


def _integer_bucket(kind: str) -> str:
    """The lowest bucket of all begins at the type's own bound."""
    least = -(2 ** _INTEGERS[kind])
    width = f"{{width}}::{kind}"
    return (
        f"CASE WHEN value < (({least})::{kind} + {width}) THEN ({least})::{kind}"
        f" ELSE (value - mod(mod(value, {width}) + {width}, {width}))::{kind} END"
    )


WIDEST = {kind: 2 ** (bits - 1) for kind, bits in _INTEGERS.items()}
"""Of buckets of integers: twice as much would leave the type."""
MASKS: tuple[Mask, ...] = (
    Mask(
        "mask_partial", (_TEXT, "integer", "integer", _TEXT), ("keep_first", "keep_last", "padding"), _PARTIAL, ("'*'",)
    ),
    Mask("mask_email", (_TEXT,), (), _EMAIL),
    *(Mask("mask_date_trunc", (_TEXT, kind), ("field",), body) for kind, body in _TRUNCATED.items()),
    *(Mask("mask_round", (kind, "integer"), ("digits",), _rounded_integer(kind)) for kind in _INTEGERS),
    Mask("mask_round", ("numeric", "integer"), ("digits",), "round(value, {digits})"),
    *(Mask("mask_round", (kind, "integer"), ("digits",), f"{_ROUNDED_FLOAT}::{kind}") for kind in _FLOATS),
    Mask("mask_bucket", ("smallint", "integer"), ("width",), _integer_bucket("smallint")),  # constants are integers
    *(Mask("mask_bucket", (kind, kind), ("width",), _integer_bucket(kind)) for kind in ("integer", "bigint")),
    Mask("mask_bucket", ("numeric", "numeric"), ("width",), "value - mod(mod(value, {width}) + {width}, {width})"),
    *(
        Mask(
            "mask_bucket",
            (kind, "double precision"),
            ("width",),
            f"(floor(value / {{width}}::double precision) * {{width}}::double precision)::{kind}",
        )
        for kind in _FLOATS
    ),
)
NULL_MASK = "mask_null"
BUCKETS = "mask_buckets"
KEYED = frozenset({"mask_hash", "mask_token", "mask_digits"})
"""Masks with a secret: ``f(text, secret's name)``. No client may call them: by trying values he would learn them."""

PRINCIPAL = "principal"
CLAIM = "claim"
IS_MEMBER = "is_member"
CONTEXT = frozenset({PRINCIPAL, CLAIM, IS_MEMBER})
"""Functions of the schema that say who asks."""


def names() -> frozenset[str]:
    """Return the names of all masks."""
    return frozenset({mask.name for mask in MASKS} | {NULL_MASK, BUCKETS} | KEYED)
