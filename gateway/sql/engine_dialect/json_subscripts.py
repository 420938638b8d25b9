"""``data['a'][0]`` of jsonb is ``jsonb_extract_path(data, 'a', '0')``: a number counts elements from zero, where
sqlglot counts those of arrays from one.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.arrays import subscript_as_written
from gateway.sql.engine_dialect.build import text
from gateway.sql.engine_dialect.kinds import T, type_of
from optimizer.census import Census


def spell_out(census: Census) -> bool:
    """Write subscripts of jsonb as calls, in a typed query, in place; return whether there was any."""
    changed = False
    for node in census.find_all(exp.Bracket):
        if type_of(node.this).this is T.JSONB and len(node.expressions) == 1:
            path = _step(node.expressions[0])
            node.replace(exp.Anonymous(this="jsonb_extract_path", expressions=[node.this, path]))
            changed = True
    return changed


def _step(index: exp.Expr) -> exp.Expr:
    if isinstance(index, exp.Literal) and index.is_string:
        return index
    if isinstance(index, exp.Neg) and isinstance(index.this, exp.Literal):
        return text(str(1 - int(index.this.name)))
    written = subscript_as_written(index)
    return text(written.name) if isinstance(written, exp.Literal) else exp.cast(written, "text", dialect="postgres")
