"""Clients that do not speak UTF-8: statements, parameters, rows, names and errors, as PostgreSQL has them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pyarrow as pa
import pytest

from catalog.errors import SqlError
from gateway.values import registry as oids
from gateway.values.client_encodings import CODECS
from gateway.values.settings import OutputSettings
from tests.gateway import RunningGateway, SampleLake
from tests.types.conftest import Both
from tests.values.data_rows import encode_column

WORDS = {
    "LATIN1": "Grüße",
    "LATIN2": "żółw",
    "LATIN9": "œuf €",
    "WIN1252": "naïve €",
    "WIN1251": "Привет",
    "KOI8R": "Привет",
    "ISO_8859_7": "Καλημέρα",
    "WIN1255": "שלום",
    "WIN874": "ไทย",
    "EUC_JP": "日本語",
    "EUC_KR": "한국어",
    "EUC_CN": "汉语",
}
OF_CLIENTS_ONLY = {"SJIS": "日本語", "GBK": "汉语", "GB18030": "汉语😀", "BIG5": "漢語", "UHC": "한국어"}
SINGLE = [name for name in CODECS if name.startswith(("LATIN", "ISO", "WIN", "KOI8"))]


@pytest.fixture(scope="module")
def told(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """PostgreSQL, which knows the encodings."""
    with psycopg.connect(lake.reference_dsn, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("encoding", SINGLE)
def test_each_character_is_the_one_of_postgres(encoding: str, told: psycopg.Connection) -> None:
    known = []
    for byte in (bytes([number]) for number in range(128, 256)):
        try:
            byte.decode(CODECS[encoding])
            known.append(byte)
        except UnicodeDecodeError:
            with pytest.raises(psycopg.Error):
                told.execute("SELECT convert_from(%b, %t)", [byte, encoding])
    row = told.execute("SELECT convert_from(%b, %t)", [b"".join(known), encoding]).fetchone()
    assert row == (b"".join(known).decode(CODECS[encoding]),)


@pytest.mark.parametrize("encoding", [*WORDS, "SQL_ASCII", "UTF8"])
def test_statements(encoding: str, both: Both) -> None:
    both.set(client_encoding=encoding)
    word = WORDS.get(encoding, "Grüße").encode(CODECS[encoding])
    for result_format in (0, 1):
        both.assert_alike(
            b"SELECT id, '%b'::text AS \"%b\" FROM small.kinds" % (word, word), result_format=result_format
        )
    both.assert_alike(b"SELECT id, '%b' || id, array['%b', 'a'] FROM small.kinds" % (word, word))
    both.assert_alike(b"SELECT id FROM small.kinds WHERE name = '%b'" % word)
    both.assert_alike(b'SELECT id, missing_column AS "%b" FROM small.kinds' % word)
    both.assert_alike(b'SELECT "%b" FROM small.kinds' % word)
    both.assert_alike(b"SELECT id FROM small.kinds WHERE whole = '%b'" % word)


@pytest.mark.parametrize("encoding", [*WORDS, *OF_CLIENTS_ONLY, "SQL_ASCII", "UTF8"])
def test_parameters_and_rows(encoding: str, both: Both) -> None:
    both.set(client_encoding=encoding)
    word = (WORDS | OF_CLIENTS_ONLY).get(encoding, "Grüße").encode(CODECS[encoding])
    for result_format in (0, 1):
        both.assert_alike("SELECT id, $1::text, length($1) FROM small.kinds", (word,), result_format=result_format)
        array = b'{"%b",NULL}' % word
        both.assert_alike("SELECT id, $1::text[] FROM small.kinds", (array,), result_format=result_format)
        both.assert_alike("SELECT id, $1::text FROM small.kinds", (word,), (25,), (1,), result_format)


@pytest.mark.parametrize("encoding", OF_CLIENTS_ONLY)
def test_statements_in_encodings_of_clients_only_are_in_ascii(encoding: str, both: Both) -> None:
    both.set(client_encoding=encoding)
    word = OF_CLIENTS_ONLY[encoding].encode(CODECS[encoding])
    found = both.gateway.pgconn.exec_(b"SELECT '%b' FROM small.kinds" % word)
    assert found.error_field(67) == b"0A000"


def test_what_the_encoding_has_not_is_an_error(both: Both) -> None:
    both.set(client_encoding="LATIN2")
    both.assert_alike("SELECT name FROM small.kinds")
    both.set(client_encoding="LATIN1")
    told = both.assert_alike("SELECT name FROM small.kinds")
    assert told.error[0] == "22P05"


def test_an_encoding_that_is_not_known_is_refused(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("SET client_encoding TO 'EUC_TW'")
        found = connection.pgconn.exec_(b"SELECT id FROM small.kinds")
        assert found.error_field(67) == b"0A000"
        assert connection.pgconn.exec_(b"SELECT 1").get_value(0, 0) == b"1"


def test_the_encoding_of_the_connection(gateway: RunningGateway) -> None:
    with gateway.connect(client_encoding="latin1") as connection:
        found = connection.execute("SELECT 'Grüße' || id FROM small.kinds WHERE id = 1").fetchone()
        assert found == ("Grüße1",)
        connection.execute("SET client_encoding TO 'UTF8'")
        assert connection.execute("SELECT '日本' || id FROM small.kinds WHERE id = 1").fetchone() == ("日本1",)


@pytest.mark.parametrize("rows", [3, 1000])
def test_columns_are_converted_as_a_whole(rows: int) -> None:
    settings = OutputSettings(client_encoding="SJIS")
    values = ["表\\", None, "", "日本", "ascii"] * rows
    ours = encode_column(pa.array(values), oids.TEXT, 0, settings=settings)
    assert ours == [None if value is None else value.encode("cp932") for value in values]
    with pytest.raises(SqlError) as caught:
        encode_column(pa.array(["a\0b", "é"]), oids.TEXT, 0, settings=OutputSettings(client_encoding="LATIN1"))
    assert caught.value.sqlstate.value == "22021"
