"""The language of wire scripts: what a client sends, one message a line, and what it is answered, one message a line.

    Query "select 1"
    Parse "s" "select $1 + 1" int4              name, text, declared parameter types
    Bind "p" "s" "1" NULL \\x00000001 -> 1 0      portal, statement, parameters (text, NULL, binary), result formats
    Describe S "s"     Close P "p"     Execute "p" 10     Sync     Flush 3 (answers to wait for)

Query and Sync are waited for up to ReadyForQuery. A server's table numbers and source lines are not shown.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

import psycopg

from gateway.wire import backend as b
from gateway.wire import frontend as f
from gateway.wire.messages import BackendMessage

_TYPES = {
    **{16: "bool", 17: "bytea", 18: '"char"', 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid"},
    **{114: "json", 700: "float4", 701: "float8", 705: "unknown", 1007: "int4[]", 1009: "text[]", 1042: "bpchar"},
    **{1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz", 1185: "timestamptz[]"},
    **{1186: "interval", 1700: "numeric", 2950: "uuid", 3802: "jsonb", 1016: "int8[]"},
}
_OIDS = {name: oid for oid, name in _TYPES.items()}
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_ANSWERS: dict[bytes, type[BackendMessage]] = {
    b"T": b.RowDescription,
    b"D": b.DataRow,
    b"C": b.CommandComplete,
    b"E": b.ErrorResponse,
    b"N": b.NoticeResponse,
    b"Z": b.ReadyForQuery,
    b"t": b.ParameterDescription,
    b"S": b.ParameterStatus,
    b"A": b.NotificationResponse,
}
_PLAIN = {
    **{b"1": "ParseComplete", b"2": "BindComplete", b"3": "CloseComplete", b"n": "NoData", b"s": "PortalSuspended"},
    b"I": "EmptyQueryResponse",
}


@dataclass(frozen=True, slots=True)
class Bare:
    """The text of a word without quotes."""

    text: str


Word = str | Bare


class Wire:
    """A logged-in connection, spoken to message by message."""

    def __init__(self, dsn: str) -> None:
        self._libpq = psycopg.connect(dsn)  # it logs in; from then on its socket is ours
        self._socket = socket.socket(fileno=self._libpq.pgconn.socket)
        self._socket.settimeout(20)
        self._buffer = b""
        self._binary: list[bool] = []

    def close(self) -> None:
        """Leave."""
        self._socket.sendall(f.Terminate().encode())
        self._socket.detach()
        self._libpq.close()

    def run(self, script: str) -> list[str]:
        """Send the messages of a script and return the answers, a line each."""
        lines: list[str] = []
        waiting = b""
        for line in script.splitlines():
            message, answers = _message(line)
            waiting += message.encode()
            if answers is not None:
                self._socket.sendall(waiting)
                waiting = b""
                lines += self._until_ready() if answers == 0 else [self._answer()[1] for _ in range(answers)]
        self._socket.sendall(waiting)
        return lines

    def _until_ready(self) -> list[str]:
        lines = []
        while True:
            kind, line = self._answer()
            lines.append(line)
            if kind == b"Z":
                return lines

    def _answer(self) -> tuple[bytes, str]:
        while len(self._buffer) < 5 or len(self._buffer) < 1 + int.from_bytes(self._buffer[1:5], "big"):
            data = self._socket.recv(65536)
            if not data:
                return b"Z", "(the connection was closed)"
            self._buffer += data
        end = 1 + int.from_bytes(self._buffer[1:5], "big")
        kind, body, self._buffer = self._buffer[:1], self._buffer[5:end], self._buffer[end:]
        if kind == b"E" and b"VFATAL\0" in body:
            return b"Z", self._shown(kind, body)
        return kind, self._shown(kind, body)

    def _shown(self, kind: bytes, body: bytes) -> str:
        if kind in _PLAIN:
            return _PLAIN[kind]
        match _ANSWERS[kind].decode(body):
            case b.RowDescription(fields):
                self._binary = [field.format == 1 for field in fields]
                return " ".join(["RowDescription", *map(_field, fields)])
            case b.DataRow(values):
                return " ".join(["DataRow", *(self._value(number, value) for number, value in enumerate(values))])
            case b.CommandComplete(tag):
                return f"CommandComplete {tag}"
            case b.ReadyForQuery(status):
                return f"ReadyForQuery {status}"
            case b.ParameterDescription(oids):
                return " ".join(["ParameterDescription", *(_type(oid) for oid in oids)])
            case b.ParameterStatus(name, value):
                return f"ParameterStatus {name} {value}"
            case b.NotificationResponse(_, channel, payload):
                return f"NotificationResponse {channel} {payload}".rstrip()
            case b.ErrorResponse(fields) | b.NoticeResponse(fields):
                return _report("Error" if kind == b"E" else "Notice", dict(fields))
        raise AssertionError(kind)

    def _value(self, number: int, value: bytes | None) -> str:
        if value is None:
            return "NULL"
        text = value.decode(errors="replace")
        if (number < len(self._binary) and self._binary[number]) or not text.replace("\n", "").isprintable():
            return f"\\x{value.hex()}"
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _message(line: str) -> tuple[f.FrontendMessage, int | None]:
    """Return a line's message, and how many answers to wait for (0: up to ReadyForQuery, None: none)."""
    kind, *words = _words(line)
    texts = [word.text if isinstance(word, Bare) else word for word in words]
    match kind, texts:
        case Bare("Query"), [query]:
            return f.Query(query), 0
        case Bare("Parse"), [name, query, *types]:
            return f.Parse(name, query, tuple(_OIDS[one] for one in types)), None
        case Bare("Bind"), [portal, statement, *_]:
            return _bind(portal, statement, words[2:]), None
        case Bare("Describe"), [("S" | "P") as target, name]:
            return f.Describe(target, name), None
        case Bare("Close"), [("S" | "P") as target, name]:
            return f.Close(target, name), None
        case Bare("Execute"), [portal, *limit]:
            return f.Execute(portal, int(limit[0]) if limit else 0), None
        case Bare("Flush"), [answers]:
            return f.Flush(), int(answers)
        case Bare("Sync"), []:
            return f.Sync(), 0
    raise ValueError(f"not a message: {line}")


def _words(line: str) -> list[Word]:
    found: list[Word] = []
    for match in _WORD.finditer(line):
        if match[2] is None:
            found.append(re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), match[1]))
        else:
            found.append(Bare(match[2]))
    return found


def _bind(portal: str, statement: str, words: list[Word]) -> f.Bind:
    arrow = next((number for number, word in enumerate(words) if word == Bare("->")), len(words))
    formats, values = [], []
    for word in words[:arrow]:
        binary = isinstance(word, Bare) and word.text.startswith("\\x")
        formats.append(int(binary))
        if isinstance(word, Bare):
            values.append(bytes.fromhex(word.text[2:]) if binary else None)
            assert binary or word.text == "NULL", f"a parameter is a text, NULL or \\x…, not {word.text}"
        else:
            values.append(word.encode())
    results = tuple(int(word.text) for word in words[arrow + 1 :] if isinstance(word, Bare))
    return f.Bind(portal, statement, tuple(formats), tuple(values), results)


def _field(field: b.FieldDescription) -> str:
    modifier = "" if field.type_modifier == -1 else f"({field.type_modifier})"
    return f"{field.name}:{_type(field.type_oid)}{modifier}{'/binary' if field.format else ''}"


def _type(oid: int) -> str:
    return _TYPES.get(oid, "a type of its own" if oid >= 16384 else str(oid))


def _report(kind: str, fields: dict[str, str]) -> str:
    shown = [f"{kind}Response {fields['V']} {fields['C']} {fields['M']}"]
    for letter, name in (("P", "position"), ("D", "detail"), ("H", "hint")):
        if letter in fields:
            shown.append(f"[{name}: {fields[letter]}]")
    return " ".join(shown)
