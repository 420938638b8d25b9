"""What people see of masks and tags: views in the mirror's schema ``lakegate``.

Their rows are for superusers of the gateway and members of `OFFICER`; of a table's masks and tags, for its owner too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import psycopg

from catalog.mask_library import OFFICER, SCHEMA
from catalog.mirror.masking import parameter_list
from catalog.names import TableName
from catalog.store.rows import AccessRows

_STATE = "pg_catalog.lakegate_masking"  # beside PostgreSQL's own, where no list of tables shows it
_CREATE = f"""
SET LOCAL allow_system_table_mods = on;
CREATE TABLE IF NOT EXISTS {_STATE} (kind text NOT NULL, owner text, document jsonb);
REVOKE ALL ON {_STATE} FROM PUBLIC;
"""
_THERE = "SELECT WHERE pg_catalog.to_regclass(%s) IS NOT NULL"  # the view that came last
_SEES = f"""
EXISTS (SELECT FROM {_STATE} v WHERE v.kind = 'superuser' AND v.owner = current_user)
OR EXISTS (SELECT FROM pg_catalog.pg_roles r
           WHERE r.rolname IN ('{OFFICER}', m.owner) AND pg_catalog.pg_has_role(current_user, r.oid, 'USAGE'))
"""
_VIEWS: dict[str, tuple[str, ...]] = {
    "masking_policies": ("name", "parameters", "returns", "expression", "state"),
    "column_masks": ("schema_name", "table_name", "column_name", "policy", "arguments"),
    "tags": ("name", "allowed_values"),
    "tag_assignments": ("tag", "value", "schema_name", "table_name", "column_name"),
    "tag_policies": ("tag", "value_type", "policy"),
    "tag_removals": ("tag", "schema_name", "view_name", "column_name"),
}


def make_masking_views(connection: psycopg.Connection) -> None:
    """Make the views where they are absent, or are those of an older gateway."""
    if connection.execute(_THERE, (f"{SCHEMA}.tag_removals",)).fetchone() is not None:
        return
    connection.execute(_CREATE.encode())
    for name, columns in _VIEWS.items():
        values = ", ".join(f"m.document ->> '{column}' AS {column}" for column in columns)
        view = f"{SCHEMA}.{name}"
        text = f"CREATE OR REPLACE VIEW {view} AS SELECT {values} FROM {_STATE} m WHERE m.kind = '{name}' AND ({_SEES})"
        connection.execute(text.encode())
        connection.execute(f"GRANT SELECT ON {view} TO PUBLIC".encode())


def fill_masking_views(connection: psycopg.Connection, access: AccessRows) -> None:
    """Make the views show the store's rows; where they do already nothing is written."""
    rows = [*_rows(access)]
    mark = hashlib.sha256(repr(rows).encode("utf-8", "surrogatepass")).hexdigest()
    known = connection.execute(f"SELECT owner FROM {_STATE} WHERE kind = 'mark'".encode()).fetchone()
    if known is not None and known[0] == mark:
        return
    connection.execute(f"DELETE FROM {_STATE}".encode())
    with connection.cursor() as cursor:
        statement = f"INSERT INTO {_STATE} VALUES (%s, %s, %s::jsonb)"
        cursor.executemany(statement.encode(), [*rows, ("mark", mark, None)])


def _rows(access: AccessRows) -> Iterator[tuple[str, str | None, str | None]]:
    owners = {TableName(row.schema, row.table): row.owner for row in access.tables}

    def row(view: str, *values: str | None, owner: str | None = None) -> tuple[str, str | None, str]:
        return view, owner, json.dumps(dict(zip(_VIEWS[view], values, strict=True)))

    for role in access.roles:
        if role.superuser:
            yield "superuser", role.name, None
    for policy in access.masking_policies:
        yield row(
            "masking_policies", policy.name, parameter_list(policy), policy.returns, policy.expression, policy.state
        )
    for mask in access.column_masks:
        owner = owners.get(TableName(mask.schema, mask.table))
        arguments = ", ".join(mask.arguments)
        yield row("column_masks", mask.schema, mask.table, mask.column, mask.policy, arguments, owner=owner)
    for tag in access.tags:
        yield row("tags", tag.name, None if tag.values is None else ", ".join(tag.values))
    for given in access.tag_assignments:
        owner = owners.get(TableName(given.schema or "", given.table or ""))
        yield row("tag_assignments", given.tag, given.value, given.schema, given.table, given.column, owner=owner)
    for taken in access.tag_removals:
        owner = owners.get(TableName(taken.schema, taken.view))
        yield row("tag_removals", taken.tag, taken.schema, taken.view, taken.column, owner=owner)
    for placed in access.tag_policies:
        yield row("tag_policies", placed.tag, placed.value_type, placed.policy)
