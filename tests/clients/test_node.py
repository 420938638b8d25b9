"""node-postgres with cursors and streams, and postgres.js: each use gives what PostgreSQL itself gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.conftest import Shop
from tests.clients.programs import FOLDER, NODE_MODULES, missing, require_program, run
from tests.clients.wire_replay import Where


def told(script: str, where: Where) -> dict[str, Any]:
    folder = FOLDER / "node"
    node = require_program("node")
    if not NODE_MODULES.is_dir():
        missing("node-postgres")
    options = {"host": where.host, "port": where.port, "user": where.user, "password": where.password}
    found: dict[str, Any] = json.loads(
        run([node, str(folder / script), json.dumps({**options, "database": where.database})])
    )
    return found


@pytest.mark.client("node-postgres", "types, named statements, pg-cursor, pg-query-stream, pools, errors")
def test_node_postgres(shop: Shop) -> None:
    ours = told("node_postgres.js", shop.ours)
    assert ours == told("node_postgres.js", shop.peer)
    assert ours["cursor"] == [2000, 2000, 500]
    assert (ours["stream"], ours["error"], ours["aborted"]) == (4500, ["42703", "8"], "25P02")


@pytest.mark.client("postgres.js", "types, pipelined statements, savepoints, cursors, descriptions, errors")
def test_postgres_js(shop: Shop) -> None:
    ours = told("postgres_js.js", shop.ours)
    assert ours == told("postgres_js.js", shop.peer)
    assert ours["cursor"] == [2000, 2000, 500]
    assert (ours["savepoint"], ours["error"]) == ("22012", ["42703", "8"])
