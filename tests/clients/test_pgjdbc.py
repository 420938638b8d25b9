"""pgjdbc: each use gives what PostgreSQL itself gives. The driver comes from Debian's libpostgresql-jdbc-java."""

from __future__ import annotations

import pytest

from tests.clients.conftest import Shop
from tests.clients.programs import FOLDER, JAR, missing, require_program, run
from tests.gateway import ADA, PASSWORD

pytestmark = pytest.mark.client(
    "pgjdbc",
    "DatabaseMetaData, fetch size, binary results, batches (rewritten, too), COPY, scrolling, savepoints, timeouts",
)


@pytest.fixture(scope="module", params=("", "&reWriteBatchedInserts=true"))
def told(shop: Shop, request: pytest.FixtureRequest) -> dict[str, str]:
    """What `java/Uses.java` prints, by the name of each use."""
    java = require_program("java")
    if not JAR.exists():
        missing("pgjdbc")
    url = f"jdbc:postgresql://{shop.gateway.host}:{shop.gateway.port}/{shop.gateway.database}?sslmode=disable{request.param}"
    lines = run([java, "-cp", str(JAR), str(FOLDER / "java" / "Uses.java"), url, ADA, PASSWORD], 100).splitlines()
    return {name: value for name, _, value in (line.partition(": ") for line in lines)}


def test_metadata(told: dict[str, str]) -> None:
    columns = [one.split("|") for one in told["columns"].split("; ")]
    assert len(columns) == 24
    assert columns[7][3:9] == ["c_numeric", "2", "numeric", "20", "null", "5"]
    assert told["primary keys"] == (
        "null|shop|lineitem|l_orderkey|1|lineitem_pkey; null|shop|lineitem|l_linenumber|2|lineitem_pkey"
    )
    key = "null|shop|customer|c_custkey|null|shop|orders|o_custkey|1|3|3|orders_customer|customer_pkey|7"
    assert told["imported keys"] == told["cross reference"] == key
    exported = [one.split("|") for one in told["exported keys"].split("; ")]
    assert key.split("|") in exported
    assert {one[6] for one in exported} == {
        "orders",
        "visits",
        "visits_new",
        "visits_old",
        "visits_rest",
        "visits_shop",
    }
    assert told["best row identifier"].startswith("0|o_orderkey|-5|int8")
    assert (told["keywords"], told["parameter"], told["result"]) == ("true", "int4", "numeric 20 5 0")


def test_values_are_the_same_in_text_and_binary(told: dict[str, str]) -> None:
    assert told["types 1"] == told["types 7"]
    assert "99999999999999.99999" in told["types 1"]


def test_fetch_size_savepoints_batches_and_timeouts(told: dict[str, str]) -> None:
    assert (told["fetched"], told["error"], told["after"]) == ("4500", "42703", "1500")
    assert (told["list"], told["batch"], told["results"]) == ("32", "[0, 0]", "2")
    assert (told["timeout"], told["valid"]) == ("57014", "true")


def test_prepared_batches_copy_and_scrolling(told: dict[str, str]) -> None:
    assert (told["inserts 0"], told["inserts 1"], told["joined"]) == ("300", "300", "600|2024-01-02|1")
    assert told["copied"] == "5 AFRICA AMERICA ASIA EUROPE MIDDLE EAST"
    assert told["scrolled"] == "700 1500"
