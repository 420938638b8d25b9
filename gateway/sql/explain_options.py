"""The options of EXPLAIN, as PostgreSQL reads them; two formats more: TREE for people, MERMAID for documents."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.tokens import Token

FORMATS = frozenset({"text", "xml", "json", "yaml", "tree", "mermaid"})
_FLAGS = ("analyze", "verbose", "costs", "buffers", "settings", "generic_plan", "timing", "summary", "memory", "wal")
_NEED_ANALYZE = ("wal", "timing")
_ON, _OFF = frozenset({"true", "on", "1"}), frozenset({"false", "off", "0"})
_SERIALIZES = frozenset({"none", "off", "text", "binary"})


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """What EXPLAIN was asked for; ``serialize`` is "" where that is left out."""

    analyze: bool = False
    verbose: bool = False
    format: str = "TEXT"
    costs: bool = True
    buffers: bool = False
    settings: bool = False
    generic_plan: bool = False
    timing: bool = False
    summary: bool = False
    memory: bool = False
    wal: bool = False
    serialize: str = ""

    def for_server(self) -> str:
        """Return the options for a PostgreSQL that plans the statement; every format but TEXT is made of its JSON."""
        shape = "TEXT" if self.format == "TEXT" else "JSON"
        flags = [f"{name.upper()} {'ON' if getattr(self, name) else 'OFF'}" for name in _FLAGS[:5]]
        flags += [f"SUMMARY {'ON' if self.summary else 'OFF'}", *(["MEMORY"] if self.memory else [])]
        flags += [f"TIMING {'ON' if self.timing else 'OFF'}"] if self.analyze else []
        flags += ["WAL"] if self.wal else []
        flags += [f"SERIALIZE {self.serialize}"] if self.serialize else []
        return ", ".join([*flags, f"FORMAT {shape}"])


def read_options(words: list[Token]) -> ExplainOptions:
    """Read what stands between the parentheses. Raises SqlError with PostgreSQL's errors."""
    given: dict[str, tuple[Token, str | None]] = {}
    for option in _split(words):
        name = _plain(option[0]).replace("analyse", "analyze")
        if name not in (*_FLAGS, "format", "serialize"):
            message = f'unrecognized EXPLAIN option "{name}"'
            raise SqlError(SqlState.SYNTAX_ERROR, message, position=option[0].start + 1)
        given[name] = option[0], _plain(option[1]) if len(option) > 1 else None
    flags = {name: _flag(name, given[name][1]) for name in _FLAGS if name in given}
    options = _with_defaults(flags, _format(given), _serialize(given))
    _require_consistent(options, flags)
    return options


def _split(words: list[Token]) -> list[list[Token]]:
    options: list[list[Token]] = [[]]
    for word in words:
        if word.text == ",":
            options.append([])
        else:
            options[-1].append(word)
    return [option for option in options if option]


def _plain(word: Token) -> str:
    text = word.text
    if word.kind in {"string", "quoted"} or text[:1] in {"'", '"'}:
        return text[1:-1]
    return text.lower()


def _flag(name: str, value: str | None) -> bool:
    if value is None or value.lower() in _ON:
        return True
    if value.lower() in _OFF:
        return False
    raise SqlError(SqlState.SYNTAX_ERROR, f"{name} requires a Boolean value")


def _format(given: dict[str, tuple[Token, str | None]]) -> str:
    word, value = given.get("format", (None, "text"))
    if word is not None and value is None:
        raise SqlError(SqlState.SYNTAX_ERROR, "format requires a parameter")
    if word is not None and value not in FORMATS:
        raise _unrecognized(word, "format", value)
    return (value or "text").upper()


def _serialize(given: dict[str, tuple[Token, str | None]]) -> str:
    if "serialize" not in given:
        return ""
    word, value = given["serialize"]
    if value is not None and value not in _SERIALIZES:
        raise _unrecognized(word, "serialize", value)
    return "" if value in {"none", "off"} else (value or "text").upper()


def _unrecognized(word: Token, name: str, value: str | None) -> SqlError:
    message = f'unrecognized value for EXPLAIN option "{name}": "{value}"'
    return SqlError(SqlState.INVALID_PARAMETER_VALUE, message, position=word.start + 1)


def _with_defaults(flags: dict[str, bool], shape: str, serialize: str) -> ExplainOptions:
    analyze = flags.get("analyze", False)
    usual = {"costs": True, "timing": analyze, "summary": analyze, "buffers": analyze}
    return ExplainOptions(format=shape, serialize=serialize, **(usual | flags))


def _require_consistent(options: ExplainOptions, flags: dict[str, bool]) -> None:
    if not options.analyze:
        needed = [name.upper() for name in _NEED_ANALYZE if flags.get(name)]
        needed += ["SERIALIZE"] if options.serialize else []
        if needed:
            raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f"EXPLAIN option {needed[0]} requires ANALYZE")
    if options.analyze and options.generic_plan:
        message = "EXPLAIN options ANALYZE and GENERIC_PLAN cannot be used together"
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, message)
