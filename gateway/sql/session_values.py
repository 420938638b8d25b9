"""Functions that tell of the session or the server, and not of rows: ``version()``, ``current_setting('TimeZone')``.

Their values are one for a statement. The client's session in the mirror is asked for them when the statement begins,
and they come to the engine as parameters behind the client's own: so plans are kept without them, and tables are read
by conditions with them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

TYPES = {
    **dict.fromkeys(("current_schema", "current_setting", "format_type", "getdatabaseencoding"), "text"),
    **dict.fromkeys(("pg_client_encoding", "pg_get_userbyid", "pg_get_viewdef", "version"), "text"),
    **dict.fromkeys(("has_any_column_privilege", "has_column_privilege", "has_database_privilege"), "boolean"),
    **dict.fromkeys(("has_schema_privilege", "has_sequence_privilege", "has_server_privilege"), "boolean"),
    **dict.fromkeys(("has_table_privilege", "pg_has_role", "pg_is_in_recovery", "row_security_active"), "boolean"),
    **dict.fromkeys(("pg_backend_pid",), "integer"),
}
"""Functions without an effect, whose value is the same for a whole statement, with its type here."""

_CONSTANTS = (exp.Literal, exp.Boolean, exp.Null, exp.Neg, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Identifier)


@dataclass(frozen=True, slots=True)
class SessionValue:
    """A value that the session is asked for: an expression as SQL, and the type that it has in the engine."""

    sql: str
    sql_type: str


@dataclass(frozen=True, slots=True)
class SessionValues:
    """What a query asks of its session: the values are its parameters behind the first ``given`` ones."""

    given: int
    values: tuple[SessionValue, ...]

    def types(self, parameters: tuple[str, ...]) -> tuple[str, ...]:
        """Return the types of all parameters, of which those that the client gives are known, or not yet."""
        own = (*parameters, *("unknown",) * self.given)[: self.given]
        return (*own, *(value.sql_type for value in self.values))


def take_values(tree: exp.Query) -> SessionValues | None:
    """Put parameters in the place of what the session tells, in place; None where there is nothing of it."""
    found = [(node, name) for node in tree.walk() if (name := _name(node)) is not None]
    if not found:
        return None
    given = max((int(one.name) for one in tree.find_all(exp.Parameter) if one.name.isdigit()), default=0)
    values: list[SessionValue] = []
    for node, name in found:
        value = SessionValue(_sql(node, name), TYPES[name])
        if value not in values:
            values.append(value)
        parameter = exp.Parameter(this=exp.Literal.number(given + values.index(value) + 1))
        unnamed = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
        node.replace(exp.alias_(parameter, name, quoted=True) if unnamed else parameter)
    return SessionValues(given, tuple(values))


def _name(node: exp.Expr) -> str | None:
    """Return the name of a function that the session answers, with constants alone for arguments."""
    call = node
    if isinstance(node, exp.Dot):
        if not isinstance(node.this, exp.Identifier) or node.this.name != "pg_catalog":
            return None
        call = node.expression
    elif isinstance(node.parent, exp.Dot) and node.arg_key == "expression":
        return None  # it is another schema's, or was found with its own
    if isinstance(call, exp.CurrentVersion):
        return "version"
    if isinstance(call, exp.CurrentSchema):
        return "current_schema"
    name = call.name.lower() if isinstance(call, exp.Anonymous) else ""
    if name not in TYPES or not all(isinstance(one, _CONSTANTS) for each in call.expressions for one in each.walk()):
        return None
    return name


def _sql(node: exp.Expr, name: str) -> str:
    call = node.expression if isinstance(node, exp.Dot) else node
    arguments = ", ".join(one.sql("postgres", comments=False) for one in call.expressions)
    return f"pg_catalog.{name}({arguments})"
