"""How the engine's SQL is spelt: PostgreSQL's grammar, with the engine's types and what its parser wants explicit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.generator import Generator
from sqlglot.transforms import eliminate_semi_and_anti_joins

from gateway.sql.engine_dialect.kinds import INT8_MAX, T


def _ordered(generator: Generator, node: exp.Ordered) -> str:
    """Always say where NULLs go: last, or first for DESC, unless the statement says otherwise."""
    descending = bool(node.args.get("desc"))
    first = node.args.get("nulls_first")
    nulls_first = descending if first is None else bool(first)
    direction = "DESC" if descending else "ASC"
    return f"{generator.sql(node, 'this')} {direction} NULLS {'FIRST' if nulls_first else 'LAST'}"


def _literal(generator: Generator, node: exp.Literal) -> str:
    """Numbers without exponent: the engine gives ``1e3`` a negative scale. Long ones as decimals."""
    written = str(node.this)
    if node.is_string:
        return _string(written)
    if written.isdigit() and int(written) > INT8_MAX:  # the engine would take it for unsigned, and wrap around
        return f"CAST('{written}' AS DECIMAL({len(written)}, 0))"
    if "e" in written.lower() and not written.lower().startswith("0x"):
        return format(Decimal(written), "f")
    return written.replace("_", "")


def _string(written: str) -> str:
    """Keep line breaks out: the engine's plans are read line by line (`gateway.execute.fences`). It computes the
    constant when it has planned.
    """
    if "\n" not in written:
        return _quoted(written)
    stand_in = next(mark for number in range(0xE000, 0xF900) if (mark := chr(number)) not in written)
    return f"replace({_quoted(written.replace(chr(10), stand_in))}, {_quoted(stand_in)}, chr(10))"


def _quoted(written: str) -> str:
    return "'" + written.replace("'", "''") + "'"


def _data_type(generator: Generator, node: exp.DataType) -> str:
    if node.this in (T.TIMESTAMP, T.TIMESTAMPNTZ):
        return "TIMESTAMP(6)"
    if node.this in (T.ARRAY, T.LIST) and node.expressions:
        return f"{_data_type(generator, node.expressions[0])}[]"
    if node.this in (T.JSON, T.JSONB, T.UUID, T.CHAR, T.VARCHAR, T.NAME, T.BPCHAR):
        return "TEXT"
    found: str = Generator.datatype_sql(generator, node)
    return _NAMES.get(node.this, found) if isinstance(node.this, exp.DType) else found


_NAMES: dict[exp.DType, str] = {
    T.DOUBLE: "DOUBLE PRECISION",
    T.FLOAT: "REAL",
    T.INT: "INT",
    T.VARBINARY: "BYTEA",
    T.TEXT: "TEXT",
    T.TINYINT: "SMALLINT",
}


def _explode(generator: Generator, node: exp.Explode) -> str:
    return generator.func("UNNEST", node.this)


def _call(generator: Generator, node: exp.Anonymous) -> str:
    return generator.func(str(node.this), *node.expressions, normalize=False)


def _ignoring_nulls(generator: Generator, node: exp.IgnoreNulls) -> str:
    return f"{generator.sql(node, 'this')} IGNORE NULLS"


def _interval(generator: Generator, node: exp.Interval) -> str:
    return f"INTERVAL {generator.sql(node, 'this')}"


def _try_cast(generator: Generator, node: exp.TryCast) -> str:
    return f"TRY_CAST({generator.sql(node, 'this')} AS {generator.sql(node, 'to')})"


def _identifier(generator: Generator, node: exp.Identifier) -> str:
    name: str = node.args["this"]
    return '"' + name.replace('"', '""') + '"'


def _column(generator: Generator, node: exp.Column) -> str:
    table, name = node.args.get("table"), node.args["this"]
    if type(table) is exp.Identifier and type(name) is exp.Identifier and not node.args.get("db"):
        return f"{_identifier(generator, table)}.{_identifier(generator, name)}"
    return generator.column_sql(node)


def _alias(generator: Generator, node: exp.Alias) -> str:
    named = node.args["alias"]
    if type(named) is not exp.Identifier:
        return generator.alias_sql(node)
    return f"{generator.sql(node.args['this'])} AS {_identifier(generator, named)}"


def _operation(operator: str) -> Callable[[Generator, exp.Binary], str]:
    def write(generator: Generator, node: exp.Binary) -> str:
        return f"{generator.sql(node.args['this'])} {operator} {generator.sql(node.args['expression'])}"

    return write


_SEMI_JOINS = frozenset({"SEMI", "ANTI"})


def _select(generator: Generator, node: exp.Select) -> str:
    """Without sqlglot's rewriting but of joins: it puts QUALIFY, which the engine has, out of reach of ORDER BY."""
    joins = node.args.get("joins")
    if joins and any(join.kind in _SEMI_JOINS for join in joins):
        eliminate_semi_and_anti_joins(node)  # in place
    return generator.select_sql(node)


# What most nodes are has writers of its own: those of sqlglot take care of all dialects, and half of the time.
_OWN: dict[type[exp.Expr], Callable[[Any, Any], str]] = {
    exp.Alias: _alias,
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.EQ: _operation("="),
    exp.GT: _operation(">"),
    exp.GTE: _operation(">="),
    exp.LT: _operation("<"),
    exp.LTE: _operation("<="),
    exp.NEQ: _operation("<>"),
    exp.Select: _select,
    exp.Anonymous: _call,
    exp.DataType: _data_type,
    exp.Explode: _explode,
    exp.IgnoreNulls: _ignoring_nulls,
    exp.Interval: _interval,
    exp.Literal: _literal,
    exp.Ordered: _ordered,
    exp.TryCast: _try_cast,
}


def generate(tree: exp.Expr) -> str:
    """Return the engine's SQL for a tree in its terms, without comments, every name quoted.

    sqlglot's compiled generators cannot be subclassed, but what they write for a node stands in a table of the
    instance: ours has a few entries of its own.
    """
    generator = _DIALECT.generator(comments=False, identify=True)
    generator._dispatch = _DISPATCH
    written: str = generator.generate(tree, copy=False)
    return written


_DIALECT = Postgres()
_DISPATCH = {**_DIALECT.generator()._dispatch, **_OWN}
