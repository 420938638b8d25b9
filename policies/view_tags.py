"""Tags and masks of views' columns: tags follow the data, from the columns of tables to those of views over them.

A view's column has the tags of all that it is made of (`policies.lineage`), unless an officer has taken one off it, and
those that are set on it, the view, its schema or the database. Whoever reads a view sees the column through the policy
that its tags have for its type, but never twice: tables are masked for who asks, not for whose rights they are read
with, so a value that was masked where it was read needs no mask of the same tag again. What was read by one whom no
mask concerns, such as the owner of a superuser's view, is masked where the view is read by another.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows, ColumnMask, TagRemoval, ViewRow
from catalog.tables import Column, Table
from policies.lineage import Lineage, Origin
from policies.tags import ColumnMasks, Judged, TableMasks, Tags, apply_own, apply_tags, own_masks
from policies.views import KIND, View


@dataclass(frozen=True, slots=True)
class ColumnTag:
    """A tag of a column. ``origins`` are the columns from which it comes; none: it is set here or above. ``masked``:
    what is read is masked for it already, by ``policy``. ``hidden``: it is the raw value of something that the tag
    masks. ``removed``: an officer took it off the column.
    """

    tag: str
    value: str
    origins: tuple[Origin, ...] = ()
    masked: bool = False
    hidden: bool = False
    policy: str | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True)
class JudgedView:
    """What who reads a view sees of it. ``tags`` are those of its columns; ``above``: as a view over this one has them
    where the same role reads it.
    """

    masks: TableMasks
    tags: Mapping[str, Mapping[str, ColumnTag]]
    above: Mapping[str, Mapping[str, ColumnTag]]


@dataclass(frozen=True, slots=True)
class ViewSource:
    """How views are found, and what their columns are made of. Both may raise SqlError."""

    get_view: Callable[[TableName], View | None]
    lineage: Callable[[ViewRow], Lineage]


class ViewTags:
    """What the store's rows say of views. Safe for use by several threads."""

    def __init__(self, rows: AccessRows) -> None:
        self.tags = Tags(rows)
        self.tables = ColumnMasks(rows)
        self.policies = {policy.name: policy for policy in rows.masking_policies}
        self.own: dict[TableName, list[ColumnMask]] = defaultdict(list)
        for mask in rows.column_masks:
            self.own[TableName(mask.schema, mask.table)].append(mask)
        self._removals: dict[tuple[TableName, str | None, str], TagRemoval] = {
            (TableName(one.schema, one.view), one.identity, one.tag): one for one in rows.tag_removals
        }

    def may_mask(self, name: TableName) -> bool:
        """Whether any column of a view may be masked where it is read."""
        return self.tags.mask_anything or name in self.own

    def removal(self, name: TableName, column: Column, tag: str) -> TagRemoval | None:
        """Return the row by which a tag was taken off a view's column, or None."""
        return self._removals.get((name, column.identity, tag))

    def judged(self, view: View, reader: Principal, asks: Principal, source: ViewSource) -> JudgedView:
        """Return what ``reader`` sees of a view's columns when ``asks`` is the session's role."""
        return _Judging(self, asks, source).view(view, reader)

    def fingerprint(self, view: View, column: str, source: ViewSource) -> str:
        """Return what tells whether a view's column is still made of the same, in the same way."""
        return _fingerprint(view, column, source)


@dataclass(frozen=True, slots=True)
class _Judging:
    """One view judged, and those in it."""

    rows: ViewTags
    asks: Principal
    source: ViewSource
    known: dict[tuple[TableName, Principal], JudgedView] = field(default_factory=dict)

    def view(self, view: View, reader: Principal) -> JudgedView:
        key = view.name, reader
        if key not in self.known:
            self.known[key] = self._judge(view, reader)
        return self.known[key]

    def _judge(self, view: View, reader: Principal) -> JudgedView:
        lineage, rights, table = self.source.lineage(view.row), view.reader(self.asks), view.table
        judged = Judged(table, self.rows.policies, [], [])
        own = own_masks(judged, self.rows.own.get(table.name, ()))
        tags: dict[str, Mapping[str, ColumnTag]] = {}
        above: dict[str, Mapping[str, ColumnTag]] = {}
        for column in table.columns:
            found = self._tags(view, column, lineage, rights)
            tags[column.name] = found
            held = {name: one for name, one in found.items() if not one.removed}
            if not apply_own(judged, column, own.get(column.name, [])):
                self._apply_tags(judged, column, held)
            whole = not reader.sees_all_rows and self._stands_for_all(judged.masks[-1:], held, column)
            above[column.name] = {
                name: self._above(one, column, table.name, reader, whole=whole) for name, one in held.items()
            }
        masks = TableMasks(tuple(judged.masks), tuple(judged.faults))
        return JudgedView(masks, tags, above)

    # --- which tags a column has ---

    def _tags(self, view: View, column: Column, lineage: Lineage, rights: Principal) -> dict[str, ColumnTag]:
        origins = sorted(lineage.of(column.name))
        carried: dict[str, list[ColumnTag]] = defaultdict(list)
        for origin in origins:
            for one in self._carried(origin, lineage, rights):
                carried[one.tag].append(one)
        found = {name: _merged(ones) for name, ones in carried.items()}
        set_here = self.rows.tags.on_column(view.table, column)
        for name, value in self.rows.tags.of(view.table, column).items():
            inherited = found.get(name, ColumnTag(name, value))
            everywhere = len(carried[name]) == len(origins)  # else something without the tag's mask is in it
            found[name] = replace(
                inherited,
                value=value if name in set_here or not inherited.origins else inherited.value,
                masked=inherited.masked and everywhere,
            )
        for name in [*found]:
            removal = None if name in set_here else self.rows.removal(view.name, column, name)
            if removal is not None and removal.made_of == _fingerprint(view, column.name, self.source):
                found[name] = replace(found[name], removed=True)
        return found

    def _carried(self, origin: Origin, lineage: Lineage, rights: Principal) -> Iterable[ColumnTag]:
        """The tags that what is read of a table or view has, with whether it is masked for them."""
        table = lineage.tables[origin.table]
        if table.kind == KIND:
            return self.view(_require_view(origin.table, self.source), rights).above.get(origin.column, {}).values()
        column = table.column(origin.column)
        return () if column is None else self._of_table(table, column, rights)

    def _of_table(self, table: Table, column: Column, rights: Principal) -> list[ColumnTag]:
        mask = next((one for one in self.rows.tables.of(table).masks if one.column == column.name), None)
        whole = mask is not None and mask.policy not in self.rows.tags.policies(table, column)
        found = []
        for tag, value in self.rows.tags.of(table, column).items():
            policy = self.rows.tags.policy(tag, column.sql_type)
            masked = not rights.sees_all_rows and mask is not None and (whole or policy is not None)
            told = mask.policy if masked and mask is not None else policy
            origin = Origin(table.name, column.name)
            found.append(ColumnTag(tag, value, (origin,), masked, policy is not None and not masked, told))
        return found

    # --- which masks follow ---

    def _apply_tags(self, judged: Judged, column: Column, tags: Mapping[str, ColumnTag]) -> None:
        """Mask a column by those of its tags for which it is not masked yet. What has no policy for its type, and is
        made of something that one hides, is not shown.
        """
        policies = set()
        for name, one in tags.items():
            policy = None if one.masked else self.rows.tags.policy(name, column.sql_type)
            if policy is not None:
                policies.add(policy)
            elif one.hidden and not one.masked:
                made_of = ", ".join(f"{origin.table}.{origin.column}" for origin in one.origins)
                judged.deny(column, f'tag "{name}" of {made_of} has no masking policy for type {column.sql_type}')
                return
        apply_tags(judged, column, policies)

    def _stands_for_all(self, last: Sequence[ColumnMask], tags: Iterable[str], column: Column) -> bool:
        """Whether a column has a mask, and not by one of its tags: then it stands for all of them."""
        by_tags = {self.rows.tags.policy(tag, column.sql_type) for tag in tags}
        return any(mask.column == column.name and mask.policy not in by_tags for mask in last)

    def _above(self, one: ColumnTag, column: Column, view: TableName, reader: Principal, *, whole: bool) -> ColumnTag:
        """A tag as a view over this one has it. ``whole``: the mask of this column stands for all of its tags."""
        policy = self.rows.tags.policy(one.tag, column.sql_type)
        masked = one.masked or whole or (not reader.sees_all_rows and policy is not None)
        return replace(
            one,
            origins=one.origins or (Origin(view, column.name),),
            masked=masked,
            hidden=not masked and (one.hidden or policy is not None),
            policy=policy if policy is not None and not one.masked else one.policy,
        )


def _merged(tags: list[ColumnTag]) -> ColumnTag:
    """The same tag from several columns: masked if all are, hidden if one is."""
    first = tags[0]
    if len(tags) == 1:
        return first
    return replace(
        first,
        value=min(one.value for one in tags),
        origins=tuple(sorted({origin for one in tags for origin in one.origins})),
        masked=all(one.masked for one in tags),
        hidden=any(one.hidden for one in tags),
        policy=next((one.policy for one in tags if one.policy is not None), None),
    )


def _require_view(name: TableName, source: ViewSource) -> View:
    view = source.get_view(name)
    if view is None:
        raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{name}" does not exist')
    return view


def _fingerprint(view: View, column: str, source: ViewSource) -> str:
    """The digest of the texts of a view and of those in it, and of the tables' columns that one of its columns is made
    of: a column that took over a name is another.
    """
    texts: set[str] = set()  # a view that is renamed is no other
    leaves: set[tuple[str, str, str]] = set()
    waiting, seen = [(view, column)], {(view.name, column)}
    while waiting:
        here, name = waiting.pop()
        texts.add(here.row.definition)
        lineage = source.lineage(here.row)
        for origin in lineage.of(name):
            table = lineage.tables[origin.table]
            if table.kind != KIND:
                read = table.column(origin.column)
                leaves.add((str(table.name), origin.column, (read.identity if read is not None else None) or ""))
            elif (origin.table, origin.column) not in seen:
                seen.add((origin.table, origin.column))
                waiting.append((_require_view(origin.table, source), origin.column))
    told = [sorted(texts), sorted(leaves)]
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()
