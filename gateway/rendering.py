"""The engine's part of a query in the engine's SQL."""

from __future__ import annotations

from gateway.evaluation.evaluator import Evaluator
from gateway.sql.engine_dialect.differences import expect_infinity
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.nested_columns import nested_columns, reads_as_text, write_as_json
from gateway.sql.engine_dialect.render import Rendered, render_with_calls
from gateway.sql.engine_dialect.with_materialized import Once
from optimizer.copies import copied
from optimizer.stages import Fragmented


def rendered_fragments(
    fragmented: Fragmented,
    session: Session,
    evaluator: Evaluator | None,
    *,
    infinite: bool = False,
    once: Once = Once.NEVER,
    is_large: bool = False,
) -> Rendered:
    """Return the SQL over the relations of fragments. Where PostgreSQL is called in it, or their text is asked for,
    columns of structs and maps, and of lists of such, are written as json first, which is what PostgreSQL reads. With
    ``infinite``, a parameter's value is an infinite moment. ``once`` says which WITH queries are to be computed once,
    ``is_large`` that the tables are so large that another form is worth its time.
    """
    whole = fragmented.tree
    if infinite:
        whole = copied(whole)
        expect_infinity(whole.walk())
    rendered = render_with_calls(whole, session, evaluator, once, is_large=is_large)
    nested = [(part.relation, found) for part in fragmented.fragments if (found := nested_columns(part.snapshot.table))]
    if evaluator is None or not nested or not (rendered.calls or reads_as_text(whole, session)):
        return rendered
    tree = copied(whole)
    written = [write_as_json(tree, relation, columns, evaluator.json_function) for relation, columns in nested]
    return render_with_calls(tree, session, evaluator, once, is_large=is_large) if any(written) else rendered
