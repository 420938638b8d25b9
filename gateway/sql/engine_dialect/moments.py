"""Dates, timestamps and intervals: arithmetic, fields, truncation, time zones.

Timestamps are microseconds without zone, timestamptz is microseconds labelled UTC; whatever depends on the session's
``TimeZone`` is made explicit here, so that the engine's own setting does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import intervals, kinds
from gateway.sql.engine_dialect.build import arrow_cast, call, case, cast, number, paren, refuse, text, typed
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.tuning import USUAL, Tuning
from gateway.values.settings import InputSettings, OutputSettings
from gateway.values.zones import named_zone, session_zone
from optimizer.copies import copied

STAMP = "TIMESTAMP(6)"
_FEW_DIGITS = 5  # of a number of days that no date of the lake's formats overflows by
ZONED = 'Timestamp(Microsecond, Some("UTC"))'
_TRUNCATED = frozenset(
    {"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"}
)
_LENGTHS = {"HOUR": 3_600_000_000, "MINUTE": 60_000_000, "SECOND": 1_000_000, "MILLISECOND": 1000, "MICROSECOND": 1}
_SIMPLE_FIELDS = frozenset(
    {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "DOW", "ISODOW", "DOY", "ISOYEAR"}
)
_PLURALS = {name + "S": name for name in ("YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MICROSECOND",
                                          "MILLISECOND", "DECADE")}  # fmt: skip
_INTERVAL_FIELDS = frozenset(
    {
        "YEAR",
        "QUARTER",
        "MONTH",
        "DAY",
        "HOUR",
        "MINUTE",
        "SECOND",
        "MILLISECOND",
        "MICROSECOND",
        "EPOCH",
        "DECADE",
        "CENTURY",
        "MILLENNIUM",
    }
)


_USUAL = OutputSettings()


@dataclass(frozen=True, slots=True)
class Session:
    """What of a session's settings changes a statement's meaning. ``style`` is how values look as text, and how
    constants are read; ``tuning`` changes no rows, but how they are found. ``records`` are the places of output columns
    whose records are to be structs, not texts: what takes them in binary.
    """

    time_zone: str = "UTC"
    style: OutputSettings = _USUAL
    tuning: Tuning = USUAL
    records: frozenset[int] = frozenset()

    @property
    def usual(self) -> Session:
        """The session as if it had changed nothing but its time zone: in it policies are read, and masks written, else
        ``left(born::text, 4)`` would show the day to who sets his DateStyle.
        """
        return Session(self.time_zone)

    @property
    def zone(self) -> exp.Literal:
        """The session's time zone by the engine's name for it."""
        return text(session_zone(self.time_zone))

    @property
    def reading(self) -> InputSettings:
        """How texts are read."""
        return replace(self.style.reading, time_zone=self.time_zone)


def utc(node: exp.Expr) -> exp.Expr:
    """Return a timestamptz labelled UTC."""
    return arrow_cast(node, ZONED, T.TIMESTAMPTZ)


def local(node: exp.Expr, session: Session) -> exp.Expr:
    """Return a timestamptz as the session's wall clock shows it, a timestamp; others as they are."""
    if kind(node) is not Kind.TIMESTAMPTZ:
        return node
    return wall_clock(node, session.zone)


def wall_clock(node: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """Return a timestamptz as the wall clock of a zone shows it, a timestamp."""
    if _is_utc(zone):
        return arrow_cast(node, "Timestamp(Microsecond, None)", T.TIMESTAMP)
    return call("to_local_time", in_zone(node, zone), returns=T.TIMESTAMP)


def _is_utc(zone: exp.Expr) -> bool:
    bare = zone.unnest()
    return isinstance(bare, exp.Literal) and bare.is_string and bare.name.upper() in ("UTC", "+00:00")


def in_zone(node: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """Return a timestamptz labelled with a zone, or a timestamp read as that zone's wall clock."""
    bare = zone.unnest()
    if not (isinstance(bare, exp.Literal) and bare.is_string):
        raise refuse("a time zone that is not a constant")
    return arrow_cast(node, f'Timestamp(Microsecond, Some("{bare.name}"))', T.TIMESTAMPTZ)


def stamp(node: exp.Expr, session: Session) -> exp.Expr:
    """Return a date, timestamp or timestamptz as timestamp of the session's wall clock."""
    found = kind(node)
    if found is Kind.TIMESTAMPTZ:
        return local(node, session)
    return node if found is Kind.TIMESTAMP else cast(node, STAMP)


def zoned(node: exp.Expr, session: Session) -> exp.Expr:
    """Return a date, timestamp or timestamptz as timestamptz."""
    if kind(node) is Kind.TIMESTAMPTZ:
        return node
    return read_in_zone(stamp(node, session), session.zone)


def read_in_zone(node: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """Return a timestamp, the wall clock of a zone, as timestamptz."""
    bare = zone.unnest()
    if _is_utc(zone):
        return utc(node)
    if not (isinstance(bare, exp.Literal) and bare.is_string):
        raise refuse("a time zone that is not a constant")
    return call("zone_to_utc", cast(node, STAMP), text(bare.name), returns=T.TIMESTAMPTZ)


def at_time_zone(node: exp.AtTimeZone, session: Session) -> exp.Expr:
    """``AT TIME ZONE``: the engine only changes the label, PostgreSQL goes between the two types. A date is a
    timestamptz to it, the midnight of the session's zone.
    """
    zone = node.args["zone"]
    bare = zone.unnest()
    if isinstance(bare, exp.Literal) and bare.is_string:
        zone = text(named_zone(bare.name))
    if kind(node.this) in (Kind.TIMESTAMPTZ, Kind.DATE):
        return wall_clock(zoned(node.this, session), zone)
    return read_in_zone(stamp(node.this, session), zone)


def add_or_subtract(node: exp.Binary, session: Session) -> exp.Expr:
    """``+`` and ``-`` of moments and intervals.

    The engine keeps a date plus an interval a date, gives a duration where PostgreSQL gives an interval (days and
    time of day), 64 bits for the days between two dates, adds days to a timestamptz in the zone of its label, and
    fails where months end in an hour that the zone's clock leaves out or repeats.
    """
    left, right = kind(node.left), kind(node.right)
    if Kind.UNKNOWN in (left, right):
        return node
    if Kind.DATE in (left, right) and kind(node) is Kind.DATE:
        return _date_and_days(node)
    if left is Kind.DATE and right is Kind.DATE:
        return cast(node, "INT")
    if left in kinds.MOMENTS and right in kinds.MOMENTS:
        return _between(node, session)
    if left is Kind.TIME and right is Kind.TIME:
        return call("time_minus", *(cast(side, "TIME") for side in (node.left, node.right)), returns=T.INTERVAL)
    if Kind.TIME in (left, right) and Kind.DATE in (left, right):
        return _date_and_time(node)
    if Kind.TIME in (left, right) and {left, right} & set(kinds.STAMPS):
        return _stamp_and_time(node, session)
    if Kind.INTERVAL in (left, right):
        return _moment_and_interval(node, session)
    return node


def _date_and_days(node: exp.Binary) -> exp.Expr:
    date, days = (node.left, node.right) if kind(node.left) is Kind.DATE else (node.right, node.left)
    bare = days.unnest()
    if isinstance(bare, exp.Literal) and len(bare.name) <= _FEW_DIGITS:
        return type(node)(this=date, expression=days)  # the engine has this one
    count = cast(days, "BIGINT")
    return call("date_plus", date, exp.Neg(this=count) if isinstance(node, exp.Sub) else count, returns=T.DATE)


def _between(node: exp.Binary, session: Session) -> exp.Expr:
    """A difference of timestamps. One with a zone makes both so: then it is the time that passed in UTC."""
    sides = (node.left, node.right)
    if any(kind(side) is Kind.TIMESTAMPTZ for side in sides):
        sides = (zoned(node.left, session), zoned(node.right, session))
    return call("timestamp_minus", *(cast(side, STAMP) for side in sides), returns=T.INTERVAL)


def _date_and_time(node: exp.Binary) -> exp.Expr:
    date, time = (node.left, node.right) if kind(node.left) is Kind.DATE else (node.right, node.left)
    return typed(exp.Add(this=cast(date, STAMP), expression=exp.Paren(this=since_midnight(time))), T.TIMESTAMP)


def _stamp_and_time(node: exp.Binary, session: Session) -> exp.Expr:
    """A time of day beside a timestamp is an interval to PostgreSQL."""
    for key, side in (("this", node.left), ("expression", node.right)):
        if kind(side) is Kind.TIME:
            node.set(key, typed(exp.Paren(this=since_midnight(side)), T.INTERVAL))
    return _moment_and_interval(node, session)


def since_midnight(time: exp.Expr) -> exp.Expr:
    """Return a time of day as the engine's interval."""
    return exp.Sub(this=cast(time, "TIME"), expression=cast(text("00:00:00"), "TIME"))


def _moment_and_interval(node: exp.Binary, session: Session) -> exp.Expr:
    if kind(node.left) is Kind.INTERVAL and kind(node.right) is not Kind.INTERVAL:  # the engine wants it last
        node = typed(exp.Add(this=node.right, expression=node.left), type_of(node))
    moment, span = node.left, node.right
    if kind(moment) is Kind.DATE:
        node.set("this", cast(moment, STAMP))
        return node
    if kind(moment) is Kind.TIMESTAMPTZ and session.time_zone != "UTC":
        name = "timestamptz_plus" if isinstance(node, exp.Add) else "timestamptz_minus"
        return call(name, moment, span, session.zone, returns=T.TIMESTAMPTZ)
    node.set("expression", paren(span))
    return node


def interval_factor(node: exp.Binary) -> exp.Expr:
    """``interval * number`` and ``interval / number``: unknown to the engine."""
    left, right = node.left, node.right
    span, factor = (left, right) if kind(left) is Kind.INTERVAL else (right, left)
    bare = factor.unnest()
    written = isinstance(bare, exp.Literal) and not bare.is_string  # 1e300 is no decimal
    amount: exp.Expr = cast(text(bare.name) if written else factor, "DOUBLE PRECISION")
    if isinstance(node, exp.Div):
        return call("interval_divided", span, amount, returns=T.INTERVAL)
    return intervals.times(span, amount)


def extract(node: exp.Extract, session: Session) -> exp.Expr:
    """``extract(field from x)``: numeric in PostgreSQL, integers or floats in the engine, which knows fewer fields."""
    written = node.name.upper()
    field = _PLURALS.get(written, written)
    source = node.expression
    if kind(source) is Kind.INTERVAL:
        if field not in _INTERVAL_FIELDS:
            raise refuse(f"extract({field.lower()} from interval)")
        if kinds.scale_of(type_of(node)) == 0:
            return call("interval_whole_field", text(field), source, returns=type_of(node))
        found: exp.Expr = call("interval_field", text(field), source, returns="DECIMAL")
        return typed(cast(found, type_of(node)), type_of(node))
    if field == "EPOCH":
        return _epoch(source, session)
    if kind(source) is Kind.DATE and field in _OF_THE_DAY:
        message = f'unit "{node.name.lower()}" not supported for type date'
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message)
    if kind(source) is Kind.TIME and field not in _OF_THE_DAY:
        raise refuse(f"extract({field.lower()} from time)")
    value = local(source, session)
    if field in ("SECOND", "MILLISECOND", "MICROSECOND"):
        return _seconds(value, field)
    if field not in (*_SIMPLE_FIELDS, "DECADE", "CENTURY", "MILLENNIUM"):
        raise refuse(f"extract({field.lower()} from …)")
    return typed(cast(_field(value, field), "DECIMAL(38, 0)"), "DECIMAL(38, 0)")


_OF_THE_DAY = frozenset({"HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"})


def _field(value: exp.Expr, field: str) -> exp.Expr:
    """The engine has a year 0, which is 1 BC, and PostgreSQL's -1."""
    if field in _SIMPLE_FIELDS:
        found = call("date_part", text(field.lower()), value, returns=T.INT)
        return _without_nought(found) if field in ("YEAR", "ISOYEAR") else found
    year = call("date_part", text("year"), value, returns=T.INT)
    if field == "DECADE":
        return call("floor", exp.Div(this=year, expression=cast(number(10), "DOUBLE PRECISION")), returns="FLOAT8")
    years = cast(number(100 if field == "CENTURY" else 1000), "DOUBLE PRECISION")
    earlier = exp.Paren(this=exp.Sub(this=copied(year), expression=number(1)))
    before = call("floor", exp.Div(this=earlier, expression=copied(years)), returns="FLOAT8")
    after = call("ceil", exp.Div(this=copied(year), expression=years), returns="FLOAT8")
    return case((exp.GT(this=year, expression=number(0)), after), default=before)


def _without_nought(year: exp.Expr) -> exp.Expr:
    is_before = exp.Paren(this=exp.LT(this=copied(year), expression=number(1)))
    return typed(exp.Paren(this=exp.Sub(this=year, expression=cast(is_before, "INT"))), T.INT)


def _seconds(value: exp.Expr, field: str) -> exp.Expr:
    micros = cast(call("date_part", text("microsecond"), value, returns=T.BIGINT), "DECIMAL(20, 0)")
    factor, scale = {"SECOND": ("0.000001", 6), "MILLISECOND": ("0.001", 3), "MICROSECOND": ("1", 0)}[field]
    return cast(exp.Mul(this=micros, expression=number(factor)), f"DECIMAL(20, {scale})")


def _epoch(source: exp.Expr, session: Session) -> exp.Expr:
    if kind(source) is Kind.DATE:
        days = cast(cast(source, "INT"), "DECIMAL(20, 0)")
        return cast(exp.Mul(this=days, expression=number(86400)), "DECIMAL(38, 0)")
    if kind(source) is Kind.TIME:
        raise refuse("extract(epoch from time)")
    return call("timestamp_epoch", cast(source, STAMP), returns="DECIMAL(20, 6)")


def truncate(node: exp.Expr, session: Session) -> exp.Expr:
    """``date_trunc``: of a date PostgreSQL's is a timestamptz of the session's zone; a timestamptz is cut there too."""
    unit = node.args["unit"].name.upper()
    unit = _PLURALS.get(unit, unit)
    if unit not in _TRUNCATED:
        raise refuse(f"date_trunc('{unit.lower()}', …)")
    value, found = node.this, kind(node.this)
    if found is Kind.INTERVAL:
        raise refuse("date_trunc of an interval")
    if found is Kind.DATE:
        return zoned(cast(_first_day(value, unit), STAMP), session)
    cut = _cut(stamp(value, session), unit)
    return cut if found is Kind.TIMESTAMP else zoned(cut, session)


def _cut(value: exp.Expr, unit: str) -> exp.Expr:
    """Cut a timestamp. The engine counts nanoseconds while it does, and fails outside of 1677 to 2262."""
    native = call("date_trunc", text(unit.lower()), value, returns=T.TIMESTAMP)
    inside = exp.And(
        this=exp.GTE(this=copied(value), expression=cast(text("1678-01-01 00:00:00"), STAMP)),
        expression=exp.LT(this=copied(value), expression=cast(text("2262-01-01 00:00:00"), STAMP)),
    )
    if unit in _LENGTHS:
        micros = cast(copied(value), "BIGINT")
        length = number(_LENGTHS[unit])
        rest = exp.Mod(this=copied(micros), expression=length)
        positive = exp.Mod(
            this=exp.Paren(this=exp.Add(this=rest, expression=copied(length))), expression=copied(length)
        )
        other: exp.Expr = cast(exp.Sub(this=micros, expression=exp.Paren(this=positive)), STAMP)
    else:
        other = cast(_first_day(cast(copied(value), "DATE"), unit), STAMP)
    return typed(case((inside, native), default=other), T.TIMESTAMP)


def _first_day(value: exp.Expr, unit: str) -> exp.Expr:
    """Return the first date of the year, quarter, month or week of a date; of smaller units the date."""

    def part(field: str) -> exp.Expr:
        return call("date_part", text(field), copied(value), returns=T.INT)

    if unit in ("YEAR", "QUARTER", "MONTH"):
        quarter = exp.Add(
            this=exp.Mul(
                this=exp.Paren(this=exp.Sub(this=part("quarter"), expression=number(1))), expression=number(3)
            ),
            expression=number(1),
        )
        month = {"YEAR": number(1), "QUARTER": cast(quarter, "INT"), "MONTH": part("month")}[unit]
        first = call("make_date", part("year"), month, number(1), returns=T.DATE)
        known = exp.Not(this=exp.Is(this=paren(copied(value)), expression=exp.Null()))
        return typed(case((known, first)), T.DATE)
    if unit == "WEEK":
        days = exp.Sub(this=cast(copied(value), "INT"), expression=part("isodow"))
        return cast(cast(exp.Add(this=days, expression=number(1)), "INT"), "DATE")
    return value


def age(node: exp.Anonymous, session: Session) -> exp.Expr:
    """``age(a, b)`` in years, months and days, ``age(a)`` since midnight of today."""
    arguments = [stamp(argument, session) for argument in node.expressions]
    if len(arguments) == 1:
        arguments.insert(0, cast(today(session), STAMP))
    return call("timestamp_age", *(cast(argument, STAMP) for argument in arguments), returns=T.INTERVAL)


def now(node: exp.Expr, session: Session) -> exp.Expr:
    """``now()``, ``current_timestamp`` and ``localtimestamp``, in microseconds."""
    moment = utc(call("now", returns=T.TIMESTAMPTZ))
    return local(moment, session) if kind(node) is Kind.TIMESTAMP else moment


def clock(node: exp.Anonymous) -> exp.Expr:
    """``clock_timestamp()``: the time at which a batch of rows is computed."""
    return call("clock", call("random", returns="FLOAT8"), returns=T.TIMESTAMPTZ)


def current_date(node: exp.CurrentDate, session: Session) -> exp.Expr:
    """``current_date`` of the session's zone."""
    return today(session)


def today(session: Session) -> exp.Expr:
    """Return the date of the session's wall clock."""
    return cast(local(utc(call("now", returns=T.TIMESTAMPTZ)), session), "DATE")


def from_epoch(node: exp.UnixToTime) -> exp.Expr:
    """``to_timestamp(seconds)``."""
    if node.args.get("format") is not None:
        raise refuse("to_timestamp with a format", "Cast the text to timestamptz.")
    return call("timestamptz_of_epoch", cast(node.this, "DOUBLE PRECISION"), returns=T.TIMESTAMPTZ)


def make(node: exp.Anonymous) -> exp.Expr:
    """``make_date(y, m, d)``: the engine's takes a year 0, and another one for years before Christ."""
    return call("date_of_parts", *(cast(part, "BIGINT") for part in node.expressions), returns=T.DATE)
