"""What policies cost: TPC-H under a row filter and three masks, and planning among very many policies and roles.

The filter keeps every row and the masks every value, so the same queries without policies are what they would be on a
physically filtered and masked copy, and the rows must be equal. The engine does the filter's and the masks' work all
the same: nothing of them can be folded away.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pyarrow as pa

from benchmarks import queries
from benchmarks.gateway_process import gateway
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting, cache_directory
from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import AccessRows, Grant, Membership, Role, RowPolicy, TableRights
from catalog.tables import Catalog, Column
from catalog.tables import Table as LakeTable
from gateway.execute.hot_columns import USES
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve
from gateway.sql.statements import parse_query
from policies.access import Access
from policies.govern import check_governed, govern
from policies.policy_reader import KeptRelations
from policies.roles import Roles

_ROOT, _PASSWORD = "root", "correct horse battery"
_POLICIES = (
    "CREATE POLICY every ON sales.lineitem USING (l_orderkey > 0)",
    "ALTER TABLE sales.lineitem ENABLE ROW LEVEL SECURITY",
    "CREATE MASKING POLICY rounded (value numeric) RETURNS numeric AS mask_round(value, 0)",
    "CREATE MASKING POLICY capitals (value text) RETURNS text AS upper(value)",
    "CREATE MASKING POLICY trimmed (value text) RETURNS text AS rtrim(value, '~')",
    "ALTER TABLE sales.lineitem ALTER COLUMN l_quantity SET MASKING POLICY rounded",
    "ALTER TABLE sales.lineitem ALTER COLUMN l_shipinstruct SET MASKING POLICY capitals",
    "ALTER TABLE sales.lineitem ALTER COLUMN l_comment SET MASKING POLICY trimmed",
)
_MANY_POLICIES, _MANY_ROLES, _TABLES = 10_000, 1_000, 1_000
Rows = list[tuple[object, ...]]


def run(setting: Setting) -> Section:
    """Measure the 22 queries both ways in turn, then planning."""
    repetitions = 2 if setting.quick else 5
    directory = cache_directory() / "governance"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    taken: dict[int, dict[str, Timings]] = {}
    different: list[int] = []
    with gateway(setting.layout, directory=directory) as running:
        _make_superuser(directory)
        dsn = f"{running.conninfo} user={_ROOT} password='{_PASSWORD}'"
        with psycopg.connect(dsn, autocommit=True) as plain, running.connect() as governed:
            for statement in _POLICIES:
                plain.execute(statement.encode())
            plain.execute("SET search_path = sales, supply, crm")
            for number in queries.NUMBERS:
                text = queries.query(number, setting.scale)
                ask: dict[str, Callable[[], Rows]] = {
                    "plain": partial(_ask, plain, text),
                    "governed": partial(_ask, governed, text),
                }
                if sorted(map(repr, ask["plain"]())) != sorted(map(repr, ask["governed"]())):
                    different.append(number)
                # Warm on both sides: the column that the filter reads is kept after three statements, as any other.
                taken[number] = in_turn(ask, repetitions, warm_up=USES)
    return _section(taken, different, planning(20 if setting.quick else 100))


def _make_superuser(directory: Path) -> None:
    command = [sys.executable, "-m", "gateway.cli", "user", "add", _ROOT, "--superuser", "--password-stdin"]
    config = next(directory.glob("*.toml"))
    command += ["--config", str(config)]
    subprocess.run(command, input=f"{_PASSWORD}\n", text=True, check=True, capture_output=True, timeout=120)


def _ask(connection: psycopg.Connection, text: str) -> Rows:
    return connection.execute(text.encode(), prepare=False).fetchall()


def planning(repetitions: int) -> dict[str, dict[str, Timings]]:
    """Measure resolving and governing a query, nothing kept from before: among few policies, and among many."""
    spread_out = {"few": _Planning(_rows(1, 1, 1)), "many": _Planning(_rows(_MANY_POLICIES, _MANY_ROLES, _TABLES))}
    of_one = {"few": _Planning(_rows(10, 1, 1)), "many": _Planning(_rows(_MANY_POLICIES, _MANY_ROLES, 1))}
    pairs = {"10 on each of 1,000 tables, one of them concerns who asks": spread_out}
    pairs["all on the one table, 10 of them concern who asks"] = of_one
    return {name: in_turn(pair, repetitions, warm_up=5) for name, pair in pairs.items()}


class _Planning:
    """A query planned as far as policies have a part in it, each time as if for the first time."""

    def __init__(self, rows: AccessRows) -> None:
        self._access = Access.from_rows(rows)
        principal = Roles.from_rows(rows).get_principal("ann")
        assert principal is not None
        self._principal: Principal = principal
        columns = (Column("id", "integer", pa.int32()), Column("tenant", "text", pa.string()))
        tables = (LakeTable(TableName(row.schema, row.table), "s", "files", (), columns) for row in rows.tables)
        self._catalog = Catalog(1, {table.name: table for table in tables}, {"s": None}, sources=("s",))

    def __call__(self) -> None:
        access, principal = self._access, self._principal
        names = Names(
            self._catalog,
            frozenset(),
            ("s",),
            lambda name: access.may_select(principal, name),
            columns=lambda name: access.columns(principal, name),
        )
        tree = parse_query("SELECT id, count(*) FROM s.t0 WHERE tenant = 'x' GROUP BY id")
        assert tree is not None
        resolved = resolve(tree, references(tree, names), names)
        governed = govern(resolved, principal, access, policy_reader(names, KeptRelations()))
        check_governed(governed.tree, governed.tables, principal, access)
        assert governed.policies


def _rows(policies: int, roles: int, tables: int) -> AccessRows:
    """Roles, and policies for one role each. Ann is a member of the first, and of nine that no policy names."""
    groups = [f"r{at}" for at in range(roles)]
    made = [
        RowPolicy(
            "s", f"t{at % tables}", f"p{at}", roles=(groups[(at // tables) % roles],), using="(tenant = 'x'::text)"
        )
        for at in range(policies)
    ]
    others = [f"other{at}" for at in range(9)]
    return AccessRows(
        1,
        roles=(Role("ann"), *map(Role, groups + others)),
        memberships=tuple(Membership(group, "ann") for group in ["r0", *others]),
        grants=tuple(Grant("r0", "s", f"t{at}") for at in range(tables)),
        tables=tuple(TableRights("s", f"t{at}", row_security=True) for at in range(tables)),
        row_policies=tuple(made),
    )


def _section(
    taken: dict[int, dict[str, Timings]], different: list[int], planned: dict[str, dict[str, Timings]]
) -> Section:
    ratios = {number: pair["governed"].median / pair["plain"].median for number, pair in taken.items()}
    mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    lines = [
        (f"Q{number}", spread(pair["plain"]), spread(pair["governed"]), f"{ratios[number]:.2f}")
        for number, pair in taken.items()
    ]
    lines.append(("geometric mean", "", "", f"{mean:.3f}"))
    queried = Table(("", "without policies, s: median (min – max)", "with, s", "ratio"), tuple(lines))
    added = {name: (pair["many"].median - pair["few"].median) * 1000 for name, pair in planned.items()}
    planning_lines = tuple(
        (name, spread(pair["few"], 1000), spread(pair["many"], 1000), f"{added[name]:.3f}")
        for name, pair in planned.items()
    )
    columns = (
        "10,000 policies, 1,000 roles",
        "those of who asks alone, ms: median (min – max)",
        "all, ms",
        "added, ms",
    )
    floors = (
        Floor("TPC-H under a row filter and three masks: time, of that without", mean, 1.15),
        Floor("TPC-H under a row filter and three masks: queries whose rows differ", len(different), 0),
        *(Floor(f"planning, policies {name}: added", value, 1.0, "ms") for name, value in added.items()),
    )
    notes = (
        "The filter and the masks are on lineitem (l_quantity, l_shipinstruct, l_comment); they keep rows and values.",
        "Planning is resolving and governing one query in this process, nothing kept from the time before.",
    )
    data: dict[str, object] = {
        "queries": {number: {name: each.plain() for name, each in pair.items()} for number, pair in taken.items()},
        "ratios": ratios,
        "planning": {name: {one: each.plain() for one, each in pair.items()} for name, pair in planned.items()},
    }
    return Section("Governance", (queried, Table(columns, planning_lines)), floors, notes, data)
