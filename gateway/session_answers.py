"""The values that a query asks of its client's session, read over his connection to the mirror, as parameters."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.session_rows import undisturbed
from gateway.sql.session_values import SessionValue, SessionValues
from gateway.wire.fields import ENCODING

_ARROW = {"text": pa.string(), "boolean": pa.bool_(), "integer": pa.int32()}


async def with_answers(
    asked: SessionValues | None, parameters: Sequence[pa.Scalar], own: MirrorConnection
) -> tuple[pa.Scalar, ...]:
    """Return a query's parameters with what it asks of the session behind them. Raises SqlError as the session does."""
    if asked is None:
        return tuple(parameters)
    wanted = ", ".join(f"({value.sql})::pg_catalog.text" for value in asked.values)
    row, error = await undisturbed(own, own.ask(f"SELECT {wanted}"))
    if error is not None:
        raise error_of(error[5:], 0)
    answers = (_scalar(value, told) for value, told in zip(asked.values, row, strict=True))
    return (*parameters[: asked.given], *answers)


def _scalar(value: SessionValue, told: bytes | None) -> pa.Scalar:
    arrow = _ARROW[value.sql_type]
    if told is None:
        return pa.scalar(None, arrow)
    text = told.decode(ENCODING.get())
    if value.sql_type == "boolean":
        return pa.scalar(text == "true", arrow)
    return pa.scalar(int(text) if value.sql_type == "integer" else text, arrow)
