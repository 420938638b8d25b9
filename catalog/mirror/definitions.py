"""Keys and defaults as a source writes them, let through only where they are nothing else.

Their texts come from a source and run in the mirror with its owner's rights, so each is matched whole against the few
forms that are mirrored. Expressions and storage parameters are not: they could call functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.names import TableName

_NAME = r'(?:[a-z_][a-z0-9_$]*|"(?:[^"\0]|"")+")'
_NAMES = rf"\({_NAME}(?:, {_NAME})*\)"
_ACTION = rf"(?:NO ACTION|RESTRICT|CASCADE|SET NULL(?: {_NAMES})?|SET DEFAULT(?: {_NAMES})?)"
_DEFERRED = r"(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?"

_KEY = re.compile(
    rf"(?:PRIMARY KEY|UNIQUE(?: NULLS NOT DISTINCT)?) {_NAMES}(?: INCLUDE {_NAMES})?{_DEFERRED}", re.ASCII
)
_FOREIGN_KEY = re.compile(
    rf"FOREIGN KEY {_NAMES} REFERENCES (?P<schema>{_NAME})\.(?P<table>{_NAME}) ?{_NAMES}(?: MATCH FULL)?"
    rf"(?: ON UPDATE {_ACTION})?(?: ON DELETE {_ACTION})?{_DEFERRED}(?P<state>(?: NOT VALID)?(?: NOT ENFORCED)?)",
    re.ASCII,
)
# Defaults: constants of types that every setting reads alike, and what stands for the moment or the user.
_LITERAL = re.compile(r"'(?:[^'\\]|'')*'::(?P<type>[a-z]+(?: [a-z]+)*(?:\[\])?)", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_MODIFIER = re.compile(r"\([0-9,-]+\)", re.ASCII)
_TEXTS = frozenset({"text", "character varying", "character", "bpchar"})
_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
_LITERALS = _TEXTS | _NUMBERS | {"boolean", "uuid", "json", "jsonb"}
_MOMENTS = frozenset({"timestamp with time zone", "timestamp without time zone"})
_NOW = ("now()", "CURRENT_TIMESTAMP", "clock_timestamp()", "statement_timestamp()", "transaction_timestamp()")
_CALLS = {
    **dict.fromkeys((*_NOW, "LOCALTIMESTAMP"), _MOMENTS),
    "CURRENT_DATE": _MOMENTS | {"date"},
    "gen_random_uuid()": frozenset({"uuid"}),
    **dict.fromkeys(("CURRENT_USER", "SESSION_USER"), _TEXTS),
    **dict.fromkeys(("true", "false"), frozenset({"boolean"})),
}


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key's definition and the table that it references."""

    definition: str
    references: TableName


def get_key(definition: str) -> str | None:
    """Return the definition of a primary key or unique constraint, or None where it is anything else."""
    return definition if _KEY.fullmatch(definition) else None


def get_default(text: str, type_name: str) -> str | None:
    """Return the default of a column of a type as PostgreSQL spells it; None where it is anything else."""
    of = _MODIFIER.sub("", type_name)
    if of in _CALLS.get(text, ()) or (of in _NUMBERS and _NUMBER.fullmatch(text)):
        return text
    literal = _LITERAL.fullmatch(text)
    if literal is None or literal["type"].removesuffix("[]") not in _LITERALS:
        return None
    return text if literal["type"] == of or {literal["type"], of} <= _TEXTS else None


def get_foreign_key(definition: str) -> ForeignKey | None:
    """Return a foreign key, or None where the definition is anything else."""
    match = _FOREIGN_KEY.fullmatch(definition)
    if match is None:
        return None
    return ForeignKey(definition, TableName(_unquoted(match["schema"]), _unquoted(match["table"])))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
