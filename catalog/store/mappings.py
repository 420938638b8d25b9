"""User mappings in the metadata store. Whether a change is allowed is judged by those who call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import sqlalchemy as sa

from catalog.errors import SqlError
from catalog.remote_logins import RemoteLogin, UserMapping
from catalog.sqlstate import SqlState
from catalog.store.schema import user_mappings


class MappingStore:
    """Changes of user mappings. Safe to use from several threads; every method blocks.

    ``change`` opens a transaction that bumps the version of what decides who sees what.
    """

    def __init__(self, engine: sa.Engine, change: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._engine = engine
        self._change = change

    def create(self, mapping: UserMapping) -> None:
        """Add a mapping. Raises SqlError: 42710 there is one, 42704 there is no such role."""
        values = {"login": mapping.login.user, "password": mapping.login.password}
        try:
            with self._change() as connection:
                connection.execute(user_mappings.insert().values(role=mapping.role, source=mapping.source, **values))
        except sa.exc.IntegrityError as error:
            raise _refusal(mapping, error) from None  # its text has the values

    def alter(self, mapping: UserMapping) -> bool:
        """Give a mapping another login; return whether there is one."""
        values = {"login": mapping.login.user, "password": mapping.login.password}
        with self._change() as connection:
            changed = user_mappings.update().where(_is(mapping.role, mapping.source)).values(values)
            return connection.execute(changed).rowcount > 0

    def drop(self, role: str | None, source: str) -> bool:
        """Remove a mapping; return whether there was one."""
        with self._change() as connection:
            return connection.execute(user_mappings.delete().where(_is(role, source))).rowcount > 0

    def load(self) -> tuple[UserMapping, ...]:
        """Return all mappings with their passwords, for the connectors alone."""
        columns = user_mappings.c
        query = sa.select(columns.role, columns.source, columns.login, columns.password)
        with self._engine.connect() as connection:
            return tuple(
                UserMapping(row.role, row.source, RemoteLogin(row.login, row.password))
                for row in connection.execute(query)
            )


def _is(role: str | None, source: str) -> sa.ColumnElement[bool]:
    return sa.and_(user_mappings.c.role.is_not_distinct_from(role), user_mappings.c.source == source)


def _refusal(mapping: UserMapping, error: sa.exc.IntegrityError) -> SqlError:
    if getattr(error.orig, "sqlstate", None) == SqlState.UNIQUE_VIOLATION:
        whom = mapping.role or "public"
        return SqlError(
            SqlState.DUPLICATE_OBJECT, f'user mapping for "{whom}" already exists for server "{mapping.source}"'
        )
    return SqlError(SqlState.UNDEFINED_OBJECT, f'role "{mapping.role}" does not exist')
