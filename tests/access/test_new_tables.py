"""A table that is new in its source is there when REFRESH SOURCE has answered, whatever access changes meanwhile."""

from __future__ import annotations

import shutil
import time

import psycopg
import pytest
from deltalake import write_deltalake

from tests.access.conftest import ORDERS
from tests.gateway import ADA, BOB, RunningGateway, SampleLake


@pytest.mark.usefixtures("clean")
def test_default_privileges_and_a_new_table(shop: SampleLake, shop_gateway: RunningGateway) -> None:
    """What they provide for is a change of access, of which word comes while the mirror is given the table."""
    folders = [shop.folder / "shop" / f"fresh_{number}" for number in range(8)]
    with shop_gateway.connect(ADA) as ada, shop_gateway.connect(BOB) as bob:
        ada.execute("GRANT USAGE ON SCHEMA shop TO bob")
        ada.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO bob")
        try:
            for folder in folders:
                write_deltalake(folder, ORDERS)
                ada.execute("REFRESH SOURCE shop")
                assert ada.execute(f"SELECT count(*) FROM shop.{folder.name}".encode()).fetchone() == (4,)
            deadline = time.monotonic() + 10
            while _rows(bob, folders[-1].name) is None:  # word of the privileges is still to come
                assert time.monotonic() < deadline
        finally:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            ada.execute("REFRESH SOURCE shop")


def _rows(reader: psycopg.Connection[tuple[object, ...]], table: str) -> object:
    try:
        return reader.execute(f"SELECT count(*) FROM shop.{table}".encode()).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
