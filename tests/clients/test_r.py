"""R: DBI over RPostgreSQL and dplyr's verbs, which dbplyr translates, give what PostgreSQL itself gives. All are
Debian's packages (r-cran-rpostgresql, r-cran-dbplyr).
"""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.clients.conftest import Shop
from tests.clients.programs import FOLDER, has_r, missing, run
from tests.gateway import ADA, PASSWORD

pytestmark = pytest.mark.client(
    "R (dbplyr over RPostgreSQL)",
    "DBI, dplyr's verbs (joins, groups, windows, slices, sets) translated to SQL, temporary tables",
)


def _told(*words: str) -> dict[str, str]:
    lines = run(["Rscript", "--vanilla", str(FOLDER / "r" / "uses.R"), *words], 100).splitlines()
    return {name: value for name, _, value in (line.partition(": ") for line in lines)}


def test_what_r_does_gives_what_postgresql_gives(shop: Shop) -> None:
    if not has_r():
        missing("R with dbplyr")
    ours = _told(shop.gateway.host, str(shop.gateway.port), shop.gateway.database, ADA, PASSWORD)
    peer = {key: str(value) for key, value in conninfo_to_dict(shop.peer_dsn()).items()}
    theirs = _told(peer["host"], peer["port"], peer["dbname"], peer["user"], peer["password"])
    assert ours == theirs
    assert (ours["tables"], ours["error"], ours["rows"]) == ("customer nation orders region", "TRUE", "1500")
    assert len(ours) == 25
