"""A parser, by recursive descent, of the statements on masking policies, tags and masking secrets.

PostgreSQL has no words for them; their grammar follows its own. Types and expressions are not read here but cut out, by
the parentheses around them: PostgreSQL itself reads them, in the mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.store.rows import PolicyState
from gateway.sql import masking_statements as ast
from gateway.sql.masking_statements import Expression, MaskingStatement, Place
from gateway.sql.statement_reader import StatementReader

_OPENING = {"(": ")", "[": "]"}
_MASKS = (("MASKING", "POLICY"), ("MASKING", "SECRET"), ("TAG",))
_STATES = {"DRAFT": PolicyState.DRAFT, "SHADOW": PolicyState.SHADOW, "ENFORCE": PolicyState.ENFORCED}
_TAGGED = frozenset({"TABLE", "VIEW", "SCHEMA", "DATABASE"})


def is_masking_statement(words: Sequence[str]) -> bool:
    """Say whether a statement is one of these, by its words in upper case: all of them, in order."""
    head, rest = words[0], list(words[1:])
    if head not in {"CREATE", "ALTER", "DROP"}:
        return False
    if head == "CREATE" and rest[:2] == ["OR", "REPLACE"]:
        rest = rest[2:]
    if head == "CREATE" and rest[:1] in (["DRAFT"], ["SHADOW"]) and rest[1:2] == ["MASKING"]:
        rest = rest[1:]
    if any(tuple(rest[: len(mask)]) == mask for mask in _MASKS):
        return True
    if head != "ALTER" or not rest or rest[0] not in _TAGGED:
        return False
    return any(one in {"SET", "UNSET"} and other in {"TAG", "MASKING"} for one, other in pairwise(rest))


def parse_masking(text: str) -> MaskingStatement:
    """Parse one statement. Raises SqlError: 42601 with the position in the text, 42622 and 0A000 for names."""
    return _Parser(text).statement()


class _Parser(StatementReader):
    """Reads one statement from its first word to its last."""

    # --- statements ---

    def statement(self) -> MaskingStatement:
        if self._takes("CREATE"):
            found = self._create()
        elif self._takes("ALTER"):
            found = self._alter()
        elif self._takes("DROP"):
            found = self._drop()
        else:
            raise self._error()
        if self._at < len(self._tokens):
            raise self._error()
        return found

    def _create(self) -> MaskingStatement:
        replaces = self._takes("OR", "REPLACE")
        state = self._state(enforced=False)
        if self._takes("MASKING", "POLICY"):
            return self._create_policy(replaces, state or PolicyState.ENFORCED)
        if replaces or state is not None:
            raise self._error()
        if self._takes("MASKING", "SECRET"):
            absent = self._takes("IF", "NOT", "EXISTS")
            return ast.CreateSecret(self._name(), absent)
        self._require("TAG")
        absent = self._takes("IF", "NOT", "EXISTS")
        name = self._name()
        values = self._listed(self._string) if self._takes("VALUES") else None
        return ast.CreateTag(name, values, absent)

    def _state(self, *, enforced: bool) -> PolicyState | None:
        for word, state in _STATES.items():
            if (enforced or state is not PolicyState.ENFORCED) and self._takes(word):
                return state
        return None

    def _create_policy(self, replaces: bool, state: PolicyState) -> MaskingStatement:
        start = self._at
        absent = self._takes("IF", "NOT", "EXISTS")
        if absent and replaces:
            raise self._error(start)
        name = self._name()
        at = self._at
        parameters = self._listed(self._parameter)
        names = [one for one, _ in parameters]
        if len(set(names)) < len(names):
            raise self._error(at, "a parameter's name is used twice")
        self._require("RETURNS")
        returns = self._type(until=("AS",))
        self._require("AS")
        return ast.CreatePolicy(name, parameters, returns, self._expression(), replaces, absent, state)

    def _alter(self) -> MaskingStatement:
        if self._takes("MASKING", "POLICY"):
            name = self._name()
            if self._takes("RENAME", "TO"):
                return ast.RenamePolicy(name, self._name())
            state = self._state(enforced=True)
            if state is not None:
                return ast.SetPolicyState(name, state)
            self._require("SET", "BODY", "AS")
            return ast.SetPolicyBody(name, self._expression())
        if self._takes("MASKING", "SECRET"):
            name = self._name()
            self._require("ROTATE")
            return ast.RotateSecret(name)
        if self._takes("TAG"):
            name = self._name()
            sets = self._sets()
            self._require("MASKING", "POLICY")
            policy = self._name()
            return ast.SetTagPolicy(name, policy) if sets else ast.UnsetTagPolicy(name, policy)
        if self._takes("SCHEMA"):
            return self._tag(Place(schema=self._name()), self._sets())
        if self._takes("DATABASE"):
            return self._tag(Place(database=self._name()), self._sets())
        is_view = self._takes("VIEW")
        if not is_view:
            self._require("TABLE")
        return self._alter_table(is_view)

    def _alter_table(self, is_view: bool) -> MaskingStatement:
        table = replace(self._relation(), is_view=is_view)
        if not self._takes("ALTER"):
            return self._tag(Place(table=table), self._sets())
        self._takes("COLUMN")
        column = self._name()
        sets = self._sets()
        if not self._takes("MASKING", "POLICY"):
            return self._tag(Place(table=table, column=column), sets)
        if not sets:
            return ast.UnsetColumnPolicy(table, column)
        policy = self._name()
        arguments = self._listed(self._name) if self._takes("USING") else ()
        return ast.SetColumnPolicy(table, column, policy, arguments)

    def _drop(self) -> MaskingStatement:
        if self._takes("MASKING", "POLICY"):
            made: Callable[[str, bool], MaskingStatement] = ast.DropPolicy
        elif self._takes("MASKING", "SECRET"):
            made = ast.DropSecret
        else:
            self._require("TAG")
            made = ast.DropTag
        there = self._takes("IF", "EXISTS")
        name = self._name()
        if self._peek() == "CASCADE":
            raise SqlError(
                SqlState.FEATURE_NOT_SUPPORTED,
                "CASCADE is not supported here",
                hint="Take it off what depends on it first.",
                position=self._tokens[self._at].start + 1,
            )
        self._takes("RESTRICT")
        return made(name, there)

    def _sets(self) -> bool:
        if self._takes("UNSET"):
            return False
        self._require("SET")
        return True

    def _tag(self, place: Place, sets: bool) -> MaskingStatement:
        self._require("TAG")
        tag = self._name()
        if not sets:
            return ast.UnsetTag(place, tag)
        self._require("=")
        return ast.SetTag(place, tag, self._string())

    # --- parts ---

    def _parameter(self) -> tuple[str, str]:
        return self._name(), self._type(until=(",", ")"))

    def _type(self, until: tuple[str, ...]) -> str:
        """Cut out a type: what stands before one of the words, outside of parentheses."""
        start = self._at
        while self._at < len(self._tokens) and self._peek() not in until:
            self._skip()
        if self._at == start:
            raise self._error()
        return self._text[self._tokens[start].start : self._tokens[self._at - 1].end]

    def _expression(self) -> Expression:
        """Cut out an expression: all that is left. Its parentheses must match, for it is put into some."""
        start = self._at
        while self._at < len(self._tokens):
            self._skip()
        if self._at == start:
            raise self._error()
        begin = self._tokens[start].start
        return Expression(self._text[begin : self._tokens[-1].end], begin)

    def _skip(self) -> None:
        """Pass one token, or all from an opening parenthesis to the one that closes it."""
        waiting: list[str] = []
        while True:
            if self._at >= len(self._tokens):
                raise self._error()
            token = self._tokens[self._at]
            sign = token.text if token.kind == "sign" else ""
            if sign == ";" or (sign in {")", "]"} and (not waiting or waiting.pop() != sign)):
                raise self._error()
            if sign in _OPENING:
                waiting.append(_OPENING[sign])
            self._at += 1
            if not waiting:
                return
