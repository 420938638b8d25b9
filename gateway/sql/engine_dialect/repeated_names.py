"""Columns of one name in an item of FROM: the later ones get names that nobody can speak of, since in PostgreSQL they
are ambiguous.

What is written out is named so when it is read (`column_names`). What a star stands for is known with the tables alone:
``SELECT * FROM (SELECT * FROM a JOIN b ON …) s ORDER BY 1``. `qualify` leaves the outer star where the inner one has
a name twice, and then knows no first column.
"""

from __future__ import annotations

from collections import Counter

from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from gateway.sql.engine_dialect.build import named
from optimizer.census import Census
from optimizer.copies import copied

_BY_PLACE = ("order", "group", "distinct")


def tell_apart(tree: exp.Query, schema: MappingSchema, census: Census) -> None:
    """Name the columns of items of FROM anew, in place, where names repeat."""
    for alias in census.find_all(exp.TableAlias):
        if len(alias.columns) > 1:
            _rename(alias.columns)
    if not _speaks_of_places(census):
        return
    while unknown := [one for one in tree.find_all(exp.Select) if _may_repeat(one)]:
        if not _spell_out(tree, unknown, schema):
            return


def _rename(names: list[exp.Identifier]) -> None:
    given = [one.name if one.args.get("quoted") else one.name.lower() for one in names]
    seen: Counter[str] = Counter()
    for name, folded in zip(names, given, strict=True):
        seen[folded] += 1
        if seen[folded] > 1:
            while (fresh := f"{folded}:{seen[folded]}") in given:
                seen[folded] += 1
            name.replace(exp.to_identifier(fresh, quoted=True))


def _speaks_of_places(census: Census) -> bool:
    """Whether a query whose outputs are stars speaks of them by their place."""
    return any(
        one.is_star and any(_is_place(key) for clause in _BY_PLACE for key in _keys(one.args.get(clause)))
        for one in census.find_all(exp.Select, exp.SetOperation)
    )


def _keys(clause: object) -> list[exp.Expr]:
    on = clause.args.get("on") if isinstance(clause, exp.Distinct) else clause
    if not isinstance(on, exp.Expr):  # of a set operation only whether its rows differ
        return []
    return [one.this if isinstance(one, exp.Ordered) else one for one in on.expressions]


def _is_place(key: exp.Expr) -> bool:
    return isinstance(key, exp.Literal) and key.is_int


def _may_repeat(select: exp.Select) -> bool:
    """Whether it is an item of FROM whose stars may stand for columns of one name."""
    holder = select.parent
    while isinstance(holder, exp.SetOperation | exp.Paren):
        holder = holder.parent
    if not isinstance(holder, exp.Subquery | exp.CTE) or not select.is_star:
        return False
    return len(select.expressions) > 1 or bool(select.args.get("joins"))


def _spell_out(tree: exp.Query, selects: list[exp.Select], schema: MappingSchema) -> bool:
    """Put the columns in the place of stars, in place, where they are known. Returns whether one was."""
    places = {id(one): place for place, one in enumerate(tree.find_all(exp.Select))}
    probe = copied(tree)
    probed = [*probe.find_all(exp.Select)]
    for one in probe.find_all(exp.Select, exp.SetOperation):
        for clause in _BY_PLACE:
            one.set(clause, None)
    qualify(probe, schema=schema, dialect="postgres", quote_identifiers=True, validate_qualify_columns=False)
    found = False
    for select in selects:
        columns = probed[places[id(select)]].expressions
        if not any(one.is_star for one in columns):
            found = True
            shown = [one if isinstance(one, exp.Alias) else named(one, one.alias_or_name) for one in columns]
            select.set("expressions", [copied(one) for one in shown])
            _rename([one.args["alias"] for one in select.expressions])
    return found
