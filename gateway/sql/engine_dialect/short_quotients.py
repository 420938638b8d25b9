"""Quotients of short numerics are computed by a function of their own (`quotient_functions`): ``price / quantity`` of a
numeric(15,2) and an integer.

The engine divides as 76 digits, which takes more than the rest of most queries. Sums have as many digits as the engine
gives them, and stay.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import call, cast
from gateway.sql.engine_dialect.exact_quotients import digits_of
from gateway.sql.engine_dialect.kinds import type_of
from optimizer.census import Census
from optimizer.copies import copied

MOST_SCALE = 6  # digits behind the point of either side
_NAMES = {"numeric_quotient": "quotient", "quotient_digits": "quotient_digits"}
_GROUP = 4  # digits that PostgreSQL counts at a time
_MOST_ABOVE, _MOST_BELOW = 18, 14  # digits of what is divided, brought to the same scale, and of the divisor


def shorten(census: Census) -> bool:
    """Have short quotients computed so, in place. Returns whether there were any."""
    found = False
    for node in census.find_all(exp.Anonymous):
        name = _NAMES.get(node.name)
        if name is not None and (shorter := _shorter(node, name)) is not None:
            node.replace(shorter)
            found = True
    return found


def _shorter(quotient: exp.Anonymous, name: str) -> exp.Expr | None:
    division = quotient.expressions[0]
    if not isinstance(division, exp.Div) or not isinstance(division.this, exp.Cast):
        return None
    left, right = division.this.this, division.expression.unnest()
    above, below = digits_of(left), digits_of(right)
    if above is None or below is None or max(above[1], below[1]) > MOST_SCALE:
        return None
    behind = -(-max(above[1], below[1]) // _GROUP) * _GROUP
    if above[0] + behind > _MOST_ABOVE or below[0] + behind > _MOST_BELOW:
        return None
    sides = (cast(copied(side), f"DECIMAL(38, {scale})") for side, (_, scale) in ((left, above), (right, below)))
    least = copied(quotient.expressions[3])
    return call(f"{name}_{above[1]}_{below[1]}", *sides, least, returns=copied(type_of(quotient)))
