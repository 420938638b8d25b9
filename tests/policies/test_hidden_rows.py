"""Expressions of a user are never evaluated on rows that a policy hides: each here fails on a hidden row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from sqlglot import exp

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.store.rows import AccessRows, ColumnMask, Grant, MaskingPolicy, RowPolicy, TableRights
from optimizer.optimize import RULES
from optimizer.relations import READER, relations
from optimizer.rules.push_down_filters import push_down_filters
from policies import govern
from policies.access import Access
from tests.optimizer.small_lake import SmallLake

WHO = Principal("tina", frozenset({"tina"}))
# Each leaves rows 1 and 2 of the table, and hides row 5 among others.
_POLICIES = (
    "(k = 1)",
    "(k <= 1) AND (k > 0)",
    "(s = ANY (ARRAY['a'::text, 'it''s'::text]))",
    "((s ~~ '%a'::text) OR (s ~~ 'it%'::text))",
    "(length(s) + id < 7) AND (s > ''::text) AND (k = 1)",
    "((id)::text = ANY (ARRAY['1'::text, '2'::text]))",
    "CASE WHEN (id > 2) THEN false ELSE (id > 0) END",
    "(COALESCE(id, 9) = ANY (ARRAY[1, 2]))",
    '(id IN ( SELECT o.id FROM pg."order" o WHERE (o.k = 1)))',
)
_QUERIES = (
    "SELECT id FROM {t} WHERE 1 / (id - 5) < 5",
    "SELECT id FROM {t} WHERE id > 0 AND 10 / (id - 5) <> 0",
    "SELECT count(*) FROM {t} WHERE CASE WHEN id IS NULL THEN false ELSE 1 / (id - 5) < 5 END",
    "SELECT a.id FROM {t} a JOIN {t} b ON 1 / (a.id - 5) = 1 / (b.id - 5)",
    "SELECT id FROM {t} WHERE EXISTS (SELECT FROM {t} b WHERE 1 / (b.id - 5) < 5)",
    "SELECT max(id) FROM {t} GROUP BY k HAVING max(1 / (id - 5)) < 5",
    "SELECT max(1 / (id - 5)) FROM {t}",
    "SELECT 1 / (id - 5) AS x FROM {t} ORDER BY x",
    "SELECT id, row_number() OVER (ORDER BY 1 / (id - 5)) FROM {t}",
    "SELECT DISTINCT 1 / (id - 5) FROM {t} WHERE 1 / (id - 5) < 5",
    "SELECT x FROM (SELECT 1 / (id - 5) AS x FROM {t}) d WHERE x < 5",
    "SELECT a.id FROM {t} a LEFT JOIN {t} b ON 1 / (b.id - 5) < 5",
    "WITH w AS (SELECT id FROM {t} WHERE 1 / (id - 5) < 5) SELECT count(*) FROM w",
    "SELECT id FROM {t} WHERE s || 'x' > CAST(1 / (id - 5) AS text)",
    "SELECT id FROM {t} WHERE (k, 1 / (id - 5)) IN (SELECT k, 1 / (id - 5) FROM {t})",
)


def _access(using: str) -> Access:
    tables = (("lk", "one"), ("pg", "one"))
    grants = (*(Grant("public", *table) for table in tables), Grant("public", "pg", "order"))
    rows = AccessRows(
        1,
        grants=grants,
        tables=tuple(TableRights(*table, row_security=True) for table in tables),
        row_policies=tuple(RowPolicy(*table, "some", using=using) for table in tables),
    )
    return Access.from_rows(rows)


def _failures(tables: SmallLake) -> Iterator[str]:
    for using, query, table in product(_POLICIES, _QUERIES, ("lk.one", "pg.one")):
        try:
            tables.rows(query.format(t=table), principal=WHO, access=_access(using))
        except SqlError as error:
            yield f"{using} | {query.format(t=table)} | {error.sqlstate} {error.message}"


def test_no_expression_fails_on_a_hidden_row(tables: SmallLake) -> None:
    assert [*_failures(tables)] == []


def test_it_is_the_fence_that_holds(tables: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the fence the engine asks hidden rows: the test above would see it."""

    def without_fence(select: exp.Select, base: exp.Table) -> None:
        _FENCED(select, base)
        select.set("limit", None)

    _FENCED = govern._fence
    monkeypatch.setattr(govern, "_fence", without_fence)
    monkeypatch.setattr(govern, "is_fenced", lambda select: True)
    assert len([*_failures(tables)]) > 10


def test_a_relation_that_lost_its_fence_is_refused(tables: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_fence(select: exp.Select, base: exp.Table) -> None:
        _FENCED(select, base)
        select.set("limit", None)

    _FENCED = govern._fence
    monkeypatch.setattr(govern, "_fence", without_fence)
    with pytest.raises(SqlError, match="reached outside its policy"):
        tables.rows("SELECT id FROM lk.one", principal=WHO, access=_access("(k = 1)"))


def test_a_rule_that_loses_a_policy_is_found(tables: SmallLake) -> None:
    def forgetful(tree: exp.Query) -> exp.Query:
        changed = tree.copy()
        for select in changed.find_all(exp.Select):
            select.set("where", None)
        return changed

    with pytest.raises(SqlError, match="reached outside its policy"):
        tables.rows("SELECT id FROM lk.one", (forgetful,), principal=WHO, access=_access("(k = 1)"))


def test_a_table_read_as_another_is_found(tables: SmallLake) -> None:
    def as_another(tree: exp.Query) -> exp.Query:
        changed = tree.copy()
        for one in relations(changed):
            one.base.meta[READER] = "somebody"
        return changed

    with pytest.raises(SqlError, match="reached outside its policy"):
        tables.rows("SELECT id FROM lk.one", (as_another,), principal=WHO, access=_access("(k = 1)"))


@pytest.mark.parametrize(
    ("condition", "enters"),
    [
        ("id = 5", True),
        ("5 >= id", True),
        ("id BETWEEN 1 AND 5", True),
        ("s IN ('a', 'b')", True),
        ("s LIKE 'a%'", True),
        ("id IS NULL OR NOT (k = 3 AND s <> 'x')", True),
        ("id = k", True),
        ('id IN (SELECT o.k FROM pg."order" o)', True),
        ("id + 1 = 5", False),
        ("s LIKE 'a%\\'", False),
        ("s LIKE s", False),
        ("upper(s) = 'A'", True),
        ("rtrim(left(s, 2), 'b') IN ('a', 'it')", True),
        ("CASE WHEN k = 1 THEN s ELSE lower(s) END = 'a'", True),
        ("CASE WHEN 1 / k = 1 THEN s ELSE lower(s) END = 'a'", False),
        ("coalesce(s, 'x') = 'x'", True),
        ("left(s, k) = 'a'", False),
        ("s || s = 'aa'", False),
        ("length(s) = 1", False),
        ("CAST(s AS integer) = 1", False),
        ("1 / id = 1", False),
        ("id = 5 OR 1 / id = 1", False),
        ("s ~ '('", False),
        ("id <> 1.0000000000000000000000000001", True),
        (
            "id <> 1.00000000000000000000000000000000001",
            False,
        ),  # the engine has no room for large ones with so many places
        ("id <> '1.00000000000000000000000000000000001'", False),
        ("id IN (1, 2.00000000000000000000000000000000001)", False),
        ("id BETWEEN 0 AND 2.00000000000000000000000000000000001", False),
        ("coalesce(id, 2.00000000000000000000000000000000001) = 1", False),
        ("CASE WHEN k = 1 THEN id ELSE 2.00000000000000000000000000000000001 END = 1", False),
        ("id <> CAST(1 AS numeric(38,35))", False),
        ("CAST(id AS bigint) = 1", True),
        ("CAST(id AS smallint) = 1", False),
        ("CAST(id AS numeric(12,2)) = 1.5", True),
        ("CAST(id AS numeric(11,2)) = 1.5", False),
        ('"Mixed Case" = 1', False),  # masked
        ('"Mixed Case" IS NULL', False),
    ],
)
def test_leakproof_conditions_pass_the_fence(tables: SmallLake, condition: str, enters: bool) -> None:
    assert _enters(tables, condition) == enters


@pytest.mark.parametrize(
    ("condition", "of", "enters"),
    [
        ("id = $1", "integer", True),
        ("id = $1", "bigint", True),
        ("id <> $1 AND s IN ('b', 'a')", "smallint", True),
        ("$1 >= id", "numeric(12,2)", True),
        ("id BETWEEN $1 AND 5", "bigint", True),
        ("id IN (1, $1)", "integer", True),
        ("s = $1", "text", True),
        ("s = upper($1)", "text", True),
        ("id = CAST($1 AS integer)", "integer", True),
        ("id = CAST($1 AS bigint)", "smallint", True),
        ("s = CAST($1 AS text)", "text", True),
        ("coalesce(s, $1) = 'a'", "text", True),
        ("id = 1 OR $1", "boolean", True),
        ("id = $1 OR $1 IS NULL", "integer", True),
        ("id = $1", "", False),  # whatever it may be
        ("s = $1", "", False),
        ("id = $1", "numeric", False),
        ("id = $1", "numeric(38,30)", False),
        ("id = $1", "text", False),
        ("id = $1", "interval", False),
        ("id = $2", "integer", False),
        ("id = -$1", "smallint", False),  # there is no -(-32768)
        ("id = CAST($1 AS integer)", "text", False),
        ("id = CAST($1 AS integer)", "bigint", False),
        ("id = CAST($1 AS integer)", "", False),
        ("id = CAST($1 AS numeric(3,1))", "numeric(12,1)", False),
        ("id = $1 / 2", "integer", False),
        ("id + $1 = 5", "integer", False),
        ("s LIKE $1", "text", False),  # it may end in a backslash
        ("left(s, $1) = 'a'", "integer", False),
        ("s ~ $1", "text", False),
    ],
)
def test_conditions_on_parameters_pass_by_their_types(tables: SmallLake, condition: str, of: str, enters: bool) -> None:
    assert _enters(tables, condition, (of,) if of else ()) == enters


def _enters(tables: SmallLake, condition: str, parameters: tuple[str, ...] = ()) -> bool:
    access = Access.from_rows(
        AccessRows(
            1,
            grants=(Grant("public", "lk", "one"), Grant("public", "pg", "order")),
            tables=(TableRights("lk", "one", row_security=True),),
            row_policies=(RowPolicy("lk", "one", "some", using="(k = 1)"),),
            masking_policies=(MaskingPolicy("m", (("value", "integer"),), "integer", "(value + 1)"),),
            column_masks=(ColumnMask("lk", "one", "Mixed Case", "m", ("Mixed Case",)),),
        )
    )
    query = f"SELECT id FROM lk.one WHERE {condition}"
    tree = tables.optimized(query, (push_down_filters,), WHO, access, parameters=parameters).tree
    assert isinstance(tree, exp.Select)
    return tree.args.get("where") is None


def test_a_query_knows_the_policies_that_it_is_under(tables: SmallLake) -> None:
    rows = AccessRows(
        1,
        grants=(Grant("public", "lk", "one"), Grant("public", "pg", "one"), Grant("public", "pg", "order")),
        tables=(TableRights("lk", "one", row_security=True), TableRights("pg", "one", row_security=True)),
        row_policies=(
            RowPolicy("lk", "one", "ordered", using='(id IN ( SELECT o.id FROM pg."order" o))'),
            RowPolicy("pg", "one", "all", using="true"),
        ),
        masking_policies=(MaskingPolicy("upper", (("value", "text"),), "text", "upper(value)"),),
        column_masks=(ColumnMask("pg", "order", "s", "upper", ("s",)),),
    )
    optimized = tables.optimized("SELECT a.id FROM lk.one a, pg.one b", RULES, WHO, Access.from_rows(rows))
    shown = {str(name): policies for name, policies in optimized.policies.items()}
    assert shown == {"lk.one": ("ordered",), "pg.order": ("upper",)}
