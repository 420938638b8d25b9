"""Apache Superset, in its own process and environment: a database, datasets, charts and SQL Lab through its own API.

Called with a folder for Superset's own state and the SQLAlchemy URIs of servers. Its last line is JSON: for each server
the answers, by the name of each use.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_CONFIG = """
SECRET_KEY = "of a test, {folder}"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db?check_same_thread=false"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
"""
_ADMIN = "admin"
_ERROR = 400


def make_application(folder: Path) -> Any:
    """Return Superset over an empty database of its own, with an administrator."""
    config = folder / "superset_config.py"
    config.write_text(_CONFIG.format(folder=folder))
    os.environ["SUPERSET_CONFIG_PATH"] = str(config)
    os.environ["SUPERSET_HOME"] = str(folder)
    from superset.app import create_app

    application = create_app()
    with application.app_context():
        from flask_appbuilder import Model
        from superset.extensions import appbuilder, db, security_manager

        db.create_all()
        Model.metadata.create_all(db.engine)
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        role = security_manager.find_role("Admin")
        security_manager.add_user(_ADMIN, "A", "D", "admin@example.org", role, password=_ADMIN)
    return application


class Superset:
    """Superset's API, asked as its administrator."""

    def __init__(self, application: Any) -> None:
        self._client = application.test_client()
        login = {"username": _ADMIN, "password": _ADMIN, "provider": "db", "refresh": False}
        token = self._client.post("/api/v1/security/login", json=login).json["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Return an answer as it is, an error as its status and text."""
        call = getattr(self._client, method)
        answer = call(f"/api/v1/{path}", headers=self._headers, **({"json": body} if body else {}))
        if answer.status_code >= _ERROR:
            return {"status": answer.status_code, "error": answer.get_data(as_text=True)}
        return answer.json if answer.is_json else answer.get_data(as_text=True)

    def chart(self, dataset: int, result: str = "full", **query: Any) -> Any:
        """Return the rows of a chart's query, or why there are none."""
        datasource = {"id": dataset, "type": "table"}
        found = self.ask("post", "chart/data", datasource=datasource, queries=[query], result_type=result)
        if "result" not in found:
            return found
        one = found["result"][0]
        return {key: one.get(key) for key in ("data", "rowcount", "error", "colnames", "coltypes")}

    def sql(self, database: int, text: str, client: str, limit: int = 100) -> Any:
        """Return what SQL Lab shows of a statement."""
        body = {"database_id": database, "sql": text, "client_id": client, "runAsync": False, "queryLimit": limit}
        found = self.ask("post", "sqllab/execute/", schema="shop", expand_data=True, **body)
        return {key: found.get(key) for key in ("status", "data", "columns", "error", "displayLimitReached")}


def main(uris: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """Use each server and return what was answered."""
    superset = Superset(make_application(folder))
    return [_use(superset, uri, f"server {number}") for number, uri in enumerate(uris)]


def _use(superset: Superset, uri: str, name: str) -> dict[str, Any]:
    ask, told = superset.ask, {}
    told["test"] = ask("post", "database/test_connection/", sqlalchemy_uri=uri, database_name=name)
    made = ask("post", "database/", sqlalchemy_uri=uri, database_name=name, expose_in_sqllab=True)
    if "id" not in made:
        return {"database": made, **told}
    database = made["id"]
    told["schemas"] = ask("get", f"database/{database}/schemas/")
    told["tables"] = ask("get", f"database/{database}/tables/?q=(schema_name:shop,force:!t)")
    told["metadata"] = ask("get", f"database/{database}/table_metadata/?name=orders&schema=shop")
    told["select star"] = ask("get", f"database/{database}/select_star/orders/shop/")
    dataset = ask("post", "dataset/", database=database, schema="shop", table_name="orders")
    virtual = "SELECT o_orderstatus, count(*) AS n FROM shop.orders GROUP BY 1"
    other = ask("post", "dataset/", database=database, schema="shop", table_name="by_status", sql=virtual)
    told["columns"], told["virtual columns"] = _columns(dataset), _columns(other)
    told["refresh"] = ask("put", f"dataset/{dataset['id']}/refresh")
    told |= _charts(superset, dataset["id"], other["id"])
    told["sql"] = superset.sql(database, "SELECT * FROM shop.orders ORDER BY o_orderkey", f"a{database}", 7)
    told["types"] = superset.sql(database, "SELECT * FROM shop.types ORDER BY id", f"b{database}")
    told["several"] = superset.sql(database, "SELECT 1 AS a; SELECT count(*) AS n FROM shop.orders", f"c{database}")
    told["wrong"] = superset.sql(database, "SELECT nothing FROM shop.orders", f"d{database}")
    told["csv"] = ask("get", f"sqllab/export/a{database}/")
    return told


def _columns(dataset: Any) -> list[tuple[Any, ...]]:
    return sorted((one["column_name"], one["type"], one["is_dttm"]) for one in dataset["data"]["columns"])


def _charts(superset: Superset, dataset: int, virtual: int) -> dict[str, Any]:
    total = {"expressionType": "SIMPLE", "column": {"column_name": "o_totalprice"}, "aggregate": "SUM", "label": "t"}
    dates = {"col": "o_orderdate", "op": "TEMPORAL_RANGE", "val": "1990-01-01 : 2000-01-01"}
    month = {
        "timeGrain": "P1M", "columnType": "BASE_AXIS", "sqlExpression": "o_orderdate", "label": "o_orderdate",
        "expressionType": "SQL",
    }  # fmt: skip
    return {
        "big number": superset.chart(dataset, metrics=["count"], columns=[]),
        "bars": superset.chart(
            dataset, metrics=[total], columns=["o_orderstatus"], orderby=[[total, False]], row_limit=10
        ),
        "time line": superset.chart(
            dataset, metrics=["count"], columns=[month], filters=[dates], orderby=[["o_orderdate", True]],
            row_limit=1000,
        ),
        "rows": superset.chart(
            dataset, columns=["o_orderkey", "o_orderdate", "o_totalprice"], row_limit=5, row_offset=1,
            filters=[{"col": "o_orderkey", "op": "<", "val": 5}], orderby=[["o_orderkey", True]],
        ),
        "count of rows": superset.chart(dataset, columns=["o_orderkey"], is_rowcount=True),
        "samples": superset.chart(dataset, "samples", row_limit=3, orderby=[["o_orderkey", True]]),
        "virtual": superset.chart(
            virtual, metrics=["count"], columns=["o_orderstatus"], orderby=[["o_orderstatus", True]]
        ),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[2:], Path(sys.argv[1])), default=str))
