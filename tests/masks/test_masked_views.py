"""Tags follow data through views: what readers see, whoever owns a view and whatever its query makes of the data."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.masks.people import People

TAGGED = """
CREATE TAG personal;
CREATE MASKING POLICY day (value date) RETURNS date AS mask_date_trunc('year', value);
ALTER TAG personal SET MASKING POLICY email;
ALTER TAG personal SET MASKING POLICY day;
ALTER TABLE delta.people ALTER COLUMN email SET TAG personal = 'yes';
ALTER TABLE delta.people ALTER COLUMN born SET TAG personal = 'yes';
"""
RIGHTS = "GRANT CREATE ON SCHEMA public TO bob"
RAW = "ada@example.org"
MASKED = "a***@example.org"


@pytest.fixture
def tagged(clean: People) -> Iterator[People]:
    """People whose address and birthday are personal in one source; the views of a test are dropped after it."""
    clean.ask(TAGGED)
    clean.ask(RIGHTS)
    yield clean
    for (name,) in clean.ask("SELECT viewname::text FROM pg_views WHERE schemaname = 'public'"):
        clean.ask(f"DROP VIEW IF EXISTS public.{name} CASCADE")
    clean.ask("REVOKE CREATE ON SCHEMA public FROM bob")


def view(people: People, name: str, query: str, *, owner: str = "ada", options: str = "") -> None:
    """Make a view that everybody may read."""
    people.ask(f"CREATE OR REPLACE VIEW public.{name} {options} AS {query}", owner)
    people.ask(f"GRANT SELECT ON public.{name} TO PUBLIC", owner)


def seen(people: People, query: str, user: str = "bob") -> list[object]:
    """Return the first column of what a user is answered."""
    return [row[0] for row in people.ask(query, user)]


def test_a_superusers_view_is_masked_for_its_readers(tagged: People) -> None:
    view(tagged, "v", "SELECT id, email, born FROM delta.people")
    assert seen(tagged, "SELECT email FROM public.v WHERE id = 1") == [MASKED]
    assert seen(tagged, "SELECT born::text FROM public.v WHERE id = 2") == ["1990-01-01"]
    assert seen(tagged, "SELECT email FROM public.v WHERE id = 1", "pia") == [RAW]  # the policy leaves her the value
    assert seen(tagged, "SELECT email FROM public.v WHERE id = 1", "ada") == [RAW]


DERIVED = {
    "upper(email)": "A***@EXAMPLE.ORG",
    "email || '.'": "a***@example.org.",
    "coalesce(email, name)": MASKED,
    "CASE WHEN id = 1 THEN email END": MASKED,
    "(SELECT max(p.email) FROM delta.people p WHERE p.id = 1)": MASKED,
    "max(email) OVER ()": "b***@example.net",
    "length(email)": None,
    "email = 'ada@example.org'": None,
    "CASE WHEN email LIKE 'ada%' THEN 1 ELSE 0 END": None,
    "EXISTS (SELECT 1 FROM delta.people p WHERE p.email = 'ada@example.org')": None,
    "rank() OVER (ORDER BY email)": None,
    "rank() OVER w": None,
    "extract(year FROM born)": None,
    "count(email) OVER ()": 2,
    "id": 1,
    "name": "Ada Lovelace",
}


def test_expressions_have_the_tags_of_what_is_in_them(tagged: People) -> None:
    columns = ", ".join(f"{expression} AS x{number}" for number, expression in enumerate(DERIVED))
    view(tagged, "v", f"SELECT id AS n, {columns} FROM delta.people WINDOW w AS (ORDER BY email)")
    (found,) = tagged.ask("SELECT * FROM public.v WHERE n = 1", "bob")
    assert dict(zip(DERIVED, found[1:], strict=True)) == DERIVED
    (raw,) = tagged.ask("SELECT * FROM public.v WHERE n = 1")
    assert None not in raw


FORMS = {
    "cte": "WITH a AS (SELECT email AS e FROM delta.people), b (x) AS (SELECT e FROM a) SELECT x AS email FROM b",
    "union": "SELECT name AS email FROM postgres.people UNION ALL SELECT email FROM delta.people",
    "intersect": "SELECT email FROM postgres.people INTERSECT SELECT email FROM delta.people",
    "derived": "SELECT d.a AS email FROM (SELECT id, email AS a FROM delta.people) AS d",
    "renamed": "SELECT t.c AS email FROM delta.people AS t (a, b, c)",
    "using": "SELECT email FROM delta.people JOIN postgres.people USING (email)",
    "lateral": "SELECT l.e AS email FROM delta.people p, LATERAL (SELECT p.email AS e) AS l",
    "grouped": "SELECT email FROM delta.people GROUP BY email HAVING count(*) > 0",
    "distinct": "SELECT DISTINCT email FROM delta.people ORDER BY email LIMIT 5",
    "aggregate": "SELECT min(email) AS email FROM delta.people",
    "recursive": "WITH RECURSIVE r (n, e) AS (SELECT 1, email FROM delta.people WHERE id = 1"
    " UNION ALL SELECT n + 1, e FROM r WHERE n < 2) SELECT e AS email FROM r",
    "joined": "SELECT q.email FROM postgres.people p JOIN delta.people q ON q.id = p.id",
}


def test_no_form_of_query_lets_a_value_through(tagged: People) -> None:
    raw = {RAW, "bob@example.net"}
    for form, query in FORMS.items():
        tagged.ask(
            f"CREATE VIEW public.{form}1 AS {query}; CREATE VIEW public.{form}2 AS SELECT email FROM public.{form}1;"
            f"GRANT SELECT ON public.{form}1, public.{form}2 TO bob"
        )
    with tagged.gateway.connect("bob") as bob, tagged.gateway.connect("ada") as ada:
        for form in FORMS:
            for name in (f"public.{form}1", f"public.{form}2"):
                everything = f"SELECT email FROM {name}".encode()
                assert not raw & {row[0] for row in bob.execute(everything)}, name
                assert raw & {row[0] for row in ada.execute(everything)}, name
                for probe in (f"email = '{RAW}'", "email LIKE 'ada%'", "length(email) = 15"):
                    probed = f"SELECT 1 FROM {name} WHERE {probe}".encode()
                    assert bob.execute(probed).fetchall() == [], f"{name}: {probe}"
                    assert ada.execute(probed).fetchall(), f"{name}: {probe}"
                joined = f"SELECT 1 FROM {name} a JOIN postgres.people b USING (email)".encode()
                assert bob.execute(joined).fetchall() == [], name


def test_what_only_chooses_rows_is_not_tagged(tagged: People) -> None:
    view(tagged, "v", f"SELECT name FROM delta.people WHERE email = '{RAW}' ORDER BY born")
    view(tagged, "n", "SELECT count(DISTINCT email) AS n, count(*) AS m FROM delta.people")
    assert seen(tagged, "SELECT name FROM public.v") == ["Ada Lovelace"]
    assert tagged.ask("SELECT n, m FROM public.n", "bob") == [(2, 3)]


def test_nothing_is_masked_twice(tagged: People) -> None:
    tagged.ask("CREATE MASKING POLICY more (value text) RETURNS text AS value || '+'")
    tagged.ask("ALTER TAG personal UNSET MASKING POLICY email; ALTER TAG personal SET MASKING POLICY more")
    view(tagged, "v", "SELECT email FROM delta.people WHERE id = 1")
    view(tagged, "w", "SELECT email FROM public.v")
    view(tagged, "i", "SELECT email FROM delta.people WHERE id = 1", options="WITH (security_invoker)")
    view(tagged, "o", "SELECT email FROM public.v", options="WITH (security_invoker)")
    view(tagged, "b", "SELECT email FROM delta.people WHERE id = 1", owner="bob")
    view(tagged, "c", "SELECT email FROM public.b")
    for name in "vwiobc":
        assert seen(tagged, f"SELECT email FROM public.{name}", "olga") == [f"{RAW}+"], name
    view(tagged, "u", "SELECT email FROM public.b UNION ALL SELECT email FROM public.v")  # one side is masked below
    assert set(seen(tagged, "SELECT email FROM public.u", "olga")) == {f"{RAW}+", f"{RAW}++"}
    tagged.ask("ALTER VIEW public.i SET TAG personal = 'here too'")
    assert seen(tagged, "SELECT email FROM public.i", "olga") == [f"{RAW}+"]


def test_tags_of_the_present_and_the_future(tagged: People) -> None:
    view(tagged, "v", "SELECT name FROM iceberg.people WHERE id = 2")
    view(tagged, "w", "SELECT name FROM public.v")
    with tagged.gateway.connect("bob") as bob:
        query = b"SELECT name FROM public.w"
        assert bob.execute(query, prepare=True).fetchall() == [("Bob",)]
        tagged.ask("ALTER SCHEMA iceberg SET TAG personal = 'yes'")
        assert bob.execute(query, prepare=True).fetchall() == [("***",)]
        tagged.ask("CREATE OR REPLACE VIEW public.v AS SELECT region AS name FROM delta.people WHERE id = 2")
        assert bob.execute(query, prepare=True).fetchall() == [("US",)]
        tagged.ask("CREATE OR REPLACE VIEW public.v AS SELECT email AS name FROM delta.people WHERE id = 2")
        assert bob.execute(query, prepare=True).fetchall() == [("b***@example.net",)]
        tagged.ask("ALTER TABLE delta.people ALTER COLUMN email UNSET TAG personal")
        assert bob.execute(query, prepare=True).fetchall() == [("bob@example.net",)]


def test_a_renamed_column_keeps_its_tag_in_views(tagged: People) -> None:
    try:
        tagged.rename("delta", "email", "mail")
        view(tagged, "v", "SELECT mail FROM delta.people WHERE id = 1")
        assert seen(tagged, "SELECT mail FROM public.v") == [MASKED]
    finally:
        tagged.rename("delta", "mail", "email")


def test_an_officer_takes_a_tag_off(tagged: People) -> None:
    view(tagged, "v", "SELECT email, left(email, 1) AS first, born FROM delta.people WHERE id = 1")
    view(tagged, "w", "SELECT first FROM public.v")
    off = "ALTER VIEW public.v ALTER COLUMN first UNSET TAG personal"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        tagged.ask(off, "bob")
    assert seen(tagged, "SELECT first FROM public.v") == ["***"]
    tagged.ask(off, "olga")
    removals = "SELECT tag, schema_name, view_name, column_name FROM lakegate.tag_removals"
    assert tagged.ask(removals, "olga") == [("personal", "public", "v", "first")]
    assert tagged.ask(removals, "bob") == []
    assert tagged.ask("SELECT email, first FROM public.v", "bob") == [(MASKED, "a")]
    assert seen(tagged, "SELECT first FROM public.w") == ["a"]
    tagged.ask("ALTER VIEW public.v RENAME TO x")
    assert seen(tagged, "SELECT first FROM public.x") == ["a"]
    tagged.ask("ALTER VIEW public.x RENAME COLUMN first TO initial")
    # whoever makes it of something else does not keep what was decided for what it was
    tagged.ask("CREATE OR REPLACE VIEW public.x AS SELECT email, email AS initial, born FROM delta.people WHERE id = 1")
    assert seen(tagged, "SELECT initial FROM public.x") == [MASKED]
    tagged.ask("ALTER VIEW public.x ALTER initial UNSET TAG personal")
    assert seen(tagged, "SELECT initial FROM public.x") == [RAW]
    tagged.ask("ALTER VIEW public.x ALTER initial SET TAG personal = 'again'")
    assert seen(tagged, "SELECT initial FROM public.x") == [MASKED]
    assert tagged.ask(removals) == []
    with pytest.raises(psycopg.errors.UndefinedObject):
        tagged.ask("ALTER VIEW public.w ALTER COLUMN first UNSET TAG nothing")
    tagged.ask("DROP VIEW public.x CASCADE")
    assert tagged.ask("SELECT * FROM lakegate.tag_assignments WHERE table_name = 'x'") == []


def test_masks_on_views_themselves(tagged: People) -> None:
    view(tagged, "v", "SELECT id, name, region, salary, email FROM delta.people")
    assert tagged.ask("ALTER VIEW public.v ALTER COLUMN name SET MASKING POLICY hidden") == []
    tagged.ask("ALTER VIEW public.v ALTER COLUMN salary SET MASKING POLICY pay USING (salary, region)")
    tagged.ask("ALTER VIEW public.v ALTER COLUMN region SET TAG personal = 'yes'")
    query = "SELECT name, salary::text, region, email FROM public.v WHERE id = {}"
    assert tagged.ask(query.format(1), "bob") == [("***", "5000.00", "***", MASKED)]
    assert tagged.ask(query.format(2), "bob") == [("***", "3100.00", "***", "b***@example.net")]
    assert tagged.ask("SELECT salary::text FROM public.v WHERE salary > 5000", "bob") == []
    tagged.ask("ALTER VIEW public.v RENAME COLUMN name TO who; ALTER VIEW public.v RENAME TO x")
    assert seen(tagged, "SELECT who FROM public.x WHERE id = 1") == ["***"]
    told = "SELECT table_name, column_name, policy FROM lakegate.column_masks ORDER BY 2"
    assert tagged.ask(told) == [("x", "salary", "pay"), ("x", "who", "hidden")]
    tagged.ask("ALTER TABLE public.x ALTER COLUMN who UNSET MASKING POLICY")
    assert seen(tagged, "SELECT who FROM public.x WHERE id = 2") == ["Bob"]
    for statement, state in (
        ("ALTER VIEW delta.people ALTER COLUMN name SET MASKING POLICY hidden", "42809"),
        ("ALTER VIEW public.x ALTER COLUMN id SET MASKING POLICY hidden", "42804"),
        ("ALTER VIEW public.x ALTER COLUMN none SET TAG personal = 'x'", "42703"),
    ):
        with pytest.raises(psycopg.Error) as caught:
            tagged.ask(statement)
        assert caught.value.sqlstate == state
    tagged.ask("DROP VIEW public.x")
    assert tagged.ask(told) == []


def test_what_the_owner_of_a_view_may_do(tagged: People) -> None:
    view(tagged, "v", "SELECT name, email FROM delta.people WHERE id = 1", owner="bob")
    tagged.ask("ALTER VIEW public.v ALTER COLUMN name SET MASKING POLICY hidden", "bob")
    assert seen(tagged, "SELECT name FROM public.v", "pia") == ["***"]
    for statement in (
        "ALTER VIEW public.v ALTER COLUMN email SET MASKING POLICY hidden",
        "ALTER VIEW public.v ALTER COLUMN email UNSET TAG personal",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tagged.ask(statement, "bob")


def test_it_can_be_asked_why(tagged: People) -> None:
    view(tagged, "v", "SELECT id, email, length(email) AS size, left(email, 1) AS first FROM delta.people")
    view(tagged, "b", "SELECT email FROM delta.people", owner="bob")
    tagged.ask("ALTER VIEW public.v ALTER COLUMN first UNSET TAG personal")
    found = {row[:3]: row[3] for row in tagged.ask("EXPLAIN POLICY FOR bob ON public.v") if row[0] in ("tag", "mask")}
    tag = "personal = 'yes' of delta.people.email"
    assert found[("tag", "email", True)] == tag
    assert found[("tag", "first", False)] == f"{tag}: taken off by an officer"
    assert str(found[("mask", "email", True)]).startswith(f"masking policy email, by tag {tag}: lakegate.mask_email(")
    assert found[("mask", "size", True)] == (
        'NULL for everybody: tag "personal" of delta.people.email has no masking policy for type integer'
    )
    checked = tagged.ask("CHECK ACCESS FOR bob ON public.v (id, email, size, first)")
    assert [row[1:3] for row in checked] == [(True, False), (True, True), (True, True), (True, False)]
    (below,) = tagged.ask("CHECK ACCESS FOR olga ON public.b (email)")
    assert below[2] is True
    assert str(below[4]).startswith("masking policy email, where delta.people.email is read: lakegate.mask")
    (exempt,) = tagged.ask("CHECK ACCESS FOR ada ON public.v (email)")
    assert exempt[1:3] == (True, False)


def test_nobody_is_told_of_the_plan_below_a_mask(tagged: People) -> None:
    view(tagged, "v", "SELECT email FROM delta.people")
    told = "\n".join(map(str, seen(tagged, "EXPLAIN SELECT email FROM public.v")))
    assert "The plan is shown to roles that see all of the tables." in told
