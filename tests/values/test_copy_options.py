"""COPY's options: PostgreSQL's own errors for wrong ones, and its bytes for right ones."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest

from catalog.errors import SqlError
from gateway.sql.copy_statements import UnreadCopy, read_copy
from gateway.values import registry as oids
from gateway.values.settings import OutputColumn
from tests.values.copying import our_messages, their_messages

_BATCH = pa.RecordBatch.from_pydict({"a": pa.array([1, None], pa.int32()), "b": ['x"y', "it's, so"]})
_COLUMNS = (OutputColumn(oids.INT4), OutputColumn(oids.TEXT))
_QUERY = "SELECT * FROM (VALUES (1, 'x\"y'), (NULL, 'it''s, so')) AS t (a, b)"

RIGHT = """
(FORMAT text)
(FORMAT 'csv', DELIMITER ';')
(FORMAT "binary")
WITH (FORMAT csv, HEADER)
WITH (FORMAT csv, HEADER on)
WITH (FORMAT csv, HEADER 1, QUOTE '''')
(HEADER false)
(HEADER TRUE, DELIMITER E'\\x01')
(FORMAT csv, FORCE_QUOTE (a), NULL 'N/A')
(FORMAT csv, FORCE_QUOTE *)
(FORMAT csv, FORCE_QUOTE ("b", a), ESCAPE '\\')
(NULL '')
(NULL $$none$$)
(NULL E'\\t\\'', DELIMITER '|')
(DELIMITER $x$,$x$)
(ENCODING 'UTF8')
(ENCODING utf8, LOG_VERBOSITY verbose)
(FREEZE false)
CSV
WITH CSV
WITH CSV HEADER
csv header quote as '"' delimiter as ';' null as 'x'
WITH DELIMITER '|' NULL ''
WITH NULL AS 'none' DELIMITER AS ','
CSV FORCE QUOTE a, b
CSV FORCE QUOTE *
CSV QUOTE '''' ESCAPE '\\' ENCODING 'utf-8'
BINARY
WITH BINARY
WITH
""".strip().splitlines()

WRONG = """
(FORMAT xml)
(FORMAT 'CSV')
(FORMAT)
(FORMAT 1)
(FORMAT csv, FORMAT text)
(DELIMITER ',', DELIMITER ';')
(NULL 'a', NULL 'b')
(HEADER, HEADER)
(colour red)
(FORMAT binary, DELIMITER ',')
(FORMAT binary, NULL 'x')
(FORMAT binary, DEFAULT 'x')
(FORMAT binary, HEADER)
(FORMAT binary, QUOTE 'x')
(FORMAT binary, FORCE_QUOTE *)
(DELIMITER '')
(DELIMITER 'ab')
(DELIMITER 'é')
(DELIMITER E'\\n')
(DELIMITER E'\\r', FORMAT csv)
(DELIMITER 'a')
(DELIMITER '.')
(DELIMITER '\\')
(DELIMITER 5)
(DELIMITER)
(NULL E'a\\nb')
(NULL E'\\r')
(NULL 'a,b', DELIMITER ',')
(FORMAT csv, NULL 'a"b')
(FORMAT csv, NULL 'a,b')
(FORMAT csv, DELIMITER '"')
(FORMAT csv, QUOTE ',')
(FORMAT csv, QUOTE 'ab')
(FORMAT csv, QUOTE '')
(FORMAT csv, ESCAPE 'ab')
(QUOTE '"')
(ESCAPE '"')
(FORCE_QUOTE *)
(FORCE_QUOTE (a))
(FORMAT csv, FORCE_QUOTE a)
(FORMAT csv, FORCE_QUOTE)
(FORMAT csv, FORCE_NOT_NULL (a))
(FORMAT csv, FORCE_NULL *)
(FORCE_NULL *)
(FORCE_NOT_NULL (a))
(HEADER match)
(HEADER 'MATCH')
(HEADER 2)
(HEADER maybe)
(HEADER 1.5)
(FREEZE)
(FREEZE on)
(FREEZE maybe)
(DEFAULT 'x')
(DEFAULT E'\\n')
(ENCODING 'klingon')
(ENCODING)
(ENCODING utf8, ENCODING utf8)
(ON_ERROR ignore)
(ON_ERROR stop)
(LOG_VERBOSITY loud)
(LOG_VERBOSITY)
(REJECT_LIMIT 5)
CSV CSV
CSV BINARY
BINARY DELIMITER ','
DELIMITER ','  DELIMITER ','
CSV FORCE NOT NULL a
CSV FORCE NULL a
FORCE QUOTE a
FREEZE
QUOTE 'x'
HEADER HEADER
ENCODING 'klingon'
CSV QUOTE 'ab'
""".strip().splitlines()

UNREAD = """
(FORMAT csv
FORMAT csv
(FORMAT csv HEADER)
(,)
()
CSV DELIMITER
NULL
CSV, HEADER
DELIMITER ;
CSV FORCE a
WITH WITH CSV
WHERE true
(FORMAT csv) HEADER
CSV NULL none
(FORMAT json)
DELIMITERS ','
USING DELIMITERS ','
""".strip().splitlines()


@pytest.mark.parametrize("options", RIGHT)
def test_right_options(options: str, postgres: psycopg.Connection) -> None:
    theirs = their_messages(postgres, f"COPY ({_QUERY}) TO STDOUT {options}")
    assert our_messages(options, _BATCH, _COLUMNS) == theirs


@pytest.mark.parametrize("options", WRONG)
def test_wrong_options(options: str, postgres: psycopg.Connection) -> None:
    statement = f"COPY (SELECT 1 AS a, 'x' AS b) TO STDOUT {options}"
    with pytest.raises(psycopg.Error) as theirs, postgres.cursor().copy(statement.encode()):
        pass
    with pytest.raises(SqlError) as ours:
        read_copy(statement)
    told, expected = ours.value, theirs.value.diag
    assert (told.sqlstate, told.message) == (expected.sqlstate, expected.message_primary)
    assert told.position == (int(expected.statement_position) if expected.statement_position else None)


@pytest.mark.parametrize("options", UNREAD)
def test_what_is_not_read_is_no_copy_to_postgresql_either(options: str, postgres: psycopg.Connection) -> None:
    statement = f"COPY (SELECT 1 AS a, 'x' AS b) TO STDOUT {options}"
    with pytest.raises(psycopg.errors.SyntaxError), postgres.cursor().copy(statement.encode()):
        pass
    with pytest.raises(UnreadCopy):
        read_copy(statement)
