"""States of policies: what governs, and what would if shadows and drafts did.

What does not govern is taken out of the rows before anything is made of them, so it can have no effect: not on a row,
not on a mask, not by being wrong.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from catalog.store.rows import AccessRows, PolicyState, TableRights

SHADOWS = frozenset({PolicyState.SHADOW})
ALL_STATES = frozenset(PolicyState)


def in_force(rows: AccessRows) -> AccessRows:
    """Return the rows with the policies that govern, and with no column or tag that has another."""
    idle = {policy.name for policy in rows.masking_policies if policy.state is not PolicyState.ENFORCED}
    policies = tuple(policy for policy in rows.row_policies if policy.state is PolicyState.ENFORCED)
    if not idle and len(policies) == len(rows.row_policies):
        return rows
    return replace(
        rows,
        row_policies=policies,
        masking_policies=tuple(policy for policy in rows.masking_policies if policy.name not in idle),
        column_masks=tuple(mask for mask in rows.column_masks if mask.policy not in idle),
        tag_policies=tuple(row for row in rows.tag_policies if row.policy not in idle),
    )


def enforced(rows: AccessRows, states: Set[PolicyState] = ALL_STATES) -> AccessRows:
    """Return the rows as if policies in some states governed, and row security were on where such policies are. All
    others are left out.
    """
    wanted = {*states, PolicyState.ENFORCED}
    policies = tuple(policy for policy in rows.row_policies if policy.state in wanted)
    secured = {(policy.schema, policy.table) for policy in policies if policy.state is not PolicyState.ENFORCED}
    rights = {(row.schema, row.table): row for row in rows.tables}
    rights.update({key: replace(rights.get(key, TableRights(*key)), row_security=True) for key in secured})
    return in_force(
        replace(
            rows,
            tables=tuple(rights.values()),
            row_policies=tuple(replace(policy, state=PolicyState.ENFORCED) for policy in policies),
            masking_policies=tuple(
                replace(policy, state=PolicyState.ENFORCED) if policy.state in wanted else policy
                for policy in rows.masking_policies
            ),
        )
    )
