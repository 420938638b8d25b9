"""Functions, operators and casts that the engine has not, evaluated by PostgreSQL itself, a batch of rows at a time.

An expression of a query, with ``c1``, ``c2``, … for what it takes of the rows, becomes one statement; the engine's
function sends it columns as texts and hands on what comes back. Results and errors are PostgreSQL's own.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable
from functools import partial

import pyarrow as pa
from cachetools import LRUCache
from datafusion import SessionContext, udf

from catalog.errors import SqlError
from catalog.function_database import FunctionDatabase
from catalog.sqlstate import SqlState
from gateway.evaluation import transport
from gateway.evaluation.connections import SETTINGS, Connections, Settings
from gateway.evaluation.results import ResultForm, all_forms, result_form
from gateway.values.json_text import json_text
from gateway.values.settings import OutputSettings

MAX_INPUTS = 8
_KEPT_TYPES = 4096
_KEPT_LENGTH = 4096  # longer expressions are asked about each time: they would fill the memory
_TROUBLE = frozenset({"08", "53", "57", "58", "XX"})  # classes of errors that are not the expression's
_SETTINGS = OutputSettings()
_PREFIX = "postgres"
_NO_ROWS = transport.text_array(pa.array([], pa.string()))
_SEPARATOR = "\x1f"  # between settings and statement: no setting has it


def function_name(sql_type: str, inputs: int) -> str:
    """Return the name of the engine's function that evaluates an expression of a type with so many inputs."""
    return f"{_PREFIX}_{result_form(sql_type).name}_{inputs}"


def statement(expression: str, inputs: Collection[str], sql_type: str) -> str:
    """Return the statement that evaluates an expression for all rows of arrays ``$1``, ``$2``, …, one for each of the
    types ``inputs``; where there is none, once.
    """
    sent = result_form(sql_type).sent.format("v")
    return (
        "SELECT array_agg(coalesce(octet_length(b), -1)), string_agg(b, ''::bytea)"
        f" FROM (SELECT {sent} AS b FROM (SELECT {expression} AS v{_source(inputs)} OFFSET 0) r OFFSET 0) s"
    )


def _source(inputs: Collection[str]) -> str:
    if not inputs:
        return ""
    names = [f"c{number}" for number in range(1, len(inputs) + 1)]
    read = ", ".join(f"{name}::{sql_type} AS {name}" for name, sql_type in zip(names, inputs, strict=True))
    arrays = ", ".join(f"${number}::text[]" for number in range(1, len(inputs) + 1))
    return f" FROM (SELECT {read} FROM unnest({arrays}) AS u({', '.join(names)})) i"


def call_text(settings: Settings, statement_text: str) -> str:
    """Return the engine function's first argument: what is to be done, under which settings."""
    return _SEPARATOR.join([*settings, statement_text])


class Evaluator:
    """PostgreSQL as the engine's helper. Safe to use from several threads."""

    def __init__(self, database: FunctionDatabase) -> None:
        self.names = database.names
        self.parameters = database.parameters
        self._types = database.types
        self._connections = Connections(database.parameters)
        self._known: LRUCache[tuple[str, tuple[str, ...]], str | None] = LRUCache(_KEPT_TYPES)
        self._lock = threading.Lock()
        self._contexts: list[SessionContext] = []
        self._json_functions: dict[pa.DataType, str] = {}

    def hold(self, calls: Collection[str]) -> Callable[[], None]:
        """Note that a statement of the engine's makes these calls; what is returned ends those that still run."""
        return self._connections.hold(calls)

    def close(self) -> None:
        """Give back the connections."""
        self._connections.close()

    def may_call(self, function: str) -> bool:
        """Whether a function, by its name in lower case, has a form that PostgreSQL evaluates here."""
        return function in self.names

    def result_type(self, expression: str, inputs: tuple[str, ...]) -> str | None:
        """Return the type of an expression over ``c1``, ``c2``, … of these types, as PostgreSQL says it. None where it
        has none, or where the expression does what is not allowed here.
        """
        key = (expression, inputs)
        with self._lock:
            if key in self._known:
                return self._known[key]
        found = self._ask(expression, inputs)
        if len(expression) <= _KEPT_LENGTH:
            with self._lock:
                self._known[key] = found
        return found

    def _ask(self, expression: str, inputs: tuple[str, ...]) -> str | None:
        source = ", ".join(f"NULL::{sql_type} AS c{number}" for number, sql_type in enumerate(inputs, 1))
        try:
            oid = self._connections.describe(f"SELECT {expression} FROM (SELECT {source}) i")
            # Rights are asked for when execution begins: it is begun without rows.
            self._connections.rehearse(statement(expression, inputs, "text"), [_NO_ROWS] * len(inputs))
        except SqlError as error:
            if str(error.sqlstate)[:2] in _TROUBLE:
                raise
            return None
        return self._types.get(oid)

    def register(self, context: SessionContext) -> None:
        """Make the functions known to a session context; rendered SQL calls them."""
        for form in all_forms():
            for inputs in range(MAX_INPUTS + 1):
                body = partial(self._evaluate, form)
                takes = [pa.string()] * (inputs + 1)
                context.register_udf(udf(body, takes, form.arrow, "stable", f"{_PREFIX}_{form.name}_{inputs}"))
        self._contexts.append(context)
        text = pa.string()
        context.register_udf(
            udf(transport.interval_text, [pa.month_day_nano_interval()], text, "immutable", "interval_input")
        )
        context.register_udf(udf(transport.list_text, [pa.list_(text)], text, "immutable", "list_text"))

    def json_function(self, arrow: pa.DataType) -> str:
        """Return the name of the engine's function that writes structs, maps or lists of a type as jsonb's text."""
        with self._lock:
            known = self._json_functions.get(arrow)
            if known is None:
                known = self._json_functions[arrow] = f"json_text_{len(self._json_functions)}"
                written = udf(_json_text, [arrow], pa.string(), "immutable", known)
                for context in self._contexts:
                    context.register_udf(written)
        return known

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """The types that `json_function` was asked for, in the order of their first time."""
        with self._lock:
            return tuple(self._json_functions)

    def follow_json_types(self, types: Iterable[pa.DataType]) -> None:
        """Have the functions of another process's evaluator, by its `json_types`, under the same names."""
        for arrow in types:
            self.json_function(arrow)

    def _evaluate(self, form: ResultForm, calls: pa.Array, *columns: pa.Array) -> pa.Array:
        if len(calls) == 0:
            return pa.array([], form.arrow)
        call = calls[0].as_py()
        *settings, text = call.split(_SEPARATOR, len(SETTINGS))
        try:
            values = [transport.text_array(column) for column in columns]
            lengths, content = self._connections.execute(call, text, tuple(settings), values)
            assert lengths is not None
            found = form.decode(transport.result_lengths(lengths), content or b"")
        except SqlError as error:
            raise ValueError(_carried(error)) from None
        if not columns:
            return pa.repeat(found[0], len(calls))
        if len(found) != len(calls):
            raise ValueError(_carried(SqlError(SqlState.INTERNAL_ERROR, "PostgreSQL returned another number of rows")))
        return found


def _json_text(values: pa.Array) -> pa.Array:
    return json_text(values, _SETTINGS).cast(pa.string())


def _carried(error: SqlError) -> str:
    """Write an error so that it comes whole through the engine's texts."""
    parts = [error.message, error.detail, error.hint]
    return f"[{error.sqlstate}] postgres:{b64encode(json.dumps(parts).encode()).decode()}"
