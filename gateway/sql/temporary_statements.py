"""Statements on temporary relations of a session: which forms there are, what they name, and the query in them.

What they do is PostgreSQL's affair, in the client's own session of the mirror. Here is read, from the tokens alone,
which relations such a statement makes or changes, which must be temporary ones, and where its query stands, which may
read the lake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.sql.tokens import Token, tokens

_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})
_KINDS = frozenset({"TABLE", "VIEW", "SEQUENCE"})
_CHANGED = frozenset({"TABLE", "INDEX", "SEQUENCE"})  # by ALTER and DROP; views are statements of access elsewhere
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})


@dataclass(frozen=True, slots=True)
class Written:
    """A relation's name as a statement writes it; ``schema`` is "" where there is none. Names are as PostgreSQL reads
    them, ``position`` counts characters from 1.
    """

    schema: str
    name: str
    position: int

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class TemporaryStatement:
    """A statement on temporary relations.

    ``command`` names it in errors. ``changed`` are those that must be temporary ones of the session, ``made`` is one
    that it makes. ``query`` is where its query stands, from and to, and ``ends`` says that PostgreSQL is not to fill
    the table (WITH NO DATA). ``into`` is where SELECT has its INTO clause.
    """

    command: str
    changed: tuple[Written, ...] = ()
    made: Written | None = None
    query: tuple[int, int] | None = None
    no_data: bool = False
    into: tuple[int, int] | None = None
    is_view: bool = False
    has_check_option: bool = False
    is_recursive: bool = False
    optional: bool = False  # IF EXISTS


def is_temporary_statement(part: Sequence[Token]) -> bool:
    """Say whether a statement has a form that temporary relations may be made or changed by. Whether those it names are
    temporary is not known here.
    """
    words = [_word(token) for token in part]
    head = words[0]
    if head == "CREATE":
        return _makes_temporary(part, words) or "INDEX" in words[1:3]
    if head in {"ALTER", "DROP"}:
        return words[1:2] != [] and words[1] in _CHANGED
    if head == "ANALYZE":
        return len(words) > 1
    if head in {"SELECT", "WITH"}:
        return _into(words) is not None or (head == "WITH" and _main_verb(words) is not None)
    return head in _CHANGES or head == "TRUNCATE"


def temporary_statement(text: str) -> TemporaryStatement:
    """Read a statement for which `is_temporary_statement` holds. What is not understood is left to PostgreSQL: then
    nothing is named, and nothing is read as a query.
    """
    part = tokens(text)
    words = [_word(token) for token in part]
    head = words[0]
    if head == "CREATE":
        return _index(part, words) if "INDEX" in words[1:3] else _creation(text, part, words)
    if head in {"ALTER", "DROP"}:
        return _changed_relation(part, words)
    if head in {"TRUNCATE", "ANALYZE"}:
        return _listed(part, words)
    into = _into(words)
    if into is not None:
        return _selected_into(text, part, words, into)
    verb = 0 if head in _CHANGES else _main_verb(words)
    return TemporaryStatement(head) if verb is None else _change(text, part, words, verb)


def _makes_temporary(part: Sequence[Token], words: Sequence[str]) -> bool:
    rest = [*words[1:7]]
    if rest[:2] == ["OR", "REPLACE"]:
        rest = rest[2:]
    if rest[:1] in (["LOCAL"], ["GLOBAL"]):
        rest = rest[1:]
    if rest[:1] and rest[0] in _TEMPORARY:
        rest = [word for word in rest[1:3] if word != "RECURSIVE"]
        return rest[:1] != [] and rest[0] in _KINDS
    if rest[:1] and rest[0] in {"TABLE", "VIEW"}:
        at = words.index(rest[0])
        name, _ = _name(part, _behind(words, at + 1, "IF", "NOT", "EXISTS"))
        return name is not None and name.schema == "pg_temp"
    return False


def _creation(text: str, part: Sequence[Token], words: Sequence[str]) -> TemporaryStatement:
    at = next(index for index, word in enumerate(words) if word in _KINDS)
    kind = words[at]
    command = f"CREATE TEMPORARY {kind}"
    made, end = _name(part, _behind(words, at + 1, "IF", "NOT", "EXISTS"))
    where = _at_depth_0(words, end, {"AS"}) if kind != "SEQUENCE" else None
    if made is None or where is None or where + 1 >= len(part):
        return TemporaryStatement(command, made=made, is_view=kind == "VIEW")
    last = len(part)
    no_data = words[-3:] == ["WITH", "NO", "DATA"]
    if no_data:
        last -= 3
    elif words[-2:] == ["WITH", "DATA"]:
        last -= 2
    if kind == "VIEW":
        checked = _check_option(words)
        span = (part[where + 1].start, part[last - checked - 1].end)
        view = TemporaryStatement(command, made=made, query=span, is_view=True, has_check_option=checked > 0)
        return replace(view, is_recursive="RECURSIVE" in words[:at])
    span = (part[where + 1].start, part[last - 1].end)
    return TemporaryStatement(command, made=made, query=span, no_data=no_data)


def _check_option(words: Sequence[str]) -> int:
    """Return how many words WITH CHECK OPTION has at a statement's end."""
    if [*words[-2:]] != ["CHECK", "OPTION"]:
        return 0
    return 4 if words[-3] in {"LOCAL", "CASCADED"} else 3


def _index(part: Sequence[Token], words: Sequence[str]) -> TemporaryStatement:
    on = _at_depth_0(words, 2, {"ON"})
    changed, _ = _name(part, _behind(words, on + 1, "ONLY")) if on is not None else (None, 0)
    return TemporaryStatement(f"CREATE {words[1]}", (changed,) if changed is not None else ())


def _changed_relation(part: Sequence[Token], words: Sequence[str]) -> TemporaryStatement:
    command, at = f"{words[0]} {words[1]}", 2
    if words[1:3] == ["INDEX", "CONCURRENTLY"]:
        at += 1
    start = _behind(words, at, "IF", "EXISTS")
    names = _names(part, words, _behind(words, start, "ONLY"), several=words[0] == "DROP")
    return TemporaryStatement(command, names, optional=start > at)


def _listed(part: Sequence[Token], words: Sequence[str]) -> TemporaryStatement:
    at = _behind(words, 1, "TABLE") if words[0] == "TRUNCATE" else _behind(words, 1, "VERBOSE")
    if words[at : at + 1] == ["("] and words[0] == "ANALYZE":
        at = closing(part, at) + 1
    return TemporaryStatement(words[0], _names(part, words, _behind(words, at, "ONLY"), several=True))


def _selected_into(text: str, part: Sequence[Token], words: Sequence[str], into: int) -> TemporaryStatement:
    at = into + 1
    is_temporary = False
    if words[at : at + 1] in (["LOCAL"], ["GLOBAL"]):
        at += 1
    if words[at : at + 1] and words[at] in _TEMPORARY:
        at, is_temporary = at + 1, True
    made, end = _name(part, _behind(words, at, "TABLE"))
    if made is None or not (is_temporary or made.schema == "pg_temp"):
        return TemporaryStatement("SELECT INTO")
    span = (part[into].start, part[end - 1].end)
    return TemporaryStatement("SELECT INTO", made=made, query=(0, len(text)), into=span)


def _change(text: str, part: Sequence[Token], words: Sequence[str], verb: int) -> TemporaryStatement:
    command, at = words[verb], verb + 1
    if words[at : at + 1] in (["INTO"], ["FROM"]):
        at += 1
    changed, end = _name(part, _behind(words, at, "ONLY"))
    if changed is None:
        return TemporaryStatement(command)
    query = _inserted(part, words, end) if command == "INSERT" and verb == 0 else None
    return TemporaryStatement(command, (changed,), query=query)


def _inserted(part: Sequence[Token], words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Return where the query of ``INSERT INTO name`` stands, None where it has none."""
    if words[at : at + 1] == ["AS"]:
        at += 2
    if words[at : at + 1] == ["("] and words[at + 1 : at + 2] and words[at + 1] not in _QUERIES:
        at = closing(part, at) + 1
    if words[at : at + 1] == ["OVERRIDING"]:
        at += 3
    if at >= len(words) or words[at] not in _QUERIES:
        return None
    end, depth = len(words), 0
    for index in range(at, len(words)):
        depth += (words[index] == "(") - (words[index] == ")")
        if depth == 0 and (words[index] == "RETURNING" or words[index : index + 2] == ["ON", "CONFLICT"]):
            end = index
            break
    return part[at].start, part[end - 1].end


def _into(words: Sequence[str]) -> int | None:
    """Return where the INTO of a SELECT stands."""
    main = 0 if words[0] == "SELECT" else _at_depth_0(words, 1, {"SELECT", *_CHANGES}, behind=")")
    if main is None or words[main] != "SELECT":
        return None
    found = _at_depth_0(words, main, {"INTO", "FROM", "WHERE", "UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT"})
    return found if found is not None and words[found] == "INTO" else None


def _main_verb(words: Sequence[str]) -> int | None:
    """Return where INSERT, UPDATE, DELETE or MERGE stands behind WITH."""
    found = _at_depth_0(words, 1, {"SELECT", "VALUES", "TABLE", *_CHANGES}, behind=")")
    return found if found is not None and words[found] in _CHANGES else None


def _at_depth_0(words: Sequence[str], start: int, wanted: set[str], behind: str = "") -> int | None:
    depth = 0
    for index in range(start, len(words)):
        depth += (words[index] == "(") - (words[index] == ")")
        if depth == 0 and words[index] in wanted and (not behind or words[index - 1] == behind):
            return index
    return None


def closing(words: Sequence[Token], opening: int) -> int:
    """Return the place of the parenthesis that closes the one at ``opening``."""
    depth = 0
    for index in range(opening, len(words)):
        depth += (words[index].text == "(") - (words[index].text == ")")
        if depth == 0:
            return index
    return len(words) - 1


def _behind(words: Sequence[str], at: int, *optional: str) -> int:
    """Return the place behind words if they stand there, else the place itself."""
    return at + len(optional) if [*words[at : at + len(optional)]] == [*optional] else at


def _names(part: Sequence[Token], words: Sequence[str], at: int, *, several: bool) -> tuple[Written, ...]:
    found = []
    while True:
        name, end = _name(part, at)
        if name is None:
            return ()
        found.append(name)
        if words[end : end + 1] == ["*"]:
            end += 1
        if words[0] == "ANALYZE" and words[end : end + 1] == ["("]:
            end = closing(part, end) + 1
        if not several or words[end : end + 1] != [","]:
            return tuple(found)
        at = _behind(words, end + 1, "ONLY")


def _name(part: Sequence[Token], at: int) -> tuple[Written | None, int]:
    """Return the name that stands at a place, and the place behind it; None where there is none to be understood."""
    names: list[str] = []
    start = at
    while at < len(part) and (name := identifier(part[at])) is not None:
        names.append(name)
        at += 1
        if at >= len(part) or part[at].text != ".":
            break
        at += 1
    if not names or len(names) > 2:
        return None, at
    return Written(names[0] if len(names) == 2 else "", names[-1], part[start].start + 1), at


def identifier(token: Token) -> str | None:
    """Return an identifier as PostgreSQL reads it, None for what is none, or has escapes of its own."""
    if token.kind == "word":
        return "".join(letter.lower() if letter.isascii() else letter for letter in token.text)
    if token.kind == "quoted" and token.text[0] == '"':
        return token.text[1:-1].replace('""', '"')
    return None


def _word(token: Token) -> str:
    return token.text.upper() if token.kind in {"word", "sign"} else ""
