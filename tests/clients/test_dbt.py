"""dbt: `dbt debug`, and `dbt compile`, `dbt ls` and `dbt docs`-like questions of sources that lie in the lake.

dbt-core asks for other versions of packages than the gateway, so it has an environment of its own.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.conftest import Shop
from tests.clients.programs import DBT, missing, run
from tests.gateway import ADA, PASSWORD

pytestmark = pytest.mark.client("dbt-postgres", "dbt debug, sources, introspective queries of models, dbt show")


def test_debug_and_sources(shop: Shop, tmp_path: Path) -> None:
    if not DBT.exists():
        missing("dbt-postgres")
    output = {"type": "postgres", "host": shop.gateway.host, "port": shop.gateway.port, "user": ADA, "pass": PASSWORD}
    output |= {"dbname": shop.gateway.database, "schema": "shop", "threads": 2}
    (tmp_path / "profiles.yml").write_text(json.dumps({"lake": {"target": "dev", "outputs": {"dev": output}}}))
    (tmp_path / "dbt_project.yml").write_text(
        json.dumps({"name": "lake", "version": "1.0", "profile": "lake", "model-paths": ["models"]})
    )
    models = tmp_path / "models"
    models.mkdir()
    sources = {"version": 2, "sources": [{"name": "sales", "tables": [{"name": "lineitem"}, {"name": "orders"}]}]}
    (models / "sources.yml").write_text(json.dumps(sources))
    (models / "columns.sql").write_text(
        "{% set columns = adapter.get_columns_in_relation(source('sales', 'orders')) %}"
        "{% set known = load_relation(source('sales', 'lineitem')) %}"
        "select '{{ columns | map(attribute='name') | join(' ') }} {{ known.type }}' as told,"
        " count(*) as orders from {{ source('sales', 'orders') }}"
    )
    common = ["--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path), "--no-use-colors"]
    environment = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1", "PYTHONPATH": ""}
    script = (
        "import sys; from dbt.cli.main import dbtRunner\n"
        f"common = {common!r}\n"
        "for words in (['debug'], ['show', '--select', 'columns', '--output', 'json', '-q']):\n"
        "    if not dbtRunner().invoke([*words, *common]).success: sys.exit(1)\n"
    )
    told = run([str(DBT.with_name("python")), "-c", script], 100, **environment)
    assert "Connection test: [OK connection ok]" in told
    assert "o_orderkey o_custkey o_orderstatus" in told
    assert '"orders": 15000' in told
