"""What a text itself tells of its parameters' types, and that a statement with such ones is planned once."""

from __future__ import annotations

import pytest

from gateway.sql.parameter_types import told_types
from gateway.sql.statements import parse_query
from tests.gateway import RunningGateway


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("select $1::int4, cast($2 as text[])", ("integer", "text[]")),
        ("select 1 where $2::date < now() and $1::float8 > 0 and $2::date > now()", ("double precision", "date")),
        ("select $1::int4, $1", ()),  # the second place may decide
        ("select $1::int4, $1::int8", ()),
        ("select $1::numeric", ()),  # of so many digits as the value has
        ("select $1::varchar(3)", ()),
        ("select $2::int4", ()),
        ("select $1 + 1", ()),
        ("select 1", ()),
    ],
)
def test_types_are_those_of_casts(text: str, types: tuple[str, ...]) -> None:
    tree = parse_query(text)
    assert tree is not None
    assert told_types(tree) == types


def test_a_declared_type_counts_for_more(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        pgconn = connection.pgconn
        text = b"select n, $1::int4 + 1 as m from small.numbers where n = $1::int4"
        for declared in ([25], [0], [20]):  # text, unknown, bigint
            pgconn.prepare(b"", text, declared)
            result = pgconn.exec_prepared(b"", [b"7"])
            assert [result.get_value(0, at) for at in range(2)] == [b"7", b"8"], result.error_message
