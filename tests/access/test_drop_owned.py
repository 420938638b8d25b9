"""A role that has lost all it had by DROP OWNED can be dropped in the same transaction, whatever it had."""

from __future__ import annotations

import pytest

from tests.gateway import ADA, RunningGateway

_HAD = {
    "nothing": (),
    "a table's privilege": ("GRANT SELECT ON shop.orders TO r",),
    "columns": ("GRANT SELECT (id) ON shop.orders TO r WITH GRANT OPTION",),
    "a schema": ("GRANT USAGE, CREATE ON SCHEMA shop TO r",),
    "the database": ("GRANT CREATE, TEMPORARY ON DATABASE lake TO r",),
    "defaults": ("ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO r",),
    "its own defaults": ("ALTER DEFAULT PRIVILEGES FOR ROLE r GRANT SELECT ON TABLES TO bob",),
    "a policy": ("CREATE POLICY p ON shop.orders TO r USING (true)",),
    "a policy with others": ("CREATE POLICY p ON shop.orders TO r, bob USING (true)",),
    "a draft": ("CREATE DRAFT POLICY p ON shop.orders TO r USING (true)",),
    "a draft with others": ("CREATE DRAFT POLICY p ON shop.orders TO r, bob USING (true)",),
    "a view": ("CREATE VIEW shop.v AS SELECT 1 AS one", "ALTER VIEW shop.v OWNER TO r"),
    "a policy of its view": (
        "CREATE VIEW shop.v AS SELECT 1 AS one",
        "CREATE POLICY p ON shop.v TO r, bob USING (one = 1)",
        "ALTER VIEW shop.v OWNER TO r",
    ),
    "a policy of a view": ("CREATE VIEW shop.v AS SELECT 1 AS one", "CREATE POLICY p ON shop.v TO r USING (one = 1)"),
    "a membership": ("GRANT bob TO r",),
    "settings": ("ALTER ROLE r IN DATABASE lake SET search_path = shop", "ALTER ROLE r SET work_mem = '1MB'"),
    "a function": ("GRANT EXECUTE ON FUNCTION lakegate.mask_email(text) TO r",),
    "a source": ("GRANT USAGE ON FOREIGN SERVER shop TO r",),
    "a claim": ("ALTER ROLE r SET lakegate.claim.x = 'y'",),
    "what it gave on": (
        "GRANT SELECT ON shop.orders TO r WITH GRANT OPTION",
        "SET ROLE r",
        "GRANT SELECT ON shop.orders TO bob",
        "RESET ROLE",
    ),
}


@pytest.mark.parametrize("had", _HAD)
@pytest.mark.parametrize("block", [True, False], ids=["transaction", "one text"])
def test_a_role_goes_with_all_it_had(shop_gateway: RunningGateway, clean: None, had: str, block: bool) -> None:
    with shop_gateway.connect(ADA) as ada:
        for statement in ("CREATE ROLE r LOGIN", "GRANT USAGE ON SCHEMA shop TO r", *_HAD[had]):
            ada.execute(statement.encode(), prepare=False)
        if block:
            for statement in ("BEGIN", "DROP OWNED BY r", "DROP ROLE r", "COMMIT"):
                ada.execute(statement.encode(), prepare=False)
        else:
            ada.execute("DROP OWNED BY r; DROP ROLE r")
        assert ada.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'r'").fetchone() == (0,)
        ada.execute("DROP VIEW IF EXISTS shop.v")
