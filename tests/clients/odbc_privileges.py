"""ODBC's SQLTablePrivileges, which pyodbc does not call, by the driver manager's own interface (psqlODBC has no
SQLColumnPrivileges). A program, called with a connection string, a schema and a table; prints the rows as JSON.
"""

from __future__ import annotations

import ctypes
import json
import sys
from ctypes.util import find_library

_ENVIRONMENT, _CONNECTION, _STATEMENT = 1, 2, 3
_VERSION, _VERSION_3 = 200, 3
_CHARACTERS = 1
_NULL_TERMINATED = -3
_NO_DATA = 100
_library = ctypes.CDLL(find_library("odbc") or "libodbc.so.2")


def _handle(kind: int, parent: ctypes.c_void_p | None) -> ctypes.c_void_p:
    made = ctypes.c_void_p()
    _checked(_library.SQLAllocHandle(kind, parent, ctypes.byref(made)))
    return made


def _checked(result: int, kind: int = 0, handle: ctypes.c_void_p | None = None) -> int:
    if result not in (0, 1, _NO_DATA):
        told = ctypes.create_string_buffer(1000)
        if handle is not None:
            _library.SQLGetDiagRec(kind, handle, 1, None, None, told, len(told), None)
        raise SystemExit(f"ODBC returned {result} {told.value.decode()}")
    return result


def _text(statement: ctypes.c_void_p, column: int) -> str | None:
    buffer, length = ctypes.create_string_buffer(1000), ctypes.c_ssize_t()
    _checked(_library.SQLGetData(statement, column, _CHARACTERS, buffer, len(buffer), ctypes.byref(length)))
    return None if length.value < 0 else buffer.value.decode()


def _rows(statement: ctypes.c_void_p) -> list[list[str | None]]:
    width = ctypes.c_short()
    _checked(_library.SQLNumResultCols(statement, ctypes.byref(width)))
    found = []
    while _checked(_library.SQLFetch(statement)) != _NO_DATA:
        found.append([_text(statement, column) for column in range(1, width.value + 1)])
    return found


def main(connection_string: str, schema: str, table: str) -> None:
    """Connect, ask and print."""
    environment = _handle(_ENVIRONMENT, None)
    _checked(_library.SQLSetEnvAttr(environment, _VERSION, ctypes.c_void_p(_VERSION_3), 0))
    connection = _handle(_CONNECTION, environment)
    given = connection_string.encode()
    _checked(_library.SQLDriverConnect(connection, None, given, len(given), None, 0, None, 0), _CONNECTION, connection)
    statement = _handle(_STATEMENT, connection)
    names = (None, 0, schema.encode(), _NULL_TERMINATED, table.encode(), _NULL_TERMINATED)
    _checked(_library.SQLTablePrivileges(statement, *names), _STATEMENT, statement)
    sys.stdout.write(json.dumps(_rows(statement)))


if __name__ == "__main__":
    main(*sys.argv[1:])
