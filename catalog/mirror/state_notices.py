"""What is told with a change of policies' states: who sees more or fewer rows by it."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.mirror.access_statements import Notice
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows, PolicyState, RowPolicy

_READING = frozenset({"ALL", "SELECT"})


def state_notices(before: AccessRows, after: AccessRows) -> Iterator[Notice]:
    """Return a notice for each policy that governed and does not, and a warning for each table whose row security is on
    by now with all policies that would show rows waiting: PostgreSQL shows none then.
    """
    secured = {(row.schema, row.table) for row in after.tables if row.row_security}
    now = {_key(policy): policy for policy in after.row_policies}
    for old in sorted(before.row_policies):
        new = now.get(_key(old))
        if new is None or not _shows(old) or _shows(new) or (old.schema, old.table) not in secured:
            continue
        kind = "permissive" if old.permissive else "restrictive"
        effect = "rows that it alone showed are hidden" if old.permissive else "rows that it hid can be read"
        yield _notice("NOTICE", f'{kind} policy "{old.name}" of table "{old.table}" does not govern any more: {effect}')
    for schema, table in sorted(_waiting(after) - _waiting(before)):
        yield _notice(
            "WARNING",
            f'row security of table "{schema}.{table}" is on, and no permissive policy is in force: only its owner and'
            " roles with BYPASSRLS see rows",
            "ALTER POLICY … ENFORCE puts a policy in force.",
        )


def _waiting(rows: AccessRows) -> set[tuple[str, str]]:
    """The tables that show no rows while a policy that would show some is a draft or shadow."""
    secured = {(row.schema, row.table) for row in rows.tables if row.row_security}
    open_ = {(one.schema, one.table) for one in rows.row_policies if _shows(one) and one.permissive}
    idle = {
        (one.schema, one.table)
        for one in rows.row_policies
        if one.state is not PolicyState.ENFORCED and one.permissive and one.command in _READING
    }
    return (secured & idle) - open_


def _shows(policy: RowPolicy) -> bool:
    """Whether a policy governs what is read."""
    return policy.state is PolicyState.ENFORCED and policy.command in _READING


def _key(policy: RowPolicy) -> tuple[str, str, str]:
    return policy.schema, policy.table, policy.name


def _notice(severity: str, message: str, hint: str | None = None) -> Notice:
    state = SqlState.WARNING if severity == "WARNING" else SqlState.SUCCESSFUL_COMPLETION
    fields = {"S": severity, "V": severity, "C": str(state), "M": message}
    return Notice(fields if hint is None else {**fields, "H": hint})
