"""The parts of statements that are carried out straight: values cut out of a Bind message, and whole answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import backend, frontend
from gateway.wire.bound_values import BoundValues, name_at_once, raw_values
from gateway.wire.sent_at_once import END
from gateway.wire.whole_answer import ROWS_AT, count_of_whole

_VALUES = st.lists(st.none() | st.binary(max_size=6), max_size=4).map(tuple)
_FORMATS = st.lists(st.integers(0, 1), max_size=2).map(tuple)


@given(_VALUES, _FORMATS, _FORMATS, _FORMATS, st.sampled_from(("", "s", "a name")))
def test_values_are_cut_out_as_they_are_read(
    values: tuple[bytes | None, ...],
    formats: tuple[int, ...],
    columns: tuple[int, ...],
    sent: tuple[int, ...],
    name: str,
) -> None:
    data = frontend.Bind("", name, formats, values, columns).encode() + END
    found = name_at_once(data)
    assert found is not None and found[0] == name
    bound = BoundValues(len(values), (formats, columns), (sent, sent))
    raw = bound.cut(data, found[1])
    assert raw == raw_values(values)
    assert raw is not None and bound.split(raw) == [*values]
    assert bound.message("other", raw) == frontend.Bind("", "other", sent, values, sent).encode()


@given(_VALUES, _VALUES, _FORMATS, _FORMATS)
def test_values_that_are_cut_out_are_never_others(
    values: tuple[bytes | None, ...], others: tuple[bytes | None, ...], formats: tuple[int, ...], given: tuple[int, ...]
) -> None:
    data = frontend.Bind("", "s", given, others, given).encode() + END
    bound = BoundValues(len(values), (formats, formats), (formats, formats))
    raw = bound.cut(data, 7)
    split = bound.split(raw) if raw is not None else None
    if split is not None:
        read = frontend.Bind.decode(data[5 : -len(END)])
        assert ([*read.parameters], read.parameter_formats, read.result_formats) == (split, formats, formats)


@given(st.integers(0, 40), st.integers(0, 255))
def test_a_damaged_message_is_no_other_one(at: int, byte: int) -> None:
    data = bytearray(frontend.Bind("", "s", (), (b"12", None), (1,)).encode() + END)
    data[at % len(data)] = byte
    found = name_at_once(bytes(data))
    raw = BoundValues(2, ((), (1,)), ((), (1,))).cut(bytes(data), found[1]) if found is not None else None
    split = BoundValues(2, ((), (1,)), ((), (1,))).split(raw) if raw is not None else None
    if split is not None and found is not None:
        read = frontend.Bind.decode(bytes(data[5 : -len(END)]))
        assert (read.portal, read.statement, [*read.parameters]) == ("", found[0], split)


_ROW, _TAG, _READY = (
    backend.DataRow((b"1", None)).encode(),
    backend.CommandComplete("SELECT 2").encode(),
    backend.ReadyForQuery("I").encode(),
)
_BOUND = backend.BindComplete().encode()
_ERROR = backend.ErrorResponse({"S": "ERROR", "C": "22012", "M": "division by zero"}).encode()
_WHOLE = _BOUND + _ROW + _ROW + _TAG + _READY


def test_an_answer_that_is_all_there() -> None:
    assert count_of_whole(_WHOLE) == 2
    assert _WHOLE[ROWS_AT:] == _ROW + _ROW + _TAG + _READY
    assert count_of_whole(_BOUND + backend.CommandComplete("SELECT 0").encode() + _READY) == 0


@pytest.mark.parametrize(
    "parts",
    [
        (_BOUND, _ROW, _TAG),
        (_ROW, _TAG, _READY),
        (_BOUND, _ERROR, _READY),
        (_BOUND, _ROW, _ERROR, _READY),
        (_BOUND, _ROW, backend.ReadyForQuery("T").encode()),
        (_BOUND, _ROW, _TAG, backend.ReadyForQuery("T").encode()),
        (_BOUND, _TAG, _ROW, _READY),
        (_BOUND, _TAG, _TAG, _READY),
        (_BOUND, _TAG, _READY, _READY),
        (_BOUND, backend.CommandComplete("INSERT 0 1").encode(), _READY),
        (_BOUND, backend.PortalSuspended().encode(), _READY),
        (_BOUND, _READY),
        (_BOUND, backend.NoticeResponse({"S": "NOTICE", "C": "00000", "M": "x"}).encode(), _TAG, _READY),
    ],
)
def test_other_answers(parts: Sequence[bytes]) -> None:
    assert count_of_whole(b"".join(parts)) is None


def test_no_part_of_an_answer_is_a_whole_one() -> None:
    for end in range(len(_WHOLE)):
        assert count_of_whole(_WHOLE[:end]) is None
    for begin in range(1, len(_WHOLE)):
        assert count_of_whole(_WHOLE[begin:]) is None
    for at in range(len(_WHOLE) - 6):  # lengths that lead behind the end, or into the midst of something
        assert count_of_whole(_WHOLE[:at] + b"\xff" + _WHOLE[at + 1 :]) in (None, 2)
