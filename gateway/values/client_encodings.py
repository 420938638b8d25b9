"""Encodings of clients: text of whole columns on its way out, text of parameters on its way in.

Inside everything is UTF-8. A column is joined into one text, which a codec of Python's encodes at once, and cut again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.fields import Field, binary_of_field, field_of_binary, validity

UTF8 = "UTF8"
_ISO = {1: 1, 2: 2, 3: 3, 4: 4, 5: 9, 6: 10, 7: 13, 8: 14, 9: 15, 10: 16}  # LATINn is this part of ISO 8859

CODECS: dict[str, str] = {
    UTF8: "utf-8",
    "SQL_ASCII": "utf-8",  # the bytes are passed on as they are
    **{f"LATIN{number}": f"iso8859-{part}" for number, part in _ISO.items()},
    **{f"ISO_8859_{part}": f"iso8859-{part}" for part in (5, 6, 7, 8)},
    **{f"WIN{page}": f"cp{page}" for page in (866, 874, *range(1250, 1259))},
    "KOI8R": "koi8-r",
    "KOI8U": "koi8-u",
    "EUC_JP": "euc_jp",
    "EUC_JIS_2004": "euc_jis_2004",
    "SJIS": "cp932",
    "SHIFT_JIS_2004": "shift_jis_2004",
    "EUC_KR": "euc_kr",
    "UHC": "cp949",
    "JOHAB": "johab",
    "EUC_CN": "gb2312",
    "GBK": "gbk",
    "GB18030": "gb18030",
    "BIG5": "big5",
}
"""Python's codec for each value of ``client_encoding`` that there is one for."""


_ALIASES: dict[str, str] = {
    **{"".join(letter for letter in name.lower() if letter.isalnum()): name for name in CODECS},
    **{f"iso8859{part}": f"LATIN{number}" for number, part in _ISO.items()},
    **{f"windows{page}": f"WIN{page}" for page in (866, 874, *range(1250, 1259))},
    **{f"{system}{page}": name for system in ("win", "windows")
       for page, name in ((932, "SJIS"), (936, "GBK"), (949, "UHC"), (950, "BIG5"))},
    **dict.fromkeys(("abc", "tcvn", "tcvn5712", "vscii"), "WIN1258"),
    **{"alt": "WIN866", "win": "WIN1251", "koi8": "KOI8R", "unicode": UTF8},
    **dict.fromkeys(("mskanji", "shiftjis"), "SJIS"),
}  # fmt: skip


def known_name(encoding: str) -> str:
    """Return PostgreSQL's own name of an encoding, which may be written in other ways; as it is if it is none here."""
    return _ALIASES.get("".join(letter for letter in encoding.lower() if letter.isalnum()), encoding)


def require_codec(encoding: str) -> str:
    """Return Python's codec for a ``client_encoding``. Raises SqlError (0A000) for those that it has none for."""
    codec = CODECS.get(encoding)
    if codec is None:
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f"client_encoding {encoding} is not supported for tables of the lake",
            hint="SET client_encoding TO 'UTF8'.",
        )
    return codec


def is_converted(encoding: str) -> bool:
    """Whether text in this ``client_encoding`` is not passed on as it is."""
    return CODECS.get(encoding) != "utf-8"


def converted(encode: Callable[[pa.Array], Field], encoding: str) -> Callable[[pa.Array], Field]:
    """Return an encoder whose values are in a ``client_encoding``; those of ``encode`` are in UTF-8.

    It raises SqlError (22P05) for characters that the encoding has not.
    """
    require_codec(encoding)
    return lambda values: in_encoding(encode(values), encoding)


def in_encoding(field: Field, encoding: str) -> Field:
    """Return values in UTF-8 as values in an encoding. Raises SqlError (22P05) for characters that it has not."""
    values = binary_of_field(field)
    filled = pc.fill_null(values, b"")
    whole = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(filled)], pa.int32()), filled), b"\0")
    text = whole[0].as_py() if len(values) else b""
    if text.isascii():
        return field
    data = in_codec(text.decode(), encoding)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 0)  # no encoding has a zero in a character
    if len(ends) != len(values) - 1:
        message = 'invalid byte sequence for encoding "UTF8": 0x00'
        raise SqlError(SqlState.CHARACTER_NOT_IN_REPERTOIRE, message)
    places = np.arange(len(values))
    bounds = np.concatenate(([0], ends - places[:-1], [len(data) - len(ends)])).astype(np.int32)
    bitmap = pa.py_buffer(np.packbits(validity(values), bitorder="little")) if values.null_count else None
    buffers = [bitmap, pa.py_buffer(bounds), pa.py_buffer(data.replace(b"\0", b""))]
    return field_of_binary(pa.Array.from_buffers(pa.binary(), len(values), buffers))


def in_codec(text: str, encoding: str) -> bytes:
    """Return a text in an encoding. Raises SqlError (22P05) for characters that it has not."""
    try:
        return text.encode(require_codec(encoding))
    except UnicodeEncodeError as error:
        raise _no_equivalent(error.object[error.start].encode(), UTF8, encoding) from None


def to_utf8(value: bytes, encoding: str) -> bytes:
    """Return text of a client in UTF-8. Raises SqlError (22021) where it is none of the encoding."""
    if value.isascii() or not is_converted(encoding):
        return value
    try:
        return value.decode(require_codec(encoding)).encode()
    except UnicodeDecodeError as error:
        shown = " ".join(f"0x{byte:02x}" for byte in value[error.start : max(error.end, error.start + 1)])
        message = f'invalid byte sequence for encoding "{encoding}": {shown}'
        raise SqlError(SqlState.CHARACTER_NOT_IN_REPERTOIRE, message) from None


def _no_equivalent(character: bytes, source: str, target: str) -> SqlError:
    shown = " ".join(f"0x{byte:02x}" for byte in character)
    message = f'character with byte sequence {shown} in encoding "{source}" has no equivalent in encoding "{target}"'
    return SqlError(SqlState.UNTRANSLATABLE_CHARACTER, message)
