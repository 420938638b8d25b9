"""Parameters that only PostgreSQL reads: it writes as text what is in binary (networks, ranges, geometry, bits …), and
judges those of types that it has not brought itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.values.parameters import is_read_here
from gateway.values.settings import BINARY, TEXT

_AT_ONCE = 1000  # columns, of which PostgreSQL has 1664 at most
_FIRST_OF_OTHERS = 10_000  # FirstGenbkiObjectId: types above have no number of their own, and may not exist

Values = tuple[bytes | None, ...]
Formats = tuple[int, ...]


async def with_texts(
    mirror: MirrorConnection, values: Values, oids: Sequence[int], formats: Formats
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
            raise error_of(error[5:], 0)
        for place, text in zip(places, row, strict=True):
            texts[place] = None if values[place] is None else text
    read_as = [TEXT if place in texts else form for place, form in enumerate(formats)]
    return tuple(texts.get(place, value) for place, value in enumerate(values)), tuple(read_as)
