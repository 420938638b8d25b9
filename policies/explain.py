"""Who may see what, and why, in words: what a role's privileges, row policies and masks come to for one table.

What applies is asked of the same value that decides for statements (`policies.access`); the store's rows say where it
comes from. Nothing here lets anybody read anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.predefined_roles import privileges_on_all
from catalog.principals import Principal
from catalog.store.rows import (
    ALL_TABLES,
    PUBLIC,
    SCHEMA_ITSELF,
    SELECT,
    USAGE,
    AccessRows,
    ColumnMask,
    Grant,
    MaskingPolicy,
    PolicyState,
    RowPolicy,
    TableRights,
)
from catalog.tables import Table
from policies.access import Access
from policies.masks import DENIED_COLUMN, Mask, Masks
from policies.row_security import concerns
from policies.states import enforced
from policies.tags import DENIED, tags_of
from policies.view_tags import ColumnTag, JudgedView
from policies.views import KIND as VIEW

_EVERYBODYS = Grant(PUBLIC, "public", SCHEMA_ITSELF, USAGE)  # of which the store has no row

_IDLE = {
    PolicyState.DRAFT: "draft, governs nothing",
    PolicyState.SHADOW: "shadow, governs nothing and is told in the audit",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that bears on what a role sees of a table. ``kind`` is role, privilege, row security, row policy, tag
    or mask; ``applies``: whether it has an effect for the role. Tags are told of the columns of views.
    """

    kind: str
    name: str | None
    applies: bool
    explanation: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a role may read a table or column, and how it sees it. ``filtered``: maybe not all rows."""

    subject: str
    allowed: bool
    masked: bool
    filtered: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Wordings:
    """How conditions and masks are told: as SQL in which the role's identity is constant. Both may raise SqlError."""

    condition: Callable[[str], str]
    mask: Callable[[Mask], str]


@dataclass(frozen=True, slots=True)
class Question:
    """One role before one table, at one moment. ``access`` is made of ``rows``. ``view`` is what the role sees of the
    columns, where it is a view.
    """

    rows: AccessRows
    access: Access
    principal: Principal
    table: Table
    wordings: Wordings
    broken_drafts: Mapping[tuple[TableName, str], str] = field(default_factory=lambda: MappingProxyType({}))
    view: JudgedView | None = None

    def findings(self) -> list[Finding]:
        """Return everything that bears on what the role sees, in the order in which it is judged."""
        return [
            Finding("role", self.principal.name, True, self._identity()),
            *self._privileges(),
            *self._row_security(),
            *self._tags(),
            *self._masks(),
        ]

    def verdict(self, column: str | None = None) -> Verdict:
        """Return whether the role may read the table (any column of it), or one column."""
        subject = str(self.table.name) if column is None else f"{self.table.name}.{column}"
        refusal = self._refusal(column)
        if refusal is not None:
            return Verdict(subject, False, False, False, refusal)
        masks = {one.name: one for one in self._masks() if one.applies and one.name is not None}
        if column is None:
            readable = self.access.columns(self.principal, self.table.name)
            told = {name: one for name, one in masks.items() if readable is None or name in readable}
            reasons = [f"{name}: {one.explanation}" for name, one in told.items()]
        else:
            told = {column: masks[column]} if column in masks else {}
            reasons = [one.explanation for one in told.values()]
        filters = [one for one in self._row_security() if one.applies]
        named = [f"row policy {one.name}: {one.explanation}" for one in filters if one.name is not None]
        reasons += named or [f"row security is {one.explanation}" for one in filters]
        allowed = "superusers see everything" if self.principal.superuser else "granted"
        return Verdict(subject, True, bool(told), bool(filters), "; ".join(reasons) or allowed)

    # --- the role and its privileges ---

    def _identity(self) -> str:
        principal = self.principal
        parts = []
        if principal.superuser:
            parts.append("superuser: privileges, row security and masks do not hold for it")
        elif principal.bypass_row_security:
            parts.append("BYPASSRLS: row security and masks do not hold for it")
        others = sorted(principal.roles - {principal.name})
        parts += [f"has the privileges of {one} ({self._path(one)})" for one in others]
        held = {row.role for row in self.rows.memberships if row.member == principal.name and not row.inherit}
        parts += [f"is in {one} without its privileges" for one in sorted(held - principal.roles)]
        return "; ".join(parts) or "is a member of no other role"

    def _path(self, role: str) -> str:
        """Return by which memberships the role's privileges are had."""
        before: dict[str, str] = {}
        waiting = deque([self.principal.name])
        while waiting and role not in before:
            here = waiting.popleft()
            for row in sorted(self.rows.memberships, key=lambda one: one.role):
                if row.member == here and row.inherit and row.role not in before and row.role != self.principal.name:
                    before[row.role] = here
                    waiting.append(row.role)
        steps = [role]
        while steps[-1] in before:
            steps.append(before[steps[-1]])
        return " → ".join(reversed(steps))

    def _by(self, grant: Grant) -> str:
        if grant.role == PUBLIC:
            return "granted to PUBLIC"
        return "granted to it" if grant.role == self.principal.name else f"granted to {self._path(grant.role)}"

    def _held(self, privilege: str, *places: str) -> Iterator[Grant]:
        for grant in (*self.rows.grants, _EVERYBODYS, *privileges_on_all(self.table.name.schema)):
            mine = grant.role == PUBLIC or grant.role in self.principal.roles
            if (
                mine
                and (grant.privilege, grant.schema) == (privilege, self.table.name.schema)
                and grant.table in places
            ):
                yield grant

    @property
    def _rights(self) -> TableRights:
        schema, name = self.table.name.schema, self.table.name.name
        found = (row for row in self.rows.tables if (row.schema, row.table) == (schema, name))
        return next(found, TableRights(schema, name))

    @property
    def _owned_by(self) -> str | None:
        """The owner, where the role has the owner's privileges."""
        owner = self._rights.owner
        return owner if owner is not None and owner in self.principal.roles else None

    def _privileges(self) -> Iterator[Finding]:
        if self.principal.superuser:
            return
        schema, name = self.table.name.schema, self.table.name.name
        usage = [self._by(grant) for grant in self._held(USAGE, SCHEMA_ITSELF)]
        yield Finding("privilege", f"USAGE ON SCHEMA {schema}", bool(usage), _one_of(usage) or "not granted")
        whole = [self._by(grant) for grant in self._held(SELECT, name, ALL_TABLES) if grant.column is None]
        if self._owned_by is not None:
            whole.insert(0, f"owner of the table ({self._path(self._owned_by)})")
        columns = [grant for grant in self._held(SELECT, name) if grant.column is not None]
        yield Finding("privilege", f"SELECT ON {self.table.name}", bool(whole), _one_of(whole) or "not granted")
        for grant in sorted(columns, key=lambda one: (one.column or "", one.role)):
            label = f"SELECT ({grant.column}) ON {self.table.name}"
            yield Finding("privilege", label, not whole, self._by(grant) + (", as is the whole table" if whole else ""))

    def _refusal(self, column: str | None) -> str | None:
        if self.principal.superuser:
            return None
        name = self.table.name
        if not any(self._held(USAGE, SCHEMA_ITSELF)):
            return f"no USAGE on schema {name.schema}: GRANT USAGE ON SCHEMA {name.schema} TO {self.principal.name}"
        readable = self.access.columns(self.principal, name)
        if readable is not None and not readable:
            return f"no SELECT on table {name}, nor on any column of it"
        if column is not None and readable is not None and column not in readable:
            return f"no SELECT on column {column}; granted are {', '.join(sorted(readable))}"
        return self._broken()

    # --- rows ---

    def _broken(self) -> str | None:
        reason = self.access.broken().get(self.table.name)
        applies = self.access.row_security.get_filter(self.principal, self.table.name) is not None
        return f"nobody reads the table: a policy does not fit it any more ({reason})" if reason and applies else None

    def _row_security(self) -> Iterator[Finding]:
        rights = self._rights
        policies = [row for row in self.rows.row_policies if (row.schema, row.table) == (rights.schema, rights.table)]
        row_filter = self.access.row_security.get_filter(self.principal, self.table.name)
        if row_filter is None:
            yield Finding("row security", None, False, self._unfiltered(rights))
            exempt = "row security does not hold for the role" if rights.row_security else "row security is off"
            for row in policies:
                yield Finding("row policy", row.name, False, exempt if _governs(row) else self._idle(row))
            return
        broken = self._broken()
        forced = ", for the owner too" if rights.forced else ""
        if broken is not None:
            yield Finding("row security", None, True, broken)
        elif not row_filter.permissive:
            yield Finding(
                "row security", None, True, f"on{forced}; no permissive policy is for the role: it sees no row"
            )
        else:
            rows = "rows that one permissive policy and every restrictive one let through"
            below = self._below(rights)
            told = f"on{forced}; the role sees {rows}" + (f"; {below}" if below else "")
            yield Finding("row security", None, True, told)
        for row in policies:
            applies = row in row_filter.policies
            told = self._policy(row, applies=applies) if _governs(row) else self._idle(row)
            yield Finding("row policy", row.name, applies, told)

    def _idle(self, row: RowPolicy) -> str:
        """Tell of a policy that does not govern what it would be for the role."""
        reason = self.broken_drafts.get((self.table.name, row.name))
        would = self._policy(row, applies=row.using is not None and concerns(row, self.principal))
        return f"{_IDLE[row.state]}: {would}" + (f"; it does not fit the table any more ({reason})" if reason else "")

    def _unfiltered(self, rights: TableRights) -> str:
        if not rights.row_security:
            return self._below(rights) or "off: all rows"
        below = self._below(rights)
        return self._exempt(rights) + (f"; {below}" if below else "")

    def _below(self, rights: TableRights) -> str:
        """Tell whose row security holds in the tables that a view reads; "" for a table."""
        if self.table.kind != VIEW:
            return ""
        view = self.access.get_view(self.table.name)
        whose = "who asks" if view is None or view.row.security_invoker else f"{rights.owner}, its owner"
        return f"as it is for {whose} in the tables that the view reads"

    def _exempt(self, rights: TableRights) -> str:
        if self.principal.superuser:
            return "on, but not for superusers"
        if self.principal.bypass_row_security:
            return "on, but not for roles with BYPASSRLS"
        return f"on, but not for the owner ({self._path(rights.owner or '')}); FORCE ROW LEVEL SECURITY would"

    def _policy(self, row: RowPolicy, *, applies: bool) -> str:
        kind = "permissive" if row.permissive else "restrictive"
        to = ", ".join(row.roles)
        head = f"{kind}, for {row.command}, to {to}"
        if not applies:
            if row.using is None or not concerns(row, self.principal):
                by_role = PUBLIC in row.roles or not self.principal.roles.isdisjoint(row.roles)
                return f"{head}: {'it does not filter what is read' if by_role else 'the role is none of these'}"
            return head
        assert row.using is not None
        return f"{head}: {_told(self.wordings.condition, row.using)}"

    # --- tags and masks ---

    def _tags(self) -> Iterator[Finding]:
        """The tags of a view's columns, and where they come from."""
        for column, tags in (self.view.tags if self.view is not None else {}).items():
            for name, one in sorted(tags.items()):
                told = f"{name} = '{one.value}' {self._source_of(one, column)}"
                taken = ": taken off by an officer" if one.removed else ""
                yield Finding("tag", column, not one.removed, told + taken)

    def _source_of(self, one: ColumnTag, column: str) -> str:
        if one.origins:
            return f"of {', '.join(f'{origin.table}.{origin.column}' for origin in one.origins)}"
        return self._place(one.tag, column)

    def _masks(self) -> Iterator[Finding]:
        if self.view is not None:
            found = self.view.masks
            effective = {} if self.principal.sees_all_rows else self.access.masks.as_masks(found)
            yield from self._masks_below(self.view, {mask.column for mask in found.masks})
        else:
            found = self.access.masks.columns.of(self.table)
            effective = self.access.masks.get_masks(self.principal, self.table)
        reasons = {fault.column: fault.reason for fault in found.faults if fault.denied}
        for mask in found.masks:
            if mask.policy == DENIED:
                applies, told = (
                    bool(effective),
                    f"NULL for everybody: {reasons.get(mask.column, 'no one policy is meant')}",
                )
            else:
                applies, told = self._mask(mask, effective.get(mask.column))
            yield Finding("mask", mask.column, applies, told)
        yield from self._idle_masks()

    def _idle_masks(self) -> Iterator[Finding]:
        """Masks that would be there if drafts and shadows governed."""
        policies = {row.name: row for row in self.rows.masking_policies if not _governs(row)}
        if not policies:
            return
        wanted = Masks.from_rows(enforced(self.rows))
        effective = wanted.get_masks(self.principal, self.table)
        for mask in wanted.columns.of(self.table).masks:
            policy = policies.get(mask.policy)
            if policy is not None:
                told = self._mask(mask, effective.get(mask.column))[1]
                yield Finding("mask", mask.column, False, f"{_IDLE[policy.state]}: {told}")

    def _masks_below(self, view: JudgedView, masked: Container[str]) -> Iterator[Finding]:
        """The masks that columns of a view have where its tables are read."""
        policies = self.access.masks.policies
        for column, tags in view.tags.items():
            below = [one for one in tags.values() if one.masked and not one.removed and column not in masked]
            for one in sorted(below, key=lambda one: one.tag):
                policy = policies.get(one.policy or DENIED, DENIED_COLUMN)
                name = policy.parameters[0][0]
                told = _told(self.wordings.mask, Mask(policy, (name,))) if len(policy.parameters) == 1 else ""
                head = f"masking policy {policy.name}, where {self._source_of(one, column)[3:]} is read"
                if told in {name, f'"{name}"'}:
                    yield Finding("mask", column, False, f"{head}: leaves the value for this role")
                else:
                    yield Finding("mask", column, True, f"{head}: {told}" if told else head)

    def _mask(self, mask: ColumnMask, effective: Mask | None) -> tuple[bool, str]:
        head = f"masking policy {mask.policy}, {self._attached(mask)}"
        if effective is None:
            exempt = "superusers" if self.principal.superuser else "roles with BYPASSRLS"
            return False, f"{head}: not for {exempt}"
        told = _told(self.wordings.mask, effective)
        if told in {mask.column, f'"{mask.column}"'}:
            return False, f"{head}: leaves the value for this role"
        return True, f"{head}: {told}"

    def _attached(self, mask: ColumnMask) -> str:
        name = (mask.schema, mask.table)
        own = any(
            (row.schema, row.table) == name
            and row.policy == mask.policy
            and (row.column == mask.column or set(row.identities[:1]) & set(mask.identities[:1]) - {None})
            for row in self.rows.column_masks
        )
        if own:
            return "on the column"
        column = self.table.column(mask.column)
        assert column is not None
        if self.view is not None:
            held = sorted(self.view.tags[mask.column].items())
            having = {row.tag for row in self.rows.tag_policies if row.policy == mask.policy}
            tagged = (one for name, one in held if name in having and not one.removed and not one.masked)
            places = (f"by tag {one.tag} = '{one.value}' {self._source_of(one, mask.column)}" for one in tagged)
            return " and ".join(places)
        tags = tags_of(self.rows, self.table, column)
        by = [row.tag for row in self.rows.tag_policies if row.policy == mask.policy and row.tag in tags]
        return " and ".join(f"by tag {tag} = '{tags[tag]}' {self._place(tag, mask.column)}" for tag in sorted(by))

    def _place(self, tag: str, column: str) -> str:
        """Say where the value of a tag comes from: the nearest place."""
        schema, name = self.table.name.schema, self.table.name.name
        set_at = {
            (row.schema, row.table, row.column is not None) for row in self.rows.tag_assignments if row.tag == tag
        }
        columns = {
            row.column
            for row in self.rows.tag_assignments
            if row.tag == tag and (row.schema, row.table) == (schema, name)
        }
        if (schema, name, True) in set_at and (column in columns or (schema, name, False) not in set_at):
            return "of the column"
        if (schema, name, False) in set_at:
            return "of the table"
        return f"of schema {schema}" if (schema, None, False) in set_at else "of the database"


def _governs(policy: RowPolicy | MaskingPolicy) -> bool:
    return policy.state is PolicyState.ENFORCED


def _one_of(reasons: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(reasons))


def _told(wording: Callable[..., str], what: object) -> str:
    try:
        return wording(what)
    except SqlError as error:
        return f"cannot be told ({error.message})"
