"""The same statement on the same rows: PostgreSQL's answer is the expected one."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from catalog.errors import SqlError
from gateway.execute.errors import sql_error
from gateway.sql.engine_dialect.function_errors import stated_error
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
        assert str(raised.value.sqlstate) == case.marks["error"]
        state, message = _failure(case, subject, time_zone)
        assert state == case.marks["error"], message
        return
    expected = postgres.answer(case.sql, time_zone)
    if "refused" in case.marks:
        state, message = _failure(case, subject, time_zone)
        assert state == "0A000", message
        assert case.marks["refused"] in message
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


def _failure(case: Case, subject: Subject, time_zone: str) -> tuple[str, str]:
    """Return the SQLSTATE and the message a statement fails with; the engine's errors in PostgreSQL's terms."""
    try:
        subject.answer(case.sql, time_zone)
    except (SqlError, psycopg.Error) as error:
        return str(error.sqlstate), str(error)
    except Exception as error:  # the engine raises no narrower class
        known = sql_error(error, stated_error)
        assert known is not None, f"nothing is known of {error}"
        return str(known.sqlstate), str(error)
    return "", "there was no error"


@pytest.mark.parametrize("path", TPCH, ids=lambda path: path.stem)
def test_tpch(path: Path, postgres: Postgres, subject: Subject) -> None:
    sql = path.read_text(encoding="utf-8").strip().rstrip(";")
    found = difference(postgres.answer(sql, "UTC"), subject.answer(sql, "UTC"), ordered=True)
    assert found is None, found


def test_there_are_enough_statements() -> None:
    assert len(CASES) >= 150
    assert len(TPCH) == 22
