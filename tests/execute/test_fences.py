"""A plan that reads a fenced relation from elsewhere than its fence is refused, as the engine itself shows plans."""

from __future__ import annotations

import pytest
from datafusion import SessionContext

from catalog.errors import SqlError
from gateway.execute.fences import require_fences


@pytest.fixture
def context() -> SessionContext:
    """Two tables; one of them stands for a relation under policies."""
    context = SessionContext()
    context.sql("CREATE TABLE t AS VALUES (1), (2)").collect()
    context.sql("CREATE VIEW t2 AS SELECT column1 AS a FROM t").collect()
    context.sql("CREATE TABLE u AS VALUES (1)").collect()
    return context


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM (SELECT column1 FROM t LIMIT 9223372036854775807) x",
        "SELECT * FROM u, (SELECT column1 FROM t AS y WHERE column1 > 1 LIMIT 9223372036854775807) x",
        "SELECT * FROM u WHERE column1 IN (SELECT column1 FROM t LIMIT 9223372036854775807)",
        "WITH w AS (SELECT * FROM t) SELECT * FROM u",
        "SELECT * FROM u",
    ],
)
def test_fenced(context: SessionContext, query: str) -> None:
    require_fences(context.sql(query), {"t"})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM t",
        "SELECT * FROM t LIMIT 10",
        "SELECT * FROM t LIMIT 9223372036854775807 OFFSET 1",
        "SELECT * FROM (SELECT t.column1 FROM t, u LIMIT 9223372036854775807) x",
        "SELECT max(column1) FROM t LIMIT 9223372036854775807",
        "SELECT * FROM u WHERE column1 IN (SELECT column1 FROM t)",
        "SELECT * FROM u WHERE column1 > (SELECT max(column1) FROM t LIMIT 9223372036854775807)",
        "SELECT * FROM (SELECT column1 FROM t LIMIT 9223372036854775807) x, t",
        "SELECT a FROM t2",
        "SELECT column1 FROM u UNION ALL SELECT column1 FROM t LIMIT 9223372036854775807",
    ],
)
def test_not_fenced(context: SessionContext, query: str) -> None:
    with pytest.raises(SqlError, match="outside of its policy"):
        require_fences(context.sql(query), {"t", "t2"})
