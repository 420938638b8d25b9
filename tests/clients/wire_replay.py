"""Sequences of a client's messages, sent again: to a gateway and to PostgreSQL, with answers that can be compared.

Two kinds of files hold sequences. Recordings (``.jsonl``) have a case a line with every message that a real tool sent.
Scripts (``.sql``) are our own: statements that end with a line of one semicolon, sent by the simple protocol, or by the
extended one where a line ``--: extended`` stands before them, with options behind it:

``params a|b|NULL`` the parameters, as text; ``binary`` results in binary; ``fetch n`` rows an Execute; ``named s`` a
prepared statement of that name. At the head of a script its first lines say which tool's it is and what it shows,
``--= name=value`` is a parameter of the start-up packet, ``--!`` a gap that it meets.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.authentication.scram_client import MECHANISM, ScramClient
from gateway.wire import frontend as f

_PROTOCOL = 196608
_TIMEOUT = 20.0
_ENDS = {f.Parse: b"1", f.Bind: b"2", f.Describe: b"Tn", f.Execute: b"CIs", f.Close: b"3"}
_CATALOGUES = re.compile(
    r"\bpg_|information_schema|::reg|version\(|current_|session_user|oid\b|now\(|^\s*(show|explain)\b", re.I
)
Answer = tuple[str, object]


@dataclass(frozen=True, slots=True)
class Where:
    """Where and as whom a sequence is replayed. ``host`` may be a folder with a unix socket."""

    host: str
    port: int
    user: str
    password: str
    database: str


@dataclass(frozen=True, slots=True)
class Step:
    """Messages up to one after which a client waits, and the texts they are about."""

    messages: tuple[f.FrontendMessage, ...]
    texts: tuple[str, ...]

    @property
    def is_comparable(self) -> bool:
        """Whether rows must be the same: no text of the step asks the catalogues, and rows are not had in parts."""
        if any(isinstance(one, f.Execute) and one.max_rows for one in self.messages):
            return False
        return not any(_CATALOGUES.search(text) for text in self.texts)


@dataclass(frozen=True, slots=True)
class Sequence_:
    """What one connection sends, under the name of its file and case."""

    name: str
    startup: Mapping[str, str]
    steps: tuple[Step, ...] = field(repr=False)
    gaps: tuple[str, ...] = ()  # what is known to be missing, of a script
    title: str = ""  # the tool, and what the script is of, from its first lines


class WireClient:
    """A connection that sends what it is told, and keeps nothing of its own."""

    def __init__(self, where: Where, startup: Mapping[str, str]) -> None:
        if where.host.startswith("/"):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(_TIMEOUT)
            self._socket.connect(f"{where.host}/.s.PGSQL.{where.port}")
        else:
            self._socket = socket.create_connection((where.host, where.port), timeout=_TIMEOUT)
        self._buffer = b""
        self._skips = False  # an error was answered, and the server waits for Sync
        parameters = {"user": where.user, "database": where.database, **startup}
        self._socket.sendall(f.StartupMessage(_PROTOCOL, parameters).encode())
        scram = ScramClient(where.password)
        while (message := self._message())[0] != b"Z":
            kind, body = message
            if kind == b"E":
                raise ConnectionRefusedError(_fields(body))
            step = int.from_bytes(body[:4], "big") if kind == b"R" else 0
            if step == 10:
                self._socket.sendall(f.SASLInitialResponse(MECHANISM, scram.first()).encode())
            elif step == 11:
                self._socket.sendall(f.SASLResponse(scram.final(body[4:])).encode())

    def ask(self, step: Step) -> list[Answer]:
        """Send a step and return what was answered: rows gathered, parameters' and results' shapes without oids of
        tables.
        """
        self._socket.sendall(b"".join(message.encode() for message in step.messages))
        if isinstance(step.messages[-1], f.Terminate):
            return []
        ends = [_ENDS[type(one)] for one in step.messages if type(one) in _ENDS]
        waits_for_ready = not isinstance(step.messages[-1], f.Flush)
        if not waits_for_ready and (self._skips or not ends):
            return []
        answers: list[Answer] = []
        rows: list[bytes] = []
        while True:
            kind, body = self._message()
            if kind in {b"D", b"d"}:
                rows.append(body)
                continue
            if kind in b"SNA":  # settings, notices and notifications come when they come
                continue
            if rows:
                answers.append(("rows", sorted(rows)))
                rows = []
            answers.append(_answer(kind, body))
            self._skips = kind == b"E" or (self._skips and kind != b"Z")
            if kind in {b"Z", b"G"}:
                return answers
            if not waits_for_ready:
                if kind == b"E":
                    return answers
                if ends and kind in ends[0]:
                    ends.pop(0)
                if not ends:
                    return answers

    def close(self) -> None:
        """Leave without a word."""
        self._socket.close()

    def _message(self) -> tuple[bytes, bytes]:
        while len(self._buffer) < 5 or len(self._buffer) < 1 + int.from_bytes(self._buffer[1:5], "big"):
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionResetError("the server has closed the connection")
            self._buffer += data
        end = 1 + int.from_bytes(self._buffer[1:5], "big")
        message = self._buffer[:end]
        self._buffer = self._buffer[end:]
        return message[:1], message[5:]


def _answer(kind: bytes, body: bytes) -> Answer:
    match kind:
        case b"E":
            return "error", _fields(body)
        case b"T":
            return "columns", _columns(body)
        case b"t":
            count = int.from_bytes(body[:2], "big")
            return "parameters", tuple(int.from_bytes(body[2 + 4 * i : 6 + 4 * i], "big") for i in range(count))
        case b"C":
            return "tag", body[:-1].decode()
        case b"Z":
            return "ready", body.decode()
    return kind.decode(), None


def _fields(body: bytes) -> str:
    parts = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    return f"{parts[b'C']} {parts[b'M']}"


def _columns(body: bytes) -> tuple[tuple[str, int, int, int], ...]:
    """Name, type, modifier and format of each."""
    count, at = int.from_bytes(body[:2], "big"), 2
    columns = []
    for _ in range(count):
        end = body.index(b"\0", at)
        name, at = body[at:end].decode(), end + 1
        modifier = int.from_bytes(body[at + 12 : at + 16], "big", signed=True)
        columns.append((name, int.from_bytes(body[at + 6 : at + 10], "big"), modifier, body[at + 17]))
        at += 18
    return tuple(columns)


def comparable(answers: Sequence[Answer], *, rows: bool) -> list[Answer]:
    """Return answers without what two servers may tell differently: of errors only the code counts, and of the
    catalogues' rows and their number nothing does.
    """
    kept: list[Answer] = []
    rows = rows and not any(kind == "error" for kind, _ in answers)  # how many came before it is nobody's promise
    for kind, value in answers:
        if kind == "error":
            kept.append((kind, str(value)[:5]))
        elif kind == "tag" and not rows:
            kept.append((kind, str(value).rstrip("0123456789 ")))
        elif kind != "rows" or rows:
            kept.append((kind, value))
    return kept


# Files ----------------------------------------------------------------------------------------------------------------


def recorded(path: Path, rename: Mapping[str, str]) -> Iterator[Sequence_]:
    """Read a recording, but for its cases that write. ``rename`` gives other words (a schema, a user) for those of the
    recording.
    """
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(_renamed(line, rename))
        if case["write"]:
            continue
        for number, session in enumerate(case["sessions"]):
            startup = {key: value for key, value in (session["startup"] or {}).items() if key not in _OURS}
            steps = tuple(_steps(session["messages"]))
            if steps:
                yield Sequence_(f"{path.stem}: {case['case']} ({number})", startup, steps)


_OURS = frozenset({"protocol", "user", "database"})


def _renamed(text: str, rename: Mapping[str, str]) -> str:
    for word, other in rename.items():
        text = re.sub(rf"(?<![a-z_]){word}(?![a-z_])", other, text)
    return text


def _steps(messages: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    texts: dict[str, str] = {}
    portals: dict[str, str] = {}
    pending: list[f.FrontendMessage] = []
    about: list[str] = []
    for one in messages:
        pending.append(_message(one))
        match one["msg"]:
            case "Query":
                about.append(one["sql"])
            case "Parse":
                texts[one["stmt"]] = one["sql"]
                about.append(one["sql"])
            case "Bind":
                portals[one["portal"]] = texts.get(one["stmt"], "")
                about.append(portals[one["portal"]])
            case "Execute":
                about.append(portals.get(one["portal"], ""))
        if one["msg"] in {"Query", "Sync", "Flush", "Terminate"}:
            yield Step(tuple(pending), tuple(about))
            pending, about = [], []


def _message(one: Mapping[str, Any]) -> f.FrontendMessage:
    match one["msg"]:
        case "Query":
            return f.Query(one["sql"])
        case "Parse":
            return f.Parse(one["stmt"], one["sql"], tuple(one["param_types"]))
        case "Bind":
            formats = one["param_formats"]
            return f.Bind(
                one["portal"],
                one["stmt"],
                tuple(formats),
                tuple(_value(value, index, formats) for index, value in enumerate(one["params"])),
                tuple(one["result_formats"]),
            )
        case "Describe":
            return f.Describe(one["kind"], one["name"])
        case "Execute":
            return f.Execute(one["portal"], one["max_rows"])
        case "Close":
            return f.Close(one["kind"], one["name"])
        case "CopyData":
            return f.CopyData(b"")
        case "CopyFail":
            return f.CopyFail(one["text"])
    plain: dict[str, f.FrontendMessage] = {
        "Sync": f.Sync(),
        "Flush": f.Flush(),
        "CopyDone": f.CopyDone(),
        "Terminate": f.Terminate(),
    }
    return plain[one["msg"]]


def _value(value: str | None, index: int, formats: Sequence[int]) -> bytes | None:
    if value is None:
        return None
    is_binary = (formats[index] if len(formats) > 1 else formats[0]) if formats else 0
    return bytes.fromhex(value[2:]) if is_binary else value.encode()


def scripted(path: Path) -> Sequence_:
    """Read one of our own scripts."""
    startup: dict[str, str] = {}
    steps: list[Step] = []
    lines: list[str] = []
    title: list[str] = []
    gaps: list[str] = []
    options = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("--="):
            name, _, value = line[3:].strip().partition("=")
            startup[name] = value
        elif line.startswith("--:"):
            options = line[3:].strip()
        elif line.startswith("--!"):
            gaps.append(line[3:].strip())
        elif line.strip() == ";":
            steps.append(_step("\n".join(lines).strip(), options))
            lines, options = [], ""
        elif lines or not line.startswith("--"):
            lines.append(line)
        elif not steps:
            title.append(line[2:].strip())
    return Sequence_(path.stem, startup, tuple(steps), tuple(gaps), " ".join(title))


def _step(text: str, options: str) -> Step:
    if not options:
        return Step((f.Query(text),), (text,))
    words = dict([*part.split(maxsplit=1), ""][:2] for part in re.split(r";\s*", options))
    params = tuple(None if one == "NULL" else one.encode() for one in words.get("params", "").split("|") if one)
    name = words.get("named", "")
    bind = f.Bind("", name, (), params, (1,) if "binary" in words else ())
    limit = int(words.get("fetch", 0))
    executes = (f.Execute("", limit), f.Execute("", limit)) if limit else (f.Execute("", 0),)
    messages = (f.Parse(name, text, ()), f.Describe("S", name), bind, f.Describe("P", ""), *executes, f.Sync())
    return Step(messages, (text,))
