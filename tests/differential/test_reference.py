"""The reference page is what is found when everything in PostgreSQL's catalogue is tried."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pyarrow as pa
from psycopg.conninfo import make_conninfo

from catalog.errors import SqlError
from catalog.function_database import DATABASE
from catalog.server import Server
from catalog.sqlstate import SqlState
from catalog.tables import Catalog
from gateway.evaluation.evaluator import Evaluator
from gateway.execute.errors import sql_error
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.resolve import Names
from gateway.sql.session_values import TYPES
from tests.differential.lake import Relation
from tests.differential.reference import COLUMNS, ENGINE, POSTGRES, REFUSED, page
from tests.differential.subjects import Engine, Postgres, table_of

_PAGE = Path(__file__).parents[2] / "docs" / "functions.md"
_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(), "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(),
    "numeric": pa.decimal128(20, 4), "real": pa.float32(), "double precision": pa.float64(), "bytea": pa.binary(),
    "date": pa.date32(), "time without time zone": pa.time64("us"), "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"), "interval": pa.month_day_nano_interval(),
    "integer[]": pa.list_(pa.int32()), "bigint[]": pa.list_(pa.int64()), "text[]": pa.list_(pa.string()),
}  # fmt: skip


def _relation() -> Relation:
    columns = {column: "numeric(20,4)" if kind == "numeric" else kind for kind, column in COLUMNS.items()}
    arrays = [pa.array([None], _ARROW.get(kind, pa.string())) for kind in COLUMNS]
    return Relation("tried", columns, pa.table(arrays, names=[*columns]))


@cache
def _names(columns: frozenset[str]) -> Names:
    """Return names that know of these columns alone: each more would take its time in every stage."""
    whole = _relation()
    declared = {name: kind for name, kind in whole.columns.items() if name in columns}
    table = table_of(Relation("tried", declared, whole.rows.select([*declared])))
    return Names(Catalog(1, {table.name: table}, {"public": None}), frozenset(), ("public",), lambda name: True)


def test_the_page_is_what_is_found(functions_server: Server, evaluator: Evaluator, rewrite: bool) -> None:
    with functions_server.connect(DATABASE) as connection:
        engine = Engine(
            Postgres(make_conninfo("", **functions_server.connection_parameters(DATABASE))), [_relation()], evaluator
        )

        def attempt(expression: str) -> str:
            if expression.partition("(")[0] in TYPES:  # see `test_questions`
                return POSTGRES
            columns = frozenset(re.findall(r"c_\w+", expression)) or frozenset({"c_int4"})
            engine.names = replace(_names(columns), types=evaluator)
            try:
                rendered = engine.rendered(f"select {expression} from tried")
                engine.context.sql(rendered).collect()
            except SqlError as error:
                assert error.sqlstate is SqlState.FEATURE_NOT_SUPPORTED, (expression, error)
                return REFUSED
            except Exception as failure:  # neither sqlglot nor the engine raises a narrower class
                told = sql_error(failure, stated_error)
                if told is None or told.sqlstate is SqlState.FEATURE_NOT_SUPPORTED:
                    return REFUSED
            return POSTGRES if "postgres_" in rendered else ENGINE

        found = page(connection, attempt)
    if rewrite:
        _PAGE.write_text(found, encoding="utf-8")
    assert _PAGE.read_text(encoding="utf-8") == found
