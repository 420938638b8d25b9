"""Policies that a server alone can apply, where a rehearsal has its tables but no server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.tables import Catalog, Column, Table
from gateway.rehearsal.stage import open_stage, run_each
from tests.cli.command import lakegate

COLUMNS = (Column("id", "integer", pa.int32()), Column("name", "text", pa.string()))
TABLES = tuple(
    Table(TableName(source, "people"), source, kind, (source, "people"), COLUMNS)
    for source, kind in (("crm", "postgres"), ("lk", "delta"), ("erp", "postgres"))
)
CATALOG = Catalog(1, {one.name: one for one in TABLES}, {"crm": None, "lk": None, "erp": None})
MADE = "CREATE POLICY p ON {}.people USING (row_to_json(people)::text <> '')"
ACROSS = (
    "CREATE POLICY p ON crm.people USING (row_to_json(people)::text <> '' AND id IN (SELECT o.id FROM erp.people o))"
)


async def policies_after(statement: str) -> list[str]:
    """Return the policies of a stage that knows tables alone, once a statement has been carried out."""
    async with open_stage(catalog=CATALOG) as stage:
        await run_each(stage, [statement])
        return [one.name for one in stage.rows.row_policies]


def test_what_a_server_alone_can_apply_is_taken_where_no_server_is_asked() -> None:
    assert asyncio.run(policies_after(MADE.format("crm"))) == ["p"]


@pytest.mark.parametrize("statement", [MADE.format("lk"), ACROSS])
def test_what_no_server_could_apply_is_refused_there_too(statement: str) -> None:
    with pytest.raises(SqlError, match='condition of policy "p" for table "people" is not supported'):
        asyncio.run(policies_after(statement))


def test_cases_may_stand_beside_such_a_policy(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(
        f"""
tables:
  crm.people: {{columns: {{id: integer, name: text}}, rows: [[1, x]]}}
  crm.places: {{columns: {{id: integer}}, rows: [[7]]}}
policies:
  - CREATE ROLE team
  - GRANT USAGE ON SCHEMA crm TO team; GRANT SELECT ON crm.people, crm.places TO team
  - {MADE.format("crm")}
  - ALTER TABLE crm.people ENABLE ROW LEVEL SECURITY
roles: {{ann: [team]}}
tests:
  - {{role: ann, query: "SELECT id FROM crm.places", rows: [[7]]}}
  - {{role: ann, query: "SELECT id FROM crm.people", error: 0A000}}
"""
    )
    done = lakegate("policy", "test", "cases.yaml", folder=tmp_path)
    assert (done.code, done.errors) == (0, "")
    assert done.output.splitlines()[-1] == "2 cases, 0 failed"
