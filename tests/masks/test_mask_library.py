"""Every mask of the library, in the engine as in PostgreSQL, on random values with NULLs; masks with a secret against
Python's own HMAC and NIST's vectors.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import SqlError
from catalog.mask_library import KEYED, names
from catalog.mirror.mask_functions import make_mask_functions
from catalog.mirror.masking import check_policy
from catalog.server import Server
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect.format_preserving import DigitCipher
from gateway.sql.engine_dialect.mask_functions import encrypt_digits
from gateway.sql.mask_expressions import check_expression
from tests.masks.masking import SECRET, masked, one_parameter, random_values

INTEGERS = ("smallint", "integer", "bigint")
FLOATS = ("real", "double precision")
MOMENTS = ("date", "timestamp without time zone", "timestamp with time zone")
CASES = [
    ("mask_email(value)", "text"),
    ("mask_partial(value, 2, 3)", "text"),
    ("mask_partial(value, 0, 0, 'ab')", "text"),
    ("mask_partial(mask_email(value), 1, 4, '#')", "text"),
    ("CASE WHEN value LIKE '%@%' THEN mask_email(value) ELSE 'none' END", "text"),
    ("coalesce(mask_null(value), left(value, 1) || '…')", "text"),
    *((f"mask_round(value, {digits})", kind) for kind in INTEGERS for digits in (-4, -1, 0, 2)),
    *((f"mask_round(value, {digits})", "numeric(15,2)") for digits in (-3, 0, 1, 4)),
    *((f"mask_round(value, {digits})", kind) for kind in FLOATS for digits in (-2, 0, 1)),
    *((f"mask_bucket(value, {width})", kind) for kind in INTEGERS for width in (1, 7, 1000)),
    *((f"mask_bucket(value, {width})", "numeric(15,2)") for width in ("10", "0.25", "12345.5")),
    *((f"mask_bucket(value, {width})", kind) for kind in FLOATS for width in ("10", "0.5")),
    *(("mask_buckets(value, ARRAY[-50, 0, 18, 65])", kind) for kind in (*INTEGERS, "numeric(15,2)", *FLOATS)),
    ("mask_buckets(value, ARRAY[0.5, -1.25])", "numeric(15,2)"),
    *(
        (f"mask_date_trunc('{field}', value)", kind)
        for kind in MOMENTS
        for field in ("day", "week", "month", "quarter")
    ),
    *((f"mask_date_trunc('{field}', value)", kind) for kind in MOMENTS[1:] for field in ("hour", "minute", "year")),
    *(("mask_null(value)", kind) for kind in ("text", "bigint", "numeric(15,2)", *MOMENTS)),
]


@pytest.fixture(scope="module")
def postgres(server: Server) -> Iterator[psycopg.Connection]:
    """A database with the functions of the library."""
    server.ensure_database("mask_library")
    with server.connect("mask_library") as connection:
        make_mask_functions(connection)
        connection.execute("SET search_path = lakegate")
        connection.execute("SET TimeZone = 'Pacific/Auckland'")
        connection.commit()
        yield connection


@pytest.mark.parametrize(("expression", "kind"), CASES)
def test_the_engine_masks_as_postgres_does(postgres: psycopg.Connection, expression: str, kind: str) -> None:
    values = random_values(kind, seed=len(expression))
    policy = check_policy(postgres, one_parameter(expression, kind))
    check_expression(policy, (kind,))
    found = masked(policy, kind, values).to_pylist()

    postgres.execute(f"CREATE TEMP TABLE t (n int, value {kind}) ON COMMIT DROP".encode())
    with postgres.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        for place, value in enumerate(values.to_pylist()):
            copy.write_row((place, value))
    expected = [row[0] for row in postgres.execute(f"SELECT ({expression})::{kind} FROM t ORDER BY n".encode())]
    postgres.rollback()
    null = [place for place, value in enumerate(values.to_pylist()) if value is None]
    assert null
    assert all(found[place] is None for place in null) or "coalesce" in expression or "CASE" in expression
    if kind in FLOATS:
        assert [one is None for one in found] == [one is None for one in expected]
        close = pytest.approx([one for one in expected if one is not None], rel=1e-6)
        assert [one for one in found if one is not None] == close
    else:
        assert found == expected


def test_every_mask_of_the_library_is_tried() -> None:
    tried = " ".join(expression for expression, _ in CASES)
    assert {name for name in names() if name not in tried} == KEYED


def test_hashes_are_hmac_sha256() -> None:
    values = random_values("text", 1)
    key = hmac.digest(SECRET, b"hash", "sha256")
    expected = [
        None if value is None else hmac.new(key, value.encode(), hashlib.sha256).hexdigest()
        for value in values.to_pylist()
    ]
    assert masked(one_parameter("lakegate.mask_hash(value, 's'::text)", "text"), "text", values).to_pylist() == expected


def test_tokens_are_equal_for_equal_values_and_tell_nothing_of_the_hash() -> None:
    values = random_values("text", 2)
    tokens = masked(one_parameter("lakegate.mask_token(value, 's'::text)", "text"), "text", values).to_pylist()
    hashes = masked(one_parameter("lakegate.mask_hash(value, 's'::text)", "text"), "text", values).to_pylist()
    by_value: dict[str | None, str | None] = {}
    for value, token, digest in zip(values.to_pylist(), tokens, hashes, strict=True):
        assert by_value.setdefault(value, token) == token
        assert token is None if value is None else token is not None and token.startswith("tok_") and len(token) == 36
        assert value is None or (token is not None and token[4:] not in (digest or ""))
    assert len(set(by_value.values())) == len(by_value)


NIST = [  # the samples of FF1 that NIST publishes with SP 800-38G, radix 10
    ("2B7E151628AED2A6ABF7158809CF4F3C", "", "2433477484"),
    ("2B7E151628AED2A6ABF7158809CF4F3C", "39383736353433323130", "6124200773"),
    ("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F", "", "2830668132"),
    ("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F", "39383736353433323130", "2496655549"),
    ("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94", "", "6657667009"),
    ("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94", "39383736353433323130", "1001623463"),
]


@pytest.mark.parametrize(("key", "tweak", "expected"), NIST)
def test_format_preserving_encryption_is_ff1(key: str, tweak: str, expected: str) -> None:
    cipher = DigitCipher(bytes.fromhex(key), bytes.fromhex(tweak))
    digits = np.array([[int(digit) for digit in "0123456789"]] * 3, dtype=np.uint8)
    encrypted = cipher.encrypt(digits)
    assert ["".join(map(str, row)) for row in encrypted] == [expected] * 3
    assert np.array_equal(cipher.decrypt(encrypted), digits)


@given(st.integers(6, 18), st.integers(1, 20), st.randoms())
@settings(max_examples=40, deadline=None)
def test_what_is_encrypted_can_be_decrypted(length: int, rows: int, chosen: object) -> None:
    digits = np.random.default_rng(length * rows).integers(0, 10, (rows, length), dtype=np.uint8)
    cipher = DigitCipher(SECRET)
    encrypted = cipher.encrypt(digits)
    assert encrypted.shape == digits.shape
    assert encrypted.max() <= 9
    assert np.array_equal(cipher.decrypt(encrypted), digits)


def test_digits_are_encrypted_where_they_stand() -> None:
    values = pa.array(["4111 1111-1111 1111", "+43 664 123456", None, "none", "12345", "1" * 19, "", "ü123456ü"])
    found = masked(one_parameter("lakegate.mask_digits(value, 's'::text)", "text"), "text", values).to_pylist()
    key = hmac.digest(SECRET, b"digits", "sha256")
    for value, other in zip(values.to_pylist(), found, strict=True):
        digits = "" if value is None else "".join(letter for letter in value if letter.isdigit())
        if value is None or not digits:
            assert other == value
        elif not 6 <= len(digits) <= 18:
            assert other == "*" * len(digits)
        else:
            row = np.array([[int(digit) for digit in digits]], dtype=np.uint8)
            wanted = iter("".join(map(str, DigitCipher(key).encrypt(row)[0])))
            assert other == "".join(next(wanted) if letter.isdigit() else letter for letter in value)
    whole = encrypt_digits(values, key)
    for start in range(len(values)):  # a slice begins inside of its buffers
        assert encrypt_digits(values.slice(start), key).to_pylist() == whole.to_pylist()[start:]


REFUSED = [
    ("(SELECT 1)::text", SqlState.FEATURE_NOT_SUPPORTED),
    ("(SELECT rolname::text FROM pg_roles LIMIT 1)", SqlState.FEATURE_NOT_SUPPORTED),
    ("max(value)", SqlState.FEATURE_NOT_SUPPORTED),
    ("random()::text", SqlState.FEATURE_NOT_SUPPORTED),
    ("current_setting('app.user')", SqlState.FEATURE_NOT_SUPPORTED),
    ("pg_read_file('/etc/passwd')", SqlState.FEATURE_NOT_SUPPORTED),
    ("query_to_xml('select 1', true, true, '')::text", SqlState.FEATURE_NOT_SUPPORTED),
    ("set_config('a.b', value, true)", SqlState.FEATURE_NOT_SUPPORTED),
    ("generate_series(1, 3)::text", SqlState.FEATURE_NOT_SUPPORTED),
    ("claim(value)", SqlState.INVALID_PARAMETER_VALUE),
    ("mask_hash(value, value)", SqlState.INVALID_PARAMETER_VALUE),
    ("mask_partial(value, length(value), 0)", SqlState.INVALID_PARAMETER_VALUE),
    ("mask_partial(value, -1, 0)", SqlState.INVALID_PARAMETER_VALUE),
    ("mask_bucket(length(value), 0)::text", SqlState.INVALID_PARAMETER_VALUE),
    ("mask_buckets(length(value), '{1,2}')::text", SqlState.INVALID_PARAMETER_VALUE),
    ("mask_date_trunc('fortnight', value::date)::text", SqlState.INVALID_PARAMETER_VALUE),
    ('value COLLATE "unicode"', SqlState.FEATURE_NOT_SUPPORTED),
    ("nothing", SqlState.UNDEFINED_COLUMN),
    ("nothing(value)", SqlState.UNDEFINED_FUNCTION),
    ("value +", SqlState.SYNTAX_ERROR),
    ("value); DROP SCHEMA lakegate CASCADE; --", SqlState.SYNTAX_ERROR),
    ("mask_bucket(length(value), 2000000000)::text", SqlState.INVALID_PARAMETER_VALUE),
]


@pytest.mark.parametrize(("expression", "state"), REFUSED)
def test_what_no_policy_may_be(postgres: psycopg.Connection, expression: str, state: SqlState) -> None:
    with pytest.raises(SqlError) as caught:
        check_expression(check_policy(postgres, one_parameter(expression, "text")))
    assert caught.value.sqlstate == state, caught.value
    postgres.rollback()


def test_a_policy_returns_the_type_of_what_it_masks(postgres: psycopg.Connection) -> None:
    from dataclasses import replace

    policy = replace(one_parameter("5", "int"), returns="text")
    with pytest.raises(SqlError) as caught:
        check_policy(postgres, policy)
    assert caught.value.sqlstate == SqlState.DATATYPE_MISMATCH
    postgres.rollback()


def test_nobody_calls_a_mask_with_a_secret_or_sets_the_mark_of_one() -> None:
    from gateway.sql.engine_dialect.before_qualify import parse
    from gateway.sql.engine_dialect.render import translate

    for text in (
        "SELECT mask_hash('a', 's')",
        "SELECT mask_hash('a', 's') /* sqlglot.meta mask=policy */",
        "SELECT mask_digits('123456', 's') -- sqlglot.meta engine=true",
        "SELECT lakegate.mask_hash('a', 's')",
        "SELECT mask_hash_inner('a', 's')",
    ):
        tree = parse(text)
        assert not [node for node in tree.walk() if {"mask", "engine"} & set(node.meta)]
        with pytest.raises(SqlError) as caught:
            translate(tree)  # type: ignore[arg-type]
        assert caught.value.sqlstate == SqlState.FEATURE_NOT_SUPPORTED
