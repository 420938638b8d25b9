"""Masks and tags through the gateway: who sees what, over every kind of source, and after columns were renamed."""

from __future__ import annotations

import datetime as dt
import hmac
import time
from decimal import Decimal

import psycopg
import pytest

from catalog.server import Server
from catalog.store.store import open_store
from tests.masks.people import KINDS, People

EMAILS = [("ada@example.org",), ("bob@example.net",), (None,)]
MASKED_EMAILS = [("a***@example.org",), ("b***@example.net",), (None,)]


def refusal(people: People, statement: str, user: str = "ada") -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        people.ask(statement, user)
    return caught.value


def until(people: People, query: str, rows: list[tuple[object, ...]]) -> None:
    """Wait for what the gateway finds out by itself."""
    deadline = time.monotonic() + 10
    while sorted(people.ask(query)) != rows:
        assert time.monotonic() < deadline, people.ask(query)
        time.sleep(0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_a_masked_column_is_masked_wherever_it_is_used(clean: People, kind: str) -> None:
    clean.ask(f"ALTER TABLE {kind}.people ALTER COLUMN email SET MASKING POLICY email")
    query = f"SELECT email FROM {kind}.people ORDER BY id"
    assert clean.ask(query, "bob") == MASKED_EMAILS
    assert clean.ask(query, "pia") == clean.ask(query, "ada") == EMAILS
    assert clean.ask(f"SELECT count(*) FROM {kind}.people WHERE email = 'ada@example.org'", "bob") == [(0,)]
    assert clean.ask(f"SELECT id FROM {kind}.people WHERE email LIKE 'a***%'", "bob") == [(1,)]
    assert clean.ask(f"SELECT max(length(email)) FROM {kind}.people", "bob") == [(16,)]
    found = clean.ask(f"SELECT a.id FROM {kind}.people a JOIN {kind}.people b USING (email) ORDER BY 1", "bob")
    assert found == [(1,), (2,)]


def test_what_a_mask_shows_does_not_depend_on_the_styles_of_who_asks(clean: People) -> None:
    clean.ask("CREATE MASKING POLICY shown (value date) RETURNS date AS make_date(left(value::text, 4)::int, 1, 1)")
    try:
        clean.ask("ALTER TABLE delta.people ALTER COLUMN born SET MASKING POLICY shown")
        query = "SELECT born, born::text FROM delta.people WHERE id = 1"
        assert clean.ask(query, "bob") == [(dt.date(1815, 1, 1), "1815-01-01")]
        styled = clean.ask(f"SET DateStyle TO 'German'; {query.replace('born,', '')}", "bob")
        assert styled == [("01.01.1815",)]
    finally:
        clean.ask("ALTER TABLE delta.people ALTER COLUMN born UNSET MASKING POLICY; DROP MASKING POLICY shown")


@pytest.mark.parametrize("kind", KINDS)
def test_types_are_kept_and_other_columns_decide(clean: People, kind: str) -> None:
    clean.ask(
        f"ALTER TABLE {kind}.people ALTER COLUMN salary SET MASKING POLICY pay USING (salary, region);"
        f"ALTER TABLE {kind}.people ALTER COLUMN born SET MASKING POLICY year"
    )
    query = f"SELECT salary, born FROM {kind}.people ORDER BY id"
    with clean.gateway.connect("bob") as connection:
        cursor = connection.execute(query.encode())
        masked = [(column.type_code, column.precision, column.scale) for column in cursor.description or ()]
        rows = cursor.fetchall()
    assert rows == [(Decimal("5000.00"), dt.date(1815, 1, 1)), (Decimal("3100.00"), dt.date(1990, 1, 1)), (None, None)]
    with clean.gateway.connect("ada") as connection:
        described = connection.execute(query.encode()).description or ()
    assert masked == [(column.type_code, column.precision, column.scale) for column in described]


@pytest.mark.parametrize("kind", KINDS)
def test_a_renamed_column_keeps_mask_and_tag(clean: People, kind: str) -> None:
    clean.ask(
        f"ALTER TABLE {kind}.people ALTER COLUMN email SET MASKING POLICY email;"
        f"ALTER TABLE {kind}.people ALTER COLUMN salary SET MASKING POLICY pay USING (salary, region);"
        "CREATE TAG secret; ALTER TAG secret SET MASKING POLICY hidden;"
        f"ALTER TABLE {kind}.people ALTER COLUMN name SET TAG secret = 'yes'"
    )
    renames = (("email", "mail"), ("name", "full_name"), ("region", "zone"))
    try:
        for old, new in renames:
            clean.rename(kind, old, new)
        query = f"SELECT mail, full_name, salary FROM {kind}.people WHERE id = 1"
        assert clean.ask(query, "bob") == [("a***@example.org", "***", Decimal("5000.00"))]
        until(
            clean,
            "SELECT column_name, arguments FROM lakegate.column_masks",
            [("mail", "mail"), ("salary", "salary, zone")],
        )
        until(clean, "SELECT column_name FROM lakegate.tag_assignments", [("full_name",)])
        clean.add_column(kind, "email_")
        clean.rename(kind, "email_", "email")  # a new column takes the old name: the mask stays with the renamed one
        assert clean.ask(query, "bob") == [("a***@example.org", "***", Decimal("5000.00"))]
    finally:
        clean.rename(kind, "email", "email_old")
        for old, new in renames:
            clean.rename(kind, new, old)


@pytest.mark.parametrize("kind", KINDS)
def test_where_names_are_swapped_both_columns_are_masked(clean: People, kind: str) -> None:
    clean.ask(f"ALTER TABLE {kind}.people ALTER COLUMN email SET MASKING POLICY email")
    query = f"SELECT name, email FROM {kind}.people WHERE id = 1"
    answers, unseen = [clean.ask(query, "bob")], []
    for _ in range(2):
        for old, new in (("email", "t"), ("name", "email"), ("t", "name")):
            clean.rename_unseen(kind, old, new)
        try:
            unseen.append(clean.ask(query, "bob"))
        except psycopg.errors.ObjectNotInPrerequisiteState as error:
            assert "just been changed" in str(error)
            assert error.diag.message_hint == "Run the statement again."
        clean.ask(f"REFRESH SOURCE {kind}")
        answers.append(clean.ask(query, "bob"))
    as_it_was = [("Ada Lovelace", "a***@example.org")]
    assert answers == [as_it_was, [("a***@example.org", "***")], as_it_was]
    assert unseen == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_tag_masks_all_columns_of_its_type_those_to_come_included(clean: People, kind: str) -> None:
    clean.ask(
        "CREATE TAG pii VALUES ('yes', 'no'); ALTER TAG pii SET MASKING POLICY hidden;"
        "ALTER TAG pii SET MASKING POLICY year;"
        f"ALTER SCHEMA {kind} SET TAG pii = 'yes';"
        f"ALTER TABLE {kind}.people ALTER COLUMN email SET MASKING POLICY email"
    )
    query = f"SELECT name, region, email, born, salary FROM {kind}.people WHERE id = 1"
    masked = ("***", "***", "a***@example.org", dt.date(1815, 1, 1), Decimal("5250.50"))
    assert clean.ask(query, "bob") == [masked]
    clean.add_column(kind, "remark")
    assert clean.ask(f"SELECT remark FROM {kind}.people WHERE id = 1", "bob") == [("***",)]
    other = next(one for one in KINDS if one != kind)
    assert clean.ask(f"SELECT name FROM {other}.people WHERE id = 1", "bob") == [("Ada Lovelace",)]
    clean.ask("ALTER DATABASE people_lake SET TAG pii = 'yes'")
    assert clean.ask(f"SELECT name FROM {other}.people WHERE id = 1", "bob") == [("***",)]
    clean.rename(kind, "remark", f"remark_{kind}")


def test_masks_with_a_secret(clean: People, server: Server) -> None:
    clean.ask(
        "CREATE MASKING SECRET emails;"
        "CREATE MASKING POLICY hashed (value text) RETURNS text AS mask_hash(value, 'emails');"
        "ALTER TABLE delta.people ALTER COLUMN email SET MASKING POLICY hashed"
    )
    query = "SELECT email FROM delta.people WHERE id = 1"
    store = open_store(server)
    try:
        for _ in range(2):
            key = hmac.digest(store.masking.load_secrets()["emails"], b"hash", "sha256")
            expected = hmac.digest(key, b"ada@example.org", "sha256").hex()
            assert clean.ask(query, "bob") == [(expected,)]
            clean.ask("ALTER MASKING SECRET emails ROTATE")
        assert refusal(clean, "DROP MASKING SECRET emails").sqlstate == "2BP01"
        for statement in (
            "SELECT lakegate.mask_hash('a', 'emails')",
            "SET search_path = lakegate; SELECT mask_hash('a', 'emails')",
        ):
            assert refusal(clean, statement, "bob").sqlstate == "42501"
        assert refusal(clean, "SELECT lakegate.mask_hash(name, 'emails') FROM delta.people", "bob").sqlstate in (
            "0A000",
            "42501",
        )
        plan = "\n".join(str(row[0]) for row in clean.ask("EXPLAIN VERBOSE " + query, "ada"))
        assert store.masking.load_secrets()["emails"].hex() not in plan
    finally:
        store.close()
        clean.ask("ALTER TABLE delta.people ALTER COLUMN email UNSET MASKING POLICY; DROP MASKING POLICY hashed")
        clean.ask("DROP MASKING SECRET emails")


REFUSED = [
    ("CREATE MASKING POLICY email (value text) RETURNS text AS 'x'", "42710"),
    ("CREATE MASKING POLICY bad (value text) RETURNS int AS 5", "42804"),
    ("CREATE MASKING POLICY bad (value nonsense) RETURNS nonsense AS value", "42704"),
    ("CREATE MASKING POLICY bad (value text) RETURNS text AS mask_hash(value, 'no such')", "42704"),
    ("CREATE MASKING POLICY bad (value text) RETURNS text AS (SELECT name FROM delta.people LIMIT 1)", "0A000"),
    ("CREATE OR REPLACE MASKING POLICY email (value date) RETURNS date AS value", "42P13"),
    ("ALTER MASKING POLICY nothing SET BODY AS value", "42704"),
    ("ALTER MASKING POLICY nothing RENAME TO other", "42704"),
    ("ALTER MASKING POLICY email RENAME TO hidden", "42710"),
    ("DROP MASKING POLICY nothing", "42704"),
    ("DROP MASKING POLICY email CASCADE", "0A000"),
    ("ALTER TABLE nothing.people ALTER COLUMN email SET MASKING POLICY email", "42P01"),
    ("ALTER TABLE delta.people ALTER COLUMN nothing SET MASKING POLICY email", "42703"),
    ("ALTER TABLE delta.people ALTER COLUMN email SET MASKING POLICY nothing", "42704"),
    ("ALTER TABLE delta.people ALTER COLUMN salary SET MASKING POLICY email", "42804"),
    ("ALTER TABLE delta.people ALTER COLUMN salary SET MASKING POLICY pay", "42804"),
    ("ALTER TABLE delta.people ALTER COLUMN salary SET MASKING POLICY pay USING (region, salary)", "22023"),
    ("ALTER TABLE delta.people ALTER COLUMN email UNSET MASKING POLICY", "42704"),
    ("ALTER TABLE delta.people SET TAG nothing = 'x'", "42704"),
    ("ALTER SCHEMA nothing SET TAG nothing = 'x'", "3F000"),
    ("ALTER DATABASE nothing SET TAG nothing = 'x'", "3D000"),
    ("ALTER TAG nothing SET MASKING POLICY email", "42704"),
    ("DROP TAG nothing", "42704"),
    ("DROP MASKING SECRET nothing", "42704"),
    ("CREATE TAG a VALUES ()", "42601"),
]


@pytest.mark.parametrize(("statement", "state"), REFUSED)
def test_what_is_refused(people: People, statement: str, state: str) -> None:
    assert refusal(people, statement).sqlstate == state
    assert refusal(people, statement, "bob").sqlstate in (state, "42501")


def test_errors_of_expressions_have_postgres_positions(people: People) -> None:
    statement = "SELECT 1; CREATE MASKING POLICY bad (value text) RETURNS text AS mask_email(vaule)"
    diagnosis = refusal(people, statement).diag
    assert diagnosis.sqlstate == "42703"
    assert diagnosis.statement_position == str(statement.index("vaule") + 1)


def test_only_officers_change_masks(people: People) -> None:
    attach = "ALTER TABLE delta.people ALTER COLUMN email SET MASKING POLICY email"
    for statement in (attach, "CREATE TAG x", "CREATE MASKING SECRET x", "DROP MASKING POLICY email"):
        assert refusal(people, statement, "bob").sqlstate == "42501"
    people.ask(attach, "olga")
    assert people.ask("SELECT policy FROM lakegate.column_masks", "olga") == [("email",)]
    texts = "SELECT prosrc, pg_get_function_sqlbody(oid) FROM pg_proc WHERE oid > 16383"  # which everybody may read
    assert "is_member('pii'" not in str(people.ask(texts, "bob"))
    assert people.ask(texts, "bob")
    for view in ("column_masks", "masking_policies", "tags", "tag_assignments", "tag_policies"):
        assert people.ask(f"SELECT * FROM lakegate.{view}", "bob") == []
    names = people.ask("SELECT name, parameters, returns FROM lakegate.masking_policies ORDER BY 1", "olga")
    assert names[0] == ("email", "value text", "text")
    people.ask("ALTER TABLE delta.people ALTER COLUMN email UNSET MASKING POLICY", "olga")


def test_what_hangs_on_others_is_not_dropped(clean: People) -> None:
    clean.ask("CREATE TAG t; ALTER TAG t SET MASKING POLICY hidden; ALTER TABLE delta.people SET TAG t = ''")
    error = refusal(clean, "DROP MASKING POLICY hidden")
    assert (error.sqlstate, error.diag.message_detail) == ("2BP01", 'tag t depends on masking policy "hidden"')
    assert refusal(clean, "DROP TAG t").sqlstate == "2BP01"
    clean.ask("CREATE TAG u; ALTER TAG u SET MASKING POLICY email")
    assert refusal(clean, "ALTER TABLE delta.people ALTER name SET TAG u = ''").sqlstate == "42P17"
    assert refusal(clean, "ALTER TAG t SET MASKING POLICY email").sqlstate == "42710"
    assert refusal(clean, "ALTER TAG t SET MASKING POLICY pay").sqlstate == "22023"


def test_policies_can_be_changed_while_they_are_on_columns(clean: People) -> None:
    clean.ask("CREATE MASKING POLICY p (value text) RETURNS text AS 'one'")
    try:
        clean.ask("ALTER TABLE delta.people ALTER COLUMN name SET MASKING POLICY p")
        with clean.gateway.connect("bob") as connection:
            query = b"SELECT name FROM delta.people WHERE id = 1"
            assert connection.execute(query, prepare=True).fetchall() == [("one",)]
            clean.ask("ALTER MASKING POLICY p SET BODY AS mask_partial(value, 1, 0)")
            assert connection.execute(query, prepare=True).fetchall() == [("A***********",)]
            clean.ask("ALTER MASKING POLICY p RENAME TO q")
            assert connection.execute(query, prepare=True).fetchall() == [("A***********",)]
            clean.ask("CREATE OR REPLACE MASKING POLICY q (v text) RETURNS text AS upper(v)")
            assert connection.execute(query, prepare=True).fetchall() == [("ADA LOVELACE",)]
        clean.ask("CREATE MASKING POLICY IF NOT EXISTS q (v text) RETURNS text AS 'never'")
        assert clean.ask("SELECT expression FROM lakegate.masking_policies WHERE name = 'q'") == [("upper(v)",)]
    finally:
        clean.ask("ALTER TABLE delta.people ALTER COLUMN name UNSET MASKING POLICY; DROP MASKING POLICY q")
        clean.ask("DROP MASKING POLICY IF EXISTS p")


def test_not_in_a_transaction(people: People) -> None:
    assert refusal(people, "BEGIN; CREATE TAG x").sqlstate == "25001"
    assert people.ask("SELECT name FROM lakegate.tags") == []
