"""Golden scripts of resolve, govern, optimize and fragment over a catalogue in memory.

Commands: ``resolve``, ``govern``, ``optimize`` (prints the query after each rule that changed it), ``rule NAME`` (one
rule alone), ``fragment`` (what each source runs), ``dynamic`` (by which keys relations are read, each by its
number) and ``parts`` (which subqueries a server could answer, what it is asked, and what the engine makes of that).
``path=a,b`` sets the search path, ``as=NAME`` who asks, ``parameters=a,b`` the types of ``$1 …``; with ``statistics``
the rules are told those of TPC-H at scale 1.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import SqlError
from catalog.principals import Principal
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import references, resolve
from gateway.sql.statements import parse_query
from optimizer.cardinality import Statistics
from optimizer.dynamic_filters import left_by
from optimizer.fragment import fragment
from optimizer.optimize import NO_STATISTICS, RULES, apply, optimize, steps
from optimizer.remote_parts import Candidate, choose_parts
from optimizer.server_tables import Servers
from optimizer.stages import DynamicFilter, Fragmented, Governed, Optimized, Resolved
from policies.govern import check_governed, govern
from policies.policy_reader import KeptRelations
from tests.plans.lake import ACCESS, CATALOG, PRINCIPALS, SOURCES, STATISTICS, names
from tests.scripts import Block, check

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*"))


def _resolved(text: str, path: tuple[str, ...], parameters: tuple[str, ...]) -> Resolved:
    tree = parse_query(text)
    assert tree is not None, "sqlglot cannot parse it"
    return resolve(tree, references(tree, names(path)), names(path), parameters)


def _governed(resolved: Resolved, principal: Principal) -> Governed:
    governed = govern(resolved, principal, ACCESS, policy_reader(names(), KeptRelations(), ACCESS))
    check_governed(optimize(replace(governed, tree=governed.tree.copy())).tree, governed.tables, principal, ACCESS)
    return governed


def _run(block: Block) -> str:
    command, *options = block.command.split()
    path = next((tuple(o[5:].split(",")) for o in options if o.startswith("path=")), ("public",))
    types = next((tuple(o[11:].split(",")) for o in options if o.startswith("parameters=")), ())
    try:
        return _command(command, options, _resolved(block.text, path, types))
    except SqlError as error:
        parts = [f"ERROR {error.sqlstate}: {error.message}"]
        parts += [f"HINT: {error.hint}"] if error.hint else []
        parts += [f"POSITION: {error.position}"] if error.position else []
        return "\n".join(parts)


def _principal(options: list[str]) -> Principal:
    return PRINCIPALS[next((option[3:] for option in options if option.startswith("as=")), "analyst")]


def _command(command: str, options: list[str], resolved: Resolved) -> str:
    if command == "resolve":
        return resolved.tree.sql("postgres", pretty=True)
    governed = _governed(resolved, _principal(options))
    statistics = STATISTICS if "statistics" in options else NO_STATISTICS
    if command == "govern":
        return governed.tree.sql("postgres", pretty=True)
    if command == "rule":
        rule = next(rule for rule in RULES if rule.__name__ == options[0])
        servers = Servers(governed.tables, lambda *_: None)
        return apply(rule, governed.tree, statistics, servers).sql("postgres", pretty=True)
    if command == "optimize":
        shown = [f"{rule}: {tree.sql('postgres', comments=False)}" for rule, tree in steps(governed, statistics)]
        return "\n".join(shown) or "no rule applies"
    if command == "parts":
        servers = Servers(governed.tables, lambda *_: None)
        return _parts(optimize(governed, statistics, servers=servers), statistics, servers)
    optimized = optimize(governed, statistics)
    if command == "dynamic":
        return "\n".join(map(_filter, optimized.dynamic)) or "no filter pays"
    assert command == "fragment", command
    pins = {one.name: SOURCES[one.source].pin(one) for one in CATALOG.tables.values()}
    return _shown(fragment(optimized, pins, SOURCES))


def _filter(one: DynamicFilter) -> str:
    left = f"{left_by(one, one.keys):,.0f} of {one.rows.alone:,.0f}"
    return f"{one.target}.{one.column}: {one.keys:,.0f} keys leave {left} rows by {one.query.sql('postgres')}"


def _parts(optimized: Optimized, statistics: Statistics, servers: Servers) -> str:
    lines: list[str] = []

    def take(found: Candidate) -> None:
        outputs = ", ".join(one.sql("postgres") for one in found.outputs)
        lines.append(f"{found.name} by {found.source}: {found.sent.sql('postgres')}")
        lines.append(f"  as {outputs}")

    kept = (*servers.kept, *choose_parts(optimized, statistics, take))
    return "\n".join([*lines, *(f"{one.name} is kept: {one.reason}" for one in kept)]) or "no part"


def _shown(fragmented: Fragmented) -> str:
    text = fragmented.tree.sql("postgres")
    lines = []
    for number, part in enumerate(fragmented.fragments):
        text = text.replace(part.relation, f"scan_{number}")
        queries = getattr(part.scan, "queries", None)
        late = ", late" if getattr(part.scan, "late", False) else ""
        lines.append(f"scan_{number} = {part.snapshot.table.name} version {part.snapshot.version}: " + (
            queries[0] if queries else f"files{late}, columns {', '.join(part.columns)}"
        ))  # fmt: skip
        lines += [f"  pushed {one.column} {one.operator} {[v.as_py() for v in one.values]}" for one in part.pushed]
        lines += [f"  prunes {one.column} {one.operator} {[v.as_py() for v in one.values]}" for one in part.pruning]
        lines += [f"  kept {condition}: {reason}" for condition, reason in part.kept]
    return "\n".join([text, *lines])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script(path: Path, rewrite: bool) -> None:
    """Each script gives what it says."""
    check(path, _run, rewrite=rewrite)
