"""``lakegate policy test``: right cases, wrong ones and files that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.configuration.error import ConfigError
from gateway.rehearsal.case_file import load_cases
from tests.cli.command import lakegate

HERE = Path(__file__).parent
TEXT = (HERE.parents[1] / "docs" / "policies.md").read_text(encoding="utf-8")
DOCUMENTED = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_right_cases_pass_those_of_the_documentation_too(tmp_path: Path) -> None:
    (tmp_path / "policies.sql").write_text((HERE / "tenants.sql").read_text())
    (tmp_path / "documented.yaml").write_text(DOCUMENTED[0])
    (tmp_path / "tenants.sql").write_text((HERE / "tenants.sql").read_text())
    (tmp_path / "tenants.yaml").write_text((HERE / "tenants.yaml").read_text())
    done = lakegate("policy", "test", "tenants.yaml", "documented.yaml", folder=tmp_path)
    assert (done.code, done.errors) == (0, "")
    assert done.output.splitlines() == [
        "ok   tenants.yaml:17: a tenant sees its rows, whole",
        "ok   tenants.yaml:24: support sees all rows, and masked addresses",
        "ok   tenants.yaml:29: a claim tells the tenant",
        "ok   tenants.yaml:34: no claim, no rows",
        "ok   tenants.yaml:38: SELECT id FROM shop.orders",
        "ok   documented.yaml:14: a tenant sees its rows",
        "ok   documented.yaml:18: SELECT email FROM shop.orders",
        "7 cases, 0 failed",
    ]


def test_policies_of_views_are_tried(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(
        """
tables: {s.t: {columns: {a: integer, b: text}, rows: [[1, x], [2, y], [3, null]]}}
policies:
  - CREATE ROLE team; CREATE ROLE others
  - GRANT USAGE ON SCHEMA s TO PUBLIC
  - CREATE VIEW s.v AS SELECT a, b FROM s.t
  - GRANT SELECT ON s.v TO PUBLIC
  - CREATE POLICY own ON s.v TO team USING (b = 'x' OR a = 3)
  - CREATE POLICY whole ON s.v TO others USING (v IS NOT NULL)
  - ALTER VIEW s.v ENABLE ROW LEVEL SECURITY
roles: {ann: [team], bob: [others], eve: }
tests:
  - {role: ann, query: "SELECT a FROM s.v", rows: [[1], [3]]}
  - {role: bob, query: "SELECT a, b FROM s.v", rows: [[1, x], [2, y]]}
  - {role: eve, query: "SELECT a FROM s.v", rows: []}
  - {role: ann, query: "SELECT a FROM s.t", error: 42P01}
"""
    )
    done = lakegate("policy", "test", "cases.yaml", folder=tmp_path)
    assert (done.code, done.errors) == (0, "")
    assert done.output.splitlines()[-1] == "4 cases, 0 failed"


def test_wrong_cases_are_told_with_what_differs(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(
        """
tables: {s.t: {columns: {a: integer, b: text}, rows: [[1, x], [1, x], [2, null]]}}
policies:
  - GRANT USAGE ON SCHEMA s TO PUBLIC; GRANT SELECT ON s.t TO PUBLIC
roles: {ann: }
tests:
  - {role: ann, query: "SELECT a, b FROM s.t", rows: [[1, x], [2, x]]}
  - {role: ann, query: "SELECT a FROM s.t", error: 42501}
  - {role: ann, query: "SELECT a FROM s.t ORDER BY a", rows: [[2], [1], [1]], ordered: true}
  - {role: ann, query: "SELECT none FROM s.t", rows: []}
  - {role: ann, query: "SELECT a AS x FROM s.t", rows: [[1], [1], [2]], columns: [a]}
  - {role: nobody, query: "SELECT 1", rows: [[1]]}
"""
    )
    done = lakegate("policy", "test", "cases.yaml", folder=tmp_path)
    assert done.code == 1
    assert done.output.splitlines() == [
        "FAIL cases.yaml:7: SELECT a, b FROM s.t",
        "       - 2 | x   (not seen)",
        "       + 1 | x   (seen)",
        "       + 2 | NULL   (seen)",
        "FAIL cases.yaml:8: SELECT a FROM s.t",
        "       expected error 42501, but 3 rows were seen",
        *("       + 1   (seen)", "       + 1   (seen)", "       + 2   (seen)"),
        "FAIL cases.yaml:9: SELECT a FROM s.t ORDER BY a",
        "       the rows are right, but not their order:",
        *("       + 1   (seen)", "       + 1   (seen)", "       + 2   (seen)"),
        "FAIL cases.yaml:10: SELECT none FROM s.t",
        '       expected 0 rows, but: column "none" does not exist (SQLSTATE 42703)',
        "FAIL cases.yaml:11: SELECT a AS x FROM s.t",
        "       expected the columns a, but they are x",
        "FAIL cases.yaml:12: SELECT 1",
        '       expected 1 rows, but: role "nobody" does not exist (SQLSTATE 42704)',
        "6 cases, 6 failed",
    ]


def test_policies_that_are_refused_end_it_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "p.sql").write_text("CREATE ROLE a;\n\nGRANT b TO a;\n")
    (tmp_path / "cases.yaml").write_text(
        'policies: {file: p.sql}\ntests: [{role: a, query: "SELECT 1", rows: [[1]]}]\n'
    )
    done = lakegate("policy", "test", "cases.yaml", folder=tmp_path)
    assert done.code == 1
    assert done.errors == ('error: cases.yaml: role "b" does not exist (SQLSTATE 42704)\nIn line 3: GRANT b TO a\n')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tests: [", "1: not YAML: expected the node content, but found '<stream end>'"),
        ("tests: []", "1: tests: tuple should have at least 1 item after validation, not 0"),
        ("a: &x [1]\nb: *x", "2: aliases (*name) are not supported"),
        (
            "tests: !!python/object/apply:os.system [id]",
            "1: tests: the tag tag:yaml.org,2002:python/object/apply:os.system is not supported",
        ),
        ("tests: !secret x", "1: tests: the tag !secret is not supported"),
        ("tests:\n- role: a\n  role: b", "3: tests[0].role: is given twice"),
        ("tests:\n- role: a\n  quary: b\n  rows: []", "3: tests[0].quary: no such key"),
        ("tests:\n- role: a\n  query: b", "2: tests[0]: give either rows or error"),
        ("tests:\n- {role: a, query: b, error: x}", "2: tests[0].error: string should match pattern '^[0-9A-Z]{5}$'"),
        (
            "tables:\n  s.t:\n    columns: {a: money}\ntests: [{role: a, query: b, rows: []}]",
            "3: tables.s.t.columns: no type for a column here: money; there are",
        ),
        (
            "tables:\n  s.t:\n    columns: {a: integer}\n    rows: [[x]]\ntests: [{role: a, query: b, rows: []}]",
            '2: tables.s.t: a value of column "a" is no integer',
        ),
        (
            "tables:\n  s.t:\n    columns: {a: integer}\n    rows: [[1, 2]]\ntests: [{role: a, query: b, rows: []}]",
            "2: tables.s.t: row 1 has 2 values, the table 1 columns",
        ),
        ("tables: {T: {columns: {a: text}}}\ntests: [{role: a, query: b, rows: []}]", '1: tables: "T" is no name'),
    ],
)
def test_problems_name_the_line_and_the_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_cases(path)
    assert any(line.startswith(f"{path}:{problem}") for line in str(caught.value).splitlines()), str(caught.value)
