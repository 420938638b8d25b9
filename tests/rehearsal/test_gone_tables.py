"""Policies as code while a table that policies and views ask for is gone from its source, and when it is back."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from catalog import server as servers
from catalog.store.store import open_store
from gateway.authentication.scram import verifier
from tests.cli.command import Finished, lakegate
from tests.gateway import ADA, BOB, PASSWORD, RunningGateway, SampleLake, Settings, serving, write_config

GOVERNED = """
GRANT USAGE ON SCHEMA shop TO bob;
GRANT SELECT ON shop.orders, shop.notes TO bob;
CREATE POLICY "My own" ON shop.orders USING (region IN (SELECT m.region FROM shop.members m));
COMMENT ON POLICY "My own" ON shop.orders IS 'by members';
CREATE POLICY few ON shop.orders AS RESTRICTIVE USING (id < 3);
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE VIEW shop.seen AS SELECT m.region FROM shop.members m;
CREATE VIEW shop.counted AS SELECT count(*) AS n FROM shop.seen;
GRANT SELECT ON shop.seen, shop.counted, shop.members TO bob
"""
READ = "SELECT id FROM shop.orders ORDER BY id"


@dataclass(frozen=True, slots=True)
class Shop:
    """A gateway, where its tables are, and a folder with its configuration."""

    gateway: RunningGateway
    tables: Path
    folder: Path

    def policy(self, *arguments: str) -> Finished:
        return lakegate("policy", *arguments, folder=self.folder)


@pytest.fixture(scope="module")
def gone() -> Iterator[Shop]:
    """A gateway whose table shop.members has gone since it was governed."""
    folder = Path(tempfile.mkdtemp(prefix="lakegate-gone-"))
    folder.chmod(0o711)
    tables = folder / "shop"
    write_deltalake(tables / "orders", pa.table({"id": [1, 2, 3], "region": ["n", "s", "n"]}))
    write_deltalake(tables / "notes", pa.table({"id": [7]}))
    write_deltalake(tables / "members", pa.table({"region": ["n"]}))
    server = servers.start(folder / "metadata", lasting=False)
    try:
        store = open_store(server)
        store.add_role(ADA, verifier(PASSWORD), superuser=True)
        store.add_role(BOB, verifier(PASSWORD))
        store.close()
        lake = SampleLake(folder, server, {"shop": {"kind": "delta", "location": str(tables)}})
        with serving(lake, Settings(server={"refresh_interval": "1s"})) as gateway:
            with gateway.connect(ADA) as ada:
                ada.execute(GOVERNED)
            with gateway.connect(BOB) as bob:
                assert bob.execute(READ).fetchall() == [(1,)]
            settings = Settings(server={"listen": f"{gateway.host}:{gateway.port}"})
            config = write_config(Path(tempfile.mkdtemp(dir=folder)), lake, settings)
            (config.parent / "whole.sql").write_text(lakegate("policy", "export", folder=config.parent).output)
            (tables / "members").rename(folder / "members")
            wait_until_denied(gateway)
            yield Shop(gateway, tables, config.parent)
    finally:
        server.stop()
        servers.remove(folder / "metadata")
        shutil.rmtree(folder)


def wait_until_denied(gateway: RunningGateway) -> None:
    with gateway.connect(BOB) as bob:
        deadline = time.monotonic() + 60
        while True:
            try:
                bob.execute(READ)
            except psycopg.errors.FdwError:  # the table is gone, and nobody has looked since
                pass
            except psycopg.errors.ObjectNotInPrerequisiteState:
                return
            assert time.monotonic() < deadline, "the table is still there"
            time.sleep(0.2)


def test_what_is_exported_has_the_policy_and_changes_nothing(gone: Shop) -> None:
    exported = gone.policy("export")
    assert exported.code == 0, exported.errors
    assert 'CREATE POLICY "My own" ON shop.orders' in exported.output
    assert "VIEW" not in exported.output and "GRANT SELECT ON shop.members" not in exported.output
    assert exported.errors.splitlines() == [
        "what is on shop.counted, shop.members, shop.seen is left as it is: no source has that now",
        'policy "My own" on shop.orders: relation "shop.members" does not exist; nobody reads the table until that is'
        " mended",
    ]
    (gone.folder / "same.sql").write_text(exported.output)
    (gone.folder / "same.yaml").write_text(gone.policy("export", "--format", "yaml").output)
    for name in ("same.sql", "same.yaml"):
        applied = gone.policy("apply", name, "--diff")
        assert (applied.code, applied.output) == (0, ""), applied.errors
        assert applied.errors.splitlines()[-1] == "nothing to change"
        assert 'policy "My own" on shop.orders' in applied.errors


def test_the_rest_of_such_a_file_is_applied(gone: Shop) -> None:
    text = gone.policy("export").output
    (gone.folder / "less.sql").write_text(text.replace("(id < 3)", "(id < 2)"))
    applied = gone.policy("apply", "less.sql", "--diff")
    assert applied.code == 0, applied.errors
    assert [line for line in applied.output.splitlines() if line and not line.startswith("--")] == [
        "ALTER POLICY few ON shop.orders TO PUBLIC USING ((id < 2));"
    ]


@pytest.mark.parametrize("diff", [["--diff"], ["--yes", "--user", ADA]])
def test_a_file_that_asks_for_it_otherwise_is_refused_as_a_whole(gone: Shop, diff: list[str]) -> None:
    asks = "CREATE POLICY mine ON shop.notes USING (id IN (SELECT 1 FROM shop.members))"
    text = (
        f"{gone.policy('export').output}\n{asks};\nCREATE ROLE never_made;\nGRANT SELECT ON shop.seen TO never_made;\n"
    )
    (gone.folder / "asks.sql").write_text(text)
    line = text[: text.index(asks)].count("\n") + 1
    refused = gone.policy("apply", "asks.sql", *diff)
    assert (refused.code, refused.output) == (1, "")
    assert [one for one in refused.errors.splitlines() if "is left as it is" not in one] == [
        "error: asks.sql: 2 statements name what no source has, so nothing of the file is applied (SQLSTATE 42P01)",
        'relation "shop.members" does not exist (SQLSTATE 42P01)',
        f"  In line {line}: {asks}",
        'relation "shop.seen" does not exist (SQLSTATE 42P01)',
        f"  In line {line + 2}: GRANT SELECT ON shop.seen TO never_made",
        "Take them out of the file, or wait until it is back: `lakegate check` tells what sources have.",
    ]
    assert "never_made" not in gone.policy("export").output


def test_the_file_from_before_is_refused_with_all_that_is_missing(gone: Shop) -> None:
    refused = gone.policy("apply", "whole.sql", "--diff")
    assert (refused.code, refused.output) == (1, "")
    assert "CREATE VIEW shop.seen" in refused.errors and "CREATE VIEW shop.counted" in refused.errors
    assert "GRANT SELECT ON shop.members TO bob" in refused.errors
    assert 'POLICY "My own"' not in refused.errors.replace("policy", "")


def test_simulated_tables_are_denied_as_they_are(gone: Shop) -> None:
    (gone.folder / "asked.yaml").write_text(
        f"statements:\n  - {{role: bob, query: {READ}}}\n  - {{role: bob, query: SELECT id FROM shop.notes}}\n"
    )
    text = gone.policy("export").output.replace("GRANT SELECT ON shop.notes TO bob;", "")
    (gone.folder / "draft.sql").write_text(text)
    asked = gone.policy("simulate", "--policies", "draft.sql", "--statements", "asked.yaml")
    assert asked.code == 0, asked.errors
    assert "SELECT id FROM shop.notes\n       1 rows → error" in asked.output
    assert asked.output.endswith("2 statements asked again, 1 would answer otherwise\n")
    mended = re.sub(r'(CREATE POLICY "My own".*? USING ).*?;', r"\1(true);", text, flags=re.DOTALL)
    (gone.folder / "mended.sql").write_text(mended)
    asked = gone.policy("simulate", "--policies", "mended.sql", "--statements", "asked.yaml")
    assert f"bob: {READ}\n       0 rows → 2 rows\n" in asked.output, asked.errors


def test_when_it_is_back_the_file_from_before_is_what_there_is(gone: Shop) -> None:
    (gone.tables.parent / "members").rename(gone.tables / "members")
    with gone.gateway.connect(BOB) as bob:
        deadline = time.monotonic() + 60
        while True:
            try:
                rows = bob.execute(READ).fetchall()
                break
            except psycopg.errors.ObjectNotInPrerequisiteState:
                assert time.monotonic() < deadline, "the table is not back"
                time.sleep(0.2)
    assert rows == [(1,)]
    applied = gone.policy("apply", "whole.sql", "--diff")
    assert (applied.code, applied.output) == (0, ""), applied.errors
