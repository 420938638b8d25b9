"""Access as one statement has it that names relations of its own session besides: PostgreSQL judges these itself, when
they are read over the client's own connection. For all others it is what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import ViewRow
from catalog.tables import Table
from policies.access import Access, Narrowed, Rules
from policies.lineage import Lineage
from policies.masks import Mask
from policies.views import View

_NO_RULES = Rules(None, {})


@dataclass(frozen=True, slots=True)
class WithSession:
    """Access to the lake, and to ``session``: relations that no policy of the gateway can be on."""

    access: Access | Narrowed
    session: frozenset[TableName]

    @property
    def version(self) -> int:
        """That of the access to the lake."""
        return self.access.version

    def may_select(self, principal: Principal, name: TableName) -> bool:
        """Say whether the principal may read the table, as far as that is judged here."""
        return name in self.session or self.access.may_select(principal, name)

    def columns(self, principal: Principal, name: TableName) -> frozenset[str] | None:
        """Return the columns that the principal may read; None for all."""
        return None if name in self.session else self.access.columns(principal, name)

    def rules(self, principal: Principal, table: Table) -> Rules:
        """Return what stands between the principal and the table's rows."""
        return _NO_RULES if table.name in self.session else self.access.rules(principal, table)

    def require_execute(self, principal: Principal, trees: Iterable[exp.Expr]) -> None:
        """Raise SqlError 42501 where policies or views call a function that the principal may not execute."""
        self.access.require_execute(principal, trees)

    def shadows_of(self, principal: Principal, table: Table) -> tuple[str, ...]:
        """Return the shadow policies that would change what the principal reads of the table."""
        return () if table.name in self.session else self.access.shadows_of(principal, table)

    def get_view(self, name: TableName) -> View | None:
        """Return the view of the lake of that name, or None."""
        return None if name in self.session else self.access.get_view(name)

    def view_masks(
        self, reader: Principal, asks: Principal, view: View, lineage: Callable[[ViewRow], Lineage]
    ) -> Mapping[str, Mask]:
        """Return the masks through which ``reader`` sees a view's columns when ``asks`` is the session's role."""
        return self.access.view_masks(reader, asks, view, lineage)
