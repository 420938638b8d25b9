"""Five questions worth asking the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the SQL (or psql's command) that asks it."""

    title: str
    text: str


QUESTIONS = (
    Question(
        "What was sold, by state of the line? (Delta alone)",
        """SELECT l_returnflag, l_linestatus, count(*) AS lines, sum(l_extendedprice) AS price
FROM sales.lineitem
GROUP BY l_returnflag, l_linestatus
ORDER BY l_returnflag, l_linestatus;""",
    ),
    Question(
        "Which nations' customers bought steel parts in 1995? (Delta, Iceberg and PostgreSQL)",
        """SELECT n.n_name, count(DISTINCT c.c_custkey) AS customers,
       sum(l.l_extendedprice * (1 - l.l_discount)) AS revenue
FROM sales.lineitem l
JOIN sales.orders o ON o.o_orderkey = l.l_orderkey
JOIN supply.part p ON p.p_partkey = l.l_partkey
JOIN crm.customer c ON c.c_custkey = o.o_custkey
JOIN crm.nation n ON n.n_nationkey = c.c_nationkey
WHERE p.p_type LIKE '%STEEL' AND o.o_orderdate >= DATE '1995-01-01' AND o.o_orderdate < DATE '1996-01-01'
GROUP BY n.n_name
ORDER BY revenue DESC
LIMIT 10;""",
    ),
    Question(
        "What did each month's orders come to in euros? (Delta and a CSV file)",
        """SELECT r.month, round(sum(o.o_totalprice * r.per_dollar)::numeric, 2) AS euros
FROM sales.orders o
JOIN files.exchange_rates r ON r.month = date_trunc('month', o.o_orderdate)
WHERE r.currency = 'EUR'
GROUP BY r.month
ORDER BY r.month
LIMIT 12;""",
    ),
    Question(
        "What runs where? (the plan: SQL sent to PostgreSQL, files read, the engine's part)",
        """EXPLAIN SELECT c.c_mktsegment, avg(o.o_totalprice)
FROM sales.orders o JOIN crm.customer c ON c.c_custkey = o.o_custkey
WHERE c.c_acctbal < 0
GROUP BY c.c_mktsegment;""",
    ),
    Question("What is in a table? (psql)", r"\d sales.lineitem"),
)
