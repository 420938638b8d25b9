"""The examples of docs/access.md run, in their order."""

from __future__ import annotations

import re
from pathlib import Path

from tests.gateway import ADA, RunningGateway

TEXT = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")


def test_the_examples_run(shop_gateway: RunningGateway, clean: None) -> None:
    found = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
    examples = [one for one in found if "USER MAPPING" not in one]  # those are in test_user_mappings.py
    assert (len(found), len(examples)) == (14, 13)
    with shop_gateway.connect(ADA) as ada:
        for example in examples[:-1]:
            ada.execute(example.encode(), prepare=False)
        with shop_gateway.connect("ann", password="correct horse battery") as ann:
            assert ann.execute("SELECT id FROM shop.orders").fetchall() == []
            row = ann.execute("SELECT has_column_privilege('shop.orders', 'amount', 'SELECT')").fetchone()
            assert row == (False,)
        ada.execute(examples[-1].encode(), prepare=False)
