"""Roles, privileges and policies as plain rows, as the store holds them; what they allow is judged in ``policies``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

PUBLIC = "public"  # every role is a member of it; no role can have its name
ALL_TABLES = "*"  # in the place of a table's name: all tables of the schema, those to come included
SCHEMA_ITSELF = ""  # in the place of a table's name: the schema as such, for USAGE and CREATE
CLAIM = "lakegate.claim."  # settings of roles that begin so are claims (policies.claims), not settings of sessions
SELECT = "SELECT"
USAGE = "USAGE"
TABLES, SCHEMAS = "TABLES", "SCHEMAS"
DEFAULT_OBJECTS = (TABLES, "SEQUENCES", "FUNCTIONS", "TYPES", SCHEMAS, "LARGE OBJECTS")
"""What default privileges are for, as ALTER DEFAULT PRIVILEGES names it."""


class PolicyState(StrEnum):
    """Whether a policy counts: a draft is only kept, a shadow is told of in the audit, an enforced one governs."""

    DRAFT = "draft"
    SHADOW = "shadow"
    ENFORCED = "enforced"


@dataclass(frozen=True, slots=True, order=True)
class Role:
    """A role of the gateway. ``created`` is None for a role that was not read from the store."""

    name: str
    superuser: bool = False
    login: bool = True
    created: datetime | None = None
    create_role: bool = False
    bypass_row_security: bool = False
    inherit: bool = True
    valid_until: datetime | None = None  # of the password


@dataclass(frozen=True, slots=True, order=True)
class Membership:
    """``member`` is in ``role``: it has its privileges (``inherit``), may SET ROLE to it (``set_role``) and may let
    others in (``admin``).
    """

    role: str
    member: str
    admin: bool = False
    inherit: bool = True
    set_role: bool = True
    grantor: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """``role`` (or `PUBLIC`) holds a privilege on a table, on all tables of a schema (`ALL_TABLES`), or on the schema
    itself (`SCHEMA_ITSELF`). ``grantor`` is None where the owner gave it.
    """

    role: str
    schema: str
    table: str = ALL_TABLES
    privilege: str = SELECT
    grantor: str | None = None
    column: str | None = None  # None: the whole table
    grantable: bool = False


@dataclass(frozen=True, slots=True, order=True)
class ObjectGrant:
    """``role`` (or `PUBLIC`) holds a privilege on the database, on a ``function`` of the schema ``lakegate``, which
    is named with the types of its arguments (``claim(text)``), or on a source (``server``). ``held`` is False where
    everybody has the privilege by default, and it was taken from `PUBLIC`: CONNECT and TEMPORARY on the database,
    EXECUTE on functions.
    """

    role: str
    privilege: str
    function: str | None = None
    grantor: str | None = None  # None: the owner
    grantable: bool = False
    held: bool = True
    server: str | None = None  # this and the function None: the database


@dataclass(frozen=True, slots=True, order=True)
class Comment:
    """What a COMMENT statement said of a schema (``table`` is ""), a table, a view's or table's column, or a row
    policy: it stands over what the source says. ``schema`` is "" for what is in none: a ``role``, or the database.
    """

    schema: str
    table: str = ""
    column: str = ""
    policy: str = ""
    text: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True, order=True)
class DefaultPrivilege:
    """``role`` (or `PUBLIC`) gets a privilege on objects to come: those that ``creator`` makes in ``schema``, None for
    all schemas. What sources bring counts as made by each superuser, and by the creator None. ``objects`` is what they
    are, as in `DEFAULT_OBJECTS`. ``held`` is False where everybody has the privilege by default (EXECUTE on functions,
    USAGE on types), and it was taken from `PUBLIC`.
    """

    role: str
    privilege: str
    creator: str | None = None
    schema: str | None = None
    grantable: bool = False
    objects: str = TABLES
    held: bool = True


@dataclass(frozen=True, slots=True, order=True)
class RoleSettings:
    """Settings with which sessions of a role begin, None: of all roles; ``of_database``: what was said for the database
    in particular (IN DATABASE, ALTER DATABASE), which counts more. Each of ``settings`` is ``name=value``, in
    PostgreSQL's order.
    """

    role: str | None
    of_database: bool
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class TableRights:
    """Who owns a relation, and whether its row security policies are in force (``forced``: for the owner too).

    A relation that has such a row is known: default privileges do not apply to it any more.
    """

    schema: str
    table: str
    owner: str | None = None  # None: the gateway's superusers alone
    row_security: bool = False
    forced: bool = False


@dataclass(frozen=True, slots=True, order=True)
class RowPolicy:
    """A row security policy. ``using`` and ``check`` are PostgreSQL's own deparsed text of the conditions, with every
    name qualified; ``roles`` may hold `PUBLIC`. ``command`` is ALL, SELECT, INSERT, UPDATE or DELETE.
    """

    schema: str
    table: str
    name: str
    permissive: bool = True
    command: str = "ALL"
    roles: tuple[str, ...] = (PUBLIC,)
    using: str | None = None
    check: str | None = None
    state: PolicyState = PolicyState.ENFORCED


@dataclass(frozen=True, slots=True, order=True)
class ViewRow:
    """A view; its owner is in `TableRights`. ``definition`` is PostgreSQL's own deparsed query, with every name
    qualified, ``columns`` pairs names with types, ``options`` are as PostgreSQL keeps them (``security_barrier=on``).
    """

    schema: str
    name: str
    definition: str
    columns: tuple[tuple[str, str], ...]
    security_invoker: bool = False  # tables are read with the rights of who asks, not the owner's
    options: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class MaskingPolicy:
    """A masking policy: a named expression over its parameters, the first of which is the masked value. ``expression``
    is PostgreSQL's own deparsed text. ``parameters`` pairs names with types; ``returns`` is the type of the first.
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: str
    expression: str
    state: PolicyState = PolicyState.ENFORCED


@dataclass(frozen=True, slots=True, order=True)
class ColumnMask:
    """A column that is seen only through a masking policy. ``arguments`` are the columns given to its parameters, the
    masked column first. Names are those last known; ``identities`` are of the arguments (`Column.identity`).
    """

    schema: str
    table: str
    column: str
    policy: str
    arguments: tuple[str, ...]
    identities: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class TagRow:
    """A tag. ``values`` are those it may be set to, None: any."""

    name: str
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TagAssignment:
    """A tag set to a value on the database (all names None), a schema, a table or a column. ``column`` is the name last
    known of the column with this ``identity`` (`Column.identity`).
    """

    tag: str
    value: str
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class TagRemoval:
    """An officer took a tag off a view's column that has it by what it is made of. ``column`` is the name last known of
    the column with this ``identity``. ``made_of`` is a digest of what it was made of then: as soon as it is made of
    anything else it has the tag again.
    """

    tag: str
    schema: str
    view: str
    column: str
    identity: str
    made_of: str


@dataclass(frozen=True, slots=True, order=True)
class TagPolicy:
    """All columns of a type that have a tag are seen through a policy. ``value_type`` is its first parameter's."""

    tag: str
    value_type: str
    policy: str


@dataclass(frozen=True, slots=True, order=True)
class ApiKey:
    """A key that lets its bearer in as ``role``, for what is in ``scopes``. ``digest`` is the SHA-256 of its secret;
    ``expires`` None: never. ``comment`` says what it is for.
    """

    id: str
    role: str
    scopes: frozenset[str]
    digest: bytes = field(repr=False)
    comment: str = ""
    expires: datetime | None = None
    created: datetime | None = None
    last_used: datetime | None = None
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: the role that logged in, and the one that the session had become."""

    user: str
    role: str


@dataclass(frozen=True, slots=True)
class AccessRows:
    """All that decides who may see what, at one moment. ``version`` grows with every change. ``revoked_keys`` are the
    ids of API keys that were revoked before their time.
    """

    version: int
    roles: tuple[Role, ...] = ()
    memberships: tuple[Membership, ...] = ()
    grants: tuple[Grant, ...] = ()
    tables: tuple[TableRights, ...] = ()
    row_policies: tuple[RowPolicy, ...] = ()
    masking_policies: tuple[MaskingPolicy, ...] = ()
    column_masks: tuple[ColumnMask, ...] = ()
    revoked_keys: frozenset[str] = frozenset()
    tags: tuple[TagRow, ...] = ()
    tag_assignments: tuple[TagAssignment, ...] = ()
    tag_policies: tuple[TagPolicy, ...] = ()
    masking_secrets: tuple[str, ...] = ()  # their names; what they are never leaves the store but for the engine
    default_privileges: tuple[DefaultPrivilege, ...] = ()
    views: tuple[ViewRow, ...] = ()
    object_grants: tuple[ObjectGrant, ...] = ()
    comments: tuple[Comment, ...] = ()
    user_mappings: tuple[tuple[str | None, str], ...] = ()  # roles (None: PUBLIC) with a login of theirs at a source
    tag_removals: tuple[TagRemoval, ...] = ()
    role_settings: tuple[RoleSettings, ...] = ()
