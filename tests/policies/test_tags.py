"""Which columns are masked by what: own policies, inherited tags, columns that were renamed, dropped or made anew."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from catalog.names import TableName
from catalog.store.rows import AccessRows, ColumnMask, MaskingPolicy, TagAssignment, TagPolicy, TagRow
from catalog.tables import Catalog, Column, Table
from policies.tags import DENIED, effective_masks, mask_faults, renamed, tags_of, type_of_column

NAME = TableName("hr", "people")
TEXT = MaskingPolicy("text", (("value", "text"),), "text", "'x'::text")
OTHER = MaskingPolicy("other", (("value", "text"),), "text", "'y'::text")
NUMBER = MaskingPolicy("number", (("value", "numeric"),), "numeric", "0")
PAIR = MaskingPolicy("pair", (("value", "text"), ("by", "date")), "text", "value")


def column(name: str, sql_type: str = "text", identity: str | None = None) -> Column:
    return Column(name, sql_type, pa.string(), identity=identity)


def table(*columns: Column, name: TableName = NAME) -> Table:
    return Table(name, "source", "iceberg", (), columns)


def catalog(*tables: Table) -> Catalog:
    return Catalog(1, {one.name: one for one in tables}, {})


PEOPLE = table(column("a", identity="t/1"), column("n", "numeric(10,2)", "t/2"), column("d", "date", "t/3"))
ROWS = AccessRows(
    1,
    masking_policies=(TEXT, OTHER, NUMBER, PAIR),
    tags=(TagRow("pii"), TagRow("pay")),
    tag_policies=(TagPolicy("pii", "text", "text"), TagPolicy("pii", "numeric", "number")),
)


def masks(rows: AccessRows, *tables: Table) -> dict[str, str]:
    """Return the policies by column."""
    return {one.column: one.policy for one in effective_masks(rows, catalog(*tables))}


def tagged(*places: tuple[str | None, ...]) -> AccessRows:
    return replace(ROWS, tag_assignments=tuple(TagAssignment("pii", "yes", *place) for place in places))


@pytest.mark.parametrize(
    ("place", "masked"),
    [
        ((), {"a": "text", "n": "number"}),
        (("hr",), {"a": "text", "n": "number"}),
        (("hr", "people"), {"a": "text", "n": "number"}),
        (("hr", "people", "a"), {"a": "text"}),
        (("hr", "people", "n", "t/2"), {"n": "number"}),
        (("hr", "people", "d"), {}),
        (("other",), {}),
        (("hr", "others"), {}),
    ],
)
def test_tags_come_down(place: tuple[str, ...], masked: dict[str, str]) -> None:
    assert masks(tagged(place), PEOPLE) == masked


def test_the_nearest_value_counts() -> None:
    places = ((), ("hr",), ("hr", "people"), ("hr", "people", "a", "t/1"))
    given = tuple(TagAssignment("pii", str(level), *place) for level, place in enumerate(places))
    for count in range(1, 5):
        rows = replace(ROWS, tag_assignments=given[:count])
        assert tags_of(rows, PEOPLE, PEOPLE.columns[0]) == {"pii": str(count - 1)}
        assert tags_of(rows, PEOPLE, PEOPLE.columns[1]) == {"pii": str(min(count - 1, 2))}


def test_a_new_column_of_a_tagged_schema_is_covered_at_once() -> None:
    wider = table(*PEOPLE.columns, column("later", "character varying(20)", "t/9"))
    assert masks(tagged(("hr",)), wider) == {"a": "text", "n": "number", "later": "text"}


def test_a_column_s_own_policy_goes_before_its_tags() -> None:
    own = ColumnMask("hr", "people", "a", "other", ("a",), ("t/1",))
    assert masks(replace(tagged(("hr",)), column_masks=(own,)), PEOPLE) == {"a": "other", "n": "number"}


def test_two_tags_that_disagree_deny_the_column() -> None:
    rows = tagged(("hr",))
    rows = replace(
        rows,
        tag_policies=(*rows.tag_policies, TagPolicy("pay", "text", "other")),
        tag_assignments=(*rows.tag_assignments, TagAssignment("pay", "", "hr", "people")),
    )
    assert masks(rows, PEOPLE) == {"a": DENIED, "n": "number"}
    (fault,) = mask_faults(rows, catalog(PEOPLE))
    assert (fault.column, fault.denied) == ("a", True)
    assert "other, text" in fault.reason


MASK = ColumnMask("hr", "people", "a", "pair", ("a", "d"), ("t/1", "t/3"))


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ((column("a", identity="t/1"), column("d", "date", "t/3")), {"a": ("pair", ("a", "d"))}),
        ((column("b", identity="t/1"), column("e", "date", "t/3")), {"b": ("pair", ("b", "e"))}),
        # the table was made anew: other identities, the same names
        ((column("a", identity="u/1"), column("d", "date", "u/2")), {"a": ("pair", ("a", "d"))}),
        ((column("a"), column("d", "date")), {"a": ("pair", ("a", "d"))}),
        # renamed, and another column has taken the name: either may be meant
        (
            (column("b", identity="t/1"), column("a", identity="t/7"), column("d", "date", "t/3")),
            {"b": ("pair", ("b", "d")), "a": ("pair", ("a", "d"))},
        ),
        # what the policy looks at is gone, or is something else now
        ((column("a", identity="t/1"),), {"a": (DENIED, ("a",))}),
        ((column("a", "integer", "t/1"), column("d", "date", "t/3")), {"a": (DENIED, ("a",))}),
        ((column("x", identity="t/8"), column("d", "date", "t/3")), {}),
    ],
)
def test_masks_follow_the_identity_of_columns(
    columns: tuple[Column, ...], found: dict[str, tuple[str, tuple[str, ...]]]
) -> None:
    rows = replace(ROWS, column_masks=(MASK,))
    judged = effective_masks(rows, catalog(table(*columns)))
    assert {one.column: (one.policy, one.arguments) for one in judged} == found


def test_names_that_changed_are_kept_and_doubtful_ones_are_not() -> None:
    tag = TagAssignment("pii", "yes", "hr", "people", "a", "t/1")
    rows = replace(ROWS, column_masks=(MASK,), tag_assignments=(tag,))
    moved = table(column("b", identity="t/1"), column("d", "date", "t/3"))
    (mask,), (given,) = renamed(rows, catalog(moved))
    assert (mask.column, mask.arguments, given.column) == ("b", ("b", "d"), "b")
    assert renamed(rows, catalog(table(*moved.columns, column("a", identity="t/7")))) == ((), ())
    assert renamed(rows, catalog(PEOPLE)) == ((), ())


def test_a_swap_of_two_masked_columns() -> None:
    first = ColumnMask("hr", "people", "a", "text", ("a",), ("t/1",))
    second = ColumnMask("hr", "people", "b", "other", ("b",), ("t/2",))
    rows = replace(ROWS, column_masks=(first, second))
    swapped = table(column("b", identity="t/1"), column("a", identity="t/2"))
    assert masks(rows, swapped) == {"b": "text", "a": "other"}
    assert mask_faults(rows, catalog(swapped)) == ()
    assert sorted(one.column for one in renamed(rows, catalog(swapped))[0]) == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("numeric(15,2)", "numeric"),
        ("timestamp(3) with time zone", "timestamp with time zone"),
        ("character varying(20)", "text"),
        ("character(5)", "text"),
        ("varchar[]", "text[]"),
        ("int4", "integer"),
        ("bigint", "bigint"),
        ("jsonb", "jsonb"),
    ],
)
def test_types_without_modifiers(written: str, named: str) -> None:
    assert type_of_column(written) == named
