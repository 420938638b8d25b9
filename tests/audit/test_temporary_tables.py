"""Statements on temporary tables in the audit: what they read of the lake, and how many rows."""

from __future__ import annotations

from pathlib import Path

from tests.audit.reading import audited
from tests.gateway import SampleLake


def test_a_load_is_told_with_its_tables_and_rows(lake: SampleLake, tmp_path: Path) -> None:
    with audited(lake, tmp_path, "temporary") as scene, scene.gateway.connect() as connection:
        connection.execute("CREATE TEMP TABLE audited AS SELECT n_name FROM crm.nation")
        entry = scene.wait_for(lambda one: "audited" in str(one.get("text")) and one["phase"] != "intent")
        assert (entry["lane"], entry["tables"], entry["rows"]) == ("load", ["crm.nation"], 25)
        connection.execute("SELECT count(*) FROM audited JOIN crm.region ON true")
        entry = scene.wait_for(lambda one: "JOIN crm.region" in str(one.get("text")) and one["phase"] != "intent")
        assert (entry["lane"], sorted(entry["tables"])) == ("engine", ["crm.region", "pg_temp.audited"])
        connection.execute("INSERT INTO audited VALUES ('x'), ('y')")
        entry = scene.wait_for(lambda one: "INSERT INTO audited" in str(one.get("text")) and one["phase"] != "intent")
        assert (entry["lane"], entry["rows"]) == ("relay", 2)
