"""User mappings carried out: who may, what makes sense; then the store. The rules are postgres_fdw's.

A superuser makes them for everybody, a role for itself where it has USAGE on the source. One that a role makes needs a
password, and the source must ask for it: else a role could be let in as whomever it names, because the gateway is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.remote_logins import RemoteLogin, UserMapping
from catalog.scans import Source
from catalog.sqlstate import SqlState
from catalog.store.rows import PUBLIC, AccessRows
from catalog.store.store import Store
from gateway.sql.mapping_statements import MappingStatement, Option, Whom, parse_mapping

_OPTIONS = ("user", "password")


@dataclass(frozen=True, slots=True)
class MappingCommands:
    """Carries out such statements. `execute` blocks: call it in a thread."""

    store: Store

    def execute(self, text: str, principal: Principal, sources: Mapping[str, Source]) -> str:
        """Carry out one statement; return its command tag. Raises SqlError, with positions in ``text``."""
        statement = parse_mapping(text)
        rows = self.store.load_access()
        role = _role(statement.whom, principal)
        _require_right(principal, role, statement.server, rows)
        if role is not None and all(one.name != role for one in rows.roles):
            raise SqlError(SqlState.UNDEFINED_OBJECT, f'role "{role}" does not exist')
        present = next(
            (one for one in self.store.mappings.load() if (one.role, one.source) == (role, statement.server)), None
        )
        if statement.head == "DROP":
            self._drop(statement, role, present)
        elif statement.head == "ALTER":
            if present is None:
                raise _absent(role, statement.server)
            self.store.mappings.alter(_made(statement, role, present.login, principal))
        elif present is None or not statement.conditional:
            _require_source(statement.server, sources)
            self.store.mappings.create(_made(statement, role, None, principal))
        return f"{statement.head} USER MAPPING"

    def _drop(self, statement: MappingStatement, role: str | None, present: UserMapping | None) -> None:
        dropped = present is not None and self.store.mappings.drop(role, statement.server)
        if not dropped and not statement.conditional:
            raise _absent(role, statement.server)


def _role(whom: Whom, principal: Principal) -> str | None:
    return principal.name if whom.own else whom.name


def _require_right(principal: Principal, role: str | None, server: str, rows: AccessRows) -> None:
    """Raise 42501 for whoever may not. A source that is not there looks like one without USAGE."""
    if principal.superuser:
        return
    holders = {PUBLIC, *principal.roles}
    if not any(row.server == server and row.role in holders for row in rows.object_grants):
        raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for foreign server {server}")
    if role != principal.name:
        raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"must be owner of foreign server {server}")


def _require_source(server: str, sources: Mapping[str, Source]) -> None:
    source = sources.get(server)
    if source is None:
        raise SqlError(SqlState.UNDEFINED_OBJECT, f'server "{server}" does not exist')
    if source.kind != "postgres":
        raise SqlError(
            SqlState.WRONG_OBJECT_TYPE,
            f'source "{server}" has no logins of users',
            detail=f"Its kind is {source.kind}; user mappings are for sources of kind postgres.",
        )


def _made(
    statement: MappingStatement, role: str | None, present: RemoteLogin | None, principal: Principal
) -> UserMapping:
    """Return the mapping as it is after a statement."""
    known: dict[str, str | None] = {}
    if present is not None:
        known["user"] = present.user
        if present.password is not None:
            known["password"] = present.password
    for option in statement.options:
        _apply(option, known)
    user, password = known.get("user"), known.get("password")
    if not user:
        raise SqlError(SqlState.FDW_DYNAMIC_PARAMETER_VALUE_NEEDED, "a user mapping needs the option user")
    if not password and not principal.superuser:
        raise SqlError(
            SqlState.S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED,
            "password is required",
            detail="Non-superusers must provide a password in the user mapping.",
        )
    return UserMapping(role, statement.server, RemoteLogin(user, password or None))


def _apply(option: Option, known: dict[str, str | None]) -> None:
    name = option.name
    if name not in _OPTIONS:
        raise SqlError(
            SqlState.FDW_INVALID_OPTION_NAME,
            f'invalid option "{name}"',
            hint=f"Valid options in this context are: {', '.join(_OPTIONS)}",
        )
    if option.act == "ADD" and name in known:
        raise SqlError(SqlState.DUPLICATE_OBJECT, f'option "{name}" provided more than once')
    if option.act != "ADD" and name not in known:
        raise SqlError(SqlState.UNDEFINED_OBJECT, f'option "{name}" not found')
    if option.act == "DROP":
        del known[name]
    else:
        known[name] = option.value


def _absent(role: str | None, server: str) -> SqlError:
    whom = PUBLIC if role is None else role
    return SqlError(SqlState.UNDEFINED_OBJECT, f'user mapping for "{whom}" does not exist for server "{server}"')
