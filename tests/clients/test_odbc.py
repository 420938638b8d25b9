"""psqlODBC, Debian's, under pyodbc: its catalogue functions, parameters and results are those of PostgreSQL itself,
with whole results and with cursors (UseDeclareFetch).
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from tests.clients.conftest import SCHEMA, Shop
from tests.clients.programs import ODBC_DRIVER, missing, run
from tests.clients.wire_replay import Where

try:
    import pyodbc
except ImportError:  # Its package does not bring libodbc, which Debian's does.
    HAS_LIBRARY = False
else:
    HAS_LIBRARY = True

pytestmark = pytest.mark.client(
    "psqlODBC",
    "catalogue functions, parameters, cursors (UseDeclareFetch), binary values, savepoints, timeouts, cancel",
)
TABLES = ("region", "nation", "customer", "orders", "lineitem", "types")
VIEW = "nation_orders"
# As Tableau, Excel and Access set it; "fetch" has rows come by a cursor of ten rows at a time.
WAYS = {"whole": "", "fetch": "UseDeclareFetch=1;Fetch=10", "each": "Protocol=7.4-2;UseServerSidePrepare=0"}
_TABLE_OID = 22  # its place in the rows of SQLColumns
Rows = list[tuple[object, ...]]


def _columns(connection: pyodbc.Connection, table: str, column: str) -> Rows:
    """Columns without the oids of their tables, which are a server's own."""
    rows = _ask(lambda c: c.columns(table, schema=SCHEMA, column=column))(connection)
    return [(*row[:_TABLE_OID], *row[_TABLE_OID + 1 :]) for row in rows]


def _of_each(call: Callable[[pyodbc.Cursor, str], pyodbc.Cursor]) -> Callable[[pyodbc.Connection], list[Rows]]:
    """Ask for each of the tables."""
    return lambda connection: [_ask(lambda cursor, name=name: call(cursor, name))(connection) for name in TABLES]  # type: ignore[misc]


def _ask(call: Callable[[pyodbc.Cursor], pyodbc.Cursor]) -> Callable[[pyodbc.Connection], Rows]:
    def ask(connection: pyodbc.Connection) -> Rows:
        return [tuple(row) for row in call(connection.cursor()).fetchall()]

    return ask


QUESTIONS: dict[str, Callable[[pyodbc.Connection], object]] = {
    "tables": _ask(lambda c: c.tables(schema=SCHEMA, tableType="TABLE")),
    "views": _ask(lambda c: c.tables(schema=SCHEMA, tableType="VIEW")),
    "all relations": _ask(lambda c: c.tables(schema=SCHEMA)),
    "columns of a view": lambda one: _columns(one, VIEW, "%"),
    "tables by a pattern": _ask(lambda c: c.tables(schema=SCHEMA, table="line%")),
    "columns": lambda one: [_columns(one, name, "%") for name in TABLES],
    "columns by a pattern": lambda one: _columns(one, "%", "o\\_%"),
    "statistics": _of_each(lambda c, name: c.statistics(name, schema=SCHEMA)),
    "unique statistics": _ask(lambda c: c.statistics("lineitem", schema=SCHEMA, unique=True)),
    "primary keys": _of_each(lambda c, name: c.primaryKeys(name, schema=SCHEMA)),
    "imported keys": _ask(lambda c: c.foreignKeys(foreignTable="orders", foreignSchema=SCHEMA)),
    # Their order is that of oids, which are a server's own.
    "exported keys": lambda one: sorted(
        _ask(lambda c: c.foreignKeys(table="customer", schema=SCHEMA))(one), key=repr
    ),
    "row identifiers": _ask(lambda c: c.rowIdColumns("orders", schema=SCHEMA)),
    "row versions": _ask(lambda c: c.rowVerColumns("orders", schema=SCHEMA)),
    "procedures": _ask(lambda c: c.procedures("date%", schema="pg_catalog")),
    "columns of procedures": _ask(lambda c: c.procedureColumns("date_bin", schema="pg_catalog")),
    "all types": _ask(lambda c: c.getTypeInfo()),
    "one type": _ask(lambda c: c.getTypeInfo(pyodbc.SQL_NUMERIC)),
    "information": lambda one: [
        one.getinfo(which)
        for which in (pyodbc.SQL_DBMS_NAME, pyodbc.SQL_DBMS_VER, pyodbc.SQL_KEYWORDS, pyodbc.SQL_IDENTIFIER_QUOTE_CHAR,
                      pyodbc.SQL_TXN_ISOLATION_OPTION, pyodbc.SQL_MAX_IDENTIFIER_LEN)
    ],
    "shapes of results": lambda one: one.execute("SELECT * FROM shop.types WHERE id < 0").description,
    "every type": _ask(lambda c: c.execute("SELECT * FROM shop.types ORDER BY id")),
    "many rows": _ask(lambda c: c.execute("SELECT * FROM shop.lineitem ORDER BY l_orderkey, l_linenumber")),
    "no rows": _ask(lambda c: c.execute("SELECT * FROM shop.orders WHERE o_orderkey < 0")),
    "an aggregate": _ask(
        lambda c: c.execute("SELECT o_orderstatus, sum(o_totalprice) FROM shop.orders GROUP BY 1 ORDER BY 1")
    ),
    "numbers as parameters": _ask(
        lambda c: c.execute("SELECT * FROM shop.orders WHERE o_orderkey = ? OR o_totalprice = ?", 7, Decimal("100.25"))
    ),
    "dates and texts as parameters": _ask(
        lambda c: c.execute("SELECT count(*) FROM shop.orders WHERE o_orderdate > ? AND o_clerk LIKE ?",
                            dt.date(1990, 1, 1), "%1")
    ),
    "NULL as a parameter": _ask(lambda c: c.execute("SELECT count(*) FROM shop.orders WHERE o_comment = ?", None)),
    "binary": _ask(lambda c: c.execute("SELECT ?::bytea, '\\x00ff'::bytea", b"\0\1\xff")),
    "texts beyond the plane": _ask(lambda c: c.execute("SELECT ?::text, 'żółw 𝄞'", "zażółć 𝄞")),
}  # fmt: skip

EMPTY = ("row identifiers", "no rows")  # psqlODBC has no row identifiers where there are no oids


def _connection_string(where: Where, options: str) -> str:
    if not HAS_LIBRARY or ODBC_DRIVER not in pyodbc.drivers():
        missing("psqlODBC")
    return (
        f"Driver={{{ODBC_DRIVER}}};Servername={where.host};Port={where.port};Database={where.database};Username={where.user};"
        f"Password={{{where.password}}};SSLmode=disable;MaxVarcharSize=8190;ByteaAsLongVarBinary=1;{options}"
    )


def _connect(where: Where, options: str) -> pyodbc.Connection:
    return pyodbc.connect(_connection_string(where, options), timeout=20)


@pytest.fixture(scope="module", params=WAYS)
def connections(shop: Shop, request: pytest.FixtureRequest) -> Iterator[tuple[pyodbc.Connection, pyodbc.Connection]]:
    """The gateway and PostgreSQL."""
    both = (_connect(shop.ours, WAYS[request.param]), _connect(shop.peer, WAYS[request.param]))
    yield both
    for one in both:
        one.close()


def _in(database: str, answer: object, other: str) -> object:
    """Return an answer with another database's name in the place of this one's."""
    if isinstance(answer, list | tuple):
        return [_in(database, one, other) for one in answer]
    return other if answer == database else answer


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_asked_is_answered_as_by_postgresql(
    connections: tuple[pyodbc.Connection, pyodbc.Connection], shop: Shop, question: str
) -> None:
    ours, peers = (QUESTIONS[question](one) for one in connections)
    assert _in(shop.ours.database, ours, shop.peer.database) == _in("", peers, "")
    assert ours or question in EMPTY


def test_errors_and_transactions(connections: tuple[pyodbc.Connection, pyodbc.Connection]) -> None:
    told = []
    for connection in connections:
        connection.rollback()
        cursor = connection.cursor()
        assert cursor.execute("SELECT count(*) FROM shop.region").fetchone()[0] == 5
        with pytest.raises(pyodbc.Error) as caught:
            cursor.execute("SELECT nothing FROM shop.region").fetchall()
        told.append(caught.value.args[0])
        connection.rollback()
        assert cursor.execute("SELECT count(*) FROM shop.region").fetchone()[0] == 5
        connection.commit()
    assert told[0] == told[1]


def test_two_results_are_read_at_once(connections: tuple[pyodbc.Connection, pyodbc.Connection]) -> None:
    seen = []
    for connection in connections:
        one, other = connection.cursor(), connection.cursor()
        one.execute("SELECT l_orderkey FROM shop.lineitem ORDER BY l_orderkey, l_linenumber")
        first = [one.fetchmany(15), other.execute("SELECT o_orderkey FROM shop.orders ORDER BY 1").fetchmany(25)]
        seen.append([[tuple(row) for row in part] for part in (*first, one.fetchmany(15), other.fetchmany(5))])
        one.close()
        other.close()
        connection.rollback()
    assert seen[0] == seen[1]


def test_a_statement_is_cancelled_and_timed_out(shop: Shop) -> None:
    connection = _connect(shop.ours, "")
    cursor = connection.cursor()
    started = time.monotonic()
    timer = threading.Timer(0.5, cursor.cancel)
    timer.start()
    with pytest.raises(pyodbc.Error) as caught:
        cursor.execute("SELECT n FROM origin.slow").fetchall()
    assert "canceling statement due to user request" in str(caught.value)
    connection.rollback()
    cursor.execute("SET statement_timeout = '300ms'")
    with pytest.raises(pyodbc.Error) as caught:
        cursor.execute("SELECT n FROM origin.slow").fetchall()
    assert "canceling statement due to statement timeout" in str(caught.value)
    assert time.monotonic() - started < 10
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM shop.region").fetchval() == 5
    connection.close()


def test_privileges_are_told(shop: Shop) -> None:
    module = "tests.clients.odbc_privileges"
    told = [
        json.loads(run([sys.executable, "-m", module, _connection_string(one, ""), SCHEMA, "orders"]))
        for one in (shop.ours, shop.peer)
    ]
    ours, peers = ({len(row) for row in rows} for rows in told)
    assert ours == peers == {7}
    assert "SELECT" in {row[5] for row in told[0]}
