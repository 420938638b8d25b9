"""Views in the difference between two states of access: which are made, replaced, or made anew.

A view gets another query by CREATE OR REPLACE where PostgreSQL takes it, which keeps what is set on the view. Else it
is made anew in one transaction, together with the views and row policies that read it; what was set on all of them
then has to be set again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp

from catalog.key_words import sql_name
from catalog.names import TableName, quote_literal
from catalog.store.rows import TABLES, AccessRows, DefaultPrivilege, RowPolicy, ViewRow
from policies.access_statements import create_policy, grantee, in_order, policy_key, policy_name, written


@dataclass(frozen=True, slots=True)
class ViewChanges:
    """The statements that make the views that are wanted, and the state that they leave. Views that are not wanted stay
    unless they are in the way; `drop_views` has them.
    """

    statements: tuple[str, ...]
    left: AccessRows


def view_names(rows: AccessRows) -> frozenset[TableName]:
    """Return the names of a state's views."""
    return frozenset(_name(row) for row in rows.views)


def without_views(rows: AccessRows, names: Set[TableName]) -> AccessRows:
    """Return a state without some views, and without all that is set on them."""

    def stays(schema: str | None, name: str | None) -> bool:
        return TableName(schema or "", name or "") not in names

    return replace(
        rows,
        views=tuple(row for row in rows.views if stays(row.schema, row.name)),
        tables=tuple(row for row in rows.tables if stays(row.schema, row.table)),
        grants=tuple(row for row in rows.grants if stays(row.schema, row.table)),
        row_policies=tuple(row for row in rows.row_policies if stays(row.schema, row.table)),
        comments=tuple(row for row in rows.comments if stays(row.schema, row.table)),
        column_masks=tuple(row for row in rows.column_masks if stays(row.schema, row.table)),
        tag_assignments=tuple(row for row in rows.tag_assignments if stays(row.schema, row.table)),
        tag_removals=tuple(row for row in rows.tag_removals if stays(row.schema, row.view)),
    )


def change_views(before: AccessRows, after: AccessRows) -> ViewChanges:
    """Return what makes the views of ``before`` those of ``after``, but for those that are not wanted any more."""
    old, new = _by_name(before), _by_name(after)
    anew = _with_readers(
        {name for name in old.keys() & new.keys() if _must_go(old[name], new[name], before, after)}, old
    )
    standing = without_views(before, anew)
    policies = [row for row in in_order(standing.row_policies) if anew & _read_by_policy(row)]
    left = _left(before, after, anew, policies)
    statements = [*_made(old, new, anew, before.default_privileges)]
    if anew:
        gone = [f"DROP POLICY {policy_name(row)}" for row in policies]
        gone += [f"DROP VIEW {written(name)}" for name in reversed([*_in_order_of_reading(old)]) if name in anew]
        keys = {policy_key(row) for row in policies}
        again = [create_policy(row) for row in in_order(after.row_policies) if policy_key(row) in keys]
        statements = ["BEGIN", *gone, *statements, *again, "COMMIT"]
    return ViewChanges((*statements, *_comments(left, new)), left)


def drop_views(before: AccessRows, after: AccessRows) -> Iterator[str]:
    """Yield what drops the views that are not wanted, those that read others first."""
    old, kept = _by_name(before), view_names(after)
    for name in reversed([*_in_order_of_reading(old)]):
        if name not in kept:
            yield f"DROP VIEW {written(name)}"


def _made(
    old: Mapping[TableName, ViewRow],
    new: Mapping[TableName, ViewRow],
    anew: set[TableName],
    defaults: Iterable[DefaultPrivilege],
) -> Iterator[str]:
    for name in _in_order_of_reading(new):
        row = new[name]
        if name not in old or name in anew:
            yield f"CREATE VIEW {_definition(row)}"
            given = [one for one in defaults if one.creator is None and one.objects == TABLES]
            roles = {one.role for one in given if one.schema in (None, row.schema)}
            yield from (f"REVOKE ALL ON {written(name)} FROM {grantee(role)}" for role in sorted(roles))
        elif not _is_same(old[name], row):
            yield f"CREATE OR REPLACE VIEW {_definition(row)}"


def _comments(left: AccessRows, new: Mapping[TableName, ViewRow]) -> Iterator[str]:
    told = {_name(row): row.comment for row in left.views}
    for name, row in sorted(new.items()):
        if row.comment != told.get(name):
            text = "NULL" if row.comment is None else quote_literal(row.comment)
            yield f"COMMENT ON VIEW {written(name)} IS {text}"


def _left(before: AccessRows, after: AccessRows, anew: set[TableName], policies: list[RowPolicy]) -> AccessRows:
    """The state when the views are made: what was set on those made anew went with them."""
    old, keys = _by_name(before), {policy_key(row) for row in policies}
    comments = {name: row.comment for name, row in old.items() if name not in anew}
    made = [replace(row, comment=comments.get(_name(row))) for row in after.views]
    unwanted = [row for name, row in old.items() if name not in anew and name not in view_names(after)]
    again = [row for row in after.row_policies if policy_key(row) in keys]
    standing = without_views(before, anew)
    kept = [row for row in standing.row_policies if policy_key(row) not in keys]
    return replace(standing, views=(*made, *unwanted), row_policies=(*kept, *again))


def _is_same(old: ViewRow, new: ViewRow) -> bool:
    return replace(old, comment=new.comment) == new


def _must_go(old: ViewRow, new: ViewRow, before: AccessRows, after: AccessRows) -> bool:
    """Whether a view cannot become the other where it stands: PostgreSQL keeps columns, and a tag that was taken off
    one does not come back by itself.
    """
    wanted = {(row.schema, row.view, row.column, row.tag) for row in after.tag_removals}
    taken = {(row.schema, row.view, row.column, row.tag) for row in before.tag_removals}
    if any(key[:2] == (old.schema, old.name) for key in taken - wanted):
        return True
    return new.columns[: len(old.columns)] != old.columns


def _with_readers(names: set[TableName], views: Mapping[TableName, ViewRow]) -> set[TableName]:
    """Views, and all that read them."""
    found = set(names)
    for name in _in_order_of_reading(views):
        if found & _read_by(views[name].definition):
            found.add(name)
    return found


def _in_order_of_reading(views: Mapping[TableName, ViewRow]) -> Iterator[TableName]:
    """Yield views by name, each behind those that it reads."""
    done: set[TableName] = set()

    def visit(name: TableName) -> Iterator[TableName]:
        if name in done or name not in views:
            return
        done.add(name)
        for read in sorted(_read_by(views[name].definition)):
            yield from visit(read)
        yield name

    for name in sorted(views):
        yield from visit(name)


def _read_by_policy(row: RowPolicy) -> frozenset[TableName]:
    return frozenset().union(*(_read_by(f"SELECT {text}") for text in (row.using, row.check) if text is not None))


def _read_by(text: str) -> frozenset[TableName]:
    """The relations that a text of PostgreSQL's own names, which it qualifies. One that cannot be parsed names none:
    then the order is by name, and PostgreSQL tells where it is wrong.
    """
    try:
        tree = sqlglot.parse_one(text, read="postgres", error_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError:
        return frozenset()
    return frozenset(TableName(table.db, table.name) for table in tree.find_all(exp.Table) if table.db)


def _definition(row: ViewRow) -> str:
    columns = ", ".join(sql_name(name) for name, _ in row.columns)
    options = [option.partition("=") for option in row.options]
    told = ", ".join(f"{key} = {quote_literal(value)}" for key, _, value in options)
    head = f"{written(_name(row))}{f' ({columns})' if columns else ''}{f' WITH ({told})' if told else ''}"
    return f"{head} AS {row.definition}"


def _by_name(rows: AccessRows) -> dict[TableName, ViewRow]:
    return {_name(row): row for row in rows.views}


def _name(row: ViewRow) -> TableName:
    return TableName(row.schema, row.name)
