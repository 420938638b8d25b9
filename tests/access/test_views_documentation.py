"""The examples of docs/views.md run, in their order."""

from __future__ import annotations

import re
from pathlib import Path

from tests.gateway import ADA, RunningGateway

TEXT = (Path(__file__).parents[2] / "docs" / "views.md").read_text(encoding="utf-8")


def test_the_examples_run(shop_gateway: RunningGateway, clean: None) -> None:
    examples = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
    assert len(examples) == 8
    with shop_gateway.connect(ADA) as ada:
        for number, example in enumerate(examples):
            for statement in filter(None, map(str.strip, example.split(";"))):
                ada.execute(statement.encode(), prepare=False)
            if number == 2:
                assert sorted(ada.execute("SELECT * FROM shop.totals").fetchall()) == [("bob", 10), ("eve", 20)]
                assert ada.execute("SELECT holder FROM shop.northern WHERE id = 1").fetchall() == [("bob",)]
        assert ada.execute("SELECT count(*) FROM pg_views WHERE schemaname = 'shop'").fetchone() == (0,)
