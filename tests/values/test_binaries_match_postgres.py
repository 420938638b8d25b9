"""Types that come as PostgreSQL's text: their binary format, byte for byte PostgreSQL's, alone and in arrays."""

from __future__ import annotations

import ipaddress

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.values.binaries_by_type import ARRAYS, BINARIES
from gateway.values.settings import OutputSettings
from tests.values.conftest import PostgresBytes, array_literal
from tests.values.data_rows import encode_column

_TEXT, _BINARY = 0, 1
_SIXES = ("::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1", "2001:db8::7/32", "1:0:0:2::3", "::1.2.3.4/96")
_FLOATS = ("0", "-1.5", "1e300", "-1e-300", "NaN", "Infinity", "-Infinity")
_VALUES: dict[int, tuple[str, ...]] = {
    22: ("1 -2 32767", "", "0"),
    27: ("(1,2)", "(4294967295,65535)"),
    30: ("1 4294967295", "", "0"),
    600: tuple(f"({one},{_FLOATS[-at]})" for at, one in enumerate(_FLOATS)),
    601: ("[(0,0),(1,1)]", "[(1e10,-2),(3,4.25)]"),
    602: ("[(0,0),(1,1)]", "((0,0),(1,1),(2,3.5))", "((1,2))"),
    603: ("(1,2),(0,0)", "(3.5,4),(-1,-2)"),
    604: ("((0,0),(1,1),(2,0))", "((1,2))"),
    628: ("{1,2,3}", "{-1,0,0.5}"),
    650: ("10.0.0.0/8", "::/0", "1.2.3.4/32", "0.0.0.0/0", "2001:db8::/32", "::ffff:1.2.3.0/120"),
    718: ("<(1,2),3>", "<(-1.5,0),0>"),
    774: ("08:00:2b:01:02:03:04:05", "ff:ff:ff:ff:ff:ff:ff:ff"),
    829: ("08:00:2b:01:02:03", "00:00:00:00:00:00"),
    869: ("10.0.0.1", "10.0.0.2/24", "255.255.255.255/0", *_SIXES),
    1266: ("10:00+02", "00:00-15:59", "24:00+00", "23:59:59.999999-03:30:15", "01:02:03.5+14"),
    1560: ("1", "0"),
    1562: ("101", "", "111111111", "00000000"),
    3220: ("16/B374D848", "0/0", "FFFFFFFF/FFFFFFFF"),
    3614: ("'a':1A 'b':2", "", "'it''s':3B,4,5C 'back\\\\slash' 'x y':16383", "'ü':1", "'''':2 ' ''':1", "plain"),
    4072: ("$.a[*]", "strict $.b ? (@ > 1)"),
    5038: ("10:20:10,14,15", "1:1:", "5:18446744073709:7"),
    5069: ("42", "0", "18446744073709551615"),
}
_NAMES = {
    22: "int2vector", 27: "tid", 30: "oidvector", 600: "point", 601: "lseg", 602: "path", 603: "box", 604: "polygon",
    628: "line", 650: "cidr", 718: "circle", 774: "macaddr8", 829: "macaddr", 869: "inet", 1266: "timetz",
    1560: "bit", 1562: "varbit", 3220: "pg_lsn", 3614: "tsvector", 4072: "jsonpath", 5038: "pg_snapshot",
    5069: "xid8", 3904: "int4range", 3926: "int8range", 3906: "numrange", 3912: "daterange", 3908: "tsrange",
    3910: "tstzrange", 4451: "int4multirange", 4536: "int8multirange", 4532: "nummultirange", 4535: "datemultirange",
    4533: "tsmultirange", 4534: "tstzmultirange",
}  # fmt: skip
_IN_RANGES = {"date": "2024-01-01", "ts": '"2024-01-01 10:00"'}


def test_every_type_is_tried() -> None:
    assert set(BINARIES) == set(_VALUES)
    assert set(ARRAYS.values()) == set(_NAMES)


def _alike(ask: PostgresBytes, oid: int, values: list[str | None]) -> None:
    shown = ask(values, _NAMES[oid], _TEXT)
    texts = pa.array([None if one is None else one.decode() for one in shown], pa.string())
    assert encode_column(texts, oid, _BINARY) == ask(values, _NAMES[oid], _BINARY)
    assert encode_column(texts.cast(pa.string_view()), oid, _TEXT) == shown
    assert encode_column(texts.slice(1), oid, _BINARY) == ask(values[1:], _NAMES[oid], _BINARY)


@pytest.mark.parametrize("oid", BINARIES, ids=_NAMES.get)
def test_values(oid: int, postgres_bytes: PostgresBytes) -> None:
    cases: tuple[list[str | None], ...] = ([], [None], [None, *_VALUES[oid], None], [*_VALUES[oid][:1]])
    for values in cases:
        _alike(postgres_bytes, oid, values)


@pytest.mark.parametrize(("array", "oid"), ARRAYS.items(), ids=lambda oid: _NAMES.get(oid, ""))
@pytest.mark.parametrize("form", [_TEXT, _BINARY], ids=["text", "binary"])
def test_arrays(array: int, oid: int, form: int, postgres_bytes: PostgresBytes) -> None:
    name = _NAMES[oid]
    bound = next((text for kind, text in _IN_RANGES.items() if name.startswith(kind)), "5")
    of_range = (f"[{bound},)", "empty") if name.endswith("range") and "multi" not in name else (f"{{[{bound},)}}", "{}")
    values = _VALUES.get(oid, of_range)
    shown = [None if one is None else one.decode() for one in postgres_bytes([*values, None], name, _TEXT)]
    lists: list[list[str | None] | None] = [shown, [], None, shown[:1], [None]]
    asked = [None if one is None else _literal(one, ";" if name == "box" else ",") for one in lists]
    given_ = pa.array(lists, pa.list_(pa.string()))
    assert encode_column(given_, array, form) == postgres_bytes(asked, f"{name}[]", form)


def _literal(texts: list[str | None], mark: str) -> str:
    return array_literal(texts).replace('","', f'"{mark}"').replace(",NULL", f"{mark}NULL")


_MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
_LEXEMES = st.tuples(_WORDS, st.lists(st.integers(1, 20_000), max_size=3), st.sampled_from("ABCD"))


@_MANY
@given(st.lists(st.tuples(st.ip_addresses(), st.integers(0, 32)) | st.none(), max_size=30))
def test_any_address(
    postgres_bytes: PostgresBytes, values: list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int] | None]
) -> None:
    _alike(postgres_bytes, 869, [None if one is None else f"{one[0]}/{one[1]}" for one in values])


@_MANY
@given(st.lists(st.lists(_LEXEMES, max_size=6), max_size=5))
def test_any_document(postgres_bytes: PostgresBytes, values: list[list[tuple[str, list[int], str]]]) -> None:
    _alike(postgres_bytes, 3614, [" ".join(_lexeme(*word) for word in words) for words in values])


def _lexeme(word: str, places: list[int], weight: str) -> str:
    quoted = "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
    return quoted + (":" + ",".join(f"{place}{weight}" for place in places) if places else "")


_IN_UTC = {
    3912: ["[2024-01-01,2024-02-29)", "empty", None, "(,2024-01-01)", "[-infinity,infinity)", "[0044-03-15 BC,)"],
    3908: ["[2024-01-01 10:00:00.5,2024-02-29)", "empty", None, "(,)", "(-infinity,infinity)"],
    3910: ["[2024-01-01 10:00:00.5+00,2024-07-29 00:00+00)", None, "(,infinity)"],
    4535: ["{[2024-01-01,2024-02-29),[2025-01-01,)}", "{}", None],
    4534: ["{[2024-01-01 10:00+00,2024-07-29 00:00+00)}", "{}", None],
}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("style", ["ISO", "German", "SQL, DMY", "Postgres, MDY"])
def test_ranges_are_told_in_the_sessions_style(style: str, zone: str, postgres_bytes: PostgresBytes) -> None:
    ours = OutputSettings(date_style=style, time_zone=zone)
    for oid, values in _IN_UTC.items():
        given_ = [one for one in values if one is None or style == "ISO" or "BC" not in one]
        shown = postgres_bytes(given_, _NAMES[oid], _TEXT)
        expected = postgres_bytes(given_, _NAMES[oid], _TEXT, DateStyle=style, TimeZone=zone)
        texts = pa.array([None if one is None else one.decode() for one in shown], pa.string())
        assert encode_column(texts, oid, _TEXT, settings=ours) == expected
        asked = pa.array([one and one.decode() for one in expected], pa.string())  # what is in the style stays as it is
        assert encode_column(asked, oid, _TEXT, settings=ours) == expected
