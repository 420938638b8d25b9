"""What EXPLAIN VERBOSE tells of the orders in which tables may be joined."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.considered_orders import ConsideredOrders, Order


def order_lines(orders: Sequence[ConsideredOrders]) -> list[str]:
    """Return the lines of the format TEXT; the side that is hashed comes first."""
    lines: list[str] = []
    for one in orders:
        lines.append(
            f"  Join order: {one.chosen.text}  (cost {one.chosen.cost:,.2f} ms, {one.rows:,.0f} rows expected)"
        )
        lines += [f"    Considered: {other.text}  (cost {other.cost:,.2f} ms)" for other in one.others]
    return lines


def orders_shown(orders: Sequence[ConsideredOrders]) -> list[dict[str, object]]:
    """Return what the other formats show."""
    return [
        {**_shown(one.chosen), "Rows Expected": round(one.rows), "Considered": [_shown(other) for other in one.others]}
        for one in orders
    ]


def _shown(order: Order) -> dict[str, object]:
    return {"Join Order": order.text, "Join Cost": round(order.cost, 3)}
