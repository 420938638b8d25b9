"""Sessions of which each statement is to have the same answer from the gateway and from PostgreSQL itself."""

from __future__ import annotations

import psycopg

from tests.gateway import RunningGateway


def differences(
    gateway: RunningGateway, reference: psycopg.Connection, script: str, *, binary: bool, in_order: bool = True
) -> str:
    """Carry out a session on both, and return what differs of tags, columns, types, rows and errors. Not ``in_order``:
    the order of rows is not looked at.
    """
    told = []
    with gateway.connect() as connection:
        for statement in _statements(script):
            expected = _answer(reference, statement, binary=binary, in_order=in_order)
            found = _answer(connection, statement, binary=binary, in_order=in_order)
            if found != expected:
                told.append(f"{statement}\n  {found}\n  not {expected}")
    return "\n".join(told)


def _statements(script: str) -> list[str]:
    """Return the statements of a session, one a line; a backslash at a line's end goes on."""
    lines = script.replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) if "'" not in line else line.strip() for line in lines if line.strip()]


def _answer(connection: psycopg.Connection, statement: str, *, binary: bool, in_order: bool) -> object:
    """Return the tag, columns and rows of a statement, or its error's code."""
    try:
        cursor = connection.execute(statement.encode(), binary=binary, prepare=binary)
    except psycopg.Error as error:
        return error.sqlstate
    rows = cursor.fetchall() if cursor.description else None
    if rows is not None and not in_order:
        rows.sort(key=repr)
    columns = [(one.name, one.type_code) for one in cursor.description or ()]
    return cursor.statusmessage, columns, rows
