"""``json_table`` and ``json_query``: PostgreSQL evaluates them; what they take beside the document is text of its own.

The parser does not read their clauses. `json_clauses` reads them word by word, before it, and writes them anew of
nothing but key words, names, types that are built in and constants: so what PostgreSQL is sent holds no other
expression. A call is then ``json_query(document, clauses)``; ``json_table`` has the names of its columns behind them,
and each column is an array that the engine takes apart. The expressions behind PASSING stand between both.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

from catalog.errors import SqlError
from gateway.sql.engine_dialect.build import refuse
from gateway.values.registry import BY_OID, declared_type
from optimizer.copies import copied

_COLUMN = "json_table_column"  # a call of it is the array of a column's values
_CLAUSES = "clauses"  # in the meta of a call: its second argument is no value
_FUNCTIONS = frozenset({"json_table", "json_query", "json_exists"})
_PLACE = "\0"  # in clauses: where the next of the expressions stands that are passed
_MADE = "\0"  # before the name of a call that `json_clauses` has made; no text of a client can hold it
CALLED = _FUNCTIONS | {"json_value"}
"""Names of calls that `json_clauses` reads; ``json_value`` the parser reads too, but for PASSING."""
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET})
_WORDS = frozenset(
    (
        *("WITH", "WITHOUT", "CONDITIONAL", "UNCONDITIONAL", "ARRAY", "WRAPPER", "KEEP", "OMIT", "QUOTES", "ON"),
        *("SCALAR", "STRING", "NULL", "ERROR", "EMPTY", "OBJECT", "DEFAULT", "TRUE", "FALSE", "UNKNOWN", "EXISTS"),
    )
)
_SHORT = {"int": "integer", "float": "double precision", "decimal": "numeric", "dec": "numeric", "char": "character"}
_SPOKEN = frozenset({"regproc", "regclass", "regtype", "oid", "xid", "cid", "xml"})  # types of the database itself


def json_clauses(tokens: list[Token]) -> list[Token]:
    """Put calls that the parser reads in the place of those that it does not."""
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        if not _is_call(tokens, at):
            kept.append(tokens[at])
            at += 1
            continue
        end, comma = _extent(tokens, at + 1)
        document, said = tokens[at + 2 : comma], tokens[comma + 1 : end]
        name = tokens[at].text.lower()
        if name == "json_value" and not any(_is_passing(one) for one in said):
            kept += [*tokens[at : at + 2], *json_clauses(document), *tokens[comma : end + 1]]
        elif name == "json_table" or len(said) > 1:
            kept += _call(tokens[at], name, json_clauses(document), said)
        else:
            kept += [*tokens[at : at + 2], *json_clauses(document), *tokens[comma : end + 1]]
        at = end + 1
    return kept


def _is_call(tokens: list[Token], at: int) -> bool:
    token = tokens[at]
    if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER) or token.text.lower() not in CALLED:
        return False
    return at + 1 < len(tokens) and tokens[at + 1].token_type is TokenType.L_PAREN


def _extent(tokens: list[Token], opening: int) -> tuple[int, int]:
    """Return where the parentheses that open there end, and where the first comma between them stands."""
    depth, comma = 0, 0
    for at in range(opening, len(tokens)):
        kind = tokens[at].token_type
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth == 1 and kind is TokenType.COMMA and not comma:
            comma = at
        if depth == 0:
            return at, comma or at
    raise ParseError("parentheses are not closed")


def _is_passing(token: Token) -> bool:
    return token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER) and token.text.upper() == "PASSING"


def _call(place: Token, name: str, document: list[Token], said: list[Token]) -> list[Token]:
    reader = _Reader(said, name)
    clauses = reader.table() if name == "json_table" else reader.query()

    def word(kind: TokenType, text: str) -> Token:
        return Token(kind, text, place.line, place.col, place.start, place.end)

    made = [word(TokenType.VAR, _MADE + name), word(TokenType.L_PAREN, "("), *document]
    made += [word(TokenType.COMMA, ","), word(TokenType.STRING, clauses)]
    for passed in reader.passed:
        made += [word(TokenType.COMMA, ","), *json_clauses(passed)]
    for text in reader.columns:
        made += [word(TokenType.COMMA, ","), word(TokenType.STRING, text)]
    return [*made, word(TokenType.R_PAREN, ")")]


class _Reader:
    """Reads what stands behind the document, and writes it anew."""

    def __init__(self, tokens: list[Token], function: str) -> None:
        self._tokens = tokens
        self._function = function
        self._at = 0
        self.columns: list[str] = []
        self.passed: list[list[Token]] = []

    def table(self) -> str:
        """``path [AS name] [PASSING …] COLUMNS (…) [ERROR ON ERROR]``."""
        written = [self._constant()]
        if self._takes("AS"):
            written.append(f"AS {self._name()}")
        written += self._passing()
        written.append(self._columns())
        while not self._ended():
            written.append(self._word())
        return " ".join(written)

    def query(self) -> str:
        """``path [PASSING …] [RETURNING type] [WITH WRAPPER] [OMIT QUOTES] [… ON EMPTY] [… ON ERROR]``."""
        written = [self._constant(), *self._passing()]
        if self._takes("RETURNING"):
            written.append(f"RETURNING {self._type()}")
        while not self._ended():
            written.append(self._word())
        return " ".join(written)

    def _passing(self) -> list[str]:
        """Read ``PASSING a AS x, b AS y``: the expressions are kept, and places for them written."""
        if not self._takes("PASSING"):
            return []
        written: list[str] = []
        while True:
            start, depth = self._at, 0
            while not self._ended() and (depth or not self._is("AS")):
                kind = self._tokens[self._at].token_type
                depth += (kind in _OPENING) - (kind in _CLOSING)
                self._at += 1
            self.passed.append(self._tokens[start : self._at])
            if self._at == start or not self._takes("AS"):
                raise self._refused()
            written.append(f"{_PLACE} AS {self._name()}")
            if not self._takes(","):
                return [f"PASSING {', '.join(written)}"]

    def _columns(self) -> str:
        if not self._takes("COLUMNS") or not self._takes("("):
            raise self._refused()
        written = [self._column()]
        while self._takes(","):
            written.append(self._column())
        if not self._takes(")"):
            raise self._refused()
        return f"COLUMNS ({', '.join(written)})"

    def _column(self) -> str:
        if self._is("NESTED") and (self._is("PATH", 1) or self._is_constant(1)):
            self._at += 1
            self._takes("PATH")
            path = self._constant()
            alias = f" AS {self._name()}" if self._takes("AS") else ""
            return f"NESTED PATH {path}{alias} {self._columns()}"
        name = self._name()
        self.columns.append(name[1:-1].replace('""', '"'))
        if self._is("FOR") and self._is("ORDINALITY", 1):
            self._at += 2
            return f"{name} FOR ORDINALITY"
        written = [name, self._type()]
        while not (self._ended() or self._is(",") or self._is(")")):
            if self._takes("FORMAT"):
                if not self._takes("JSON"):
                    raise self._refused()
                written.append("FORMAT JSON")
            elif self._takes("PATH"):
                written.append(f"PATH {self._constant()}")
            else:
                written.append(self._word())
        return " ".join(written)

    def _type(self) -> str:
        """Read a type that is built in, and no array: columns are arrays already."""
        words: list[str] = []
        while not self._ended() and (self._is_of_type() or not words):
            text = self._tokens[self._at].text.lower()
            self._at += 1
            if text == "(":
                words[-1:] = [words[-1] + self._modifiers()]
            else:
                words.append(_SHORT.get(text, text))
        written = " ".join(words)
        try:
            oid, _ = declared_type(written)
        except SqlError:
            raise self._refused(f"type {written}") from None
        if oid not in BY_OID or BY_OID[oid].name in _SPOKEN or BY_OID[oid].name.startswith("reg"):
            raise self._refused(f"type {written}")
        return written

    def _is_of_type(self) -> bool:
        if self._is("WITH") or self._is("WITHOUT"):
            return self._is("TIME", 1)
        return any(self._is(word) for word in ("(", "PRECISION", "VARYING", "TIME", "ZONE"))

    def _modifiers(self) -> str:
        written = ""
        while not self._ended() and not self._is(")"):
            token = self._tokens[self._at]
            if token.token_type not in (TokenType.NUMBER, TokenType.COMMA):
                raise self._refused()
            written += token.text
            self._at += 1
        self._at += 1
        return f"({written})"

    def _word(self) -> str:
        token = self._tokens[self._at]
        if self._is("-") and self._is_constant(1):
            self._at += 1
            return f"-{self._constant()}"
        if self._is_constant(0):
            return self._constant()
        if token.token_type is TokenType.IDENTIFIER or token.text.upper() not in _WORDS:
            raise self._refused()
        self._at += 1
        return token.text.upper()

    def _is_constant(self, ahead: int) -> bool:
        at = self._at + ahead
        return at < len(self._tokens) and self._tokens[at].token_type in (TokenType.STRING, TokenType.NUMBER)

    def _constant(self) -> str:
        if not self._is_constant(0):
            raise self._refused()
        token = self._tokens[self._at]
        self._at += 1
        if token.token_type is TokenType.NUMBER:
            return str(float(token.text)) if not token.text.replace(".", "", 1).isdigit() else token.text
        if "\\" in token.text:
            raise self._refused("a backslash in it")  # how it is meant depends on the kind of constant
        return "'" + token.text.replace("'", "''") + "'"

    def _name(self) -> str:
        if self._ended():
            raise self._refused()
        token = self._tokens[self._at]
        self._at += 1
        quoted = token.token_type is TokenType.IDENTIFIER
        if not quoted and not token.text.isidentifier():
            raise self._refused()
        name = token.text if quoted else token.text.lower()
        return '"' + name.replace('"', '""') + '"'

    def _is(self, word: str, ahead: int = 0) -> bool:
        at = self._at + ahead
        if at >= len(self._tokens) or self._tokens[at].token_type in (TokenType.IDENTIFIER, TokenType.STRING):
            return False
        return self._tokens[at].text.upper() == word

    def _takes(self, word: str) -> bool:
        found = self._is(word)
        self._at += found
        return found

    def _ended(self) -> bool:
        return self._at >= len(self._tokens)

    def _refused(self, what: str = "this clause") -> SqlError:
        return refuse(f"{self._function} with {what}", "Paths, defaults and types have to be constants and built in.")


def json_calls(tree: exp.Expr) -> None:
    """Give the calls that `json_clauses` has made their names back, in place, and note what the second argument is. A
    constant without a type is a document.
    """
    for value in tree.find_all(exp.JSONValue):
        _give_type(value.this)
    for node in tree.find_all(exp.Anonymous):
        if node.name.startswith(_MADE):
            node.set("this", node.name.removeprefix(_MADE))
            node.meta[_CLAUSES] = True
            _give_type(node.expressions[0])
        elif node.name.lower() in _FUNCTIONS and node.expressions:
            _give_type(node.expressions[0])


def _give_type(document: exp.Expr) -> None:
    if isinstance(document, exp.Literal) and document.is_string:
        document.replace(exp.Cast(this=copied(document), to=exp.DataType.build("jsonb", dialect="postgres")))


def is_marked(node: exp.Expr) -> bool:
    """Whether a node is a call with clauses."""
    return isinstance(node, exp.Anonymous) and bool(node.meta.get(_CLAUSES))


def columns(table: exp.Anonymous) -> list[tuple[str, exp.Expr]]:
    """Return the columns of ``json_table``: their names, and the array of the values of each."""
    before, names = _parts(table)
    found: list[tuple[str, exp.Expr]] = []
    for name in names:
        one = exp.Anonymous(this=_COLUMN, expressions=[*(copied(part) for part in before), copied(name)])
        one.meta[_CLAUSES] = True
        found.append((name.name, one))
    return found


def _parts(call: exp.Anonymous) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """Return the document, the clauses and what is passed; and the names of columns."""
    behind = 2 + call.expressions[1].name.count(_PLACE)
    return call.expressions[:behind], call.expressions[behind:]


def spell_out(expression: exp.Expr, written: Callable[[exp.Expr], str]) -> exp.Expr:
    """Write the calls with clauses as PostgreSQL reads them, in place. Returns the expression."""
    for node in reversed([one for one in expression.find_all(exp.Anonymous) if is_marked(one)]):
        (document, clauses, *passed), names = _parts(node)
        said = clauses.name
        for one in passed:
            said = said.replace(_PLACE, f"({written(one)})", 1)
        text = f"({written(document)}, {said})"
        if node.name == _COLUMN:
            name = names[0].name.replace('"', '""')
            text = f'ARRAY(SELECT t."{name}" FROM json_table{text} AS t)'
        else:
            text = f"{node.name}{text}"
        made = exp.Var(this=text)
        if node is expression:
            return made
        node.replace(made)
    return expression
