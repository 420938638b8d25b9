"""Parameters as a client bound them, read here or by PostgreSQL: it writes as text what is in binary (networks, ranges,
geometry, bits …), and judges those of types that it has not brought itself. Errors tell which parameter they are of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.values.parameters import decode_parameter, is_read_here
from gateway.values.settings import BINARY, TEXT, InputSettings
from gateway.wire import backend

_AT_ONCE = 1000  # columns, of which PostgreSQL has 1664 at most
_FIRST_OF_OTHERS = 10_000  # FirstGenbkiObjectId: types above have no number of their own, and may not exist

_OF_PARAMETER = re.compile(r"parameter \$(\d+)")

Values = tuple[bytes | None, ...]
Formats = tuple[int, ...]


async def with_texts(
    mirror: MirrorConnection, portal: str, values: Values, oids: Sequence[int], formats: Formats
) -> tuple[Values, Formats]:
    """Return bound values and their formats, with text in the place of what cannot be read here. The text is that of
    the session's settings. Raises SqlError with PostgreSQL's errors.
    """
    unread = [
        place
        for place, (oid, form) in enumerate(zip(oids, formats, strict=True))
        if (form == BINARY or oid >= _FIRST_OF_OTHERS) and not is_read_here(oid)
    ]
    if not unread:
        return values, formats
    texts = dict[int, bytes | None]()
    for first in range(0, len(unread), _AT_ONCE):
        places = unread[first : first + _AT_ONCE]
        # A cast would not do: that of inet to text adds the mask.
        columns = (f"pg_catalog.format('%s', ${number})" for number in range(1, len(places) + 1))
        query, given = f"SELECT {', '.join(columns)}", tuple(values[place] for place in places)
        types, written = (tuple(each[place] for place in places) for each in (oids, formats))
        row, error = await mirror.ask(query, *given, oids=types, formats=written)
        if error is not None:
            raise _of_client(error[5:], portal, places, values, formats)
        for place, text in zip(places, row, strict=True):
            texts[place] = None if values[place] is None else text
    read_as = [TEXT if place in texts else form for place, form in enumerate(formats)]
    return tuple(texts.get(place, value) for place, value in enumerate(values)), tuple(read_as)


def decoded(
    portal: str, values: Values, oids: Sequence[int], formats: Formats, settings: InputSettings
) -> tuple[pa.Scalar, ...]:
    """Return the parameters of a portal as `decode_parameter` reads them. Raises SqlError as that does."""
    found = list[pa.Scalar]()
    for place, (value, oid, form) in enumerate(zip(values, oids, formats, strict=True)):
        try:
            found.append(decode_parameter(value, oid, form, settings))
        except SqlError as error:
            error.context = _context(portal, place, value, form, error)
            raise
    return tuple(found)


def _of_client(body: bytes, portal: str, places: Sequence[int], values: Values, formats: Formats) -> SqlError:
    """Return an error of PostgreSQL's about one of these parameters, told as of the client's portal."""
    error = error_of(body, 0)
    named = _OF_PARAMETER.search(backend.ErrorResponse.decode(body).fields.get("W", ""))
    if named is not None:
        place = places[int(named[1]) - 1]
        error.context = _context(portal, place, values[place], formats[place], error)
    return error


def _context(portal: str, place: int, value: bytes | None, form: int, error: SqlError) -> str:
    """Return what PostgreSQL tells beside an error of a parameter, which has no value of it (its setting
    log_parameter_max_length_on_error is 0).
    """
    whose = f'portal "{portal}"' if portal else "unnamed portal"
    told = form == TEXT and value is not None and error.sqlstate != SqlState.CHARACTER_NOT_IN_REPERTOIRE
    shown = (" = '...'" if value else " = ''") if told else ""
    return f"{whose} parameter ${place + 1}{shown}"
