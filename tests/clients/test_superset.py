"""Apache Superset itself, from PyPI: what its API answers over the gateway is what it answers over PostgreSQL.

It asks for other versions of packages than the gateway, so it has an environment of its own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.clients.conftest import Shop
from tests.clients.programs import BROWSER, FOLDER, SUPERSET, all_are_wanted, missing, run
from tests.clients.wire_replay import Where

pytestmark = pytest.mark.client(
    "Apache Superset",
    "connections, tables, datasets, charts with time grains, SQL Lab with limits, CSV; seen in Chromium",
)
# Superset's part takes some fifteen seconds of processor time.
SAME = (
    "test", "select star", "metadata", "columns", "virtual columns", "refresh", "big number", "bars", "time line",
    "rows", "count of rows", "samples", "virtual", "sql", "types", "several", "wrong", "csv",
)  # fmt: skip


def _uri(where: Where) -> str:
    words = f"host={quote(where.host, safe='')}&port={where.port}&sslmode=disable"
    return f"postgresql+psycopg2://{where.user}:{quote(where.password, safe='')}@/{where.database}?{words}"


@pytest.fixture(scope="module")
def answers(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What Superset answered over the gateway, and over PostgreSQL."""
    if not SUPERSET.exists():
        missing("Apache Superset")
    folder = str(tmp_path_factory.mktemp("superset"))
    script = str(FOLDER / "superset" / "uses.py")
    uris = [_uri(where) for where in (shop.ours, shop.peer)]
    printed = run([str(SUPERSET.with_name("python")), script, folder, *uris], 110, PYTHONPATH="")
    ours, peers = json.loads(printed.splitlines()[-1])
    return ours, peers


@pytest.mark.parametrize("use", SAME)
def test_superset_answers_as_over_postgresql(answers: tuple[dict[str, Any], dict[str, Any]], use: str) -> None:
    ours, peers = answers
    assert ours[use] == peers[use]


def test_charts_and_sql_lab_have_rows(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, _ = answers
    assert ours["test"] == {"message": "OK"}
    assert ours["big number"]["data"] == [{"count": 1500}]
    assert len(ours["bars"]["data"]) == 3
    assert [row["o_orderkey"] for row in ours["sql"]["data"]] == [1, 2, 3, 4, 5, 6, 7]
    assert ours["csv"].count("\n") == 8
    assert "resolve the column" in json.dumps(ours["wrong"])


def test_tables_of_the_lake_are_listed(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, _ = answers
    assert {"sales", "supply", "crm", "files", "shop"} <= {*ours["schemas"]["result"]}
    assert "orders" in {one["value"] for one in ours["tables"]["result"]}


def test_views_of_a_source(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, peers = answers
    assert ours["tables"] == peers["tables"]


@pytest.mark.timeout(300)
def test_a_person_sees_charts_and_sql_lab(shop: Shop, tmp_path: Path) -> None:
    """Only where all clients are wanted: Superset's pages take a minute and more on two cores."""
    if not all_are_wanted(os.environ):
        pytest.skip("Superset's pages in a browser: LAKEGATE_CLIENTS=all")
    for program in (SUPERSET, *BROWSER):
        if not program.exists():
            missing(str(program))
    script = str(FOLDER / "superset" / "browser.py")
    printed = run([str(SUPERSET.with_name("python")), script, str(tmp_path), _uri(shop.ours)], 280, PYTHONPATH="")
    told = json.loads(printed.splitlines()[-1])
    assert "Orders by status" in told["chart"]
    assert "COUNT(*)" in told["chart"]
    assert "sevenfold" in told["sql lab"]
