"""Which columns are masked: by a policy of their own, or by a tag that they have or inherit.

A tag comes down from the database over schema and table to the column; the value set nearest counts. A policy on a tag
masks all columns of its type that have the tag, those of tables to come included. A column's own policy goes before
those of its tags. Rows of the store follow the identity of a column, so a renamed one keeps its mask; where it cannot
be told which column is meant, all that may be are masked, and where it cannot be told how, the column is not shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.names import TableName
from catalog.store.rows import AccessRows, ColumnMask, MaskingPolicy, TagAssignment
from catalog.tables import Catalog, Column, Table

DENIED = ""
"""In the place of a policy's name: nobody sees the column, it is NULL. No policy can have this name."""

_TEXTS = frozenset({"character varying", "character", "bpchar", "name", "varchar", "char"})
_ALIASES = {
    "int2": "smallint",
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}


@dataclass(frozen=True, slots=True)
class MaskFault:
    """Why a column is not masked as was said. ``denied``: it is NULL for everybody until that is mended."""

    table: TableName
    column: str
    reason: str
    denied: bool = True


@dataclass(frozen=True, slots=True)
class TableMasks:
    """The masks of one table, under the names that its columns have now, and what is wrong with them."""

    masks: tuple[ColumnMask, ...] = ()
    faults: tuple[MaskFault, ...] = ()


class ColumnMasks:
    """What the store's rows come to, table by table: judged when a table is first asked for, since it depends on the
    columns that the table has then. Safe for use by several threads.
    """

    def __init__(self, rows: AccessRows) -> None:
        self._own: dict[TableName, list[ColumnMask]] = defaultdict(list)
        for mask in rows.column_masks:
            self._own[TableName(mask.schema, mask.table)].append(mask)
        self._policies = {policy.name: policy for policy in rows.masking_policies}
        self._tags = Tags(rows)
        self._judged: dict[TableName, tuple[Table, TableMasks]] = {}

    def of(self, table: Table) -> TableMasks:
        """Return the masks of a table. `DENIED` as policy means that the column is NULL for everybody."""
        if table.name not in self._own and not self._tags.may_mask(table.name):
            return _NO_MASKS
        known = self._judged.get(table.name)
        if known is None or known[0] is not table:
            known = table, self._judge(table)
            self._judged[table.name] = known
        return known[1]

    def _judge(self, table: Table) -> TableMasks:
        judged = Judged(table, self._policies, [], [])
        chosen = own_masks(judged, self._own.get(table.name, ()))
        for column in table.columns:
            if not apply_own(judged, column, chosen.get(column.name, [])):
                apply_tags(judged, column, self._tags.policies(table, column))
        return TableMasks(tuple(judged.masks), tuple(judged.faults))


_NO_MASKS = TableMasks()


def effective_masks(rows: AccessRows, catalog: Catalog) -> tuple[ColumnMask, ...]:
    """Return a mask for each masked column of a catalogue, under the names that it has now. `DENIED` as policy means
    that the column is NULL for everybody.
    """
    masks = ColumnMasks(rows)
    return tuple(mask for table in catalog.tables.values() for mask in masks.of(table).masks)


def mask_faults(rows: AccessRows, catalog: Catalog) -> tuple[MaskFault, ...]:
    """Return what is to be mended, for those who look after the policies."""
    masks = ColumnMasks(rows)
    return tuple(fault for table in catalog.tables.values() for fault in masks.of(table).faults)


def type_of_column(sql_type: str) -> str:
    """Return the type as policies name it: without length, precision and scale, all text types as ``text``."""
    before, bracket, rest = sql_type.partition("(")
    plain = before.rstrip() + rest.partition(")")[2] if bracket else sql_type
    element, array = (plain[:-2], "[]") if plain.endswith("[]") else (plain, "")
    known = _ALIASES.get(element, element)
    return ("text" if known in _TEXTS else known) + array


def tags_of(rows: AccessRows, table: Table, column: Column) -> Mapping[str, str]:
    """Return the tags that a column has or inherits, with their values."""
    return Tags(rows).of(table, column)


@dataclass(frozen=True, slots=True)
class Judged:
    """One table or view while its masks are judged."""

    table: Table
    policies: Mapping[str, MaskingPolicy]
    masks: list[ColumnMask]
    faults: list[MaskFault]

    def mask(self, column: Column, policy: str, arguments: Sequence[Column]) -> None:
        """Have a column seen through a policy."""
        name = self.table.name
        names = tuple(one.name for one in arguments)
        identities = tuple(one.identity for one in arguments)
        self.masks.append(ColumnMask(name.schema, name.name, column.name, policy, names, identities))

    def deny(self, column: Column, reason: str) -> None:
        """Have nobody see a column."""
        self.faults.append(MaskFault(self.table.name, column.name, reason))
        self.mask(column, DENIED, (column,))


class Tags:
    """What tags say, found by the place where they are set."""

    def __init__(self, rows: AccessRows) -> None:
        self._by_type: dict[str, dict[str, str]] = defaultdict(dict)  # tag -> type of value -> policy
        for row in rows.tag_policies:
            self._by_type[row.tag][type_of_column(row.value_type)] = row.policy
        self._placed: dict[tuple[str | None, str | None], list[TagAssignment]] = defaultdict(list)
        for given in rows.tag_assignments:
            self._placed[given.schema, given.table].append(given)

    @property
    def mask_anything(self) -> bool:
        """Whether any tag with a policy is set anywhere."""
        return any(given.tag in self._by_type for placed in self._placed.values() for given in placed)

    def may_mask(self, name: TableName) -> bool:
        """Say whether any tag with a policy is set on a table, a column of it, or above."""
        places = ((None, None), (name.schema, None), (name.schema, name.name))
        return any(given.tag in self._by_type for place in places for given in self._placed.get(place, ()))

    def of(self, table: Table, column: Column) -> Mapping[str, str]:
        """Return the tags of a column with their values, the nearest of each."""
        schema, name = table.name.schema, table.name.name
        found = {given.tag: given.value for given in self._placed.get((None, None), ())}
        found |= {given.tag: given.value for given in self._placed.get((schema, None), ())}
        here = self._placed.get((schema, name), ())
        found |= {given.tag: given.value for given in here if given.column is None}
        on_columns = [given for given in here if given.column is not None]
        for given in on_columns:
            meant = meant_columns(given.column or "", given.identity, table)
            if any(one.name == column.name for one in meant):
                found[given.tag] = given.value
        return found

    def on_column(self, table: Table, column: Column) -> frozenset[str]:
        """Return the tags that are set on a column itself."""
        here = self._placed.get((table.name.schema, table.name.name), ())
        return frozenset(
            given.tag
            for given in here
            if given.column is not None and column in meant_columns(given.column, given.identity, table)
        )

    def policy(self, tag: str, sql_type: str) -> str | None:
        """Return the policy that a tag has for columns of a type."""
        return self._by_type.get(tag, {}).get(type_of_column(sql_type))

    def policies(self, table: Table, column: Column) -> set[str]:
        """Return the policies that a column has by its tags."""
        found = (self.policy(tag, column.sql_type) for tag in self.of(table, column))
        return {policy for policy in found if policy is not None}


def own_masks(judged: Judged, own: Iterable[ColumnMask]) -> dict[str, list[ColumnMask]]:
    """Return which masks each column has. One that has a mask by its identity has no other by its name."""
    table = judged.table
    by_identity: dict[str, list[ColumnMask]] = defaultdict(list)
    by_name: dict[str, list[ColumnMask]] = defaultdict(list)
    own = list(own)
    claimed = _claimed(own)
    for mask in own:
        identity = mask.identities[0] if mask.identities else None
        meant = meant_columns(mask.column, identity, table, claimed)
        if not meant:
            judged.faults.append(MaskFault(table.name, mask.column, "there is no such column any more", denied=False))
        if len(meant) > 1:
            reason = (
                f"column {meant[0].name} was renamed from it, and there is another one of this name: both are masked"
            )
            judged.faults.append(MaskFault(table.name, mask.column, reason, denied=False))
        for column in meant:
            same = identity is not None and column.identity == identity
            (by_identity if same else by_name)[column.name].append(mask)
    return {name: by_identity.get(name) or by_name[name] for name in {*by_identity, *by_name}}


def meant_columns(
    name: str, identity: str | None, table: Table, claimed: frozenset[str | None] = frozenset()
) -> list[Column]:
    """Return the columns that a row of the store may mean: the one with the identity, and the one with the name where
    that is another. A name without its identity counts: the table may have been made anew. ``claimed`` are identities
    that rows have: a column of one of them is not meant by its name.
    """
    same = [column for column in table.columns if identity is not None and column.identity == identity]
    named = table.column(name)
    if named is not None and named not in same and (named.identity is None or named.identity not in claimed):
        same.append(named)
    return same


def _claimed(masks: Iterable[ColumnMask]) -> frozenset[str | None]:
    return frozenset(mask.identities[0] for mask in masks if mask.identities)


def apply_own(judged: Judged, column: Column, candidates: Sequence[ColumnMask]) -> bool:
    """Mask a column by the policy that it has itself; return whether it has one."""
    if len(candidates) == 1:
        _apply_own(judged, column, candidates[0])
    elif candidates:
        judged.deny(column, "two masking policies claim it")
    return bool(candidates)


def _apply_own(judged: Judged, column: Column, mask: ColumnMask) -> None:
    policy = judged.policies.get(mask.policy)
    if policy is None:
        judged.deny(column, f'masking policy "{mask.policy}" does not exist')
        return
    identities = mask.identities or (None,) * len(mask.arguments)
    arguments = [column]
    for name, identity in zip(mask.arguments[1:], identities[1:], strict=True):
        meant = meant_columns(name, identity, judged.table)
        if not meant:
            judged.deny(column, f'column "{name}", which its masking policy looks at, is not there any more')
            return
        arguments.append(meant[0])
    _apply(judged, column, policy, arguments)


def apply_tags(judged: Judged, column: Column, found: set[str]) -> None:
    """Mask a column by the policies that its tags have for its type."""
    if not found:
        return
    if len(found) > 1:
        judged.deny(column, f"its tags have different masking policies: {', '.join(sorted(found))}")
        return
    name = next(iter(found))
    policy = judged.policies.get(name)
    if policy is None:
        judged.deny(column, f'masking policy "{name}" does not exist')
    else:
        _apply(judged, column, policy, [column])


def _apply(judged: Judged, column: Column, policy: MaskingPolicy, arguments: Sequence[Column]) -> None:
    wanted = [type_of_column(kind) for _, kind in policy.parameters]
    given = [type_of_column(one.sql_type) for one in arguments]
    if wanted != given:
        reason = f'masking policy "{policy.name}" takes ({", ".join(wanted)}), the columns are ({", ".join(given)})'
        judged.deny(column, reason)
    else:
        judged.mask(column, policy.name, arguments)


def renamed(rows: AccessRows, catalog: Catalog) -> tuple[tuple[ColumnMask, ...], tuple[TagAssignment, ...]]:
    """Return the rows of columns that have another name by now, with that name. Where a column has taken the old name
    nothing is said: both are masked until somebody has looked at it.
    """
    claimed: dict[TableName, frozenset[str | None]] = {}
    for mask in rows.column_masks:
        name = TableName(mask.schema, mask.table)
        claimed[name] = claimed.get(name, frozenset()) | _claimed((mask,))
    masks = []
    for mask in rows.column_masks:
        table = catalog.tables.get(TableName(mask.schema, mask.table))
        if table is None or not mask.identities:
            continue
        names = tuple(
            _present_name(name, identity, table, claimed[table.name])
            for name, identity in zip(mask.arguments, mask.identities, strict=True)
        )
        if names != mask.arguments:
            masks.append(replace(mask, column=names[0], arguments=names))
    assignments = []
    for given in rows.tag_assignments:
        table = catalog.tables.get(TableName(given.schema or "", given.table or ""))
        if table is None or given.column is None or given.identity is None:
            continue
        present = _present_name(given.column, given.identity, table)
        if present != given.column:
            assignments.append(replace(given, column=present))
    return tuple(masks), tuple(assignments)


def _present_name(name: str, identity: str | None, table: Table, claimed: frozenset[str | None] = frozenset()) -> str:
    meant = meant_columns(name, identity, table, claimed)
    return meant[0].name if len(meant) == 1 else name
