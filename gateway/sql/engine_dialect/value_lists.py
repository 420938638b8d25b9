"""VALUES in FROM: a column has one type, which its cells with a type tell. The engine goes by the first row, or makes
numerics of floats.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.kinds import Kind, T, common_type, kind_of_type
from optimizer.copies import copied

_INT, _BIGINT = 2**31, 2**63
_LEFT = (Kind.UNKNOWN, Kind.TEXT, Kind.BPCHAR)


def bring_to_one_type(values: exp.Values) -> None:
    """Cast the cells of each column that are of another type than the column, in place. Columns of which a cell is
    computed are left as they are.
    """
    rows = [row.expressions for row in values.expressions if isinstance(row, exp.Tuple)]
    for cells in zip(*rows, strict=False):
        found = [_type(cell) for cell in cells]
        if None in found:
            continue
        known = [one for one in found if one is not None and one.this is not T.UNKNOWN]
        result = common_type(known)
        if kind_of_type(result) in _LEFT or (result.this is T.DECIMAL and len(known) == len(found)):
            continue
        plain = copied(result) if kind_of_type(result) is Kind.ARRAY else result.this.into_expr()
        for cell, own in zip(cells, found, strict=True):
            if own is not None and own.this is not result.this and not isinstance(cell, exp.Null):
                cell.replace(exp.Cast(this=copied(cell), to=copied(plain)))


def _type(cell: exp.Expr) -> exp.DataType | None:
    """Return the type of a constant, unknown for a string; None for what is computed."""
    match cell:
        case exp.Paren():
            return _type(cell.this)
        case exp.Neg():
            bare = cell.this.unnest()
            return _of_literal(bare, negative=True) if isinstance(bare, exp.Literal) else _type(bare)
        case exp.Cast():
            return cell.to
        case exp.Boolean():
            return T.BOOLEAN.into_expr()
        case exp.Null():
            return T.UNKNOWN.into_expr()
        case exp.Literal():
            return _of_literal(cell)
    return None


def _of_literal(cell: exp.Literal, *, negative: bool = False) -> exp.DataType:
    """Return the type of a number; the least integer of a type is one of its own."""
    if cell.is_string:
        return T.UNKNOWN.into_expr()
    if not cell.is_int:
        return T.DECIMAL.into_expr()
    size = int(cell.name) - negative
    return (T.INT if size < _INT else T.BIGINT if size < _BIGINT else T.DECIMAL).into_expr()
