"""Statements on masking policies, tags and masking secrets, as `masking_parser` reads them."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.store.rows import PolicyState


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression as written; ``start`` is its offset in the statement."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class RelationName:
    """A table's or view's name as written, folded; ``schema`` is None where none was. ``position`` counts from 1.
    ``is_view``: the statement is for views alone.
    """

    name: str
    schema: str | None
    position: int
    is_view: bool = False


@dataclass(frozen=True, slots=True)
class CreatePolicy:
    """``CREATE [OR REPLACE] [DRAFT | SHADOW] MASKING POLICY [IF NOT EXISTS] name (value type, …) RETURNS type AS
    expression``
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: str
    expression: Expression
    or_replace: bool = False
    if_not_exists: bool = False
    state: PolicyState = PolicyState.ENFORCED


@dataclass(frozen=True, slots=True)
class SetPolicyState:
    """``ALTER MASKING POLICY name DRAFT | SHADOW | ENFORCE``"""

    name: str
    state: PolicyState


@dataclass(frozen=True, slots=True)
class RenamePolicy:
    """``ALTER MASKING POLICY name RENAME TO new``"""

    name: str
    new: str


@dataclass(frozen=True, slots=True)
class SetPolicyBody:
    """``ALTER MASKING POLICY name SET BODY AS expression``"""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class DropPolicy:
    """``DROP MASKING POLICY [IF EXISTS] name``"""

    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class SetColumnPolicy:
    """``ALTER TABLE t ALTER COLUMN c SET MASKING POLICY p [USING (c, …)]``; no ``arguments``: the column alone."""

    table: RelationName
    column: str
    policy: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnsetColumnPolicy:
    """``ALTER TABLE t ALTER COLUMN c UNSET MASKING POLICY``"""

    table: RelationName
    column: str


@dataclass(frozen=True, slots=True)
class CreateTag:
    """``CREATE TAG [IF NOT EXISTS] name [VALUES ('a', …)]``; None: any value."""

    name: str
    values: tuple[str, ...] | None = None
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropTag:
    """``DROP TAG [IF EXISTS] name``"""

    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What a tag is set on. Of database, schema and table one is given; ``column`` goes with a table."""

    database: str | None = None
    schema: str | None = None
    table: RelationName | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class SetTag:
    """``ALTER … SET TAG name = 'value'``"""

    place: Place
    tag: str
    value: str


@dataclass(frozen=True, slots=True)
class UnsetTag:
    """``ALTER … UNSET TAG name``"""

    place: Place
    tag: str


@dataclass(frozen=True, slots=True)
class SetTagPolicy:
    """``ALTER TAG name SET MASKING POLICY p``"""

    tag: str
    policy: str


@dataclass(frozen=True, slots=True)
class UnsetTagPolicy:
    """``ALTER TAG name UNSET MASKING POLICY p``"""

    tag: str
    policy: str


@dataclass(frozen=True, slots=True)
class CreateSecret:
    """``CREATE MASKING SECRET [IF NOT EXISTS] name``"""

    name: str
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """``ALTER MASKING SECRET name ROTATE``"""

    name: str


@dataclass(frozen=True, slots=True)
class DropSecret:
    """``DROP MASKING SECRET [IF EXISTS] name``"""

    name: str
    if_exists: bool = False


MaskingStatement = (
    CreatePolicy
    | RenamePolicy
    | SetPolicyBody
    | SetPolicyState
    | DropPolicy
    | SetColumnPolicy
    | UnsetColumnPolicy
    | CreateTag
    | DropTag
    | SetTag
    | UnsetTag
    | SetTagPolicy
    | UnsetTagPolicy
    | CreateSecret
    | RotateSecret
    | DropSecret
)
