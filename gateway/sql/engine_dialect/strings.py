"""Text: concatenation, pieces of strings, formatting."""

from __future__ import annotations

import re

from sqlglot import exp

from gateway.sql.engine_dialect import patterns
from gateway.sql.engine_dialect.blanks import with_blanks
from gateway.sql.engine_dialect.build import arrow_cast, call, case, cast, number, paren, refuse, text, typed
from gateway.sql.engine_dialect.casts import to_type
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.texts import as_text
from optimizer.copies import copied

_SMALL = 1_000  # times, or characters
_LEAST_INTEGER = -(2**31)


def concatenate(node: exp.DPipe, session: Session) -> exp.Expr:
    """``a || b`` of text: what is not text is written as PostgreSQL writes it."""
    if Kind.BYTEA in (kind(node.left), kind(node.right)):
        parts = (
            to_type(part, T.VARBINARY.into_expr(), session) if kind(part) is Kind.UNKNOWN else part
            for part in (node.left, node.right)
        )
        return call("bytea_concat", *parts, returns=T.VARBINARY)
    if Kind.JSON in (kind(node.left), kind(node.right)):
        raise refuse("|| of jsonb")
    for key, side in (("this", node.left), ("expression", node.right)):
        node.set(key, _told_text(side) if isinstance(side.unnest(), exp.Parameter) else paren(as_text(side, session)))
    return node


def _told_text(parameter: exp.Expr) -> exp.Expr:
    """Return a parameter with its type: of two beside each other the engine finds none."""
    return cast(parameter, "TEXT") if kind(parameter) in (Kind.TEXT, Kind.UNKNOWN) else paren(parameter)


def concat(node: exp.Func, session: Session) -> exp.Expr:
    """``concat`` and ``concat_ws`` leave NULLs out, in both; a boolean is written t or f here."""
    name = "concat_ws" if isinstance(node, exp.ConcatWs) else "concat"
    return call(name, *(_output(argument, session) for argument in node.expressions), returns="TEXT")


def _output(value: exp.Expr, session: Session) -> exp.Expr:
    """Return a value as its type's output function writes it."""
    if kind(value) is Kind.BOOL:
        return case((value, text("t")), (exp.Not(this=exp.Paren(this=copied(value))), text("f")))
    return with_blanks(value) if kind(value) is Kind.BPCHAR else as_text(value, session)


def substring(node: exp.Substring) -> exp.Expr:
    """``substring``: with a constant text in place of the position it is a regular expression."""
    start, length = node.args.get("start"), node.args.get("length")
    if kind(node.this) is Kind.BYTEA:
        raise refuse("substring of bytea")
    if start is None:
        start = number(1)
    if kind(start) in (Kind.TEXT, Kind.UNKNOWN):
        if length is not None:
            raise refuse("substring with an SQL pattern", "Use substring(text from 'regular expression').")
        return patterns.first_match(node.this, start)
    parts = [node.this, cast(start, "BIGINT")] + ([cast(length, "BIGINT")] if length is not None else [])
    return call("substr", *parts, returns="TEXT")


def trim(node: exp.Trim) -> exp.Expr:
    """``trim``, ``btrim``, ``ltrim``, ``rtrim``."""
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "btrim")
    if kind(node.this) is Kind.BYTEA:
        raise refuse("trim of bytea")
    characters = node.args.get("expression")
    return call(name, node.this, *([characters] if characters is not None else []), returns="TEXT")


def length(node: exp.Length) -> exp.Expr:
    """``length``: of bytea in bytes."""
    if kind(node.this) is Kind.BYTEA:
        return bytes_of(node.this)
    return cast(call("character_length", node.this, returns="INT"), "INT")


def octet_length(node: exp.Anonymous) -> exp.Expr:
    """``octet_length``: the engine's is for text alone."""
    value = node.expressions[0]
    if kind(value) is Kind.BYTEA:
        return bytes_of(value)
    return cast(call("octet_length", with_blanks(value), returns="INT"), "INT")


def bytes_of(value: exp.Expr) -> exp.Expr:
    """Return the number of bytes of a bytea: half of its hexadecimal digits."""
    digits = call("character_length", call("encode", value, text("hex"), returns="TEXT"), returns="INT")
    return cast(exp.Div(this=digits, expression=number(2)), "INT")


def position(node: exp.StrPosition) -> exp.Expr:
    """``position`` and ``strpos``."""
    if node.args.get("position") is not None or node.args.get("occurrence") is not None:
        raise refuse("strpos with a start")
    return cast(call("strpos", node.this, node.args["substr"], returns="INT"), "INT")


def pad(node: exp.Pad) -> exp.Expr:
    """``lpad`` and ``rpad``."""
    fill = node.args.get("fill_pattern")
    name = "lpad" if node.args.get("is_left") else "rpad"
    length: exp.Expr = cast(node.expression, "BIGINT")
    if not _is_small(node.expression):
        length = call("pad_length", call("greatest", length, number(0), returns="BIGINT"), returns="BIGINT")
    parts = [node.this, length] + ([fill] if fill is not None else [])
    return call(name, *parts, returns="TEXT")


def repeat(node: exp.Repeat) -> exp.Expr:
    """``repeat``: the engine does not take a negative count."""
    times = call("greatest", cast(node.args["times"], "BIGINT"), number(0), returns="BIGINT")
    if not _is_small(node.args["times"]):
        times = call("repeat_count", copied(node.this), times, returns="BIGINT")
    return call("repeat", node.this, times, returns="TEXT")


def _is_small(count: exp.Expr) -> bool:
    """Whether a count is a constant that is no danger to memory."""
    bare = count.unnest()
    return isinstance(bare, exp.Literal) and bare.is_int and int(bare.name) <= _SMALL


def character(node: exp.Chr) -> exp.Expr:
    """``chr``: zero is no character, and other numbers that are none have PostgreSQL's errors."""
    code = call("character_number", cast(node.expressions[0], "BIGINT"), returns=T.BIGINT)
    return call("chr", code, returns=T.TEXT)


def in_case(node: exp.Func) -> exp.Expr:
    """``upper`` and ``lower``: the engine makes two letters of some, as ``SS`` of ``ß``. Of texts that have one byte a
    letter it makes none, on all cores, and in less time where they lie end to end.
    """
    name = "upper" if isinstance(node, exp.Upper) else "lower"
    value, own = node.this, call(f"{name}_text", node.this, returns="TEXT")
    if not isinstance(value.unnest(), exp.Column):
        return own
    lengths = [call(f"{unit}_length", copied(value), returns="INT") for unit in ("octet", "character")]
    has_others = exp.NEQ(this=lengths[0], expression=lengths[1])
    plain = call(name, arrow_cast(copied(value), "Utf8", "TEXT"), returns="TEXT")
    return typed(case((has_others, own), default=plain), "TEXT")


def initcap(node: exp.Initcap) -> exp.Expr:
    """``initcap``: without sqlglot's list of delimiters."""
    return call("initcap", node.this, returns="TEXT")


def md5(node: exp.MD5) -> exp.Expr:
    """``md5``: the engine's is a view on text, which its own casts trip over."""
    return cast(call("md5", node.this, returns="TEXT"), "TEXT")


def encode(node: exp.Expr) -> exp.Expr:
    """``encode`` and ``decode``: hex and base64."""
    form = node.args.get("charset")
    if not isinstance(form, exp.Literal) or form.name.lower() not in ("hex", "base64"):
        raise refuse("this encoding", "hex and base64 are.")
    if isinstance(node, exp.Encode):
        name = "base64pad" if form.name.lower() == "base64" else "hex"
        return call("encode", node.this, text(name), returns="TEXT")
    digits = call(f"{form.name.lower()}_digits", node.this, returns="TEXT")
    return call("decode", digits, text(form.name.lower()), returns="BYTEA")


def format_text(node: exp.Format, session: Session) -> exp.Expr:
    """``format`` with a constant template of ``%s`` and ``%%``."""
    template = node.this
    if not (isinstance(template, exp.Literal) and template.is_string):
        raise refuse("format with a template that is not a constant")
    pieces: list[exp.Expr] = []
    values = iter(node.expressions)
    for piece in re.findall(r"%[^%]|%%|[^%]+|%", template.name):
        if piece == "%s":
            value = next(values, None)
            if value is None:
                raise refuse("format with too few arguments")
            pieces.append(_output(value, session))
        elif piece.startswith("%") and piece != "%%":
            raise refuse(f"format's '{piece}'", "%s and %% are.")
        else:
            pieces.append(text("%" if piece == "%%" else piece))
    return call("concat", *pieces, returns="TEXT") if pieces else text("")


def split_part(node: exp.SplitPart) -> exp.Expr:
    """``split_part``: the position as the engine's integer."""
    return call(
        "split_part", node.this, node.args["delimiter"], cast(node.args["part_index"], "BIGINT"), returns="TEXT"
    )


def edge(node: exp.Expr) -> exp.Expr:
    """``left`` and ``right``. Without the least of integers PostgreSQL takes the whole text: that has no opposite."""
    count: exp.Expr = cast(node.expression, "BIGINT")
    if isinstance(node, exp.Left):
        return call("left", node.this, count, returns="TEXT")
    if not isinstance(node.expression.unnest(), exp.Literal):
        whole = exp.EQ(this=copied(count), expression=number(_LEAST_INTEGER))
        count = case((whole, number(-_LEAST_INTEGER)), default=count)
    return call("right", node.this, count, returns="TEXT")


def overlay(node: exp.Overlay) -> exp.Expr:
    """``overlay(text placing new from n for m)``."""
    parts = [node.this, node.expression, cast(node.args["from_"], "BIGINT")]
    if node.args.get("for_") is not None:
        parts.append(cast(node.args["for_"], "BIGINT"))
    return call("overlay", *parts, returns="TEXT")


_MATCHING = (exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike)


def blank_padded(node: exp.Column) -> exp.Expr:
    """A ``char(n)`` column, padded with blanks: they do not count in comparisons, lengths and functions, but where the
    column is matched with a pattern.

    Where the column itself is put out, grouped or sorted it keeps them, if its source has them.
    """
    if kind(node) is not Kind.BPCHAR:
        return node
    parent = node.parent
    whole: exp.Expr = node
    while isinstance(parent, exp.Paren):
        whole, parent = parent, parent.parent
    if isinstance(parent, _MATCHING) and whole is parent.this:
        return with_blanks(node)
    plain = (exp.Alias, exp.Group, exp.Ordered, exp.Select, exp.Distinct, exp.Cast, exp.Min, exp.Max, exp.Count,
             exp.Window, exp.Case, exp.If, exp.Coalesce, exp.Is)  # fmt: skip
    if isinstance(parent, plain):
        return node
    return typed(call("rtrim", node, returns="TEXT"), copied(type_of(node)))
