"""EXPLAIN for roles that see all of a table: names of files, and where they are for superusers alone."""

from __future__ import annotations

import pytest

from gateway.explaining.explain import without_places
from tests.gateway import ADA, EVE, RunningGateway, SampleLake

_FORMS = ("(VERBOSE) ", "(ANALYZE, VERBOSE) ", "(FORMAT JSON) ", "(ANALYZE, VERBOSE, FORMAT JSON) ")


@pytest.mark.parametrize("form", _FORMS)
def test_places_of_files_are_for_superusers(
    shop: SampleLake, shop_gateway: RunningGateway, clean: None, form: str
) -> None:
    query = f"EXPLAIN {form}SELECT o.id FROM shop.orders o JOIN shop.regions r ON r.region = o.region".encode()
    folder = str(shop.folder).strip("/")
    with shop_gateway.connect(ADA) as ada, shop_gateway.connect(EVE) as eve:
        ada.execute("GRANT USAGE ON SCHEMA shop TO eve")
        ada.execute("GRANT SELECT ON shop.orders, shop.regions TO eve")
        told = "\n".join(str(row[0]) for row in eve.execute(query))
        assert "file_groups={1 group: [[part-0" in told
        assert folder not in told
        assert f"{folder}/shop/orders/part-0" in "\n".join(str(row[0]) for row in ada.execute(query))
        ada.execute("REVOKE SELECT ON shop.regions FROM eve")
        ada.execute("GRANT SELECT (region) ON shop.regions TO eve")
        told = "\n".join(str(row[0]) for row in eve.execute(query))
        assert "part-0" not in told
        assert "Rows known" not in told


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (
            "DataSourceExec: file_groups={2 groups: [[srv/lake/t/a.parquet, srv/lake/t/b.parquet:0..12], "
            "[srv/lake/t/c.parquet, ...]]}, projection=[x], file_type=parquet, predicate=x@0 = a/b",
            "DataSourceExec: file_groups={2 groups: [[a.parquet, b.parquet:0..12], "
            "[c.parquet, ...]]}, projection=[x], file_type=parquet, predicate=x@0 = a/b",
        ),
        (
            "  DataSourceExec: file_groups={1 group: [[lake/t/day=1/tenant=acme%2Fb/c.parquet]]}, limit=3",
            "  DataSourceExec: file_groups={1 group: [[day=1/tenant=acme%2Fb/c.parquet]]}, limit=3",
        ),
        (
            "DataSourceExec: file_groups={1 group: [[srv/my, lake/t/tenant=a, b/c.csv]]}",
            "DataSourceExec: file_groups={1 group: [[my, tenant=a, c.csv]]}",
        ),
        ("FilterExec: x@0 = srv/lake\n  EmptyExec", "FilterExec: x@0 = srv/lake\n  EmptyExec"),
    ],
)
def test_names_of_files(plan: str, told: str) -> None:
    assert without_places(plan) == told
