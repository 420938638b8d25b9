"""Views: with whose rights the tables in them are read. The rules are PostgreSQL's.

Tables in a view are read with the rights of its owner: his privileges, and the row security policies that concern him;
``current_user`` stays who asks. With ``security_invoker`` they are read with the rights of who asks, also where another
view stands between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pyarrow as pa

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows, ViewRow
from catalog.store.view_masking import view_column
from catalog.tables import Column, Table
from policies.roles import Roles

KIND = "view"  # of the table that stands for a view while names are resolved


@dataclass(frozen=True, slots=True)
class View:
    """A view and its owner; None: he is gone, and nobody has his rights."""

    row: ViewRow
    owner: Principal | None

    @property
    def name(self) -> TableName:
        """Its name."""
        return TableName(self.row.schema, self.row.name)

    @property
    def table(self) -> Table:
        """The view as names are resolved by."""
        columns = tuple(
            Column(name, sql_type, pa.null(), identity=view_column(number))
            for number, (name, sql_type) in enumerate(self.row.columns, 1)
        )
        return Table(self.name, "", KIND, (self.row.definition,), columns, self.row.comment)

    def reader(self, asks: Principal) -> Principal:
        """Return with whose rights its tables are read when ``asks`` is the session's role. Raises SqlError 42501
        where that is an owner who is gone.
        """
        if self.row.security_invoker:
            return asks
        if self.owner is None:
            raise SqlError(
                SqlState.INSUFFICIENT_PRIVILEGE,
                f"permission denied for view {self.row.name}",
                hint="Its owner does not exist any more. A superuser can give it to another by ALTER VIEW … OWNER TO.",
            )
        return self.owner


Broken = Callable[[], Mapping[TableName, str]]


@dataclass(frozen=True, slots=True)
class Views:
    """All views. ``tables`` are they as names are resolved by: with columns, and without anything to read."""

    by_name: Mapping[TableName, View] = field(default_factory=lambda: MappingProxyType({}))
    tables: Mapping[TableName, Table] = field(default_factory=lambda: MappingProxyType({}))
    broken: Broken = lambda: {}
    types: dict[object, object] = field(default_factory=dict, compare=False)  # what is found of them, to be kept

    @classmethod
    def from_rows(cls, rows: AccessRows, broken: Broken) -> Views:
        """Build the value from the store's rows. ``broken`` tells the views that do not fit their tables now."""
        if not rows.views:
            return cls()
        roles = Roles.from_rows(rows)
        owners = {TableName(row.schema, row.table): row.owner for row in rows.tables if row.owner is not None}
        found = {}
        for row in rows.views:
            owner = owners.get(TableName(row.schema, row.name))
            found[TableName(row.schema, row.name)] = View(row, None if owner is None else roles.get_principal(owner))
        tables = {name: view.table for name, view in found.items()}
        return cls(MappingProxyType(found), MappingProxyType(tables), broken)

    def narrowed(self, old: Views) -> Views:
        """Return those that were there before, as they are now."""
        names = self.by_name.keys() & old.by_name.keys()
        return Views(
            MappingProxyType({name: self.by_name[name] for name in names}),
            MappingProxyType({name: self.tables[name] for name in names}),
            self.broken,
        )

    def get(self, name: TableName) -> View | None:
        """Return the view of that name, or None. Raises SqlError 55000 where it does not fit its tables any more."""
        view = self.by_name.get(name)
        if view is not None and name in self.broken():
            raise SqlError(
                SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
                f'view "{name.name}" cannot be read: it does not fit its tables any more',
                hint="Its owner can replace or drop it.",
            )
        return view
