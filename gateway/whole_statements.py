"""Which queries one source's server answers alone, and what it is sent: the second end of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from catalog.principals import Principal
from catalog.scans import Source
from connectors.postgres.source import PostgresSource
from gateway.relay.source_relay import WholeStatement
from gateway.sql.engine_dialect.after_qualify import is_row_by_name
from gateway.sql.repeatable import has_words_of_the_clock
from gateway.sql.source_words import has_allowed_words
from optimizer.copies import copied
from optimizer.optimize import SOURCE_RULES, optimize
from optimizer.relations import relations
from optimizer.stages import Governed
from policies.govern import Readable, check_governed


def get_whole(
    governed: Governed,
    principal: Principal,
    access: Readable,
    sources: Mapping[str, Source],
    functions: frozenset[str],
) -> WholeStatement | None:
    """Write a query for the server of the one source that has all of its tables; None where there is no such source, or
    the query cannot be written with one meaning. ``functions`` are those that a server may call. Blocks.
    """
    named = {table.source for table in governed.tables.values()}
    readers = {relation.reader for relation in relations(governed.tree)}
    if len(named) != 1 or len(readers) != 1:
        return None
    source, reader = sources.get(*named), *readers
    if not isinstance(source, PostgresSource) or reader is None:
        return None
    if any(is_row_by_name(row) for row in governed.tree.find_all(exp.Tuple)):
        return None
    optimized = optimize(replace(governed, tree=copied(governed.tree)), rules=SOURCE_RULES)
    check_governed(optimized.tree, optimized.tables, principal, access)
    written = source.whole_statement(optimized.tree, optimized.tables)
    if written is None or not has_allowed_words(written.text, functions):
        return None
    is_lasting = not has_words_of_the_clock(governed.tree)
    return WholeStatement(source.name, reader, written.text, written.guarded, is_lasting)
