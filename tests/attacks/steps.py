"""The language of attack cases: what each user sends, one step after the other.

    tina: SELECT …            a simple query; a step without a user is tina's. Other lines go on with the step.
    tina extended: …          Parse, Describe, Bind, Describe, Execute, Sync; ``tina extended 5 x: …`` gives parameters
    tina binary: …            the same, with values in binary
    tina parse s: …           Parse and Describe under a name
    tina run s 5 x:           Bind, Describe, Execute of that name; ``tina run-binary s:`` in binary
    tina portal c 2: …        Parse, Bind of portal c, Execute for two rows
    tina fetch c 2:           Execute of that portal
    tina call 2100 x:         a FunctionCall message with an argument
    tina connect role=x:      a connection of its own with parameters of the startup message, then a query
    tina blind: …             a query whose answer is not written down, for it differs each time; it is searched

A comment that ends in ``(shown)`` marks what catalogues tell as in every PostgreSQL: the case fails once they do not,
and then the mark goes. One that ends in ``(accepted)`` may differ between the worlds.

``{t}`` in a case stands for one kind of source, chosen by its text, or each of the four in turn where the comment of
the case ends in ``(all kinds)``. Each such case is tried on views, too.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.wire import frontend as f
from tests.attacks.clients import AttackClient, Clients, Message, keeps_session, shown
from tests.attacks.worlds import AUD, COMMON, EVE, KINDS, OLGA, SAM, TINA, USERS, VIEWS
from tests.scripts import Block, read

CASES = Path(__file__).with_name("cases")
_STEP = re.compile(rf"(?P<user>{'|'.join(USERS)})(?: (?P<how>[a-z-]+)(?P<words>(?: [^ :]+)*))?:(?: |$)(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Step:
    """What one user sends."""

    user: str
    how: str
    words: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a class, over one kind of source (or none)."""

    name: str
    block: Block
    kind: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a step."""

    step: Step
    messages: tuple[Message, ...]


def cases(path: Path) -> list[Case]:
    """Return the cases of a class."""
    return [case for block in read(path) for case in _cases(path.stem, block)]


def cases_on_views(path: Path) -> list[Case]:
    """Return the cases of a class that name tables and are not those of owners, over views."""
    found = (_case(path.stem, block, VIEWS) for block in read(path) if "{t}" in _text(block))
    return [case for case in found if all(step.user in {TINA, SAM, EVE, AUD} for step in case.steps)]


def _cases(name: str, block: Block) -> Iterator[Case]:
    text = _text(block)
    kinds = [""]
    if "{t}" in text:
        kinds = [*KINDS] if block.comment.endswith("(all kinds)") else [KINDS[zlib.crc32(text.encode()) % len(KINDS)]]
    for kind in kinds:
        yield _case(name, block, kind)


def _case(name: str, block: Block, kind: str) -> Case:
    return Case(f"{name}.sql:{block.line}", block, kind, tuple(_steps(_filled(_text(block), kind))))


def _text(block: Block) -> str:
    return f"{block.command}\n{block.text}".strip()


def _filled(text: str, kind: str) -> str:
    return text.replace("{t}", kind).replace("{common}", str(COMMON)).replace("{nbsp}", "\u00a0")


def _steps(text: str) -> Iterator[Step]:
    user, how, words, lines = TINA, "", (), []
    for number, line in enumerate(text.splitlines()):
        found = _STEP.match(line)
        if found is None:
            lines.append(line)
            continue
        if number:
            yield Step(user, how, tuple(words), "\n".join(lines))
        user, how = found["user"], found["how"] or ""
        words, lines = tuple((found["words"] or "").split()), [found["text"]]
    yield Step(user, how, tuple(words), "\n".join(lines))


def run(case: Case, clients: Clients) -> list[Answer]:
    """Send a case's steps; connections that it may have changed are closed behind it."""
    answers = [_run(step, clients) for step in case.steps]
    changed = {step.user for step in case.steps if step.how not in {"", "extended", "binary", "blind"}}
    changed |= {step.user for step in case.steps if not keeps_session(step.text)}
    clients.leave([*changed])
    return answers


def _run(step: Step, clients: Clients) -> Answer:
    if step.how == "connect":
        return Answer(step, _connect(step, clients))
    messages = _MESSAGES[step.how](step)
    return Answer(step, tuple(clients.get(step.user).ask(*messages)))


def _connect(step: Step, clients: Clients) -> tuple[Message, ...]:
    options = dict(word.replace("\\s", " ").split("=", 1) for word in step.words)
    try:
        client = AttackClient(clients.address, step.user, **options)
    except ConnectionRefusedError as refusal:
        return ((b"", str(refusal).encode()),)
    try:
        return tuple(client.ask(f.Query(step.text)))
    finally:
        client.close()


def _query(step: Step) -> list[f.FrontendMessage]:
    return [f.Query(step.text)]


def _extended(step: Step, result_format: int = 0) -> list[f.FrontendMessage]:
    values = tuple(word.encode() for word in step.words)
    bind = f.Bind("", "", (), values, (result_format,))
    parse = f.Parse("", step.text)
    return [parse, f.Describe("S", ""), bind, f.Describe("P", ""), f.Execute(""), f.Sync()]


def _parse(step: Step) -> list[f.FrontendMessage]:
    return [f.Parse(step.words[0], step.text), f.Describe("S", step.words[0]), f.Sync()]


def _run_named(step: Step, result_format: int = 0) -> list[f.FrontendMessage]:
    name, *values = step.words
    bind = f.Bind("", name, (), tuple(value.encode() for value in values), (result_format,))
    return [bind, f.Describe("P", ""), f.Execute(""), f.Sync()]


def _portal(step: Step) -> list[f.FrontendMessage]:
    name, rows = step.words
    return [f.Parse("", step.text), f.Bind(name, ""), f.Execute(name, int(rows)), f.Sync()]


def _fetch(step: Step) -> list[f.FrontendMessage]:
    name, rows = step.words
    return [f.Execute(name, int(rows)), f.Sync()]


def _call(step: Step) -> list[f.FrontendMessage]:
    oid, *arguments = step.words
    return [f.FunctionCall(int(oid), (), tuple(one.encode() for one in arguments), 0)]


_MESSAGES = {
    "": _query,
    "blind": _query,
    "extended": _extended,
    "binary": lambda step: _extended(step, 1),
    "parse": _parse,
    "run": _run_named,
    "run-binary": lambda step: _run_named(step, 1),
    "portal": _portal,
    "fetch": _fetch,
    "call": _call,
}


def written(case: Case, answers: list[Answer]) -> str:
    """Return what a case was answered as its script has it."""
    lines: list[str] = []
    for answer in answers:
        if len(answers) > 1:
            lines.append(f"> {answer.step.user}")
        if answer.step.how != "blind":
            lines += shown(answer.messages)
    text = re.sub(r"(?<=, )(delta|iceberg|postgres|files)\)", "a kind of source)", "\n".join(lines))
    return re.sub(rf"\b{case.kind}\b", "{t}", text) if case.kind else text


# What no answer may hold ---------------------------------------------------------------------------------------------

_SECRET = r"leak|kael|4c45414b|TEVBS|xFQU|MRUFL|7770[12]\d{4}"  # as it is, backwards, in hex, in base64
_FORBIDDEN = {
    TINA: f"{_SECRET}|SVIS|WVIS",
    SAM: f"{_SECRET}|NVIS|WVIS",
    EVE: f"{_SECRET}|NVIS|SVIS|WVIS",
    AUD: r"LEAK-(vault|extra|code|item|[AB]-\d+@)|leak_|7770[12]\d{4}",
    OLGA: r"LEAK-(vault|extra|code|[AB]-\d+@)|leak_|7770[12]\d{4}",
}
_WORD_WITH_SECRET = re.compile(rf"[\w-]*(?:{_SECRET}|SVIS|NVIS|WVIS)[\w-]*", re.IGNORECASE)
_BINARY = [number.to_bytes(8, "big") for base in (777010000, 777020000) for number in range(base, base + 300)]


def markers(case: Case, answer: Answer) -> list[str]:
    """Return the markers in an answer, other than what the client itself has written."""
    pattern = _FORBIDDEN.get(answer.step.user)
    if pattern is None:
        return []
    own = {word for step in case.steps for word in _WORD_WITH_SECRET.findall(step.text)}
    data = b"\n".join(body for _, body in answer.messages)
    text = data.decode("latin-1")
    for word in sorted(own, key=len, reverse=True):
        text = text.replace(word, "").replace(word.lower(), "")
    return re.findall(pattern, text, re.IGNORECASE) + [number.hex() for number in _BINARY if number in data]
