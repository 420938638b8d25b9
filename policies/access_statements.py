"""The words of statements of access, each written from the rows that it makes. Names of roles, tables and columns are
quoted where they must be; passwords and keys are never told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from catalog.key_words import sql_name
from catalog.names import TableName, quote_literal
from catalog.store.rows import (
    PUBLIC,
    SCHEMA_ITSELF,
    ColumnMask,
    Comment,
    DefaultPrivilege,
    Grant,
    MaskingPolicy,
    Membership,
    PolicyState,
    Role,
    RoleSettings,
    RowPolicy,
    TableRights,
    TagAssignment,
    TagPolicy,
)

T = TypeVar("T")
_LISTS_OF_NAMES = frozenset({"search_path", "temp_tablespaces"})  # each name is a value of its own
_LISTED_NAME = re.compile(r'"(?:[^"]|"")*"|[^\s,"]+')
_STATES = {PolicyState.DRAFT: "DRAFT", PolicyState.SHADOW: "SHADOW", PolicyState.ENFORCED: "ENFORCE"}


def role_options(old: Role, new: Role) -> list[str]:
    """The attributes in which two roles differ."""
    words = (
        ("superuser", "SUPERUSER"),
        ("login", "LOGIN"),
        ("create_role", "CREATEROLE"),
        ("bypass_row_security", "BYPASSRLS"),
        ("inherit", "INHERIT"),
    )
    found = [
        word if getattr(new, name) else f"NO{word}" for name, word in words if getattr(old, name) != getattr(new, name)
    ]
    if old.valid_until != new.valid_until:
        until = "infinity" if new.valid_until is None else new.valid_until.isoformat()
        found.append(f"VALID UNTIL {quote_literal(until)}")
    return found


def changed_settings(old: Sequence[RoleSettings], new: Sequence[RoleSettings], database: str) -> Iterator[str]:
    """Return what makes the settings with which sessions begin others."""
    before = {(row.role, row.of_database, one) for row in old for one in row.settings}
    after = {(row.role, row.of_database, one) for row in new for one in row.settings}
    kept = {(role, of_database, one.partition("=")[0]) for role, of_database, one in after}
    for role, of_database, one in in_order(before - after):
        name = one.partition("=")[0]
        if (role, of_database, name) not in kept:
            yield f"{_altered_settings(role, of_database, database)} RESET {_parameter(name)}"
    for role, of_database, one in in_order(after - before):
        name, _, value = one.partition("=")
        values = map(_unquoted, _LISTED_NAME.findall(value)) if name in _LISTS_OF_NAMES else [value]
        written = ", ".join(map(quote_literal, values)) or "''"
        yield f"{_altered_settings(role, of_database, database)} SET {_parameter(name)} TO {written}"


def _altered_settings(role: str | None, of_database: bool, database: str) -> str:
    if role is None:
        return f"ALTER DATABASE {sql_name(database)}" if of_database else "ALTER ROLE ALL"
    return words(f"ALTER ROLE {sql_name(role)}", f"IN DATABASE {sql_name(database)}" if of_database else "")


def _parameter(name: str) -> str:
    return ".".join(sql_name(part) for part in name.split("."))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def membership_options(row: Membership) -> str:
    """Return the options of a membership."""
    options = (("ADMIN", row.admin), ("INHERIT", row.inherit), ("SET", row.set_role))
    return ", ".join(f"{name} {'TRUE' if value else 'FALSE'}" for name, value in options)


def grant_statements(verb: str, grants: Sequence[Grant]) -> Iterator[str]:
    """Statements for privileges, those on columns of one table together. One that another role gave is taken and given
    as that role.
    """
    grouped: dict[tuple[object, ...], list[Grant]] = {}
    for row in in_order(grants):
        key = (row.grantor or "", row.schema, row.table, row.role, row.privilege, row.grantable, row.column is None)
        grouped.setdefault(key, []).append(row)
    ordered = sorted(grouped.values(), key=lambda each: (each[0].grantor or "", each[0].schema, each[0].table))
    for rows in ordered if verb == "GRANT" else reversed(ordered):  # what others gave on goes before what they have
        row = rows[0]
        columns = ", ".join(sql_name(each.column) for each in rows if each.column is not None)
        privilege = f"{row.privilege} ({columns})" if columns else row.privilege
        schema = row.table == SCHEMA_ITSELF
        on = f"SCHEMA {sql_name(row.schema)}" if schema else table_of(row)
        option = "WITH GRANT OPTION" if verb == "GRANT" and row.grantable else ""
        to = "TO" if verb == "GRANT" else "FROM"
        statement = words(f"{verb} {privilege} ON {on} {to} {grantee(row.role)}", option)
        if row.grantor is None:
            yield statement
        else:
            yield from (f"SET ROLE {sql_name(row.grantor)}", statement, "RESET ROLE")


def default_privilege(row: DefaultPrivilege, *, given: bool) -> str:
    """Return what gives a default privilege, or takes it."""
    creator = f"FOR ROLE {sql_name(row.creator)}" if row.creator is not None else ""
    schema = f"IN SCHEMA {sql_name(row.schema)}" if row.schema is not None else ""
    verb, to = ("GRANT", "TO") if given else ("REVOKE", "FROM")
    change = f"{verb} {row.privilege} ON {row.objects} {to} {grantee(row.role)}"
    option = "WITH GRANT OPTION" if given and row.grantable else ""
    return words("ALTER DEFAULT PRIVILEGES", creator, schema, change, option)


def create_policy(row: RowPolicy) -> str:
    """Return what makes a row policy."""
    kind = "PERMISSIVE" if row.permissive else "RESTRICTIVE"
    head = f"CREATE {created_state(row.state)}POLICY {policy_name(row)} AS {kind} FOR {row.command}"
    return words(head, f"TO {grantees(row.roles)}", *conditions(row))


def stops_governing(old: RowPolicy | MaskingPolicy, new: RowPolicy | MaskingPolicy) -> bool:
    """Whether a policy does not govern any more."""
    return old.state is PolicyState.ENFORCED and new.state is not PolicyState.ENFORCED


def altered(old: RowPolicy, new: RowPolicy) -> list[str]:
    """What gives a policy its state, then its conditions: in this order where it does not govern in the end."""
    state = [] if old.state == new.state else [f"ALTER POLICY {policy_name(new)} {_STATES[new.state]}"]
    if replace(old, state=new.state) == new:
        return state
    return [*state, words(f"ALTER POLICY {policy_name(new)} TO {grantees(new.roles)}", *conditions(new))]


def altered_mask(old: MaskingPolicy, new: MaskingPolicy) -> list[str]:
    """Return the same for a masking policy."""
    state = [] if old.state == new.state else [f"ALTER MASKING POLICY {sql_name(new.name)} {_STATES[new.state]}"]
    if replace(old, expression=new.expression, state=new.state) != new:
        return [*state, f"CREATE OR REPLACE MASKING POLICY {masking_body(new)}"]
    if old.expression != new.expression:
        return [*state, f"ALTER MASKING POLICY {sql_name(new.name)} SET BODY AS {new.expression}"]
    return state


def created_state(state: PolicyState) -> str:
    """Return the word that says a state where a policy is made, none for one that governs."""
    return "" if state is PolicyState.ENFORCED else f"{_STATES[state]} "


def can_alter(old: RowPolicy, new: RowPolicy) -> bool:
    """Whether a row policy can become another without being made anew."""
    same = (old.permissive, old.command) == (new.permissive, new.command)
    taken = (old.using is not None and new.using is None) or (old.check is not None and new.check is None)
    return same and not taken


def conditions(row: RowPolicy) -> list[str]:
    """Return USING and WITH CHECK."""
    using = [] if row.using is None else [f"USING ({row.using})"]
    return using if row.check is None else [*using, f"WITH CHECK ({row.check})"]


def policy_key(row: RowPolicy) -> tuple[str, str, str]:
    """Return what tells row policies apart."""
    return row.schema, row.table, row.name


def policy_name(row: RowPolicy) -> str:
    """Return a row policy as statements name it."""
    return f"{sql_name(row.name)} ON {table_of(row)}"


def masking_body(row: MaskingPolicy) -> str:
    """Return what stands behind MASKING POLICY where one is made."""
    parameters = ", ".join(f"{sql_name(name)} {kind}" for name, kind in row.parameters)
    return f"{sql_name(row.name)} ({parameters}) RETURNS {row.returns} AS {row.expression}"


def unset_tag_policy(row: TagPolicy) -> str:
    """Return what takes a masking policy off a tag."""
    return f"ALTER TAG {sql_name(row.tag)} UNSET MASKING POLICY {sql_name(row.policy)}"


def written(name: TableName) -> str:
    """Return a table's name as statements have it."""
    return f"{sql_name(name.schema)}.{sql_name(name.name)}"


def table_of(row: Grant | RowPolicy | ColumnMask | TagAssignment) -> str:
    """Return the table that a row speaks of."""
    return written(TableName(row.schema or "", row.table or ""))


def by_table(rows: Iterable[TableRights]) -> dict[TableName, TableRights]:
    """Return rows by their table."""
    return {TableName(row.schema, row.table): row for row in rows}


def grantees(names: Iterable[str]) -> str:
    """Return roles as a list."""
    return ", ".join(grantee(name) for name in sorted(names))


def comment_subject(row: Comment, database: str) -> str:
    """Return what a comment is on."""
    if not row.schema:
        return f"ROLE {sql_name(row.role)}" if row.role else f"DATABASE {sql_name(database)}"
    name = sql_name(row.schema) if not row.table else written(TableName(row.schema, row.table))
    if row.policy:
        return f"POLICY {sql_name(row.policy)} ON {name}"
    if row.column:
        return f"COLUMN {name}.{sql_name(row.column)}"
    return f"TABLE {name}" if row.table else f"SCHEMA {name}"


def comment_statement(row: Comment, database: str) -> str:
    """Return what makes a comment."""
    return f"COMMENT ON {comment_subject(row, database)} IS {quote_literal(row.text)}"


def grantee(name: str) -> str:
    """Return a role, or PUBLIC."""
    return "PUBLIC" if name == PUBLIC else sql_name(name)


def words(*parts: str) -> str:
    """Return what there is of some words."""
    return " ".join(part for part in parts if part)


def in_order(rows: Iterable[T], key: Callable[[T], Hashable] = repr) -> list[T]:
    """Return rows in an order that is always the same."""
    return sorted(rows, key=key)  # type: ignore[arg-type]  # None in some places does not compare: by text
