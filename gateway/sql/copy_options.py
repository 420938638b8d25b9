"""The options of COPY: PostgreSQL's own checks and errors, in its order, for the direction that is served (TO)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from catalog.errors import SqlError
from catalog.names import always_quoted, quote_literal
from catalog.sqlstate import SqlState


class Star(Enum):
    """``*`` as an option's argument."""

    STAR = "*"


Argument = str | int | Star | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Option:
    """An option as it was written; ``position`` counts characters of the statement from 1."""

    name: str
    argument: Argument
    position: int


class Format(Enum):
    """What COPY writes; the last two are the gateway's own."""

    TEXT = "text"
    CSV = "csv"
    BINARY = "binary"
    ARROW = "arrow"
    PARQUET = "parquet"

    @property
    def is_lines(self) -> bool:
        """Whether it is lines of text."""
        return self in (Format.TEXT, Format.CSV)


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """The options of a ``COPY TO``, checked, with PostgreSQL's defaults. ``force_quote``: names, or all of them.
    ``encoding`` is as written, None for the client's.
    """

    format: Format = Format.TEXT
    delimiter: str = "\t"
    null: str = "\\N"
    header: bool = False
    quote: str = '"'
    escape: str = '"'
    force_quote: tuple[str, ...] | Star = ()
    encoding: str | None = None


_UNSAFE = "\\.abcdefghijklmnopqrstuvwxyz0123456789"
_TRUE, _FALSE = frozenset({"true", "on"}), frozenset({"false", "off"})
# PostgreSQL's names and aliases of encodings, letters and digits alone.
_ENCODINGS = frozenset(
    """
    abc alt big5 euccn eucjis2004 eucjp euckr euctw gb18030 gbk iso88591 iso885910 iso885913 iso885914 iso885915
    iso885916 iso88592 iso88593 iso88594 iso88595 iso88596 iso88597 iso88598 iso88599 johab koi8 koi8r koi8u latin1
    latin10 latin2 latin3 latin4 latin5 latin6 latin7 latin8 latin9 mskanji muleinternal shiftjis shiftjis2004 sjis
    sqlascii tcvn tcvn5712 uhc unicode utf8 vscii win win1250 win1251 win1252 win1253 win1254 win1255 win1256 win1257
    win1258 win866 win874 win932 win936 win949 win950 windows1250 windows1251 windows1252 windows1253 windows1254
    windows1255 windows1256 windows1257 windows1258 windows866 windows874 windows932 windows936 windows949 windows950
    """.split()  # noqa: SIM905
)


def checked(options: Sequence[Option]) -> CopyOptions:
    """Return what the options say. Raises SqlError with PostgreSQL's errors."""
    given: dict[str, object] = {}
    for option in options:
        read = _READERS.get(option.name)
        if read is None:
            raise _error(SqlState.SYNTAX_ERROR, f'option "{option.name}" not recognized', option)
        if option.name in given:
            raise _error(SqlState.SYNTAX_ERROR, "conflicting or redundant options", option)
        given[option.name] = read(option)
    form = given.get("format", Format.TEXT)
    assert isinstance(form, Format)
    if form in (Format.ARROW, Format.PARQUET):
        return _check_file(form, given)
    return _check_lines(form, given)


def _check_file(form: Format, given: Mapping[str, object]) -> CopyOptions:
    for name in given:
        if name != "format":
            raise _invalid_syntax(f"cannot specify {name.upper()} in {form.name} mode")
    return CopyOptions(form)


def _check_lines(form: Format, given: Mapping[str, object]) -> CopyOptions:
    binary, csv = form is Format.BINARY, form is Format.CSV
    for name in ("delimiter", "null", "default"):
        if binary and name in given:
            raise _invalid_syntax(f"cannot specify {name.upper()} in BINARY mode")
    delimiter = str(given.get("delimiter", "," if csv else "\t"))
    null = str(given.get("null", "" if csv else "\\N"))
    quote = str(given.get("quote", '"'))
    escape = str(given.get("escape", quote))
    _check_delimiter(delimiter, null, str(given.get("default", "")), csv=csv)
    if binary and given.get("header"):
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "cannot specify HEADER in BINARY mode")
    _check_quotes(given, delimiter, csv=csv)
    _check_rest(given, csv=csv, binary=binary)
    if delimiter in null:
        raise _invalid("COPY delimiter character must not appear in the NULL specification")
    if csv and quote in null:
        raise _invalid("CSV quote character must not appear in the NULL specification")
    _check_direction(given, ("freeze",))
    if "default" in given:
        raise _unsupported("COPY DEFAULT cannot be used with COPY TO")
    force, encoding = given.get("force_quote", ()), given.get("encoding")
    assert isinstance(force, tuple | Star)
    header = bool(given.get("header"))
    return CopyOptions(form, delimiter, null, header, quote, escape, force, None if encoding is None else str(encoding))


def _check_delimiter(delimiter: str, null: str, default: str, *, csv: bool) -> None:
    if len(delimiter.encode()) != 1:
        raise _unsupported("COPY delimiter must be a single one-byte character")
    if delimiter in "\r\n":
        raise _invalid("COPY delimiter cannot be newline or carriage return")
    for what, text in (("null", null), ("default", default)):
        if "\r" in text or "\n" in text:
            raise _invalid(f"COPY {what} representation cannot use newline or carriage return")
    if not csv and delimiter in _UNSAFE:
        raise _invalid(f'COPY delimiter cannot be "{delimiter}"')


def _check_quotes(given: Mapping[str, object], delimiter: str, *, csv: bool) -> None:
    for name in ("quote", "escape"):
        if name not in given:
            continue
        if not csv:
            raise _unsupported(f"COPY {name.upper()} requires CSV mode")
        if len(str(given[name]).encode()) != 1:
            raise _unsupported(f"COPY {name} must be a single one-byte character")
        if name == "quote" and given[name] == delimiter:
            raise _invalid("COPY delimiter and quote must be different")
    if csv and "quote" not in given and delimiter == '"':
        raise _invalid("COPY delimiter and quote must be different")


def _check_rest(given: Mapping[str, object], *, csv: bool, binary: bool) -> None:
    for name in ("force_quote", "force_not_null", "force_null"):
        if given.get(name) and not csv:
            raise _unsupported(f"COPY {name.upper()} requires CSV mode")
        if name != "force_quote":
            _check_direction(given, (name,))


def _check_direction(given: Mapping[str, object], names: Sequence[str]) -> None:
    for name in names:
        if name in given and given[name] is not False:
            raise _invalid(f"COPY {name.upper()} cannot be used with COPY TO")


def written(options: CopyOptions) -> str:
    """Return the options as SQL writes them, all that a format has, in UTF8 where no encoding was named."""
    shown = {"FORMAT": options.format.value, "ENCODING": quote_literal(options.encoding or "UTF8")}
    if options.format.is_lines:
        shown |= {"DELIMITER": quote_literal(options.delimiter), "NULL": quote_literal(options.null)}
    if options.header:
        shown["HEADER"] = "true"
    if options.format is Format.CSV:
        shown |= {"QUOTE": quote_literal(options.quote), "ESCAPE": quote_literal(options.escape)}
        if options.force_quote:
            names = options.force_quote
            listed = "*" if isinstance(names, Star) else f"({', '.join(map(always_quoted, names))})"
            shown["FORCE_QUOTE"] = listed
    return ", ".join(f"{name} {value}" for name, value in shown.items())


# One option -----------------------------------------------------------------------------------------------------------


def _string(option: Option) -> str:
    argument = option.argument
    if argument is None:
        raise _invalid_syntax(f"{option.name} requires a parameter")
    if isinstance(argument, Star):
        return "*"
    return ".".join(argument) if isinstance(argument, tuple) else str(argument)


def _boolean(option: Option) -> bool:
    return _choice(option, f"{option.name} requires a Boolean value")


def _choice(option: Option, message: str) -> bool:
    argument = option.argument
    if argument is None:
        return True
    if isinstance(argument, int) and argument in (0, 1):
        return bool(argument)
    word = _string(option).lower() if not isinstance(argument, int) else ""
    if word not in _TRUE | _FALSE:
        raise _invalid_syntax(message)
    return word in _TRUE


def _header(option: Option) -> bool:
    if isinstance(option.argument, str) and option.argument.lower() == "match":
        raise _unsupported(f'cannot use "{option.argument}" with HEADER in COPY TO')
    return _choice(option, f'{option.name} requires a Boolean value or "match"')


def _format(option: Option) -> Format:
    name = _string(option)
    known = {one.value: one for one in Format}
    if name not in known:
        raise _error(SqlState.INVALID_PARAMETER_VALUE, f'COPY format "{name}" not recognized', option)
    return known[name]


def _columns(option: Option) -> tuple[str, ...] | Star:
    if not isinstance(option.argument, tuple | Star):
        message = f'argument to option "{option.name}" must be a list of column names'
        raise _error(SqlState.INVALID_PARAMETER_VALUE, message, option)
    return option.argument


def _encoding(option: Option) -> str:
    name = _string(option)
    if "".join(letter for letter in name.lower() if letter.isalnum()) not in _ENCODINGS:
        message = f'argument to option "{option.name}" must be a valid encoding name'
        raise _error(SqlState.INVALID_PARAMETER_VALUE, message, option)
    return name


def _on_error(option: Option) -> str:
    raise _error(SqlState.INVALID_PARAMETER_VALUE, "COPY ON_ERROR cannot be used with COPY TO", option)


def _verbosity(option: Option) -> str:
    name = _string(option)
    if name.lower() not in {"silent", "default", "verbose"}:
        message = f'COPY LOG_VERBOSITY "{name}" not recognized'
        raise _error(SqlState.INVALID_PARAMETER_VALUE, message, option)
    return name


def _reject_limit(option: Option) -> str:
    raise _invalid("COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE")


_READERS: Mapping[str, Callable[[Option], object]] = {
    "format": _format,
    "freeze": _boolean,
    "delimiter": _string,
    "null": _string,
    "default": _string,
    "header": _header,
    "quote": _string,
    "escape": _string,
    "force_quote": _columns,
    "force_not_null": _columns,
    "force_null": _columns,
    "encoding": _encoding,
    "on_error": _on_error,
    "log_verbosity": _verbosity,
    "reject_limit": _reject_limit,
}


def _error(state: SqlState, message: str, option: Option) -> SqlError:
    return SqlError(state, message, position=option.position)


def _invalid(message: str) -> SqlError:
    return SqlError(SqlState.INVALID_PARAMETER_VALUE, message)


def _invalid_syntax(message: str) -> SqlError:
    return SqlError(SqlState.SYNTAX_ERROR, message)


def _unsupported(message: str) -> SqlError:
    return SqlError(SqlState.FEATURE_NOT_SUPPORTED, message)
