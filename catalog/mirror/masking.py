"""Masking policies are checked by PostgreSQL itself, as functions of the mirror that are gone with their transaction.

They do not stay: every client may read the text of every function in ``pg_proc``, and a policy is not for everybody.
"""

from __future__ import annotations

from dataclasses import replace

import psycopg

from catalog.errors import SqlError
from catalog.mask_library import SCHEMA
from catalog.names import always_quoted
from catalog.sqlstate import SqlState
from catalog.store.rows import MaskingPolicy

_PLACE = "lakegate_checks"  # a schema of that transaction
_BODY = "SELECT pg_catalog.pg_get_function_sqlbody(%s::pg_catalog.regprocedure)"
_TYPES = """
SELECT pg_catalog.format_type(t.oid, NULL) FROM pg_catalog.pg_type t
WHERE t.oid = pg_catalog.to_regtype(%s) AND t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
  AND t.typtype IN ('b', 'r', 'm')
"""


def check_policy(connection: psycopg.Connection, policy: MaskingPolicy, offset: int = 0) -> MaskingPolicy:
    """Return a policy with its types and its expression as PostgreSQL spells them.

    ``policy.expression`` is a client's text, ``offset`` where it begins in his statement: positions of errors are
    those of the statement. Raises SqlError: PostgreSQL's own errors, 42704 no such type, 42804 it returns another type
    than its first parameter's. Nothing of it stays.
    """
    with connection.transaction(force_rollback=True):
        parameters = tuple((name, _type(connection, kind)) for name, kind in policy.parameters)
        returns = _type(connection, policy.returns)
        if returns != parameters[0][1]:
            raise SqlError(
                SqlState.DATATYPE_MISMATCH,
                "a masking policy returns the type of its first parameter",
                detail=f"It is {parameters[0][1]}, not {returns}.",
            )
        checked = replace(policy, parameters=parameters, returns=returns)
        # So that policies may call masks by their names alone; what is stored names them fully.
        connection.execute(f"SET LOCAL search_path = {SCHEMA}".encode())
        head, signature = _head(checked)
        text = f"{head}{policy.expression}\n)"
        connection.execute(f"CREATE SCHEMA {_PLACE}".encode())
        try:
            connection.execute(text.encode(), binary=True)  # by the protocol that takes one statement alone
        except psycopg.Error as error:
            raise _told(error, len(head), offset) from None
        connection.execute("SET LOCAL search_path = ''")
        row = connection.execute(_BODY, (signature,)).fetchone()
    assert row is not None
    body = str(row[0])
    if not body.startswith("RETURN "):
        raise SqlError(SqlState.INVALID_FUNCTION_DEFINITION, "a masking policy is one expression")
    return replace(checked, expression=body.removeprefix("RETURN "))


def _head(policy: MaskingPolicy) -> tuple[str, str]:
    """Return the statement that makes a policy's function up to its expression, and the function's signature."""
    name = f"{_PLACE}.{always_quoted(policy.name)}"
    parameters = ", ".join(f"{always_quoted(name)} {kind}" for name, kind in policy.parameters)
    signature = f"{name}({', '.join(kind for _, kind in policy.parameters)})"
    return f"CREATE FUNCTION {name}({parameters}) RETURNS {policy.returns} LANGUAGE sql STABLE RETURN (", signature


def _type(connection: psycopg.Connection, name: str) -> str:
    try:
        with connection.transaction():
            row = connection.execute(_TYPES, (name,)).fetchone()
    except (psycopg.errors.SyntaxError, psycopg.errors.DataError, psycopg.errors.UndefinedObject):
        row = None
    if row is None:
        raise SqlError(SqlState.UNDEFINED_OBJECT, f'type "{name}" does not exist')
    return str(row[0])


def _told(error: psycopg.Error, head: int, offset: int) -> SqlError:
    """Return PostgreSQL's error with its position in the client's statement."""
    if isinstance(error, psycopg.OperationalError) or error.sqlstate is None:
        raise error
    found = error.diag.statement_position
    position = int(found) - head + offset if found is not None and int(found) > head else None
    diagnosis = error.diag
    return SqlError(
        SqlState(error.sqlstate),
        diagnosis.message_primary or "the expression was refused",
        detail=diagnosis.message_detail,
        hint=diagnosis.message_hint,
        position=position,
    )


def parameter_list(policy: MaskingPolicy) -> str:
    """Return the parameters of a policy with their types, for people."""
    return ", ".join(f"{name} {kind}" for name, kind in policy.parameters)
