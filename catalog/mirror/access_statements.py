"""Statements that give and take access, as they are handed to the mirror, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from catalog.store.rows import AccessRows, PolicyState

MakeVerifier = Callable[[str, str], str]  # a role and the password it is to have -> the verifier that is kept


@dataclass(frozen=True, slots=True)
class StateOfPolicy:
    """The state that a row policy is to have; ``table`` as SQL writes its name."""

    policy: str
    table: str
    state: PolicyState


@dataclass(frozen=True, slots=True)
class AccessStatement:
    """One statement. ``text`` is what PostgreSQL gets, with NULL in the place of a password: it never sees one.

    ``password`` is what stood there; None where there was none, or NULL.
    ``state`` is that of the policy which the statement makes or alters.
    ``on_rows``: it is about row security, for which PostgreSQL must take views for tables; ``drops_owned``: it drops
    what a role has. ``drops`` are the views, as SQL writes their names, that it drops; ``on_view`` is that of an
    ``ALTER VIEW`` on row security, which PostgreSQL gets as ``ALTER TABLE``.
    ``start`` is the statement's offset in the client's text; behind the character ``shifted_after``, positions are
    ``shift`` less than in it. ``session_user``, ``current_user`` and ``search_path`` are the session's.
    """

    text: str
    password: str | None = field(default=None, repr=False)
    start: int = 0
    shifted_after: int = 0
    shift: int = 0
    state: StateOfPolicy | None = None
    on_rows: bool = False
    drops_owned: bool = False
    drops: tuple[str, ...] = ()
    on_view: str | None = None
    session_user: str = ""
    current_user: str = ""
    search_path: str = ""

    def run_by(self, session_user: str, current_user: str, search_path: str) -> AccessStatement:
        """Return the statement with as whom it runs, and where it looks for names."""
        return replace(self, session_user=session_user, current_user=current_user, search_path=search_path)

    def position(self, told: int) -> int:
        """Return the 1-based position in the client's text for one that PostgreSQL told."""
        return told + self.start + (self.shift if told > self.shifted_after else 0)


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Statements that take effect together, or not at all. ``keep`` is False for a rehearsal: all is judged, and
    nothing is kept.
    """

    statements: tuple[AccessStatement, ...]
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is no error: its fields by PostgreSQL's letters."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gateway found of policies that were written: what is to be told, and the patterns in them, each with its
    operator (``~`` or ``SIMILAR TO``), which PostgreSQL is to read.
    """

    notices: tuple[Notice, ...] = ()
    patterns: frozenset[tuple[str, str]] = frozenset()


JudgePolicies = Callable[[AccessRows, AccessRows], Judged]  # of the rows before and after; raises SqlError


@dataclass(frozen=True, slots=True)
class Checks:
    """What the gateway itself decides of statements that PostgreSQL carries out."""

    make_verifier: MakeVerifier
    judge_policies: JudgePolicies


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """What became of one statement: its command tag and the notices that came with it."""

    tag: str
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessOutcome:
    """What a request did: an answer for each statement, and the rows as they are now."""

    answers: tuple[AccessAnswer, ...]
    access: AccessRows
