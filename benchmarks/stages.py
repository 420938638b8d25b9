"""What the gateway does to a statement before the engine has it, in this process: stage by stage, or all at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlglot import exp

from catalog.function_database import open_function_database
from catalog.names import TableName
from catalog.principals import Principal
from catalog.server import start
from catalog.tables import Catalog, Table
from gateway.evaluation.evaluator import Evaluator
from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.engine_dialect.inference import annotate
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.render import Rendered, render_with_calls
from gateway.sql.engine_dialect.with_materialized import Once
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve, schema_of
from optimizer.copies import copied
from optimizer.optimize import optimize
from optimizer.relations import relations
from optimizer.stages import Resolved
from policies.access import Access
from policies.govern import govern
from policies.policy_reader import KeptRelations

_ROLE = Principal("bench", frozenset({"bench"}), superuser=True)
_SECRET = b"of the benchmarks"


@contextmanager
def evaluating() -> Iterator[Evaluator]:
    """Have a PostgreSQL that tells the types of expressions, as a gateway has one, for the length of a block."""
    with tempfile.TemporaryDirectory() as directory:
        server = start(Path(directory) / "functions", lasting=False)
        try:
            evaluator = Evaluator(open_function_database(server, _SECRET))
            yield evaluator
            evaluator.close()
        finally:
            server.stop()


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages over some tables, whose schema is in the search path. Nothing is kept between two statements."""

    names: Names
    evaluator: Evaluator

    def parse(self, text: str) -> exp.Query:
        """Read a query."""
        tree = parse(text)
        assert isinstance(tree, exp.Query)
        return tree

    def resolve(self, tree: exp.Query) -> Resolved:
        """Find what its names mean, and its types."""
        return resolve(tree, references(tree, self.names), self.names)

    def type(self, resolved: Resolved) -> exp.Query:
        """Find the types of a copy anew: a part of what `resolve` does."""
        schema = schema_of(resolved.tables.values(), self.names)
        return annotate(copied(resolved.tree), schema, types=self.evaluator)

    def optimize(self, resolved: Resolved) -> exp.Query:
        """Govern and optimize it; tables lose their schema, which the engine does not have."""
        governed = govern(resolved, _ROLE, Access(), policy_reader(self.names, KeptRelations()))
        tree = optimize(governed).tree.copy()
        for relation in [*relations(tree)]:
            relation.base.set("db", None)
        return tree

    def render(self, tree: exp.Query) -> Rendered:
        """Write it as the engine's SQL."""
        return render_with_calls(tree, Session(), self.evaluator, Once.CHEAPER)

    def rendered(self, text: str) -> Rendered:
        """Do it all."""
        return self.render(self.optimize(self.resolve(self.parse(text))))


def stages(tables: Mapping[TableName, Table], evaluator: Evaluator) -> Stages:
    """Return the stages over tables."""
    schemas = {name.schema for name in tables}
    catalog = Catalog(1, {**tables}, dict.fromkeys(schemas))
    names = Names(catalog, frozenset(), tuple(sorted(schemas)), lambda name: True, types=evaluator)
    return Stages(names, evaluator)
