"""Django: `inspectdb` over the lake's tables, and its ORM over what that made."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.clients.conftest import Shop
from tests.clients.programs import run
from tests.clients.wire_replay import Where

pytestmark = pytest.mark.client("Django", "inspectdb, the ORM's queries, aggregates and chunked reading")

_SCRIPT = """
import io, json, sys
import django
from django.conf import settings
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **json.loads(sys.argv[1])}},
    USE_TZ=True, INSTALLED_APPS=[],
)
django.setup()
from django.core.management import call_command
from django.db import connection, models
made = io.StringIO()
call_command("inspectdb", "orders", "customer", "lineitem", "types", "nation_orders", include_views=True, stdout=made)
counted = io.StringIO()
call_command("inspectdb", "numbered", stdout=counted)
text = made.getvalue()
namespace = {"__name__": "shop.models"}
exec(text.replace("class Meta:", "class Meta:\\n        app_label = 'shop'"), namespace)
Orders, Customer = namespace["Orders"], namespace["Customer"]
query = Orders.objects.filter(o_totalprice__gt=2400, o_orderdate__year__gte=1992)
with connection.cursor() as cursor:
    described = connection.introspection.get_table_description(cursor, "orders")
    keys = connection.introspection.get_constraints(cursor, "orders")
    relations = connection.introspection.get_relations(cursor, "orders")
    sequences = connection.introspection.get_sequences(cursor, "numbered")
    tables = [one.name for one in connection.introspection.get_table_list(cursor)]
print(json.dumps({
    "models": text,
    "counted": counted.getvalue(),
    "columns": [one.name for one in described],
    "keys": {name: [one["columns"], one["primary_key"], one["index"]] for name, one in keys.items()},
    "relations": relations,
    "sequences": [f"{one['name']} {one['column']}" for one in sequences],
    "tables": tables,
    "count": query.count(),
    "names": [one.o_custkey.c_name for one in query.select_related("o_custkey").order_by("pk")[:2]],
    "total": str(Orders.objects.aggregate(models.Sum("o_totalprice"))["o_totalprice__sum"]),
    "groups": list(Orders.objects.values_list("o_orderstatus").annotate(models.Count("pk")).order_by("o_orderstatus")),
    "explain": Orders.objects.filter(pk=7).explain()[:4],
}))
"""
_CHUNKS = "print(sum(1 for _ in Orders.objects.order_by('pk').iterator(chunk_size=200)))"


def _run(where: Where, script: str) -> str:
    database = {"NAME": where.database, "USER": where.user, "PASSWORD": where.password, "HOST": where.host}
    options = {"options": "-c search_path=shop"}
    return run([sys.executable, "-c", script, json.dumps({**database, "PORT": where.port, "OPTIONS": options})])


@pytest.fixture(scope="module")
def told(shop: Shop) -> tuple[dict[str, Any], dict[str, Any]]:
    """What Django says of the gateway, and of PostgreSQL."""
    ours, peers = (json.loads(_run(where, _SCRIPT).splitlines()[-1]) for where in (shop.ours, shop.peer))
    return ours, peers


def test_introspection(told: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for key in ("columns", "keys", "relations", "tables", "sequences"):
        ours, peers = (sorted(one[key]) for one in told)
        assert ours == peers, key


def test_inspectdb_makes_the_models_that_it_makes_of_postgresql(told: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, peers = (one["models"].replace("  # Created from a view. Don't remove.", "") for one in told)
    assert ours == peers
    assert told[0]["counted"] == told[1]["counted"]
    assert "id = models.BigAutoField(primary_key=True)" in told[0]["counted"]
    assert "o_custkey = models.ForeignKey(" in ours
    assert "Unable to inspect" not in ours


def test_the_orm(told: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for key in ("count", "names", "total", "groups"):
        assert told[0][key] == told[1][key], key
    assert told[0]["count"] > 100


def test_chunks_are_read_by_a_cursor(shop: Shop) -> None:
    assert _run(shop.ours, _SCRIPT + _CHUNKS).splitlines()[-1] == "1500"
