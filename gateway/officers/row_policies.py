"""Conditions of row policies judged when they are written: what could never be answered is refused then, not when the
table is read.

PostgreSQL has checked grammar, names and types already. What is tried here is what reading does: names are resolved
among the tables of the lake, and the condition is put into the engine's terms. One that the engine has no words for may
still be its source's own to answer, where that is a server with all the tables that it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from catalog.errors import SqlError
from catalog.mirror.access_statements import Judged, Notice
from catalog.names import TableName
from catalog.predefined_roles import READ_ALL_DATA
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import PUBLIC, AccessRows, PolicyState, RowPolicy, TableRights
from gateway.lake import Lake
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.render import render_with_calls
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve
from gateway.whole_statements import get_whole
from optimizer.stages import Governed
from policies.access import Access
from policies.govern import govern
from policies.policy_reader import KeptRelations

_HINT = "A policy may use what queries over the tables of the lake may."
_REFUSED = frozenset({SqlState.FEATURE_NOT_SUPPORTED, SqlState.SYNTAX_ERROR})  # of what PostgreSQL has accepted
_OPERATORS = (exp.RegexpLike, exp.RegexpILike, exp.RegexpReplace, exp.RegexpCount, exp.RegexpSubstr)
_LITERALLY = "q"  # the flag with which a pattern is no regular expression


@dataclass(frozen=True, slots=True)
class PolicyJudge:
    """Judges the conditions that a change of access brings. Blocks: call it in a thread. ``absent`` are sources of
    which there are tables and no server: what such a server might answer is judged where there is one.
    """

    lake: Lake
    database: str
    absent: frozenset[str] = frozenset()

    def __call__(self, before: AccessRows, after: AccessRows) -> Judged:
        """Return what is to be told of new conditions. Raises SqlError for one that could never be answered."""
        known = {_text(policy) for policy in before.row_policies}
        new = sorted(one for one in after.row_policies if one.using is not None and _text(one) not in known)
        every = frozenset(role.name for role in after.roles)
        # Where memberships decide, the rest of a condition is folded away.
        judged = [self._judged(after, policy, roles) for policy in new for roles in (frozenset[str](), every)]
        notices = {one.fields["M"]: one for found in judged for one in found.notices}
        return Judged(
            tuple(notices.values()), frozenset[tuple[str, str]]().union(*(found.patterns for found in judged))
        )

    def _judged(self, rows: AccessRows, policy: RowPolicy, roles: frozenset[str]) -> Judged:
        """Judge one policy for whom has some memberships, and may read all. What is wrong with other things than it,
        such as a view that its table is read by, is told when that is read.
        """
        principal, access = Principal("", roles | {READ_ALL_DATA}), _alone(rows, policy)
        name = TableName(policy.schema, policy.table)
        names = self._names(access)
        if names.get_table(name) is None:
            return Judged()
        try:
            governed = _governed(name, principal, access, names)
        except SqlError as error:
            if error.sqlstate is not SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE or error.__cause__ is None:
                return Judged()
            raise _told(error.__cause__, policy) from error
        patterns = frozenset(_patterns(governed.tree))
        try:
            render_with_calls(governed.tree, Session(), self.lake.evaluator)
        except SqlError as error:
            if error.sqlstate is not SqlState.FEATURE_NOT_SUPPORTED:
                raise _told(error, policy) from error
            if self._is_of_absent(governed):
                return Judged((), patterns)
            whole = get_whole(governed, principal, access, self.lake.sources, self.lake.pure_functions)
            if whole is None:
                raise _told(error, policy) from error
            return Judged((_of_server(policy, whole.source, error),), patterns)
        return Judged((), patterns)

    def _is_of_absent(self, governed: Governed) -> bool:
        named = {table.source for table in governed.tables.values()}
        return len(named) == 1 and named <= self.absent

    def _names(self, access: Access) -> Names:
        lake = self.lake
        return Names(
            catalog=lake.catalog,
            system_relations=lake.system_relations,
            search_path=(),
            visible=lambda _: True,
            database=self.database,
            views=access.views.tables,
            view_types=access.views.types,
            types=lake.evaluator,
        )


def _text(policy: RowPolicy) -> tuple[str, str, str | None]:
    return policy.schema, policy.table, policy.using


def _alone(rows: AccessRows, policy: RowPolicy) -> Access:
    """Return access in which the policy is all that hides rows, and hides them from all."""
    told = replace(policy, permissive=True, command="ALL", roles=(PUBLIC,), state=PolicyState.ENFORCED)
    place = (policy.schema, policy.table)
    rights = {(row.schema, row.table): replace(row, row_security=False) for row in rows.tables}
    rights[place] = replace(rights.get(place, TableRights(*place)), row_security=True, forced=True)
    tables = tuple(rights.values())
    return Access.from_rows(AccessRows(0, rows.roles, rows.memberships, rows.grants, tables, (told,), views=rows.views))


def _governed(name: TableName, principal: Principal, access: Access, names: Names) -> Governed:
    """Return a query that needs the rows of a table, governed."""
    query = exp.select("1").from_(exp.table_(name.name, name.schema, quoted=True))
    resolved = resolve(query, references(query, names), names)
    return govern(resolved, principal, access, policy_reader(names, KeptRelations(1), access))


def _patterns(tree: exp.Query) -> Iterator[tuple[str, str]]:
    """Yield the patterns of a query that are constants, each with its operator."""
    for node in tree.walk():
        operator = "~"
        if isinstance(node, exp.SimilarTo):
            operator, found, flags = "SIMILAR TO", node.expression, None
        elif isinstance(node, _OPERATORS):
            flags = node.args.get("modifiers") or node.args.get("parameters")
            found = node.expression
        elif isinstance(node, exp.Substring):
            found, flags = node.args.get("start"), None
        elif isinstance(node, exp.Anonymous) and node.name.lower().startswith("regexp_"):
            found, *others = [*node.expressions[1:], None]
            flags = others[0] if others else None
        else:
            continue
        pattern, written = _constant(found), _constant(flags)
        if pattern is not None and _LITERALLY not in (written or ""):
            yield operator, pattern


def _constant(node: exp.Expr | None) -> str | None:
    bare = None if node is None else node.unnest()
    while isinstance(bare, exp.Cast):
        bare = bare.this.unnest()
    return bare.name if isinstance(bare, exp.Literal) and bare.is_string else None


def _told(error: BaseException, policy: RowPolicy) -> SqlError:
    """Return why a policy is refused."""
    assert isinstance(error, SqlError)
    state = SqlState.FEATURE_NOT_SUPPORTED if error.sqlstate in _REFUSED else error.sqlstate
    return SqlError(
        state,
        f'condition of policy "{policy.name}" for table "{policy.table}" is not supported',
        detail=f"{error.message[:1].upper()}{error.message[1:]}.",
        hint=_HINT if state is SqlState.FEATURE_NOT_SUPPORTED else error.hint,
    )


def _of_server(policy: RowPolicy, source: str, error: SqlError) -> Notice:
    fields = {
        "S": "WARNING",
        "V": "WARNING",
        "C": str(SqlState.WARNING),
        "M": f'policy "{policy.name}" for table "{policy.table}" can be applied by source "{source}" alone',
        "D": f"Queries that need more than that source are refused: {error.message}.",
    }
    return Notice(fields)
