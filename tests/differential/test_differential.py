"""The same statement on the same rows: PostgreSQL's answer is the expected one."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from catalog.errors import SqlError
from tests.differential.compare import difference
from tests.differential.script import Case, read
from tests.differential.subjects import Postgres, Subject

_HERE = Path(__file__).parent
CASES = [case for path in sorted((_HERE / "scripts").glob("*.sql")) for case in read(path)]
TPCH = sorted((_HERE / "tpch").glob("q*.sql"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_script(case: Case, postgres: Postgres, subject: Subject) -> None:
    time_zone = case.marks.get("time zone", "UTC")
    if "error" in case.marks:
        with pytest.raises(psycopg.Error) as raised:
            postgres.answer(case.sql, time_zone)
        assert raised.value.sqlstate == case.marks["error"]
        with pytest.raises(Exception, match=r".") as failed:
            subject.answer(case.sql, time_zone)
        assert not isinstance(failed.value, SqlError) or failed.value.sqlstate == case.marks["error"]
        return
    expected = postgres.answer(case.sql, time_zone)
    if "refused" in case.marks:
        with pytest.raises((SqlError, psycopg.Error), match=case.marks["refused"]) as refusal:
            subject.answer(case.sql, time_zone)
        assert refusal.value.sqlstate == "0A000"
        return
    digits = int(case.marks["approximate"]) if "approximate" in case.marks else None
    if "differs" in case.marks:
        try:
            found = difference(expected, subject.answer(case.sql, time_zone), ordered=case.ordered, digits=digits)
        except Exception as error:
            found = str(error)
        assert found is not None, "marked as a known difference, but there is none: remove the mark"
        return
    found = difference(expected, subject.answer(case.sql, time_zone), ordered=case.ordered, digits=digits)
    assert found is None, found


@pytest.mark.parametrize("path", TPCH, ids=lambda path: path.stem)
def test_tpch(path: Path, postgres: Postgres, subject: Subject) -> None:
    sql = path.read_text(encoding="utf-8").strip().rstrip(";")
    found = difference(postgres.answer(sql, "UTC"), subject.answer(sql, "UTC"), ordered=True)
    assert found is None, found


def test_there_are_enough_statements() -> None:
    assert len(CASES) >= 150
    assert len(TPCH) == 22
