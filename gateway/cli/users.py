"""``lakegate user``: users, their passwords and what they may read."""

from __future__ import annotations

import difflib
import getpass
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from catalog.errors import SqlError
from catalog.names import TableName, quote_identifier
from catalog.server import Server
from catalog.sqlstate import SqlState
from catalog.store.rows import ALL_TABLES, SELECT, Grant
from catalog.store.store import Store
from gateway.authentication.passwords import check_password
from gateway.authentication.scram import verifier
from gateway.cli.metadata import metadata_store, opened_store
from gateway.cli.output import USAGE, CommandError, notices, results
from gateway.configuration.config import load

_GRANTED = re.compile(r'(?P<schema>"(?:[^"]|"")+"|[^".\s]+)(?:\.(?P<table>"(?:[^"]|"")+"|[^".\s]+))?\Z')


@dataclass(frozen=True, slots=True)
class UserRequest:
    """What is wanted of a user. ``grants`` are schemas and tables as a client writes them."""

    name: str
    superuser: bool = False
    grants: tuple[str, ...] = ()
    update: bool = False  # the user exists


def add(config_path: Path, request: UserRequest, *, password_stdin: bool) -> None:
    """Add or change a user; the password is asked for, twice, on the terminal."""
    config = load(config_path)
    granted = _grants(request)
    password = _read_password(request.name, password_stdin)
    check_password(request.name, password, min_length=config.auth.password_min_length)
    with metadata_store(config) as store:
        _put(store, request, password)
        for warning in _unknown(store, config.server.database, granted):
            notices().print(f"[yellow]note:[/] {warning}", soft_wrap=True)
    verb = "changed" if request.update else "added"
    results().print(f"{verb} user {quote_identifier(request.name)}", soft_wrap=True)


def set_password(config_path: Path, name: str, *, password_stdin: bool) -> None:
    """Give a user that exists a new password; it counts from the next login on."""
    config = load(config_path)
    password = _read_password(name, password_stdin)
    check_password(name, password, min_length=config.auth.password_min_length)
    with metadata_store(config) as store:
        store.alter_role(name, verifier=verifier(password))
    results().print(f"changed the password of user {quote_identifier(name)}", soft_wrap=True)


def set_user(server: Server, name: str, password: str, *, grants: Sequence[str]) -> None:
    """Have a user with this password and at least these grants in a server that runs."""
    with opened_store(server) as store:
        exists = any(role.name == name for role in store.list_roles())
        _put(store, UserRequest(name, grants=tuple(grants), update=exists), password)


def print_all(config_path: Path) -> None:
    """Print a table of users with their grants."""
    with metadata_store(load(config_path)) as store:
        access = store.load_access()
    table = Table("user", "may log in", "may read")
    for role in access.roles:
        readable = [
            f"{quote_identifier(grant.schema)}.*"
            if grant.table == ALL_TABLES
            else str(TableName(grant.schema, grant.table))
            for grant in access.grants
            if grant.role == role.name and grant.privilege == SELECT
        ]
        shown = "everything (superuser)" if role.superuser else ", ".join(readable) or "nothing"
        table.add_row(Text(quote_identifier(role.name)), "yes" if role.login else "no", Text(shown))
    results().print(table)


def remove(config_path: Path, name: str) -> None:
    """Remove a user with all grants."""
    with metadata_store(load(config_path)) as store:
        store.remove_role(name)
    results().print(f"removed user {quote_identifier(name)}", soft_wrap=True)


def parse_granted(text: str) -> tuple[str, str]:
    """Return the schema and table of ``schema`` or ``schema.table``, folded as PostgreSQL folds; a schema alone stands
    for all its tables, those to come included. Raises `CommandError`.
    """
    match = _GRANTED.match(text)
    if match is None:
        raise CommandError(f'cannot grant on "{text}"', hint="write a schema, or schema.table", code=USAGE)
    table = match["table"]
    return _folded(match["schema"]), ALL_TABLES if table in {None, "*"} else _folded(table)


def _folded(identifier: str) -> str:
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier.lower()


def _grants(request: UserRequest) -> tuple[Grant, ...]:
    return tuple(Grant(request.name, *parse_granted(text)) for text in request.grants)


def _put(store: Store, request: UserRequest, password: str) -> None:
    if request.update:
        store.alter_role(request.name, verifier=verifier(password), superuser=request.superuser or None, login=True)
    else:
        try:
            store.add_role(request.name, verifier(password), superuser=request.superuser)
        except SqlError as error:
            if error.sqlstate is SqlState.DUPLICATE_OBJECT:
                raise CommandError(error.message, hint="--update changes a user that exists") from None
            raise
    store.grant(*_grants(request))


def _unknown(store: Store, database: str, granted: Sequence[Grant]) -> list[str]:
    """Say which grants name nothing that was seen so far: often a slip, sometimes a table that is yet to come."""
    catalog = store.load_catalog(database)
    if catalog is None:
        return []
    schemas = {name.schema for name in catalog.tables} | set(catalog.schemas)
    notes = []
    for grant in granted:
        name = TableName(grant.schema, grant.table)
        if grant.schema not in schemas:
            notes.append(f'there is no schema "{grant.schema}" yet{_did_you_mean(grant.schema, sorted(schemas))}')
        elif grant.table != ALL_TABLES and name not in catalog.tables:
            tables = [table.name for table in catalog.tables if table.schema == grant.schema]
            notes.append(f'there is no table "{name}" yet{_did_you_mean(grant.table, tables)}')
    return notes


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _read_password(name: str, from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = getpass.getpass(f"Password for {name}: ")
        if getpass.getpass("Again: ") != password:
            raise CommandError("the two passwords differ")
    else:
        raise CommandError("no terminal to ask for the password on", hint="use --password-stdin", code=USAGE)
    if not password:
        raise CommandError("the password is empty", code=USAGE)
    return password
