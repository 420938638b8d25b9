"""Statements that give and take access, in one session: at once where there is no transaction, else at its COMMIT.

In a transaction block each statement is rehearsed together with those before it, so that its errors come when it is
sent; no lock is held for it meanwhile. COMMIT carries out all of them as one change, and fails if they have become
impossible. Until then the session itself does not see what they do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.errors import SqlError
from catalog.mirror.access_statements import AccessAnswer, AccessOutcome, AccessRequest, AccessStatement
from catalog.sqlstate import SqlState
from gateway.sql.access import access_statement
from gateway.sql.statements import Statement
from gateway.sql.tokens import tokens
from gateway.wire import backend

ExecuteAccess = Callable[[AccessRequest], Awaitable[AccessOutcome]]
_MOST = 200  # statements of one transaction: each is rehearsed with all before it
_COMMITS = frozenset({"COMMIT", "END"})


class Client(Protocol):
    """Where answers go."""

    def send(self, message: backend.BackendMessage) -> None:
        """Queue a message."""


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom statements run, and where unqualified names are looked up (a ``search_path`` as SHOW tells it)."""

    session_user: str
    current_user: str
    search_path: str


class AccessLane:
    """The statements of access of one session."""

    def __init__(self, execute: ExecuteAccess, client: Client) -> None:
        self._execute = execute
        self._client = client
        self._pending: list[AccessStatement] = []
        self._savepoints: list[tuple[str, int]] = []
        self._lost = False  # a savepoint was rolled back to that is not known: what is pending is uncertain

    @property
    def pending(self) -> bool:
        """Whether the transaction has something to be carried out at COMMIT."""
        return bool(self._pending)

    def ends_here(self, statement: Statement) -> bool:
        """Whether a statement would commit what is pending."""
        return self.pending and statement.head in _COMMITS

    async def run(self, statements: Sequence[Statement], identity: Identity, *, in_transaction: bool) -> None:
        """Carry out statements, or rehearse them in a transaction; send tags and notices. Raises SqlError."""
        made = [_made(statement, identity) for statement in statements]
        if in_transaction:
            if len(self._pending) + len(made) > _MOST:
                raise SqlError(
                    SqlState.STATEMENT_TOO_COMPLEX, f"a transaction has at most {_MOST} statements of access"
                )
            outcome = await self._execute(AccessRequest((*self._pending, *made), keep=False))
            self._pending += made
        else:
            outcome = await self._execute(AccessRequest(tuple(made)))
        for answer in outcome.answers[-len(made) :]:
            self._answer(answer)

    async def commit(self) -> None:
        """Carry out what is pending. Raises SqlError where it has become impossible; then nothing is carried out."""
        pending, lost = tuple(self._pending), self._lost
        self.ended()
        if lost:
            raise SqlError(
                SqlState.TRANSACTION_ROLLBACK,
                "it is not known which statements of access the transaction still has",
                hint="Run the transaction again.",
            )
        if pending:
            await self._execute(AccessRequest(pending))

    def executed(self, statement: Statement) -> None:
        """Follow the mirror's transaction: a statement of the session was executed there."""
        words = [token.text for token in tokens(statement.text)]
        name = words[-1]
        name = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
        to_savepoint = statement.head == "ROLLBACK" and "TO" in (word.upper() for word in words)
        if statement.head == "SAVEPOINT":
            self._savepoints.append((name, len(self._pending)))
        elif statement.head == "RELEASE":
            self._back_to(name)
        elif to_savepoint:
            known = self._back_to(name)
            if known is not None:
                self._pending = self._pending[:known]
                self._savepoints.append((name, known))
            elif self._pending:
                self._lost = True
        elif statement.head in {"ROLLBACK", "ABORT"}:
            self.ended()

    def ended(self) -> None:
        """Forget a transaction."""
        self._pending, self._savepoints, self._lost = [], [], False

    def _back_to(self, name: str) -> int | None:
        """Drop a savepoint and those after it; return how much was pending when it was made."""
        for index in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[index][0] == name:
                pending = self._savepoints[index][1]
                del self._savepoints[index:]
                return pending
        return None

    def _answer(self, answer: AccessAnswer) -> None:
        for notice in answer.notices:
            self._client.send(backend.NoticeResponse(dict(notice.fields)))
        self._client.send(backend.CommandComplete(answer.tag))


def _made(statement: Statement, identity: Identity) -> AccessStatement:
    made = access_statement(statement.text, statement.start)
    return made.run_by(identity.session_user, identity.current_user, identity.search_path)
