"""EXECUTE on the functions of the schema ``lakegate`` that say who asks, in row policies and in views.

As in PostgreSQL who asks needs the right to execute them, whoever wrote the policy, or owns the view. Masking policies
are other: the masks of the library stand in them with the rights of the officers who made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlglot import exp

from catalog.errors import SqlError
from catalog.mask_library import SCHEMA
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import PUBLIC, AccessRows


@dataclass(frozen=True, slots=True)
class Functions:
    """Who may execute the functions that are not everybody's, by their names; all others are."""

    closed: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Functions:
        """Build the value from the store's rows."""
        taken = {row.function for row in rows.object_grants if row.function is not None and not row.held}
        closed = {
            function.partition("(")[0]: frozenset(
                row.role for row in rows.object_grants if row.function == function and row.held
            )
            for function in taken
        }
        return cls(MappingProxyType(closed))

    def require(self, principal: Principal, trees: Iterable[exp.Expr]) -> None:
        """Raise SqlError 42501 where a tree calls what the principal may not execute. Where each function is
        everybody's the trees are not asked for.
        """
        if not self.closed or principal.superuser:
            return
        called = {name for tree in trees for name in _called(tree)}
        for name in sorted(called & self.closed.keys()):
            if self.closed[name].isdisjoint({PUBLIC, *principal.roles}):
                raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for function {name}")


def _called(tree: exp.Expr) -> Set[str]:
    return {
        node.expression.name.lower()
        for node in tree.find_all(exp.Dot)
        if isinstance(node.expression, exp.Anonymous) and node.this.name == SCHEMA
    }
